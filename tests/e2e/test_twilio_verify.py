# SPDX-License-Identifier: Apache-2.0
"""Sign-in with a number whose code Twilio makes, sends and checks."""
import time

import pytest

from fakes.twilio import ACCOUNT, KEY, SECRET, VERIFY, VerifyGateway, error
from faulty import OPTIONS as FAULTY, each_op_in_turn
from harness import GOOD_SECRET, new_phone
from starting import refusal
from steps import (BIND_PASSWORD, LOGIN, accounts_of, assert_limited, fields_of, later, rows,
                   user_id, wrong)

BEGIN = "/api/v1/auth/twilio_verify/begin"
VERIFY_PATH = "/api/v1/auth/twilio_verify/verify"
BIND = "/api/v1/user/bind/twilio_verify"
RESET = "/api/v1/auth/reset-password"
NEW = "Turbine-oatmeal-77"
CONF = f"""
[twilio_verify]
account_sid = {ACCOUNT}
key_sid = {KEY}
secret = {SECRET}
service_sid = {VERIFY}
upstream_timeout = 1s
"""


@pytest.fixture
def fake():
    made = VerifyGateway()
    yield made
    made.stop()


@pytest.fixture
def make_with(make_server, fake):
    def make(*options, more="", **how):
        return make_server(*options, workers=2, **how, conf={
            "30-phone_sms.ini": CONF + f"endpoint = {fake.endpoint}\n" + more})
    return make


@pytest.fixture
def server(make_with):
    return make_with()


def begin(client, phone, purpose="login"):
    return client.ok("POST", BEGIN, {"phone": phone, "purpose": purpose})["flow_id"]


def enter(client, flow_id, code, **more):
    return client.post(VERIFY_PATH, {"flow_id": flow_id, "code": code, **more})


def sign_in(server, fake, phone):
    client = server.client()
    answer = enter(client, begin(client, phone), fake.sent_to(phone))
    assert answer.status_code == 200, answer.text
    client.tokens, client.phone = answer.json()["data"], phone
    return client.use(client.tokens["access_token"])


def assert_refused(answer, status, error_name):
    assert (answer.status_code, answer.json()["error"]) == (status, error_name), answer.text


def test_who_is_new_signs_up_and_comes_back(server, fake):
    phone = new_phone()
    who = sign_in(server, fake, phone)
    later(server)
    assert user_id(sign_in(server, fake, phone)) == user_id(who)
    assert accounts_of(server, phone) == [user_id(who)]
    assert fake.paths == ["Verifications", "VerificationCheck"] * 2, "once each"


def test_the_number_alone_names_the_flow(server, fake):
    client, phone = server.client(), new_phone()
    begin(client, phone)
    client.ok("POST", VERIFY_PATH, {"phone": phone[3:], "code": fake.sent_to(phone)})


def test_another_number_is_bound(server, fake):
    who, phone = sign_in(server, fake, new_phone()), new_phone()
    flow_id = begin(who, phone, "bind")
    who.ok("POST", BIND, {"flow_id": flow_id, "code": fake.sent_to(phone)})
    assert accounts_of(server, phone) == [user_id(who)]


def test_a_number_moves_though_twilio_takes_a_code_once(server, fake):
    owner, who, phone = sign_in(server, fake, new_phone()), sign_in(server, fake, new_phone()), new_phone()
    owner.ok("POST", BIND, {"flow_id": begin(owner, phone, "bind"), "code": fake.sent_to(phone)})
    later(server)
    body = {"flow_id": begin(who, phone, "bind"), "code": fake.sent_to(phone)}
    who.refused(409, "identity_taken", "POST", BIND, body)
    later(server)
    fresh = sign_in(server, fake, owner.phone)
    body["other_token"] = fresh.tokens["access_token"]
    who.refused(401, "invalid_code", "POST", BIND, {**body, "code": wrong(body["code"])})
    who.ok("POST", BIND, body)
    assert accounts_of(server, phone) == [user_id(who)] and accounts_of(server, owner.phone) == [user_id(owner)]


@pytest.mark.parametrize("field, value", [("other_token", 1), ("close_other", "yes")])
def test_a_wrong_field_spends_no_code(server, fake, field, value):
    who, phone = sign_in(server, fake, new_phone()), new_phone()
    body = {"flow_id": begin(who, phone, "bind"), "code": fake.sent_to(phone)}
    assert_refused(who.post(BIND, {**body, field: value}), 422, "field_invalid")
    who.ok("POST", BIND, body)


@pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these")
@pytest.mark.one_host(reason="a fault is told to the host of one state folder")
def test_a_store_that_fails_spends_no_code(make_with, fake, plugins):
    server = make_with(*FAULTY, plugins=str(plugins))
    for fault in each_op_in_turn(server, ["db"]):
        owner, who = sign_in(server, fake, new_phone()), sign_in(server, fake, new_phone())
        later(server)
        body = {"flow_id": begin(who, owner.phone, "bind"), "code": fake.sent_to(owner.phone)}
        with fault:
            answer = who.post(BIND, body)
        assert answer.status_code in (409, 503), f"{fault}: {answer.text}"
        answer = who.post(BIND, body)
        assert (answer.status_code, answer.json()["error"]) == (409, "identity_taken"), f"{fault}: {answer.text}"


def test_a_wrong_code_is_a_wrong_code(server, fake):
    client, phone = server.client(), new_phone()
    flow_id, code = begin(client, phone), fake.sent_to(phone)
    assert_refused(enter(client, flow_id, wrong(code)), 401, "invalid_code")
    assert_refused(enter(client, flow_id, code, phone=new_phone()), 401, "invalid_code")
    assert accounts_of(server, phone) == []
    assert enter(client, flow_id, code).status_code == 200


def test_a_code_of_another_number_is_a_wrong_code(server, fake):
    client, mine, other = server.client(), new_phone(), new_phone()
    flow_id, other_flow = begin(client, mine), begin(client, other)
    code = fake.sent_to(other)
    if code != fake.sent_to(mine):
        assert_refused(enter(client, flow_id, code), 401, "invalid_code")
    assert accounts_of(server, mine) == []
    assert enter(client, other_flow, code).status_code == 200


def test_five_wrong_codes_end_the_flow(server, fake):
    client, phone = server.client(), new_phone()
    flow_id, code = begin(client, phone), fake.sent_to(phone)
    for i in range(5):
        assert_refused(enter(client, flow_id, wrong(code, i + 1)), 401, "invalid_code")
    assert_refused(enter(client, flow_id, code), 410, "flow_expired")
    assert fake.paths.count("VerificationCheck") == 5 and accounts_of(server, phone) == []


def test_twilios_own_limit_of_tries_is_a_limit(make_with, fake):
    server = make_with("limits.flow_tries=20", "limits.code_failures=20")
    client, phone = server.client(), new_phone()
    flow_id, code = begin(client, phone), fake.sent_to(phone)
    for i in range(5):
        assert_refused(enter(client, flow_id, wrong(code, i + 1)), 401, "invalid_code")
    assert_refused(enter(client, flow_id, code), 429, "rate_limited")
    assert accounts_of(server, phone) == []


def test_an_expired_code_and_an_approved_one_are_over(server, fake):
    client, phone = server.client(), new_phone()
    flow_id, code = begin(client, phone), fake.sent_to(phone)
    fake.forget()
    assert_refused(enter(client, flow_id, code), 410, "flow_expired")
    assert accounts_of(server, phone) == []
    later(server)
    flow_id = begin(client, phone)
    code = fake.sent_to(phone)
    assert enter(client, flow_id, code).status_code == 200
    assert_refused(enter(client, flow_id, code), 410, "flow_expired")
    assert rows(server, "SELECT COUNT(*) FROM user_sessions") == [(1,)]


def test_what_is_sent_there_is_counted_here(server, fake):
    client, phone = server.client(), new_phone()
    begin(client, phone)
    assert_limited(client.post(BEGIN, {"phone": phone}), "send-resend", 1, 60)
    assert len(fake.paths) == 1, "nothing is asked for who must wait"
    later(server)
    begin(client, phone)


def test_countries_and_addresses_have_their_budgets(make_with, fake):
    server = make_with("limits.send_address_hour=3", "limits.send_address_day=3")
    client = server.client()
    assert fields_of(client.post(BEGIN, {"phone": "+12025550123"})) == {"phone": "country"}
    assert fake.paths == []
    for _ in range(3):
        begin(client, new_phone())
    assert_refused(client.post(BEGIN, {"phone": new_phone()}), 429, "rate_limited")
    assert len(fake.paths) == 3


def test_codes_that_nobody_enters_are_missing_and_entered_ones_are_not(make_with, fake):
    """The same watch as on codes of ours: a block of numbers that never enters one gets no more."""
    server = make_with("limits.missing_numbers=2", "limits.missing_per_entry=1")
    block = new_phone()[:-2]
    for i in range(3):
        sign_in(server, fake, f"{block}{i:02d}")
    for i in (3, 4):
        begin(server.client(), f"{block}{i:02d}")
    assert_refused(server.client().post(BEGIN, {"phone": f"{block}05"}), 429, "rate_limited")
    assert fake.paths.count("Verifications") == 5


