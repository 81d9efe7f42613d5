# SPDX-License-Identifier: Apache-2.0
"""What an id_token must be (OpenID Connect Core 3.1.3.7, A08): one thing wrong, and nobody is signed in."""
import threading
import time

import pytest

from fakes.oidc import Key
from forge import b64, hs256, part, public_pem, signed, unb64
from harness import wait_for
from oauth2_server import person_of, server, sign_in_by, sites
from steps import user_id
from trips import DENIED, OPTIONS, Trip

pytestmark = pytest.mark.core

SKEW_S = 60


def told(server, sites, change, section="acme", part_of_it="id_token"):
    """What stands behind '#' when the site's answer is changed like that; or the answer itself."""
    trip, site = Trip(server, section), sites.of(section)
    with site.spoiling(part_of_it, change):
        answer, behind = trip.land(site.allow(trip.url, person_of(section)))
    if "grant" in behind:
        trip.signed_in(behind)
    else:
        assert "access_token" not in trip.verify().text
    return behind or answer


def assert_denied(server, sites, change, section="acme"):
    """And who comes after them is not."""
    found = told(server, sites, change, section)
    assert found == DENIED, found if isinstance(found, dict) else f"{found.status_code} {found.text}"


def with_claims(**changes):
    """None takes a claim away; a function is asked now."""
    def change(claims):
        claims = {**claims, **{name: value(claims) if callable(value) else value for name, value in changes.items()}}
        return {name: value for name, value in claims.items() if value is not None}
    return change


def after(seconds):
    return lambda _: int(time.time()) + seconds


# ---- What it says ----

GOOD = {"as it is": {}, "a list of us alone": {"aud": lambda claims: [claims["aud"]]},
        "others beside us": {"aud": lambda claims: ["x", claims["aud"]], "azp": lambda claims: claims["aud"]},
        "azp": {"azp": lambda claims: claims["aud"]}, "just over": {"exp": after(20 - SKEW_S)},
        "a clock before ours": {"iat": after(SKEW_S - 20)}, "longest sub": {"sub": "s" * 255},
        "more": {"at_hash": "x", "auth_time": 0, "amr": ["pwd"], "address": {"a": "b"}}, "nbf": {"nbf": after(0)}}


@pytest.mark.parametrize("what", GOOD)
def test_a_token_that_is_right_signs_in(server, sites, what):
    assert "grant" in told(server, sites, with_claims(**GOOD[what]))


BAD = {
    "iss": [{"iss": value} for value in ("https://evil.example", "", 7, [], None, lambda claims: claims["iss"] + "/",
                                         lambda claims: claims["iss"].upper(), lambda claims: [claims["iss"]],
                                         lambda claims: claims["iss"].partition("://")[2])],
    "aud": [{"aud": value} for value in ("other", "", [], ["other"], 7, {}, None, [7],
                                         lambda claims: claims["aud"] + "x", lambda claims: {claims["aud"]: 1},
                                         lambda claims: [claims["aud"], "other"])],
    "azp": [{"azp": value} for value in ("other", "", 7, [])] + [
        {"aud": lambda claims: [claims["aud"], "other"], "azp": "other"}],
    "nonce": [{"nonce": value} for value in ("other", "", 7, [], None, lambda claims: claims["nonce"][:-1],
                                             lambda claims: claims["nonce"] + "x",
                                             lambda claims: claims["nonce"].swapcase())],
    "exp": [{"exp": value} for value in (after(-SKEW_S - 30), 0, -1, None, "9999999999", [], True)],
    "iat": [{"iat": value} for value in (after(SKEW_S + 120), after(-3600), None, "1", [], -1, 2 ** 62)],
    "sub": [{"sub": value} for value in ("", None, 7, [], {}, ["x"], True, "s" * 256, "a\0b")]}


@pytest.mark.parametrize("claim", BAD)
def test_a_claim_that_is_wrong_signs_nobody_in(server, sites, claim):
    for changes in BAD[claim]:
        found = told(server, sites, with_claims(**changes))
        assert found == DENIED, f"{changes}: {found}"
    sign_in_by(server, sites, "acme")


