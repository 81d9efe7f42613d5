# SPDX-License-Identifier: Apache-2.0
"""What strangers can do with a browser on its way to another site and back (A13, A46, A47): nothing."""
import pytest
import requests

from elsewhere import path_of
from harness import sign_in
from oauth2_server import CALLBACK, owners, person_of, server, sign_in_by, sites, token_path
from pages import HTML, assert_page
from steps import IDENTITIES, fields_of, later, rows
from trips import BACK, DENIED, FLOW, PUBLIC, Trip

pytestmark = pytest.mark.core

HERE = CALLBACK.format("acme")


def n_exchanges(sites, name="acme"):
    return sites.of(name).n_asked(token_path(sites.of(name)))


def code_of(url):
    return url.partition("code=")[2].partition("&")[0]


# ---- A47: whose browser it is ----

@pytest.mark.parametrize("section", ["acme", "github"])
def test_a_foreign_callback_signs_nobody_in(server, sites, section):
    """The attacker's code and state in the victim's browser: it lands, with a grant and without a flow."""
    site, person = sites.of(section), person_of(section)
    attacker, victim = Trip(server, section), Trip(server, section)
    behind = attacker.go(site, person, victim.client)
    answer = victim.verify(grant=behind["grant"])
    assert answer.json()["data"] == {"status": "pending"}, answer.text
    assert attacker.verify().status_code in (401, 422), "who opened it has no grant"
    assert owners(server, person) == []
    own = person_of(section)
    victim.signed_in(victim.go(site, own))
    assert len(owners(server, own)) == 1 and owners(server, person) == []


def test_forced_linking_needs_the_victims_session(server, sites):
    """The attacker begins to bind, and the victim's browser lands with the attacker's account of the site."""
    attacker, victim, person = sign_in(server), sign_in(server), person_of("acme")
    trip = Trip(server, "acme", attacker, purpose="bind")
    grant = trip.go(sites.acme, person, victim)["grant"]
    assert trip.bind(victim, grant=grant).status_code == 410
    assert len(victim.ok("GET", IDENTITIES)["identities"]) == 1 and owners(server, person) == []


STATES = [None, "", " ", "nonsense", "a" * 23, "é", "%00", "x" * 3000, "another section's", "another method's", "used",
          "failed", "a flow_id", "expired", "twice"]


@pytest.mark.parametrize("state", STATES)
def test_a_state_that_is_not_ours_is_refused(server, sites, state):
    """And no code is shown to the site."""
    trip = Trip(server, "acme")
    back = sites.acme.allow(trip.url, person_of("acme"))
    n_before, code, own = n_exchanges(sites), code_of(back), trip.asked["state"]
    if state == "another section's":
        state = Trip(server, "posting").asked["state"]
    elif state == "another method's":
        state = Trip(server, "github").asked["state"]
    elif state == "used":
        state = own
        trip.signed_in(trip.land(back)[1])
        n_before += 1
    elif state == "failed":
        state = own
        trip.land(sites.acme.deny(trip.url))
    elif state == "a flow_id":
        state = trip.flow_id
    elif state == "expired":
        state = own
        later(server, 601)
    elif state == "twice":
        state = f"{own}&state={own}x"
    query = f"code={code}" + ("" if state is None else f"&state={state}")
    answer = trip.client.get(f"{HERE}?{query}", allow_redirects=False)
    assert answer.status_code in (400, 410, 414, 422), answer.text
    assert "grant" not in answer.text and n_exchanges(sites) == n_before
    sign_in_by(server, sites, "acme")


def test_a_state_of_another_section_is_not_used_up(server, sites):
    trip = Trip(server, "acme")
    back = sites.acme.allow(trip.url, person_of("acme"))
    assert trip.land(back.replace("/acme/", "/posting/"))[0].status_code == 410
    trip.signed_in(trip.land(back)[1])


