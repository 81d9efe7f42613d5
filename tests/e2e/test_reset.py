# SPDX-License-Identifier: Apache-2.0
"""A forgotten password: a code to the number or the address, a new password, and all that was open is shut."""
import pytest

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in
from links import FORGOT, RESET, assert_password, both
from mails import EMAIL_LOGIN, mail_in
from mails import send_code as mail_code
from steps import (BIND_PASSWORD, LOGIN, PHONE_LOGIN, REGISTER, fields_of, later, look_of, n_sessions, near, rows,
                   user_id, wrong)

NEW = "Turbine-oatmeal-77"


def forget(server, client, **who):
    """(flow_id, code) of a code for a new password."""
    (to,) = who.values()
    n_before = len(server.codes_for(to, "reset"))
    flow_id = client.ok("POST", FORGOT, who)["flow_id"]
    return flow_id, server.code_for(to, "reset", n_before)


def forget_again(server, client, **who):
    later(server)
    return forget(server, client, **who)


@pytest.mark.parametrize("by", ["phone", "email"])
def test_the_owner_sets_a_new_one(server, by):
    who = both(server)
    identifier, client = {by: getattr(who, by)}, server.client()
    flow_id, code = forget(server, client, **identifier)
    done = client.ok("POST", RESET, {**identifier, "code": code, "flow_id": flow_id, "new_password": NEW})
    assert "access_token" not in (done or {})
    assert who.get("/api/v1/auth/check").status_code == 401, "its sessions have ended"
    client.refused(401, "invalid_token", "POST", "/api/v1/auth/refresh",
                   {"refresh_token": who.tokens["refresh_token"]})
    again = assert_password(server, who.phone, NEW, GOOD_SECRET)
    assert again["user"]["id"] == user_id(who)
    client.refused(410, "flow_expired", "POST", RESET,
                   {**identifier, "code": code, "flow_id": flow_id, "new_password": "Candle-parsnip-43"})
    assert_password(server, who.phone, NEW, "Candle-parsnip-43")
    audited = rows(server, "SELECT COUNT(*) FROM auth_logs WHERE action = 'password_reset' AND target = ?",
                   who.tokens["user"]["uuid"])
    assert audited == [(1,)]


def test_without_flow_id_it_is_the_newest(server):
    who = register(server)
    later(server)
    client = server.client()
    _, code = forget(server, client, phone=who.phone)
    client.ok("POST", RESET, {"phone": who.phone[3:], "code": code, "new_password": NEW})
    assert_password(server, who.phone, NEW, GOOD_SECRET)


def test_who_never_had_a_password_gets_the_first(server):
    who = mail_in(server)
    later(server)
    client = server.client()
    _, code = forget(server, client, email=who.email)
    client.ok("POST", RESET, {"email": who.email, "code": code, "new_password": NEW})
    client.ok("POST", LOGIN, {"account": who.email, "password": NEW})


def test_only_a_right_code_of_this_purpose(server):
    who = register(server)
    later(server)
    client = server.client()
    flow_id, code = send_code(server, client, who.phone)
    client.refused(410, "flow_expired", "POST", RESET,
                   {"phone": who.phone, "code": code, "flow_id": flow_id, "new_password": NEW})
    later(server)
    flow_id, code = forget(server, client, phone=who.phone)
    body = {"phone": who.phone, "flow_id": flow_id, "new_password": NEW}
    client.refused(401, "invalid_code", "POST", RESET, {**body, "code": wrong(code)})
    answer = client.post(PHONE_LOGIN, {"phone": who.phone, "code": code, "flow_id": flow_id})
    assert answer.status_code == 410, answer.text
    assert who.get("/api/v1/auth/check").status_code == 200
    client.ok("POST", RESET, {**body, "code": code})


def test_a_code_is_good_for_its_own_account(server):
    victim, thief = register(server), register(server)
    later(server)
    client = server.client()
    flow_id, code = forget(server, client, phone=thief.phone)
    for flow in ({"flow_id": flow_id}, {}):
        client.refused(401, "invalid_code", "POST", RESET,
                       {"phone": victim.phone, "code": code, "new_password": NEW, **flow})
    assert_password(server, victim.phone, GOOD_SECRET, NEW)
    assert victim.get("/api/v1/auth/check").status_code == 200


def test_what_is_no_password_costs_no_code(server):
    who = register(server)
    later(server)
    client = server.client()
    flow_id, code = forget(server, client, phone=who.phone)
    body = {"phone": who.phone, "code": code, "flow_id": flow_id}
    for secret, reason in (("short1", "too_short"), ("password123", "too_weak"), (who.phone, "too_weak")):
        answer = client.refused(422, "field_invalid", "POST", RESET, {**body, "new_password": secret})
        assert fields_of(answer) == {"new_password": reason}
    client.ok("POST", RESET, {**body, "new_password": NEW})


