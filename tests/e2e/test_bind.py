# SPDX-License-Identifier: Apache-2.0
"""Ways in are added, exchanged and taken away; one of them always stays, and nobody's becomes another's."""
import pytest

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in
from mails import BIND as BIND_EMAIL, UNBIND as UNBIND_EMAIL, new_address, send_code as send_mail
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from steps import (BIND_PASSWORD, BIND_PHONE, IDENTITIES, LOGIN, PASSWORD, PROFILE, UNBIND_PASSWORD,
                   UNBIND_PHONE, accounts_of, code_again, fields_of, later, rows,
                   sign_in_again, user_id, wrong)

pytestmark = pytest.mark.core

VERIFY = "/api/v1/auth/phone_sms/verify"


def namespaces(who):
    return sorted(entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"])


def masked(phone):
    return phone[3:6] + "****" + phone[-4:]


def bind_phone(server, who, phone):
    flow_id, code = send_code(server, who, phone, "bind")
    return who.ok("POST", BIND_PHONE, {"phone": phone, "code": code, "flow_id": flow_id})


# ---- Adding ----

def test_a_second_number_leads_to_the_same_account(server):
    who, second = sign_in(server), new_phone()
    bound = bind_phone(server, who, second)["identities"]
    assert [entry["subject"] for entry in bound] == [masked(who.phone), masked(second)]
    again = sign_in_again(server, second)
    assert user_id(again) == user_id(who) and again.tokens["is_new_user"] is False
    assert who.ok("GET", PROFILE)["phone"] == masked(who.phone)


def test_each_identity_is_shown_with_who_can_take_it_away(server):
    """A registration by password proves a number too; the password's section has nothing to do with it."""
    who = register(server)
    shown = {one["namespace"]: one["provider"] for one in who.ok("GET", IDENTITIES)["identities"]}
    assert shown == {"phone": "phone_sms", "password": "password"}
    who.ok("DELETE", f"/api/v1/user/unbind/{shown['password']}")
    assert namespaces(who) == ["phone"]


def test_a_number_of_somebody_else_is_refused(server):
    owner, who = sign_in(server), sign_in(server)
    flow_id, code = code_again(server, who, owner.phone, "bind")
    who.refused(409, "identity_taken", "POST", BIND_PHONE,
                {"phone": owner.phone, "code": code, "flow_id": flow_id})
    assert accounts_of(server, owner.phone) == [user_id(owner)]
    assert namespaces(who) == ["phone"]
    bind_phone(server, who, new_phone())


def test_the_own_number_may_be_proved_again(server):
    who = sign_in(server)
    later(server)
    bind_phone(server, who, who.phone)
    assert namespaces(who) == ["phone"]


def test_binding_wants_a_session(server):
    client, phone = server.client(), new_phone()
    client.refused(401, "unauthorized", "POST", "/api/v1/auth/send-sms-code",
                   {"phone": phone, "purpose": "bind"})
    client.refused(401, "unauthorized", "POST", BIND_PHONE, {"phone": phone, "code": "123456"})
    server.client(token="a.b.c").refused(401, "invalid_token", "POST", BIND_PHONE,
                                         {"phone": phone, "code": "123456"})
    bind_phone(server, sign_in(server), phone)


@pytest.mark.parametrize("purpose", ["login", "register", "reset"])
@pytest.mark.parametrize("path", [BIND_PASSWORD, BIND_PHONE])
def test_binding_makes_no_account(server, path, purpose):
    """Where a way in is added, no other purpose can be had."""
    who, phone = sign_in(server), new_phone()
    flow_id, code = send_code(server, who, phone, purpose)
    body = {"purpose": purpose, "password": GOOD_SECRET, "new_password": GOOD_SECRET, "phone": phone,
            "code": code, "flow_id": flow_id}
    if path == BIND_PASSWORD:
        del body["flow_id"]
    before = rows(server, "SELECT COUNT(*) FROM users")
    answer = who.refused(422, "field_invalid", "POST", path, body)
    assert fields_of(answer) == {"purpose": "not_allowed"}
    assert rows(server, "SELECT COUNT(*) FROM users") == before
    assert namespaces(who) == ["phone"] and accounts_of(server, phone) == []


@pytest.mark.parametrize("purpose", ["bind", "change"])
def test_binding_has_the_purposes_of_an_account(server, purpose):
    who, phone = sign_in(server), new_phone()
    flow_id, code = send_code(server, who, phone, purpose)
    who.ok("POST", BIND_PHONE, {"purpose": purpose, "phone": phone, "code": code, "flow_id": flow_id})
    assert accounts_of(server, phone) == [user_id(who)]
    who.ok("POST", BIND_PASSWORD, {"purpose": purpose, "password": GOOD_SECRET})
    server.client().ok("POST", LOGIN, {"account": phone, "password": GOOD_SECRET})


def test_first_password_is_bound_once(server):
    who = sign_in(server)
    answer = who.refused(422, "field_invalid", "POST", BIND_PASSWORD, {"password": "12345678"})
    assert fields_of(answer) == {"password": "too_weak"}
    who.ok("POST", BIND_PASSWORD, {"password": GOOD_SECRET})
    assert namespaces(who) == ["password", "phone"]
    answer = who.post(BIND_PASSWORD, {"password": "Turbine-oatmeal-77"})
    assert answer.status_code == 409, answer.text
    server.client().ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})


