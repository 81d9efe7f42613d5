# SPDX-License-Identifier: Apache-2.0
"""Whether an account exists is told to nobody who has not proved the identifier: not by words, not by limits."""
import re
import statistics
import time

import pytest

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in
from steps import LOGIN, PHONE_LOGIN, REGISTER, SEND, code_again, fields_of, later, wrong

pytestmark = pytest.mark.core

# What differs between two answers to the same question, whoever asks.
VOLATILE = re.compile(r'"request_id":"[^"]*"|"flow_id":"[^"]*"')
VOLATILE_HEADERS = {"X-Request-Id", "Date"}


def look_of(answer):
    """Status, headers and body as far as they could tell two accounts apart."""
    headers = {name: value for name, value in answer.headers.items() if name not in VOLATILE_HEADERS}
    return answer.status_code, headers, VOLATILE.sub("", answer.text)


def near(look):
    """The same but for a second that may have passed meanwhile."""
    status, headers, body = look
    return status, {name: re.sub(r"t=\d+|^\d+$", "", value) for name, value in headers.items()}, body


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


def test_time_tells_little(make_server):
    """A43 in short: medians are printed; only a difference no machine explains is a failure."""
    server = make_server("limits.secret_failures=1000", "limits.secret_failures_total=10000",
                         "password.bcrypt_cost=8")
    phones = {"with password": register(server).phone, "without password": sign_in(server).phone,
              "stranger": new_phone()}
    spans, client = {kind: [] for kind in phones}, server.client()
    for i in range(15):
        for kind, phone in phones.items():
            start = time.perf_counter()
            client.refused(401, "invalid_credentials", "POST", LOGIN, {"account": phone, "password": f"x{i}"})
            spans[kind].append((time.perf_counter() - start) * 1000)
    medians = {kind: statistics.median(span) for kind, span in spans.items()}
    print(f"15 samples each, medians in ms: {medians}")
    assert max(medians.values()) < 3 * min(medians.values()), medians