@pytest.mark.parametrize("end", ["change", "logout"])
def test_a_code_from_before_everything_ended_is_dead(server, end):
    """A36: who changes the password or ends all sessions ends what a thief has asked for."""
    who = register(server)
    later(server)
    client = server.client()
    flow_id, code = forget(server, client, phone=who.phone)
    server.shift_clock(server.shifted + 1)
    if end == "change":
        who.ok("PUT", "/api/v1/user/password", {"old_password": GOOD_SECRET, "new_password": NEW})
    else:
        who.ok("POST", "/api/v1/auth/logout", {"all": True})
    client.refused(410, "flow_expired", "POST", RESET,
                   {"phone": who.phone, "code": code, "flow_id": flow_id, "new_password": "Candle-parsnip-43"})
    assert_password(server, who.phone, NEW if end == "change" else GOOD_SECRET, "Candle-parsnip-43")
    later(server)
    flow_id, code = forget(server, client, phone=who.phone)
    client.ok("POST", RESET, {"phone": who.phone, "code": code, "flow_id": flow_id,
                              "new_password": "Candle-parsnip-43"})


def test_login_codes_from_before_the_reset_are_dead(server):
    who = both(server)
    client = server.client()
    old_flow, old_code = mail_code(server, client, who.email)
    flow_id, code = forget(server, client, phone=who.phone)
    server.shift_clock(server.shifted + 1)
    client.ok("POST", RESET, {"phone": who.phone, "code": code, "flow_id": flow_id, "new_password": NEW})
    client.refused(410, "flow_expired", "POST", EMAIL_LOGIN,
                   {"email": who.email, "code": old_code, "flow_id": old_flow})
    assert n_sessions(server, user_id(who)) == 1, "none was made"


def test_a_frozen_account_stays_as_it_is(server):
    who = register(server)
    later(server)
    client = server.client()
    server.ctl("user", "freeze", who.phone)
    flow_id, code = forget(server, client, phone=who.phone)
    client.refused(403, "forbidden", "POST", RESET,
                   {"phone": who.phone, "code": code, "flow_id": flow_id, "new_password": NEW})
    server.ctl("user", "unfreeze", who.phone)
    assert_password(server, who.phone, GOOD_SECRET, NEW)


def test_one_of_both_identifiers_is_wanted(server):
    client = server.client()
    for path in (FORGOT, RESET, REGISTER):
        answer = client.refused(422, "field_invalid", "POST", path, {"code": "123456", "new_password": NEW,
                                                                     "password": NEW})
        assert fields_of(answer) == {"phone": "required", "email": "required"}, path


def test_a_stranger_learns_nothing_of_an_account(server):
    """A42: until the proof every identifier looks the same; after it, its owner is told."""
    with_one, without, frozen = register(server), sign_in(server), register(server)
    server.ctl("user", "freeze", frozen.phone)
    later(server, 86400)
    kinds, codes = {}, {}
    for kind, phone in (("with", with_one.phone), ("without", without.phone), ("frozen", frozen.phone),
                        ("stranger", new_phone())):
        client = server.client()
        looks = [near(look_of(client.post(FORGOT, {"phone": phone}))) for _ in range(2)]
        codes[phone] = server.code_for(phone, "reset")
        body = {"phone": phone, "new_password": NEW}
        looks += [near(look_of(client.post(RESET, {**body, "code": wrong(codes[phone], i)})))
                  for i in range(1, 4)]
        kinds[kind] = looks
    assert [look[0] for look in kinds["stranger"]] == [200, 429, 401, 401, 401]
    for kind, looks in kinds.items():
        assert looks == kinds["stranger"], f"{kind}: {looks}"
    stranger = list(codes)[-1]
    server.client().refused(404, "not_found", "POST", RESET,
                            {"phone": stranger, "code": codes[stranger], "new_password": NEW})
    server.client().ok("POST", RESET, {"phone": without.phone, "code": codes[without.phone],
                                       "new_password": NEW})
    server.client().refused(401, "unauthorized", "POST", BIND_PASSWORD, {"password": NEW})


# ---- A76: who is locked out gets in by another way ----

@pytest.mark.parametrize("by", ["phone", "email"])
def test_a_reset_lifts_the_lock(server, by):
    who = both(server)
    client = server.client()
    for i in range(10):
        client.refused(401, "invalid_credentials", "POST", LOGIN,
                       {"account": who.phone, "password": f"wrong-{i}"})
    for account in (who.phone, who.email):
        client.refused(429, "rate_limited", "POST", LOGIN, {"account": account, "password": GOOD_SECRET})
    identifier = {by: getattr(who, by)}
    flow_id, code = forget(server, client, **identifier)
    body = {**identifier, "code": code, "flow_id": flow_id}
    client.refused(401, "invalid_code", "POST", RESET, {**body, "code": wrong(code), "new_password": NEW})
    client.refused(422, "field_invalid", "POST", RESET, {**body, "new_password": GOOD_SECRET})
    client.refused(429, "rate_limited", "POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})
    flow_id, code = forget_again(server, client, **identifier)
    client.ok("POST", RESET, {**identifier, "code": code, "flow_id": flow_id, "new_password": NEW})
    assert_password(server, who.phone, NEW, GOOD_SECRET)
