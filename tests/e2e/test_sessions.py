# SPDX-License-Identifier: Apache-2.0
"""Sessions as their owner sees them: one list, limits by platform, and ends that hold at once."""
import re

import pytest

from harness import GOOD_SECRET, register, sign_in, wait_for
from steps import LOGIN, n_sessions, user_id
from workers import CHECK, PROFILE, Everywhere, accepted, clock_at

pytestmark = pytest.mark.core

LOGOUT = "/api/v1/auth/logout"
REFRESH = "/api/v1/auth/refresh"
SESSIONS = "/api/v1/user/sessions"
PHONE = {"platform": "app", "device_id": "d-1", "device_type": "iPhone", "app_version": "1.2.3"}
MAX = {"app": 5, "web": 5, "oa": 2}


def log_in(server, who, **device):
    """Another session of the same account."""
    again = server.client()
    body = {"phone": who.phone, "password": GOOD_SECRET}
    if device:
        body["device"] = device
    again.tokens = again.ok("POST", LOGIN, body)
    again.phone = who.phone
    return again.use(again.tokens["access_token"])


def listed(client):
    return {one["session_id"]: one for one in client.ok("GET", SESSIONS)["sessions"]}


def sid(client):
    return client.tokens["session_id"]


def is_live(server, client):
    """At every worker, and for its refresh token as well when it is dead."""
    live = accepted(server, client.tokens["access_token"])
    if not live:
        server.client().refused(401, "invalid_token", "POST", REFRESH,
                                {"refresh_token": client.tokens["refresh_token"]})
    return live


def same_but_id(answer):
    return answer.status_code, {**answer.json(), "request_id": None}


# ---- The list ----

def test_the_list_shows_each_device(server):
    who = register(server)
    app = log_in(server, who, **PHONE)
    shown = listed(app)
    assert set(shown) == {sid(who), sid(app)}
    assert shown[sid(app)]["is_current"] is True and shown[sid(who)]["is_current"] is False
    assert {name: shown[sid(app)][name] for name in PHONE} == PHONE
    assert shown[sid(who)]["platform"] == "web"
    assert shown[sid(app)]["ip_address"] == "127.0.0.1"
    assert shown[sid(app)]["user_agent"].startswith("python-requests/")
    text = app.get(SESSIONS).text
    for secret in (app.tokens["access_token"], app.tokens["refresh_token"], "generation"):
        assert secret not in text
    server.client().refused(401, "unauthorized", "GET", SESSIONS)


def test_the_list_holds_no_session_that_ended(server):
    who = register(server)
    gone, left = log_in(server, who), log_in(server, who)
    gone.ok("POST", LOGOUT)
    assert set(listed(left)) == {sid(who), sid(left)}
    with clock_at(server, left.tokens["refresh_expires_in"] + 2):
        assert set(listed(log_in(server, who))).isdisjoint({sid(who), sid(left)})


@pytest.mark.parametrize("path", [CHECK, PROFILE])
def test_last_active_moves_every_five_minutes(server, path):
    who = sign_in(server)
    began = listed(who)[sid(who)]["last_active_at"]
    with clock_at(server, 200):
        assert who.get(CHECK).status_code == 200
        assert who.get(PROFILE).status_code == 200
    assert listed(who)[sid(who)]["last_active_at"] == began
    with clock_at(server, 310):
        assert who.get(path).status_code == 200
        wait_for(lambda: listed(who)[sid(who)]["last_active_at"] > began, "the note of activity")


# ---- Limits by platform ----

@pytest.mark.parametrize("platform", ["app", "web", "oa"])
def test_the_oldest_of_a_platform_gives_way(server, platform):
    who = register(server)
    other = log_in(server, who, platform="oa" if platform == "app" else "app")
    mine = [who] if platform == "web" else []
    while len(mine) < MAX[platform]:
        mine.append(log_in(server, who, platform=platform))
    assert all(is_live(server, one) for one in mine)
    newest = log_in(server, who, platform=platform)
    assert [is_live(server, one) for one in mine] == [False] + [True] * (len(mine) - 1)
    assert is_live(server, newest)
    assert is_live(server, other), "another platform has room of its own"
    assert sid(mine[0]) not in listed(newest)


def test_the_one_not_used_longest_gives_way(server):
    who = register(server)
    first, second = log_in(server, who, platform="oa"), log_in(server, who, platform="oa")
    with clock_at(server, 60):
        first.ok("POST", REFRESH, {"refresh_token": first.tokens["refresh_token"]})
        log_in(server, who, platform="oa")
        assert accepted(server, first.tokens["access_token"])
        assert not is_live(server, second)


def test_a_platform_nobody_knows_is_refused(server):
    who = register(server)
    before = n_sessions(server, who)
    for platform, reason in (("tv", "not_allowed"), ("", "not_allowed"), ("APP", "not_allowed"),
                             (7, "type")):
        answer = server.client().refused(422, "field_invalid", "POST", LOGIN, {
            "phone": who.phone, "password": GOOD_SECRET, "device": {"platform": platform}})
        assert answer.json()["fields"] == [{"field": "device.platform", "reason": reason}]
    assert n_sessions(server, who) == before
    log_in(server, who, platform="app")


