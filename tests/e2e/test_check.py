# SPDX-License-Identifier: Apache-2.0
"""The session check as a proxy uses it: no bodies, full headers, and floods that stall nobody."""
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests

from forge import es256, new_key, part, parts
from harness import register, sign_in
from workers import CHECK

pytestmark = pytest.mark.core

WHO = ("X-Auth-User-Id", "X-Auth-User-Type", "X-Auth-Session-Id", "X-Auth-Name", "X-Auth-Roles")
EVIL = {name: "evil" for name in WHO}


def ask(server, token=None, method="GET", query="", headers=None):
    headers = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    return requests.request(method, server.url + CHECK + query, headers=headers, timeout=30)


def assert_bare(answer, status):
    """No body, a length that says so, and names only with a 200."""
    told = (answer.status_code, answer.content, answer.headers.get("Content-Length"))
    assert told == (status, b"", "0"), f"{told} {answer.headers}"
    assert "Content-Type" not in answer.headers and "Transfer-Encoding" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert [name in answer.headers for name in WHO] == [status == 200] * len(WHO), answer.headers
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_every_status_has_no_body(server):
    who = sign_in(server)
    token = who.tokens["access_token"]
    assert_bare(ask(server, token), 200)
    assert_bare(ask(server), 401)
    assert_bare(ask(server, "a.b.c"), 401)
    assert_bare(ask(server, token, query="?permission=user:view"), 403)
    assert_bare(ask(server, token), 200)
    who.ok("POST", "/api/v1/auth/logout")
    assert_bare(ask(server, token), 401)
    assert_bare(ask(server, token, query="?permission=user:view"), 401)


def test_the_answer_says_who(server):
    who = register(server, nickname="王小明")
    headers = ask(server, who.tokens["access_token"]).headers
    assert headers["X-Auth-User-Id"] == who.tokens["user"]["uuid"]
    assert headers["X-Auth-Session-Id"] == who.tokens["session_id"]
    assert headers["X-Auth-User-Type"] == "farmer"
    assert headers["X-Auth-Roles"] == ""
    assert headers["X-Auth-Name"].isascii()


def test_head_is_get_without_a_body(server):
    token = sign_in(server).tokens["access_token"]
    for status, bearer, query in ((200, token, ""), (401, None, ""), (401, "x", ""),
                                  (403, token, "?permission=user:view")):
        shown = []
        for method in ("HEAD", "GET"):
            answer = ask(server, bearer, method, query)
            assert_bare(answer, status)
            shown.append({name: value for name, value in answer.headers.items()
                          if name not in ("Date", "X-Request-Id")})
        assert shown[0] == shown[1]


def test_other_methods_are_not_a_check(server):
    token = sign_in(server).tokens["access_token"]
    for method in ("POST", "PUT", "DELETE"):
        answer = ask(server, token, method)
        assert answer.status_code == 405, method
        assert "GET" in answer.headers["Allow"]


def test_a_permission_nobody_has_is_refused(server):
    token = sign_in(server).tokens["access_token"]
    for query in ("?permission=user:view", "?permission=", "?permission=self", "?permission=*",
                  "?permission=" + "x" * 127, "?permission=" + "x" * 4000, "?permission=,",
                  "?permission=user:view&permission=", "?permission=super:admin&x=1",
                  "?x=1&permission=user:view", "?permission", "?&&permission=x", "?permissio%6e=x",
                  "?permission=user%3Aview", "?x=%00", "?x=1&x=2"):
        assert_bare(ask(server, token, query=query), 403)
    for query in ("?", "?x=1", "?permissions=user:view"):
        assert_bare(ask(server, token, query=query), 200)


def test_forged_names_are_not_echoed(server):
    who = sign_in(server)
    answer = ask(server, who.tokens["access_token"], headers=EVIL)
    assert_bare(answer, 200)
    assert "evil" not in [answer.headers[name] for name in WHO]
    assert answer.headers["X-Auth-User-Id"] == who.tokens["user"]["uuid"]
    assert_bare(ask(server, headers=EVIL), 401)
    assert_bare(ask(server, "a.b.c", headers=EVIL), 401)
    assert_bare(ask(server, who.tokens["access_token"], query="?permission=x", headers=EVIL), 403)


def test_routing_headers_decide_nothing(server):
    """A23"""
    headers = {name: "/healthz" for name in (
        "X-Forwarded-Uri", "X-Forwarded-Prefix", "X-Original-URI", "X-Original-URL",
        "X-Rewrite-URL", "X-Forwarded-Method", "X-Forwarded-Host")}
    assert_bare(ask(server, headers=headers), 401)
    assert_bare(ask(server, sign_in(server).tokens["access_token"], headers=headers), 200)


