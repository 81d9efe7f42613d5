# SPDX-License-Identifier: Apache-2.0
"""A forgotten password by the link of a mail: for an app, and for who has none."""
import pytest

from harness import GOOD_SECRET, wait_for
from links import OPTIONS, PUBLIC, FORGOT, RESET, assert_password, both, forget, forget_again, mails_to, query_of
from mails import BIND, EMAIL_LOGIN, SEND, VERIFY, mail_in, new_address
from pages import Browser, Form, assert_page
from pair import serve
from parallel import Shot, release, say
from steps import BIND_PASSWORD, LOGIN, PROFILE, later, look_of, near

NEW = "Turbine-oatmeal-77"
OTHER = "Candle-parsnip-43"

pytestmark = pytest.mark.core


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def server(request):
    started = serve(options=OPTIONS, workers=request.param).start()
    yield started
    started.close()


def test_a_person_without_any_app_sets_a_new_password(server):
    """The whole way by mail and pages; all that was open is shut."""
    who, browser = both(server), Browser(server)
    _, mail = forget(server, server.client(), who.email)
    assert mail["link"].startswith(f"{PUBLIC}/reset-password?") and mail["link"] in mail["text"]
    page = assert_page(browser.open(mail["link"]))
    assert Form(page.text).fields["email"] == who.email
    again = assert_page(browser.send(page, new_password="short1"), 422)
    assert who.get("/api/v1/auth/check").status_code == 200
    done = assert_page(browser.send(again, new_password=NEW))
    assert "is changed" in done.text and NEW not in done.text
    assert who.get("/api/v1/auth/check").status_code == 401
    who.refused(401, "invalid_token", "POST", "/api/v1/auth/refresh",
                {"refresh_token": who.tokens["refresh_token"]})
    assert_password(server, who.email, NEW, GOOD_SECRET)
    assert_page(browser.send(page, new_password=OTHER), 410)
    assert_password(server, who.email, NEW, OTHER)


@pytest.mark.parametrize("language, word", [("en", "Nothing was changed"), ("zh-CN", "密码没有更换")])
def test_the_present_password_spends_the_link_and_the_page_says_so(server, language, word):
    """Only who has proved to be the owner learns it; so there is no form to try again with."""
    who, browser = both(server), Browser(server, **{"Accept-Language": language})
    _, mail = forget(server, server.client(), who.email)
    page = browser.open(mail["link"])
    told = assert_page(browser.send(page, new_password=GOOD_SECRET), 422)
    assert word in told.text and "<form" not in told.text, told.text
    assert_page(browser.send(page, new_password=NEW), 410)
    assert who.get("/api/v1/auth/check").status_code == 200
    assert_password(server, who.email, GOOD_SECRET, NEW)
    _, mail = forget_again(server, server.client(), who.email)
    assert_page(browser.send(browser.open(mail["link"]), new_password=NEW))


def test_the_page_speaks_chinese(server):
    browser = Browser(server, **{"Accept-Language": "zh-CN"})
    page = assert_page(browser.open("/reset-password?email=bob@example.com&ticket=" + "0" * 32))
    assert '<html lang="zh">' in page.text and "设置新密码" in page.text


def test_an_app_sets_it_by_the_ticket(server):
    who = both(server)
    client = server.client()
    _, mail = forget(server, client, who.email)
    body = {**query_of(mail["link"]), "new_password": NEW}
    assert body["email"] == who.email
    client.ok("POST", RESET, body)
    assert_password(server, who.email, NEW, GOOD_SECRET)


def test_the_page_of_an_app_is_named_by_the_operator(make_server):
    server = make_server(*OPTIONS, "email.reset_page=https://app.example.com/new?from=mail")
    address = "o'b+c&d@example.com"
    _, mail = forget(server, server.client(), address)
    assert mail["link"].startswith("https://app.example.com/new?from=mail&email=")
    assert query_of(mail["link"])["email"] == address


@pytest.mark.parametrize("first", ["code", "ticket"])
def test_code_and_link_end_each_other(server, first):
    who = both(server)
    client = server.client()
    flow_id, mail = forget(server, client, who.email)
    ways = {"code": {"email": who.email, "code": mail["code"], "flow_id": flow_id},
            "ticket": {**query_of(mail["link"]), "flow_id": flow_id}}
    client.ok("POST", RESET, {**ways.pop(first), "new_password": NEW})
    (second,) = ways.values()
    client.refused(410, "flow_expired", "POST", RESET, {**second, "new_password": OTHER})
    assert_password(server, who.email, NEW, OTHER)


