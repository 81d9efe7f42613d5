# SPDX-License-Identifier: Apache-2.0
"""The fakes of issuers take what independent clients (oauthlib, PyJWT) send, and nothing else."""
import base64
import time
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlencode, urlsplit

import jwt
import pytest
import requests
from oauthlib.oauth2 import WebApplicationClient

from fakes import github, google, oidc

ID, SECRET = "pintle: web", "a secret: of+100%/客"
BACK = "https://auth.example.com/api/v1/auth/oidc/callback"


@pytest.fixture(autouse=True)
def plain_loopback(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def closed_at_end(made):
    made.client(ID, SECRET, BACK)
    made.client("another", "another's", BACK)
    yield made
    made.close()


@pytest.fixture(params=["RS256", "RS512", "ES256", "ES384"])
def any_issuer(request):
    yield from closed_at_end(oidc.Issuer(request.param))


@pytest.fixture
def issuer():
    yield from closed_at_end(oidc.Issuer())


@pytest.fixture
def hub():
    yield from closed_at_end(github.GitHub())


def basic(client_id, secret):
    """RFC 6749, 2.3.1"""
    text = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


class Independent:
    """Somebody else's client of an issuer, up to the code."""

    def __init__(self, issuer, person, nonce="n-1"):
        self.issuer, self.client = issuer, WebApplicationClient(ID)
        self.known = requests.get(issuer.issuer + "/.well-known/openid-configuration", timeout=10).json()
        verifier = self.client.create_code_verifier(64)
        url = self.client.prepare_request_uri(
            self.known["authorization_endpoint"], redirect_uri=BACK, scope=["openid", "profile", "email"],
            state="s-1", nonce=nonce, code_challenge=self.client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256")
        issuer.visitor = person
        answer = requests.get(url, allow_redirects=False, timeout=10)
        assert answer.status_code == 302
        self.back = self.client.parse_request_uri_response(answer.headers["Location"], state="s-1")
        self.body = dict(parse_qsl(self.client.prepare_request_body(
            redirect_uri=BACK, code_verifier=verifier, include_client_id=False)))

    def exchange(self, headers=None, **changes):
        body = {name: value for name, value in {**self.body, **changes}.items() if value is not None}
        return requests.post(self.known["token_endpoint"], data=body, timeout=10,
                             headers=basic(ID, SECRET) if headers is None else headers)

    def tokens(self, **kwargs):
        return self.client.parse_request_body_response(self.exchange(**kwargs).text)

    def claims(self, id_token):
        key = jwt.PyJWKClient(self.known["jwks_uri"]).get_signing_key_from_jwt(id_token)
        return jwt.decode(id_token, key.key, self.known["id_token_signing_alg_values_supported"],
                          audience=ID, issuer=self.known["issuer"],
                          options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]})


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    assert answer.headers["Cache-Control"] == "no-store"


# ---- OpenID ----

def test_an_independent_client_signs_in(any_issuer):
    person = oidc.Person("Ada 客")
    visit = Independent(any_issuer, person)
    assert visit.known["issuer"] == any_issuer.issuer == visit.back["iss"]
    tokens = visit.tokens()
    claims = visit.claims(tokens["id_token"])
    assert claims["nonce"] == "n-1" and person.claims.items() <= claims.items()
    told = requests.get(visit.known["userinfo_endpoint"], timeout=10,
                        headers={"Authorization": "Bearer " + tokens["access_token"]}).json()
    assert told == person.claims


def test_a_token_of_another_key_is_none(any_issuer):
    visit = Independent(any_issuer, oidc.Person())
    token = visit.tokens()["id_token"]
    alg = any_issuer.keys[0].alg
    any_issuer.rotate(alg)
    with pytest.raises(jwt.PyJWKClientError):
        visit.claims(token)
    any_issuer.keys[0].kid = jwt.get_unverified_header(token)["kid"]
    with pytest.raises(jwt.InvalidSignatureError):
        visit.claims(token)
    visit.claims(Independent(any_issuer, oidc.Person()).tokens()["id_token"])


def test_a_lean_issuer_tells_the_profile_by_userinfo_alone(issuer):
    issuer.is_lean = True
    visit = Independent(issuer, oidc.Person())
    tokens = visit.tokens()
    assert "email" not in visit.claims(tokens["id_token"])
    headers = {"Authorization": "Bearer " + tokens["access_token"]}
    assert "email" in requests.get(visit.known["userinfo_endpoint"], headers=headers, timeout=10).json()
    answer = requests.get(visit.known["userinfo_endpoint"], headers={"Authorization": "Bearer x"}, timeout=10)
    refused(answer, 401, "invalid_token")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("method, headers, form", [
    ("client_secret_basic", basic(ID, SECRET), {}),
    ("client_secret_post", {}, {"client_id": ID, "client_secret": SECRET})])
