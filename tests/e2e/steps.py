# SPDX-License-Identifier: Apache-2.0
"""Small steps of the stories about signing in."""
import json
import os
import re

from harness import send_code, sign_in

LOGIN = "/api/v1/auth/login"
PHONE_LOGIN = "/api/v1/auth/phone-login"
SEND = "/api/v1/auth/send-sms-code"
REGISTER = "/api/v1/auth/register"
PROFILE = "/api/v1/user/profile"
PASSWORD = "/api/v1/user/password"
IDENTITIES = "/api/v1/user/identities"
BIND_PHONE = "/api/v1/user/bind/phone_sms"
UNBIND_PHONE = "/api/v1/user/unbind/phone_sms"
BIND_PASSWORD = "/api/v1/user/bind/password"
UNBIND_PASSWORD = "/api/v1/user/unbind/password"
RESEND_S = 61

# For a server that believes a proxy on this machine: then a test has as many addresses as it likes.
BEHIND_PROXY = "server.trusted_proxies=127.0.0.1"


def later(server, seconds=RESEND_S):
    """The clock of a shared server only ever goes on."""
    server.shifted = getattr(server, "shifted", 0) + seconds
    server.shift_clock(server.shifted)


def rows(server, sql, *params):
    """What the SQL store holds; a statement that writes is committed."""
    return server.stores.db.rows(sql, params)


def wrong(code, by=1):
    """Another code of six digits."""
    return f"{(int(code) + by) % 1000000:06d}"


def spoilt(text):
    """Another text of the same kind."""
    return ("y" if text[0] == "x" else "x") + text[1:]


def user_id(client):
    return client.tokens["user"]["id"]


def n_sessions(server, client_or_id):
    who = client_or_id if isinstance(client_or_id, int) else user_id(client_or_id)
    return rows(server, "SELECT COUNT(*) FROM user_sessions WHERE subject_id = ?", who)[0][0]


def accounts_of(server, phone):
    return [row[0] for row in rows(
        server, "SELECT user_id FROM user_identities WHERE namespace = 'phone' AND subject = ?", phone)]


def sign_in_again(server, phone):
    """Once more with the same number, when another code may be sent."""
    later(server)
    return sign_in(server, phone)


def code_again(server, client, phone, purpose="login"):
    later(server)
    return send_code(server, client, phone, purpose)


def access_lines(server):
    with open(os.path.join(server.state, "access.log"), encoding="utf-8") as file:
        return [json.loads(line) for line in file.read().splitlines()]


def told(answer):
    """Status and error of an answer; None when it tells of none."""
    return answer.status_code, answer.json()["error"] if answer.content and not answer.ok else None


def fields_of(answer):
    """{field: reason} of a 422."""
    return {entry["field"]: entry["reason"] for entry in answer.json()["fields"]}


def from_address(server, address):
    return server.client(headers={"X-Forwarded-For": address})


def assert_limited(answer, policy, quota, window_s):
    """429 with when to come back, in the old header and in the new ones."""
    assert (answer.status_code, answer.json()["error"]) == (429, "rate_limited"), answer.text
    wait_s = int(answer.headers["Retry-After"])
    assert 1 <= wait_s <= window_s, answer.headers
    assert answer.headers["RateLimit-Policy"] == f'"{policy}";q={quota};w={window_s}'
    assert answer.headers["RateLimit"] == f'"{policy}";r=0;t={wait_s}'
    return wait_s


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
