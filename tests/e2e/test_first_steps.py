# SPDX-License-Identifier: Apache-2.0
"""What a newcomer does first: register, log in, read the profile, log out."""
import subprocess

import jwt
import pytest

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in

pytestmark = pytest.mark.core


def test_register_log_in_read_profile(server):
    who = register(server)
    again = server.client()
    tokens = again.ok("POST", "/api/v1/auth/login",
                      {"phone": who.phone, "password": GOOD_SECRET})
    assert tokens["is_new_user"] is False
    profile = again.use(tokens["access_token"]).ok("GET", "/api/v1/user/profile")
    assert profile["phone"] == who.phone[3:6] + "****" + who.phone[-4:]
    assert profile["id"] == who.tokens["user"]["id"]


def test_code_login_signs_up_then_signs_in(server):
    phone = new_phone()
    first = sign_in(server, phone)
    assert first.tokens["is_new_user"] is True
    server.shift_clock(61)
    second = sign_in(server, phone)
    server.shift_clock(0)
    assert second.tokens["is_new_user"] is False
    assert second.tokens["user"]["id"] == first.tokens["user"]["id"]


def test_short_paths(server):
    client, phone = server.client(), new_phone()
    client.ok("POST", "/api/send-code", {"phone": phone})
    tokens = client.ok("POST", "/api/login", {"phone": phone, "code": server.code_for(phone)})
    profile = client.use(tokens["access_token"]).ok("GET", "/api/user/profile")
    assert profile["login_type"] == "phone"


def test_code_without_flow_id_is_the_newest_of_the_number(server):
    client, phone = server.client(), new_phone()
    _, code = send_code(server, client, phone)
    client.ok("POST", "/api/v1/auth/login", {"phone": phone, "code": code})


def test_check_tells_who_and_has_no_body(server):
    who = sign_in(server)
    answer = who.get("/api/v1/auth/check")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["X-Auth-User-Id"] == who.tokens["user"]["uuid"]
    assert answer.headers["X-Auth-Session-Id"] == who.tokens["session_id"]
    for name in ("X-Auth-User-Type", "X-Auth-Name", "X-Auth-Roles"):
        assert name in answer.headers
    assert server.client().get("/api/v1/auth/check").status_code == 401
    assert server.client(token="a.b.c").get("/api/v1/auth/check").status_code == 401
    assert who.get("/api/v1/auth/check?permission=user:view").status_code == 403


def test_logout_ends_everything_of_the_session(server):
    who = sign_in(server)
    who.ok("POST", "/api/v1/auth/logout")
    assert who.get("/api/v1/auth/check").status_code == 401
    who.refused(401, "invalid_token", "GET", "/api/v1/user/profile")
    who.refused(401, "invalid_token", "POST", "/api/v1/auth/refresh",
                {"refresh_token": who.tokens["refresh_token"]})


def test_tokens_verify_with_independent_libraries(server):
    who = sign_in(server)
    jwks = jwt.PyJWKClient(server.url + "/.well-known/jwks.json")
    token = who.tokens["access_token"]
    key = jwks.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=["ES256"], options={"verify_aud": False})
    assert claims["sub"] == who.tokens["user"]["uuid"]
    assert claims["sid"] == who.tokens["session_id"]
    assert claims["typ"] == "access"
    assert claims["exp"] - claims["iat"] == who.tokens["expires_in"]


def test_messages_follow_the_language(server):
    zh = server.client(headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    answer = zh.refused(401, "unauthorized", "GET", "/api/v1/user/profile")
    assert answer.json()["message"] == "请先登录"
    en = server.client().refused(401, "unauthorized", "GET", "/api/v1/user/profile")
    assert en.json()["message"] == "Sign in first"


def test_curl_over_http_1_0(server):
    done = subprocess.run(["curl", "-sS", "--http1.0", server.url + "/healthz"], capture_output=True,
                          text=True, timeout=10, check=True)
    assert '"success":true' in done.stdout
