# SPDX-License-Identifier: Apache-2.0
"""A flow watched live: the state comes at once and at every change, on whatever worker or host."""
import json
import os
import re
import signal

import pytest
import requests
import websocket

import elsewhere
import faulty
from harness import new_phone, send_code, wait_for
from live import (FLOWS, KEY, PING, REPLACED, RawSocket, Socket, Stream, cancel, gauge, new_flow, refusal)
from nginx import Nginx, free_port
from pair import serve
from steps import BEHIND_PROXY, later
from stores import ROOT
from wire import Wire, request
from workers import Everywhere, worker_of

VERIFY = "/api/v1/auth/phone_sms/verify"
UNKNOWN_FLOW = "AAAAAAAAAAAAAAAAAAAAAA"


# ---- WebSockets ----

@pytest.mark.core
def test_the_state_comes_at_once_and_at_its_change(server):
    flow_id = new_flow(server)
    with Socket(server.urls[0], flow_id) as socket:
        state = socket.state()
        assert state["status"] == "pending" and 290 <= state["expires_in"] <= 300, state
        cancel(server, flow_id)
        assert socket.state() == {"status": "expired", "expires_in": 0}
        assert socket.close_code() == 1000


@pytest.mark.core
def test_every_worker_and_host_hears_of_it(server):
    """Sockets of ten flows on whatever workers take them; each flow is cancelled on another."""
    for i in range(10):
        flow_id = new_flow(server)
        with Socket(server.urls[i % len(server.urls)], flow_id) as socket:
            assert socket.status() == "pending"
            url = server.urls[(i + 1) % len(server.urls)]
            assert requests.delete(url + FLOWS + flow_id, timeout=10).status_code == 200
            assert socket.status() == "expired"
            assert socket.close_code() == 1000


def test_what_was_missed_comes_at_the_next_connection(server):
    flow_id = new_flow(server)
    with Socket(server.urls[0], flow_id) as socket:
        assert socket.status() == "pending"
    with Socket(server.urls[-1], flow_id) as socket:
        assert socket.status() == "pending"
    cancel(server, flow_id)
    assert refusal(server.urls[0], flow_id) == 410


def test_no_token_comes_over_a_socket(make_server):
    server = make_server("server.live_ping=1s")
    client = server.client()
    phone = "+8613900000001"
    flow_id, code = send_code(server, client, phone)
    with Socket(server.urls[0], flow_id) as socket:
        socket.status()
        tokens = client.ok("POST", VERIFY, {"flow_id": flow_id, "code": code})
        said = []
        while True:
            opcode, data = socket.ws.recv_data()
            said.append(data)
            if opcode == 8:
                break
    text = b"".join(said).decode("latin-1")
    assert tokens["access_token"] not in text and tokens["refresh_token"] not in text
    assert code not in text and phone[3:] not in text, text


@pytest.mark.parametrize("flow_id", [UNKNOWN_FLOW, "x", "A" * 21, "A" * 23, "A" * 5000])
def test_an_unknown_flow_is_an_expired_one(server, flow_id):
    url = server.urls[0]
    assert refusal(url, flow_id) == 410
    with Stream(url, flow_id) as stream:
        assert stream.status == 410
    server.client().refused(410, "flow_expired", "GET", FLOWS + flow_id)
    # With more of the id than there is, it is none either.
    right = new_flow(server)
    assert refusal(url, right + "A") == 410
    with Socket(url, right) as socket:
        assert socket.status() == "pending"


def test_a_flow_that_expires_is_told_so(server):
    flow_id = new_flow(server)
    with Socket(server.urls[0], flow_id) as socket, Stream(server.urls[0], new_flow(server)) as stream:
        assert socket.status() == "pending"
        assert stream.state()["status"] == "pending"
        later(server, 301)
        assert socket.state() == {"status": "expired", "expires_in": 0}
        assert socket.close_code() == 1000
        assert stream.state() == {"status": "expired", "expires_in": 0}
        assert stream.event() == {"event": "end", "data": '{"reason":"over"}'}
        assert stream.event() is None


