# SPDX-License-Identifier: Apache-2.0
"""What clients send: strict JSON, named fields of the right type, nothing in it that decides who one is."""
import json
import time

import pytest

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in, wait_for
from parallel import FULL, Shot, Waiting, release, tally
from steps import (BIND_PASSWORD, BIND_PHONE, IDENTITIES, LOGIN, PASSWORD, PHONE_LOGIN, PROFILE, REGISTER,
                   SEND, accounts_of, fields_of, rows, user_id)

JSON = {"Content-Type": "application/json"}
# Every route that takes a body: method, path, whether it wants a session.
TAKERS = [("POST", SEND, False), ("POST", "/api/send-code", False), ("POST", PHONE_LOGIN, False),
          ("POST", LOGIN, False), ("POST", "/api/login", False), ("POST", REGISTER, False),
          ("POST", "/api/v1/auth/refresh", False), ("POST", "/api/v1/auth/phone_sms/begin", False),
          ("POST", "/api/v1/auth/phone_sms/verify", False), ("POST", "/api/v1/auth/password/verify", False),
          ("PUT", PROFILE, True), ("PUT", PASSWORD, True), ("POST", BIND_PHONE, True),
          ("POST", BIND_PASSWORD, True), ("DELETE", "/api/v1/user/unbind/phone_sms", True)]
TAKER_IDS = [f"{method} {path}" for method, path, _ in TAKERS]


@pytest.fixture(scope="module")
def somebody(server):
    return register(server)


def raw(client, method, path, body, headers=None):
    return client.call(method, path, data=body.encode() if isinstance(body, str) else body,
                       headers={**JSON, **(headers or {})})


# ---- A30: one reading of a body, or none ----

