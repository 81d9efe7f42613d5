# SPDX-License-Identifier: Apache-2.0
"""Passwords: registering, signing in by any name of the account, changing, and what may become one."""
import pytest

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in
from steps import (BIND_PASSWORD, LOGIN, PASSWORD, PHONE_LOGIN, PROFILE, REGISTER, accounts_of,
                   fields_of, later, n_sessions, rows, user_id, wrong)

OTHER_SECRET = "Turbine-oatmeal-77"


def login(server, account, secret):
    return server.client().post(LOGIN, {"account": account, "password": secret})


def test_account_is_found_by_each_of_its_names(server):
    name = "Ada." + new_phone()[-8:]
    who = register(server, username=name)
    for field, value in (("account", who.phone), ("account", who.phone[3:]), ("account", name),
                         ("account", f" {name.upper()} "), ("phone", who.phone), ("username", name)):
        tokens = server.client().ok("POST", LOGIN, {field: value, "password": GOOD_SECRET})
        assert tokens["user"]["id"] == user_id(who), (field, value)
    for field, value in (("account", name + "x"), ("username", who.phone), ("email", "a@b.example")):
        answer = server.client().post(LOGIN, {field: value, "password": GOOD_SECRET})
        assert answer.status_code in (401, 422), (field, value, answer.text)


def test_wrong_password_is_refused(server):
    who = register(server)
    for secret in (OTHER_SECRET, GOOD_SECRET[:-1], GOOD_SECRET + " ", GOOD_SECRET.lower(), "", " "):
        server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                                {"account": who.phone, "password": secret})
    assert login(server, who.phone, GOOD_SECRET).status_code == 200


def test_account_without_password_cannot_use_one(server):
    who = sign_in(server)
    for secret in ("", GOOD_SECRET, "*", "!"):
        server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                                {"account": who.phone, "password": secret})
    who.ok("POST", BIND_PASSWORD, {"password": GOOD_SECRET})
    assert login(server, who.phone, GOOD_SECRET).status_code == 200


# ---- Registering ----

def test_register_wants_a_free_number(server):
    who, client = register(server), server.client()
    later(server)
    flow_id, code = send_code(server, client, who.phone, "register")
    client.refused(409, "conflict", "POST", REGISTER,
                   {"phone": who.phone, "code": code, "flow_id": flow_id, "password": OTHER_SECRET})
    assert login(server, who.phone, OTHER_SECRET).status_code == 401
    assert login(server, who.phone, GOOD_SECRET).status_code == 200


def test_register_wants_a_free_name(server):
    name = "bob" + new_phone()[-8:]
    register(server, username=name)
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone, "register")
    body = {"phone": phone, "code": code, "flow_id": flow_id, "password": GOOD_SECRET}
    client.refused(409, "conflict", "POST", REGISTER, {**body, "username": name.upper()})
    client.ok("POST", REGISTER, {**body, "username": name + "2"})


def test_refused_registration_has_not_spent_the_code(server):
    """A72: whatever is wrong with the rest, the code stays good until all is right."""
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone, "register")
    good = {"phone": phone, "code": code, "flow_id": flow_id, "password": GOOD_SECRET}
    for field, value, reason in (("password", "short", "too_short"), ("password", "password1", "too_weak"),
                                 ("password", "x" * 73, "too_long"), ("username", "1x", "format"),
                                 ("nickname", "n" * 65, "too_long"), ("user_type", "emperor", "not_allowed"),
                                 ("device", "web", "type")):
        answer = client.refused(422, "field_invalid", "POST", REGISTER, {**good, field: value})
        assert fields_of(answer) == {field: reason}
    client.refused(401, "invalid_code", "POST", REGISTER, {**good, "code": wrong(code)})
    assert accounts_of(server, phone) == []
    tokens = client.ok("POST", REGISTER, {**good, "user_type": "cooperative", "nickname": "阿达"})
    assert tokens["is_new_user"] is True and tokens["user"]["user_type"] == "cooperative"
    assert client.use(tokens["access_token"]).ok("GET", PROFILE)["nickname"] == "阿达"


# ---- What may become a password ----

@pytest.mark.parametrize("secret, reason", [
    ("", "too_short"), ("Ab3$xyz", "too_short"), ("密码密码密码密", "too_short"),
    ("12345678", "too_weak"), ("password", "too_weak"), ("PASSWORD", "too_weak"),
    ("woaini1314", "too_weak"), ("qwertyuiop", "too_weak"), ("aaaaaaaaaaaaaaaa", "too_weak"),
    ("{phone}", "too_weak"), ("Q7-vetch-" * 9, "too_long"), ("密" * 25, "too_long"),
])
def test_weak_and_oversized_passwords(server, secret, reason):
    client, phone = server.client(), new_phone()
    answer = client.refused(422, "field_invalid", "POST", REGISTER, {
        "phone": phone, "code": "000000", "password": secret.format(phone=phone[3:])})
    assert fields_of(answer) == {"password": reason}


@pytest.mark.parametrize("secret", [GOOD_SECRET, "correct horse battery staple", "雨后春笋般涌现的密码",
                                    "Q7-vetch-Q7-vetch-" * 4, "  Rhubarb lantern 42  ", "Zoë-à-Brüssel-7"])
def test_good_passwords_of_any_kind(server, secret):
    who = register(server, secret=secret)
    assert login(server, who.phone, secret).status_code == 200
    assert login(server, who.phone, secret.strip() + ".").status_code == 401