@pytest.mark.parametrize("path", ["/api/v1/user/bind/nobody", "/api/v1/user/unbind/nobody",
                                  "/api/v1/user/unbind/sms_log"])
def test_unknown_ways_are_not_found(server, path):
    method = "POST" if "/bind/" in path else "DELETE"
    sign_in(server).refused(404, "not_found", method, path, {})


def test_a_proof_of_somebody_else_binds_nothing(server):
    """What is proved by a secret is an account: one's own says nothing new, another's cannot be had."""
    owner, who = register(server), register(server)
    path, body = "/api/v1/auth/password/verify", {"purpose": "bind", "password": GOOD_SECRET}
    who.refused(409, "identity_taken", "POST", path, {**body, "account": owner.phone})
    who.refused(401, "invalid_credentials", "POST", path, {**body, "account": owner.phone,
                                                           "password": "Turbine-oatmeal-77"})
    own = who.ok("POST", path, {**body, "account": who.phone})
    assert sorted(entry["namespace"] for entry in own["identities"]) == ["password", "phone"]
    assert accounts_of(server, owner.phone) == [user_id(owner)]


# ---- Taking away ----

def test_the_last_way_in_stays(server):
    who = sign_in(server)
    who.refused(409, "last_login_method", "DELETE", UNBIND_PHONE)
    who.refused(404, "not_found", "DELETE", UNBIND_PASSWORD)
    assert user_id(sign_in_again(server, who.phone)) == user_id(who)


def test_a_password_without_a_name_is_no_way_in(server):
    """The number is what the account is found by: with it gone, the password would open nothing."""
    who = register(server)
    who.refused(409, "last_login_method", "DELETE", UNBIND_PHONE)
    who.ok("PUT", PROFILE, {"username": "kim" + who.phone[-8:]})
    who.ok("DELETE", UNBIND_PHONE)
    who.refused(409, "last_login_method", "DELETE", UNBIND_PASSWORD)
    again = server.client().ok("POST", LOGIN, {"account": "kim" + who.phone[-8:],
                                               "password": GOOD_SECRET})
    assert again["user"]["id"] == user_id(who)


def test_an_unbound_password_is_dead(server):
    who = register(server)
    who.ok("DELETE", UNBIND_PASSWORD)
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"account": who.phone, "password": GOOD_SECRET})
    who.refused(404, "not_found", "DELETE", UNBIND_PASSWORD)
    who.ok("POST", BIND_PASSWORD, {"password": "Turbine-oatmeal-77"})
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"account": who.phone, "password": GOOD_SECRET})
    server.client().ok("POST", LOGIN, {"account": who.phone, "password": "Turbine-oatmeal-77"})


def test_of_two_numbers_the_one_named_goes(server):
    who, second = sign_in(server), new_phone()
    first = who.phone
    bind_phone(server, who, second)
    answer = who.refused(422, "field_invalid", "DELETE", UNBIND_PHONE)
    assert fields_of(answer) == {"subject": "required"}
    who.refused(404, "not_found", "DELETE", UNBIND_PHONE, {"subject": new_phone()})
    who.ok("DELETE", UNBIND_PHONE, {"subject": first})
    assert who.ok("GET", PROFILE)["phone"] == masked(second)
    who.refused(409, "last_login_method", "DELETE", UNBIND_PHONE, {"subject": second})
    stranger = sign_in_again(server, first)
    assert stranger.tokens["is_new_user"] is True, "the number is free"


