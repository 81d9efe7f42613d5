# SPDX-License-Identifier: Apache-2.0
"""Numbers with a fixed code, for reviewers of an app store: they sign in, and are no way into anything else."""
import time

import pytest

from gateway import Gateway
from harness import GOOD_SECRET, new_phone, register, sign_in, wait_for
from steps import (BIND_PHONE, LOGIN, PHONE_LOGIN, REGISTER, SEND, assert_limited, later, rows,
                   user_id)

pytestmark = pytest.mark.core

CODE, MAIL_CODE = "491726", "835604"
PHONE, MAIL = "+12025550123", "reviewer@example.com"  # no message goes to America
DAY_S = 86400
CONF = """
[group sms]
senders = gate

[gate]
plugin = sms_http
url = {}

[group mail]
senders = mail_log

[mail_log]
"""


def day(days_ahead):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days_ahead * DAY_S))


@pytest.fixture
def gateway():
    made = Gateway()
    yield made
    made.stop()


@pytest.fixture
def make_with(make_server, gateway):
    def make(*options, codes=f"{PHONE}:{CODE}, {MAIL}:{MAIL_CODE}", expires=None):
        numbers = f"\n[test_numbers]\ncodes = {codes}\nexpires = {expires or day(30)}\n"
        return make_server(*options, workers=2, conf={"40-messages.ini": CONF.format(gateway.url) + numbers})
    return make


def begin(client, phone=PHONE, purpose="login"):
    return client.ok("POST", SEND, {"phone": phone, "purpose": purpose})["flow_id"]


def log_in(server, phone=PHONE, code=CODE):
    client = server.client()
    body = {"phone": phone, "code": code, "flow_id": begin(client, phone)}
    client.tokens = client.ok("POST", PHONE_LOGIN, body)
    return client.use(client.tokens["access_token"])


def log_in_later(server):
    later(server)
    return log_in(server)


def uses(server):
    return rows(server, "SELECT target, result FROM auth_logs WHERE action = 'test_number.used' ORDER BY id")


def n_messages(server):
    return rows(server, "SELECT COUNT(*) FROM message_logs")[0][0]


def test_a_reviewer_signs_in_and_nothing_is_sent(make_with, gateway):
    server = make_with()
    who = log_in(server)
    assert who.tokens["is_new_user"]
    later(server)
    again = log_in(server)
    assert user_id(again) == user_id(who) and not again.tokens["is_new_user"]
    client = server.client()
    flow_id = client.ok("POST", "/api/v1/auth/send-email-code", {"email": MAIL})["flow_id"]
    client.ok("POST", "/api/v1/auth/email-login", {"email": MAIL, "code": MAIL_CODE, "flow_id": flow_id})
    phone = new_phone()  # the twin: a message to anybody else, and it comes after all of these
    flow_id = begin(client, phone)
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": gateway.code_for(phone), "flow_id": flow_id})
    wait_for(lambda: n_messages(server) == 1, "the one message")
    assert [body["to"] for body in gateway.bodies()] == [phone]
    assert server.outbox() == []
    used = uses(server)
    assert [result for _, result in used] == ["success"] * 3
    assert not any(PHONE in target or MAIL in target for target, _ in used), "it is masked"


@pytest.mark.one_host(reason="the log of one host")
def test_the_log_says_that_they_are_there(make_with):
    server = make_with()
    log_in(server)
    assert f"until {day(30)}" in server.log()
    assert CODE not in server.log()


def test_a_reviewer_registers_with_a_password(make_with):
    server = make_with()
    client = server.client()
    flow_id = begin(client, purpose="register")
    client.ok("POST", REGISTER, {"phone": PHONE, "code": CODE, "flow_id": flow_id, "password": GOOD_SECRET})
    client.ok("POST", LOGIN, {"account": PHONE, "password": GOOD_SECRET})
    later(server)
    log_in(server)


def test_the_answer_tells_nobody(make_with):
    """Whoever tries numbers does not see which are for reviewers."""
    server = make_with()
    looks = [set(server.client().ok("POST", SEND, {"phone": phone})) for phone in (PHONE, new_phone())]
    assert looks[0] == looks[1]
    for phone in (PHONE, new_phone()):
        later(server)
        client = server.client()
        flow_id = begin(client, phone)
        client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                       {"phone": phone, "code": "000000", "flow_id": flow_id})


def test_no_budget_pays_for_them(make_with, gateway):
    """The twin: a message to anybody else does spend it."""
    server = make_with("limits.send_global_hour=1", "limits.missing_network=1")
    log_in(server)
    later(server)
    log_in(server)
    phone = new_phone()
    begin(server.client(), phone)
    gateway.code_for(phone)
    assert server.client().post(SEND, {"phone": new_phone()}).status_code == 429


