# SPDX-License-Identifier: Apache-2.0
"""A server with several sections of oauth2, the sites behind them, and the steps of people who sign in by them.
Test files import the fixtures they want."""
import time
from collections import namedtuple

import pytest

from fakes import github, google, oidc
from pair import serve
from steps import rows
from trips import OPTIONS, PUBLIC, Trip

Section = namedtuple("Section", "name preset site options", defaults=("",))
SECTIONS = {one.name: one for one in [
    Section("acme", "oidc", "acme", "label_en = Acme\nlabel_zh = 顶点\n"),
    Section("google", "google", "google"),
    Section("github", "github", "github"),
    Section("partner", "oidc", "partner", "link_email = yes\n"),
    Section("hub", "github", "github", "link_email = yes\n"),
    Section("enterprise", "github", "enterprise"),  # a GitHub of one's own
    Section("office", "google", "google", "hosted_domain = example.com\n"),
    Section("posting", "oidc", "acme", "token_auth = post\nscope = email openid profile\n"),
    Section("public", "oidc", "acme"),  # has no secret
    Section("rolling", "oidc", "rolling"),  # whose keys change
    Section("hasty", "oidc", "hasty", "upstream_timeout = 3s\n")]}
CALLBACK = "/api/v1/auth/{}/callback"
PEOPLE = {"oidc": oidc.Person, "google": google.Person, "github": github.Person}
GITHUB = "https://github.com"


class Sites:
    """Where people have accounts."""

    def __init__(self):
        self.acme, self.partner = oidc.Issuer(), oidc.Issuer("ES256")
        self.rolling, self.hasty = oidc.Issuer("ES256"), oidc.Issuer("ES256")
        self.google, self.github, self.enterprise = google.Google(), github.GitHub(), github.GitHub()
        self.all = [self.acme, self.partner, self.rolling, self.hasty, self.google, self.github, self.enterprise]

    def of(self, name):
        return getattr(self, SECTIONS[name].site)

    def issuer(self, name):
        """Each GitHub is one, though it issues nothing; the fake stands for the one at github.com."""
        site = self.of(name)
        if SECTIONS[name].preset == "github":
            return GITHUB if site is self.github else site.url
        return site.issuer

    def namespace(self, name):
        return "oidc:" + self.issuer(name)

    def conf(self, *names):
        """Of these sections, or of all."""
        return {"50-oauth2.ini": "\n".join(self.conf_of(SECTIONS[name]) for name in names or SECTIONS)}

    def conf_of(self, section):
        site, client_id = getattr(self, section.site), f"pintle: {section.name}"
        secret = "" if section.name == "public" else f"a secret: of+100% {section.name}"
        site.client(client_id, secret, PUBLIC + CALLBACK.format(section.name))
        text = (f"[{section.name}]\nplugin = oauth2\npreset = {section.preset}\nclient_id = {client_id}\n"
                f"client_secret = {secret}\nissuer = {self.issuer(section.name)}\n{section.options}")
        if section.preset == "github":
            text += (f"authorize_url = {site.url}{github.AUTHORIZE}\ntoken_url = {site.url}{github.TOKEN}\n"
                     f"userinfo_url = {site.url}{github.USER}\n")
        return text

    def follow(self, server):
        """Their clocks are the server's, whatever later() makes of it."""
        for site in self.all:
            site.now = lambda: time.time() + getattr(server, "shifted", 0)

    def close(self):
        for site in self.all:
            site.close()


@pytest.fixture(scope="module")
def sites():
    made = Sites()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(sites):
    started = serve(workers=2, options=OPTIONS, conf=sites.conf()).start()
    sites.follow(started)
    yield started
    started.close()


def person_of(name, *args, **claims):
    """Somebody with an account at the site of that section."""
    return PEOPLE[SECTIONS[name].preset](*args, **claims)


def sign_in_by(server, sites, name, person=None):
    """A client signed in by that section."""
    trip = Trip(server, name)
    return trip.signed_in(trip.go(sites.of(name), person or person_of(name)))


def bind_by(server, sites, name, who, person=None):
    """The answer to who, signed in, binding that account of a site."""
    trip = Trip(server, name, who, purpose="bind")
    return trip.bind(grant=trip.go(sites.of(name), person or person_of(name), server.client())["grant"])


def owners(server, person):
    """The accounts that somebody's account at a site leads to; one at most."""
    return [row[0] for row in rows(server, "SELECT user_id FROM user_identities WHERE subject = ?",
                                   person.subject)]


def token_path(site):
    return github.TOKEN if isinstance(site, github.GitHub) else site.at(site.token)