# ---- By a second device ----

@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def two_devices(request, plugins):
    started = serve(workers=request.param, options=[f"server.return_urls={elsewhere.LISTED}"],
                    **elsewhere.settings(plugins))
    started.start()
    yield started
    started.close()


@pytest.mark.core
def test_each_step_of_the_phone_is_told_once(two_devices):
    server, client = two_devices, two_devices.client()
    for i in range(5):
        picture = elsewhere.begin_picture(client)
        phone = "p" + new_phone()[1:]
        with Socket(server.urls[i % len(server.urls)], picture.flow_id) as socket:
            assert socket.status() == "pending"
            assert elsewhere.scan(server.client(), picture.ticket, phone).status_code == 200
            assert socket.status() == "scanned"
            assert elsewhere.scan(server.client(), picture.ticket, phone).status_code == 200
            assert elsewhere.tap(server.client(), picture.ticket, phone).status_code == 200
            assert socket.status() == "confirmed"
            client.ok("POST", elsewhere.path_of("devices", "verify"), {"flow_id": picture.flow_id})
            assert socket.close_code() == 1000


def test_a_phone_that_says_no(two_devices):
    server, client = two_devices, two_devices.client()
    picture = elsewhere.begin_picture(client)
    phone = "p" + new_phone()[1:]
    with Stream(server.urls[0], picture.flow_id) as stream:
        assert stream.state()["status"] == "pending"
        elsewhere.scan(client, picture.ticket, phone)
        assert stream.state()["status"] == "scanned"
        elsewhere.tap(client, picture.ticket, phone, "cancel")
        assert stream.state()["status"] == "failed"


def test_steps_missed_are_told_at_the_next_connection(two_devices):
    server, client = two_devices, two_devices.client()
    picture = elsewhere.begin_picture(client)
    phone = "p" + new_phone()[1:]
    with Socket(server.urls[0], picture.flow_id) as socket:
        assert socket.status() == "pending"
    elsewhere.scan(client, picture.ticket, phone)
    elsewhere.tap(client, picture.ticket, phone)
    with Socket(server.urls[-1], picture.flow_id) as socket:
        assert socket.status() == "confirmed"


def test_a_step_while_the_connection_is_made_is_not_missed(two_devices):
    """Fifty times: the phone's tap and the handshake at once."""
    server, client = two_devices, two_devices.client()
    for _ in range(50):
        picture = elsewhere.begin_picture(client)
        raw = RawSocket(server.urls[0], picture.flow_id)
        elsewhere.scan(client, picture.ticket, "p1")
        with raw:
            state = raw.state()["status"]
            assert state in ("pending", "scanned")
            assert state == "scanned" or raw.state()["status"] == "scanned"


@pytest.mark.core
@pytest.mark.stores("redis", reason="its connection for messages is killed")
def test_what_is_published_while_the_bus_is_away_is_made_up_for(two_devices):
    """Long before the next ping, which would read it, too."""
    server, client = two_devices, two_devices.client()
    for _ in range(3):
        picture = elsewhere.begin_picture(client)
        with Socket(server.urls[0], picture.flow_id) as socket:
            assert socket.status() == "pending"
            server.stores.kv.server.cli("CLIENT", "KILL", "TYPE", "pubsub")
            elsewhere.scan(client, picture.ticket, "p1")
            assert socket.status() == "scanned"


# ---- One at a time ----

@pytest.mark.core
def test_who_comes_later_takes_the_place(server):
    flow_id = new_flow(server)
    urls = server.urls
    with Socket(urls[0], flow_id) as first, Socket(urls[-1], flow_id) as second:
        assert first.status() == "pending" and second.status() == "pending"
        assert first.close_code() == REPLACED
        with Stream(urls[0], flow_id) as third:
            assert third.state()["status"] == "pending"
            assert second.close_code() == REPLACED
            with Socket(urls[-1], flow_id) as fourth:
                assert fourth.status() == "pending"
                assert third.event() == {"event": "end", "data": '{"reason":"replaced"}'}
                assert third.event() is None
                cancel(server, flow_id)
                assert fourth.status() == "expired"


