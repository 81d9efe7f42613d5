# SPDX-License-Identifier: Apache-2.0
"""A code goes to an address and signs in, is bound, and replaces; and the mail that carries it arrives."""
import os
import re
import signal

import pytest

from harness import GOOD_SECRET, new_phone, sign_in, wait_for
from mails import BIND, EMAIL_LOGIN, SEND, UNBIND, VERIFY, mail_in, new_address, send_code
from smtp import Silent, Smtp
from steps import (IDENTITIES, LOGIN, PROFILE, REGISTER, assert_limited, fields_of, later, look_of, near, rows,
                   sign_in_again, user_id, wrong)

def mail_in_again(server, address):
    later(server)
    return mail_in(server, address)


def owners_of(server, address):
    return [row[0] for row in rows(server, "SELECT user_id FROM user_identities"
                                           " WHERE namespace = 'email' AND subject = ?", address)]


def masked(address):
    return f"{address[0]}***@{address.partition('@')[2]}"


# ---- Signing in ----

def test_an_address_signs_up_and_in(server):
    first = mail_in(server)
    assert first.tokens["is_new_user"] is True
    assert first.ok("GET", PROFILE)["email"] == masked(first.email)
    (entry,) = first.ok("GET", IDENTITIES)["identities"]
    assert (entry["namespace"], entry["subject"]) == ("email", masked(first.email))
    again = mail_in_again(server, first.email)
    assert again.tokens["is_new_user"] is False and user_id(again) == user_id(first)


def test_the_generic_paths_and_no_flow_id(server):
    client, address = server.client(), new_address()
    client.ok("POST", "/api/v1/auth/email/begin", {"email": address})
    client.ok("POST", VERIFY, {"email": address, "code": server.code_for(address)})
    assert len(owners_of(server, address)) == 1


@pytest.mark.parametrize("spelling", [str.upper, str.title, lambda text: f" {text} "])
def test_every_spelling_is_one_account(server, spelling):
    who = mail_in(server)
    later(server)
    client = server.client()
    flow_id, code = send_code(server, client, spelling(who.email).strip())
    again = client.ok("POST", EMAIL_LOGIN, {"email": spelling(who.email), "code": code, "flow_id": flow_id})
    assert again["user"]["id"] == user_id(who)


def test_an_address_that_starts_like_a_number(server):
    """No country is asked for what is no phone number."""
    address = "+1" + new_address()
    assert owners_of(server, address) == []
    who = mail_in(server, address)
    assert owners_of(server, address) == [user_id(who)]


def test_a_code_is_good_once_and_for_its_address(server):
    client, mine, theirs = server.client(), new_address(), new_address()
    flow_id, code = send_code(server, client, mine)
    body = {"email": mine, "code": code, "flow_id": flow_id}
    client.refused(401, "invalid_code", "POST", EMAIL_LOGIN, {**body, "code": wrong(code)})
    client.refused(401, "invalid_code", "POST", EMAIL_LOGIN, {**body, "email": theirs})
    client.refused(401, "invalid_code", "POST", EMAIL_LOGIN, {"email": theirs, "code": code})
    client.ok("POST", EMAIL_LOGIN, body)
    client.refused(410, "flow_expired", "POST", EMAIL_LOGIN, body)
    assert owners_of(server, theirs) == []


def test_five_wrong_tries_end_the_flow(server):
    client, address = server.client(), new_address()
    flow_id, code = send_code(server, client, address)
    body = {"email": address, "flow_id": flow_id}
    for i in range(1, 6):
        client.refused(401, "invalid_code", "POST", EMAIL_LOGIN, {**body, "code": wrong(code, i)})
    client.refused(410, "flow_expired", "POST", EMAIL_LOGIN, {**body, "code": code})
    mail_in_again(server, address)


@pytest.mark.parametrize("purpose, other", [("login", "bind"), ("bind", "login"), ("change", "bind"),
                                            ("reset", "login"), ("register", "login")])
def test_a_code_is_good_for_its_purpose_only(server, purpose, other):
    who, address = sign_in(server), new_address()
    flow_id, code = send_code(server, who, address, purpose)
    path = BIND if other == "bind" else EMAIL_LOGIN
    who.refused(410, "flow_expired", "POST", path,
                {"email": address, "code": code, "flow_id": flow_id, "purpose": other})
    assert owners_of(server, address) == []


