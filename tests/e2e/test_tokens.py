# SPDX-License-Identifier: Apache-2.0
"""What is taken for a token, and what is not (A08, A09, A10): the same 401 for everything else."""
import http.server
import json
import time

import pytest
import requests

from forge import b64, es256, hs256, jwk_of, new_key, own_key, part, parts, public_der, public_pem
from harness import Server, sign_in, wait_for
from http_fake import HttpFake
from steps import access_lines
from workers import CHECK, PROFILE

CLIENT = ("svc", "a-secret-of-a-service-0123456789")
FOREVER = 32503680000


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def server(request):
    started = Server(workers=request.param,
                     options=[f"token.clients={':'.join(CLIENT)}"]).start()
    yield started
    started.close()


def introspect(server, text):
    return requests.post(server.url + "/oauth/introspect", data={"token": text}, auth=CLIENT,
                         timeout=30)


def bearer(server, path, text):
    return requests.get(server.url + path, headers={"Authorization": b"Bearer " + text.encode()},
                        timeout=30)


def shape(answer):
    """All of an answer but what differs by nature."""
    headers = {name: value for name, value in answer.headers.items()
               if name not in ("Date", "X-Request-Id")}
    body = answer.content
    if body:
        body = {**answer.json(), "request_id": None}
    return answer.status_code, headers, body


def assert_refused(server, texts):
    """Every text gets the same answers as the plainest nonsense."""
    plain = [shape(bearer(server, path, "nonsense")) for path in (CHECK, PROFILE)]
    assert [one[0] for one in plain] == [401, 401]
    assert plain[0][2] == b"", plain[0]
    for name, text in texts:
        told = [shape(bearer(server, path, text)) for path in (CHECK, PROFILE)]
        assert told == plain, f"{name}: {told}"
        shown = introspect(server, text)
        told = (shown.status_code, shown.json())
        assert told == (200, {"active": False}), f"{name}: {told}"


def assert_accepted(server, text):
    assert [bearer(server, path, text).status_code for path in (CHECK, PROFILE)] == [200, 200]
    assert introspect(server, text).json()["active"] is True


def test_a_token_made_with_the_servers_key_is_taken(server):
    """The twin of all below: the forge itself works."""
    header, claims = parts(sign_in(server).tokens["access_token"])
    assert header["alg"] == "ES256" and set(header) == {"alg", "kid", "typ"}
    assert_accepted(server, es256(own_key(server), header, claims))
    assert_accepted(server, es256(own_key(server), {"alg": "ES256", "kid": header["kid"]}, claims))


def test_no_other_algorithm_is_taken(server):
    """A08"""
    token = sign_in(server).tokens["access_token"]
    other = sign_in(server).tokens["access_token"]
    header, claims = parts(token)
    signature = token.rsplit(".", 1)[1]
    key, pem = own_key(server), public_pem(own_key(server))
    text = token.rsplit(".", 1)[0]
    hs = {**header, "alg": "HS256"}
    texts = [(f"HS256 keyed by {name}", hs256(secret, hs, claims)) for name, secret in (
        ("the PEM", pem), ("the PEM without its newline", pem.rstrip(b"\n")),
        ("the DER", public_der(key)), ("nothing", b""), ("the kid", header["kid"].encode()),
        ("the JWKS", requests.get(server.url + "/.well-known/jwks.json", timeout=10).content))]
    for alg in ("none", "None", "NONE", "nOnE", "", "ES384", "RS256", "es256", "ES256 ", "EdDSA",
                None, ["ES256"], 256, True, {"alg": "ES256"}):
        for end in ("", signature):
            texts.append((f"alg {alg!r} with {end and 'a'} signature",
                          f"{part({**header, 'alg': alg})}.{part(claims)}.{end}"))
        texts.append((f"alg {alg!r} signed as ES256", es256(key, {**header, "alg": alg}, claims)))
    no_alg = {name: header[name] for name in ("kid", "typ")}
    texts += [
        ("no alg", es256(key, no_alg, claims)),
        ("alg twice",
         es256(key, f'{{"alg":"none","alg":"ES256","kid":"{header["kid"]}"}}', claims)),
        ("empty signature", text + "."), ("no signature", text), ("two dots", text + ".."),
        ("four parts", token + "." + signature), ("five parts", f"{token}.{signature}.x"),
        ("signature of another token", f"{text}.{other.rsplit('.', 1)[1]}"),
        ("zero signature", f"{text}.{b64(bytes(64))}"),
        ("DER signature", f"{text}.{b64(bytes(70))}"), ("short signature", token[:-2]),
        ("long signature", token + "AA"), ("signature with a pad", token + "=="),
        ("another spelling of the last letter", token[:-1] + chr(ord(token[-1]) + 1)),
        ("another key", es256(new_key(), header, claims)),
        ("claims of another token", ".".join((text.split(".")[0], other.split(".")[1], signature))),
        ("empty header", f".{part(claims)}.{signature}"), ("nothing but dots", ".."),
        ("header no object", es256(key, '["ES256"]', claims)),
        ("header no JSON", es256(key, "{", claims)),
        ("claims no object", es256(key, header, "7")), ("claims no JSON", es256(key, header, "{")),
        ("line break inside", token[:20] + "%0a" + token[20:]), ("a blank behind", token + " x"),
        ("4,097 bytes", "a" * 4097), ("standard base64", token.replace("-", "+").replace("_", "/")
                                      + "+/"),
    ]
    assert_refused(server, texts)
    assert_accepted(server, token)