def test_a_client_says_who_it_is_in_the_way_agreed_on(issuer, method, headers, form):
    issuer.auth_methods = [method]
    Independent(issuer, oidc.Person()).tokens(headers=headers, **form)
    issuer.auth_methods = ["private_key_jwt"]
    refused(Independent(issuer, oidc.Person()).exchange(headers=headers, **form), 401, "invalid_client")


RAW = {"Authorization": "Basic " + base64.b64encode(f"{ID}:{SECRET}".encode()).decode()}


@pytest.mark.parametrize("headers, form", [
    (basic(ID, "wrong"), {}), (basic("nobody", SECRET), {}), (RAW, {}), ({}, {"client_id": ID}), ({}, {}),
    ({"Authorization": "Basic !"}, {}), ({"Authorization": basic(ID, SECRET)["Authorization"][6:]}, {})])
def test_who_is_not_the_client_gets_nothing(issuer, headers, form):
    refused(Independent(issuer, oidc.Person()).exchange(headers=headers, **form), 401, "invalid_client")


@pytest.mark.parametrize("changes, code", [
    ({"code": "nonsense"}, "invalid_grant"), ({"code_verifier": "x" * 64}, "invalid_grant"),
    ({"code_verifier": None}, "invalid_grant"), ({"redirect_uri": BACK + "/"}, "invalid_grant"),
    ({"redirect_uri": None}, "invalid_grant"), ({"headers": basic("another", "another's")}, "invalid_grant"),
    ({"code": None}, "invalid_request"), ({"client_id": ID, "client_secret": SECRET}, "invalid_request"),
    ({"client_id": "another"}, "invalid_request"), ({"code": ["a", "b"]}, "invalid_request"),
    ({"grant_type": "password"}, "unsupported_grant_type")])
def test_what_does_not_fit_the_code_is_refused(issuer, changes, code):
    visit = Independent(issuer, oidc.Person())
    refused(visit.exchange(**changes), 400, code)
    visit.tokens()


def test_a_code_is_good_once_and_for_ten_minutes(issuer):
    visit = Independent(issuer, oidc.Person())
    headers = {"Authorization": "Bearer " + visit.tokens()["access_token"]}
    place = visit.known["userinfo_endpoint"]
    assert requests.get(place, headers=headers, timeout=10).status_code == 200
    refused(visit.exchange(), 400, "invalid_grant")
    refused(requests.get(place, headers=headers, timeout=10), 401, "invalid_token")
    now = time.time()
    for age_s, is_good in ((590, True), (610, False)):
        issuer.now = time.time
        visit = Independent(issuer, oidc.Person())
        issuer.now = lambda age_s=age_s: now + age_s
        assert (visit.exchange().status_code == 200) == is_good, age_s


PAGE = {"response_type": "code", "client_id": ID, "redirect_uri": BACK, "scope": "openid", "state": "s",
        "code_challenge": "c" * 43, "code_challenge_method": "S256"}


@pytest.mark.parametrize("changes, wanted", [
    ({}, "code"), ({"client_id": "nobody"}, None), ({"redirect_uri": BACK + "/x"}, None),
    ({"response_type": "token"}, "unsupported_response_type"), ({"scope": "email"}, "invalid_scope"),
    ({"code_challenge_method": "plain"}, "invalid_request"), ({"code_challenge": ""}, "invalid_request")])
def test_the_page_checks_what_it_is_asked(issuer, changes, wanted):
    issuer.visitor = oidc.Person()
    answer = requests.get(f"{issuer.issuer}/authorize?{urlencode({**PAGE, **changes})}", timeout=10,
                          allow_redirects=False)
    if not wanted:
        assert answer.status_code == 400 and "Location" not in answer.headers
        return
    told = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert told["state"] == ["s"] and told["iss"] == [issuer.issuer]
    assert "code" in told if wanted == "code" else told["error"] == [wanted]


def test_who_says_no_is_sent_back_so(issuer):
    told = parse_qs(urlsplit(issuer.deny(f"{issuer.issuer}/authorize?{urlencode(PAGE)}")).query)
    assert told == {"error": ["access_denied"], "state": ["s"], "iss": [issuer.issuer]}


