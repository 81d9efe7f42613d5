# SPDX-License-Identifier: Apache-2.0
"""Clients that hold on to their connections: cut off at a fixed time, while others are served."""
import os
import resource
import selectors
import socket
import time
from urllib.parse import urlsplit

import pytest

from harness import sign_in, wait_for
from wire import POST_HEAD, Wire, request

FULL = os.environ.get("PINTLE_FULL") == "1"
N = 10000 if FULL else 1000
HEAD_S, BODY_S, WRITE_S = 3, 4, 4
TICK_S = 0.25
# One Python thread looks at all of them in turn.
SLACK_S = 30  # whether they are cut off is the question, not how fast this machine is
# Answers that one who reads nothing asks for: more than the sockets between us hold.
BIG = request("GET", "/openapi.json") * 100


@pytest.fixture
def server(make_server):
    limits = {"head_timeout": HEAD_S, "body_timeout": BODY_S, "write_timeout": WRITE_S, "idle_timeout": 600}
    return make_server(*[f"server.{name}={seconds}s" for name, seconds in limits.items()],
                       "limits.address_per_minute=100000000")


@pytest.fixture(autouse=True, scope="module")
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Worker:
    """What the one worker holds."""

    def __init__(self, server):
        self.pid, = server.workers()

    def n_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_mb(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


class Slow:
    """One client; what comes back is thrown away, unless it is one who reads nothing."""

    def __init__(self, address, index, first, drip):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind((f"127.{1 + index % 200}.{index // 200 % 250}.1", 0))
        self.sock.connect(address)
        self.sock.setblocking(False)
        self.opened = time.monotonic()
        self.closed_after = None
        self.first, self.drip = first, drip
        self.send(first)

    def send(self, data):
        try:
            self.sock.send(data)
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def close(self):
        if self.closed_after is None:
            self.closed_after = time.monotonic() - self.opened
        self.sock.close()

    def read(self):
        try:
            came = self.sock.recv(65536)
        except OSError:
            came = b""
        if not came:
            self.close()


KINDS = {
    "head": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"a"),
    "body": (POST_HEAD + b"Content-Length: 100000\r\n\r\n", b"a"),
    "read": (BIG, b""),
}


def open_all(server, kinds, n):
    where = urlsplit(server.url)
    return [Slow((where.hostname, where.port), i, *KINDS[kinds[i % len(kinds)]]) for i in range(n)]


def read_what_came(clients):
    """Readers see their answer and the end; who reads nothing learns of the end by its error."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            if client.closed_after is None:
                events = selectors.EVENT_READ if client.drip else 0
                selector.register(client.sock, events or selectors.EVENT_WRITE, client)
        for key, _ in selector.select(0):
            client = key.data
            if client.drip:
                client.read()
            elif client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                client.close()


def drip_all(clients):
    for client in clients:
        if client.closed_after is None and client.drip:
            client.send(client.drip)


def timed(who):
    began = time.monotonic()
    assert who.get("/api/v1/user/profile").status_code == 200
    return time.monotonic() - began


def live_among(clients, who, seconds):
    """Drips for so long and meanwhile asks as an honest client; how long each answer took."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end and any(client.closed_after is None for client in clients):
        drip_all(clients)
        took += [timed(who) for _ in range(10)]
        read_what_came(clients)
        time.sleep(TICK_S / 5)
    return sorted(took)


def test_slow_clients_are_cut_off_and_others_served(server):
    worker, who = Worker(server), sign_in(server)
    timed(who)
    files, memory = worker.n_files(), worker.resident_mb()
    clients = open_all(server, list(KINDS), N)
    peak = worker.resident_mb()
    took = live_among(clients, who, 3 * max(HEAD_S, BODY_S, WRITE_S))
    stuck = [client for client in clients if client.closed_after is None]
    p99 = took[len(took) * 99 // 100]
    print(f"{N} slow clients: {memory:.0f} MB before, {peak:.0f} MB with them; {len(took)} requests "
          f"meanwhile, median {took[len(took) // 2] * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, {len(stuck)} stuck")
    assert not stuck, f"{len(stuck)} of {N} hold on, first: {stuck[0].first[:60]}"
    for kind, seconds in (("head", HEAD_S), ("body", BODY_S), ("read", WRITE_S)):
        times = [client.closed_after for client in clients if client.first == KINDS[kind][0]]
        assert min(times) > seconds * 0.8, f"{kind}: cut off after {min(times)} s of {seconds}"
        assert max(times) < seconds + SLACK_S, f"{kind}: cut off after {max(times)} s of {seconds}"
    wait_for(lambda: worker.n_files() <= files + 2, "their descriptors to be free")
    assert p99 < 10, "others were kept waiting"
    assert peak < 200 or peak - memory < 100, f"{memory} MB grew to {peak} MB"
    assert timed(who) < 1


def test_a_late_client_is_told(server):
    wires = [Wire(server.url), Wire(server.url)]
    for wire, kind in zip(wires, ("head", "body")):
        wire.send(KINDS[kind][0])
    answers = [wire.answers() for wire in wires]
    assert [[(answer.status, answer.json()["error"]) for answer in each] for each in answers] == \
        [[(408, "request_timeout")]] * 2


def is_open(wire):
    """Whether the server answers there; it closes at once what it does not take."""
    wire.send(request())
    answer = wire.answer()
    assert answer is None or answer.status == 200, answer
    return answer is not None


def test_one_address_holds_only_its_share(make_server):
    server = make_server("server.max_per_address=20", "server.max_connections=60")
    wires = [Wire(server.url, "127.9.9.9") for _ in range(30)]
    taken = [wire for wire in wires if is_open(wire)]
    assert len(taken) == 20
    with Wire(server.url, "127.9.9.10") as other:
        assert is_open(other), "another address has its own share"
    taken[0].sock.close()

    def enters():
        with Wire(server.url, "127.9.9.9") as again:
            return is_open(again)
    wait_for(enters, "room after one has left")
    for wire in wires:
        wire.sock.close()


def test_who_idles_longest_makes_room(make_server):
    server = make_server("server.max_connections=20")
    idle = [Wire(server.url, f"127.8.0.{i + 1}") for i in range(20)]
    assert all(is_open(wire) for wire in idle)
    with Wire(server.url, "127.8.1.1") as late:
        assert is_open(late), "the one that has been idle longest gives way"
    assert not is_open(idle[0])
    for wire in idle:
        wire.sock.close()