# ---- Who says it ----

def forged(how, site):
    """A change of the claims into a token that somebody has made who is not the issuer."""
    key, header = site.keys[0], {"alg": site.keys[0].alg, "kid": site.keys[0].kid}
    other, bits = Key(key.alg), key.alg[2:]

    def cut(token, n):
        return token[:-n]

    ways = {
        "no signature": lambda claims: f"{part({**header, 'alg': 'none'})}.{part(claims)}.",
        "None": lambda claims: f"{part({**header, 'alg': 'None'})}.{part(claims)}.",
        "none with a signature": lambda claims: signed(key.private, {**header, "alg": "none"}, claims, bits),
        "the public key as a secret": lambda claims: hs256(public_pem(key.private), {**header, "alg": "HS256"}, claims),
        "the client secret": lambda claims: hs256(b"a secret: of+100% acme", {**header, "alg": "HS256"}, claims),
        "another key": lambda claims: signed(other.private, header, claims, bits),
        "a key of its own": lambda claims: signed(other.private, {**header, "jwk": other.jwk()}, claims, bits),
        "an unknown kid": lambda claims: other.sign(claims),
        "a kid that is none": lambda claims: key.sign(claims, kid=7),
        "another alg": lambda claims: signed(key.private, {**header, "alg": "RS512"}, claims, "512"),
        "a small alg": lambda claims: signed(key.private, {**header, "alg": key.alg.lower()}, claims, bits),
        "what we must understand": lambda claims: key.sign(claims, crit=["x"], x=1),
        "cut": lambda claims: cut(key.sign(claims), 4),
        "no signature left": lambda claims: key.sign(claims).rpartition(".")[0] + ".",
        "two parts": lambda claims: key.sign(claims).rpartition(".")[0],
        "four parts": lambda claims: key.sign(claims) + ".x",
        "other claims": lambda claims: ".".join([key.sign(claims).split(".")[0], part({**claims, "sub": "victim"}),
                                                 key.sign(claims).split(".")[2]]),
        "zeros": lambda claims: key.sign(claims).rpartition(".")[0] + "." + b64(bytes(64)),
        "claims no object": lambda claims: key.sign("[]"),
        "claims no JSON": lambda claims: key.sign("{"),
        "two subjects": lambda claims: key.sign('{"sub":"victim",' + unb64(part(claims)).decode()[1:]),
        "padding": lambda claims: key.sign(claims) + "==",
        "nothing": lambda claims: "",
        "much": lambda claims: key.sign({**claims, "x": "y" * 300000})}
    return ways[how]


FORGED = ["no signature", "None", "none with a signature", "the public key as a secret", "the client secret",
          "another key", "a key of its own", "an unknown kid", "a kid that is none", "another alg", "a small alg",
          "what we must understand", "cut", "no signature left", "two parts", "four parts", "other claims", "zeros",
          "claims no object", "claims no JSON", "two subjects", "padding", "nothing", "much"]


@pytest.mark.parametrize("section", ["acme", "partner"])
@pytest.mark.parametrize("how", FORGED)
def test_a_token_of_somebody_else_signs_nobody_in(server, sites, how, section):
    found = told(server, sites, forged(how, sites.of(section)), section)
    assert found == DENIED or getattr(found, "status_code", 0) == 503, found
    sign_in_by(server, sites, section)


@pytest.mark.parametrize("token", [None, 7, [], {}, "", " ", "a.b.c", "missing"])
def test_an_answer_without_a_token_signs_nobody_in(server, sites, token):
    def change(answer):
        return {**{name: value for name, value in answer.items() if name != "id_token"},
                **({} if token == "missing" else {"id_token": token})}

    found = told(server, sites, change, part_of_it="token")
    assert found == DENIED or getattr(found, "status_code", 0) == 503, found


# ---- Keys ----

@pytest.fixture
def alone(make_server, sites):
    """One worker, which knows no keys yet."""
    server = make_server(*OPTIONS, workers=1, conf=sites.conf("rolling"))
    sites.follow(server)
    sites.rolling.rotate("ES256")
    return server


