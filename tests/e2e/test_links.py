# SPDX-License-Identifier: Apache-2.0
"""The link of a mail: it stands beside the code, opening it does nothing, and who opened the flow gets in."""
import pytest

from harness import GOOD_SECRET, sign_in
from links import FORGOT, OPTIONS, PUBLIC, begin, follow, query_of
from mails import BIND, SEND, VERIFY, mail_in, new_address
from pages import Browser, assert_page, behind_hash
from pair import serve
from parallel import Shot, release, say
from smtp import Smtp
from starting import refusal
from steps import LOGIN, REGISTER, fields_of, later, n_sessions, rows, user_id, wrong
from wire import Wire

pytestmark = pytest.mark.core


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def server(request):
    started = serve(options=OPTIONS, workers=request.param).start()
    yield started
    started.close()


def test_a_link_signs_up_and_in(server):
    client, address = server.client(), new_address()
    flow_id, mail = begin(server, client, address)
    assert mail["link"].startswith(f"{PUBLIC}/email/link?ticket=") and mail["link"] in mail["text"]
    assert flow_id not in mail["link"]
    place, told = follow(server, mail)
    assert place == f"{PUBLIC}/login" and set(told) == {"grant"}
    client.refused(401, "invalid_code", "POST", VERIFY, {"flow_id": flow_id, "grant": "0" * 32})
    tokens = client.ok("POST", VERIFY, {"flow_id": flow_id, "grant": told["grant"]})
    assert tokens["is_new_user"] is True
    client.refused(410, "flow_expired", "POST", VERIFY, {"flow_id": flow_id, "grant": told["grant"]})
    client.refused(410, "flow_expired", "POST", VERIFY, {"flow_id": flow_id, "code": mail["code"]})
    assert_page(Browser(server).open(mail["link"]), 410)


def test_it_leads_back_to_the_page_of_the_app(server):
    client = server.client()
    for return_to in ("https://app.example.com/done", "http://127.0.0.1:3000/in", "/account"):
        _, mail = begin(server, client, new_address(), redirect_uri=return_to, state="a.B-9_~")
        place, told = follow(server, mail)
        assert place == (PUBLIC + return_to if return_to[0] == "/" else return_to)
        assert set(told) == {"grant", "state"} and told["state"] == "a.B-9_~"


@pytest.mark.parametrize("return_to", [
    "https://evil.example/", "https://app.example.com/done/", "https://app.example.com/done?x", "//evil.example",
    "/\\evil.example", "https:/app.example.com/done", "javascript:alert(1)", "http://app.example.com/done", "",
    "https://app.example.com@evil.example/done", "/..//evil.example", "/ok\r\nSet-Cookie: a=b"])
def test_it_leads_nowhere_else(server, return_to):
    client, address = server.client(), new_address()
    answer = client.refused(422, "field_invalid", "POST", SEND, {"email": address, "redirect_uri": return_to})
    assert fields_of(answer) == {"redirect_uri": "not_allowed"}
    assert address not in {message["to"] for message in server.outbox()}


@pytest.mark.parametrize("state", ["a b", "a&grant=x", "#", "ä", "x" * 128, "\r\nSet-Cookie: a=b", '">'])
def test_a_state_comes_back_as_it_was(server, state):
    client = server.client()
    _, mail = begin(server, client, new_address(), state=state)
    _, told = follow(server, mail)
    assert set(told) == {"grant", "state"} and told["state"] == state
    answer = client.refused(422, "field_invalid", "POST", SEND, {"email": new_address(), "state": "x" * 129})
    assert fields_of(answer) == {"state": "too_long"}


def test_the_longest_way_back_leads_there(server):
    """With a state of which each letter becomes three in a URL."""
    client, path = server.client(), "/account/".ljust(2048, "x")
    _, mail = begin(server, client, new_address(), redirect_uri=path, state="%" * 128)
    place, told = follow(server, mail)
    assert place == PUBLIC + path and told["state"] == "%" * 128


def test_programs_that_open_every_link_change_nothing(server):
    """Scanners of mails open links, and some follow what they find; none presses a button."""
    client, address = server.client(), new_address()
    flow_id, mail = begin(server, client, address)
    scanner = Browser(server, **{"User-Agent": "Mozilla/5.0 (compatible; LinkScanner)"})
    pages = [scanner.open(mail["link"]).text for _ in range(5)]
    for method in ("HEAD", "GET", "OPTIONS"):
        scanner.open(mail["link"], method)
    assert len(set(pages)) == 1
    assert client.ok("GET", f"/api/v1/auth/flows/{flow_id}")["status"] == "pending"
    _, told = follow(server, mail)
    client.ok("POST", VERIFY, {"flow_id": flow_id, "grant": told["grant"]})


