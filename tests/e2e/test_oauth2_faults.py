# SPDX-License-Identifier: Apache-2.0
"""Sites that are down, slow or talk nonsense, and stores that fail at every single op: 503, and nobody becomes two
users or another; others sign in meanwhile."""
import threading
from contextlib import contextmanager

import pytest
import requests

from fakes import github
from fakes.upstream import Answer
from faulty import OPTIONS as FAULTY
from faulty import each_op_in_turn
from harness import sign_in, wait_for
from oauth2_server import bind_by, owners, person_of, server, sign_in_by, sites, token_path
from parallel import N_PARALLEL, Shot, release, say, tally
from steps import later, told, user_id
from trips import DENIED, OPTIONS, Trip

pytestmark = pytest.mark.core

DOWN = (503, "provider_unavailable")
NONSENSE = {"empty": b"", "a text": Answer(200, b"OK", {"Content-Type": "text/plain"}), "null": b"null",
            "a list": b"[]", "a number": b"7", "nothing": b"{}", "half": b'{"a":', "not UTF-8": b'{"a":"\xff"}',
            "deep": b"[" * 100000,
            "a page": Answer(200, b"<html>Log in to the Wi-Fi</html>", {"Content-Type": "text/html"}),
            "a redirect": Answer(302, b"", {"Location": "/elsewhere"}), "500": 500, "502": 502, "503": 503,
            "404": 404, "cut": "cut", "huge": "huge"}
SLOW = {"hang": "hang", "drip": "drip"}
# Nobody's time is up while a site holds them.
PATIENT = ["acme.timeout=30s", "acme.upstream_timeout=30s", "acme.max_running=32", "pool.call_timeout=30s"]


def landed(server, sites, section, path, odd):
    """(the answer, what stands behind '#') of somebody who comes back while the site is odd."""
    trip, site = Trip(server, section), sites.of(section)
    back = site.allow(trip.url, person_of(section))
    with site.oddly(path, odd):
        answer, behind = trip.land(back)
    assert "access_token" not in trip.verify().text
    return answer, behind


# ---- Sites ----

@pytest.mark.parametrize("what", [*NONSENSE, *SLOW])
def test_an_odd_exchange_is_no_sign_in(server, sites, what):
    """And the code is shown once, whatever becomes of it."""
    path = token_path(sites.hasty)
    n_before = sites.hasty.n_asked(path)
    answer, _ = landed(server, sites, "hasty", path, {**NONSENSE, **SLOW}[what])
    assert told(answer) == DOWN
    assert sites.hasty.n_asked(path) == n_before + 1
    sign_in_by(server, sites, "hasty")


@pytest.mark.parametrize("part", ["discovery", "jwks", "token", "userinfo"])
def test_an_issuer_that_takes_its_time_signs_in(make_server, sites, part):
    server, site = make_server(*OPTIONS, workers=1, conf=sites.conf("hasty")), sites.hasty
    site.is_lean = True
    try:
        with site.oddly(site.at(getattr(site, part)), "late"):
            sign_in_by(server, sites, "hasty")
    finally:
        site.is_lean = False


@pytest.mark.parametrize("path", [github.TOKEN, github.USER])
@pytest.mark.parametrize("what", NONSENSE)
def test_an_odd_github_signs_nobody_in(server, sites, path, what):
    answer, _ = landed(server, sites, "github", path, NONSENSE[what])
    assert told(answer) == DOWN
    sign_in_by(server, sites, "github")


@pytest.mark.parametrize("code, verdict", [
    ("invalid_grant", DENIED), ("invalid_client", DOWN), ("unauthorized_client", DOWN), ("invalid_request", DOWN),
    ("unsupported_grant_type", DOWN), ("invalid_scope", DOWN), ("server_error", DOWN), ("", DOWN), (7, DOWN)])
@pytest.mark.parametrize("status", [400, 401])
def test_words_of_an_issuer(server, sites, status, code, verdict):
    text = f'{{"error":{code if code == 7 else chr(34) + code + chr(34)}}}'.encode()
    answer, behind = landed(server, sites, "acme", token_path(sites.acme), Answer(status, text))
    assert behind == DENIED if verdict == DENIED else told(answer) == DOWN


