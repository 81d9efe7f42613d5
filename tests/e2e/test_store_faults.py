# SPDX-License-Identifier: Apache-2.0
"""Stores that fail at every single op of a request (A22, A35): 503, and nobody gains anything by it."""
import pytest

from faulty import OPTIONS, each_op_in_turn, fail, heal
from harness import GOOD_SECRET, new_phone, register, send_code, sign_in
from steps import (BIND_PHONE, LOGIN, PASSWORD, PHONE_LOGIN, PROFILE, SEND, UNBIND_PHONE, accounts_of, told,
                   user_id, wrong)
from workers import CHECK, accepted

REFRESH, LOGOUT = "/api/v1/auth/refresh", "/api/v1/auth/logout"
DOWN = {(503, "store_unavailable"), (503, "provider_unavailable"), (503, None)}
OTHER_SECRET = "Walnut-harbour-77"

pytestmark = [pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these"),
              pytest.mark.one_host(reason="a fault is told to the host of one state folder")]


@pytest.fixture(params=[1, 2], ids=["1worker", "2workers"])
def server(request, make_server, plugins):
    return make_server(*OPTIONS, workers=request.param, plugins=str(plugins))


def right_or_down(answer, where):
    """Whether it was right; all else than 503 would be a wrong answer."""
    got = told(answer)
    assert got[0] == 200 or got in DOWN, f"{where}: {got} {answer.text}"
    return got[0] == 200


# ---- No free tries ----

PATTERNS = [("kv", "limit", "before", 1), ("kv", "limit", "after", 1), ("kv", "any", "before", 3),
            ("kv", "any", "after", 2), ("db", "any", "before", 2), ("any", "any", "after", 5)]


def guess(server, pattern, ask, evaluated):
    """Errors of 40 wrong tries while the stores fail so; the evaluated ones are counted with the later."""
    fail(server, *pattern)
    errors = [told(ask(i)) for i in range(1, 41)]
    assert heal(server)
    errors += [told(ask(i)) for i in range(41, 61)]
    return sum(error == evaluated for error in errors), set(errors) - DOWN


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: "-".join(map(str, p)))
def test_a_fault_gives_no_free_guess_of_a_code(server, pattern):
    client, phone, other = server.client(), new_phone(), new_phone()
    flow_id, code = send_code(server, client, phone)
    body = {"phone": phone, "flow_id": flow_id}
    n_evaluated, errors = guess(
        server, pattern, lambda i: client.post(PHONE_LOGIN, {**body, "code": wrong(code, i)}),
        (401, "invalid_code"))
    assert n_evaluated <= 5, f"{n_evaluated} of 60 guesses were looked at"
    assert errors <= {(401, "invalid_code"), (410, "flow_expired"), (429, "rate_limited")}, errors
    answer = client.post(PHONE_LOGIN, {**body, "code": code})
    assert told(answer) in {(410, "flow_expired"), (429, "rate_limited")}, "the tries are spent"
    assert accounts_of(server, phone) == []
    sign_in(server, other)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: "-".join(map(str, p)))
