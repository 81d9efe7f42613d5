# SPDX-License-Identifier: Apache-2.0
"""Sign-in by WeChat: our own QR code that a phone scans and confirms, and WeChat's page for browsers."""
import re
import threading
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from fakes.wechat import Form, Person, Phone, drawn, read_code
from harness import sign_in
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from steps import IDENTITIES, PROFILE, fields_of, later, rows, user_id
from trips import BACK, DENIED, FLOW, OPTIONS, PUBLIC, Trip
from wechat_server import (BIND, CALLBACK, CONFIRM, QR_CODE, UNBIND, Opener, conf_of, fake, phone_of, server,
                           sign_in_by_mini, sign_in_by_phone, status_path, verify_path)

pytestmark = pytest.mark.core

BEGIN_WEB = "/api/v1/auth/wechat_web/begin"


def assert_waits(opener, state):
    """Nobody is signed in; the opener learns how far it is."""
    answer = opener.verify()
    assert answer.status_code == 200 and answer.json()["data"] == {"status": state}, answer.text


def assert_gone(answer):
    """A page, for a phone, that says so."""
    assert answer.status_code in (409, 410), answer.text
    assert answer.headers["Content-Type"].startswith("text/html"), answer.headers


# ---- Our own code ----

def test_asking_for_the_head_claims_nothing(server, fake, tmp_path):
    """Previews and scanners ask HEAD: what a GET of ours would do is not done for them."""
    opener = Opener(server)
    for path, allow in ((f"/w/wechat/{opener.data['qr_code']}", "GET, POST"), ("/api/v1/auth/wechat/qr", "GET")):
        answer = requests.head(server.url + path, headers={"User-Agent": Phone.AGENT}, timeout=10)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allow), path
    assert opener.status() == {"status": "pending"}
    phone_of(server, fake, Person()).scan(opener.code_text(tmp_path))
    assert opener.status() == {"status": "scanned"}


def test_the_whole_way(server, fake, tmp_path):
    opener, person = Opener(server, redirect_uri=BACK, state="a b&c"), Person("小红 <b>")
    assert opener.data["expires_in"] == 300 and opener.data["next"] == "poll"
    assert opener.status() == {"status": "pending"}
    text = opener.code_text(tmp_path)
    assert text == opener.scan_url() and opener.flow_id not in text
    phone = phone_of(server, fake, person)
    page = phone.scan(text)
    assert opener.status() == {"status": "scanned"}
    assert_waits(opener, "scanned")
    assert "Chrome, Windows" in phone.page.text and "127.0.0.1" in phone.page.text
    assert "UTC" in phone.page.text and "小红 <b>" in phone.page.text and "<b>" not in page.text
    assert phone.tap("confirm").status_code == 200
    told = opener.status()
    assert told["status"] == "confirmed" and told["redirect_url"] == BACK + "?state=a%20b%26c"
    assert told["user_info"] == {"user_id": None, "nickname": "小红 <b>",
                                 "avatar_url": f"https://thirdwx.qlogo.cn/mmopen/{person.mark}/132"}
    client = opener.tokens()
    profile = client.ok("GET", "/api/user/profile")
    info = profile["wechat_info"]
    assert profile["login_type"] == "wechat" and profile["nickname"] == "小红 <b>"
    assert (info["openid"], info["gender"], info["city"]) == (f"oqr-{person.mark}", 1, "深圳")
    assert opener.status() == {"status": "expired"}


def test_the_pictures_say_the_same(server, tmp_path):
    opener = Opener(server)
    svg, png = opener.picture("qr_url"), opener.picture()
    assert svg.headers["Content-Type"] == "image/svg+xml" and png.headers["Content-Type"] == "image/png"
    assert read_code(png.content, tmp_path) == opener.scan_url()
    assert read_code(drawn(svg.text), tmp_path) == opener.scan_url()
    assert svg.text.startswith("<svg") and "script" not in svg.text


