# SPDX-License-Identifier: Apache-2.0
"""A code is good once, for its number, in its flow; what is sent later replaces what was sent before."""
import re

import pytest

from harness import GOOD_SECRET, new_phone, send_code, sign_in
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally, winners
from steps import (BIND_PHONE, PHONE_LOGIN, REGISTER, SEND, accounts_of, code_again, fields_of, later,
                   n_sessions, rows, user_id, wrong)

pytestmark = pytest.mark.core


def test_right_code_signs_in_once(server):
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    assert re.fullmatch("[0-9]{6}", code), code
    body = {"phone": phone, "code": code, "flow_id": flow_id}
    first = client.ok("POST", PHONE_LOGIN, body)
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN, body)
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {"phone": phone, "code": code})
    assert n_sessions(server, first["user"]["id"]) == 1


def test_wrong_code_is_refused_and_the_right_one_still_works(server):
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    answer = client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                            {"phone": phone, "code": wrong(code), "flow_id": flow_id})
    assert "WWW-Authenticate" in answer.headers
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})


@pytest.mark.parametrize("text", ["", " ", "12345", "1234567", "１２３４５６", "abcdef", " {}", "{} ",
                                  "+{}", "{}\n", "0x{}"])
def test_only_six_plain_digits_are_a_code(server, text):
    client, phone = server.client(), new_phone()
    _, code = send_code(server, client, phone)
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                   {"phone": phone, "code": text.format(code)})
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code})


def test_a_new_code_replaces_the_old_one(server):
    client, phone = server.client(), new_phone()
    old_flow, old = send_code(server, client, phone)
    flow_id, code = code_again(server, client, phone)
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN,
                   {"phone": phone, "code": old, "flow_id": old_flow})
    if old != code:
        client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {"phone": phone, "code": old})
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})


def test_five_wrong_tries_end_the_flow(server):
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    for i in range(1, 6):
        client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                       {"phone": phone, "code": wrong(code, i), "flow_id": flow_id})
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN,
                   {"phone": phone, "code": code, "flow_id": flow_id})
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN, {"phone": phone, "code": code})
    flow_id, code = code_again(server, client, phone)
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})


def test_code_of_one_number_is_not_good_for_another(server):
    client, mine, theirs = server.client(), new_phone(), new_phone()
    flow_id, code = send_code(server, client, mine)
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                   {"phone": theirs, "code": code, "flow_id": flow_id})
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {"phone": theirs, "code": code})
    assert accounts_of(server, theirs) == []
    client.ok("POST", PHONE_LOGIN, {"phone": mine, "code": code, "flow_id": flow_id})


def test_number_may_be_left_out_when_the_flow_names_it(server):
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    client.ok("POST", "/api/v1/auth/phone_sms/verify", {"code": code, "flow_id": flow_id})
    answer = client.refused(422, "field_invalid", "POST", PHONE_LOGIN, {"code": code})
    assert fields_of(answer) == {"phone": "required"}


