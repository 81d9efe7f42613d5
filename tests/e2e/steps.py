# SPDX-License-Identifier: Apache-2.0
"""Small steps of the stories about signing in."""
import os
import sqlite3
from contextlib import closing

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

_database = "pintle.db"


def later(server, seconds=RESEND_S):
    """The clock of a shared server only ever goes on."""
    server.shifted = getattr(server, "shifted", 0) + seconds
    server.shift_clock(server.shifted)


def rows(server, sql, *params):
    """What the SQL store holds; a statement that writes is committed."""
    path = os.path.join(server.state, _database)
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        return database.execute(sql, params).fetchall()


def wrong(code, by=1):
    """Another code of six digits."""
    return f"{(int(code) + by) % 1000000:06d}"


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


def fields_of(answer):
    """{field: reason} of a 422."""
    return {entry["field"]: entry["reason"] for entry in answer.json()["fields"]}