def test_one_of_many_at_once(server):
    """Code and ticket of one mail, shown by 50 at once."""
    say("one mail", rounds=2)
    for _ in range(2):
        who = both(server)
        flow_id, mail = forget(server, server.client(), who.email)
        ways = [{"code": mail["code"]}, {"ticket": query_of(mail["link"])["ticket"]}]
        shots = [Shot("POST", RESET, {"email": who.email, "flow_id": flow_id, **ways[i % 2],
                                      "new_password": f"{NEW}-{i}"}) for i in range(50)]
        statuses = [reply.status for reply in release(server.url, shots)]
        assert statuses.count(200) == 1, statuses
        good = f"{NEW}-{statuses.index(200)}"
        assert_password(server, who.email, good, GOOD_SECRET)


# A13, A14, A15: what a ticket is good for.

def test_a_ticket_is_good_for_its_address_and_purpose(server):
    victim, thief = both(server), both(server)
    client = server.client()
    _, mail = forget(server, client, thief.email)
    ticket = query_of(mail["link"])["ticket"]
    body = {"email": victim.email, "ticket": ticket, "new_password": NEW}
    client.refused(401, "invalid_code", "POST", RESET, body)
    flow_id, _ = forget(server, client, victim.email)
    client.refused(401, "invalid_code", "POST", RESET, body)
    client.refused(401, "invalid_code", "POST", RESET, {**body, "flow_id": flow_id})
    for path in (EMAIL_LOGIN, VERIFY):
        answer = client.post(path, {"email": thief.email, "ticket": ticket, "code": mail["code"]})
        assert answer.status_code == 401, answer.text
    assert_password(server, victim.email, GOOD_SECRET, NEW)
    client.ok("POST", RESET, {**body, "email": thief.email})


@pytest.mark.parametrize("value", ["", " ", "0" * 32, "0" * 31, "x" * 4000, "%00", "' OR 1=1 --"])
def test_what_is_no_ticket(server, value):
    who = both(server)
    client, browser = server.client(), Browser(server)
    _, mail = forget(server, client, who.email)
    client.refused(401, "invalid_code", "POST", RESET,
                   {"email": who.email, "ticket": value, "new_password": NEW})
    page = browser.open(mail["link"])
    assert_page(browser.send(page, ticket=value, new_password=NEW), 410)
    assert_page(browser.send(page, email="", new_password=NEW), 410)
    assert_page(browser.send(page, email="bob", new_password=NEW), 410)
    assert_password(server, who.email, GOOD_SECRET, NEW)
    assert_page(browser.send(page, new_password=NEW))


@pytest.mark.parametrize("missing", ["email", "ticket", "new_password"])
def test_a_missing_field_is_no_way_in(server, missing):
    who = both(server)
    _, mail = forget(server, server.client(), who.email)
    browser = Browser(server)
    fields = {**query_of(mail["link"]), "new_password": NEW}
    gone = {name: value for name, value in fields.items() if name != missing}
    answer = browser.http.post(server.url + "/reset-password", data=gone, timeout=30)
    assert_page(answer, 422 if missing == "new_password" else 410)
    assert_password(server, who.email, GOOD_SECRET, NEW)
    assert_page(browser.http.post(server.url + "/reset-password", data=fields, timeout=30))


def test_only_one_plain_address_gets_the_link(server):
    """A14: two addresses in any spelling are refused, and nobody gets a mail."""
    address, eve, client = new_address(), "eve@example.net", server.client()
    for value in ([address, eve], {"0": address, "1": eve}, f"{address},{eve}", f"{address};{eve}",
                  f"{address}\r\nBcc: {eve}", f"{address}%0d%0aBcc:{eve}"):
        answer = client.post(FORGOT, {"email": value})
        assert answer.status_code == 422, answer.text
    client.refused(400, "bad_request", "POST", FORGOT, data=f'{{"email":"{address}","email":"{eve}"}}',
                   headers={"Content-Type": "application/json"})
    client.ok("POST", FORGOT, {"email": address}, params={"email": eve})
    wait_for(lambda: mails_to(server, address), "the mail")
    assert eve not in {message["to"] for message in server.outbox()}


# A36: what dies with the password.

@pytest.mark.parametrize("end", ["change", "logout", "reset", "freeze"])
def test_a_link_from_before_everything_ended_is_dead(server, end):
    who = both(server)
    client, browser = server.client(), Browser(server)
    _, mail = forget(server, client, who.email)
    page = browser.open(mail["link"])
    flow_id = client.ok("POST", FORGOT, {"phone": who.phone})["flow_id"]
    code = server.code_for(who.phone, "reset")
    server.shift_clock(server.shifted + 1)
    if end == "change":
        who.ok("PUT", "/api/v1/user/password", {"old_password": GOOD_SECRET, "new_password": NEW})
    elif end == "logout":
        who.ok("POST", "/api/v1/auth/logout", {"all": True})
    elif end == "reset":
        client.ok("POST", RESET, {"phone": who.phone, "code": code, "flow_id": flow_id, "new_password": NEW})
    else:
        server.ctl("user", "freeze", who.phone)
        server.ctl("user", "unfreeze", who.phone)
    assert_page(browser.send(page, new_password=OTHER), 410)
    client.refused(401, "invalid_credentials", "POST", LOGIN, {"account": who.email, "password": OTHER})
    _, mail = forget_again(server, client, who.email)
    assert_page(browser.send(browser.open(mail["link"]), new_password=OTHER))