def test_the_other_fixed_paths(server, fake):
    client = server.client()
    opened = client.ok("GET", "/api/v1/auth/wechat/qr")
    path = f"/api/v1/auth/wechat/status/{opened['state']}"
    assert client.ok("GET", path) == {"status": "pending"}
    phone = phone_of(server, fake)
    phone.scan(f"{PUBLIC}/w/wechat/{opened['qr_code']}")
    phone.tap("confirm")
    assert client.ok("GET", path)["status"] == "confirmed"
    assert client.ok("POST", verify_path("wechat"), {"flow_id": opened["state"]})["is_new_user"] is True


def test_the_phones_answer_as_json(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    ticket = phone.page.action.rsplit("/", 1)[-1]
    assert server.client().ok("POST", CONFIRM, {"session_id": ticket, "action": "confirm"}) == \
        {"status": "confirmed"}
    opener.tokens()


def test_another_scanner_is_told_to_use_wechat(server, fake):
    opener, camera = Opener(server), phone_of(server, fake, agent="Mozilla/5.0 (iPhone) Safari/604.1")
    answer = camera.open(opener.scan_url())
    assert answer.status_code == 200 and "微信" in answer.text
    assert opener.status() == {"status": "pending"}
    phone_of(server, fake).scan(opener.scan_url())
    assert opener.status() == {"status": "scanned"}


def test_the_phone_says_no(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    assert phone.tap("cancel").status_code == 200
    assert opener.status() == {"status": "failed"}
    assert "已取消" in phone.tap("confirm").text, "it stays so"
    assert opener.verify().status_code == 401
    assert opener.status()["status"] in ("failed", "expired")


def test_wechat_says_no(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    on = phone.open(opener.scan_url()).headers["Location"]
    state = dict(parse_qsl(urlsplit(on).query))["state"]
    answer = phone.open(f"{PUBLIC}{CALLBACK.format('wechat')}?state={state}")
    assert answer.status_code == 200 and "取消" in answer.text
    assert opener.status() == {"status": "failed"}


def test_the_opener_gives_up(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    assert opener.client.ok("POST", CONFIRM, {"session_id": opener.flow_id, "action": "cancel"}) == \
        {"status": "failed"}
    assert "已取消" in phone.tap("confirm").text
    assert opener.verify().status_code == 401


@pytest.mark.parametrize("body, field", [({"action": "confirm"}, "session_id"), ({"session_id": "x"}, "action"),
                                         ({"session_id": "x", "action": "yes"}, "action")])
def test_confirm_names_what_is_wrong(server, body, field):
    answer = server.client().refused(422, "field_invalid", "POST", CONFIRM, body)
    assert field in fields_of(answer)


@pytest.mark.parametrize("redirect_uri", ["https://evil.example", BACK + "/x", "//evil.example", "/\\evil",
                                          "javascript:alert(1)", "https://app.example.com.evil.example/done"])
def test_nobody_is_sent_elsewhere(server, redirect_uri):
    answer = server.client().refused(422, "field_invalid", "POST", QR_CODE, {"redirect_uri": redirect_uri})
    assert fields_of(answer) == {"redirect_uri": "not_allowed"}


def test_who_asks_how_far_it_is_makes_no_attempt(make_server, fake):
    server = make_server(*OPTIONS, "limits.address_auth_per_minute=5", conf=conf_of(fake))
    opener = Opener(server)
    for _ in range(10):
        assert opener.status() == {"status": "pending"}
    for _ in range(4):
        Opener(server)
    opener.client.refused(429, "rate_limited", "POST", QR_CODE, {})


# ---- A18: nine points ----

def test_a18_1_the_page_names_who_asks_and_wants_a_tap(server, fake):
    """The rest of it is in test_the_whole_way: without the tap nothing happens."""
    opener, phone = Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    assert ("action", "confirm") in phone.page.buttons and ("action", "cancel") in phone.page.buttons
    answer = phone.open(phone.page.action)  # a GET of where the button goes
    assert answer.status_code != 200 or "confirm" not in answer.text
    assert opener.status() == {"status": "scanned"}
    assert_waits(opener, "scanned")


def test_a18_2_a_second_phone_has_no_say(server, fake):
    opener, first, second = Opener(server), phone_of(server, fake), phone_of(server, fake)
    first.scan(opener.scan_url())
    assert_gone(second.scan(opener.scan_url()))
    assert_gone(second.open(opener.scan_url(), "POST", {"action": "confirm"}))
    answer = server.client().post(CONFIRM, {"session_id": opener.data["qr_code"], "action": "confirm"})
    assert answer.status_code == 410, answer.text
    stolen = fake.allow(f"{fake.url}/connect/oauth2/authorize?appid=wxqr&redirect_uri={PUBLIC}"
                        f"{CALLBACK.format('wechat')}&response_type=code&scope=snsapi_base"
                        f"&state={opener.data['qr_code']}#wechat_redirect", second.person, is_phone=True)
    assert_gone(second.open(stolen))
    assert opener.status() == {"status": "scanned"}
    assert first.tap("confirm").status_code == 200
    assert user_id(opener.tokens()) == user_id(sign_in_by_phone(server, fake, first.person))


def test_a18_3_the_code_tells_nobody_how_far_it_is(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    ticket, spy = opener.data["qr_code"], server.client()
    phone.scan(opener.scan_url())
    assert spy.ok("GET", status_path(ticket)) == {"status": "expired"}
    assert spy.get(FLOW.format(ticket)).status_code == 410
    assert spy.post(verify_path("wechat"), {"flow_id": ticket}).status_code == 410
    phone.tap("confirm")
    assert spy.post(verify_path("wechat"), {"flow_id": ticket}).status_code == 410
    opener.tokens()


@pytest.mark.parametrize("end", ["success", "denial", "expiry"])
def test_a18_4_a_code_is_good_once(server, fake, end):
    opener, phone, late = Opener(server), phone_of(server, fake), phone_of(server, fake)
    if end == "expiry":
        later(server, 301)
    else:
        phone.scan(opener.scan_url())
        phone.tap("confirm" if end == "success" else "cancel")
    if end == "success":
        opener.tokens()
    assert_gone(late.scan(opener.scan_url()))
    assert opener.verify().status_code in (401, 410)


def test_a18_5_no_confirmation_without_a_scan(server, fake):
    opener = Opener(server)
    assert opener.client.ok("POST", CONFIRM, {"session_id": opener.flow_id, "action": "confirm"}) == \
        {"status": "pending"}
    assert_gone(phone_of(server, fake).open(opener.scan_url(), "POST", {"action": "confirm"}))
    assert_waits(opener, "pending")


def test_a18_6_the_person_is_the_phones(server, fake):
    victim, person = sign_in(server), Person()
    opener, phone = Opener(server), phone_of(server, fake, person)
    phone.scan(opener.scan_url())
    named = {"action": "confirm", "user_id": str(user_id(victim)), "openid": "o-victim", "uuid": "x"}
    assert phone.open(phone.page.action, "POST", named).status_code == 200
    answer = opener.verify(user_id=user_id(victim), openid="o-victim", account=victim.phone)
    assert answer.json()["data"]["user"]["id"] != user_id(victim)
    assert [row[0] for row in rows(server, "SELECT subject FROM user_identities WHERE user_id = ?",
                                   answer.json()["data"]["user"]["id"])][0].endswith(person.mark)


def test_a18_7_guessed_codes_look_like_old_ones(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    later(server, 301)
    old = phone.open(opener.scan_url())
    for guess in ["a" * 22, "0", "A" * 128, opener.data["qr_code"][:-1], "%00", "..%2f"]:
        answer = phone.open(f"{PUBLIC}/w/wechat/{guess}")
        assert answer.status_code in (400, 404, old.status_code), answer.text
    assert phone.open(f"{PUBLIC}/w/wechat/{'b' * 22}").text == old.text
    assert len(opener.data["qr_code"]) >= 22, "128 bits"


def test_a18_8_the_tokens_are_given_once(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    phone.tap("confirm")
    say("verifications of one flow", rounds=1)
    shot = Shot("POST", verify_path("wechat"), {"flow_id": opener.flow_id})
    seen = release(server.urls, [shot] * N_PARALLEL)
    assert tally(seen)[(200, None)] == 1, tally(seen)
    assert opener.verify().status_code == 410


def test_a18_9_a_phone_that_lost_its_page_confirms_nothing(server, fake):
    """Who leaves WeChat between scan and answer, and takes along nothing its browser knew: the flow just ends."""
    opener, phone = Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    again = Phone(fake, phone.person, server.url)
    assert_gone(again.scan(opener.scan_url()))
    assert_waits(opener, "scanned")
    later(server, 301)
    assert_gone(phone.tap("confirm"))
    assert opener.verify().status_code == 410


def test_the_phone_may_load_its_page_again(server, fake):
    """Before WeChat has named its owner, and after; what WeChat has brought, too, which is good once."""
    opener, phone = Opener(server), phone_of(server, fake)
    answers = [phone.open(opener.scan_url()) for _ in range(3)]
    assert re.fullmatch("__Host-pintle-wechat=[A-Za-z0-9]{22,}; Path=/; Max-Age=300; HttpOnly; SameSite=Lax; Secure",
                        answers[0].headers["Set-Cookie"])
    assert not any("Set-Cookie" in answer.headers for answer in answers[1:])
    on = [answer.headers["Location"] for answer in answers]
    assert all(url.startswith(f"{fake.url}/connect/oauth2/authorize?") for url in on)
    back, asked = fake.allow(on[-1], phone.person, is_phone=True), fake.n_asked("/sns/oauth2/access_token")
    assert phone.scan(back).status_code == 200 and phone.at == opener.scan_url()
    for again in (phone.reload, lambda: phone.scan(back), lambda: phone.scan(opener.scan_url())):
        assert again().status_code == 200 and ("action", "confirm") in phone.page.buttons
    assert fake.n_asked("/sns/oauth2/access_token") == asked + 1
    assert phone.scan(fake.allow(on[0], phone.person, is_phone=True)).status_code == 200, "back, and on once more"
    assert fake.n_asked("/sns/oauth2/access_token") == asked + 1
    assert phone.tap("confirm").status_code == 200
    told = phone.tap("confirm")
    assert told.status_code == 200 and phone.at == opener.scan_url() and "确认" in told.text
    assert user_id(opener.tokens()) == user_id(sign_in_by_phone(server, fake, phone.person))


def test_a_reload_after_wechat_was_away_goes_on(server, fake):
    opener, phone = Opener(server), phone_of(server, fake)
    with fake.oddly("/sns/oauth2/access_token", -1):
        assert phone.scan(opener.scan_url()).status_code == 503
    assert opener.status() == {"status": "scanned"}
    assert phone.reload().status_code == 200
    assert phone.tap("confirm").status_code == 200
    opener.tokens()


@pytest.mark.parametrize("is_named", [False, True], ids=["before WeChat", "after WeChat"])
def test_no_second_phone_goes_on_for_the_first(server, fake, is_named):
    """A18: with all that stands in an address of the first one, and with a claim of its own."""
    opener, other = Opener(server), Opener(server)
    first, second = phone_of(server, fake), phone_of(server, fake)
    second.scan(other.scan_url())
    on = first.open(opener.scan_url()).headers["Location"]
    back = fake.allow(on, first.person, is_phone=True)
    if is_named:
        first.scan(back)
        seen = second.go(back)
        assert second.at == other.scan_url() and seen.status_code == 200, "it comes to its own"
        assert_gone(phone_of(server, fake).go(back))
    assert_gone(second.go(opener.scan_url()))
    assert_gone(phone_of(server, fake).go(opener.scan_url()))
    assert opener.status() == {"status": "scanned"}
    assert first.scan(opener.scan_url()).status_code == 200 and first.tap("confirm").status_code == 200
    assert user_id(opener.tokens()) == user_id(sign_in_by_phone(server, fake, first.person))


# ---- WeChat's page ----

def web_trip(server, client=None, **fields):
    return Trip(server, "wechat_web", client, **fields)


def test_a_browser_goes_and_comes_back(server, fake):
    browser, person = web_trip(server, redirect_uri=BACK, state="mine"), Person()
    assert browser.data["next"] == "redirect" and browser.flow_id not in browser.url
    assert browser.verify().json()["data"] == {"status": "pending"}
    where, behind = browser.land(fake.allow(browser.url, person))
    assert where == BACK and behind["state"] == "mine"
    told = browser.client.ok("GET", FLOW.format(browser.flow_id))
    assert told["status"] == "confirmed" and person.name not in str(told)
    answer = browser.verify(grant=behind["grant"])
    assert answer.status_code == 200 and "access_token" in answer.json()["data"], answer.text
    assert browser.verify(grant=behind["grant"]).status_code == 410


def test_both_ways_lead_to_one_user(server, fake):
    person = Person()
    first = user_id(sign_in_by_phone(server, fake, person))
    browser = web_trip(server)
    _, behind = browser.land(fake.allow(browser.url, person))
    assert browser.verify(grant=behind["grant"]).json()["data"]["user"]["id"] == first
    assert user_id(sign_in_by_mini(server, fake, person)) == first


def test_who_says_no_comes_back_with_an_error(server):
    browser = web_trip(server, redirect_uri="/account", state="s")
    state = browser.data["qr_code"]
    where, behind = browser.land(f"{CALLBACK.format('wechat_web')}?state={state}")
    assert where == PUBLIC + "/account" and behind == {"error": "access_denied", "state": "s"}
    assert browser.verify().status_code == 401


def test_a_snapshot_visitor_is_nobody(server, fake):
    browser = web_trip(server)
    fake.extra["/sns/oauth2/access_token"] = {"is_snapshotuser": 1}
    try:
        _, behind = browser.land(fake.allow(browser.url, Person()))
    finally:
        fake.extra.clear()
    assert behind == DENIED and browser.verify().status_code == 401


@pytest.mark.parametrize("path, odd, status", [
    ("/sns/oauth2/access_token", b"", 503), ("/sns/oauth2/access_token", -1, 503),
    ("/sns/oauth2/access_token", 40125, 503), ("/sns/oauth2/access_token", 45011, 429),
    ("/sns/oauth2/access_token", "cut", 503), ("/sns/userinfo", 40003, 401), ("/sns/userinfo", 48001, 503),
    ("/sns/userinfo", b'{"openid":"another"}', 503), ("/sns/userinfo", b"", 503)])
def test_what_wechat_gets_wrong_signs_nobody_in(server, fake, path, odd, status):
    browser, asked = web_trip(server), fake.n_asked("/sns/oauth2/access_token")
    fake.odd[path] = odd
    try:
        answer, behind = browser.land(fake.allow(browser.url, Person()))
    finally:
        fake.odd.clear()
    assert behind == DENIED if status == 401 else answer.status_code == status
    assert fake.n_asked("/sns/oauth2/access_token") == asked + 1, "a code is sent once"
    assert "access_token" not in browser.verify().text


def test_a_used_or_foreign_code_is_denied(server, fake):
    for code in (fake.make_code(fake.apps["wxqr"], Person()), "nonsense"):
        browser = web_trip(server)
        url = f"{CALLBACK.format('wechat_web')}?code={code}&state={browser.data['qr_code']}"
        assert browser.land(url)[1] == DENIED


# ---- A05 ----

def test_one_code_and_state_have_one_winner(server, fake):
    say("browsers with one code and state")
    for i in range(ROUNDS):
        browser, asked = web_trip(server), fake.n_asked("/sns/oauth2/access_token")
        parts = urlsplit(fake.allow(browser.url, Person()))
        seen = release(server.urls, [Shot("GET", f"{parts.path}?{parts.query}", None)] * N_PARALLEL)
        landed = [reply for reply in seen if reply.status == 303]
        assert len(landed) == 1, f"round {i}: {tally(seen)}"
        assert {reply.status for reply in seen} == {303, 410}, f"round {i}: {tally(seen)}"
        assert fake.n_asked("/sns/oauth2/access_token") == asked + 1, f"round {i}"
        behind = dict(parse_qsl(landed[0].headers["location"].partition("#")[2]))
        assert browser.verify(grant=behind["grant"]).status_code == 200
        assert browser.land(parts.geturl())[0].status_code == 410


def test_one_scan_has_one_phone(server, fake):
    say("phones that scan one code")
    for i in range(ROUNDS):
        opener = Opener(server)
        shot = Shot("GET", f"/w/wechat/{opener.data['qr_code']}", None, None, {"User-Agent": Phone.AGENT})
        seen = release(server.urls, [shot] * N_PARALLEL)
        assert tally(seen)[(303, None)] == 1, f"round {i}: {tally(seen)}"
        assert {reply.status for reply in seen} <= {303, 409, 410}, f"round {i}: {tally(seen)}"


def test_one_page_has_one_answer(server, fake):
    say("taps on one page")
    for i in range(ROUNDS):
        opener, phone = Opener(server), phone_of(server, fake)
        phone.scan(opener.scan_url())
        ticket = phone.page.action.rsplit("/", 1)[-1]
        shots = [Shot("POST", CONFIRM, {"session_id": ticket, "action": action})
                 for action in ("confirm", "cancel")] * (N_PARALLEL // 2)
        seen = release(server.urls, shots)
        (won,) = [reply.data["status"] for reply in seen if reply.status == 200]
        assert {reply.status for reply in seen} <= {200, 409, 410}, f"round {i}: {tally(seen)}"
        assert opener.verify().status_code == {"confirmed": 200, "failed": 401}[won], f"round {i}"


# ---- A47 ----

def test_a_foreign_callback_signs_nobody_in(server, fake):
    """The attacker's code in the victim's browser: it lands, with a grant and without a flow."""
    attacker, victim = web_trip(server), web_trip(server)
    url = fake.allow(attacker.url, Person())
    _, behind = attacker.land(url, victim.client)
    answer = victim.verify(grant=behind["grant"])
    assert answer.json()["data"] == {"status": "pending"}, answer.text
    assert attacker.verify().status_code in (401, 422), "who opened it has no grant"
    own = victim.land(fake.allow(victim.url, Person()))[1]
    assert victim.verify(grant=own["grant"]).status_code == 200


@pytest.mark.parametrize("state", [None, "", "nonsense", "another section's", "used"])
def test_a_state_that_is_not_ours_is_refused(server, fake, state):
    browser, asked = web_trip(server), fake.n_asked("/sns/oauth2/access_token")
    if state == "another section's":
        state = Opener(server).data["qr_code"]
    if state == "used":
        state = browser.data["qr_code"]
        browser.land(f"{CALLBACK.format('wechat_web')}?state={state}")
    code = fake.make_code(fake.apps["wxweb"], Person())
    query = f"code={code}" + ("" if state is None else f"&state={state}")
    answer = browser.client.get(f"{CALLBACK.format('wechat_web')}?{query}", allow_redirects=False)
    assert answer.status_code == 410, answer.text
    assert fake.n_asked("/sns/oauth2/access_token") == asked


def test_where_it_goes_back_to_fits_into_a_flow(server, fake):
    """Found out at begin: afterwards WeChat's code would be spent."""
    person = Person("明" * 80)
    for length, fits in ((900, True), (1400, False), (2000, False)):
        path = "/account?" + "x" * (length - 9)
        fields = {"redirect_uri": path, "state": "s" * 512}
        if not fits:
            answer = server.client().post(BEGIN_WEB, fields)
            assert (answer.status_code, fields_of(answer)) == (422, {"redirect_uri": "too_long"})
            continue
        browser = web_trip(server, **fields)
        place, told = browser.land(fake.allow(browser.url, person))
        assert place == PUBLIC + path and told["state"] == "s" * 512


# ---- Binding: A06, A07, A62 ----

def bind(server, fake, who, person):
    """Who is signed in and opens a code wants to bind."""
    opener, phone = Opener(server, who), phone_of(server, fake, person)
    phone.scan(opener.scan_url())
    assert "****" + who.phone[-4:] in phone.page.text, "the page names what is linked"
    phone.tap("confirm")
    return who.post(BIND, {"session_id": opener.flow_id, "qr_code": opener.data["qr_code"]})


def test_bind_and_unbind(server, fake):
    who, person = sign_in(server), Person()
    bound = bind(server, fake, who, person)
    assert bound.status_code == 200, bound.text
    data = bound.json()["data"]
    assert (data["user_id"], data["login_type"]) == (user_id(who), "both")
    assert data["wechat_info"]["openid"] == f"oqr-{person.mark}"
    assert who.ok("GET", PROFILE)["login_type"] == "both"
    assert user_id(sign_in_by_phone(server, fake, person)) == user_id(who)
    gone = who.ok("POST", UNBIND)
    assert (gone["user_id"], gone["login_type"]) == (user_id(who), "phone")
    profile = who.ok("GET", PROFILE)
    assert profile["login_type"] == "phone" and profile["wechat_info"] is None
    assert [entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"]] == ["phone"]
    assert rows(server, "SELECT COUNT(*) FROM wechat_users WHERE openid = ? AND (uid IS NOT NULL"
                " OR access_token IS NOT NULL)", f"oqr-{person.mark}")[0][0] == 0
    assert sign_in_by_phone(server, fake, person).tokens["is_new_user"] is True


def test_a_wechat_of_somebody_else_is_refused(server, fake):
    owner, who = Person(), sign_in(server)
    first = user_id(sign_in_by_mini(server, fake, owner))
    answer = bind(server, fake, who, owner)
    assert (answer.status_code, answer.json()["error"]) == (409, "identity_taken"), answer.text
    assert [entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"]] == ["phone"]
    assert user_id(sign_in_by_mini(server, fake, owner)) == first


def test_an_account_has_one_wechat_of_an_app(server, fake):
    who = sign_in(server)
    assert bind(server, fake, who, Person()).status_code == 200
    assert bind(server, fake, who, Person()).status_code == 409
    assert len(who.ok("GET", IDENTITIES)["identities"]) == 3


def test_a_proof_of_one_session_binds_in_no_other(server, fake):
    """A07"""
    who, thief, person = sign_in(server), sign_in(server), Person()
    opener, phone = Opener(server, who, purpose="bind"), phone_of(server, fake, person)
    phone.scan(opener.scan_url())
    phone.tap("confirm")
    body = {"session_id": opener.flow_id}
    assert thief.post(BIND, body).status_code == 410
    assert server.client().post(BIND, body).status_code == 401
    assert opener.verify(purpose="login").status_code in (401, 410, 422)
    answer = who.post(BIND, {**body, "qr_code": "another"})
    assert answer.status_code == 401, answer.text
    assert who.post(BIND, body).status_code == 200
    assert user_id(sign_in_by_phone(server, fake, person)) == user_id(who)


def test_a_sign_in_binds_nothing(server, fake):
    """A06, A47: what was begun for signing in is no binding, whoever sends it."""
    who, opener, phone = sign_in(server), Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    phone.tap("confirm")
    assert who.post(BIND, {"session_id": opener.flow_id}).status_code == 410
    assert [entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"]] == ["phone"]


def test_an_unproved_wechat_gives_way_to_its_owner(server, fake):
    """A06: a row nobody has proved neither signs in nor blocks."""
    squatter, person = sign_in(server), Person()
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, bound_at)"
         " VALUES (?, 'wechat:openid:wxqr', ?, 0)", user_id(squatter), f"oqr-{person.mark}")
    owner = sign_in_by_phone(server, fake, person)
    assert owner.tokens["is_new_user"] is True and user_id(owner) != user_id(squatter)
    assert [entry["namespace"] for entry in squatter.ok("GET", IDENTITIES)["identities"]] == ["phone"]


def test_parallel_unbinds_leave_a_way_in(server, fake):
    """A62"""
    say("unbinds of phone and WeChat")
    for i in range(ROUNDS):
        who = sign_in(server)
        assert bind(server, fake, who, Person()).status_code == 200
        token = who.tokens["access_token"]
        shots = [Shot("POST", UNBIND, {}, token), Shot("DELETE", "/api/v1/user/unbind/phone_sms", {}, token)]
        seen = tally(release(server.urls, (shots * N_PARALLEL)[:N_PARALLEL]))
        assert seen[(200, None)] == 1, f"round {i}: {seen}"
        assert set(seen) <= {(200, None), (404, "not_found"), (409, "last_login_method")}, seen
        assert {entry["namespace"].split(":")[0] for entry in who.ok("GET", IDENTITIES)["identities"]} in \
            ({"phone"}, {"wechat"}), f"round {i}"


# ---- Renewal ----

@pytest.mark.parametrize("seconds, counts", [(7200, True), (366 * 86400, True), (366 * 86400 + 1, False),
                                             (0, False), (-1, False), (2**63 - 1, False)])
def test_a_life_of_a_token_that_nobody_means_is_none(server, fake, seconds, counts):
    person = Person()
    fake.extra["/sns/oauth2/access_token"] = {"expires_in": seconds}
    try:
        who = sign_in_by_phone(server, fake, person)
    finally:
        fake.extra.clear()
    ((until,),) = rows(server, "SELECT expires_at FROM wechat_users WHERE uid = ?", user_id(who))
    assert (until > 0) == counts and (counts or until == 0), until



def test_nickname_and_picture_are_read_again(server, fake):
    person = Person("before")
    who = sign_in_by_phone(server, fake, person)
    person.name = "after"
    assert who.ok("POST", "/api/v1/user/wechat/renew")["wechat_info"]["nickname"] == "after"
    for token in fake.tokens.values():
        token["until"] = 0
    person.name = "much later"
    assert who.ok("POST", "/api/v1/user/wechat/renew")["wechat_info"]["nickname"] == "much later"
    fake.refreshes.clear()
    for token in fake.tokens.values():
        token["until"] = 0
    who.refused(410, "flow_expired", "POST", "/api/v1/user/wechat/renew")


class Held(Person):
    """WeChat takes its time to tell of them."""

    def __init__(self):
        self.asked, self.go_on, self.holds = threading.Event(), threading.Event(), False
        super().__init__("slowly")

    @property
    def name(self):
        if self.holds:
            self.asked.set()
            self.go_on.wait(20)
        return self.nickname

    @name.setter
    def name(self, value):
        self.nickname = value


def row_of(server, person):
    (row,) = rows(server, "SELECT uid, last_login_at FROM wechat_users WHERE openid = ?", f"oqr-{person.mark}")
    return tuple(row)


@pytest.mark.parametrize("meanwhile", ["nothing", "unbind", "another"])
def test_a_renewal_takes_no_row_from_anybody(server, fake, meanwhile):
    """WeChat is asked for seconds; what has become of the binding by then stays so."""
    who, person, heir = sign_in(server), Held(), None
    assert bind(server, fake, who, person).status_code == 200
    before, answers = row_of(server, person), []
    person.holds = True
    asking = threading.Thread(target=lambda: answers.append(who.post("/api/v1/user/wechat/renew")))
    asking.start()
    assert person.asked.wait(20), "WeChat was not asked"
    person.holds = False
    if meanwhile != "nothing":
        who.ok("POST", UNBIND)
    if meanwhile == "another":
        heir = sign_in(server)
        rows(server, "UPDATE wechat_users SET uid = ? WHERE openid = ?", user_id(heir), f"oqr-{person.mark}")
    person.go_on.set()
    asking.join(30)
    (answer,) = answers
    if meanwhile == "nothing":
        assert answer.status_code == 200, answer.text
        assert row_of(server, person) == before, "to look again is no sign-in"
    else:
        assert answer.status_code == 404, answer.text
        assert row_of(server, person)[0] == (user_id(heir) if heir else None)


def test_the_page_has_no_script_and_hides_what_is_odd(server, fake):
    opener, phone = Opener(server), phone_of(server, fake, Person('"><script>alert(1)</script>'))
    page = phone.scan(opener.scan_url())
    assert "<script" not in page.text and Form(page.text).method == "post"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