# Spellings of one number, {} is its national part.
SPELLINGS = ["+86{}", "86{}", "0086{}", "{}", " {} ", "+86 {}", "+86-{}", "（+86）{}", "＋86{}"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_number_is_one_account(server, spelling):
    phone = new_phone()
    first = sign_in(server, phone)
    later(server)
    client, text = server.client(), spelling.format(phone[3:])
    n_before = len(server.codes_for(phone))
    client.ok("POST", SEND, {"phone": text})
    code = server.code_for(phone, n_before=n_before)
    again = client.ok("POST", PHONE_LOGIN, {"phone": text, "code": code})
    assert again["user"]["id"] == user_id(first)
    assert accounts_of(server, phone) == [user_id(first)]


@pytest.mark.parametrize("text", ["", "+", "138", "+8612345", "+86138001380001", "138 0013 800x",
                                  "+86\u200b13800138000", "13800138000;13900139000",
                                  "13800138000,13900139000", "13800138000\r\nBcc: x", "+0013800138000"])
def test_what_is_no_number_is_refused_by_name(server, text):
    client = server.client()
    before = len(server.outbox())
    for path in (SEND, "/api/send-code", "/api/v1/auth/phone_sms/begin"):
        answer = client.refused(422, "field_invalid", "POST", path, {"phone": text})
        assert fields_of(answer) == {"phone": "format"}, text
    assert len(server.outbox()) == before
    phone = new_phone()
    client.ok("POST", SEND, {"phone": phone})
    assert server.code_for(phone)  # on its way it would be one of the next test's


# ---- Races: N opened first, released together ----

def test_one_code_has_one_winner(server):
    """A03, signing in."""
    say("one code")
    for i in range(ROUNDS):
        phone = new_phone()
        flow_id, code = send_code(server, server.client(), phone)
        shot = Shot("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})
        replies = release(server.url, [shot] * N_PARALLEL)
        seen = tally(replies)
        assert seen[(200, None)] == 1, f"round {i}: {seen}"
        assert set(seen) <= {(200, None), (401, "invalid_code"), (410, "flow_expired")}, seen
        account = winners(replies)[0].data["user"]["id"]
        assert n_sessions(server, account) == 1, f"round {i}"
        assert accounts_of(server, phone) == [account], f"round {i}"


def test_one_register_code_makes_one_account(server):
    """A03, registering."""
    say("one code to register with")
    for i in range(ROUNDS):
        phone = new_phone()
        flow_id, code = send_code(server, server.client(), phone, "register")
        shot = Shot("POST", REGISTER, {"phone": phone, "code": code, "flow_id": flow_id,
                                       "password": GOOD_SECRET})
        replies = release(server.url, [shot] * N_PARALLEL)
        seen = tally(replies)
        assert seen[(200, None)] == 1, f"round {i}: {seen}"
        account = winners(replies)[0].data["user"]["id"]
        assert accounts_of(server, phone) == [account] and n_sessions(server, account) == 1


def test_one_bind_code_binds_once(server):
    """A03, binding."""
    say("one code to bind with")
    for i in range(ROUNDS):
        who, phone = sign_in(server), new_phone()
        flow_id, code = send_code(server, who, phone, "bind")
        shot = Shot("POST", BIND_PHONE, {"phone": phone, "code": code, "flow_id": flow_id},
                    who.tokens["access_token"])
        seen = tally(release(server.url, [shot] * N_PARALLEL))
        assert seen[(200, None)] == 1, f"round {i}: {seen}"
        assert accounts_of(server, phone) == [user_id(who)], f"round {i}"
        bound = rows(server, "SELECT COUNT(*) FROM auth_logs WHERE action = 'bind' AND actor_id = ?",
                     user_id(who))
        assert bound == [(1,)], f"round {i}"


def test_parallel_first_logins_make_one_account(server):
    """A63: two codes that are good for the same new number, one to log in and one to register."""
    say("two codes of a new number")
    for i in range(ROUNDS):
        client, phone = server.client(), new_phone()
        login_flow, login_code = send_code(server, client, phone)
        flow_id, code = code_again(server, client, phone, "register")
        login = Shot("POST", PHONE_LOGIN, {"phone": phone, "code": login_code,
                                           "flow_id": login_flow})
        register = Shot("POST", REGISTER, {"phone": phone, "code": code, "flow_id": flow_id,
                                           "password": GOOD_SECRET})
        replies = release(server.url, [login, register] * (N_PARALLEL // 2))
        seen = tally(replies)
        won = {reply.data["user"]["id"] for reply in winners(replies)}
        assert len(won) == 1 and 1 <= seen[(200, None)] <= 2, f"round {i}: {seen}"
        assert accounts_of(server, phone) == list(won), f"round {i}"
        assert n_sessions(server, won.pop()) == seen[(200, None)], f"round {i}: {seen}"
        assert not any(status >= 500 for status, _ in seen), seen
