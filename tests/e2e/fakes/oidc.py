# SPDX-License-Identifier: Apache-2.0
"""An OpenID issuer, by its documents (OpenID Connect Core and Discovery, RFC 6749, 7636, 9207): it checks what
a client must do, and tells of the person who sits before the browser."""
import base64
import hashlib
import secrets
import time
from types import SimpleNamespace
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fakes.upstream import Answer, Upstream, text_of
from fakes.vendor import Refused
from forge import b64, jwk_of, signed

CODE_S, TOKEN_S = 600, 3600
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}
PRIVATE, PUBLIC = {"Cache-Control": "no-store"}, {"Cache-Control": "public, max-age=3600"}


class Key:
    """One that an issuer signs with."""

    def __init__(self, alg="RS256"):
        self.alg, self.kid = alg, secrets.token_hex(8)
        self.private = (ec.generate_private_key(CURVES[alg]()) if alg in CURVES
                        else rsa.generate_private_key(65537, 2048))

    def jwk(self):
        return {**jwk_of(self.private), "kid": self.kid, "use": "sig", "alg": self.alg}

    def sign(self, claims, **header):
        return signed(self.private, {"alg": self.alg, "typ": "JWT", "kid": self.kid, **header}, claims,
                      self.alg[2:])


class Person:
    """Somebody with an account there; claims is what is told of them."""

    def __init__(self, name="Ada", **claims):
        self.mark = secrets.token_hex(6)
        self.claims = {"sub": f"Sub|{self.mark}", "name": name, "picture": f"https://example.org/{self.mark}.png",
                       "email": f"{self.mark}@example.org", "email_verified": True, **claims}

    @property
    def subject(self):
        return self.claims["sub"]


def error(status, code, **headers):
    return Refused(status, Answer(status, text_of({"error": code, "error_description": "no"}),
                                  {**PRIVATE, **headers}))


def challenge_of(verifier):
    return b64(hashlib.sha256(verifier.encode()).digest())


def only_once(pairs):
    """RFC 6749, 3.1 and 3.2: a parameter comes once."""
    if pairs is None or len(dict(pairs)) != len(pairs):
        raise error(400, "invalid_request")
    return dict(pairs)