def test_what_looks_the_same_is_told_apart(server):
    """Both are shown as b***@example.com."""
    who = sign_in(server)
    for address in (new_address(), new_address()):
        flow_id, code = send_mail(server, who, address, "bind")
        bound = who.ok("POST", BIND_EMAIL, {"flow_id": flow_id, "code": code})["identities"]
    first, second = [one for one in bound if one["namespace"] == "email"]
    assert first["subject"] == second["subject"] and first["id"] != second["id"]
    who.refused(422, "field_invalid", "DELETE", UNBIND_EMAIL, {"subject": first["subject"]})
    who.refused(404, "not_found", "DELETE", UNBIND_EMAIL, {"id": bound[0]["id"]})
    who.ok("DELETE", UNBIND_EMAIL, {"id": first["id"]})
    assert [one["id"] for one in who.ok("GET", IDENTITIES)["identities"]] == [bound[0]["id"], second["id"]]
    # Of the only one left, too, one that is not text names none.
    who.refused(422, "field_invalid", "DELETE", UNBIND_EMAIL, {"id": 5})
    who.ok("DELETE", UNBIND_EMAIL, {"id": second["id"]})


def test_nobody_unbinds_for_another(server):
    """A12: whose identities these are says the token, never the body."""
    victim, who = register(server), register(server)
    name = {"user_id": user_id(victim), "sub": victim.tokens["user"]["uuid"], "account": victim.phone}
    who.ok("DELETE", UNBIND_PASSWORD, name)
    assert namespaces(victim) == ["password", "phone"] and namespaces(who) == ["phone"]
    who.refused(404, "not_found", "DELETE", UNBIND_PHONE, {"subject": victim.phone})
    server.client().refused(401, "unauthorized", "DELETE", UNBIND_PASSWORD, name)


# ---- A change of number ----

def change_number(server, who, phone):
    flow_id, code = code_again(server, who, phone, "change")
    return who.post(VERIFY, {"phone": phone, "code": code, "flow_id": flow_id})


def test_change_of_number(server):
    who, new = sign_in(server), new_phone()
    old = who.phone
    answer = change_number(server, who, new)
    assert answer.status_code == 200, answer.text
    assert who.ok("GET", PROFILE)["phone"] == masked(new)
    assert accounts_of(server, old) == [] and accounts_of(server, new) == [user_id(who)]
    assert user_id(sign_in_again(server, new)) == user_id(who)
    assert sign_in_again(server, old).tokens["is_new_user"] is True


def test_change_to_a_number_of_somebody_else(server):
    owner, who = sign_in(server), sign_in(server)
    answer = change_number(server, who, owner.phone)
    assert (answer.status_code, answer.json()["error"]) == (409, "identity_taken"), answer.text
    assert accounts_of(server, who.phone) == [user_id(who)]
    assert accounts_of(server, owner.phone) == [user_id(owner)]


# ---- A07: a proof belongs to the account and the session that asked for it ----

@pytest.mark.parametrize("purpose, path", [("bind", BIND_PHONE), ("change", VERIFY)])
def test_proof_of_one_session_is_no_good_in_another(server, purpose, path):
    who, phone = sign_in(server), new_phone()
    twin, thief = sign_in_again(server, who.phone), sign_in(server)
    flow_id, code = send_code(server, who, phone, purpose)
    body = {"phone": phone, "code": code, "flow_id": flow_id}
    for other in (twin, thief):
        other.refused(410, "flow_expired", "POST", path, body)
        answer = other.post(path, {"phone": phone, "code": code, "purpose": purpose})
        assert answer.status_code == 401, answer.text
    answer = server.client().post(path, body)
    assert answer.status_code in (401, 410), answer.text
    assert accounts_of(server, phone) == []
    assert who.post(path, body).status_code == 200
    assert accounts_of(server, phone) == [user_id(who)]


def test_proof_for_one_number_binds_no_other(server):
    who, proved, wanted = sign_in(server), new_phone(), new_phone()
    flow_id, code = send_code(server, who, proved, "bind")
    who.refused(401, "invalid_code", "POST", BIND_PHONE,
                {"phone": wanted, "code": code, "flow_id": flow_id})
    who.refused(401, "invalid_code", "POST", BIND_PHONE,
                {"phone": proved, "code": wrong(code), "flow_id": flow_id})
    assert accounts_of(server, wanted) == accounts_of(server, proved) == []
    who.ok("POST", BIND_PHONE, {"phone": proved, "code": code, "flow_id": flow_id})


def test_proof_dies_with_its_session(server):
    who, phone = sign_in(server), new_phone()
    flow_id, code = send_code(server, who, phone, "bind")
    who.ok("POST", "/api/v1/auth/logout")
    body = {"phone": phone, "code": code, "flow_id": flow_id}
    who.refused(401, "invalid_token", "POST", BIND_PHONE, body)
    again = sign_in_again(server, who.phone)
    again.refused(410, "flow_expired", "POST", BIND_PHONE, body)
    assert accounts_of(server, phone) == []


