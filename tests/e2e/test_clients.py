# SPDX-License-Identifier: Apache-2.0
"""What clients of all kinds are told: who they are behind proxies, in what order, with which headers."""
import json
import os
import threading

import pytest

from harness import GOOD_SECRET, Server, register, sign_in, wait_for
from wire import Wire, request

PROFILE = "/api/v1/user/profile"
ORIGIN = "https://good.example"
PROXY = "127.0.0.2"


def logged_client(server, request_id):
    """The client address that the access log holds for a request."""
    path = os.path.join(server.state, "access.log")

    def find():
        with open(path, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                if entry["id"] == request_id:
                    return entry["client"]
        return None
    return wait_for(find, f"a log line of {request_id}")


def ask(server, *headers, source=None, path="/healthz", method="GET"):
    with Wire(server.url, source) as wire:
        wire.send(request(method, path, *headers))
        return wire.answer(is_head=method == "HEAD")


# ---- Who a client is ----

@pytest.fixture(scope="module")
def proxied():
    """A server that believes one address of the loopback network and one network behind it."""
    started = Server(workers=2, options=[f"server.trusted_proxies={PROXY}, 10.0.0.0/8"]).start()
    yield started
    started.close()


FORWARDED = [
    # (source, header lines, client)
    (PROXY, [], PROXY),
    (PROXY, ["X-Forwarded-For: 9.9.9.9"], "9.9.9.9"),
    (PROXY, ["X-Forwarded-For: 6.6.6.6, 9.9.9.9"], "9.9.9.9"),
    (PROXY, ["X-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.1.2.3"], "9.9.9.9"),
    (PROXY, ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 9.9.9.9"], "9.9.9.9"),
    (PROXY, ["X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 10.1.2.3"], "9.9.9.9"),
    (PROXY, ["x-forwarded-for:\t9.9.9.9 "], "9.9.9.9"),
    (PROXY, ["X-Forwarded-For: ::ffff:9.9.9.9"], "9.9.9.9"),
    (PROXY, ["X-Forwarded-For: 2001:0DB8:0:0:0:0:0:1"], "2001:db8::1"),
    (PROXY, ["X-Forwarded-For: " + "1.1.1.1, " * 500 + "9.9.9.9"], "9.9.9.9"),
    (PROXY, ["X-Forwarded-For: 10.0.0.1, 10.0.0.2"], "10.0.0.1"),
    # What is no address ends the walk at whoever said so.
    (PROXY, ["X-Forwarded-For: a"], PROXY),
    (PROXY, ["X-Forwarded-For:"], PROXY),
    (PROXY, ["X-Forwarded-For: ,"], PROXY),
    (PROXY, ["X-Forwarded-For: 9.9.9.9,"], PROXY),
    (PROXY, ["X-Forwarded-For: 9.9.9.9:80"], PROXY),
    (PROXY, ["X-Forwarded-For: [2001:db8::1]"], PROXY),
    (PROXY, ["X-Forwarded-For: fe80::1%eth0"], PROXY),
    (PROXY, ["X-Forwarded-For: 9.9.9.999"], PROXY),
    (PROXY, ["X-Forwarded-For: 0x9.9.9.9"], PROXY),
    (PROXY, ["X-Forwarded-For: 9.9.9.9, unknown, 10.1.2.3"], "10.1.2.3"),
    (PROXY, ["X-Forwarded-For: " + "9" * 5000], PROXY),
    (PROXY, ["X-Real-IP: 9.9.9.9"], PROXY),
    (PROXY, ["Forwarded: for=9.9.9.9"], PROXY),
    (PROXY, ["CF-Connecting-IP: 9.9.9.9"], PROXY),
    (PROXY, ["X_Forwarded_For: 9.9.9.9"], PROXY),
    # Nobody else is believed.
    ("127.0.0.3", ["X-Forwarded-For: 9.9.9.9"], "127.0.0.3"),
    ("127.0.0.3", ["X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 127.0.0.2"], "127.0.0.3"),
]


@pytest.mark.parametrize("source, headers, client", FORWARDED, ids=range(len(FORWARDED)))
def test_the_client_behind_proxies(proxied, source, headers, client):
    answer = ask(proxied, *headers, source=source)
    assert answer.status == 200
    assert logged_client(proxied, answer.one("x-request-id")) == client, headers


def test_nobody_is_believed_by_default(server):
    answer = ask(server, "X-Forwarded-For: 9.9.9.9", source="127.0.0.4")
    assert logged_client(server, answer.one("x-request-id")) == "127.0.0.4"


def test_limits_count_a_network_of_ipv6_as_one(make_server):
    server = make_server(f"server.trusted_proxies={PROXY}", "limits.address_per_minute=20", workers=2)

    def statuses(addresses):
        return [ask(server, f"X-Forwarded-For: {address}", source=PROXY,
                    path="/api/v1/auth/providers").status for address in addresses]

    one_network = statuses(f"2001:db8:1:2:{i:x}::{i:x}" for i in range(1, 61))
    assert one_network.count(200) <= 40, "two minutes' worth at the most"
    assert one_network.count(429) >= 20, one_network
    # A name put before the true address, and the spelling of it, change nothing.
    assert statuses(["1.1.1.1, 2001:db8:1:2::1", "2001:DB8:1:2:0:0:0:77"]) == [429, 429]
    assert statuses(["2001:db8:1:3::1", "9.9.9.9"]) == [200, 200]


def test_a_request_keeps_the_id_of_a_trusted_proxy(proxied):
    given = "a-plain-id_0123456789"
    answer = ask(proxied, f"X-Request-Id: {given}", source=PROXY)
    assert (answer.one("x-request-id"), answer.json()["request_id"]) == (given, given)
    for other in ("short", "x" * 65, 'quote"quote', "a b c d e f", "%0d%0aX-A: b", "\xe4\xbd\xa0" * 4):
        assert ask(proxied, f"X-Request-Id: {other}", source=PROXY).one("x-request-id") != other
    assert ask(proxied, f"X-Request-Id: {given}", source="127.0.0.3").one("x-request-id") != given
    twice = ask(proxied, f"X-Request-Id: {given}", "X-Request-Id: another-one", source=PROXY)
    assert twice.one("x-request-id") not in (given, "another-one")


def test_ids_are_unique(server):
    ids = [ask(server).one("x-request-id") for _ in range(200)]
    assert len(set(ids)) == 200


# ---- Browsers ----

def cors_headers(answer):
    return [name for name, _ in answer.headers if name.startswith("access-control-")]


def test_no_other_origin_by_default(server):
    for origin in ("https://evil.example", "null", server.url):
        answer = ask(server, f"Origin: {origin}")
        assert (answer.status, cors_headers(answer)) == (200, [])
        answer = ask(server, f"Origin: {origin}", "Access-Control-Request-Method: POST", method="OPTIONS",
                     path=PROFILE)
        assert (answer.status, cors_headers(answer)) == (405, [])


def test_only_listed_origins(make_server):
    server = make_server(f"server.cors_origins={ORIGIN}, https://other.example:8443")
    answer = ask(server, f"Origin: {ORIGIN}")
    assert answer.one("access-control-allow-origin") == ORIGIN
    assert answer.one("vary") == "Origin"
    preflight = ask(server, f"Origin: {ORIGIN}", "Access-Control-Request-Method: PUT", method="OPTIONS",
                    path=PROFILE)
    assert (preflight.status, preflight.one("access-control-allow-origin")) == (204, ORIGIN)
    assert "PUT" in preflight.one("access-control-allow-methods")
    assert "Authorization" in preflight.one("access-control-allow-headers")
    for other in ("https://evil.example", "https://good.example.evil", "https://evilgood.example",
                  "https://good.example:8443", "https://other.example", "http://good.example",
                  "HTTPS://GOOD.EXAMPLE", "https://good.example/", "null", "", "*"):
        answer = ask(server, f"Origin: {other}")
        assert (answer.status, cors_headers(answer), answer.one("vary")) == (200, [], "Origin"), other
        assert ask(server, f"Origin: {other}", method="OPTIONS", path=PROFILE).status == 405, other
    for answer in (ask(server, f"Origin: {ORIGIN}"), preflight):
        assert answer.one("access-control-allow-credentials") is None


# ---- Methods and types ----

def test_head_is_get_without_the_body(server):
    who = sign_in(server)
    token = f"Authorization: Bearer {who.tokens['access_token']}"
    changing = ("date", "x-request-id")
    for path in ("/healthz", "/openapi.json", "/.well-known/jwks.json", PROFILE, "/api/v1/auth/check", "/nowhere"):
        get, head = ask(server, token, path=path), ask(server, token, path=path, method="HEAD")
        assert head.status == get.status, path
        assert [h for h in head.headers if h[0] not in changing] == \
            [h for h in get.headers if h[0] not in changing], path
        with Wire(server.url) as wire:
            wire.send(request("HEAD", path, token) + request("GET", "/healthz"))
            assert wire.answer(is_head=True).status == get.status
            assert wire.answer().status == 200, f"a body after HEAD {path}"


def test_unknown_paths_and_methods(server):
    for path in ("/", "/nowhere", "/api", "/api/v1/user", "/control/status", "/api/v1/auth/nobody/begin/x"):
        answer = ask(server, path=path)
        assert (answer.status, answer.json()["error"]) == (404, "not_found"), path
        assert answer.one("allow") is None
    for method, path, allow in (("DELETE", PROFILE, "GET, HEAD, PUT"), ("PUT", "/healthz", "GET, HEAD"),
                                ("GET", "/api/v1/auth/refresh", "POST"), ("BREW", "/healthz", "GET, HEAD"),
                                ("TRACE", "/healthz", "GET, HEAD"), ("get", "/healthz", "GET, HEAD")):
        answer = ask(server, path=path, method=method)
        assert (answer.status, answer.json()["error"]) == (405, "method_not_allowed"), (method, path)
        assert answer.one("allow") == allow, (method, path)


def test_bodies_of_another_type(server):
    form, plain = "application/x-www-form-urlencoded", "application/json"
    rows = [("/api/v1/auth/refresh", kind, b'{"refresh_token":"a"}', 415) for kind in
            (None, "text/plain", form, "multipart/form-data; boundary=x", "application/jsonp",
             "text/json", "application/json-patch+json", "*/*", "")]
    rows += [("/api/v1/auth/refresh", kind, b'{"refresh_token":"a"}', 401) for kind in
             (plain, "application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8")]
    rows += [("/oauth/revoke", plain, b"token=a", 415), ("/oauth/revoke", "text/plain", b"token=a", 415),
             ("/oauth/revoke", form, b"token=a", 401)]
    for path, kind, body, status in rows:
        headers = [f"Content-Type: {kind}"] if kind is not None else []
        with Wire(server.url) as wire:
            wire.send(request("POST", path, *headers, body=body))
            answer = wire.answer()
        assert answer.status == status, f"{path} {kind}: {answer}"


def test_every_answer_has_its_headers(server):
    who = sign_in(server)
    token = f"Authorization: Bearer {who.tokens['access_token']}"
    answers = [ask(server), ask(server, path="/nowhere"), ask(server, path=PROFILE), ask(server, token, path=PROFILE),
               ask(server, path="/metrics"), ask(server, path="/api/v1/auth/check"),
               ask(server, token, path="/api/v1/auth/check"), ask(server, method="PUT"),
               ask(server, "Host: again"), ask(server, "X-A: " + "a" * 100000)]
    assert sorted({answer.status for answer in answers}) == [200, 400, 401, 404, 405, 431]
    for answer in answers:
        assert answer.one("x-content-type-options") == "nosniff", answer
        assert answer.one("cache-control"), answer
        assert answer.one("x-request-id") and answer.one("date"), answer
        assert answer.one("server") is None, answer
        if answer.body:
            assert answer.one("content-type"), answer


# ---- Connections ----

def test_http_1_0(server):
    with Wire(server.url) as wire:
        wire.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        answers = wire.answers()
    assert [(a.status, a.one("connection")) for a in answers] == [(200, "close")]
    with Wire(server.url) as wire:
        wire.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)
        assert [(a.status, a.one("connection")) for a in (wire.answer(), wire.answer())] == \
            [(200, "keep-alive")] * 2
    with Wire(server.url) as wire:
        wire.send(request("GET", "/healthz", "Connection: x, Close") + request())
        assert [a.status for a in wire.answers()] == [200]


def test_a_thousand_requests_at_once_are_answered_in_order(server):
    paths = [("/healthz", 200), ("/nowhere", 404), (PROFILE, 401), ("/.well-known/jwks.json", 200)]
    order = [paths[i * 7 % 4] for i in range(1000)]
    data = b"".join(request("GET", path) for path, _ in order)
    with Wire(server.url) as wire:
        sender = threading.Thread(target=wire.send, args=(data,))
        sender.start()
        answers = [wire.answer() for _ in order]
        sender.join()
        wire.end()
        assert wire.answers() == []
    assert [a.status for a in answers] == [status for _, status in order]
    assert len({a.one("x-request-id") for a in answers}) == 1000
    assert all("keys" in a.json() for a, (path, _) in zip(answers, order) if "jwks" in path)


def test_who_leaves_a_slow_login_disturbs_nobody(make_server):
    server = make_server("password.bcrypt_cost=10", workers=1)
    who = register(server)
    body = json.dumps({"phone": who.phone, "password": GOOD_SECRET}).encode()
    login = request("POST", "/api/v1/auth/login", "Content-Type: application/json", body=body)
    for cut in (len(login), len(login) - 1, len(login) - len(body), 40, 1):
        leavers = [Wire(server.url) for _ in range(8)]
        for wire in leavers:
            wire.send(login[:cut])
        for wire in leavers:
            wire.sock.close()
        assert who.get(PROFILE).status_code == 200, cut
    client = server.client()
    tokens = client.ok("POST", "/api/v1/auth/login", {"phone": who.phone, "password": GOOD_SECRET})
    assert client.use(tokens["access_token"]).get(PROFILE).status_code == 200
    assert "restart" not in server.log() and len(server.workers()) == 1