def test_a_forged_token_is_one_line_of_the_log(server):
    """A08: who tries is seen, once each, by the name of the error and without the text of the token."""
    token = sign_in(server).tokens["access_token"]
    header, claims = parts(token)
    texts = {"forged": es256(new_key(), header, claims), "garbled": token[:-3] + "AAA", "nonsense": "nonsense"}
    for path in (CHECK, PROFILE):
        ids = {name: bearer(server, path, text).headers["X-Request-Id"] for name, text in texts.items()}
        ids["none"] = requests.get(server.url + path, timeout=30).headers["X-Request-Id"]
        ids["good"] = bearer(server, path, token).headers["X-Request-Id"]
        wait_for(lambda: {line["id"] for line in access_lines(server)} >= set(ids.values()), "all lines")
        told = {name: [(line["status"], line["error"], line["client"]) for line in access_lines(server)
                       if line["id"] == one] for name, one in ids.items()}
        assert told == {**{name: [(401, "invalid_token", "127.0.0.1")] for name in texts},
                        "none": [(401, "unauthorized", "127.0.0.1")], "good": [(200, None, "127.0.0.1")]}
    log = json.dumps(access_lines(server)) + server.log()
    assert not any(text.rsplit(".", 1)[-1] in log for name, text in texts.items() if name != "nonsense")


class Counted(http.server.BaseHTTPRequestHandler):
    hits = 0

    def do_GET(self):
        Counted.hits += 1
        self.send_error(404)

    def log_message(self, *args):
        pass


@pytest.fixture(name="bait")
def bait_fixture():
    """A server that a jku might be fetched from."""
    Counted.hits = 0
    upstream = HttpFake(Counted)
    yield f"{upstream.url}/jwks.json"
    upstream.stop()


def test_no_header_chooses_the_key(server, bait):
    """A09"""
    token = sign_in(server).tokens["access_token"]
    header, claims = parts(token)
    own, mine = own_key(server), new_key()
    kids = ["../../x", "/etc/passwd", "/dev/null", "x" * 10000, "x" * 2000, "' OR 1=1 --", "", " ",
            header["kid"] + "\u0000", header["kid"] + " ", header["kid"][:-1],
            header["kid"].swapcase(), "*", "%s%s%s", 7, None, [header["kid"]], {"kid": 1}, True]
    texts = [(f"kid {str(kid)[:20]!r}", es256(own, {**header, "kid": kid}, claims)) for kid in kids]
    extra = [("jwk", jwk_of(mine)), ("jwk", jwk_of(own)), ("jku", bait), ("x5u", bait),
             ("x5c", ["AAAA"]), ("x5t", "AAAA"), ("crit", ["exp"]), ("crit", ["b64"]),
             ("b64", False), ("zip", "DEF"), ("cty", "JWT"), ("iss", "x"), ("nonce", "x")]
    for name, value in extra:
        for key in (own, mine):
            texts.append((f"{name} {'own' if key is own else 'foreign'} key",
                          es256(key, {**header, name: value}, claims)))
    texts.append(("no kid", es256(own, {"alg": "ES256", "typ": "JWT"}, claims)))
    texts += [(f"typ {typ!r}", es256(own, {**header, "typ": typ}, claims))
              for typ in ("at+jwt", "jwt", "JOSE", 1, ["JWT"])]
    assert_refused(server, texts)
    assert Counted.hits == 0
    assert requests.get(bait, timeout=10).status_code == 404 and Counted.hits == 1
    assert_accepted(server, token)