def told_of_keys(server, sites, change, part_of_it="id_token"):
    return told(server, sites, change, "rolling", part_of_it)


def n_jwks(sites):
    return sites.rolling.n_asked(sites.rolling.at(sites.rolling.jwks))


ONE_HOST = pytest.mark.one_host(reason="what one worker has asked for is counted")


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "ES256", "ES384"])
def test_every_alg_of_the_list_is_taken(alone, sites, alg):
    sites.rolling.rotate(alg)
    sign_in_by(alone, sites, "rolling")
    wrong = {"RS256": "RS384", "RS384": "RS512", "RS512": "RS256", "ES256": "ES384", "ES384": "ES256"}[alg]
    key = sites.rolling.keys[0]
    change = lambda claims: signed(key.private, {"alg": wrong, "kid": key.kid}, claims, wrong[2:])
    assert told_of_keys(alone, sites, change) == DENIED


@ONE_HOST
def test_keys_are_fetched_once(alone, sites):
    n_before = n_jwks(sites)
    for _ in range(5):
        sign_in_by(alone, sites, "rolling")
    assert n_jwks(sites) == n_before + 1
    assert sites.rolling.n_asked(sites.rolling.at(sites.rolling.discovery)) >= 1


@ONE_HOST
def test_keys_may_change_while_people_sign_in(alone, sites):
    """An unknown kid is looked up once; who makes kids up costs the issuer nothing more."""
    sign_in_by(alone, sites, "rolling")
    trip, person = Trip(alone, "rolling"), person_of("rolling")
    back, n_before = sites.rolling.allow(trip.url, person), n_jwks(sites)
    sites.rolling.rotate()
    trip.signed_in(trip.land(back)[1])
    assert n_jwks(sites) == n_before + 1
    for _ in range(5):
        assert told_of_keys(alone, sites, lambda claims: Key("ES256").sign(claims)) == DENIED
    assert n_jwks(sites) == n_before + 1, "at most one in a while"
    sign_in_by(alone, sites, "rolling")


@ONE_HOST
def test_a_key_that_is_no_longer_published_signs_nobody_in(alone, sites):
    old = sites.rolling.keys[0]
    sites.rolling.keys = [Key(), old]
    assert "grant" in told_of_keys(alone, sites, lambda claims: old.sign(claims))
    sites.rolling.keys = [Key()]
    sites.rolling.keys[0].kid = "fresh" + sites.rolling.keys[0].kid
    sign_in_by(alone, sites, "rolling")  # looks the new one up
    assert told_of_keys(alone, sites, lambda claims: old.sign(claims)) == DENIED


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_keys_that_overlap_cost_nobody_a_sign_in(make_server, sites, alg):
    """As Google does it: the new key is published, then signs, then the old one goes; people come all the time."""
    server, site, done, ends = make_server(*OPTIONS, workers=2, conf=sites.conf("rolling")), sites.rolling, [], []
    sites.follow(server)

    def come():
        while not ends:
            done.append(user_id(sign_in_by(server, sites, "rolling")))

    people = [threading.Thread(target=come) for _ in range(3)]
    for one in people:
        one.start()
    old, fresh = site.keys[0], Key(alg)
    try:
        for keys in ([old, fresh], [fresh, old], [fresh]):
            site.keys, wanted = keys, len(done) + 20
            wait_for(lambda wanted=wanted: len(done) > wanted or any(not one.is_alive() for one in people), "people")
            assert all(one.is_alive() for one in people), "somebody was refused"
    finally:
        ends.append(True)
        for one in people:
            one.join(30)
    assert len(set(done)) == len(done)


def test_without_a_kid_there_must_be_one_key_that_fits(alone, sites):
    def nameless(claims):
        key = sites.rolling.keys[0]
        return signed(key.private, {"alg": key.alg}, claims, key.alg[2:])

    sites.rolling.keys = [Key("RS256"), Key("ES256")]
    assert "grant" in told_of_keys(alone, sites, nameless), "the other is of another kind"