def test_who_surely_got_nothing_may_ask_again_at_once(server, fake):
    client = server.client()
    for said, status in [((503, b"<html>"), 503), (error(401, 20003), 503), (error(404, 20404), 503),
                         (error(429, 60203), 429), (error(429, 20429), 429), (error(400, 60200), 422),
                         (error(400, 21211), 422), (error(403, 60205), 422)]:
        fake.refusal, phone = said, new_phone()
        answer = client.post(BEGIN, {"phone": phone})
        assert answer.status_code == status, f"{said}: {answer.text}"
        fake.refusal = None
        begin(client, phone)


@pytest.mark.parametrize("unclear", [(201, b"garbage"), (201, {}), (504, b""), "hang"], ids=str)
def test_what_is_unclear_at_begin_is_not_asked_twice(server, fake, unclear):
    client, phone = server.client(), new_phone()
    if unclear == "hang":
        fake.behaviour = "hang"
    else:
        fake.refusal = unclear
    assert client.post(BEGIN, {"phone": phone}).status_code in (503, 504)
    assert len(fake.received) == 1
    fake.behaviour, fake.refusal = 200, None
    assert_limited(client.post(BEGIN, {"phone": phone}), "send-resend", 1, 60)


@pytest.mark.parametrize("fault", [(503, b"<html>"), error(401, 20003), (200, b"garbage"), (200, {}), "hang",
                                   "another number", "another sid", "not valid"], ids=str)
def test_a_check_that_fails_signs_nobody_in(server, fake, fault):
    client, phone = server.client(), new_phone()
    flow_id, code = begin(client, phone), fake.sent_to(phone)
    before = dict(fake.found)
    spoilt = {"another number": {"to": new_phone()}, "another sid": {"sid": "VE0"}, "not valid": {"valid": False}}
    if fault == "hang":
        fake.behaviour = "hang"
    elif fault in list(spoilt):
        fake.spoil = lambda answer: {**answer, **spoilt[fault]}
    else:
        fake.refusal = fault
    answer = enter(client, flow_id, code)
    assert answer.status_code in (503, 504), f"{fault}: {answer.text}"
    assert len(fake.received) == 2, "the check is not sent twice"
    assert accounts_of(server, phone) == []
    fake.behaviour, fake.refusal, fake.spoil, fake.found = 200, None, lambda answer: answer, before
    assert enter(client, flow_id, code).status_code == 200


def test_a_password_is_reset_by_it(server, fake):
    who = sign_in(server, fake, new_phone())
    who.ok("POST", BIND_PASSWORD, {"password": GOOD_SECRET})
    later(server)
    client = server.client()
    flow_id = begin(client, who.phone, "reset")
    body = {"phone": who.phone, "flow_id": flow_id, "new_password": NEW}
    code = fake.sent_to(who.phone)
    client.refused(401, "invalid_code", "POST", RESET, {**body, "code": wrong(code)})
    client.ok("POST", RESET, {**body, "code": code})
    client.ok("POST", LOGIN, {"account": who.phone, "password": NEW})
    client.refused(401, "invalid_credentials", "POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})


def test_a_test_number_signs_in_without_a_request(make_with, fake):
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 86400))
    server = make_with(more=f"\n[test_numbers]\ncodes = +12025550123:491726\nexpires = {day}\n")
    client = server.client()
    flow_id = begin(client, "+12025550123")
    assert_refused(enter(client, flow_id, "491727"), 401, "invalid_code")
    assert enter(client, flow_id, "491726").status_code == 200
    assert fake.paths == []


@pytest.mark.one_host(reason="it reads the log of one")
def test_no_secret_and_no_number_is_in_the_log(server, fake):
    client, phone = server.client(), new_phone()
    flow_id, code = begin(client, phone), fake.sent_to(phone)
    fake.refusal = error(401, 20003)
    enter(client, flow_id, code)
    log = server.log()
    assert SECRET not in log and phone[3:] not in log and code not in log


def test_one_section_proves_numbers(make_server, fake):
    """[phone_sms] is there too: nobody would know which one proved a number."""
    said = refusal(make_server(start=False, conf={"31-twilio.ini": CONF + f"endpoint = {fake.endpoint}\n"}))
    assert 'identities "phone" belong to [phone_sms] already' in said, said