BAD_BODIES = {
    "not JSON": '{"phone":', "array": "[]", "text": '"x"', "number": "1", "null": "null", "true": "true",
    "duplicate": '{"phone":"13800138000","phone":"13900139000"}',
    "duplicate by escape": '{"phone":"13800138000","\\u0070hone":"13900139000"}',
    "nested duplicate": '{"device":{"platform":"app","platform":"oa"}}',
    "second document": '{"phone":"13800138000"}{"phone":"13900139000"}', "tail": '{"phone":"1"} x',
    "BOM": '\ufeff{"phone":"1"}', "NUL in text": '{"phone":"138\\u00000"}', "NUL in a name": '{"a\\u0000":1}',
    "NUL byte": '{"phone":"1\x00"}', "bad UTF-8": b'{"phone":"\xff\xfe"}', "overlong": b'{"phone":"\xc0\xaf"}',
    "surrogate": '{"phone":"\\ud800"}', "single quotes": "{'phone':'1'}", "comment": '{"phone":"1"/**/}',
    "trailing comma": '{"phone":"1",}', "bare name": '{phone:"1"}', "NaN": '{"phone":NaN}',
    "huge real": '{"phone":1e999}', "20 digits": '{"phone":99999999999999999999}',
    "control": '{"phone":"1\n"}', "deep": '{"a":' * 20 + "1" + "}" * 20,
    "deep array": '{"a":' + "[" * 20000 + "]" * 20000 + "}",
    "many keys": "{" + ",".join(f'"k{i}":1' for i in range(1000)) + "}",
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_body_that_could_be_read_twice_is_not_read(server, somebody, what):
    for method, path, wants_session in TAKERS:
        answer = raw(somebody if wants_session else server.client(), method, path, BAD_BODIES[what])
        told = answer.json()
        assert (answer.status_code, told["error"]) == (400, "bad_request"), f"{path}: {answer.text}"
        assert [entry["field"] for entry in told["fields"]] == ["body"], told
    assert accounts_of(server, "+8613800138000") == accounts_of(server, "+8613900139000") == []


def test_strict_is_not_narrow(server):
    """What JSON allows is read: blanks, escapes, any order, unknown fields, null for what is absent."""
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    body = (' \r\n\t{ "unknown": [1, {"a": null}], "device": null, "\\u0063ode": "%s", "purpose": null,\n'
            '"phone": "\\u002b%s", "flow_id": "%s" } ' % (code, phone[1:], flow_id))
    answer = raw(client, "POST", PHONE_LOGIN, body, {"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                                  "application/jsonx", "text/json", ""])
def test_only_json_is_json(server, somebody, kind):
    for method, path, wants_session in TAKERS:
        client = somebody if wants_session else server.client()
        answer = raw(client, method, path, '{"phone":"13800138000"}', {"Content-Type": kind})
        assert answer.status_code == 415, f"{path}: {answer.status_code} {answer.text}"


# ---- A13, A14: fields that are absent, empty, or of another type ----

@pytest.mark.parametrize("method, path, wants_session", TAKERS[:-1], ids=TAKER_IDS[:-1])
@pytest.mark.parametrize("body", ["", "{}", '{"phone":null,"code":null,"password":null}'])
def test_nothing_at_all_opens_nothing(server, somebody, method, path, wants_session, body):
    answer = raw(somebody if wants_session else server.client(), method, path, body)
    if path == PROFILE and "phone" not in body:
        assert answer.status_code == 200, "a change of nothing is one"
        return
    assert answer.status_code in (401, 409, 422), f"{answer.status_code} {answer.text}"


def test_empty_is_not_absent_and_never_right(server):
    who = sign_in(server)
    for body in ({"account": "", "password": ""}, {"account": who.phone, "password": ""},
                 {"phone": who.phone, "code": ""}, {"phone": who.phone, "code": "", "flow_id": ""},
                 {"account": " ", "password": " "}, {"username": "", "password": "x"}):
        answer = server.client().post(LOGIN, body)
        assert answer.status_code in (401, 410, 422), f"{body}: {answer.text}"
    send = server.client()
    for phone in ("", " ", "+"):
        assert fields_of(send.refused(422, "field_invalid", "POST", SEND, {"phone": phone}))


# As many as a flow has tries: a code of the wrong type is one.
WRONG_TYPES = [7, True, ["13800138000"], {"0": "13800138000"}, []]
TYPED = {"phone": (SEND, {"phone"}), "purpose": (SEND, {"purpose"}), "code": (PHONE_LOGIN, {"code"}),
         "flow_id": (PHONE_LOGIN, {"flow_id"}), "account": (LOGIN, {"account"}),
         "password": (LOGIN, {"password"}), "username": (REGISTER, {"username"}),
         "nickname": (REGISTER, {"nickname"}), "user_type": (REGISTER, {"user_type"}),
         "device": (PHONE_LOGIN, {"device"}), "refresh_token": ("/api/v1/auth/refresh", {"refresh_token"})}


@pytest.mark.parametrize("field", TYPED)
def test_a_field_of_another_type_is_named(server, field):
    """A14 too: a list of recipients is no recipient."""
    path, named = TYPED[field]
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone, "register" if path == REGISTER else "login")
    whole = {"phone": phone, "code": code, "flow_id": flow_id, "account": phone, "password": GOOD_SECRET}
    if path == LOGIN:
        del whole["code"], whole["flow_id"]
    before = len(server.outbox())
    for value in WRONG_TYPES:
        if field == "device" and isinstance(value, dict):
            continue
        answer = client.refused(422, "field_invalid", "POST", path, {**whole, field: value})
        assert answer.json()["fields"] == [{"field": name, "reason": "type"} for name in named], value
    assert len(server.outbox()) == before
    assert accounts_of(server, phone) == []


def test_a_query_string_is_no_body(server):
    client, phone, other = server.client(), new_phone(), new_phone()
    client.ok("POST", f"{SEND}?phone={other[1:]}", {"phone": phone})
    server.code_for(phone)
    assert not [message for message in server.outbox() if message["to"] == other]
    answer = client.refused(422, "field_invalid", "POST", f"{SEND}?phone={other[1:]}", {})
    assert fields_of(answer) == {"phone": "required"}


def test_a_query_that_could_be_read_twice_is_not_read(server):
    path = "/api/v1/auth/providers"
    answer = server.client().refused(400, "bad_request", "GET", f"{path}?lang=a&lang=b")
    assert fields_of(answer) == {"query": "not a form"}
    assert server.client().ok("GET", f"{path}?lang=a")


# ---- A12: who one is says the token ----

CLAIMS = ["user_id", "userId", "uid", "id", "sub", "uuid", "account", "account_id", "session_id", "subject_id"]
OWN = [("GET", PROFILE), ("PUT", PROFILE), ("PUT", PASSWORD), ("GET", IDENTITIES),
       ("GET", "/api/v1/user/sessions"), ("DELETE", "/api/v1/user/sessions"), ("POST", BIND_PASSWORD),
       ("DELETE", "/api/v1/user/unbind/password"), ("POST", "/api/v1/auth/logout")]


@pytest.mark.parametrize("method, path", OWN, ids=[f"{method} {path}" for method, path in OWN])
def test_no_name_in_body_query_or_header_replaces_a_token(server, somebody, method, path):
    user = somebody.tokens["user"]
    for name in CLAIMS:
        for value in (user["id"], user["uuid"], somebody.phone, somebody.tokens["session_id"]):
            client = server.client(headers={f"X-{name.replace('_', '-')}": str(value),
                                            "X-Auth-User-Id": user["uuid"]})
            answer = client.call(method, f"{path}?{name}={str(value).lstrip('+')}",
                                 {name: value} if method != "GET" else None)
            assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized"), answer.text
    somebody.ok("GET", PROFILE)


def test_a_token_reads_its_own_account_whoever_is_named(server, somebody):
    other = sign_in(server).tokens["user"]
    for name in CLAIMS:
        profile = somebody.ok("GET", f"{PROFILE}?{name}={other['id']}")
        assert profile["id"] == user_id(somebody), name


# ---- A52: what an owner may not write ----

def test_register_writes_no_more_than_it_says(server):
    who = register(server, role="admin", is_admin=True, status="frozen", user_id=1, balance=10 ** 6,
                   is_real_name_verified=True, credit_score=999, permissions=["super:admin"],
                   created_at="1999-01-01T00:00:00Z", email="boss@example.com", **{"user.status": "frozen"})
    row = rows(server, "SELECT status, balance, credit_score, is_real_name_verified, email FROM users"
               " WHERE id = ?", user_id(who))
    assert row == [("active", 0, 0, 0, None)]
    assert who.ok("GET", PROFILE)["created_at"] > "2026"
    session = rows(server, "SELECT realm, roles, permissions FROM user_sessions WHERE subject_id = ?",
                   user_id(who))
    assert session[0][0] == "user" and "admin" not in session[0][1] + session[0][2], session


RISE = {"role": "admin", "is_admin": True, "status": "active", "user_id": 1, "roles": ["admin"],
        "permissions": ["super:admin"], "balance": 10 ** 6, "user_type": "enterprise", "credit_score": 999,
        "is_real_name_verified": True, "verified": True, "claims": {"sub": "1"}, "subject": "+8613800138000"}


def test_signing_in_and_binding_write_no_more_than_they_say(server):
    """By code, which makes the account, by password, and by a binding; also inside of device."""
    phone, second, client = new_phone(), new_phone(), server.client()
    other = user_id(sign_in(server))
    rise = {**RISE, "user_id": other, "id": other, "account_id": other}
    flow_id, code = send_code(server, client, phone)
    device = {"platform": "app", **rise, "session_id": "x", "realm": "staff", "ip_address": "9.9.9.9"}
    tokens = client.ok("POST", PHONE_LOGIN, {**rise, "phone": phone, "code": code, "flow_id": flow_id,
                                             "device": device})
    who = server.client(token=tokens["access_token"])
    who.ok("POST", BIND_PASSWORD, {**rise, "password": GOOD_SECRET})
    flow_id, code = send_code(server, who, second, "bind")
    who.ok("POST", BIND_PHONE, {**rise, "phone": second, "code": code, "flow_id": flow_id})
    client.ok("POST", LOGIN, {**rise, "account": phone, "password": GOOD_SECRET, "device": device})
    account = tokens["user"]["id"]
    assert account != other and accounts_of(server, phone) == accounts_of(server, second) == [account]
    row = rows(server, "SELECT user_type, status, balance, credit_score, is_real_name_verified FROM users"
               " WHERE id = ?", account)
    assert row == [("farmer", "active", 0, 0, 0)], row
    for realm, roles, permissions, address, session in rows(
            server, "SELECT realm, roles, permissions, ip_address, session_id FROM user_sessions"
            " WHERE subject_id = ?", account):
        assert realm == "user" and "admin" not in roles + permissions, (realm, roles, permissions)
        assert address == "127.0.0.1" and session != "x"


@pytest.mark.parametrize("field, value", [
    ("role", "admin"), ("roles", ["admin"]), ("permissions", ["super:admin"]), ("status", "active"),
    ("id", 1), ("uuid", "x"), ("user_id", 1), ("user_type", "enterprise"), ("balance", 1),
    ("credit_score", 900), ("is_real_name_verified", True), ("is_admin", True), ("total_spent", 0),
    ("login_count", 0), ("phone", "+8613800138000"), ("email", "a@b.example"), ("phone_verified", True),
    ("real_name", "x"), ("id_card", "x"), ("created_at", "x"), ("deleted_at", None), ("verified", True)])
def test_profile_names_what_it_does_not_take(server, somebody, field, value):
    before = somebody.ok("GET", PROFILE)
    answer = somebody.refused(422, "field_invalid", "PUT", PROFILE, {"nickname": "changed", field: value})
    assert fields_of(answer) == {field: "not_allowed"}
    after = somebody.ok("GET", PROFILE)
    assert after == before, "all or nothing"


# ---- A11, A57 ----

ODD = ["a", "", ",", "x" * 5000, "::ffff:1.2.3.4%eth0", "%00", "\\u0000", "1.2.3.4:99999", "[::1", "'; --"]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Accept-Language", "User-Agent", "Cookie", "X-Request-Id",
                                  "Forwarded", "Origin", "Referer"])
