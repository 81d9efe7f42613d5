# SPDX-License-Identifier: Apache-2.0
"""docs/forward-auth/ as it is documented: a proxy asks the session check, an application trusts it."""
import http.server
import json
import os
import pathlib

import pytest
import requests

import harness
import proxies
from harness import new_phone, send_code, sign_in
from http_fake import HttpFake
from nginx import Nginx
from wire import Wire, request

pytestmark = pytest.mark.core

SNIPPETS = pathlib.Path(harness.ROOT, "docs", "forward-auth")
IDENTITY = ("X-Auth-User-Id", "X-Auth-User-Type", "X-Auth-Session-Id", "X-Auth-Name", "X-Auth-Roles")
DAY_S = 24 * 3600


class Echo(http.server.BaseHTTPRequestHandler):
    """The application: answers with the headers it was sent. It has the file for a proxy that serves none."""
    PLAN = "the plan"
    protocol_version = "HTTP/1.1"

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        seen = {"headers": self.headers.items(), "body": self.rfile.read(length).decode()}
        text = (self.PLAN if self.path == "/files/plan.txt" else json.dumps(seen)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer

    def log_message(self, *_):
        pass


def fill_in(text, changes):
    """The snippet as it is run here; what is changed must stand in it."""
    for before, after in changes.items():
        assert text.count(before) == 1, f"{before} stands {text.count(before)} times"
        text = text.replace(before, after)
    return text


def nginx(server, app, root):
    text = (SNIPPETS / "nginx.conf").read_text().replace("{", "{{").replace("}", "}}")
    return Nginx(fill_in(text, {
        "server 127.0.0.1:8080;": f"server {server};",
        "server 127.0.0.1:3000;": f"server {app};",
        "listen 80;": "listen 127.0.0.1:{port};",
        "root /srv/app;": f"root {root};"}))


def caddy(server, app, root):
    return proxies.caddy(lambda site: fill_in((SNIPPETS / "Caddyfile").read_text(), {
        "http://app.example.com:80": site,
        "127.0.0.1:8080": server,
        "127.0.0.1:3000": app,
        "/srv/app": str(root)}))


def haproxy(server, app, _root):
    lua = (SNIPPETS / "haproxy.lua").read_text()
    return proxies.haproxy(lua, lambda address, folder: fill_in((SNIPPETS / "haproxy.cfg").read_text(), {
        "/etc/haproxy/pintle.lua": f"{folder}/pintle.lua",
        "127.0.0.1:8080": server,
        "127.0.0.1:3000": app,
        "bind :80": f"bind {address}"}))


@pytest.fixture(scope="module", params=[nginx, caddy, haproxy], ids=lambda make: make.__name__)
def site(request, server, tmp_path_factory):
    """A proxy with its snippet, an application behind it and one static file."""
    root = tmp_path_factory.mktemp("srv")
    (root / "files").mkdir()
    (root / "files" / "plan.txt").write_text(Echo.PLAN)
    os.chmod(root, 0o755)
    app = HttpFake(Echo)
    with request.param(server.url.split("//")[1], f"127.0.0.1:{app.server_port}", root) as proxy:
        yield proxy.url
    app.stop()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def get(site, path, token=None, **headers):
    return requests.get(site + path, headers={**(bearer(token) if token else {}), **headers}, timeout=20)


def identity(answer):
    """Every header with our names, or nearly so, that the application saw."""
    return sorted((name.title(), value) for name, value in answer.json()["headers"]
                  if name.lower().replace("_", "-").startswith("x-auth-"))


def test_a_file_for_those_signed_in(server, site):
    who = sign_in(server)
    answer = get(site, "/files/plan.txt", who.tokens["access_token"])
    assert (answer.status_code, answer.text) == (200, Echo.PLAN)
    assert get(site, "/files/plan.txt").status_code == 401


def test_the_application_is_told_who(server, site):
    who = sign_in(server)
    answer = get(site, "/", who.tokens["access_token"])
    told = dict(identity(answer))
    assert told["X-Auth-User-Id"] == who.tokens["user"]["uuid"]
    assert told["X-Auth-Session-Id"] == who.tokens["session_id"]
    assert told["X-Auth-User-Type"] == who.tokens["user"]["user_type"]


def test_the_cookie_of_the_pages_will_do(server, site):
    own_page = {"Sec-Fetch-Site": "same-origin"}
    client, phone = server.client(headers=own_page), new_phone()
    flow_id, code = send_code(server, client, phone)
    who = client.ok("POST", "/api/v1/auth/phone-login", {"code": code, "flow_id": flow_id, "cookie": True})
    answer = requests.get(site + "/", cookies=client.http.cookies.get_dict(), timeout=20)
    assert dict(identity(answer))["X-Auth-User-Id"] == who["user"]["uuid"]
    assert requests.get(site + "/", cookies={"pintle": "c1.x.y"}, timeout=20).status_code == 401


def test_a_body_goes_to_the_application_alone(server, site):
    who = sign_in(server)
    answer = requests.post(site + "/", data="x" * 5000, timeout=20,
                           headers=bearer(who.tokens["access_token"]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["body"] == "x" * 5000


def forgeries(token):
    head, payload, mark = token.split(".")
    yield from ("", "a.b.c", f"{head}.{payload}.", f"{head}.{payload}", token + ".x", token[:-2],
                f"{head}.{payload[:-1]}{'A' if payload[-1] != 'A' else 'B'}.{mark}",
                f"{head}.{payload}.{mark[::-1]}", f"eyJhbGciOiJub25lIn0.{payload}.", token + " x", "x" * 5000)


def test_forged_tokens(server, site):
    who = sign_in(server)
    token = who.tokens["access_token"]
    for forged in [*forgeries(token), who.tokens["refresh_token"]]:
        answer = get(site, "/", forged)
        assert answer.status_code == 401, f"{forged[:300]}: {answer.status_code}"
    assert get(site, "/", token).status_code == 200


def test_an_expired_token(server, site):
    token = sign_in(server).tokens["access_token"]
    server.shift_clock(DAY_S - 5)
    before = get(site, "/files/plan.txt", token).status_code
    server.shift_clock(DAY_S + 5)
    after = get(site, "/files/plan.txt", token).status_code
    server.shift_clock(0)
    assert (before, after) == (200, 401)


def test_signed_out_is_out_at_once(server, site):
    who = sign_in(server)
    token = who.tokens["access_token"]
    assert get(site, "/", token).status_code == 200
    who.ok("POST", "/api/v1/auth/logout")
    assert get(site, "/", token).status_code == 401


def smuggled():
    """Header lines a client may try, one list a request."""
    for name in IDENTITY:
        for spelling in (name, name.lower(), name.upper(), name.replace("-", "_"),
                         name.replace("X-Auth", "X_Auth"), name.replace("-", "_", 1)):
            yield [f"{spelling}: root"]
        yield [f"{name}: root", f"{name}: root"]
        yield [f"Connection: {name}", f"{name}: root"]
        yield [f"{name}:\troot "]
    yield ["X-Auth-Name: root", "Connection: close, X-Auth-User-Id, X-Auth-Name, X-Auth-Roles"]


def test_identity_headers_of_the_client_do_not_pass(server, site):
    who = sign_in(server)
    token = f"Authorization: Bearer {who.tokens['access_token']}"
    honest = identity(get(site, "/", who.tokens["access_token"]))
    for lines in smuggled():
        with Wire(site) as wire:
            wire.send(request("GET", "/", token, *lines, host=site.split("//")[1]))
            answer = wire.answer()
        if answer.status == 400:
            continue  # the proxy itself has refused the spelling
        assert (answer.status, identity(answer)) == (200, honest), f"{lines}: {answer}"


def test_identity_headers_alone_are_nobody(server, site):
    who = sign_in(server)
    claims = {name: "root" for name in IDENTITY}
    claims["X-Auth-User-Id"] = who.tokens["user"]["uuid"]
    assert get(site, "/", **claims).status_code == 401


@pytest.mark.parametrize("through_proxy", [True, False], ids=["proxied", "direct"])
def test_routing_headers_decide_nothing(server, site, through_proxy):
    url = site + "/files/plan.txt" if through_proxy else server.url + "/api/v1/auth/check"
    who = sign_in(server)
    for name in ("X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Prefix",
                 "X-Original-URI", "X-Original-URL", "X-Original-Method", "X-Rewrite-URL",
                 "X-HTTP-Method-Override", "Forwarded"):
        for value in ("/healthz", "/api/v1/auth/providers", "OPTIONS", "GET"):
            answer = requests.get(url, headers={name: value}, timeout=20)
            assert answer.status_code == 401, f"{name}: {value}: {answer.status_code}"
            answer = requests.get(url, headers={name: value, **bearer(who.tokens["access_token"])},
                                  timeout=20)
            assert answer.status_code == 200, f"{name}: {value}: {answer.status_code}"


@pytest.mark.parametrize("site", [nginx], indirect=True, ids=["nginx"])
def test_the_question_cannot_be_asked_from_outside(server, site):
    who = sign_in(server)
    assert get(site, "/_auth", who.tokens["access_token"]).status_code == 404
