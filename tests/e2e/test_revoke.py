# SPDX-License-Identifier: Apache-2.0
"""What ends sessions from outside: freezing, the operator, services; and stores that fail."""
import base64
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in, wait_for
from pair import serve
from parallel import ROUNDS, Shot, release, say, tally, winners
from steps import LOGIN, PASSWORD, PHONE_LOGIN, PROFILE, rows, user_id
from workers import CHECK, accepted, clock_at

pytestmark = pytest.mark.core

REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
SESSIONS = "/api/v1/user/sessions"
ID, SECRET = "svc", "a-secret-of-a-service: with a colon"
ISSUER = "http://auth.test"
N_RACERS = 8  # fewer than the tries an account has


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def server(request):
    started = serve(workers=request.param,
                    options=[f"token.clients=other:0123456789abcdef, {ID}:{SECRET}"]).start()
    yield started
    started.close()


def is_dead(server, tokens):
    """Neither check nor the API takes it at any worker, nor does refresh."""
    if accepted(server, tokens["access_token"]):
        return False
    answer = server.client().post(REFRESH, {"refresh_token": tokens["refresh_token"]})
    assert answer.status_code in (401, 403), answer.text
    return True


def log_in(server, who, secret=GOOD_SECRET):
    return server.client().ok("POST", LOGIN, {"phone": who.phone, "password": secret})


# ---- Freeze (A33) ----

def test_a_frozen_account_is_out_at_once_and_its_old_tokens_stay_dead(server):
    who, stranger = register(server), register(server)
    other = log_in(server, who)
    with clock_at(server, 61):
        flow_id, code = send_code(server, server.client(), who.phone)
    server.ctl("user", "freeze", who.phone)
    assert not accepted(server, who.tokens["access_token"])
    client = server.client()
    for tokens in (who.tokens, other):
        client.refused(403, "account_frozen", "POST", REFRESH,
                       {"refresh_token": tokens["refresh_token"]})
        assert is_dead(server, tokens)
    client.refused(403, "account_frozen", "POST", LOGIN,
                   {"phone": who.phone, "password": GOOD_SECRET})
    client.refused(403, "account_frozen", "POST", PHONE_LOGIN,
                   {"phone": who.phone, "code": code, "flow_id": flow_id})
    assert accepted(server, stranger.tokens["access_token"])

    server.ctl("user", "unfreeze", who.phone)
    for tokens in (who.tokens, other):
        assert is_dead(server, tokens)
    again = log_in(server, who)
    assert again["user"]["id"] == user_id(who)
    assert accepted(server, again["access_token"])


def test_no_sign_in_outruns_a_freeze(server):
    """Whichever comes first, nobody is signed in to a frozen account."""
    say("a freeze amid sign-ins", N_RACERS)
    n_signed_in = 0
    with ThreadPoolExecutor(1) as operator:
        for _ in range(ROUNDS):
            who = register(server)
            shot = Shot("POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})
            frozen = operator.submit(server.ctl, "user", "freeze", who.phone)
            replies = release(server.url, N_RACERS * [shot])
            frozen.result()
            assert set(tally(replies)) <= {(200, None), (403, "account_frozen")}, tally(replies)
            for reply in winners(replies):
                assert not accepted(server, reply.data["access_token"])
            n_signed_in += len(winners(replies))
    print(f"{n_signed_in} of {ROUNDS * N_RACERS} were in time")


def test_a_wrong_password_does_not_tell_who_is_frozen(server):
    who = register(server)
    server.ctl("user", "freeze", who.phone)
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"phone": who.phone, "password": "Wrong-horse-battery-9"})
    assert server.ctl("user", "freeze", "+8613999999999", check=False).returncode != 0