def test_a_broken_header_skips_nothing(make_server, name):
    server = make_server("server.trusted_proxies=127.0.0.1", "limits.secret_failures=1000")
    who = register(server)
    for value in ODD:
        client = server.client(headers={name: value})
        client.refused(401, "invalid_credentials", "POST", LOGIN,
                       {"account": who.phone, "password": GOOD_SECRET + "."})
        client.ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})


def test_large_bodies_are_refused_before_they_are_read(server):
    client = server.client()
    for size in (2 ** 20 + 1, 10 * 2 ** 20):
        answer = raw(client, "POST", LOGIN, json.dumps({"account": "x" * size}))
        assert (answer.status_code, answer.json()["error"]) == (413, "payload_too_large")
    answer = raw(client, "POST", LOGIN, json.dumps({"account": "13800138000", "password": "x" * 1000000}))
    assert answer.status_code == 401, answer.text


def test_a_flood_of_logins_leaves_the_rest_alone(make_server):
    """A57: more hashes than fit are answered 503 at once; who is signed in notices nothing."""
    server = make_server("password.bcrypt_cost=9", "password.max_waiting=16", workers=2)
    who = register(server)
    shots = [Shot("POST", LOGIN, {"account": new_phone(), "password": "x"}) for _ in range(150)]
    shots.append(Shot("GET", PROFILE, None, who.tokens["access_token"]))
    start = time.monotonic()
    replies = release(server.url, shots)
    seen = tally(replies)
    print(f"150 logins in {time.monotonic() - start:.1f} s: {seen}")
    assert replies[-1].status == 200
    assert set(seen) == {(200, None), (401, "invalid_credentials"), (503, "busy")}, seen
    assert all(reply.headers["retry-after"] for reply in replies if reply.status == 503)
    server.client().ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})


