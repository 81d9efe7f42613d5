# SPDX-License-Identifier: Apache-2.0
"""GitHub for OAuth Apps, by its documents: no OpenID, errors with status 200, forms unless JSON is asked for, and
an API that wants to know who calls."""
import secrets
import time
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

from fakes.oidc import CODE_S, challenge_of, only_once
from fakes.upstream import Answer, Upstream
from fakes.vendor import Refused

AUTHORIZE, TOKEN, USER, EMAILS = "/login/oauth/authorize", "/login/oauth/access_token", "/user", "/user/emails"


class Person:
    """id stays, login may change; emails are as /user/emails tells them."""

    def __init__(self, name="Ada", emails=None, **user):
        self.id, self.mark = 2 ** 53 + secrets.randbelow(2 ** 40), secrets.token_hex(6)
        self.emails = emails if emails is not None else [self.mail("first"), self.mail("main", primary=True)]
        self.user = {"login": "ada-" + self.mark, "id": self.id, "node_id": "MDQ6VXNlcjE=", "type": "User",
                     "avatar_url": f"https://avatars.githubusercontent.com/u/{self.id}?v=4", "name": name,
                     "email": None, **user}

    @property
    def subject(self):
        return str(self.id)

    def address(self, local):
        return f"{local}.{self.mark}@example.org"

    def mail(self, local, primary=False, verified=True):
        return {"email": self.address(local), "primary": primary, "verified": verified, "visibility": None}


def no(code):
    """Told with status 200, as a form or as JSON."""
    return {"error": code, "error_description": "no.", "error_uri": "https://docs.github.com/no"}


class GitHub(Upstream):
    """Parts to spoil are its paths."""

    def __init__(self):
        self.clients, self.codes, self.tokens = {}, {}, {}
        self.now, self.refuses_scopes = time.time, set()
        super().__init__()

    def client(self, client_id, secret, redirect_uri):
        self.clients[client_id] = SimpleNamespace(id=client_id, secret=secret, redirect_uri=redirect_uri)

    # ---- HTTP ----

    def answer(self, ask):
        known = {("POST", TOKEN): self.answer_token, ("GET", USER): self.answer_user,
                 ("GET", EMAILS): self.answer_emails}
        if (ask.method, ask.path) not in known:
            raise Refused(404, {"message": "Not Found"})
        return known[ask.method, ask.path](ask)

    def answer_token(self, ask):
        told = self.spoilt(TOKEN, self.token_for(only_once(ask.form)))
        if "application/json" in ask.headers.get("Accept", ""):
            return told
        return Answer(200, urlencode(told).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def token_for(self, form):
        client = self.clients.get(form.get("client_id"))
        if not client or client.secret != form.get("client_secret"):
            return no("incorrect_client_credentials")
        made = self.codes.get(form.get("code"))
        if (not made or made.client is not client or made.is_used or made.until < self.now()
                or made.challenge and made.challenge != challenge_of(form.get("code_verifier", ""))):
            return no("bad_verification_code")
        if form.get("redirect_uri", made.redirect_uri) != made.redirect_uri:
            return no("redirect_uri_mismatch")
        made.is_used = True
        token = "gho_" + secrets.token_urlsafe(27)
        self.tokens[token] = made
        return {"access_token": token, "token_type": "bearer", "scope": ",".join(made.scopes)}

    def whose(self, ask):
        if not ask.headers.get("User-Agent"):
            raise Refused(403, Answer(403, b"Request forbidden by administrative rules. Please make sure your"
                                      b" request has a User-Agent header", {"Content-Type": "text/html"}))
        scheme, _, token = ask.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or token not in self.tokens:
            raise Refused(401, {"message": "Bad credentials", "status": "401"})
        return self.tokens[token]

    def answer_user(self, ask):
        return self.spoilt(USER, dict(self.whose(ask).person.user))

    def answer_emails(self, ask):
        made = self.whose(ask)
        if "user:email" not in made.scopes:
            raise Refused(404, {"message": "Not Found", "status": "404"})
        return self.spoilt(EMAILS, made.person.emails)

    # ---- What people do ----

    def allow(self, url, person):
        """Somebody agrees on the page; where it sends them. None for a person: they say no."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == self.url + AUTHORIZE, url
        query = only_once(parse_qsl(parts.query, strict_parsing=True))
        client = self.clients[query["client_id"]]
        back = {"state": query["state"]} if "state" in query else {}
        place = query.get("redirect_uri", client.redirect_uri)
        if place != client.redirect_uri:
            return self.back_to(client.redirect_uri, {**no("redirect_uri_mismatch"), **back})
        if not person:
            return self.back_to(place, {**no("access_denied"), **back})
        assert query.get("code_challenge_method", "S256") == "S256", query
        scopes = [scope for scope in query.get("scope", "").split() if scope not in self.refuses_scopes]
        code = secrets.token_hex(10)
        with self.lock:
            self.codes[code] = SimpleNamespace(client=client, person=person, scopes=scopes, redirect_uri=place,
                                               challenge=query.get("code_challenge"), is_used=False,
                                               until=self.now() + CODE_S)
        return self.back_to(place, {"code": code, **back})

    @staticmethod
    def back_to(place, pairs):
        return place + "?" + urlencode(pairs)

    def deny(self, url):
        return self.allow(url, None)