def test_freezing_twice_and_by_every_name(server):
    who = register(server)
    uuid = who.tokens["user"]["uuid"]
    for name in (who.phone, uuid, str(user_id(who))):
        server.ctl("user", "freeze", name)
        server.ctl("user", "freeze", name)
        assert rows(server, "SELECT status FROM users WHERE uuid = ?", uuid) == [("frozen",)]
        server.ctl("user", "unfreeze", name)
        server.ctl("user", "unfreeze", name)
        assert accepted(server, log_in(server, who)["access_token"])


def test_the_operator_ends_one_session(server):
    who = register(server)
    other = log_in(server, who)
    server.ctl("session", "revoke", other["session_id"])
    assert is_dead(server, other)
    assert accepted(server, who.tokens["access_token"])
    assert server.ctl("session", "revoke", "AAAAAAAAAAAAAAAAAAAAAA", check=False).returncode != 0


# ---- Credentials that die with others (A36) ----

def test_a_password_change_ends_the_other_sessions(server):
    who, new = register(server), "Walnut-harbour-77-elk"
    other = log_in(server, who)
    who.ok("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": new})
    assert is_dead(server, other)
    assert accepted(server, who.tokens["access_token"])
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"phone": who.phone, "password": GOOD_SECRET})
    assert accepted(server, log_in(server, who, new)["access_token"])


def change_password(server, who):
    who.ok("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": "Walnut-harbour-77-elk"})


def end_all_sessions(server, who):
    who.ok("DELETE", SESSIONS)


def freeze_and_unfreeze(server, who):
    server.ctl("user", "freeze", who.phone)
    server.ctl("user", "unfreeze", who.phone)


@pytest.mark.parametrize("end", [change_password, end_all_sessions, freeze_and_unfreeze])
def test_a_code_sent_before_everything_ended_is_void(server, end):
    who = register(server)
    with clock_at(server, 61):
        flow_id, code = send_code(server, server.client(), who.phone)
        end(server, who)
        server.client().refused(410, "flow_expired", "POST", PHONE_LOGIN,
                                {"phone": who.phone, "code": code, "flow_id": flow_id})
    with clock_at(server, 122):
        assert user_id(sign_in(server, who.phone)) == user_id(who)


def test_a_number_given_up_gets_a_fresh_account(server):
    who, old, new = register(server), None, new_phone()
    with clock_at(server, 61):
        old = send_code(server, server.client(), who.phone)
    flow_id, code = send_code(server, who, new, "change")
    who.ok("POST", "/api/v1/auth/phone_sms/verify",
           {"phone": new, "code": code, "flow_id": flow_id})
    fresh = server.client().ok("POST", PHONE_LOGIN,
                               {"phone": who.phone, "code": old[1], "flow_id": old[0]})
    assert fresh["is_new_user"] is True and fresh["user"]["id"] != user_id(who)
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"phone": who.phone, "password": GOOD_SECRET})
    assert log_in(server, type("Moved", (), {"phone": new}))["user"]["id"] == user_id(who)


def test_a_deleted_account_leaves_nothing_to_the_next_owner_of_its_number(server):
    """No route deletes an account yet: the row is marked as a later one will."""
    who = register(server)
    before = rows(server, "SELECT COUNT(*) FROM users")[0][0]
    rows(server, "UPDATE users SET status = 'deleted', phone = NULL, deleted_at = created_at"
         " WHERE id = ?", user_id(who))
    rows(server, "DELETE FROM user_identities WHERE user_id = ?", user_id(who))
    server.client().refused(401, "invalid_token", "POST", REFRESH,
                            {"refresh_token": who.tokens["refresh_token"]})
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"phone": who.phone, "password": GOOD_SECRET})
    with clock_at(server, 61):
        fresh = sign_in(server, who.phone)
    assert fresh.tokens["is_new_user"] is True and user_id(fresh) != user_id(who)
    assert rows(server, "SELECT COUNT(*) FROM users")[0][0] == before + 1


# ---- Services: RFC 7009 and RFC 7662 ----

def ask(server, path, body, auth=(ID, SECRET), **kwargs):
    return requests.post(server.url + path, data=body, auth=auth, timeout=30, **kwargs)


