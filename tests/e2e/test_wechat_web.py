# SPDX-License-Identifier: Apache-2.0
"""Sign-in on WeChat's page, to which a browser goes and from which it comes back."""
from urllib.parse import parse_qsl, urlsplit

import pytest

from fakes.wechat import Person
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from steps import fields_of, user_id
from trips import BACK, DENIED, FLOW, PUBLIC, Trip
from wechat_server import CALLBACK, Opener, fake, server, sign_in_by_mini, sign_in_by_phone

pytestmark = pytest.mark.core

BEGIN_WEB = "/api/v1/auth/wechat_web/begin"


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
