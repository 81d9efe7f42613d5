# SPDX-License-Identifier: Apache-2.0
"""An upstream that sends nobody back: it is asked while somebody asks after the flow, and never too often."""
import secrets
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest

from elsewhere import path_of
from harness import wait_for
from http_fake import HttpFake
from live import FLOWS, Socket
from pair import serve
from parallel import N_PARALLEL, Shot, release, tally

pytestmark = pytest.mark.core

ASKED_BY = {"status": lambda ring: ring.status(), "verify": lambda ring: ring.verify().json()["data"]["status"]}


class Upstream:
    """Rings phones; said[ring] is what its owner has said there."""

    def __init__(self):
        self.said, self.asked, self.odd = {}, [], None
        self.released = threading.Event()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                upstream.serve(self)

            def log_message(self, *args):
                pass

        self.server = HttpFake(Handler)

    def serve(self, handler):
        ring = parse_qs(urlsplit(handler.path).query)["ring"][0]
        self.asked.append(ring)
        if self.odd == "hang":
            self.released.wait(30)
        body = self.said.get(ring, "ringing").encode()
        handler.send_response(500 if self.odd == "down" else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class Ring:
    """Somebody whose phone rings."""

    def __init__(self, server):
        self.client, self.name = server.client(), secrets.token_hex(8)
        data = self.client.ok("POST", path_of("ringing", "begin"), {"ring": self.name})
        assert data["next"] == "poll", data
        self.flow_id = data["flow_id"]

    def status(self):
        return self.client.ok("GET", FLOWS + self.flow_id)["status"]

    def verify(self):
        return self.client.post(path_of("ringing", "verify"), {"flow_id": self.flow_id})


@pytest.fixture
def upstream():
    made = Upstream()
    yield made
    made.released.set()
    made.server.stop()


@pytest.fixture
def server(plugins, upstream):
    """A question that hangs is given up after all that is asked meanwhile."""
    conf = f"[ringing]\nurl = {upstream.server.url}/\ntimeout = 30s\n"
    started = serve(workers=2, plugins=str(plugins), options=["pool.call_timeout=30s"],
                    conf={"90-ringing.ini": conf}).start()
    yield started
    started.close()


def while_asked_for(ring, other, upstream):
    """Asks after a flow that is over until the upstream has been asked twice of one that is not."""
    def is_asked_twice():
        assert ring.client.get(FLOWS + ring.flow_id).status_code == 410
        assert other.status() == "pending"
        return upstream.asked.count(other.name) >= 2

    wait_for(is_asked_twice, "two questions")


@pytest.mark.parametrize("asked_by", ASKED_BY)
def test_who_asks_has_the_upstream_asked(server, upstream, asked_by):
    ring = Ring(server)
    assert ASKED_BY[asked_by](ring) == "pending"
    wait_for(lambda: ring.name in upstream.asked, "a question")
    upstream.said[ring.name] = "yes ada"
    if asked_by == "status":
        wait_for(lambda: ring.status() == "confirmed", "the answer")
        assert ring.verify().json()["data"]["is_new_user"] is True
    else:
        wait_for(lambda: "access_token" in ring.verify().text, "tokens")
    n_asked, other = upstream.asked.count(ring.name), Ring(server)
    while_asked_for(ring, other, upstream)
    assert upstream.asked.count(ring.name) == n_asked, "it is over"


def test_who_watches_is_told(server, upstream):
    ring = Ring(server)
    with Socket(server.urls[0], ring.flow_id) as socket:
        assert socket.status() == "pending"
        wait_for(lambda: ring.name in upstream.asked, "a question")
        upstream.said[ring.name] = "yes ada"
        assert socket.status() == "confirmed"
        assert ring.verify().status_code == 200
        assert socket.close_code() == 1000


def test_who_says_no_signs_nobody_in(server, upstream):
    ring = Ring(server)
    upstream.said[ring.name] = "no"
    wait_for(lambda: ring.status() == "failed", "the answer")
    assert ring.verify().status_code == 401


def test_it_is_asked_once_at_a_time(server, upstream):
    """However many ask after the flow, on whatever worker or host, none of them waits for the upstream."""
    ring = Ring(server)
    upstream.odd = "hang"
    seen = release(server.urls, [Shot("GET", FLOWS + ring.flow_id, None)] * N_PARALLEL)
    assert tally(seen) == {(200, None): N_PARALLEL}
    wait_for(lambda: upstream.asked, "a question")
    assert ring.status() == "pending" and upstream.asked == [ring.name]
    upstream.odd, upstream.said[ring.name] = None, "yes ada"
    upstream.released.set()
    wait_for(lambda: ring.status() == "confirmed", "the answer")


def test_an_upstream_that_is_down_changes_nothing(server, upstream):
    ring = Ring(server)
    upstream.odd, upstream.said[ring.name] = "down", "yes ada"
    wait_for(lambda: ring.status() == "pending" and len(upstream.asked) >= 2, "two questions")
    upstream.odd = None
    wait_for(lambda: ring.status() == "confirmed", "the answer")
    assert ring.verify().status_code == 200