def test_the_button_works_once(server):
    client = server.client()
    flow_id, mail = begin(server, client, new_address())
    browser = Browser(server)
    page = browser.open(mail["link"])
    _, told = behind_hash(browser.send(page))
    assert_page(browser.send(page), 410)
    assert_page(browser.open(mail["link"]), 410)
    client.ok("POST", VERIFY, {"flow_id": flow_id, "grant": told["grant"]})


@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize("by", ["flow", "address"])
def test_the_code_works_beside_the_link(server, followed, by):
    client, address = server.client(), new_address()
    flow_id, mail = begin(server, client, address)
    if followed:
        follow(server, mail)
    named = {"flow_id": flow_id} if by == "flow" else {"email": address}
    client.refused(401, "invalid_code", "POST", VERIFY, {**named, "code": wrong(mail["code"])})
    assert client.ok("POST", VERIFY, {**named, "code": mail["code"]})["is_new_user"] is True
    assert_page(Browser(server).open(mail["link"]), 410)


def test_a_grant_is_nothing_without_its_flow(server):
    """A07, A47: whoever landed does not get in by it, nor who opened another flow."""
    client, address = server.client(), new_address()
    flow_id, mail = begin(server, client, address)
    other_flow, other_mail = begin(server, server.client(), new_address())
    _, told = follow(server, mail)
    _, other = follow(server, other_mail)
    for body in ({"email": address, "grant": told["grant"]}, {"grant": told["grant"]}):
        stranger = server.client()
        answer = stranger.post(VERIFY, body)
        assert answer.status_code in (401, 422), answer.text
    for flow, grant in ((flow_id, other["grant"]), (other_flow, told["grant"])):
        client.refused(401, "invalid_code", "POST", VERIFY, {"flow_id": flow, "grant": grant})
    client.ok("POST", VERIFY, {"flow_id": flow_id, "grant": told["grant"]})


def test_opening_the_flow_alone_is_nothing_either(server):
    """A07: an attacker opens it for the victim's address; the victim presses the button in their own browser."""
    victim = mail_in(server)
    later(server)
    attacker = server.client()
    flow_id, mail = begin(server, attacker, victim.email)
    _, told = follow(server, mail)
    attacker.refused(422, "field_invalid", "POST", VERIFY, {"flow_id": flow_id})
    attacker.refused(401, "invalid_code", "POST", VERIFY, {"flow_id": flow_id, "grant": ""})
    assert n_sessions(server, user_id(victim)) == 1
    assert told["grant"]


@pytest.mark.parametrize("value", ["", " ", "0" * 31, "0" * 33, "x" * 4000, "%00"])
def test_what_is_no_grant(server, value):
    client = server.client()
    flow_id, mail = begin(server, client, new_address())
    body = {"flow_id": flow_id, "grant": value}
    client.refused(401, "invalid_code", "POST", VERIFY, body)  # nobody has pressed the button
    _, told = follow(server, mail)
    client.refused(401, "invalid_code", "POST", VERIFY, body)
    client.ok("POST", VERIFY, {**body, "grant": told["grant"]})


def test_five_wrong_grants_end_the_flow(server):
    client = server.client()
    flow_id, mail = begin(server, client, new_address())
    _, told = follow(server, mail)
    for i in range(5):
        client.refused(401, "invalid_code", "POST", VERIFY, {"flow_id": flow_id, "grant": f"{i:032x}"})
    client.refused(410, "flow_expired", "POST", VERIFY, {"flow_id": flow_id, "grant": told["grant"]})


def test_one_sign_in_of_many_at_once(server):
    """A03, A05: code and grant of one mail, shown by 50 at once: one session."""
    say("one mail", rounds=3)
    for _ in range(3):
        client, address = server.client(), new_address()
        flow_id, mail = begin(server, client, address)
        _, told = follow(server, mail)
        ways = [{"code": mail["code"]}, {"grant": told["grant"]}]
        replies = release(server.url, [Shot("POST", VERIFY, {"flow_id": flow_id, **ways[i % 2]})
                                       for i in range(50)])
        won = [reply for reply in replies if reply.status == 200]
        assert len(won) == 1 and {reply.status for reply in replies} <= {200, 410}, replies
        assert n_sessions(server, won[0].data["user"]["id"]) == 1


def test_one_button_of_many_at_once(server):
    """A05: 50 presses of one link: one grant, and it is the good one."""
    client = server.client()
    flow_id, mail = begin(server, client, new_address())
    ticket = query_of(mail["link"])["ticket"]
    replies = release(server.url, [Shot("POST", "/email/link", {"ticket": ticket})] * 50)
    won = [reply for reply in replies if reply.status == 303]
    assert len(won) == 1 and {reply.status for reply in replies} <= {303, 409, 410}
    grant = won[0].headers["location"].partition("#grant=")[2]
    client.ok("POST", VERIFY, {"flow_id": flow_id, "grant": grant})