def test_a_flow_of_one_section_is_verified_by_no_other(server, sites):
    trip = Trip(server, "acme")
    grant = trip.go(sites.acme, person_of("acme"))["grant"]
    for other in ("posting", "google", "github", "phone_sms"):
        answer = server.client().post(path_of(other, "verify"), {"flow_id": trip.flow_id, "grant": grant})
        assert answer.status_code in (410, 422), f"{other}: {answer.text}"
    trip.signed_in({"grant": grant})


# ---- RFC 9207: who has answered ----

@pytest.mark.parametrize("iss", ["other", "", "with a slash", "upper", "https://evil.example"])
def test_an_answer_of_another_issuer_is_none(server, sites, iss):
    """Mix-up: our code would be shown to the wrong one."""
    trip = Trip(server, "acme")
    back, _, _ = sites.acme.allow(trip.url, person_of("acme")).partition("&iss=")
    n_before, issuer = n_exchanges(sites), sites.acme.issuer
    other = {"other": sites.partner.issuer, "with a slash": issuer + "/", "upper": issuer.upper()}.get(iss, iss)
    answer, behind = trip.land(f"{back}&iss={other}")
    assert behind == DENIED or answer.status_code in (400, 401, 410, 422), answer.text
    assert n_exchanges(sites) == n_before and "access_token" not in trip.verify().text


def test_an_issuer_that_says_it_names_itself_must(server, sites):
    trip = Trip(server, "acme")
    back, _, iss = sites.acme.allow(trip.url, person_of("acme")).partition("&iss=")
    assert iss and trip.land(back)[1] == DENIED
    trip = Trip(server, "google")
    back = sites.google.allow(trip.url, person_of("google"))
    assert "iss=" not in back
    trip.signed_in(trip.land(back)[1])
    trip = Trip(server, "google")
    back = sites.google.allow(trip.url, person_of("google"))
    trip.signed_in(trip.land(f"{back}&iss={sites.google.issuer}")[1])


# ---- A13: what is empty or missing ----

EMPTY = [None, "", " ", 0, False, [], {}]


@pytest.mark.parametrize("value", EMPTY)
def test_an_empty_grant_is_none(server, sites, value):
    trip, person = Trip(server, "acme"), person_of("acme")
    grant = trip.go(sites.acme, person)["grant"]
    answer = trip.verify(grant=value)
    assert answer.status_code in (401, 422), answer.text
    assert owners(server, person) == []
    trip.signed_in({"grant": grant})


@pytest.mark.parametrize("field", ["grant", "flow_id"])
def test_what_is_no_text_is_named(server, sites, field):
    trip, person = Trip(server, "acme"), person_of("acme")
    whole = {"flow_id": trip.flow_id, "grant": trip.go(sites.acme, person)["grant"]}
    for value in (7, ["x"], True):
        answer = trip.client.refused(422, "field_invalid", "POST", path_of("acme", "verify"), {**whole, field: value})
        assert fields_of(answer) == {field: "type"}, value
    trip.signed_in(whole)


@pytest.mark.parametrize("value", [*EMPTY, "missing"])
def test_an_empty_flow_is_none(server, sites, value):
    trip, person = Trip(server, "acme"), person_of("acme")
    grant = trip.go(sites.acme, person)["grant"]
    body = {"flow_id": value, "grant": grant} if value != "missing" else {"grant": grant}
    answer = trip.client.post(path_of("acme", "verify"), body)
    assert answer.status_code in (410, 422), answer.text
    who = sign_in(server)
    assert who.post(path_of("acme", "bind"), body).status_code in (410, 422)
    assert owners(server, person) == []
    trip.signed_in({"grant": grant})


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b'""', b"{"])
def test_a_body_that_is_none_signs_nobody_in(server, body):
    headers = {"Content-Type": "application/json"}
    for step in ("verify", "callback"):
        answer = requests.post(server.url + path_of("acme", step), data=body, headers=headers, timeout=20)
        assert 400 <= answer.status_code < 500, f"{step} {body}: {answer.text}"
    assert "access_token" not in answer.text