def test_other_flows_keep_their_place(server):
    one, other = new_flow(server), new_flow(server)
    with Socket(server.urls[0], one) as first, Socket(server.urls[0], other) as second:
        assert first.status() == "pending" and second.status() == "pending"
        cancel(server, other)
        assert second.status() == "expired"
        cancel(server, one)
        assert first.status() == "expired"


def test_five_hundred_on_one_flow_are_one(make_server):
    server = make_server("server.max_live_per_address=1000", workers=2)
    flow_id = new_flow(server)
    sockets = [RawSocket(server.urls[i % len(server.urls)], flow_id) for i in range(500)]
    try:
        wait_for(lambda: gauge(server, "pintle_live_sockets") == 1, "all but one to be replaced")
        cancel(server, flow_id)
        assert sockets[-1].close_code() == 1000
    finally:
        for socket in sockets:
            socket.sock.close()


# ---- Who may ----

def test_a_foreign_page_gets_no_socket(server):
    flow_id, url = new_flow(server), server.urls[0]
    port = url.rsplit(":", 1)[1]
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{int(port) % 60000 + 1}",
                   f"https://127.0.0.1:{port}", f"http://127.0.0.1.evil.example:{port}",
                   url + "/", f"http://localhost:{port}"):
        assert refusal(url, flow_id, origin=origin) == 403, origin
        with Stream(url, flow_id, f"Origin: {origin}") as stream:
            assert stream.status == 403, origin
    with Wire(url) as wire:
        wire.send(request("GET", f"{FLOWS}{flow_id}/ws", "Upgrade: websocket", "Connection: Upgrade",
                          "Sec-WebSocket-Version: 13", KEY, host=url.split("//")[1]))
        assert wire.answer().status == 403
    with Socket(url, flow_id) as socket:
        assert socket.status() == "pending"


def test_named_origins_get_one(make_server):
    server = make_server("server.public_url=https://auth.example/sign-in",
                         "server.cors_origins=https://app.example")
    flow_id, url = new_flow(server), server.urls[0]
    for origin in ("https://auth.example", "https://app.example"):
        with Socket(url, flow_id, origin=origin) as socket:
            assert socket.status() == "pending"
    for origin in (url, "http://auth.example", "https://auth.example:8443", "https://app.example.evil"):
        assert refusal(url, flow_id, origin=origin) == 403, origin
    with Stream(url, flow_id, "Origin: https://app.example") as stream:
        assert stream.status == 200
        assert stream.headers["access-control-allow-origin"] == "https://app.example"


HANDSHAKES = [
    (426, []), (426, ["Upgrade: h2c", "Connection: Upgrade", KEY, "Sec-WebSocket-Version: 13"]),
    (426, ["Upgrade: websocket", KEY, "Sec-WebSocket-Version: 13"]),
    (426, ["Upgrade: websocket", "Connection: Upgrade", KEY, "Sec-WebSocket-Version: 8"]),
    (400, ["Upgrade: websocket", "Connection: Upgrade", KEY]),
    (400, ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]),
    (400, ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: short"]),
]


@pytest.mark.parametrize("status,headers", HANDSHAKES)
def test_a_handshake_that_is_none(server, status, headers):
    url = server.urls[0]
    with Wire(url) as wire:
        wire.send(request("GET", f"{FLOWS}{UNKNOWN_FLOW}/ws", f"Origin: {url}", *headers,
                          host=url.split("//")[1]))
        answer = wire.answer()
        assert answer.status == status, answer
        if status == 426:
            assert answer.one("sec-websocket-version") == "13" and answer.one("upgrade") == "websocket"