N_LOGINS, N_ASKED = (500, 100) if FULL else (24, 5)


def is_hashing(server):
    text = server.client().get("/metrics").text
    return any(line.startswith("pintle_hash_waiting") and not line.endswith(" 0") for line in text.splitlines())


def percentile(spans, share):
    return sorted(spans)[min(len(spans) - 1, int(share * len(spans)))]


class Bystander:
    """Asks for all that needs no hash, one after the other."""

    def __init__(self, server):
        self.client = sign_in(server)
        self.spans = {}

    def refresh(self):
        tokens = self.client.ok("POST", "/api/v1/auth/refresh",
                                {"refresh_token": self.client.tokens["refresh_token"]})
        self.client.tokens = tokens
        self.client.use(tokens["access_token"])

    def ask_all(self):
        for name, ask in (("health", lambda: self.client.ok("GET", "/healthz")), ("refresh", self.refresh),
                          ("profile", lambda: self.client.ok("GET", PROFILE))):
            start = time.perf_counter()
            ask()
            self.spans.setdefault(name, []).append((time.perf_counter() - start) * 1000)

    def report(self, beside):
        for name, span in self.spans.items():
            print(f"{name} beside {beside}: N={len(span)}, median {percentile(span, 0.5):.1f} ms,"
                  f" p99 {percentile(span, 0.99):.1f} ms")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_saturated_hash_holds_up_nothing_else(make_server, workers):
    """A57: what needs no hash overtakes the logins that wait for one."""
    server = make_server("password.bcrypt_cost=11", workers=workers)
    bystander, phone = Bystander(server), new_phone()
    shots = [Shot("POST", LOGIN, {"account": f"{phone[:-3]}{i:03d}", "password": "x"}) for i in range(N_LOGINS)]
    with Waiting(server.url, shots) as logins:
        wait_for(lambda: is_hashing(server), "the hash to be saturated")
        for _ in range(N_ASKED):
            bystander.ask_all()
        n_unanswered = logins.n_unanswered()
        seen = tally(logins.replies())
    bystander.report(f"{N_LOGINS} logins with {workers} workers")
    assert n_unanswered > 0, "they waited until all logins were through"
    assert seen[401, "invalid_credentials"] > 0
    assert set(seen) <= {(401, "invalid_credentials"), (503, "busy"), (504, "timeout")}, seen