@pytest.mark.parametrize("query", ["", "?", "?code=", "?state=", "?code=&state=", "?error=", "?code", "?iss="])
def test_a_callback_without_anything_is_refused(server, query):
    answer = server.client().get(HERE + query, allow_redirects=False)
    assert answer.status_code in (410, 422), answer.text


@pytest.mark.parametrize("code", [None, "", " ", "x" * 5000])
def test_a_callback_without_a_code_is_a_denial(server, sites, code):
    trip, n_before = Trip(server, "acme"), n_exchanges(sites)
    query = f"state={trip.asked['state']}" + ("" if code is None else f"&code={code}")
    answer, behind = trip.land(f"{HERE}?{query}")
    assert behind == DENIED or answer.status_code in (400, 414), behind
    assert "access_token" not in trip.verify().text and (code == " " or n_exchanges(sites) == n_before)


def test_a_head_takes_nothing_away(server, sites):
    trip = Trip(server, "acme")
    back = sites.acme.allow(trip.url, person_of("acme"))
    assert requests.head(server.url + back.removeprefix(PUBLIC), timeout=10).status_code == 405
    trip.signed_in(trip.land(back)[1])


# ---- A46: nobody is sent where the operator has not said ----

HOSTS = ["https://evil.example", "https://evil.example/", "http://app.example.com/done", "https:evil.example",
         "https:/evil.example", "https:///evil.example", "https://app.example.com.evil.example/done",
         "https://evil.example/https://app.example.com/done", "https://app.example.com@evil.example/done",
         "https://app.example.com:443@evil.example/done", "https://evil@app.example.com/done",
         "https://app.example.com:8443/done", "https://app.example.com:443/done", "https://APP.example.com/done",
         "https://app.example.com./done", "https://xapp.example.com/done", "https://x.app.example.com/done",
         "https://app.example.com\\@evil.example/done", "https://app.example.com%2f@evil.example/done",
         "https://evil.example#https://app.example.com/done",
         "https://evil.example?https://app.example.com/done",
         "https://[::1]/done", "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://0x7f.1/",
         "https://аpp.example.com/done", "https://app.example.com。evil.example/", "https://app.example。com/done",
         "https://app.example.com%00.evil.example/done", "https://app.example.com%ff/done"]
PATHS = [BACK + tail for tail in ("/", "/x", "?x", "#x", "%2f", "%00", ";x", "/..", "/../evil", "\t", " ", "\\", "/.",
                                  "%20", "?", "#", "\u200b")]
SCHEMES = ["javascript:alert(1)", "javascript://app.example.com/done%0aalert(1)", "data:text/html,x", "vbscript:x",
           "file:///etc/passwd", "blob:https://app.example.com/x", "ftp://app.example.com/done", "HTTPS://evil.example",
           "about:blank", "//evil.example", "///evil.example", "////evil.example", "\\\\evil.example",
           "/\\evil.example",
           "\\/evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example",
           "/%5cevil.example", "/%2fevil.example", "/..//evil.example", "/.//evil.example", "/x/..//evil.example",
           "evil.example", ".", "..", "?x", "#x", "@evil.example", "https%3a%2f%2fevil.example", "\x00/login"]


@pytest.mark.parametrize("kind", [HOSTS, PATHS, SCHEMES], ids=["hosts", "paths", "schemes"])
def test_nobody_is_sent_elsewhere(server, kind):
    client = server.client()
    for place in kind:
        answer = client.post(path_of("acme", "begin"), {"redirect_uri": place})
        if answer.status_code == 200:  # a path of ours, whatever a browser makes of it
            assert place.startswith("/") and not place.startswith(("//", "/\\")), place
            assert place in ("/%5cevil.example", "/%2fevil.example"), place
            continue
        assert answer.status_code in (400, 422), f"{place!r}: {answer.text}"
        if answer.status_code == 422:
            assert set(fields_of(answer)) == {"redirect_uri"}, f"{place!r}: {answer.text}"


@pytest.mark.parametrize("place, wanted", [(BACK, BACK), ("/account", PUBLIC + "/account"), (None, PUBLIC + "/login"),
                                           ("/account?x=1", PUBLIC + "/account?x=1")])