# ---- One account, many ways ----

def test_registering_with_a_password_by_the_link(server):
    client, address = server.client(), new_address()
    flow_id, mail = begin(server, client, address, "register")
    _, told = follow(server, mail)
    body = {"email": address, "flow_id": flow_id, "password": GOOD_SECRET}
    client.refused(401, "invalid_code", "POST", REGISTER, {**body, "grant": "0" * 32})
    client.refused(422, "field_invalid", "POST", REGISTER, {**body, "grant": told["grant"], "password": "x"})
    assert client.ok("POST", REGISTER, {**body, "grant": told["grant"]})["is_new_user"] is True
    client.ok("POST", LOGIN, {"account": address, "password": GOOD_SECRET})


@pytest.mark.parametrize("purpose, path, stranger", [("bind", BIND, (401, "unauthorized")),
                                                      ("change", VERIFY, (410, "flow_expired"))])
def test_binding_and_changing_by_the_link(server, purpose, path, stranger):
    """A07: the flow is of one account and session; nobody else finishes it."""
    who, other, new = mail_in(server) if purpose == "change" else sign_in(server), sign_in(server), new_address()
    flow_id, mail = begin(server, who, new, purpose)
    browser = Browser(server)
    page = assert_page(browser.open(mail["link"]))
    assert new in page.text, "it says what will be linked"
    _, told = follow(server, mail, browser)
    body = {"flow_id": flow_id, "grant": told["grant"]}
    other.refused(410, "flow_expired", "POST", path, body)
    server.client().refused(*stranger, "POST", path, body)
    who.ok("POST", path, body)
    owners = rows(server, "SELECT user_id FROM user_identities WHERE namespace = 'email' AND subject = ?", new)
    assert owners == [(user_id(who),)]


# ---- A16: where a link leads ----

@pytest.fixture(scope="module")
def smtp():
    started = Smtp().start()
    yield started
    started.close()


@pytest.fixture(scope="module")
def mailing(smtp):
    conf = {"40-messages.ini": "[group sms]\nsenders = sms_log\n[sms_log]\n[group mail]\nsenders = first\n"
                               + smtp.conf("first")}
    started = serve(options=OPTIONS, conf=conf, workers=2).start()
    yield started
    started.close()


POISON = [{"Host": "evil.example"}, {"Host": "auth.example.com.evil.example"}, {"Host": "auth.example.com:81"},
          {"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example;proto=http"},
          {"X-Original-Host": "evil.example"}, {"X-Forwarded-Server": "evil.example"},
          {"X-Forwarded-Proto": "http"}, {"X-Original-URL": "http://evil.example/"},
          {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/"}, {}]


@pytest.mark.parametrize("headers", POISON, ids=lambda headers: " ".join(headers) or "none")
@pytest.mark.parametrize("path", [SEND, FORGOT])
def test_a_link_is_made_of_the_public_url_only(mailing, smtp, path, headers):
    address = new_address()
    answer = mailing.client().post(path, {"email": address}, headers=headers)
    assert answer.status_code == 200, answer.text
    mail = smtp.mail_to(address)
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    (link,) = [line.strip() for line in text.splitlines() if "://" in line]
    assert link.startswith(PUBLIC + ("/email/link?" if path == SEND else "/reset-password?"))
    assert html.count("://") == 2 and html.count(PUBLIC + "/") == 2, "in href and as text"
    assert "evil" not in mail.as_string() and ":81" not in text


@pytest.mark.one_host(reason="the balancer writes the request line anew")
@pytest.mark.parametrize("target, host", [
    ("http://evil.example/api/v1/auth/forgot-password", "auth.example.com"), (FORGOT, "a@evil.example"),
    (FORGOT, "auth.example.com\r\nHost: evil.example"), (FORGOT, "evil.example/x"), (FORGOT, "")])
def test_what_is_no_host_is_no_request(mailing, smtp, target, host):
    address = new_address()
    body = f'{{"email":"{address}"}}'
    with Wire(mailing.url) as wire:
        wire.send(f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert wire.answer().status == 400
    mailing.client().ok("POST", FORGOT, {"email": address})
    assert smtp.mail_to(address)


@pytest.mark.one_host(reason="a start that is refused is looked at")
def test_links_want_a_public_url(make_server):
    """Without one the server does not start; and a running one stays as it is."""
    server = make_server(start=False, conf={"35-email.ini": "[email]\nlink = yes\n"})
    line = refusal(server)
    assert line.startswith("35-email.ini:1: [email]") and "link: needs server.public_url" in line, line
    server.write_conf("35-email.ini", "[email]\nlink = no\n")
    server.start()
    server.client().ok("POST", SEND, {"email": new_address()})
