# SPDX-License-Identifier: Apache-2.0
"""Signing keys: other libraries verify by them, and they change with an overlap."""
import glob
import json
import os
import shutil
import subprocess

import jwt
import pytest
import requests

from forge import es256, hs256, new_key, own_key, parts
from harness import sign_in, wait_for
from workers import CHECK, Everywhere, accepted, clock_at

ISSUER = "http://auth.test"
AUDIENCE = "pintle"
JWKS = "/.well-known/jwks.json"
METADATA = "/.well-known/oauth-authorization-server"
LEAD_S = 3600
SECRET = "0123456789abcdef0123456789abcdef"
NEXT_SECRET = "fedcba9876543210fedcba9876543210"

# Both print the claims of the token that verifies, and fail for any other.
WITH_JOSE = """
import { createRemoteJWKSet, jwtVerify } from 'jose'
const [url, token, issuer, audience] = process.argv.slice(2)
const keys = createRemoteJWKSet(new URL(url))
const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'] })
console.log(JSON.stringify(payload))
"""
WITH_CRYPTO = """
import { createPublicKey, verify } from 'node:crypto'
const [url, token] = process.argv.slice(2)
const { keys } = await (await fetch(url)).json()
const [header, payload, signature] = token.split('.')
const read = (text) => JSON.parse(Buffer.from(text, 'base64url'))
const jwk = keys.find((key) => key.kid === read(header).kid)
const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }
if (!verify('sha256', `${header}.${payload}`, key, Buffer.from(signature, 'base64url')))
  throw new Error('signature')
console.log(JSON.stringify(read(payload)))
"""


def jwks(server):
    answer = requests.get(server.url + JWKS, timeout=10)
    assert answer.status_code == 200 and "max-age" in answer.headers["Cache-Control"]
    return answer.json()["keys"]


def kids(server):
    return [key["kid"] for key in jwks(server)]


def kid_of(token):
    return parts(token)[0]["kid"]


def verified_by_pyjwt(server, token):
    key = jwt.PyJWKClient(server.url + JWKS).get_signing_key_from_jwt(token)
    return jwt.decode(token, key.key, algorithms=["ES256"], issuer=ISSUER, audience=AUDIENCE,
                      options={"verify_iat": False})  # of the server's clock, which tests move


# ---- Other libraries ----

@pytest.fixture(name="node", scope="module")
def node_fixture(tmp_path_factory):
    """Runs a verifier in node: jose when npm can install it now, else node's own crypto."""
    folder = tmp_path_factory.mktemp("node")
    assert shutil.which("node"), "nodejs is one of the packages of the tests"
    try:
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "jose@5"],
                       cwd=folder, timeout=30, check=True, capture_output=True)
        script = WITH_JOSE
    except (OSError, subprocess.SubprocessError):
        script = WITH_CRYPTO
    print("verified with", "jose" if script is WITH_JOSE else "node's crypto: no jose from npm")
    path = folder / "verify.mjs"
    path.write_text(script)

    def verify(server, token):
        return subprocess.run(["node", str(path), server.url + JWKS, token, ISSUER, AUDIENCE],
                              capture_output=True, text=True, timeout=30, check=False)

    return verify


def test_javascript_verifies_our_tokens(make_server, node):
    server = make_server(f"token.issuer={ISSUER}")
    token = sign_in(server).tokens["access_token"]
    done = node(server, token)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == parts(token)[1]
    header, claims = parts(token)
    assert node(server, es256(new_key(), header, claims)).returncode != 0


def test_pyjwt_verifies_our_tokens(make_server):
    server = make_server(f"token.issuer={ISSUER}")
    who = sign_in(server)
    token = who.tokens["access_token"]
    claims = verified_by_pyjwt(server, token)
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "jti", "sid", "typ"}
    assert (claims["sub"], claims["sid"], claims["typ"]) == (
        who.tokens["user"]["uuid"], who.tokens["session_id"], "access")
    with pytest.raises(jwt.InvalidSignatureError):
        verified_by_pyjwt(server, es256(new_key(), *parts(token)))


def test_the_key_set_holds_nothing_private(make_server):
    server = make_server()
    [key] = jwks(server)
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    for name in os.listdir(f"{server.state}/keys"):
        assert os.stat(f"{server.state}/keys/{name}").st_mode & 0o777 == 0o600, name


# ---- HS256 ----

def test_a_secret_signs_with_hs256(make_server):
    server = make_server(f"token.jwt_secret={SECRET}", f"token.issuer={ISSUER}")
    token = sign_in(server).tokens["access_token"]
    header, claims = parts(token)
    assert header["alg"] == "HS256"
    assert jwt.decode(token, SECRET, algorithms=["HS256"], audience=AUDIENCE) == claims
    assert jwks(server) == [], "a secret is not published"
    assert accepted(server, hs256(SECRET.encode(), header, claims)), "the twin of the next"
    for name, bad in (("another secret", hs256(NEXT_SECRET.encode(), header, claims)),
                      ("no secret", hs256(b"", header, claims)),
                      ("the kid", hs256(header["kid"].encode(), header, claims)),
                      ("ES256", es256(new_key(), {**header, "alg": "ES256"}, claims)),
                      ("HS512", hs256(SECRET.encode(), {**header, "alg": "HS512"}, claims)),
                      ("no kid", hs256(SECRET.encode(), {"alg": "HS256", "typ": "JWT"}, claims))):
        assert not accepted(server, bad), name
    refused = server.ctl("key", "rotate", check=False)
    assert refused.returncode != 0 and SECRET not in refused.stderr + refused.stdout