@pytest.mark.parametrize("code, verdict", [
    ("bad_verification_code", DENIED), ("incorrect_client_credentials", DOWN), ("redirect_uri_mismatch", DOWN),
    ("unverified_user_email", DOWN), ("", DOWN)])
def test_words_of_github(server, sites, code, verdict):
    answer, behind = landed(server, sites, "github", github.TOKEN, f'{{"error":"{code}"}}'.encode())
    assert behind == DENIED if verdict == DENIED else told(answer) == DOWN


@pytest.mark.parametrize("section", ["acme", "github"])
def test_a_site_that_is_asked_too_much_says_when(server, sites, section):
    site = sites.of(section)
    answer, _ = landed(server, sites, section, token_path(site), Answer(429, b"{}", {"Retry-After": "7"}))
    assert told(answer) == (429, "rate_limited")


@pytest.mark.parametrize("part", ["discovery", "jwks"])
@pytest.mark.parametrize("what", ["empty", "a page", "nothing", "500", "a redirect", "huge", "cut", "hang"])
def test_what_else_is_odd_signs_nobody_in(make_server, sites, part, what):
    """The first to come finds it so, and who comes when it is well again does not."""
    server, site = make_server(*OPTIONS, workers=1, conf=sites.conf("hasty")), sites.hasty
    path, odd = site.at(getattr(site, part)), {**NONSENSE, **SLOW}[what]
    if part == "discovery":
        with site.oddly(path, odd):
            server.client().refused(*DOWN, "POST", "/api/v1/auth/hasty/begin")
    else:
        assert told(landed(server, sites, "hasty", path, odd)[0]) == DOWN
    sign_in_by(server, sites, "hasty")


PROFILES = {**NONSENSE, **SLOW, "429": 429, "a JWT": Answer(200, b"e30.e30.AA", {"Content-Type": "application/jwt"})}


@pytest.fixture
def lean(sites):
    for site in (sites.hasty, sites.partner):
        site.is_lean = True
    yield
    for site in (sites.hasty, sites.partner):
        site.is_lean = False


@pytest.mark.parametrize("what", PROFILES)
def test_without_a_profile_the_token_is_enough(server, sites, lean, what):
    """Who it is it says alone; the name comes when the profile does."""
    site, person = sites.hasty, person_of("hasty", "Ada 客")
    with site.oddly(site.at(site.userinfo), PROFILES[what]):
        who = sign_in_by(server, sites, "hasty", person)
    again = sign_in_by(server, sites, "hasty", person)
    assert user_id(again) == user_id(who)


@pytest.mark.parametrize("what", ["500", "a JWT"])
def test_an_address_that_leads_to_an_account_is_waited_for(server, sites, lean, what):
    """Without it somebody would get a second account."""
    answer, _ = landed(server, sites, "partner", sites.partner.at(sites.partner.userinfo), PROFILES[what])
    assert told(answer) == DOWN
    sign_in_by(server, sites, "partner")


WRONG = {"another issuer": {"issuer": "https://evil.example"}, "a slash": "issuer/", "no issuer": {"issuer": None},
         "no token_endpoint": {"token_endpoint": None}, "no jwks_uri": {"jwks_uri": None}, "empty": {"jwks_uri": ""},
         "no page": {"authorization_endpoint": None}, "a number": {"token_endpoint": 7},
         "another scheme": {"token_endpoint": "ftp://127.0.0.1/token"},
         "a file": {"jwks_uri": "file:///etc/passwd"}, "a script": {"authorization_endpoint": "javascript:alert(1)"}}


@pytest.mark.parametrize("what", WRONG)
def test_a_document_of_somebody_else_is_not_believed(make_server, sites, what):
    server, site = make_server(*OPTIONS, workers=1, conf=sites.conf("hasty")), sites.hasty
    wrong = WRONG[what] if what != "a slash" else {"issuer": site.issuer + "/"}
    with site.spoiling("discovery", lambda known: {**known, **wrong}):
        answer = server.client().post("/api/v1/auth/hasty/begin")
        if answer.status_code == 200:  # it may be found out where it is needed
            trip = Trip(server, "hasty")
            answer, behind = trip.land(site.allow(trip.url, person_of("hasty")))
            assert "grant" not in behind
        assert told(answer) == DOWN
    sign_in_by(server, sites, "hasty")