def test_each_address_has_a_share(make_server):
    server = make_server("server.max_live_per_address=2", "server.max_live=4", BEHIND_PROXY)
    flows = [new_flow(server) for _ in range(6)]
    url = server.urls[0]

    def watch(i, address):
        return Socket(url, flows[i], headers=[f"X-Forwarded-For: {address}"])

    held = [watch(0, "192.0.2.1"), watch(1, "192.0.2.1")]
    assert refusal(url, flows[2], headers=["X-Forwarded-For: 192.0.2.1"]) == 429
    held += [watch(2, "192.0.2.2"), watch(3, "192.0.2.3")]
    assert refusal(url, flows[4], headers=["X-Forwarded-For: 192.0.2.4"]) == 503
    held.pop().ws.close()
    held.append(wait_for(lambda: try_watch(watch, 4), "a place"))
    for socket in held:
        assert socket.status() == "pending"
        socket.ws.shutdown()


def try_watch(watch, i):
    try:
        return watch(i, "192.0.2.4")
    except websocket.WebSocketBadStatusException:
        return None


def test_sockets_are_counted(server):
    wait_for(lambda: gauge(server, "pintle_live_sockets") == 0, "those of other tests to be gone")
    with Socket(server.urls[0], new_flow(server)), Stream(server.urls[0], new_flow(server)):
        wait_for(lambda: gauge(server, "pintle_live_sockets") == 1
                 and gauge(server, "pintle_live_streams") == 1, "both to be counted")
    wait_for(lambda: gauge(server, "pintle_live_sockets") == 0
             and gauge(server, "pintle_live_streams") == 0, "none to be left")


# ---- Server-sent events ----

def test_events_of_a_flow(server):
    flow_id = new_flow(server)
    with Stream(server.urls[0], flow_id) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert "content-length" not in stream.headers and stream.headers["connection"] == "close"
        assert stream.state()["status"] == "pending"
        cancel(server, flow_id)
        assert stream.state() == {"status": "expired", "expires_in": 0}
        assert stream.event() == {"event": "end", "data": '{"reason":"over"}'}
        assert stream.event() is None


def test_a_stream_is_for_get(server):
    flow_id, url = new_flow(server), server.urls[0]
    assert requests.head(f"{url}{FLOWS}{flow_id}/events", timeout=10).status_code == 405
    assert requests.post(f"{url}{FLOWS}{flow_id}/events", timeout=10).status_code == 405


def test_what_follows_the_request_ends_a_stream(server):
    with Stream(server.urls[0], new_flow(server)) as stream:
        assert stream.state()["status"] == "pending"
        stream.send(request())
        while stream.event() is not None:
            pass


def test_a_silent_stream_has_comments(make_server):
    server = make_server("server.live_ping=1s")
    with Stream(server.urls[0], new_flow(server)) as stream:
        assert stream.state()["status"] == "pending"
        assert stream.event() == {":": ""}
        assert stream.event() == {":": ""}


# ---- Behind a proxy ----

def test_the_example_for_nginx(make_server):
    """As it stands in docs/operations.md."""
    with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as file:
        (location,) = re.findall(r"^location ~ \^/api/v1/auth/flows.*?^}", file.read(), re.M | re.S)
    port = free_port()
    front = f"http://127.0.0.1:{port}"
    server = make_server(f"server.public_url={front}", BEHIND_PROXY)
    conf = ("upstream pintle {{ server {a}; }}\nserver {{ listen 127.0.0.1:{port};\n"
            + location.replace("{", "{{").replace("}", "}}") + "\n}}\n")
    nginx = Nginx(conf, port=port, a=server.urls[0].split("//")[1]).start()
    try:
        watched, streamed = new_flow(server), new_flow(server)
        with Socket(front, watched) as socket:
            assert socket.status() == "pending"
            cancel(server, watched)
            assert socket.status() == "expired"
            assert socket.close_frame() == 1000  # how nginx ends the connection is its own affair
        with requests.get(f"{front}{FLOWS}{streamed}/events", stream=True, timeout=10) as stream:
            lines = stream.iter_lines(chunk_size=1)  # nginx makes chunks of it
            assert json.loads(next(lines).removeprefix(b"data: "))["status"] == "pending"
            cancel(server, streamed)
            assert b'"expired"' in b"".join(lines)
        assert refusal(front, new_flow(server), origin="http://evil.example") == 403
    finally:
        nginx.stop()


