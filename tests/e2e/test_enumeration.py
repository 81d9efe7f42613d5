# SPDX-License-Identifier: Apache-2.0
"""Whether an account exists is told to nobody who has not proved the identifier: not by words, not by limits."""
import os
import statistics
import time

import pytest

from faulty import OPTIONS, ops_of
from gateway import Gateway
from harness import GOOD_SECRET, new_phone, register, send_code, sign_in, wait_for
from parallel import FULL
from steps import (LOGIN, PHONE_LOGIN, REGISTER, SEND, code_again, fields_of, later, look_of, near,
                   wrong)

pytestmark = pytest.mark.core

@pytest.fixture(scope="module")
def people(server):
    """A number of each kind; all but the stranger's have an account."""
    frozen = register(server)
    server.ctl("user", "freeze", frozen.phone)
    kinds = {"with password": register(server).phone, "without password": sign_in(server).phone,
             "frozen": frozen.phone, "stranger": new_phone()}
    later(server)
    return kinds


def assert_all_alike(looks):
    first = looks["stranger"]
    for kind, look in looks.items():
        assert [near(one) for one in look] == [near(one) for one in first], f"{kind}: {look} {first}"


def test_login_with_a_password(server, people):
    """A42: up to and beyond the limit, all kinds look the same."""
    looks = {kind: [look_of(server.client().post(LOGIN, {"account": phone, "password": f"wrong-{i}"}))
                    for i in range(12)] for kind, phone in people.items()}
    assert [look[0] for look in looks["stranger"]] == [401] * 10 + [429] * 2
    assert_all_alike(looks)


def test_asking_for_a_code(server, people):
    later(server, 86400)
    looks = {}
    for kind, phone in people.items():
        client = server.client()
        looks[kind] = [look_of(client.post(SEND, {"phone": phone})) for _ in range(3)]
    assert [look[0] for look in looks["stranger"]] == [200, 429, 429]
    assert_all_alike(looks)


def test_budget_of_messages(server, people):
    """Also who never asked before and who has no account runs into the same limit at the same time."""
    later(server, 86400)
    looks = {kind: [] for kind in people}
    for _ in range(7):
        for kind, phone in people.items():
            looks[kind].append(look_of(server.client().post(SEND, {"phone": phone, "purpose": "reset"})))
        later(server)
    assert [look[0] for look in looks["stranger"]] == [200] * 5 + [429] * 2
    assert_all_alike(looks)


def test_wrong_codes(server, people):
    later(server, 86400)
    looks = {}
    for kind, phone in people.items():
        client = server.client()
        flow_id, code = send_code(server, client, phone)
        looks[kind] = [look_of(client.post(PHONE_LOGIN, {"phone": phone, "code": wrong(code, i + 1),
                                                         "flow_id": flow_id})) for i in range(7)]
    assert [look[0] for look in looks["stranger"]] == [401] * 5 + [410] * 2
    assert_all_alike(looks)


def test_codes_that_were_never_asked_for(server, people):
    later(server, 86400)
    looks = {kind: [look_of(server.client().post(path, {"phone": phone, "code": "123456"}))
                    for path in (PHONE_LOGIN, LOGIN, "/api/login")] for kind, phone in people.items()}
    assert_all_alike(looks)


def test_registering_without_a_proof(server, people):
    later(server, 86400)
    looks = {}
    for kind, phone in people.items():
        client = server.client()
        flow_id, code = send_code(server, client, phone, "register")
        body = {"phone": phone, "flow_id": flow_id, "password": GOOD_SECRET}
        looks[kind] = [look_of(client.post(REGISTER, {**body, "code": wrong(code, i)})) for i in (1, 2)]
        looks[kind].append(look_of(client.post(REGISTER, {**body, "code": wrong(code), "password": "x"})))
    assert [look[0] for look in looks["stranger"]] == [401, 401, 422]
    assert_all_alike(looks)


def test_binding_without_a_proof(server, people):
    later(server, 86400)
    who, looks = sign_in(server), {}
    for kind, phone in people.items():
        flow_id, code = send_code(server, who, phone, "bind")
        looks[kind] = [look_of(who.post("/api/v1/user/bind/phone_sms", {
            "phone": phone, "code": wrong(code), "flow_id": flow_id}))]
    assert_all_alike(looks)


QUESTIONS_BEFORE_A_PROOF = {
    "login": (SEND, {}), "old path": ("/api/send-code", {}), "register": (SEND, {"purpose": "register"}),
    "reset": (SEND, {"purpose": "reset"}), "forgotten": ("/api/v1/auth/forgot-password", {}),
    "generic": ("/api/v1/auth/phone_sms/begin", {}), "guess": (PHONE_LOGIN, {"code": "000000"}),
    "secret": (LOGIN, {"password": "wrong"}),
    "new secret": ("/api/v1/auth/reset-password", {"code": "000000", "new_password": GOOD_SECRET}),
    "newcomer": (REGISTER, {"code": "000000", "password": GOOD_SECRET})}


@pytest.mark.parametrize("question", QUESTIONS_BEFORE_A_PROOF)
def test_eleven_times_the_same_question(server, people, question):
    """A42: also the second, the sixth and the eleventh answer tell nothing, nor do their headers."""
    later(server, 86400)
    path, fields = QUESTIONS_BEFORE_A_PROOF[question]
    looks = {kind: [look_of(server.client().post(path, {"phone": phone, **fields})) for _ in range(11)]
             for kind, phone in people.items()}
    assert all(look[0] < 500 for look in looks["stranger"]), looks["stranger"]
    assert_all_alike(looks)