# A14: one address, and that is who gets the code.
SECOND = "eve@example.net"


@pytest.mark.parametrize("value", [
    ["{}", SECOND], {"0": "{}", "1": SECOND}, "{}," + SECOND, "{};" + SECOND, "{} " + SECOND,
    "{}\r\nBcc: " + SECOND, "{}\r\nRCPT TO:<" + SECOND + ">", "{}>\r\nRCPT TO:<" + SECOND, "<{}>",
    "Bob <{}>", "\"{}\"", "{}%0d%0aBcc:" + SECOND, "\"a b\"@example.com", "bob@example",
    "bob@[127.0.0.1]", "bob@-example.com", "bob..b@example.com", "bób@example.com", "bob＠example.com",
    "b" * 65 + "@example.com", "bob@" + "a" * 64 + ".com", "", " ", 17, None, True])
def test_only_one_plain_address_is_taken(server, value):
    client, address = server.client(), new_address()
    if isinstance(value, str):
        value = value.replace("{}", address)
    elif isinstance(value, list):
        value = [address, SECOND]
    before = len(server.outbox())
    answer = client.refused(422, "field_invalid", "POST", SEND, {"email": value})
    assert set(fields_of(answer)) == {"email"}
    mail_in(server, address)
    sent = server.outbox()[:-before or None]
    assert [message["to"] for message in sent] == [address]


@pytest.mark.parametrize("text", ['{{"email": "{0}", "email": "{1}"}}', '{{"email": "{1}", "email": "{0}"}}',
                                  '{{"email": "{0}\\u0000"}}'])
