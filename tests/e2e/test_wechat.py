# SPDX-License-Identifier: Apache-2.0
"""Sign-in by our own QR code, which a phone with WeChat scans and confirms."""
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from fakes.wechat import Form, Person, Phone, drawn, read_code
from harness import sign_in
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from steps import fields_of, later, rows, user_id
from trips import BACK, FLOW, OPTIONS, PUBLIC
from wechat_server import (CALLBACK, CONFIRM, QR_CODE, Opener, conf_of, fake, phone_of, server, sign_in_by_phone,
                           status_path, verify_path)

pytestmark = pytest.mark.core


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


def test_the_page_has_no_script_and_hides_what_is_odd(server, fake):
    opener, phone = Opener(server), phone_of(server, fake, Person('"><script>alert(1)</script>'))
    page = phone.scan(opener.scan_url())
    assert "<script" not in page.text and Form(page.text).method == "post"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


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


def test_who_claimed_a_code_confirms_nobody_elses_wechat(server, fake):
    """A18: the attacker scans a code of their own, and sends the address of WeChat's page to a victim."""
    victim = Person()
    known = user_id(sign_in_by_phone(server, fake, victim))
    opener, attacker = Opener(server), phone_of(server, fake)
    on = attacker.open(opener.scan_url()).headers["Location"]
    asked = fake.n_asked("/sns/oauth2/access_token")
    assert_gone(phone_of(server, fake, victim).go(fake.allow(on, victim, is_phone=True)))
    assert fake.n_asked("/sns/oauth2/access_token") == asked, "nobody was named"
    assert attacker.scan(opener.scan_url()).status_code == 200 and attacker.tap("confirm").status_code == 200
    assert user_id(opener.tokens()) != known


# ---- A05: races ----

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