def test_a_blocked_address_gets_no_body_either(make_server):
    server = make_server("limits.blocked_addresses=127.0.0.9")
    token = sign_in(server).tokens["access_token"]
    at = urlsplit(server.url)
    with socket.create_connection((at.hostname, at.port), 10, ("127.0.0.9", 0)) as connection:
        connection.sendall(f"GET {CHECK} HTTP/1.1\r\nHost: {at.netloc}\r\nConnection: close\r\n"
                           f"Authorization: Bearer {token}\r\n\r\n".encode())
        with connection.makefile("rb") as file:
            received = file.read()
    assert received.startswith(b"HTTP/1.1 403 ") and received.endswith(b"\r\n\r\n"), received
    assert b"\r\nContent-Length: 0\r\n" in received
    assert_bare(ask(server, token), 200)


# ---- Floods ----

def forged(server, n):
    """As dear as a forgery can be: all is right but the signature. No two are alike."""
    header, claims = parts(sign_in(server).tokens["access_token"])
    signature = es256(new_key(), header, claims).rsplit(".", 1)[1]
    return [f"{part(header)}.{part({**claims, 'jti': str(i)})}.{signature}" for i in range(n)]


class Flood:
    """Pipelines n checks of forged tokens on each of some connections."""

    def __init__(self, server, n_connections, n):
        at = urlsplit(server.url)
        self.n_answers = 0
        self.statuses = {}
        self.n_expected = n_connections * n
        self.lock = threading.Lock()
        tokens = forged(server, self.n_expected)
        lines = f"GET {CHECK} HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer "
        self.texts = ["".join(f"{lines}{token}\r\n\r\n" for token in tokens[i::n_connections])
                      for i in range(n_connections)]
        self.connections = [socket.create_connection((at.hostname, at.port), 30)
                            for _ in range(n_connections)]
        self.threads = [threading.Thread(target=work, args=(connection, text))
                        for connection, text in zip(self.connections, self.texts)
                        for work in (self.send, self.read)]

    def send(self, connection, text):
        connection.sendall(text.encode())

    def read(self, connection, text):
        left = text.count("\r\n\r\n")
        with connection.makefile("rb") as file:
            while left > 0:
                line = file.readline()
                if not line:
                    return
                if line.startswith(b"HTTP/1.1 "):
                    left -= 1
                    with self.lock:
                        self.n_answers += 1
                        status = int(line.split()[1])
                        self.statuses[status] = self.statuses.get(status, 0) + 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *args):
        for thread in self.threads:
            thread.join(60)
        for connection in self.connections:
            connection.close()


def test_a_flood_of_unknown_tokens_stalls_no_known_one(server):
    n_connections, n = 8, 400
    token = sign_in(server).tokens["access_token"]
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {token}"
    assert http.get(server.url + CHECK, timeout=10).status_code == 200
    times = []
    with Flood(server, n_connections, n) as flood:
        for _ in range(50):
            began = time.monotonic()
            assert http.get(server.url + CHECK, timeout=10).status_code == 200
            times.append(time.monotonic() - began)
        n_answered = flood.n_answers
    print(f"50 known checks took {sum(times) * 1000:.0f} ms, the slowest {max(times) * 1000:.0f} ms;"
          f" meanwhile {n_answered} of {flood.n_expected} forged ones were answered")
    assert n_answered < flood.n_expected, "the known waited for the forged"
    assert set(flood.statuses) <= {401, 503}, flood.statuses
    assert sum(flood.statuses.values()) == flood.n_expected


def test_too_many_unknown_tokens_are_busy_without_a_body(make_server):
    server = make_server("pool.threads=1", "pool.verify_threads=1", "pool.queue=1")
    token = sign_in(server).tokens["access_token"]
    assert_bare(ask(server, token), 200)
    answers = []

    def hammer(tokens):
        with requests.Session() as http:
            for one in tokens:
                answers.append(http.get(server.url + CHECK, timeout=30,
                                        headers={"Authorization": f"Bearer {one}"}))

    tokens = forged(server, 800)
    threads = [threading.Thread(target=hammer, args=(tokens[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    busy = [answer for answer in answers if answer.status_code == 503]
    assert len(answers) == 800 and busy, "no queue was full"
    for answer in answers:
        assert_bare(answer, 503 if answer in busy else 401)
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in busy)
    assert_bare(ask(server, token), 200)