def test_guesses_are_limited_as_everywhere(make_with):
    server = make_with()
    client = server.client()
    flow_id = begin(client)
    for i in range(5):
        client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                       {"phone": PHONE, "code": f"00000{i}", "flow_id": flow_id})
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN, {"phone": PHONE, "code": CODE, "flow_id": flow_id})
    assert_limited(client.post(SEND, {"phone": PHONE}), "send-resend", 1, 60)
    later(server)
    flow_id = begin(client)
    for i in range(5):
        client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                       {"phone": PHONE, "code": f"10000{i}", "flow_id": flow_id})
    later(server)
    flow_id = begin(client)
    assert_limited(client.post(PHONE_LOGIN, {"phone": PHONE, "code": CODE, "flow_id": flow_id}),
                   "code-failures", 10, 900)
    assert uses(server) == []


def test_the_code_is_good_once_and_for_its_own_number_alone(make_with, gateway):
    server = make_with()
    client, phone = server.client(), new_phone()
    flow_id = begin(client)
    body = {"phone": PHONE, "code": CODE, "flow_id": flow_id}
    client.ok("POST", PHONE_LOGIN, body)
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN, body)
    other = begin(client, phone)
    assert gateway.code_for(phone) != CODE
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {"phone": phone, "code": CODE, "flow_id": other})
    # Without a begin it opens nothing.
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {"phone": PHONE, "code": CODE})


def test_it_binds_resets_and_changes_nothing(make_with, gateway):
    server = make_with()
    reviewer = log_in(server)
    later(server)
    phone = new_phone()
    who = server.client()
    flow_id = begin(who, phone)
    who.use(who.ok("POST", PHONE_LOGIN, {"phone": phone, "code": gateway.code_for(phone),
                                        "flow_id": flow_id})["access_token"])
    for purpose in ("bind", "change"):
        who.refused(403, "forbidden", "POST", SEND, {"phone": PHONE, "purpose": purpose})
    server.client().refused(403, "forbidden", "POST", SEND, {"phone": PHONE, "purpose": "reset"})
    server.client().refused(403, "forbidden", "POST", "/api/v1/auth/forgot-password", {"phone": PHONE})
    # A code for a sign-in is no code for another purpose.
    flow_id = begin(server.client())
    body = {"phone": PHONE, "code": CODE, "flow_id": flow_id}
    who.refused(410, "flow_expired", "POST", BIND_PHONE, body)
    server.client().refused(410, "flow_expired", "POST", "/api/v1/auth/reset-password",
                            {**body, "new_password": GOOD_SECRET})
    assert user_id(log_in_later(server)) == user_id(reviewer)


@pytest.mark.one_host(reason="its configuration is written anew")
def test_it_opens_no_account_with_another_identity(make_server):
    """An operator who lists the number of somebody real lets nobody into that account."""
    server = make_server("limits.countries=86, 1", workers=2)
    owner = register(server, username="root" + new_phone()[-8:])
    lonely = sign_in(server)
    later(server)
    numbers = (f"[test_numbers]\ncodes = {owner.phone}:{CODE}, {lonely.phone}:{CODE}\n"
               f"expires = {day(30)}\n")
    server.write_conf("45-test.ini", numbers)
    server.ctl("reload")
    client = server.client()
    body = {"phone": owner.phone, "code": CODE, "flow_id": begin(client, owner.phone)}
    client.refused(403, "forbidden", "POST", PHONE_LOGIN, body)
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {**body, "code": "000000"})
    assert [result for _, result in uses(server)] == ["refused"]
    client.ok("POST", LOGIN, {"account": owner.phone, "password": GOOD_SECRET})
    assert user_id(log_in(server, lonely.phone)) == user_id(lonely)
    server.write_conf("45-test.ini", numbers + "may_share = yes\n")
    server.ctl("reload")
    server.client().ok("POST", PHONE_LOGIN, body)


def test_after_its_day_it_is_over(make_with, gateway):
    server = make_with(expires=day(1))
    client = server.client()
    log_in(server)
    later(server)
    late = {"phone": PHONE, "code": CODE, "flow_id": begin(client)}
    later(server, 2 * DAY_S)
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN, late)
    client.refused(403, "forbidden", "POST", SEND, {"phone": PHONE})
    phone = new_phone()
    begin(client, phone)
    gateway.code_for(phone)
    assert [body["to"] for body in gateway.bodies()] == [phone], "nothing is sent to it then, either"


@pytest.mark.one_host(reason="none is started")
@pytest.mark.parametrize("codes, expires, told", [
    (f"{PHONE}:{CODE}", "", "expires"), (f"{PHONE}:{CODE}", "2099-01-01", "a year"),
    (f"{PHONE}:123456", None, "too simple"), (f"{PHONE}:12345", None, "digits"), (PHONE, None, "IDENTIFIER:CODE")])
def test_a_bad_section_is_refused(make_server, codes, expires, told):
    section = ["-o", f"test_numbers.codes={codes}", "-o",
               f"test_numbers.expires={day(30) if expires is None else expires}"]
    server = make_server()
    done = server.ctl("check", "-c", server.conf, *section, check=False)
    assert done.returncode == 1 and told in done.stderr, done.stderr
    assert "123456" not in done.stderr
    good = ["-o", f"test_numbers.codes={PHONE}:{CODE}", "-o", f"test_numbers.expires={day(30)}"]
    assert server.ctl("check", "-c", server.conf, *good, check=False).returncode == 0