class Issuer(Upstream):
    """Parts to spoil: the discovery document, the jwks, the claims of an id_token (or a change makes a token of
    them), the token answer, the userinfo."""

    base, authorize, token, userinfo, jwks = "/realm", "/authorize", "/token", "/userinfo", "/jwks"
    discovery = "/.well-known/openid-configuration"
    says_issuer = True  # who comes back brings iss (RFC 9207)
    profile = ("name", "picture", "email", "email_verified")

    def __init__(self, alg="RS256"):
        self.keys, self.clients, self.codes, self.tokens = [Key(alg)], {}, {}, {}
        self.auth_methods = ["client_secret_basic", "client_secret_post", "none"]
        self.is_lean = False  # as Core 5.4 has it: the profile is told by userinfo alone
        self.visitor, self.now = None, time.time
        super().__init__()
        self.issuer = self.url + self.base

    def client(self, client_id, secret, redirect_uri):
        self.clients[client_id] = SimpleNamespace(id=client_id, secret=secret, redirect_uri=redirect_uri)

    def rotate(self, alg="RS256"):
        """A new key signs from now on, and the old one is no longer published."""
        self.keys = [Key(alg)]

    def at(self, path):
        """Where that is on this server, for odd and n_asked."""
        return self.base + path

    # ---- HTTP ----

    def answer(self, ask):
        known = {("GET", self.discovery): self.answer_discovery, ("GET", self.jwks): self.answer_jwks,
                 ("GET", self.authorize): self.answer_authorize, ("POST", self.token): self.answer_token,
                 ("GET", self.userinfo): self.answer_userinfo}
        found = known.get((ask.method, ask.path.removeprefix(self.base)))
        if not found or not ask.path.startswith(self.base):
            raise Refused(404, {})
        return found(ask)

    def told(self, part, answer, **headers):
        changed = self.spoilt(part, answer)
        return changed if isinstance(changed, Answer) else Answer(200, text_of(changed), headers)

    def answer_discovery(self, _):
        return self.told("discovery", {
            "issuer": self.issuer, "authorization_endpoint": self.url + self.at(self.authorize),
            "token_endpoint": self.url + self.at(self.token), "jwks_uri": self.url + self.at(self.jwks),
            "userinfo_endpoint": self.url + self.at(self.userinfo), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "scopes_supported": ["openid", "email", "profile"],
            "id_token_signing_alg_values_supported": [key.alg for key in self.keys],
            "token_endpoint_auth_methods_supported": self.auth_methods,
            "code_challenge_methods_supported": ["S256"],
            **({"authorization_response_iss_parameter_supported": True} if self.says_issuer else {})}, **PUBLIC)

    def answer_jwks(self, _):
        return self.told("jwks", {"keys": [key.jwk() for key in self.keys]},
                         **PUBLIC)

    def answer_authorize(self, ask):
        return Answer(302, b"", {"Location": self.sent_back(ask.query, self.visitor)})

    def answer_token(self, ask):
        form = only_once(ask.form)
        client = self.client_of(ask, form)
        if form.get("grant_type") != "authorization_code":
            raise error(400, "unsupported_grant_type")
        made = self.take_code(client, form)
        made.token = secrets.token_urlsafe(40)
        self.tokens[made.token] = made
        return self.told("token", {
            "access_token": made.token, "token_type": "Bearer", "expires_in": TOKEN_S, "scope": made.scope,
            "id_token": self.id_token(client, made)}, **PRIVATE)

    def answer_userinfo(self, ask):
        scheme, _, token = ask.headers.get("Authorization", "").partition(" ")
        made = self.tokens.get(token)
        if scheme != "Bearer" or not made or made.until + TOKEN_S < self.now():
            raise error(401, "invalid_token", **{"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return self.told("userinfo", self.claims_of(made, is_lean=False), **PRIVATE)

    # ---- What is checked ----

    def client_of(self, ask, form):
        """By client_secret_basic (both parts form-encoded first), client_secret_post or nothing; never by two."""
        basic = ask.headers.get("Authorization")
        if basic and "client_secret" in form:
            raise error(400, "invalid_request")
        method = ("client_secret_basic" if basic else "client_secret_post" if "client_secret" in form else "none")
        client_id, secret = form.get("client_id"), form.get("client_secret", "")
        if basic:
            client_id, secret = self.read_basic(basic, client_id)
        client = self.clients.get(client_id)
        if not client or client.secret != secret or method not in self.auth_methods:
            raise error(401, "invalid_client", **({"WWW-Authenticate": "Basic"} if basic else {}))
        return client

    @staticmethod
    def read_basic(header, named):
        scheme, _, text = header.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            scheme = None
        if scheme != "Basic":
            raise error(401, "invalid_client", **{"WWW-Authenticate": "Basic"})
        if named not in (None, unquote_plus(client_id)):
            raise error(400, "invalid_request")
        return unquote_plus(client_id), unquote_plus(secret)

    def take_code(self, client, form):
        if not form.get("code"):
            raise error(400, "invalid_request")
        made = self.codes.get(form["code"])
        if made and made.token:  # RFC 6749, 4.1.2: what was issued for it is revoked
            self.tokens.pop(made.token, None)
        if (not made or made.token or made.client is not client or made.until < self.now()
                or made.redirect_uri != form.get("redirect_uri")
                or made.challenge != challenge_of(form.get("code_verifier", ""))):
            raise error(400, "invalid_grant")
        return made

    # ---- What is told ----

    def claims_of(self, made, is_lean):
        """Of the scopes the person was asked for."""
        scopes = made.scope.split()
        has = {"name": "profile", "picture": "profile", "email": "email", "email_verified": "email"}
        return {name: value for name, value in made.person.claims.items()
                if name not in self.profile or not is_lean and has[name] in scopes}

    def id_token(self, client, made):
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": client.id, "iat": now, "exp": now + TOKEN_S,
                  **self.claims_of(made, self.is_lean), **({"nonce": made.nonce} if made.nonce else {})}
        claims = self.spoilt("id_token", {**claims, **self.more_claims(client)})
        return claims if isinstance(claims, str) else self.keys[0].sign(claims)

    def more_claims(self, client):
        """What this kind of issuer tells as well."""
        return {}

    # ---- What people do ----

    def sent_back(self, query, person):
        """Where the page sends somebody who agrees."""
        query, client = self.known_page(query)
        back = {"state": query["state"]} if "state" in query else {}
        fault = self.fault_of(query)
        if fault or not person:
            return self.back_to(query, {"error": fault or "access_denied", **back})
        made = SimpleNamespace(client=client, person=person, scope=query["scope"], nonce=query.get("nonce"),
                               challenge=query["code_challenge"], redirect_uri=query["redirect_uri"],
                               until=self.now() + CODE_S, token=None)
        code = secrets.token_urlsafe(24)
        self.codes[code] = made
        return self.back_to(query, {"code": code, **back})

    def known_page(self, query):
        """Nobody is sent to where no client of ours lives."""
        query = only_once(query)
        client = self.clients.get(query.get("client_id"))
        if not client or client.redirect_uri != query.get("redirect_uri"):
            raise error(400, "invalid_request")
        return query, client

    @staticmethod
    def fault_of(query):
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if "openid" not in query.get("scope", "").split():
            return "invalid_scope"
        if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            return "invalid_request"
        return None

    def back_to(self, query, pairs):
        return query["redirect_uri"] + "?" + urlencode({**pairs, **({"iss": self.issuer} if self.says_issuer else {})})

    def allow(self, url, person):
        """Somebody agrees on the page; where it sends them. None for a person: they say no."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == self.url, url
        assert parts.path == self.at(self.authorize) and not parts.fragment, url
        with self.lock:
            return self.sent_back(parse_qsl(parts.query, strict_parsing=True), person)

    def deny(self, url):
        return self.allow(url, None)