def test_nothing_beyond_72_bytes_is_cut(server):
    """A56: two passwords that agree in 72 bytes are not the same."""
    secret = "Q7-vetch-Q7-vetch-" * 4
    assert len(secret) == 72
    who = register(server, secret=secret)
    for longer in (secret + "x", secret + "\u00e9", secret * 2):
        assert login(server, who.phone, longer).status_code == 401, len(longer)
    answer = who.refused(422, "field_invalid", "PUT", PASSWORD,
                         {"old_password": secret, "new_password": OTHER_SECRET * 5})
    assert fields_of(answer) == {"new_password": "too_long"}
    assert login(server, who.phone, secret).status_code == 200


def test_nul_is_no_part_of_a_password(server):
    """A56: bcrypt would end there."""
    who = register(server)
    nul = GOOD_SECRET + "\x00tail"
    client = server.client()
    client.refused(400, "bad_request", "POST", LOGIN, {"account": who.phone, "password": nul})
    who.refused(400, "bad_request", "PUT", PASSWORD,
                {"old_password": GOOD_SECRET, "new_password": nul})
    assert login(server, who.phone, GOOD_SECRET).status_code == 200


# ---- Changing ----

def test_change_ends_the_other_sessions(server):
    who = register(server)
    other = server.client()
    tokens = other.ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})
    other.use(tokens["access_token"])
    who.ok("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": OTHER_SECRET})
    other.refused(401, "invalid_token", "GET", PROFILE)
    who.ok("GET", PROFILE)
    assert login(server, who.phone, GOOD_SECRET).status_code == 401
    assert login(server, who.phone, OTHER_SECRET).status_code == 200


def test_change_may_leave_the_other_sessions(server):
    who = register(server)
    other = server.client()
    other.use(other.ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})["access_token"])
    who.ok("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": OTHER_SECRET,
                             "logout_others": False})
    other.ok("GET", PROFILE)


def test_change_wants_the_present_password(server):
    who = register(server)
    answer = who.refused(422, "field_invalid", "PUT", PASSWORD, {"new_password": OTHER_SECRET})
    assert fields_of(answer) == {"old_password": "required"}
    who.refused(401, "invalid_credentials", "PUT", PASSWORD,
                {"old_password": OTHER_SECRET, "new_password": OTHER_SECRET})
    answer = who.refused(422, "field_invalid", "PUT", PASSWORD,
                         {"old_password": GOOD_SECRET, "new_password": GOOD_SECRET})
    assert fields_of(answer) == {"new_password": "not_allowed"}
    answer = who.refused(422, "field_invalid", "PUT", PASSWORD,
                         {"old_password": GOOD_SECRET, "new_password": "12345678"})
    assert fields_of(answer) == {"new_password": "too_weak"}
    server.client().refused(401, "unauthorized", "PUT", PASSWORD,
                            {"old_password": GOOD_SECRET, "new_password": OTHER_SECRET})
    assert login(server, who.phone, GOOD_SECRET).status_code == 200
    who.ok("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": OTHER_SECRET})


def test_a_stolen_session_cannot_guess_the_password(server):
    """A40: tries of the change count with those of signing in."""
    who = register(server)
    for i in range(10):
        who.refused(401, "invalid_credentials", "PUT", PASSWORD,
                    {"old_password": f"{OTHER_SECRET}{i}", "new_password": OTHER_SECRET})
    answer = who.refused(429, "rate_limited", "PUT", PASSWORD,
                         {"old_password": GOOD_SECRET, "new_password": OTHER_SECRET})
    assert int(answer.headers["Retry-After"]) > 0
    server.client().refused(429, "rate_limited", "POST", LOGIN,
                            {"account": who.phone, "password": GOOD_SECRET})
    later(server, 15 * 60 + 1)
    who.ok("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": OTHER_SECRET})


def test_history_keeps_old_passwords_out(make_server):
    server = make_server("password.history=2")
    who = register(server)
    secrets = [GOOD_SECRET, OTHER_SECRET, "Marble-siphon-19", "Copper-thistle-58"]
    for old, new in zip(secrets, secrets[1:]):
        who.ok("PUT", PASSWORD, {"old_password": old, "new_password": new})
    for old in secrets[1:]:
        who.refused(422, "field_invalid", "PUT", PASSWORD,
                    {"old_password": secrets[-1], "new_password": old})
    who.ok("PUT", PASSWORD, {"old_password": secrets[-1], "new_password": secrets[0]})


def test_sign_in_by_code_stays_when_the_password_is_locked(server):
    """A76: guessing slows the password only; the owner's other way in is open."""
    who = register(server)
    for i in range(10):
        assert login(server, who.phone, f"{OTHER_SECRET}{i}").status_code == 401
    assert login(server, who.phone, GOOD_SECRET).status_code == 429
    later(server)
    client = server.client()
    flow_id, code = send_code(server, client, who.phone)
    client.ok("POST", PHONE_LOGIN, {"phone": who.phone, "code": code, "flow_id": flow_id})
    later(server, 15 * 60 + 1)
    assert login(server, who.phone, GOOD_SECRET).status_code == 200


def test_hash_stands_alone_in_its_table(server):
    who = register(server)
    ((stored,),) = rows(server, "SELECT hash FROM password_credentials WHERE user_id = ?", user_id(who))
    assert stored.startswith("$2b$04$") and GOOD_SECRET not in stored
    assert n_sessions(server, who) == 1
    for answer in (who.get(PROFILE), who.get("/api/v1/user/identities"), who.get("/api/v1/user/sessions")):
        assert "$2b$" not in answer.text and stored not in answer.text