def introspected(server, token):
    answer = ask(server, "/oauth/introspect", {"token": token})
    assert answer.status_code == 200 and "success" not in answer.json(), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def test_introspection_tells_what_a_token_is(server):
    who = sign_in(server)
    told = introspected(server, who.tokens["access_token"])
    assert told["active"] is True
    assert (told["sub"], told["sid"], told["token_type"]) == (
        who.tokens["user"]["uuid"], who.tokens["session_id"], "Bearer")
    assert told["exp"] - told["iat"] == who.tokens["expires_in"]
    assert introspected(server, who.tokens["refresh_token"])["token_type"] == "refresh_token"
    renewed = server.client().ok("POST", REFRESH, {"refresh_token": who.tokens["refresh_token"]})
    assert introspected(server, who.tokens["refresh_token"]) == {"active": False}, "it is spent"
    assert introspected(server, renewed["refresh_token"])["active"] is True
    with clock_at(server, who.tokens["expires_in"] + 5):
        assert introspected(server, renewed["access_token"]) == {"active": False}
    who.ok("POST", LOGOUT)
    for token in (who.tokens["access_token"], renewed["access_token"], renewed["refresh_token"],
                  "nonsense", "", "a.b.c", who.tokens["session_id"]):
        if token:
            assert introspected(server, token) == {"active": False}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_a_service_revokes_a_session_by_either_token(server, kind, hint):
    who = register(server)
    other = log_in(server, who)
    body = {"token": other[kind], **({"token_type_hint": hint} if hint else {})}
    for _ in range(2):
        answer = ask(server, "/oauth/revoke", body)
        assert (answer.status_code, answer.content) == (200, b"")
        assert is_dead(server, other)
    assert accepted(server, who.tokens["access_token"])


def test_a_token_nobody_knows_is_revoked_already(server):
    for token in ("nonsense", "a.b.c", "r1.x.0.y", "x" * 5000):
        answer = ask(server, "/oauth/revoke", {"token": token})
        assert (answer.status_code, answer.content) == (200, b""), token[:20]


def basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_only_a_client_may_ask(server, path):
    tokens = sign_in(server).tokens
    body = {"token": tokens["access_token"]}
    own = {"Authorization": f"Bearer {tokens['access_token']}"}
    for headers in ({}, own, basic(ID), basic(f"{ID}:"), basic(f"{ID}:wrong"),
                    basic(f"{ID}:{SECRET}x"), basic(f"{ID}:{SECRET[:-1]}"),
                    basic(f"other:{SECRET}"), basic(f":{SECRET}"),
                    basic(f"{ID}:0123456789abcdef"), basic(""), basic("x" * 600),
                    {"Authorization": "Basic !!!"}, {"Authorization": "Basic"}):
        answer = ask(server, path, body, auth=None, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"}), headers
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert accepted(server, tokens["access_token"])
    for body in ({}, {"tokens": "x"}):
        answer = ask(server, path, body)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"}), body
    assert ask(server, path, {"token": "x"}, auth=("other", "0123456789abcdef")).status_code == 200


# ---- Stores that fail (A35) ----

def test_what_cannot_be_stored_is_refused_and_not_half_done(make_server):
    server = make_server(f"token.clients={ID}:{SECRET}", "storage.timeout=500ms", workers=2)
    who = register(server)
    other, tokens = log_in(server, who), who.tokens
    ways = [("POST", LOGOUT, {}), ("POST", LOGOUT, {"all": True}), ("DELETE", SESSIONS, None),
            ("DELETE", f"{SESSIONS}/{other['session_id']}", None),
            ("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": "Walnut-harbour-77"}),
            ("POST", REFRESH, {"refresh_token": tokens["refresh_token"]}),
            ("POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})]
    assert accepted(server, tokens["access_token"]), "every worker has the store open"
    with server.stores.db.stuck_writers():
        for method, path, body in ways:
            answer = who.call(method, path, body)
            told = (answer.status_code, answer.json()["error"])
            assert told in ((503, "store_unavailable"), (503, "provider_unavailable")), (
                f"{method} {path}: {told}")
            assert int(answer.headers["Retry-After"]) > 0
        assert ask(server, "/oauth/revoke", {"token": other["access_token"]}).status_code == 503
        assert server.ctl("user", "freeze", who.phone, check=False).returncode != 0
        assert server.ctl("session", "revoke", other["session_id"], check=False).returncode != 0
        for live in (tokens, other):
            assert accepted(server, live["access_token"]), "reads go on, and nothing was done"
    assert {row[0] for row in rows(server, "SELECT status FROM user_sessions")} == {"active"}
    assert rows(server, "SELECT status FROM users") == [("active",)]
    assert log_in(server, who)["user"]["id"] == user_id(who), "the password is the old one"
    renewed = server.client().ok("POST", REFRESH, {"refresh_token": tokens["refresh_token"]})
    who.ok("POST", LOGOUT, {"all": True})
    for dead in (tokens, renewed, other):
        assert is_dead(server, dead)


def test_a_code_whose_use_was_not_stored_signs_nobody_in(make_server):
    server = make_server("storage.timeout=500ms")
    phone, client = new_phone(), server.client()
    flow_id, code = send_code(server, client, phone)
    body = {"phone": phone, "code": code, "flow_id": flow_id}
    with server.stores.db.stuck_writers():
        assert client.post(PHONE_LOGIN, body).status_code == 503
    assert rows(server, "SELECT COUNT(*) FROM users") == [(0,)]
    assert rows(server, "SELECT COUNT(*) FROM user_sessions") == [(0,)]
    answer = client.post(PHONE_LOGIN, body)
    assert answer.status_code in (200, 401, 410), answer.text
    assert rows(server, "SELECT COUNT(*) FROM users") == [(int(answer.status_code == 200),)]


def test_a_revocation_only_sql_knows_is_buried_soon(make_server):
    """As when the worker died, or the key-value store was full, between the commit and the tombstone."""
    server = make_server(workers=2)
    gone, live = sign_in(server), sign_in(server)
    assert accepted(server, gone.tokens["access_token"])
    rows(server, "UPDATE user_sessions SET status = 'revoked', updated_at = last_active_at"
                 " WHERE session_id = ?", gone.tokens["session_id"])
    assert accepted(server, gone.tokens["access_token"]), "the key-value store knows nothing of it yet"
    with clock_at(server, 61):
        wait_for(lambda: gone.get(CHECK).status_code == 401, "the next burial")
        assert is_dead(server, gone.tokens)
        assert accepted(server, live.tokens["access_token"])


@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_outlive_the_store_of_keys(make_server, workers):
    """The key-value store is wiped while all is down: SQL knows who is in, and who is not."""
    server = make_server(f"token.issuer={ISSUER}", workers=workers)
    live, gone, frozen = register(server), register(server), register(server)
    spent = register(server)
    gone.ok("POST", LOGOUT)
    server.ctl("user", "freeze", frozen.phone)
    renewed = spent.ok("POST", REFRESH, {"refresh_token": spent.tokens["refresh_token"]})
    assert server.stop() == 0
    server.stores.kv.wipe()
    server.start()
    first = server.client(token=live.tokens["access_token"]).get(CHECK)
    assert first.status_code == 200 and first.headers["X-Auth-User-Id"] == (
        live.tokens["user"]["uuid"])
    assert accepted(server, live.tokens["access_token"])
    assert accepted(server, renewed["access_token"])
    assert is_dead(server, gone.tokens) and is_dead(server, frozen.tokens)
    with clock_at(server, 11):
        server.client().refused(401, "invalid_token", "POST", REFRESH,
                                {"refresh_token": spent.tokens["refresh_token"]})
        assert is_dead(server, renewed), "reuse is seen without the key-value store's memory"
    server.client(token=live.tokens["access_token"]).ok("GET", PROFILE)
