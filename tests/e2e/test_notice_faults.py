# SPDX-License-Identifier: Apache-2.0
"""Whose way in was changed is told so, whatever fails after the change."""
import pytest

from faulty import OPTIONS as FAULTY, each_op_in_turn
from harness import GOOD_SECRET, wait_for
from links import FORGOT, RESET, both
from mails import VERIFY, mail_in, new_address, send_code
from steps import LOGIN, PASSWORD, later, rows

NEW = "Turbine-oatmeal-77"

pytestmark = [pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these"),
              pytest.mark.one_host(reason="a fault is told to the host of one state folder")]


@pytest.fixture
def server(make_server, plugins):
    return make_server(*FAULTY, "password.notices=mail", plugins=str(plugins))


def told(server, address, template):
    return [message for message in server.outbox()
            if message["to"] == address and message["template"] == template]


def is_good(server, who, secret):
    return server.client().post(LOGIN, {"phone": who.phone, "password": secret}).ok


def change(server, who):
    return lambda: who.put(PASSWORD, {"old_password": GOOD_SECRET, "new_password": NEW})


def reset(server, who):
    flow_id = who.ok("POST", FORGOT, {"phone": who.phone})["flow_id"]
    body = {"phone": who.phone, "code": server.code_for(who.phone, "reset"), "flow_id": flow_id}
    return lambda: server.client().post(RESET, {**body, "new_password": NEW})


@pytest.mark.parametrize("prepare", [change, reset])
def test_a_new_password_is_told_of(server, prepare):
    n_late = 0
    for fault in each_op_in_turn(server, ["kv"]):
        who = both(server)
        assert is_good(server, who, GOOD_SECRET)  # and another session, which ends with the change
        ask = prepare(server, who)
        with fault:
            answer = ask()
        assert answer.status_code in (200, 503), f"{fault}: {answer.text}"
        if answer.ok:
            continue
        if is_good(server, who, NEW):
            n_late += 1
            wait_for(lambda: told(server, who.email, "password"), f"{fault}: the notice")
        else:
            assert told(server, who.email, "password") == [], fault
    assert n_late > 0, "nothing failed after the change"


def test_a_new_address_is_told_to_the_old_one(server):
    n_late = 0
    for fault in each_op_in_turn(server, ["kv"]):
        who, new = mail_in(server), new_address()
        later(server)
        flow_id, code = send_code(server, who, new, "change")
        with fault:
            answer = who.post(VERIFY, {"email": new, "code": code, "flow_id": flow_id})
        assert answer.status_code in (200, 503), f"{fault}: {answer.text}"
        if answer.ok:
            continue
        if rows(server, "SELECT 1 FROM user_identities WHERE namespace = 'email' AND subject = ?", new):
            n_late += 1
            wait_for(lambda: told(server, who.email, "changed"), f"{fault}: the notice")
        else:
            assert told(server, who.email, "changed") == [], fault
    assert n_late > 0, "nothing failed after the change"