def test_a_fault_gives_no_free_guess_of_a_secret(server, pattern):
    who, other = register(server), register(server)
    client = server.client()
    n_evaluated, errors = guess(
        server, pattern, lambda i: client.post(LOGIN, {"phone": who.phone, "password": f"wrong-{i}"}),
        (401, "invalid_credentials"))
    assert n_evaluated <= 10, f"{n_evaluated} of 60 guesses were looked at"
    assert errors <= {(401, "invalid_credentials"), (429, "rate_limited")}, errors
    client.refused(429, "rate_limited", "POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})
    client.ok("POST", LOGIN, {"phone": other.phone, "password": GOOD_SECRET})


# ---- Each op of the right request in turn ----

def test_a_code_signs_in_at_most_once_whatever_fails(server):
    for fault in each_op_in_turn(server):
        phone, client = new_phone(), server.client()
        flow_id, code = send_code(server, client, phone)
        body = {"phone": phone, "code": code, "flow_id": flow_id}
        with fault:
            first = right_or_down(client.post(PHONE_LOGIN, body), fault)
        second = told(client.post(PHONE_LOGIN, body))
        assert second == (410, "flow_expired") if first else second in {(200, None), (410, "flow_expired")}, (
            f"{fault}: {second}")
        assert len(accounts_of(server, phone)) <= 1, fault


def test_a_registration_is_whole_or_not_there(server):
    for fault in each_op_in_turn(server):
        phone, client = new_phone(), server.client()
        flow_id, code = send_code(server, client, phone, "register")
        body = {"phone": phone, "code": code, "flow_id": flow_id, "password": GOOD_SECRET}
        with fault:
            first = right_or_down(client.post("/api/v1/auth/register", body), fault)
        found = accounts_of(server, phone)
        assert len(found) == 1 if first else len(found) <= 1, fault
        if found:
            client.ok("POST", LOGIN, {"phone": phone, "password": GOOD_SECRET})


def test_a_password_signs_in_or_not(server):
    who = register(server)
    body = {"phone": who.phone, "password": GOOD_SECRET}
    for fault in each_op_in_turn(server):
        client = server.client()
        with fault:
            right_or_down(client.post(LOGIN, body), fault)
        client.ok("POST", LOGIN, body)


def test_a_session_is_itself_or_nobody_can_tell(server):
    """A22: never somebody else's, never taken for ended; with a token never seen and with a known one."""
    other = sign_in(server)
    for path in (CHECK, PROFILE):
        for fault in each_op_in_turn(server):
            who = sign_in(server)
            for _ in range(2):
                with fault:
                    answer = who.get(path)
                if right_or_down(answer, fault):
                    named = answer.json()["data"]["uuid"] if answer.content else answer.headers["X-Auth-User-Id"]
                    assert named == who.tokens["user"]["uuid"], fault
            assert told(other.get(path))[0] == 200, fault


def test_a_refresh_may_be_asked_for_again(server):
    for fault in each_op_in_turn(server):
        who = sign_in(server)
        body = {"refresh_token": who.tokens["refresh_token"]}
        with fault:
            answer = who.post(REFRESH, body)
            first = right_or_down(answer, fault)
        again = server.client().ok("POST", REFRESH, body)
        if first:
            assert again["refresh_token"] == answer.json()["data"]["refresh_token"], f"{fault}: two branches"
        assert accepted(server, again["access_token"]), fault


def test_a_logout_is_done_when_it_says_so(server):
    for fault in each_op_in_turn(server):
        who = sign_in(server)
        with fault:
            first = right_or_down(who.post(LOGOUT), fault)
        if not first:
            answer = told(who.post(LOGOUT))
            assert answer in {(200, None), (401, "invalid_token")}, f"{fault}: {answer}"
        assert not accepted(server, who.tokens["access_token"]), fault


def test_a_password_change_is_done_or_not(server):
    """Where the answer was lost it may have been done, but never by half: one password is good."""
    for fault in each_op_in_turn(server):
        who = register(server)
        stale = server.client().ok("POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})
        with fault:
            first = right_or_down(who.put(PASSWORD, {"old_password": GOOD_SECRET, "new_password": OTHER_SECRET}),
                                  fault)
        good = [told(server.client().post(LOGIN, {"phone": who.phone, "password": secret}))[0] == 200
                for secret in (GOOD_SECRET, OTHER_SECRET)]
        assert sum(good) == 1, f"{fault}: {good}"
        if first:
            assert good == [False, True] and not accepted(server, stale["access_token"]), fault


def test_a_code_is_sent_when_it_says_so(server):
    """A77: never a code in a phone that is not stored, and nothing sent by a request that failed."""
    for fault in each_op_in_turn(server):
        client, phone, after = server.client(), new_phone(), new_phone()
        with fault:
            answer = client.post(SEND, {"phone": phone})
        if right_or_down(answer, fault):
            client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": server.code_for(phone),
                                            "flow_id": answer.json()["data"]["flow_id"]})
        else:
            send_code(server, client, after)
            assert phone not in {message["to"] for message in server.outbox()}, fault


def test_a_binding_is_whole_or_not_there(server):
    for fault in each_op_in_turn(server):
        who, second = sign_in(server), new_phone()
        flow_id, code = send_code(server, who, second, "bind")
        with fault:
            first = right_or_down(who.post(BIND_PHONE, {"phone": second, "code": code, "flow_id": flow_id}), fault)
        owners = accounts_of(server, second)
        assert owners == [user_id(who)] if first else owners in ([], [user_id(who)]), f"{fault}: {owners}"
        if owners:
            with fault:
                first = right_or_down(who.call("DELETE", UNBIND_PHONE, {"subject": second}), fault)
            assert accounts_of(server, second) == [] or not first, fault
        assert who.get(PROFILE).status_code == 200, fault


def test_a_freeze_is_done_when_it_says_so(server):
    for fault in each_op_in_turn(server):
        who = sign_in(server)
        with fault:
            first = server.ctl("user", "freeze", who.phone, check=False).returncode == 0
        if not first:
            server.ctl("user", "freeze", who.phone)
        assert not accepted(server, who.tokens["access_token"]), fault