def test_half_open_flows_die_with_the_reset(server):
    """A36: begun before it, of every purpose, by code and by link."""
    who = both(server)
    client, flows, new = server.client(), {}, new_address()
    for purpose, address in (("login", who.email), ("bind", new_address()), ("change", new)):
        later(server)
        data = who.ok("POST", SEND, {"email": address, "purpose": purpose})
        flows[purpose] = (address, data["flow_id"], server.code_for(address, purpose))
    _, mail = forget_again(server, client, who.email)
    server.shift_clock(server.shifted + 1)
    client.ok("POST", RESET, {**query_of(mail["link"]), "new_password": NEW})
    address, flow_id, code = flows["login"]
    client.refused(410, "flow_expired", "POST", EMAIL_LOGIN, {"email": address, "code": code, "flow_id": flow_id})
    again = server.client()
    again.use(again.ok("POST", LOGIN, {"account": who.email, "password": NEW})["access_token"])
    for purpose, path, refusal in (("bind", BIND, (401, "invalid_token")),
                                   ("change", VERIFY, (410, "flow_expired"))):
        address, flow_id, code = flows[purpose]
        body = {"email": address, "code": code, "flow_id": flow_id}
        who.refused(*refusal, "POST", path, body)
        again.refused(410, "flow_expired", "POST", path, body)
    assert again.ok("GET", PROFILE)["email"].startswith(who.email[0])


# A42: before the proof everybody gets the same; A43 counts the work in test_enumeration.py.

def test_a_stranger_learns_nothing_of_an_account(server):
    known, frozen, without = both(server), both(server), mail_in(server)
    server.ctl("user", "freeze", frozen.phone)
    later(server, 86400)
    kinds, mails = {}, {}
    for kind, address in (("known", known.email), ("frozen", frozen.email), ("without", without.email),
                          ("stranger", new_address())):
        client, browser = server.client(), Browser(server)
        n_known = len(mails_to(server, address))
        looks = [near(look_of(client.post(FORGOT, {"email": address}))) for _ in range(2)]
        mails[kind] = wait_for(lambda a=address, n=n_known: mails_to(server, a)[:-n or None], "the mail")[0]
        page = browser.open(mails[kind]["link"])
        looks += [page.status_code, page.text.replace(address, "").replace(query_of(mails[kind]["link"])["ticket"], "")]
        looks += [browser.send(page, ticket="0" * 32, new_password=secret).status_code for secret in ("x", NEW)]
        kinds[kind] = looks
    for kind, looks in kinds.items():
        assert looks == kinds["stranger"], f"{kind}: {looks}"
    told = {kind: Browser(server).send(Browser(server).open(mail["link"]), new_password=NEW).status_code
            for kind, mail in mails.items()}
    assert told == {"known": 200, "frozen": 403, "without": 200, "stranger": 404}


# ---- Notices ----

@pytest.mark.parametrize("how", ["change", "phone", "email"])
def test_the_owner_is_told_of_a_new_password(make_server, how):
    server = make_server(*OPTIONS, "password.notices=mail")
    who = both(server)
    told = lambda: [message for message in server.outbox() if message["template"] == "password"]
    if how == "change":
        who.refused(401, "invalid_credentials", "PUT", "/api/v1/user/password",
                    {"old_password": OTHER, "new_password": NEW})
        assert told() == []
        who.ok("PUT", "/api/v1/user/password", {"old_password": GOOD_SECRET, "new_password": NEW})
    else:  # "email": though the code has just gone to the same address
        to = getattr(who, how)
        flow_id = who.ok("POST", FORGOT, {how: to})["flow_id"]
        code = server.code_for(to, "reset")
        who.ok("POST", RESET, {how: to, "code": code, "flow_id": flow_id, "new_password": NEW})
    (notice,) = wait_for(told, "the notice")
    assert notice["to"] == who.email and NEW not in str(notice)


def test_the_owner_is_told_of_a_first_password(make_server):
    server = make_server(*OPTIONS, "password.notices=mail")
    who = mail_in(server)
    told = lambda: [message for message in server.outbox() if message["template"] == "password"]
    who.refused(422, "field_invalid", "POST", BIND_PASSWORD, {"password": "short1"})
    who.ok("POST", BIND_PASSWORD, {"password": NEW})
    wait_for(told, "the notice")
    who.refused(409, "conflict", "POST", BIND_PASSWORD, {"password": OTHER})
    who.ok("PUT", "/api/v1/user/password", {"old_password": NEW, "new_password": GOOD_SECRET})
    notices = wait_for(lambda: len(found := told()) > 1 and found, "the notice of the change")
    assert [notice["to"] for notice in notices] == [who.email] * 2 and NEW not in str(notices)
