# SPDX-License-Identifier: Apache-2.0
"""Links of mails while the stores fail at every single op, and what the stores are asked for whom."""
import pytest

import faulty
from faulty import each_op_in_turn, ops_of
from harness import GOOD_SECRET, wait_for
from links import FORGOT, OPTIONS, RESET, both, follow, forget, mails_to, query_of
from mails import SEND, VERIFY, mail_in, new_address
from pages import Browser, behind_hash
from steps import LOGIN, later

NEW = "Turbine-oatmeal-77"
DOWN = 503

pytestmark = [pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these"),
              pytest.mark.one_host(reason="a fault is told to the host of one state folder")]


@pytest.fixture
def server(make_server, plugins):
    return make_server(*faulty.OPTIONS, *OPTIONS, plugins=str(plugins))


def sent(server, client, path, address):
    flow_id = client.ok("POST", path, {"email": address})["flow_id"]
    (mail,) = wait_for_mails(server, address)
    return flow_id, mail


def wait_for_mails(server, address):
    return wait_for(lambda: mails_to(server, address), f"a mail to {address}")


@pytest.mark.parametrize("path", [SEND, FORGOT])
def test_a_mail_is_sent_when_it_says_so(server, path):
    """A77: never a link in a mail that leads nowhere, and nothing sent by a request that failed."""
    for fault in each_op_in_turn(server):
        client, address, after = server.client(), new_address(), new_address()
        with fault:
            answer = client.post(path, {"email": address})
        assert answer.status_code in (200, DOWN), f"{fault}: {answer.text}"
        if answer.status_code == 200:
            (mail,) = wait_for_mails(server, address)
            opened = Browser(server).open(mail["link"])
            assert opened.status_code == 200, f"{fault}: {opened.text}"
        else:
            sent(server, client, path, after)
            assert mails_to(server, address) == [], fault


def test_the_button_gives_a_good_grant_or_none(server):
    for fault in each_op_in_turn(server):
        client, address, browser = server.client(), new_address(), Browser(server)
        flow_id, mail = sent(server, client, SEND, address)
        page = browser.open(mail["link"])
        with fault:
            answer = browser.send(page)
        assert answer.status_code in (303, DOWN), f"{fault}: {answer.text}"
        if answer.status_code == 303:
            proof = {"grant": behind_hash(answer)[1]["grant"]}
        else:
            proof = {"code": mail["code"]}  # whatever became of the link
        assert client.ok("POST", VERIFY, {"flow_id": flow_id, **proof})["is_new_user"] is True, fault


def test_a_grant_signs_in_at_most_once(server):
    for fault in each_op_in_turn(server):
        client, address = server.client(), new_address()
        flow_id, mail = sent(server, client, SEND, address)
        body = {"flow_id": flow_id, "grant": follow(server, mail)[1]["grant"]}
        with fault:
            first = client.post(VERIFY, body)
        assert first.status_code in (200, DOWN), f"{fault}: {first.text}"
        second = client.post(VERIFY, body)
        assert second.status_code == 410 if first.ok else second.status_code in (200, 410), f"{fault}: {second.text}"


def test_a_reset_by_the_link_is_done_or_not(server):
    for fault in each_op_in_turn(server):
        who, client = both(server), server.client()
        _, mail = forget(server, client, who.email)
        with fault:
            answer = client.post(RESET, {**query_of(mail["link"]), "new_password": NEW})
        assert answer.status_code in (200, DOWN), f"{fault}: {answer.text}"
        good = [server.client().post(LOGIN, {"account": who.email, "password": secret}).ok
                for secret in (GOOD_SECRET, NEW)]
        assert sum(good) == 1, f"{fault}: {good}"
        if answer.ok:
            assert good == [False, True] and who.get("/api/v1/auth/check").status_code == 401, fault


QUESTIONS = {
    "forgotten": lambda client, email: client.post(FORGOT, {"email": email}),
    "too soon": lambda client, email: client.post(FORGOT, {"email": email}),
    "a link": lambda client, email: client.post(SEND, {"email": email}),
    "wrong ticket": lambda client, email: client.post(RESET, {"email": email, "ticket": "0" * 32,
                                                              "new_password": NEW}),
    "wrong code": lambda client, email: client.post(RESET, {"email": email, "code": "000000",
                                                            "new_password": NEW}),
}


def test_the_stores_are_asked_the_same_for_everybody(server):
    """A43: the work of each question is the same, whether there is an account or not."""
    frozen = both(server)
    server.ctl("user", "freeze", frozen.phone)
    kinds = {"with password": both(server).email, "without password": mail_in(server).email,
             "frozen": frozen.email, "stranger": new_address()}
    later(server, 86400)
    for email in kinds.values():  # each has had a mail before
        forget(server, server.client(), email)
    later(server)
    for question, ask in QUESTIONS.items():
        ops = {kind: ops_of(server, lambda e=email: ask(server.client(), e)) for kind, email in kinds.items()}
        print(f"{question}: {len(ops['stranger'])} ops")
        assert len(ops["stranger"]) > 1, f"{question}: nothing was seen"
        for kind, seen in ops.items():
            assert seen == ops["stranger"], f"{question}: {kind}"
        if question == "too soon":
            later(server)