def test_everybody_is_sent_where_they_began(server, sites, place, wanted):
    trip = Trip(server, "acme", **({"redirect_uri": place} if place else {}))
    where, behind = trip.land(sites.acme.allow(trip.url, person_of("acme")))
    assert where == wanted and set(behind) == {"grant"}
    trip.signed_in(behind)


def test_the_callback_takes_no_other_place(server, sites):
    """Only what was kept at begin counts."""
    trip = Trip(server, "acme")
    url = sites.acme.allow(trip.url, person_of("acme")) + "&redirect_uri=https://evil.example&return_to=//evil.example"
    where, _ = trip.land(url)
    assert where == PUBLIC + "/login"


def test_where_it_goes_back_to_fits_into_a_flow(server, sites):
    """Found out at begin: afterwards the code would be spent."""
    for length, fits in ((900, True), (2000, False)):
        path = "/account?" + "x" * (length - 9)
        fields = {"redirect_uri": path, "state": "s" * 512}
        if not fits:
            answer = server.client().post(path_of("acme", "begin"), fields)
            assert (answer.status_code, fields_of(answer)) == (422, {"redirect_uri": "too_long"})
            continue
        trip = Trip(server, "acme", **fields)
        where, behind = trip.land(sites.acme.allow(trip.url, person_of("acme", "明" * 80)))
        assert where == PUBLIC + path and behind["state"] == "s" * 512
        trip.signed_in(behind)


@pytest.mark.parametrize("section", ["acme", "github"])
@pytest.mark.parametrize("letter", ["s", "%", '"', "\\", "\x01", "\x7f", " ", "é", "明", "😀"])
def test_what_begins_can_come_back(server, sites, letter, section):
    """Whatever the letters become in a URL and in a flow: too long is told before the site is asked."""
    n_begun = 0
    for length, n in ((40, 512), (1024, 100), (1024, 512)):
        fields = {"redirect_uri": "/account?".ljust(length - len(PUBLIC), "x"),
                  "state": letter * (n // len(letter.encode()))}
        answer = server.client().post(path_of(section, "begin"), fields)
        if answer.status_code != 200:
            assert set(fields_of(answer).values()) == {"too_long"}, answer.text
            continue
        trip, person = Trip(server, section, **fields), person_of(section, letter * 300)
        where, behind = trip.land(sites.of(section).allow(trip.url, person))
        assert (where, behind.get("state")) == (PUBLIC + fields["redirect_uri"], fields["state"]), where
        trip.signed_in(behind)
        n_begun += 1
    assert n_begun >= 2


# ---- What a person sees and others learn ----

def test_what_goes_wrong_is_a_page_to_a_browser(server):
    answer = requests.get(server.url + HERE + "?code=x&state=y", headers=HTML, timeout=10, allow_redirects=False)
    assert_page(answer, 410)
    assert server.client().get(HERE + "?code=x&state=y").json()["error"] == "flow_expired"


def test_the_flow_tells_nobody_who_it_was(server, sites):
    trip, person = Trip(server, "acme"), person_of("acme", "Nobody's Business")
    behind = trip.go(sites.acme, person)
    shown = server.client().get(FLOW.format(trip.flow_id)).text + str(behind)
    assert not [value for value in person.claims.values() if str(value) in shown and value is not True]


@pytest.mark.one_host(reason="the log of one server is read")
def test_secrets_are_in_no_log_and_no_table(server, sites):
    trip, person = Trip(server, "acme"), person_of("acme")
    back = sites.acme.allow(trip.url, person)
    trip.signed_in(trip.land(back)[1])
    (access_token,) = [token for token, made in sites.acme.tokens.items() if made.person is person]
    known = [code_of(back), access_token, trip.asked["nonce"], "a secret: of+100%"]
    told = server.log() + str(rows(server, "SELECT * FROM user_identities"))
    assert not [secret for secret in known if secret in told]