# ---- Stores that fail ----

FAULTY = [pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these"),
          pytest.mark.one_host(reason="a fault is told to the host of one state folder")]


class TestFaults:
    pytestmark = FAULTY

    def test_an_opening_is_right_or_refused(self, make_server, plugins):
        server = make_server(*faulty.OPTIONS, plugins=str(plugins))
        flow_id = new_flow(server)
        for fault in faulty.each_op_in_turn(server):
            with fault:
                status, socket = opened(server.url, flow_id)
            assert status in (101, 503), f"{fault}: {status}"
            if socket:
                assert socket.status() == "pending", str(fault)
                socket.ws.shutdown()

    def test_a_store_that_is_away_ends_nothing(self, make_server, plugins):
        server = make_server(*faulty.OPTIONS, "server.live_ping=1s", plugins=str(plugins))
        flow_id = new_flow(server)
        with Socket(server.url, flow_id) as socket:
            assert socket.status() == "pending"
            faulty.fail(server, "kv", "get", "before", 1)
            assert opened(server.url, flow_id)[0] == 503
            for _ in range(3):
                opcode, _ = socket.ws.recv_data(control_frame=True)
                assert opcode == PING
            assert faulty.heal(server)
            cancel(server, flow_id)
            assert socket.status() == "expired"


def opened(url, flow_id):
    """The status of a handshake, and the socket if there is one."""
    try:
        return 101, Socket(url, flow_id)
    except websocket.WebSocketBadStatusException as error:
        return error.status_code, None


# ---- Life and death of workers ----

def test_a_reload_sends_everybody_on(make_server):
    server = make_server(workers=2)
    flows = [new_flow(server) for _ in range(8)]
    url = server.urls[0]
    # python3-websocket does not know 1012.
    sockets, streams = [RawSocket(url, one) for one in flows[:4]], [Stream(url, one) for one in flows[4:]]
    for one in [*sockets, *streams]:
        assert one.state()["status"] == "pending"
    server.ctl("reload")
    for socket in sockets:
        assert socket.close_code() == 1012
    for stream in streams:
        wait_ms = int(stream.event()["retry"])
        assert 500 <= wait_ms < 3500 and stream.event() is None
    for one in flows[:4]:
        with Socket(url, one) as again:
            assert again.status() == "pending"


def test_a_stop_ends_them_at_once(make_server):
    server = make_server(workers=2)
    with RawSocket(server.urls[0], new_flow(server)) as socket:
        assert socket.state()["status"] == "pending"
        assert server.stop() == 0
        assert socket.close_code() == 1012


@pytest.mark.one_host(reason="which worker has the socket is asked of one")
def test_kill_9_of_the_worker_that_has_it(make_server):
    server = make_server(workers=2)
    flow_id, url = new_flow(server), server.urls[0]
    with Socket(url, flow_id) as socket:
        assert socket.status() == "pending"
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        assert socket.ws.sock.recv(1) == b""
    wait_for(lambda: is_up(url), "new workers")
    with Socket(url, flow_id) as socket:
        assert socket.status() == "pending"
        cancel(server, flow_id)
        assert socket.status() == "expired"


def is_up(url):
    try:
        return requests.get(url + "/healthz", timeout=1).status_code == 200
    except requests.RequestException:
        return False


def test_other_requests_are_served_meanwhile(server):
    everywhere = Everywhere(server)
    with Socket(server.urls[0], new_flow(server)) as socket:
        assert socket.status() == "pending"
        answers = everywhere.ask("GET", "/healthz")
        assert {answer.status_code for answer in answers} == {200}
        assert {worker_of(answer) for answer in answers} == set(everywhere.connections)
    everywhere.close()