def test_binding_numbers_of_others_eleven_times(server, people):
    """Somebody signed in, who asks for codes to numbers of others, learns as little."""
    later(server, 86400)
    who = sign_in(server)
    looks = {kind: [look_of(who.post(SEND, {"phone": phone, "purpose": purpose}))
                    for purpose in ("bind", "change", "bind") * 4] for kind, phone in people.items()}
    assert [look[0] for look in looks["stranger"]] == [200] + [429] * 11
    assert_all_alike(looks)


def test_who_has_proved_the_number_is_told(server, people):
    """The positive twin: after the proof each kind has its own answer."""
    later(server, 86400)
    told = {}
    for kind, phone in people.items():
        client = server.client()
        flow_id, code = code_again(server, client, phone)
        answer = client.post(PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id}).json()
        told[kind] = answer.get("error") or answer["data"]["is_new_user"]
    assert told == {"with password": False, "without password": False, "frozen": "account_frozen",
                    "stranger": True}


def test_usernames_are_public_and_lead_nowhere_else(server):
    name = "zoe" + new_phone()[-8:]
    who = register(server, username=name)
    client = server.client()
    answer = client.refused(401, "invalid_credentials", "POST", LOGIN, {"account": name, "password": "x"})
    other = client.refused(401, "invalid_credentials", "POST", LOGIN,
                           {"account": name + "x", "password": "x"})
    assert look_of(answer) == look_of(other)
    assert who.phone[-4:] not in answer.text
    taken = sign_in(server).refused(422, "field_invalid", "PUT", "/api/v1/user/profile", {"username": name})
    assert fields_of(taken) == {"username": "taken"}


# ---- A43: time. Machines lie about it, so the work is counted; the medians are printed. ----

def kinds_of(server):
    frozen = register(server)
    server.ctl("user", "freeze", frozen.phone)
    kinds = {"with password": register(server).phone, "without password": sign_in(server).phone,
             "frozen": frozen.phone, "stranger": new_phone()}
    later(server, 86400)
    for phone in kinds.values():  # each has had a code before
        send_code(server, server.client(), phone)
    later(server)
    return kinds


QUESTIONS = {
    "password": lambda client, phone: client.post(LOGIN, {"account": phone, "password": "wrong"}),
    "another code": lambda client, phone: client.post(SEND, {"phone": phone}),
    "wrong code": lambda client, phone: client.post(PHONE_LOGIN, {"phone": phone, "code": "000000"}),
    "too soon": lambda client, phone: client.post(SEND, {"phone": phone}),
    "register": lambda client, phone: client.post(REGISTER, {"phone": phone, "code": "000000",
                                                             "password": GOOD_SECRET}),
}


@pytest.mark.stores("sqlite", "lmdb", reason="the telling drivers stand in front of these")
@pytest.mark.one_host(reason="the drivers tell it in one state folder")
def test_the_stores_are_asked_the_same_for_everybody(make_server, plugins):
    server = make_server(*OPTIONS, plugins=str(plugins))
    kinds = kinds_of(server)
    for question, ask in QUESTIONS.items():
        ops = {kind: ops_of(server, lambda p=phone: ask(server.client(), p)) for kind, phone in kinds.items()}
        print(f"{question}: {len(ops['stranger'])} ops")
        assert len(ops["stranger"]) > 1, f"{question}: nothing was seen"
        for kind, seen in ops.items():
            assert seen == ops["stranger"], f"{question}: {kind}"


SLOW = "[group sms]\nsenders = gate\n\n[gate]\nplugin = sms_http\nurl = {}\nmax_running = 8\n"


def test_nobody_waits_for_the_gateway(make_server):
    """A43: a gateway that has not answered yet does not show to whom there was something to send."""
    gateway = Gateway("hang")
    try:
        server = make_server(conf={"40-messages.ini": SLOW.format(gateway.url)})
        kinds = {"known": new_phone(), "frozen": new_phone(), "stranger": new_phone()}
        for kind in ("known", "frozen"):
            server.ctl("user", "create", kinds[kind])
        server.ctl("user", "freeze", kinds["frozen"])
        looks = {kind: [look_of(server.client().post(SEND, {"phone": phone}))] for kind, phone in kinds.items()}
        assert [look[0] for look in looks["stranger"]] == [200]
        assert_all_alike(looks)
        wait_for(lambda: len(gateway.received) == 3, "three messages at the gateway, none answered")
    finally:
        gateway.stop()


def cpu_ms(server):
    """What the threads of the one worker have used."""
    pid, used = server.workers()[0], 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            used += int(file.read().split()[0])
    return used / 1e6


N_SAMPLES = 300 if FULL else 12


@pytest.mark.one_host(reason="the work of one worker is looked at")
def test_a_hash_is_computed_for_everybody(make_server):
    """One that is not computed, or with a cost of one less, is half the work or less."""
    server = make_server("limits.secret_failures=1000", "limits.secret_failures_total=10000",
                         "password.bcrypt_cost=8")
    kinds = kinds_of(server)
    times, work, client = {kind: [] for kind in kinds}, {kind: [] for kind in kinds}, server.client()
    for i in range(N_SAMPLES):
        for kind, phone in kinds.items():
            start, used = time.perf_counter(), cpu_ms(server)
            client.refused(401, "invalid_credentials", "POST", LOGIN, {"account": phone, "password": f"x{i}"})
            times[kind].append((time.perf_counter() - start) * 1000)
            work[kind].append(cpu_ms(server) - used)
    for kind, span in times.items():
        print(f"{kind}: {N_SAMPLES} samples, time in ms: median {statistics.median(span):.2f}, tenth "
              f"{sorted(span)[len(span) // 10]:.2f}; processor: median {statistics.median(work[kind]):.2f}")
    medians = [statistics.median(spent) for spent in work.values()]
    assert max(medians) < 1.5 * min(medians), work