@contextmanager
def at_the_time_of(sites, server):
    """The clocks of the sites are that server's for a while."""
    before = sites.acme.now
    sites.follow(server)
    try:
        yield
    finally:
        for site in sites.all:
            site.now = before


@pytest.mark.one_host(reason="what one worker keeps")
@pytest.mark.parametrize("odd", [500, "cut", b"{}"])
def test_an_old_document_is_better_than_none(make_server, sites, odd):
    server, site = make_server(*OPTIONS, workers=1, conf=sites.conf("hasty")), sites.hasty
    with at_the_time_of(sites, server):
        sign_in_by(server, sites, "hasty")
        with site.oddly(site.at(site.discovery), odd), site.oddly(site.at(site.jwks), odd):
            later(server, 7200)  # longer than it may be kept
            sign_in_by(server, sites, "hasty")
        sign_in_by(server, sites, "hasty")


@pytest.mark.one_host(reason="what one worker keeps")
def test_a_document_of_yesterday_is_none(make_server, sites):
    server, site = make_server(*OPTIONS, workers=1, conf=sites.conf("hasty")), sites.hasty
    with at_the_time_of(sites, server):
        sign_in_by(server, sites, "hasty")
        with site.oddly(site.at(site.discovery), 500):
            later(server, 90000)
            server.client().refused(*DOWN, "POST", "/api/v1/auth/hasty/begin")
        sign_in_by(server, sites, "hasty")


def test_a_site_that_hangs_holds_up_its_own_people_only(make_server, sites):
    """Many wait for one site; others sign in by another, by a code and by nothing at all."""
    server = make_server(*OPTIONS, *PATIENT, workers=2, conf=sites.conf("acme", "google", "github"))
    site, n_held = sites.acme, 20
    trips = [Trip(server, "acme") for _ in range(n_held)]
    backs = [site.allow(trip.url, person_of("acme")).partition(".com")[2] for trip in trips]
    path, n_before = token_path(site), site.n_asked(token_path(site))
    answers = []
    threads = [threading.Thread(target=lambda back=back: answers.append(
        requests.get(server.url + back, timeout=60, allow_redirects=False))) for back in backs]
    with site.oddly(path, "hang"), site.letting_go():
        for thread in threads:
            thread.start()
        wait_for(lambda: site.n_asked(path) == n_before + n_held, "all who wait")
        for _ in range(3):
            sign_in_by(server, sites, "google")
            sign_in_by(server, sites, "github")
            sign_in(server).ok("GET", "/api/v1/user/profile")
            assert server.client().get("/api/v1/auth/providers").status_code == 200
        assert answers == [], "they are still waiting"
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [503] * n_held
    sign_in_by(server, sites, "acme")


@pytest.mark.one_host(reason="what is asked by two workers is counted")
def test_many_who_come_first_ask_once(make_server, sites):
    """Nothing is known of the issuer yet: each worker asks, and its people wait for that."""
    say("begins at a cold start", rounds=1)
    server, site = make_server(*OPTIONS, workers=2, conf=sites.conf("acme")), sites.acme
    path = site.at(site.discovery)
    n_before = site.n_asked(path)
    with site.oddly(path, "late"):
        seen = release(server.urls, [Shot("POST", "/api/v1/auth/acme/begin", {})] * N_PARALLEL)
    assert tally(seen) == {(200, None): N_PARALLEL}, tally(seen)
    assert 1 <= site.n_asked(path) - n_before <= 2


def test_a_reload_in_the_middle_loses_nobody(make_server, sites):
    server = make_server(*OPTIONS, workers=2, conf=sites.conf("acme"))
    trip, person = Trip(server, "acme"), person_of("acme")
    server.ctl("reload")
    behind = trip.go(sites.acme, person)
    server.ctl("reload")
    trip.signed_in(behind)


@pytest.mark.one_host(reason="its configuration is changed")
def test_who_another_issuer_named_is_nobody_here(make_server, sites):
    """The section is for another one by the time of the verify, which may have the same sub for somebody else."""
    conf = sites.conf("acme")
    server = make_server(*OPTIONS, workers=2, conf=conf)
    trip = Trip(server, "acme")
    behind = trip.go(sites.acme, person_of("acme"))
    text = conf["50-oauth2.ini"]
    server.write_conf("50-oauth2.ini", text.replace(sites.acme.issuer, sites.partner.issuer))
    server.ctl("reload")
    answer = trip.verify(server.client(), grant=behind["grant"])
    assert (answer.status_code, answer.json()["error"]) == (410, "flow_expired"), answer.text
    server.write_conf("50-oauth2.ini", text)
    server.ctl("reload")
    trip = Trip(server, "acme")
    trip.signed_in(trip.go(sites.acme, person_of("acme")))


