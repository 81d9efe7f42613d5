# SPDX-License-Identifier: Apache-2.0
"""A28: what stands in a field is a value, never a piece of a statement, a key or a path."""
import pytest

from harness import GOOD_SECRET, new_phone, register, sign_in
from steps import rows

NASTY = [
    "' OR '1'='1", "'; DROP TABLE users; --", '" OR ""="', "\\' OR 1=1 --", "%", "_", "*", "a*b?c[d]",
    "x\r\nSET k v", "x\u2028y", "$(sleep 5)", "`id`", "{{7*7}}", "%n%s%x", "../../etc/passwd", "a:b:c",
    "x" * 300, "\u0001\u001b[31m", "\ufeffx", "😀",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_identifiers_flows_and_codes_are_values(server, text):
    client = server.client()
    for path, body in [
        ("/api/v1/auth/login", {"account": text, "password": GOOD_SECRET}),
        ("/api/v1/auth/login", {"phone": text, "code": "123456"}),
        ("/api/v1/auth/phone-login", {"phone": new_phone(), "code": text}),
        ("/api/v1/auth/phone-login", {"phone": new_phone(), "code": "123456", "flow_id": text}),
        ("/api/v1/auth/send-sms-code", {"phone": text}),
        ("/api/v1/auth/refresh", {"refresh_token": text}),
    ]:
        answer = client.post(path, body)
        assert answer.status_code in (401, 410, 422), f"{path} {body}: {answer.text}"


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_tokens_are_values(server, text):
    token = text.encode("latin-1", "replace").decode("latin-1")
    token = "".join(c for c in token if " " < c < "\x7f") or "x"
    client = server.client(token=token)
    assert client.get("/api/v1/auth/check").status_code == 401
    assert client.get("/api/v1/user/profile").status_code == 401


def test_what_may_be_stored_comes_back_as_it_was(server):
    who = sign_in(server)
    for text in ["O'Brien; DROP TABLE users", '"quoted" \\ back', "100% _sure_", "{{7*7}} $(id)", "王小明😀"]:
        who.ok("PUT", "/api/v1/user/profile", {"nickname": text, "address": text})
        profile = who.ok("GET", "/api/v1/user/profile")
        assert (profile["nickname"], profile["address"]) == (text, text)


def test_devices_are_values(server):
    text = "d'; DELETE FROM user_sessions; --"
    who = sign_in(server, device={"platform": "app", "device_id": text, "app_version": "1' --"})
    sessions = who.ok("GET", "/api/v1/user/sessions")["sessions"]
    assert [(s["device_id"], s["app_version"]) for s in sessions] == [(text, "1' --")]


def test_nothing_of_all_this_changed_the_tables(server):
    who = register(server)
    tables = {row[0] for row in rows(server, server.stores.db.TABLES)}
    assert {"users", "user_identities", "user_sessions", "password_credentials"} <= tables
    assert rows(server, "SELECT COUNT(*) FROM users WHERE phone = ?", who.phone) == [(1,)]