def test_what_can_be_read_in_two_ways_is_not_read(server, text):
    address, client = new_address(), server.client()
    answer = client.post(SEND, data=text.format(address, SECOND), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request"), answer.text
    client.ok("POST", SEND, {"email": address})
    server.code_for(address)
    assert SECOND not in {message["to"] for message in server.outbox()}


# ---- One account, many ways ----

def test_an_address_is_bound_and_unbound(server):
    who, address = sign_in(server), new_address()
    flow_id, code = send_code(server, who, address, "bind")
    who.ok("POST", BIND, {"email": address, "code": code, "flow_id": flow_id})
    assert owners_of(server, address) == [user_id(who)]
    assert who.ok("GET", PROFILE)["email"] == masked(address)
    assert user_id(mail_in_again(server, address)) == user_id(who)
    who.ok("DELETE", UNBIND)
    assert who.ok("GET", PROFILE)["email"] is None
    stranger = mail_in_again(server, address)
    assert stranger.tokens["is_new_user"] is True and user_id(stranger) != user_id(who)
    stranger.refused(409, "last_login_method", "DELETE", UNBIND)


def test_an_address_of_somebody_else_is_refused(server):
    owner, who = mail_in(server), sign_in(server)
    later(server)
    flow_id, code = send_code(server, who, owner.email, "bind")
    who.refused(409, "identity_taken", "POST", BIND,
                {"email": owner.email, "code": code, "flow_id": flow_id})
    assert owners_of(server, owner.email) == [user_id(owner)]


def test_the_own_address_is_verified_again(server):
    who = mail_in(server)
    later(server)
    flow_id, code = send_code(server, who, who.email, "bind")
    who.ok("POST", BIND, {"email": who.email, "code": code, "flow_id": flow_id})
    assert owners_of(server, who.email) == [user_id(who)]


def test_a_change_of_address(server):
    who, new = mail_in(server), new_address()
    old = who.email
    flow_id, code = send_code(server, who, new, "change")
    who.ok("POST", VERIFY, {"email": new, "code": code, "flow_id": flow_id})
    assert who.ok("GET", PROFILE)["email"] == masked(new)
    assert owners_of(server, old) == [] and owners_of(server, new) == [user_id(who)]
    assert user_id(mail_in_again(server, new)) == user_id(who)


def test_the_old_address_is_told_of_the_change(server):
    who, new = mail_in(server), new_address()
    old = who.email
    later(server)
    flow_id, code = send_code(server, who, new, "change")
    body = {"email": new, "code": code, "flow_id": flow_id}
    who.refused(401, "invalid_code", "POST", VERIFY, {**body, "code": wrong(code)})
    assert told_changed(server, old) == []
    who.ok("POST", VERIFY, body)
    (notice,) = wait_for(lambda: told_changed(server, old), "the notice")
    assert old in notice["text"] and new not in notice["text"] and notice["code"] is None
    assert told_changed(server, new) == []


def notices_to(server, address, template):
    return [message for message in server.outbox()
            if message["to"] == address and message["template"] == template]


def told_changed(server, address):
    return notices_to(server, address, "changed")


def bind_address(server, who, address):
    later(server)
    flow_id, code = send_code(server, who, address, "bind")
    who.ok("POST", BIND, {"email": address, "code": code, "flow_id": flow_id})


def test_the_addresses_of_an_account_are_told_of_one_more(server):
    who, new = mail_in(server), new_address()
    bind_address(server, who, who.email)
    flow_id, code = send_code(server, who, new, "bind")
    body = {"email": new, "code": code, "flow_id": flow_id}
    who.refused(401, "invalid_code", "POST", BIND, {**body, "code": wrong(code)})
    who.ok("POST", BIND, body)
    (notice,) = wait_for(lambda: notices_to(server, who.email, "added"), "the notice")
    assert new not in str(notice) and notice["code"] is None
    assert notices_to(server, new, "added") == []


def test_a_bind_that_fails_is_told_to_nobody(server):
    owner, who = mail_in(server), mail_in(server)
    later(server)
    flow_id, code = send_code(server, who, owner.email, "bind")
    who.refused(409, "identity_taken", "POST", BIND,
                {"email": owner.email, "code": code, "flow_id": flow_id})
    bind_address(server, who, new_address())
    assert len(wait_for(lambda: notices_to(server, who.email, "added"), "the notice")) == 1
    assert notices_to(server, owner.email, "added") == []


def test_an_address_that_is_taken_away_is_told(make_server):
    """Also when somebody has added others before, as many as are told."""
    server = make_server("limits.send_notice_hour=20")
    who, others = mail_in(server), [new_address() for _ in range(4)]
    who.refused(409, "last_login_method", "DELETE", UNBIND)
    for address in others:
        bind_address(server, who, address)
    who.refused(422, "field_invalid", "DELETE", UNBIND)
    who.refused(404, "not_found", "DELETE", UNBIND, {"subject": new_address()})
    who.ok("DELETE", UNBIND, {"subject": who.email})
    (notice,) = wait_for(lambda: notices_to(server, who.email, "removed"), "the notice")
    assert who.email not in notice["text"] and notice["code"] is None


def test_a_change_that_fails_is_told_to_nobody(server):
    owner, who = mail_in(server), mail_in(server)
    later(server)
    flow_id, code = send_code(server, who, owner.email, "change")
    who.refused(409, "identity_taken", "POST", VERIFY,
                {"email": owner.email, "code": code, "flow_id": flow_id})
    later(server)
    new = new_address()
    flow_id, code = send_code(server, who, new, "change")
    who.ok("POST", VERIFY, {"email": new, "code": code, "flow_id": flow_id})
    assert len(wait_for(lambda: told_changed(server, who.email), "the notice")) == 1


def test_codes_to_the_old_address_keep_no_notice_from_coming(make_server):
    """Whoever has just signed in there, or has asked for all the codes there are."""
    server = make_server("limits.send_target_hour=1", "limits.send_address_hour=3")
    who, new = mail_in(server), new_address()
    assert server.client().post(SEND, {"email": who.email}).status_code == 429
    flow_id, code = send_code(server, who, new, "change")
    send_code(server, who, new_address())
    assert server.client().post(SEND, {"email": new_address()}).status_code == 429
    who.ok("POST", VERIFY, {"email": new, "code": code, "flow_id": flow_id})
    assert len(wait_for(lambda: told_changed(server, who.email), "the notice")) == 1


def test_changes_that_fail_spend_no_notice(make_server):
    server = make_server("limits.send_notice_hour=1")
    owner, who, new = mail_in(server), mail_in(server), new_address()
    later(server)
    flow_id, code = send_code(server, who, owner.email, "change")
    who.refused(409, "identity_taken", "POST", VERIFY,
                {"email": owner.email, "code": code, "flow_id": flow_id})
    flow_id, code = send_code(server, who, new, "change")
    who.ok("POST", VERIFY, {"email": new, "code": code, "flow_id": flow_id})
    assert len(wait_for(lambda: told_changed(server, who.email), "the notice")) == 1


def test_a_code_of_the_old_address_leads_nowhere_after_the_change(server):
    """A36: it still proves the mailbox, which is nobody's now."""
    who, new = mail_in(server), new_address()
    later(server)
    client = server.client()
    old_flow, old_code = send_code(server, client, who.email)
    flow_id, code = send_code(server, who, new, "change")
    who.ok("POST", VERIFY, {"email": new, "code": code, "flow_id": flow_id})
    stranger = client.ok("POST", EMAIL_LOGIN, {"email": who.email, "code": old_code, "flow_id": old_flow})
    assert stranger["is_new_user"] is True and stranger["user"]["id"] != user_id(who)


def test_binding_and_changing_want_a_session(server):
    client, address = server.client(), new_address()
    for purpose in ("bind", "change"):
        client.refused(401, "unauthorized", "POST", SEND, {"email": address, "purpose": purpose})
    client.refused(401, "unauthorized", "POST", BIND, {"email": address, "code": "123456"})
    assert all(message["to"] != address for message in server.outbox())


# ---- Registering with a password ----

def apply(server, client, address):
    """What registers address with a password."""
    flow_id, code = send_code(server, client, address, "register")
    return {"email": address, "code": code, "flow_id": flow_id, "password": GOOD_SECRET}


def test_an_address_registers_with_a_password(server):
    client, address = server.client(), new_address()
    tokens = client.ok("POST", REGISTER, {**apply(server, client, address), "nickname": "Bob"})
    assert tokens["is_new_user"] is True and owners_of(server, address) == [tokens["user"]["id"]]
    again = client.ok("POST", LOGIN, {"account": address.upper(), "password": GOOD_SECRET})
    assert again["user"]["id"] == tokens["user"]["id"]
    client.use(again["access_token"])
    profile = client.ok("GET", PROFILE)
    assert (profile["nickname"], profile["email"]) == ("Bob", masked(address))


def test_registering_without_a_proof_makes_nothing(server):
    """A13: what is missing, empty or of another address; and A72: a weak password spends no code."""
    client, address = server.client(), new_address()
    body = apply(server, client, address)
    for gone, fields in (("email", ["email", "phone"]), ("code", ["code"]), ("password", ["password"])):
        rest = {name: value for name, value in body.items() if name != gone}
        answer = client.refused(422, "field_invalid", "POST", REGISTER, rest)
        assert fields_of(answer) == dict.fromkeys(fields, "required")
    for field, value, reason in (("email", "", "format"), ("email", " ", "format"),
                                 ("password", "", "too_short"), ("password", address, "too_weak")):
        answer = client.refused(422, "field_invalid", "POST", REGISTER, {**body, field: value})
        assert fields_of(answer) == {field: reason}
    for code in ("", " ", wrong(body["code"])):
        client.refused(401, "invalid_code", "POST", REGISTER, {**body, "code": code})
    client.refused(401, "invalid_code", "POST", REGISTER, {**body, "email": new_address()})
    assert owners_of(server, address) == []
    later(server)
    client.ok("POST", REGISTER, apply(server, client, address))


def test_an_address_with_an_account_is_not_registered_again(server):
    who = mail_in(server)
    later(server)
    client = server.client()
    client.refused(409, "conflict", "POST", REGISTER, apply(server, client, who.email))
    client.refused(401, "invalid_credentials", "POST", LOGIN,
                   {"account": who.email, "password": GOOD_SECRET})


# ---- Limits, and what a stranger learns ----

def told(answer):
    """All that could tell two accounts apart."""
    return near(look_of(answer))


def test_one_a_minute_and_five_an_hour(server):
    client, address = server.client(), new_address()
    client.ok("POST", SEND, {"email": address})
    assert_limited(client.post(SEND, {"email": address.upper()}), "send-resend", 1, 60)
    client.ok("POST", SEND, {"email": new_address()})
    for _ in range(4):
        later(server)
        client.ok("POST", SEND, {"email": address, "purpose": "reset"})
    later(server)
    assert_limited(client.post(SEND, {"email": address}), "send-target-hour", 5, 3600)


def test_a_stranger_learns_nothing_of_an_account(server):
    """A42: known, frozen and unknown addresses get the same answers, up to and beyond the limits."""
    known, frozen, kinds = mail_in(server), mail_in(server), {}
    server.ctl("user", "freeze", frozen.email)
    later(server, 86400)
    for kind, address in (("known", known.email), ("frozen", frozen.email), ("stranger", new_address())):
        client = server.client()
        n_before = len(server.codes_for(address))
        looks = [told(client.post(SEND, {"email": address}))]
        code = server.code_for(address, n_before=n_before)
        looks += [told(client.post(SEND, {"email": address, "purpose": purpose}))
                  for purpose in ("login", "register", "reset")]
        looks += [told(client.post(EMAIL_LOGIN, {"email": address, "code": wrong(code, i)}))
                  for i in range(1, 8)]
        kinds[kind] = looks
    statuses = [look[0] for look in kinds["stranger"]]
    assert statuses == [200, 429, 429, 429] + [401] * 5 + [410] * 2, statuses
    for kind, looks in kinds.items():
        assert looks == kinds["stranger"], f"{kind}: {looks}"


def test_who_has_proved_the_address_is_told(server):
    """The positive twin."""
    frozen = mail_in(server)
    server.ctl("user", "freeze", frozen.email)
    later(server)
    client = server.client()
    flow_id, code = send_code(server, client, frozen.email)
    client.refused(403, "account_frozen", "POST", EMAIL_LOGIN,
                   {"email": frozen.email, "code": code, "flow_id": flow_id})


# ---- Mails that arrive ----

@pytest.fixture(scope="module")
def smtp():
    started = Smtp().start()
    yield started
    started.close()


@pytest.fixture
def make_with(make_server):
    """A server whose mails go through these senders, in order."""
    def make(senders, *options, workers=2, conf=()):
        names = re.findall(r"^\[(\w+)\]", senders, re.M)
        text = "[group sms]\nsenders = sms_log\n[sms_log]\n[group mail]\nsenders = "
        return make_server(*options, workers=workers,
                           conf={"40-messages.ini": text + ", ".join(names) + "\n" + senders, **dict(conf)})
    return make


def code_in(mail):
    (text, html) = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    (code,) = re.findall(r"\b[0-9]{6}\b", text)
    assert f"<b>{code}</b>" in html
    return code


def results(server):
    return rows(server, "SELECT gateway, result FROM message_logs WHERE kind = 'mail' ORDER BY id")


def state_of(client, flow_id):
    return client.ok("GET", f"/api/v1/auth/flows/{flow_id}")["status"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("lang, subject, says", [("zh-CN", "您的验证码", "您正在登录"),
                                                 ("en", "Your code", "your code to sign in")])
def test_a_mail_arrives_and_signs_in(make_with, smtp, lang, subject, says, workers):
    server, address = make_with(smtp.conf("first", from_name="示例 Inc."), workers=workers), new_address()
    client = server.client(headers={"Accept-Language": lang})
    flow_id = client.ok("POST", SEND, {"email": address})["flow_id"]
    mail = smtp.mail_to(address)
    code = code_in(mail)
    assert mail["Subject"] == subject and code not in mail["Subject"]
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("示例 Inc.", "noreply@example.com")
    assert mail["To"] == address
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Date"].datetime.tzinfo
    assert says in mail.get_body(("plain",)).get_content()
    assert "tls" in mail["Received"].lower() and not mail.defects
    client.ok("POST", EMAIL_LOGIN, {"email": address, "code": code, "flow_id": flow_id})
    wait_for(lambda: results(server) == [("first", "accepted")], "the message log")
    ((recipient, upstream_id),) = rows(server, "SELECT recipient, upstream_id FROM message_logs")
    assert recipient == masked(address) and upstream_id == mail["Message-ID"]
    assert code not in server.log()


def own_mails(folder, text="Ahoy {{code}}\n"):
    """A section whose mails stand in files, and these files."""
    (folder / "en.txt").write_text(text, encoding="utf-8")
    (folder / "en.html").write_text("<i>{{email}}</i> <b>{{code}}</b>", encoding="utf-8")
    return f"[email]\ntext_en = @{folder}/en.txt\nhtml_en = @{folder}/en.html\n"


def test_mails_of_the_operator(make_with, smtp, tmp_path):
    server = make_with(smtp.conf("first"), conf={"35-email.ini": own_mails(tmp_path)})
    address = "o'neill&" + new_address()
    server.client().ok("POST", SEND, {"email": address})
    mail = smtp.mail_to(address)
    assert mail.get_body(("plain",)).get_content().startswith("Ahoy " + code_in(mail))
    assert f"<i>o&#39;neill&amp;{address.partition('&')[2]}</i>" in mail.get_body(("html",)).get_content()
    assert "can read" not in server.log(), "only of a secret that is a warning"


def test_a_mail_without_code_is_refused(make_with, smtp, tmp_path):
    server = make_with(smtp.conf("first"))
    good = server.ctl("status")["generation"]
    server.write_conf("35-email.ini", own_mails(tmp_path, "Ahoy\n"))
    done = server.ctl("reload", check=False)
    assert done.returncode != 0 and "text_en: {{code}} is missing" in done.stdout + done.stderr
    assert server.ctl("status")["generation"] == good


def test_a_file_half_written_waits_for_the_reload(make_with, smtp, tmp_path):
    """Also a worker that comes later knows the mails of its generation."""
    server = make_with(smtp.conf("first"), conf={"35-email.ini": own_mails(tmp_path)}, workers=1)
    (tmp_path / "en.txt").write_text("half of", encoding="utf-8")
    (pid,) = server.workers()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: server.workers() not in ([], [pid]), "another worker")
    address = new_address()
    server.client().ok("POST", SEND, {"email": address})
    assert smtp.mail_to(address).get_body(("plain",)).get_content().startswith("Ahoy ")
    assert server.ctl("reload", check=False).returncode != 0


@pytest.mark.parametrize("what", ["password", "tls_ca", "port"])
def test_a_gateway_that_did_not_take_it_gives_way(make_with, smtp, what):
    """A wrong password, a certificate of somebody else, nobody there."""
    bad = {"password": "wrong", "tls_ca": "/etc/ssl/certs/ca-certificates.crt", "port": 1}[what]
    server, address = make_with(smtp.conf("first", **{what: bad}) + smtp.conf("second")), new_address()
    client = server.client()
    flow_id = client.ok("POST", SEND, {"email": address})["flow_id"]
    code = code_in(smtp.mail_to(address))
    wait_for(lambda: results(server) == [("first", "failed"), ("second", "accepted")], "the message log")
    client.ok("POST", EMAIL_LOGIN, {"email": address, "code": code, "flow_id": flow_id})


@pytest.mark.parametrize("local, result", [("nobody", "refused"), ("busy", "limited"), ("full", "limited")])
def test_a_mailbox_that_takes_nothing_is_not_offered_to_the_next(make_with, smtp, local, result):
    server = make_with(smtp.conf("first") + smtp.conf("second"))
    client = server.client()
    flow_id = client.ok("POST", SEND, {"email": f"{local}@example.com"})["flow_id"]
    wait_for(lambda: state_of(client, flow_id) == "failed", "the flow's state")
    assert results(server) == [("first", result)]
    client.ok("POST", SEND, {"email": f"{local}@example.com"})  # at once


def test_a_gateway_that_may_have_taken_it_does_not(make_with, smtp):
    silent = Silent()
    server, address = make_with(silent.conf("first") + smtp.conf("second")), new_address()
    client = server.client()
    flow_id = client.ok("POST", SEND, {"email": address})["flow_id"]
    wait_for(lambda: results(server) == [("first", "unclear")], "the message log")
    assert len(silent.received) == 1 and state_of(client, flow_id) == "pending"
    assert [mail for mail in smtp.mails() if mail["Envelope-to"] == address] == []
    silent.close()


def test_mail_and_text_messages_share_the_outbox(server):
    """One list shows both, newest first."""
    phone = new_phone()
    sign_in(server, phone)
    who = mail_in(server)
    mail, text = server.outbox()[:2]
    assert (mail["to"], text["to"]) == (who.email, phone)
    assert mail["subject"] == "Your code" and mail["code"] in mail["text"]
    assert user_id(sign_in_again(server, phone)) != user_id(who)
