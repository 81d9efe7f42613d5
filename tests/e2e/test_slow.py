# SPDX-License-Identifier: Apache-2.0
"""Clients that hold on to their connections: cut off at a fixed time, while others are served."""
import os
import resource
import select
import socket
import time
from urllib.parse import urlsplit

import pytest

from harness import sign_in, wait_for
from parallel import FULL
from wire import POST_HEAD, Wire, request

N = 10000 if FULL else 1000
HEAD_S, BODY_S, WRITE_S = 3, 4, 4
TICK_S = 0.1
# What the full form holds; the short one runs beside other tests, and asks whether, not how fast.
SLACK_S, P99_S = (1.5, 0.1) if FULL else (10, 2)
PEAK_MB = 200
STORE_SOCKETS = 10  # that a driver may open to its store meanwhile, and keep
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

    def n_sockets(self):
        """A store may open files of its own meanwhile."""
        return sum(self._is_socket(fd) for fd in os.listdir(f"/proc/{self.pid}/fd"))

    def _is_socket(self, fd):
        try:
            return os.readlink(f"/proc/{self.pid}/fd/{fd}").startswith("socket:")
        except FileNotFoundError:
            return False

    def resident_mb(self, which="VmRSS"):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(which)) / 1024


def kernel_mb():
    """What the sockets of this machine hold in the kernel, those of other programs too."""
    with open("/proc/net/sockstat", encoding="ascii") as file:
        line = next(line.split() for line in file if line.startswith("TCP:"))
    return int(line[line.index("mem") + 1]) * resource.getpagesize() / 2**20


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


class Crowd:
    """Slow clients, looked after by one thread."""

    def __init__(self, server, kinds, n):
        where = urlsplit(server.url)
        self.epoll = select.epoll()
        self.clients, self.open = [], {}
        for i in range(n):
            self.add(Slow((where.hostname, where.port), i, *KINDS[kinds[i % len(kinds)]]))
            if i % 100 == 0:
                self.see()

    def add(self, client):
        self.clients.append(client)
        if client.closed_after is None:
            self.open[client.sock.fileno()] = client
            # One who reads nothing learns of the end by an error, for which nobody has to ask.
            self.epoll.register(client.sock, select.EPOLLIN if client.drip else 0)

    def see(self):
        """Takes what came, and notes who has been closed."""
        for fd, _ in self.epoll.poll(0):
            client = self.open[fd]
            if client.drip:
                client.read()
            else:
                client.close()
            if client.closed_after is not None:
                del self.open[fd]

    def drip(self):
        for fd, client in list(self.open.items()):
            client.send(client.drip)
            if client.closed_after is not None:
                del self.open[fd]

    def close(self):
        for client in self.open.values():
            client.sock.close()
        self.epoll.close()


def timed(who):
    began = time.monotonic()
    assert who.get("/api/v1/user/profile").status_code == 200
    return time.monotonic() - began


def live_among(crowd, who, seconds):
    """Drips for so long and meanwhile asks as an honest client; how long each answer took."""
    took, end, next_drip = [], time.monotonic() + seconds, 0
    while time.monotonic() < end and crowd.open:
        if time.monotonic() >= next_drip:
            crowd.drip()
            next_drip = time.monotonic() + TICK_S
        took.append(timed(who))
        crowd.see()
    return sorted(took)


def test_slow_clients_are_cut_off_and_others_served(server):
    """The short form of a tenth of them shows that they are; the full form holds the promised figures."""
    worker, who = Worker(server), sign_in(server)
    timed(who)
    sockets, memory, kernel = worker.n_sockets(), worker.resident_mb(), kernel_mb()
    crowd = Crowd(server, list(KINDS), N)
    kernel = kernel_mb() - kernel
    took = live_among(crowd, who, 3 * max(HEAD_S, BODY_S, WRITE_S))
    n_stuck, peak, p99 = len(crowd.open), worker.resident_mb("VmHWM"), took[len(took) * 99 // 100]
    crowd.close()
    print(f"\n{N} slow clients of {len(KINDS)} kinds: {memory:.0f} MB before, at most {peak:.0f} MB with them, "
          f"{kernel:.0f} MB in the kernel; "
          f"{len(took)} requests meanwhile, median {took[len(took) // 2] * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms; "
          f"{n_stuck} stuck")
    assert n_stuck == 0
    for kind, seconds in (("head", HEAD_S), ("body", BODY_S), ("read", WRITE_S)):
        times = [client.closed_after for client in crowd.clients if client.first == KINDS[kind][0]]
        print(f"{kind}: {len(times)} cut off after {min(times):.2f} to {max(times):.2f} s of {seconds} s")
        assert min(times) > seconds * 0.8, f"{kind}: cut off after {min(times)} s of {seconds}"
        assert max(times) < seconds + SLACK_S, f"{kind}: cut off after {max(times)} s of {seconds}"
    wait_for(lambda: worker.n_sockets() <= sockets + STORE_SOCKETS, "their descriptors to be free")
    assert p99 < P99_S, "others were kept waiting"
    assert peak < PEAK_MB or peak - memory < PEAK_MB / 2, f"{memory} MB grew to {peak} MB"
    assert kernel < PEAK_MB, f"{kernel} MB more in the kernel, of which each reader has its share"
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


def test_who_reads_slowly_gets_every_byte(server):
    """Answers larger than what the sockets hold, taken a little at a time."""
    where, n_answers = urlsplit(server.url), 5
    whole = server.client().get("/openapi.json").content
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(20)
        sock.connect((where.hostname, where.port))
        sock.sendall(request("GET", "/openapi.json") * n_answers)
        came = b""
        while came.count(whole) < n_answers:
            chunk = sock.recv(1500)
            assert chunk, f"closed after {len(came)} bytes"
            came += chunk
    assert len(came) < n_answers * (len(whole) + 1000), "and nothing besides"


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