# ---- Ends ----

def test_one_is_kicked_out(server):
    who = register(server)
    kicked, left = log_in(server, who), log_in(server, who)
    assert is_live(server, kicked)
    who.ok("DELETE", f"{SESSIONS}/{sid(kicked)}")
    assert [is_live(server, one) for one in (who, kicked, left)] == [True, False, True]
    assert set(listed(who)) == {sid(who), sid(left)}


def test_a_session_may_kick_out_itself(server):
    who = register(server)
    other = log_in(server, who)
    who.ok("DELETE", f"{SESSIONS}/{sid(who)}")
    assert [is_live(server, one) for one in (who, other)] == [False, True]


def test_all_others_are_kicked_out(server):
    who, stranger = register(server), register(server)
    others = [log_in(server, who, platform=platform) for platform in ("app", "web", "oa")]
    others[0].ok("DELETE", SESSIONS)
    assert [is_live(server, one) for one in (who, *others)] == [False, True, False, False]
    assert set(listed(others[0])) == {sid(others[0])}
    assert is_live(server, stranger)


def test_logout_of_all_includes_this_one(server):
    who, stranger = register(server), register(server)
    other = log_in(server, who)
    who.refused(422, "field_invalid", "POST", LOGOUT, {"all": "yes"})
    assert is_live(server, who)
    who.ok("POST", LOGOUT, {"all": True})
    assert [is_live(server, one) for one in (who, other, stranger)] == [False, False, True]
    assert is_live(server, log_in(server, who))


# ---- Foreign ids (A51) ----

def next_id(text):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-2] + alphabet[(alphabet.index(text[-2]) + 1) % 64] + text[-1]


def test_foreign_ids_are_like_ids_of_nobody(server):
    victim, attacker = register(server), register(server)
    dead = log_in(server, victim)
    dead.ok("POST", LOGOUT)
    before = listed(victim)
    nobody = same_but_id(attacker.delete(f"{SESSIONS}/AAAAAAAAAAAAAAAAAAAAAA"))
    assert nobody[0] == 404
    tries = [sid(victim), sid(dead), next_id(sid(victim)), next_id(sid(attacker)),
             sid(victim).lower(), str(user_id(victim)), victim.tokens["user"]["uuid"],
             "1", "0", "-1", "*", "'OR'1'='1", "x" * 63, "x" * 64, "x" * 2000]
    for i, text in enumerate(tries):
        told = same_but_id(attacker.delete(f"{SESSIONS}/{text}"))
        assert told == nobody, f"try {i} {text[:40]}: {told}"
    assert listed(victim) == before
    assert is_live(server, victim) and is_live(server, attacker)
    victim.ok("DELETE", f"{SESSIONS}/{sid(victim)}")
    assert not is_live(server, victim), "the owner's own request works"


def test_ids_of_others_in_body_and_query_name_nobody(server):
    victim, attacker = register(server), register(server)
    foreign = {"session_id": sid(victim), "sid": sid(victim), "user_id": user_id(victim),
               "uuid": victim.tokens["user"]["uuid"], "sub": victim.tokens["user"]["uuid"],
               "realm": "staff"}
    shown = attacker.get(SESSIONS, params=foreign).json()["data"]["sessions"]
    assert [one["session_id"] for one in shown] == [sid(attacker)]
    assert attacker.delete(SESSIONS, params=foreign).status_code == 200
    assert attacker.get(PROFILE, params=foreign).json()["data"]["id"] == user_id(attacker)
    attacker.ok("POST", LOGOUT, {**foreign, "all": True}, params=foreign)
    assert [is_live(server, one) for one in (attacker, victim)] == [False, True]


# ---- After the end ----

def routes_with_permission(server):
    """(method, path) of every route that asks who is there."""
    shown = [(one["method"], re.sub(r"\{provider\}", "password", one["path"]))
             for one in server.ctl("routes") if one["permission"] and not one["control"]]
    return [(method, re.sub(r"\{[^}]+\}", "x", path)) for method, path in shown]


def test_every_route_refuses_from_the_next_request_on(server):
    who = register(server)
    live, everywhere = log_in(server, who), Everywhere(server)
    token = who.tokens["access_token"]
    routes = routes_with_permission(server)
    assert len(routes) > 10, routes
    assert everywhere.knows(token)
    who.ok("POST", LOGOUT)
    assert set(everywhere.statuses("GET", CHECK, token)) == {401}
    for method, path in routes:
        for answer in everywhere.ask(method, path, token,
                                     json=None if method == "GET" else {}):
            told = (answer.status_code, answer.json()["error"])
            assert told == (401, "invalid_token"), f"{method} {path}: {told}"
    for method, path in routes:
        if method == "GET":
            assert set(everywhere.statuses(method, path, live.tokens["access_token"])) == {200}
    everywhere.close()