def test_every_claim_counts(server):
    who, other = sign_in(server), sign_in(server)
    header, claims = parts(who.tokens["access_token"])
    _, foreign = parts(other.tokens["access_token"])
    key, now = own_key(server), int(time.time())
    wrong = [("iss", "http://evil.example"), ("iss", claims["iss"] + "/"), ("iss", [claims["iss"]]),
             ("aud", "other"), ("aud", ["pintle"]), ("aud", None), ("exp", now - 1), ("exp", 0),
             ("exp", -1), ("exp", str(FOREVER)), ("exp", float(FOREVER)), ("exp", None),
             ("exp", True), ("iat", now + 3600), ("iat", str(now)), ("sid", ""), ("sid", 7),
             ("sid", "AAAAAAAAAAAAAAAAAAAAAA"), ("sid", "x" * 64), ("sid", "../x"),
             ("sid", claims["sid"] + "\u0000"), ("sid", foreign["sid"]), ("sub", foreign["sub"]),
             ("sub", ""), ("sub", claims["sub"].upper()), ("sub", None), ("jti", ""), ("jti", 1)]
    texts = [(f"{name} {str(value)[:30]!r}", es256(key, header, {**claims, name: value}))
             for name, value in wrong]
    texts += [(f"no {name}", es256(key, header, {k: v for k, v in claims.items() if k != name}))
              for name in claims]
    texts.append(("exp twice", es256(key, header, part_with_two_ends(claims))))
    assert_refused(server, texts)
    assert_accepted(server, es256(key, header, {**claims, "exp": now + 60, "iat": now + 30}))
    assert_accepted(server, es256(key, header, {**claims, "nickname": "claims we do not know"}))


def part_with_two_ends(claims):
    members = ",".join(f'"{name}":"{value}"' for name, value in claims.items()
                       if name not in ("exp", "iat"))
    return f'{{{members},"iat":{claims["iat"]},"exp":{claims["iat"]},"exp":{FOREVER}}}'


def test_only_the_right_kind_of_token_works(server):
    """A10"""
    who = sign_in(server)
    client = server.client()
    header, claims = parts(who.tokens["access_token"])
    key = own_key(server)
    flow = client.ok("POST", "/api/v1/auth/send-sms-code", {"phone": "+8613900001111"})["flow_id"]
    kinds = [(f"typ {typ!r}", es256(key, header, {**claims, "typ": typ}))
             for typ in ("mfa", "refresh", "reset", "qr", "ws", "email", "admin", "Access", "",
                         None, 1, ["access"])]
    kinds += [("refresh token", who.tokens["refresh_token"]), ("flow id", flow),
              ("session id", who.tokens["session_id"]), ("uuid", who.tokens["user"]["uuid"])]
    plain = [shape(bearer(server, path, "nonsense")) for path in (CHECK, PROFILE)]
    for name, text in kinds:
        told = [shape(bearer(server, path, text)) for path in (CHECK, PROFILE)]
        assert told == plain, f"{name}: {told}"
        answer = client.post("/api/v1/auth/refresh", {"refresh_token": text})
        wanted = 200 if name == "refresh token" else 401
        assert answer.status_code == wanted, f"{name}: {answer.text}"
        assert client.get(f"/api/v1/auth/flows/{text or 'x'}").status_code == (
            200 if name == "flow id" else 410), name
    assert client.post("/api/v1/auth/refresh",
                       {"refresh_token": who.tokens["access_token"]}).status_code == 401
    assert_accepted(server, who.tokens["access_token"])


def test_a_token_travels_in_one_header_only(server):
    token = sign_in(server).tokens["access_token"]
    for headers in ({"Authorization": token}, {"Authorization": f"Basic {token}"},
                    {"Authorization": "Bearer"}, {"Authorization": f"Bearer  {token}"},
                    {"Authorization": f"Bearer {token}, Bearer {token}"},
                    {"X-Authorization": f"Bearer {token}"}, {"Cookie": f"access_token={token}"}):
        told = [requests.get(server.url + path, headers=headers, timeout=10,
                             params={"access_token": token, "token": token}).status_code
                for path in (CHECK, PROFILE)]
        assert told == [401, 401], f"{str(headers)[:60]}: {told}"
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = requests.get(server.url + PROFILE, headers={"Authorization": f"{scheme} {token}"},
                              timeout=10)
        assert answer.status_code == 200, scheme