def test_the_secret_before_this_one_still_verifies(make_server):
    server = make_server(f"token.jwt_secret={SECRET}", f"token.issuer={ISSUER}", workers=2)
    old = sign_in(server).tokens
    server.stop()
    server.options[-2] = f"token.jwt_secret={NEXT_SECRET}"
    server.options.append(f"token.jwt_secret_previous={SECRET}")
    server.start()
    assert accepted(server, old["access_token"])
    new = sign_in(server).tokens["access_token"]
    assert jwt.decode(new, NEXT_SECRET, algorithms=["HS256"], audience=AUDIENCE)
    assert kid_of(new) != kid_of(old["access_token"])
    server.stop()
    server.options.pop()
    server.start()
    assert not accepted(server, old["access_token"])
    assert accepted(server, new)
    renewed = server.client().ok("POST", "/api/v1/auth/refresh",
                                 {"refresh_token": old["refresh_token"]})
    assert accepted(server, renewed["access_token"]), "a refresh token has a key of its own"


# ---- Rotation ----

def rotate(server):
    """The new kid, once every worker publishes it."""
    kid = server.ctl("key", "rotate")["kid"]

    def is_everywhere():
        try:
            answers = Everywhere(server).ask("GET", JWKS)
        except AssertionError:  # one that leaves was among them
            return False
        return all(kid in [key["kid"] for key in answer.json()["keys"]] for answer in answers)

    wait_for(is_everywhere, "the new key at every worker")
    return kid


@pytest.mark.parametrize("workers", [1, 2])
def test_keys_rotate_with_an_overlap(make_server, workers):
    server = make_server(f"token.issuer={ISSUER}", workers=workers)
    before = sign_in(server).tokens["access_token"]
    old = kid_of(before)
    new = rotate(server)
    assert sorted(kids(server)) == sorted([old, new])
    during = sign_in(server).tokens["access_token"]
    assert kid_of(during) == old, "published first, used later"
    with clock_at(server, LEAD_S - 30):
        assert kid_of(sign_in(server).tokens["access_token"]) == old
    with clock_at(server, LEAD_S + 1):
        after = sign_in(server).tokens["access_token"]
        assert kid_of(after) == new
        for token in (before, during, after):
            assert accepted(server, token)
            assert verified_by_pyjwt(server, token)
    header, claims = parts(before)
    with clock_at(server, LEAD_S + 86400 + 120):
        late = {**claims, "exp": claims["exp"] + 2 * LEAD_S}
        assert not accepted(server, es256(own_key(server, old), header, late)), "its time is over"
        assert accepted(server, es256(own_key(server, new), {**header, "kid": new}, late))
        newest = rotate(server)
        assert sorted(kids(server)) == sorted([new, newest])
        assert len(glob.glob(f"{server.state}/keys/*.pem")) == 2, "what is over was removed"


# ---- RFC 8414 ----

def test_the_metadata_lead_to_what_they_name(make_server):
    server = make_server(f"token.issuer={ISSUER}", "token.clients=svc:a-secret-of-a-service")
    answer = requests.get(server.url + METADATA, timeout=10)
    shown = answer.json()
    assert answer.status_code == 200 and "success" not in shown
    token = sign_in(server).tokens["access_token"]
    assert shown["issuer"] == ISSUER == parts(token)[1]["iss"]
    ways = {"jwks_uri": ("GET", 200), "introspection_endpoint": ("POST", 401),
            "revocation_endpoint": ("POST", 401)}
    for name, (method, status) in ways.items():
        assert shown[name].startswith(ISSUER + "/"), shown[name]
        url = server.url + shown[name][len(ISSUER):]
        assert requests.request(method, url, data=None if method == "GET" else {"token": token},
                                timeout=10).status_code == status, name
    for name in ("introspection", "revocation"):
        assert shown[f"{name}_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert shown["response_types_supported"] == [] and shown["grant_types_supported"] == []
    assert requests.get(server.url + CHECK, timeout=10).status_code == 401


def test_the_metadata_follow_the_public_url(make_server):
    server = make_server("server.public_url=https://auth.example.com")
    shown = requests.get(server.url + METADATA, timeout=10,
                         headers={"Host": "evil.example"}).json()
    assert shown["issuer"] == "https://auth.example.com"
    assert all(value.startswith("https://auth.example.com") for name, value in shown.items()
               if name == "issuer" or name.endswith(("_uri", "_endpoint")))