@pytest.mark.one_host(reason="it is stopped")
def test_a_stop_waits_for_who_is_at_a_site(make_server, sites):
    server, site = make_server(*OPTIONS, workers=1, conf=sites.conf("hasty")), sites.hasty
    back = site.allow(Trip(server, "hasty").url, person_of("hasty")).partition(".com")[2]
    path, answers = token_path(site), []
    n_before = site.n_asked(path)
    asking = threading.Thread(target=lambda: answers.append(
        requests.get(server.url + back, timeout=30, allow_redirects=False)))
    with site.oddly(path, "hang"):
        asking.start()
        wait_for(lambda: site.n_asked(path) > n_before, "the exchange")
        assert server.stop() == 0
        asking.join(30)
    assert [answer.status_code for answer in answers] == [503]


# ---- Stores ----

@pytest.fixture
def faulty(make_server, plugins, sites):
    server = make_server(*FAULTY, *OPTIONS, workers=1, plugins=str(plugins), conf=sites.conf())
    sites.follow(server)
    return server


@pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these")
@pytest.mark.one_host(reason="a fault is told to the host of one state folder")
@pytest.mark.parametrize("section", ["partner", "hub"])
class TestFaults:
    def test_a_trip_is_begun_whole_or_not(self, faulty, sites, section):
        for fault in each_op_in_turn(faulty):
            with fault:
                answer = faulty.client().post(f"/api/v1/auth/{section}/begin")
            assert answer.status_code in (200, 503), f"{fault}: {answer.text}"
        sign_in_by(faulty, sites, section)

    def test_a_callback_confirms_or_leaves_nothing_to_use(self, faulty, sites, section):
        for fault in each_op_in_turn(faulty):
            trip, person = Trip(faulty, section), person_of(section)
            back = sites.of(section).allow(trip.url, person)
            with fault:
                answer, behind = trip.land(back)
            if behind:
                trip.signed_in(behind)
                continue
            assert answer.status_code == 503, f"{fault}: {answer.status_code} {answer.text}"
            again, behind = trip.land(back)
            assert behind or again.status_code in (409, 410), f"{fault}: {again.text}"
            assert "access_token" not in trip.verify().text and owners(faulty, person) == [], fault

    def test_a_first_sign_in_is_whole_or_not_there(self, faulty, sites, section):
        for fault in each_op_in_turn(faulty):
            trip, person = Trip(faulty, section), person_of(section)
            behind = trip.go(sites.of(section), person)
            with fault:
                answer = trip.verify(grant=behind["grant"])
            assert answer.status_code in (200, 503), f"{fault}: {answer.status_code} {answer.text}"
            found = owners(faulty, person)
            assert len(found) <= 1, fault
            again = user_id(sign_in_by(faulty, sites, section, person))
            assert owners(faulty, person) == [again] and set(found) <= {again}, fault

    def test_a_binding_and_its_end_are_whole(self, faulty, sites, section):
        for fault in each_op_in_turn(faulty):
            who, person = sign_in(faulty), person_of(section)
            trip = Trip(faulty, section, who, purpose="bind")
            grant = trip.go(sites.of(section), person, faulty.client())["grant"]
            with fault:
                answer = trip.bind(grant=grant)
            assert answer.status_code in (200, 503), f"{fault}: {answer.status_code} {answer.text}"
            found = owners(faulty, person)
            assert found == [user_id(who)] if answer.status_code == 200 else set(found) <= {user_id(who)}, fault
            if not found:
                continue
            with fault:
                answer = who.delete(f"/api/v1/user/unbind/{section}")
            assert answer.status_code in (200, 503), f"{fault}: {answer.status_code} {answer.text}"
            assert answer.status_code == 503 or owners(faulty, person) == [], fault
        assert bind_by(faulty, sites, section, sign_in(faulty)).status_code == 200
