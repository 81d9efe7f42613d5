# SPDX-License-Identifier: Apache-2.0
"""Sign-in by OpenID issuers, Google and GitHub: the way there and back, binding, and who is sent where."""
import pytest

from elsewhere import path_of
from fakes import github, google
from harness import sign_in
from oauth2_server import (CALLBACK, SECTIONS, bind_by, owners, person_of, server, sign_in_by, sites,
                           token_path)
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from starting import refusal
from steps import IDENTITIES, PROFILE, fields_of, rows, user_id
from trips import BACK, DENIED, OPTIONS, PUBLIC, Trip

pytestmark = pytest.mark.core

EACH = ["acme", "google", "github"]
each_preset = pytest.mark.parametrize("section", EACH)
UNBIND = "/api/v1/user/unbind/{}"


def namespaces(who):
    return [entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"]]


# ---- A section ----

NEVER_STARTS = pytest.mark.one_host(reason="no host comes as far as keys to share")
CLIENT = "client_id = a\nclient_secret = b\n"
BAD_SECTIONS = {
    CLIENT: "issuer must be set with preset oidc",
    CLIENT + "issuer = https://id.example/?tenant=1\n": "issuer must be a URL without query",
    CLIENT + "issuer = https://id.example/*\n": "issuer must be a URL without query",
    CLIENT + "issuer = id.example\n": "issuer must start with https://",
    CLIENT + "issuer = https://id.example\ntoken_url = ftp://id.example\n": "token_url must start with https://",
    "preset = google\nclient_id = a\n": "client_secret must be set",
    CLIENT + "preset = github\ntoken_url = https://hub.example/token\n": "for a GitHub of your own",
    CLIENT + "preset = github\nissuer = https://hub.example\n": "for a GitHub of your own",
    CLIENT + "issuer = https://id.example\nscope = email openid2\n": "scope must hold openid",
    CLIENT + "preset = google\nscope = xopenid email\n": "scope must hold openid",
    CLIENT + "preset = github\nhosted_domain = example.com\n": "which GitHub has none of",
    f"issuer = https://id.example\nclient_id = {'a' * 100}\nclient_secret = {'b' * 100}\n": "token_auth = post",
    f"preset = github\ntoken_auth = basic\nclient_id = {'a' * 100}\nclient_secret = {'b' * 100}\n": "token_auth = post",
}


@NEVER_STARTS
@pytest.mark.parametrize("text", BAD_SECTIONS)
def test_a_section_that_cannot_work_is_refused(make_server, text):
    made = make_server(*OPTIONS, start=False, conf={"50-x.ini": f"[work]\nplugin = oauth2\n{text}"})
    assert BAD_SECTIONS[text] in refusal(made)


@NEVER_STARTS
def test_it_needs_a_public_url(make_server):
    made = make_server(start=False, conf={"50-x.ini": f"[google]\nplugin = oauth2\npreset = google\n{CLIENT}"})
    assert "server.public_url must be set" in refusal(made)


def test_a_verify_without_a_flow_says_so(server):
    assert "flow_id" in fields_of(server.client().post("/api/v1/auth/acme/verify", {"grant": "x"}))


# ---- There and back ----

@pytest.mark.parametrize("section", [*EACH, "partner", "hub", "posting", "public"])
def test_a_browser_goes_and_comes_back(server, sites, section):
    site, person = sites.of(section), person_of(section, "Ada 客")
    trip = Trip(server, section, redirect_uri=BACK, state="a b&c")
    assert trip.flow_id not in trip.url and trip.data["expires_in"] > 0
    assert trip.verify().json()["data"] == {"status": "pending"}
    where, behind = trip.land(site.allow(trip.url, person))
    assert where == BACK and behind["state"] == "a b&c" and trip.state() == "confirmed"
    who = trip.signed_in(behind)
    assert who.tokens["is_new_user"] is True
    assert who.ok("GET", PROFILE)["nickname"] == "Ada 客"
    assert trip.verify(grant=behind["grant"]).status_code == 410
    assert rows(server, "SELECT namespace, user_id FROM user_identities WHERE subject = ?", person.subject)[0] == (
        sites.namespace(section), user_id(who))
    again = sign_in_by(server, sites, section, person)
    assert (user_id(again), again.tokens["is_new_user"]) == (user_id(who), False)


@pytest.mark.parametrize("name", ["N" * 60, "\u202eada", "a\u0085b\u2028c", "a\nb", "😀" * 51, "  ", "", None, 7])
def test_whatever_somebody_is_called_they_get_in(server, sites, name):
    """A name comes from elsewhere: what the profile does not take is no reason to refuse its owner."""
    for section in EACH:
        who = sign_in_by(server, sites, section, person_of(section, name))
        shown = who.ok("GET", PROFILE)["nickname"] or ""
        assert len(shown) <= 50 and not set(shown) & set("\n\u0085\u2028\u202e"), shown


@pytest.mark.parametrize("picture", ["javascript:alert(1)", "https://e.example/" + "p" * 300, "https://e.example/a b",
                                     "https://", "//e.example/p", "", 7])
def test_whatever_somebody_looks_like_they_get_in(server, sites, picture):
    who = sign_in_by(server, sites, "acme", person_of("acme", picture=picture))
    assert not who.ok("GET", PROFILE)["avatar"]


def test_providers_are_told_apart(server):
    told = {one["name"]: one for one in server.client().ok("GET", "/api/v1/auth/providers")["providers"]}
    assert set(SECTIONS) <= set(told)
    assert told["acme"]["label"] == {"zh": "顶点", "en": "Acme"}
    assert (told["google"]["label"]["en"], told["hub"]["label"]["en"]) == ("Google", "GitHub")
    for name in SECTIONS:
        assert told[name]["kind"] == "oauth2" and all(told[name]["label"].values())
        able = {what for what, is_there in told[name]["capabilities"].items() if is_there}
        assert able == {"begin", "bind", "callback"}


@each_preset
def test_who_says_no_comes_back_with_an_error(server, sites, section):
    site, asked = sites.of(section), sites.of(section).n_asked(token_path(sites.of(section)))
    trip = Trip(server, section, redirect_uri="/account", state="s")
    where, behind = trip.land(site.deny(trip.url))
    assert where == PUBLIC + "/account" and behind == {**DENIED, "state": "s"}
    assert trip.state() == "failed" and trip.verify().status_code == 401
    assert site.n_asked(token_path(site)) == asked


def test_an_error_comes_before_a_code(server, sites):
    trip = Trip(server, "acme")
    url = sites.acme.allow(trip.url, person_of("acme")) + "&error=invalid_scope"
    assert trip.land(url)[1] == DENIED
    assert trip.verify().status_code == 401


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_a_site_that_is_out_of_order_denies_nothing(server, sites, error):
    trip, site = Trip(server, "acme"), sites.acme
    asked = site.n_asked(token_path(site))
    answer, _ = trip.land(site.allow(trip.url, person_of("acme")) + "&error=" + error)
    assert answer.status_code == 503 and site.n_asked(token_path(site)) == asked
    sign_in_by(server, sites, "acme")


def test_what_is_case_sensitive_stays_so(server, sites):
    """Subjects are opaque: one letter's case makes another person."""
    lower, upper = person_of("acme"), person_of("acme")
    upper.claims["sub"] = lower.claims["sub"].swapcase()
    first, second = (user_id(sign_in_by(server, sites, "acme", one)) for one in (lower, upper))
    assert first != second
    assert user_id(sign_in_by(server, sites, "acme", lower)) == first


def test_the_same_subject_elsewhere_is_somebody_else(server, sites):
    here, there = person_of("acme"), person_of("partner")
    there.claims.update(sub=here.subject)
    assert user_id(sign_in_by(server, sites, "acme", here)) != user_id(sign_in_by(server, sites, "partner", there))


# ---- Google ----

def test_google_may_leave_out_the_scheme(server, sites):
    person = person_of("google")

    def change(claims):
        return {**claims, "iss": google.OLD_ISSUER}

    with sites.google.spoiling("id_token", change):
        first = user_id(sign_in_by(server, sites, "google", person))
        trip = Trip(server, "office")
        assert "grant" in trip.go(sites.google, google.Person(domain="example.com"))
    assert user_id(sign_in_by(server, sites, "google", person)) == first
    with sites.acme.spoiling("id_token", change):
        assert Trip(server, "acme").go(sites.acme, person_of("acme")) == DENIED


@pytest.mark.parametrize("domain, comes_in", [("example.com", True), ("example.com.evil.example", False),
                                              ("EXAMPLE.ORG", False), (None, False)])
def test_an_organisation_keeps_others_out(server, sites, domain, comes_in):
    trip = Trip(server, "office")
    assert trip.asked["hd"] == "example.com", "a hint"
    behind = trip.go(sites.google, google.Person(domain=domain))
    assert ("grant" in behind) == comes_in, behind
    sign_in_by(server, sites, "google", google.Person(domain=domain))


# ---- GitHub ----

def test_a_github_account_is_its_number(server, sites):
    person = person_of("github")
    first = user_id(sign_in_by(server, sites, "github", person))
    heir = github.Person(login=person.user["login"])
    person.user.update(login="renamed", name=None, email=person.address("public"))
    assert user_id(sign_in_by(server, sites, "github", person)) == first
    assert user_id(sign_in_by(server, sites, "github", heir)) != first


def test_another_github_has_other_people(server, sites):
    """Both number theirs from one."""
    here, there = person_of("github"), person_of("enterprise")
    there.id = there.user["id"] = here.id
    first, second = (user_id(sign_in_by(server, sites, name, one)) for name, one in
                     (("github", here), ("enterprise", there)))
    assert first != second
    assert user_id(sign_in_by(server, sites, "hub", here)) == first


@pytest.mark.parametrize("number", [None, "", "17", 0, -1, 1.5, [], {}, True, 2 ** 63])
def test_a_github_account_without_a_number_is_none(server, sites, number):
    person = person_of("github")
    trip = Trip(server, "github")
    with sites.github.spoiling(github.USER, lambda user: {**user, "id": number}):
        answer, behind = trip.land(sites.github.allow(trip.url, person))
    assert behind == DENIED or answer.status_code == 503, behind
    assert "access_token" not in trip.verify().text
    sign_in_by(server, sites, "github", person)


def test_a_mail_that_github_may_not_tell_is_no_obstacle(server, sites):
    sites.github.refuses_scopes = {"user:email"}
    try:
        for section in ("github", "hub"):
            sign_in_by(server, sites, section)
    finally:
        sites.github.refuses_scopes = set()


# ---- A05 ----

@each_preset
def test_one_code_and_state_have_one_winner(server, sites, section):
    say(f"browsers with one code and state of {section}")
    site = sites.of(section)
    for i in range(ROUNDS):
        trip, asked = Trip(server, section), site.n_asked(token_path(site))
        path = site.allow(trip.url, person_of(section)).removeprefix(PUBLIC)
        seen = release(server.urls, [Shot("GET", path, None)] * N_PARALLEL)
        landed = [reply for reply in seen if reply.status == 303]
        assert len(landed) == 1 and {reply.status for reply in seen} == {303, 410}, f"round {i}: {tally(seen)}"
        assert site.n_asked(token_path(site)) == asked + 1, f"round {i}"
        assert trip.land(path)[0].status_code == 410, "a replay"
        assert trip.land(path, server.client())[0].status_code == 410, "a replay from elsewhere"
        grant = landed[0].headers["location"].partition("#grant=")[2].partition("&")[0]
        trip.signed_in({"grant": grant})


def test_one_grant_has_one_session(server, sites):
    say("verifies of one grant")
    for i in range(ROUNDS):
        person, trip = person_of("acme"), Trip(server, "acme")
        body = {"flow_id": trip.flow_id, **trip.go(sites.acme, person)}
        seen = release(server.urls, [Shot("POST", "/api/v1/auth/acme/verify", body)] * N_PARALLEL)
        assert tally(seen)[(200, None)] == 1, f"round {i}: {tally(seen)}"
        assert {reply.status for reply in seen} <= {200, 409, 410, 429}, f"round {i}: {tally(seen)}"
        (owner,) = owners(server, person)
        assert rows(server, "SELECT COUNT(*) FROM user_sessions WHERE subject_id = ?", owner)[0][0] == 1


@each_preset
def test_a_code_of_somebody_else_is_denied(server, sites, section):
    """Used, of another client, made up: the site says so, and that is a denial."""
    site, other = sites.of(section), {"acme": "posting", "google": "office", "github": "hub"}[section]
    used = Trip(server, section)
    back = site.allow(used.url, person_of(section))
    used.signed_in(used.land(back)[1])
    foreign = site.allow(Trip(server, other).url, person_of(section))
    for url in (back, foreign, "?code=nonsense"):
        trip = Trip(server, section)
        code = url.partition("code=")[2].partition("&")[0]
        path = f"{CALLBACK.format(section)}?code={code}&state={trip.asked['state']}"
        assert trip.land(path)[1] == DENIED, path
        assert trip.verify().status_code == 401


# ---- Binding: A07, A62 ----

@each_preset
def test_bind_and_unbind(server, sites, section):
    who, person = sign_in(server), person_of(section)
    answer = bind_by(server, sites, section, who, person)
    assert answer.status_code == 200, answer.text
    assert namespaces(who) == ["phone", sites.namespace(section)] and owners(server, person) == [user_id(who)]
    assert user_id(sign_in_by(server, sites, section, person)) == user_id(who)
    who.ok("DELETE", UNBIND.format(section))
    assert namespaces(who) == ["phone"] and owners(server, person) == []
    who.refused(404, "not_found", "DELETE", UNBIND.format(section))
    assert sign_in_by(server, sites, section, person).tokens["is_new_user"] is True


@each_preset
def test_one_account_of_a_site_is_bound_at_a_time(server, sites, section):
    who, first, second = sign_in(server), person_of(section), person_of(section)
    for _ in range(2):
        assert bind_by(server, sites, section, who, first).status_code == 200
    assert bind_by(server, sites, section, who, second).status_code == 409
    assert owners(server, second) == [] and owners(server, first) == [user_id(who)]
    who.ok("DELETE", UNBIND.format(section))
    assert bind_by(server, sites, section, who, second).status_code == 200


@each_preset
def test_an_account_of_somebody_else_is_refused(server, sites, section):
    person, who = person_of(section), sign_in(server)
    first = user_id(sign_in_by(server, sites, section, person))
    answer = bind_by(server, sites, section, who, person)
    assert (answer.status_code, answer.json()["error"]) == (409, "identity_taken"), answer.text
    assert namespaces(who) == ["phone"] and owners(server, person) == [first]


def test_what_was_proved_is_bound_and_nothing_else(server, sites):
    """A07: begun with one account of the site, finished with another's grant."""
    who, first, second = sign_in(server), person_of("acme"), person_of("acme")
    one, two = (Trip(server, "acme", who, purpose="bind") for _ in range(2))
    grant_one, grant_two = one.go(sites.acme, first)["grant"], two.go(sites.acme, second)["grant"]
    assert one.bind(grant=grant_two).status_code == 401
    assert one.bind(grant="").status_code == 401 and one.bind().status_code == 401
    assert owners(server, first) == owners(server, second) == []
    assert one.bind(grant=grant_one).status_code == 200
    assert (owners(server, first), owners(server, second)) == ([user_id(who)], [])


def test_a_proof_of_one_session_binds_in_no_other(server, sites):
    """A07"""
    person, owner = person_of("acme"), person_of("github")
    who, same = (sign_in_by(server, sites, "github", owner) for _ in range(2))
    thief = sign_in(server)
    trip = Trip(server, "acme", who, purpose="bind")
    grant = trip.go(sites.acme, person)["grant"]
    for other in (same, thief):
        assert trip.bind(other, grant=grant).status_code == 410
    assert trip.bind(server.client(), grant=grant).status_code == 401
    assert trip.verify(server.client(), grant=grant).status_code in (401, 410)
    assert owners(server, person) == []
    assert trip.bind(grant=grant).status_code == 200 and owners(server, person) == [user_id(who)]


def test_a_sign_in_binds_nothing(server, sites):
    who, person = sign_in(server), person_of("acme")
    trip = Trip(server, "acme")
    grant = trip.go(sites.acme, person)["grant"]
    assert trip.bind(who, grant=grant).status_code == 410
    assert namespaces(who) == ["phone"] and owners(server, person) == []
    trip.signed_in({"grant": grant})


def test_the_last_way_in_stays(server, sites):
    """A62"""
    who = sign_in_by(server, sites, "google")
    who.refused(409, "last_login_method", "DELETE", UNBIND.format("google"))
    assert bind_by(server, sites, "github", who).status_code == 200
    who.ok("DELETE", UNBIND.format("google"))
    who.refused(409, "last_login_method", "DELETE", UNBIND.format("github"))


def test_parallel_unbinds_leave_a_way_in(server, sites):
    """A62"""
    say("unbinds of Google and GitHub")
    for i in range(ROUNDS):
        people = {name: person_of(name) for name in ("google", "github")}
        who = sign_in_by(server, sites, "google", people["google"])
        assert bind_by(server, sites, "github", who, people["github"]).status_code == 200
        shots = [Shot("DELETE", UNBIND.format(name), {}, who.tokens["access_token"]) for name in people]
        seen = tally(release(server.urls, (shots * N_PARALLEL)[:N_PARALLEL]))
        assert seen[(200, None)] == 1, f"round {i}: {seen}"
        assert set(seen) <= {(200, None), (404, "not_found"), (409, "last_login_method")}, f"round {i}: {seen}"
        (left,) = [name for name in people if sites.namespace(name) in namespaces(who)]
        assert user_id(sign_in_by(server, sites, left, people[left])) == user_id(who), f"round {i}"


def test_parallel_binds_add_one_account_of_a_site(server, sites):
    """By one client of an issuer or by two: a second subject could not be told from the first by its mask."""
    sections = ["acme", "posting"] * 4
    say("binds of accounts of one site", len(sections))
    for i in range(ROUNDS):
        who, shots = sign_in(server), []
        for section in sections:
            trip = Trip(server, section, who, purpose="bind")
            body = {"flow_id": trip.flow_id, **trip.go(sites.of(section), person_of(section), server.client())}
            shots.append(Shot("POST", path_of(section, "bind"), body, who.tokens["access_token"]))
        seen = tally(release(server.urls, shots))
        assert seen[(200, None)] == 1 and {status for status, _ in seen} <= {200, 409, 503}, f"round {i}: {seen}"
        assert len(namespaces(who)) == 2, f"round {i}: {seen}"


@pytest.mark.one_host(reason="its configuration is changed")
@pytest.mark.parametrize("left, leaves", [("posting", True), ("partner", False)])
def test_a_section_that_is_gone_is_no_way_in(make_server, sites, left, leaves):
    """A62: another client of the same issuer has the same people, another issuer has not."""
    server, person = make_server(*OPTIONS, conf=sites.conf("acme")), person_of("acme")
    who = sign_in(server)
    assert bind_by(server, sites, "acme", who, person).status_code == 200
    server.stop()
    for name, text in sites.conf(left).items():
        server.write_conf(name, text)
    server.start()
    who = server.client().use(who.tokens["access_token"])
    if leaves:
        who.ok("DELETE", UNBIND.format("phone_sms"))
        assert sign_in_by(server, sites, left, person).tokens["is_new_user"] is False
    else:
        who.refused(409, "last_login_method", "DELETE", UNBIND.format("phone_sms"))


def test_another_purpose_is_refused(server, sites):
    """A36: what leads to an account is exchanged by no trip, and sets no password."""
    who = sign_in(server)
    for purpose in ("change", "reset", "nonsense"):
        answer = who.post("/api/v1/auth/acme/begin", {"purpose": purpose})
        assert answer.status_code in (403, 422), answer.text
    assert "purpose" in fields_of(who.post("/api/v1/auth/acme/begin", {"purpose": "nonsense"}))