# ---- A06: what is claimed gives way to what is proved ----

def test_an_unproved_number_neither_signs_in_nor_blocks_its_owner(server):
    squatter, phone = register(server), new_phone()
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, bound_at)"
         " VALUES (?, 'phone', ?, 0)", user_id(squatter), phone)
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"account": phone, "password": GOOD_SECRET})
    owner = sign_in(server, phone)
    assert owner.tokens["is_new_user"] is True and user_id(owner) != user_id(squatter)
    assert accounts_of(server, phone) == [user_id(owner)]
    assert namespaces(squatter) == ["password", "phone"], "their own number only"
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"account": phone, "password": GOOD_SECRET})


def test_an_unproved_number_gives_way_to_a_binding(server):
    squatter, who, phone = sign_in(server), sign_in(server), new_phone()
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, bound_at)"
         " VALUES (?, 'phone', ?, 0)", user_id(squatter), phone)
    bind_phone(server, who, phone)
    assert accounts_of(server, phone) == [user_id(who)]


# ---- Races ----

def test_parallel_unbinds_leave_a_way_in(server):
    """A62: number and password, which needs the number, and a second number."""
    say("unbinds of everything")
    for i in range(ROUNDS):
        who, second = register(server), new_phone()
        bind_phone(server, who, second)
        token = who.tokens["access_token"]
        shots = [Shot("DELETE", UNBIND_PHONE, {"subject": who.phone}, token),
                 Shot("DELETE", UNBIND_PHONE, {"subject": second}, token),
                 Shot("DELETE", UNBIND_PASSWORD, {}, token)]
        seen = tally(release(server.url, (shots * N_PARALLEL)[:N_PARALLEL]))
        assert set(seen) <= {(200, None), (404, "not_found"), (409, "last_login_method")}, seen
        assert seen[(200, None)] == 2, f"round {i}: {seen}"
        assert namespaces(who) == ["phone"], f"round {i}"
        (left,) = rows(server, "SELECT subject FROM user_identities WHERE user_id = ?", user_id(who))
        assert user_id(sign_in_again(server, left[0])) == user_id(who), f"round {i}"


def test_parallel_bindings_of_one_number_have_one_owner(server):
    say("two accounts that bind one number")
    for i in range(ROUNDS):
        first, second, phone = sign_in(server), sign_in(server), new_phone()
        flow_a, code_a = send_code(server, first, phone, "bind")
        later(server)
        flow_b, code_b = send_code(server, second, phone, "change")
        shots = [Shot("POST", BIND_PHONE, {"phone": phone, "code": code_a, "flow_id": flow_a},
                      first.tokens["access_token"]),
                 Shot("POST", VERIFY, {"phone": phone, "code": code_b, "flow_id": flow_b},
                      second.tokens["access_token"])]
        seen = tally(release(server.url, shots * (N_PARALLEL // 2)))
        assert seen[(200, None)] == 1, f"round {i}: {seen}"
        assert 1 <= seen[(409, "identity_taken")] <= 5, f"round {i}: {seen}, and a flow has five tries"
        assert len(accounts_of(server, phone)) == 1, f"round {i}"


def test_first_bindings_of_a_password_have_one_winner(server):
    secrets = [f"Rhubarb-lantern-{100 + n}" for n in range(8)]
    say("first passwords", len(secrets))
    for i in range(ROUNDS):
        who = sign_in(server)
        shots = [Shot("POST", BIND_PASSWORD, {"password": secret}, who.tokens["access_token"])
                 for secret in secrets]
        seen = tally(release(server.url, shots))
        opened = [secret for secret in secrets if server.client().post(
            LOGIN, {"account": who.phone, "password": secret}).status_code == 200]
        assert seen[(200, None)] == 1 and len(opened) == 1, f"round {i}: {seen} {opened}"


def test_parallel_changes_of_a_password_have_one_winner(server):
    secrets = [f"Rhubarb-lantern-{100 + n}" for n in range(8)]
    say("changes of one password", len(secrets))
    for i in range(ROUNDS):
        who = register(server)
        shots = [Shot("PUT", PASSWORD, {"old_password": GOOD_SECRET, "new_password": secret},
                      who.tokens["access_token"]) for secret in secrets]
        replies = release(server.url, shots)
        won = [secret for secret, reply in zip(secrets, replies) if reply.status == 200]
        assert tally(replies) == {(200, None): 1, (401, "invalid_credentials"): 7}, f"round {i}"
        server.client().ok("POST", LOGIN, {"account": who.phone, "password": won[0]})
