# SPDX-License-Identifier: Apache-2.0
"""Where a request ends: every doubt is refused and closes the connection; nothing is read twice."""
import time

import pytest

from framing import HIDDEN, REFUSED, SPELLINGS, TAKEN
from harness import sign_in
from nginx import Nginx
from wire import Wire, request


ERRORS = {400: "bad_request", 413: "payload_too_large", 417: "expectation_failed", 431: "head_too_large",
          501: "encoding_not_supported", 505: "version_not_supported"}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_once_and_closed(server, name):
    status, data = REFUSED[name]
    began = time.monotonic()
    with Wire(server.url) as wire:
        wire.send(data + HIDDEN)
        answers = wire.answers()
    assert [answer.status for answer in answers] == [status], f"{name}: {answers}"
    answer = answers[0]
    assert answer.one("content-type") == "application/json; charset=utf-8"
    assert answer.one("connection") == "close"
    told = answer.json()
    assert (told["code"], told["success"], told["error"]) == (status, False, ERRORS[status])
    assert answer.json()["request_id"] == answer.one("x-request-id")
    assert time.monotonic() - began < 10, "a refusal waited for what was announced"


@pytest.mark.parametrize("name", TAKEN)
def test_taken_once_and_kept_open(server, name):
    status, data = TAKEN[name]
    with Wire(server.url) as wire:
        wire.send(data + request("GET", "/nowhere"))
        first, second = wire.answer(is_head=data.startswith(b"HEAD")), wire.answer()
        wire.end()
        rest = wire.answers()
    assert (first.status, second.status, rest) == (status, 404, []), f"{name}: {first} {second}"
    assert first.one("connection") is None


def test_a_head_may_come_byte_by_byte(server):
    status, data = TAKEN["chunks"]
    with Wire(server.url) as wire:
        for i in range(len(data)):
            wire.send(data[i:i + 1])
        assert wire.answer().status == status


def test_numbers_at_their_limits(server):
    who = sign_in(server)
    url, headers = "/api/v1/user/profile", {"Content-Type": "application/json"}
    for number in ("9223372036854775808", "-9223372036854775809", "18446744073709551616", "9" * 40,
                   "1e308", "1e999", "-1e999", "180.0000001", "2147483648"):
        body = '{"longitude":%s}' % number
        answer = who.call("PUT", url, data=body, headers=headers)
        assert answer.status_code in (400, 422), f"{body}: {answer.status_code} {answer.text}"
    assert who.call("PUT", url, data='{"longitude":180}', headers=headers).status_code == 200


def test_one_path_has_one_spelling(server):
    who = sign_in(server)
    token = f"Authorization: Bearer {who.tokens['access_token']}"
    for path in SPELLINGS:
        with Wire(server.url) as wire:
            data = request("GET", path, token).decode().encode("latin-1")
            wire.send(data)
            wire.end()
            statuses = [answer.status for answer in wire.answers()]
        assert statuses in ([400], [404]), f"{path}: {statuses}"
    for path in ("/api/v1/user/profile", "/api/v1/user/profile?", "/api/v1/user/profile?a=//%2e"):
        with Wire(server.url) as wire:
            wire.send(request("GET", path, token))
            assert wire.answer().status == 200, path


# ---- Behind a proxy that keeps its connections to us ----

PROXY = """
upstream pintle {{ server {address}; keepalive 1; }}
server {{
    listen 127.0.0.1:{port};
    client_header_timeout 1s;
    client_body_timeout 1s;
    lingering_timeout 100ms;
    large_client_header_buffers 4 32k;
    location / {{
        proxy_pass http://pintle;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_request_buffering off;
    }}
}}
"""


@pytest.fixture(scope="module")
def proxied(server):
    """nginx in front; all its requests go over one connection at a time."""
    with Nginx(PROXY, address=server.url.split("//")[1]) as nginx:
        yield nginx


def check_a_stranger(url, after):
    """Somebody else's requests on the connection that was just used, told apart by their answers."""
    with Wire(url) as wire:
        for path, status in (("/healthz", 200), ("/nowhere", 404), ("/api/v1/user/profile", 401)):
            wire.send(request("GET", path))
            answer = wire.answer()
            assert answer and answer.status == status, f"after {after}, {path}: {answer}"


def through(proxied, data):
    """Statuses of all answers to data and to a request behind it."""
    with Wire(proxied.url) as wire:
        wire.send(data + HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        first = wire.answer(is_head=data.startswith(b"HEAD"))
        return [answer.status for answer in [first, *wire.answers()] if answer]


# HTTP/0.9 has no frames to look at.
@pytest.mark.parametrize("name", [name for name in REFUSED if name != "no version"])
def test_nginx_gets_no_answer_too_many(proxied, name):
    # What nginx can repair it may pass on, never more than stands there.
    data = REFUSED[name][1]
    statuses = through(proxied, data)
    assert len(statuses) <= (data + HIDDEN).count(b" HTTP/"), f"{name}: {statuses}"
    check_a_stranger(proxied.url, name)


# nginx knows no tab around a value.
@pytest.mark.parametrize("name", [name for name in TAKEN if not name.startswith("tab ")])
def test_nginx_gets_each_answer_in_its_place(proxied, name):
    statuses = through(proxied, TAKEN[name][1])
    assert statuses == [TAKEN[name][0], 200], name
    check_a_stranger(proxied.url, name)