def test_without_a_kid_two_keys_are_one_too_many(alone, sites):
    def nameless(claims):
        key = sites.rolling.keys[0]
        return signed(key.private, {"alg": key.alg}, claims, key.alg[2:])

    sites.rolling.keys = [Key("RS256"), Key("RS256")]
    assert told_of_keys(alone, sites, nameless) == DENIED
    sign_in_by(alone, sites, "rolling")


BAD_KEYS = {
    "RS256": {"for encryption": {"use": "enc"}, "of another alg": {"alg": "RS512"}, "of another kind": {"kty": "EC"},
              "symmetric": {"kty": "oct", "k": b64(b"k" * 32)}, "no modulus": {"n": ""}, "short": {"n": "AQAB"},
              "no exponent": {"e": ""}, "exponent one": {"e": "AQ"}, "numbers": {"n": 7, "e": 7},
              "not base64": {"n": "!"}, "kid a number": {"kid": 7}},
    "ES256": {"another curve": {"crv": "P-384"}, "off the curve": {"x": b64(b"x" * 32)}, "nowhere": {"x": "", "y": ""},
              "too long": {"x": b64(b"x" * 33)}, "of another kind": {"kty": "RSA"},
              "not for this": {"key_ops": ["sign"]}}}


@pytest.mark.parametrize("alg, what", [(alg, what) for alg, keys in BAD_KEYS.items() for what in keys])
def test_a_key_that_does_not_fit_is_not_used(alone, sites, alg, what):
    sites.rolling.rotate(alg)
    change = lambda jwks: {"keys": [{**jwk, **BAD_KEYS[alg][what]} for jwk in jwks["keys"]]}
    found = told_of_keys(alone, sites, change, "jwks")
    assert found == DENIED or getattr(found, "status_code", 0) == 503, found


@pytest.mark.parametrize("change", [lambda key: {name: value for name, value in key.items() if name != "alg"},
                                    lambda key: {name: value for name, value in key.items() if name != "use"},
                                    lambda key: {**key, "x5c": ["x"], "x5t": "y", "key_ops": ["verify"]}])
def test_what_a_key_need_not_say(alone, sites, change):
    others = [{"kty": "OKP", "crv": "Ed25519", "x": "x", "kid": "o"}, 7, {}]
    assert "grant" in told_of_keys(alone, sites, lambda jwks: {"keys": [*others, *map(change, jwks["keys"])]}, "jwks")


# ---- Userinfo ----

@pytest.fixture
def lean(sites):
    sites.acme.is_lean = True
    yield sites.acme
    sites.acme.is_lean = False


def test_userinfo_is_asked_for_what_the_token_lacks(server, sites, lean):
    place, person = lean.at(lean.userinfo), person_of("acme", "Ada 客")
    n_before = lean.n_asked(place)
    who = sign_in_by(server, sites, "acme", person)
    assert who.ok("GET", "/api/v1/user/profile")["nickname"] == "Ada 客"
    assert lean.n_asked(place) == n_before + 1
    lean.is_lean = False
    sign_in_by(server, sites, "acme", person)
    assert lean.n_asked(place) == n_before + 1


@pytest.mark.parametrize("sub", ["somebody else", "", "upper"])
def test_userinfo_of_somebody_else_is_not_believed(server, sites, lean, sub):
    def change(answer):
        return {**answer, "sub": answer["sub"].upper() if sub == "upper" else sub}

    found = told(server, sites, change, part_of_it="userinfo")
    assert found == DENIED or getattr(found, "status_code", 0) == 503, found
    sign_in_by(server, sites, "acme")


@pytest.mark.parametrize("sub", [None, 7, "missing"])
def test_userinfo_of_nobody_is_no_profile(server, sites, lean, sub):
    """Nothing it says is taken, and the token is enough."""
    def change(answer):
        return {name: value for name, value in {**answer, "sub": sub}.items() if (name, value) != ("sub", "missing")}

    trip, person = Trip(server, "acme"), person_of("acme", "Ada 客")
    with lean.spoiling("userinfo", change):
        who = trip.signed_in(trip.go(lean, person))
    assert who.ok("GET", "/api/v1/user/profile")["nickname"] != "Ada 客"
