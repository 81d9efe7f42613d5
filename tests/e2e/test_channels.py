# SPDX-License-Identifier: Apache-2.0
"""A40, A76: a lock-out holds on every path of its own method, and leaves the others open."""
import pytest

from harness import GOOD_SECRET, register, send_code

TRIES = 10


@pytest.fixture
def locked(server):
    """An account whose password has been guessed at until nothing more is compared."""
    who = register(server, username=f"u{new_name()}")
    guesser = server.client()
    for _ in range(TRIES):
        guesser.refused(401, "invalid_credentials", "POST", "/api/v1/auth/login",
                        {"phone": who.phone, "password": "wrong-guess-1"})
    return who


_names = iter(range(1000000))


def new_name():
    return f"{next(_names):06d}"


def test_the_lock_holds_under_every_name(server, locked):
    names = [locked.phone, locked.phone[3:], "0086 " + locked.phone[3:],
             locked.ok("GET", "/api/v1/user/profile")["username"]]
    for name in names:
        answer = server.client().refused(429, "rate_limited", "POST", "/api/v1/auth/login",
                                         {"account": name, "password": GOOD_SECRET})
        assert int(answer.headers["Retry-After"]) > 0


def test_the_lock_holds_for_the_change_as_well(locked):
    locked.refused(429, "rate_limited", "PUT", "/api/v1/user/password",
                   {"old_password": GOOD_SECRET, "new_password": "Another-lantern-43"})


def test_the_generic_path_counts_the_same(server, locked):
    server.client().refused(429, "rate_limited", "POST", "/api/v1/auth/password/verify",
                            {"account": locked.phone, "password": GOOD_SECRET})


def test_the_owner_gets_in_by_code(server, locked):
    client = server.client()
    server.shift_clock(61)
    flow_id, code = send_code(server, client, locked.phone)
    client.ok("POST", "/api/v1/auth/phone-login", {"flow_id": flow_id, "code": code})
    server.shift_clock(0)


def test_the_session_that_is_open_stays_open(locked):
    assert locked.get("/api/v1/auth/check").status_code == 200


def test_after_the_wait_the_owner_gets_in(server, locked):
    server.shift_clock(15 * 60 + 1)
    server.client().ok("POST", "/api/v1/auth/login",
                       {"phone": locked.phone, "password": GOOD_SECRET})
    server.shift_clock(0)


def test_a_password_set_anew_is_not_locked(server, locked):
    locked.ok("DELETE", "/api/v1/user/unbind/password")
    locked.ok("POST", "/api/v1/user/bind/password", {"password": "Another-lantern-43"})
    server.client().ok("POST", "/api/v1/auth/login",
                       {"phone": locked.phone, "password": "Another-lantern-43"})