def test_google_tells_whose_client_and_organisation(issuer):
    made = google.Google()
    made.client(ID, SECRET, BACK)
    visit = Independent(made, google.Person(domain="example.com"))
    claims = visit.claims(visit.tokens()["id_token"])
    made.close()
    assert (claims["azp"], claims["hd"]) == (ID, "example.com")
    assert claims["sub"].isdigit() and len(claims["sub"]) == 21
    assert "hd" not in google.Person().claims


# ---- GitHub ----

class Visitor:
    """Somebody has agreed on GitHub's page."""

    def __init__(self, hub, person, **more):
        self.hub, client = hub, WebApplicationClient(ID)
        url = client.prepare_request_uri(hub.url + github.AUTHORIZE, redirect_uri=BACK, state="s-2",
                                         scope=["read:user", "user:email"], **more)
        self.back = client.parse_request_uri_response(hub.allow(url, person), state="s-2")

    def exchange(self, accept="application/json", **changes):
        form = {"client_id": ID, "client_secret": SECRET, "code": self.back["code"], "redirect_uri": BACK}
        headers = {"Accept": accept} if accept else {"Accept": "*/*"}
        answer = requests.post(self.hub.url + github.TOKEN, data={**form, **changes}, headers=headers, timeout=10)
        assert answer.status_code == 200, "errors as well"
        return answer

    def api(self, path, **headers):
        token = self.exchange().json()["access_token"]
        headers = {"Authorization": "Bearer " + token, "User-Agent": "pintle", **headers}
        session = requests.Session()
        session.headers.clear()
        return session.get(self.hub.url + path, headers=headers, timeout=10)


def test_github_tells_a_form_unless_json_is_asked_for(hub):
    answer = Visitor(hub, github.Person()).exchange(accept=None)
    assert answer.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(answer.text))["scope"] == "read:user,user:email"
    answer = Visitor(hub, github.Person()).exchange()
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["access_token"].startswith("gho_")


@pytest.mark.parametrize("changes, code", [
    ({"client_id": "nobody"}, "incorrect_client_credentials"),
    ({"client_secret": "wrong"}, "incorrect_client_credentials"), ({"code": "x"}, "bad_verification_code"),
    ({"client_id": "another", "client_secret": "another's"}, "bad_verification_code"),
    ({"redirect_uri": BACK + "2"}, "redirect_uri_mismatch")])
def test_github_refuses_with_status_200(hub, changes, code):
    visitor = Visitor(hub, github.Person())
    assert visitor.exchange(**changes).json()["error"] == code
    assert dict(parse_qsl(visitor.exchange(accept=None, **changes).text))["error"] == code
    assert "access_token" in visitor.exchange().json()
    assert visitor.exchange().json()["error"] == "bad_verification_code", "once"


def test_github_checks_a_challenge_it_was_given(hub):
    client = WebApplicationClient(ID)
    verifier = client.create_code_verifier(50)
    more = {"code_challenge": client.create_code_challenge(verifier, "S256"), "code_challenge_method": "S256"}
    visitor = Visitor(hub, github.Person(), **more)
    for given in ({}, {"code_verifier": "y" * 50}):
        assert visitor.exchange(**given).json()["error"] == "bad_verification_code"
    assert "access_token" in visitor.exchange(code_verifier=verifier).json()


def test_github_tells_of_a_person_to_who_says_who_asks(hub):
    person = github.Person()
    told = Visitor(hub, person).api("/user").json()
    assert told["id"] == person.id > 2 ** 53 and told["email"] is None
    main = [one["email"] for one in Visitor(hub, person).api("/user/emails").json() if one["primary"]]
    assert main == [person.address("main")]
    assert Visitor(hub, person).api("/user", **{"User-Agent": ""}).status_code == 403
    assert Visitor(hub, person).api("/user", Authorization="Bearer x").status_code == 401
    hub.refuses_scopes = {"user:email"}
    assert Visitor(hub, person).api("/user/emails").status_code == 404


def test_github_says_no_and_sends_nobody_elsewhere(hub):
    url = f"{hub.url}{github.AUTHORIZE}?client_id={quote_plus(ID)}&state=s&redirect_uri="
    told = parse_qs(urlsplit(hub.deny(url + quote_plus(BACK))).query)
    assert told["error"] == ["access_denied"] and told["state"] == ["s"] and "code" not in told
    place, _, query = hub.allow(url + "https://evil.example/", github.Person()).partition("?")
    assert place == BACK and parse_qs(query)["error"] == ["redirect_uri_mismatch"]
