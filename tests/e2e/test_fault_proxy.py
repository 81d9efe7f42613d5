# SPDX-License-Identifier: Apache-2.0
"""The proxy that fails on purpose does what its modes say: each is tried before a store is blamed."""
import socket
import threading
import time

import pytest

from fault_proxy import FaultProxy, MysqlFrames, RedisFrames
from harness import wait_for

pytestmark = pytest.mark.own_stores
PING = b"*1\r\n$4\r\nPING\r\n"
PONG = b"$4\r\nPONG\r\n"


class Echo:
    """A store that answers every command of Redis with PONG."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(sock,), daemon=True).start()

    def answer(self, sock):
        try:
            while data := sock.recv(4096):
                self.received.append(data)
                sock.sendall(PONG * data.count(PING))
        except OSError:
            pass
        finally:
            sock.close()

    def n_pings(self):
        return b"".join(self.received).count(PING)


@pytest.fixture
def echo():
    store = Echo()
    yield store
    store.listener.close()


@pytest.fixture
def proxy(echo):
    one = FaultProxy("127.0.0.1", echo.port, "redis")
    yield one
    one.close()


def connect(proxy):
    sock = socket.create_connection(("127.0.0.1", proxy.port), 5)
    sock.settimeout(5)
    return sock


def read(sock, n=len(PONG)):
    got = b""
    while len(got) < n and (more := sock.recv(n - len(got))):
        got += more
    return got


def ask(sock):
    sock.sendall(PING)
    return read(sock)


def is_silent(sock, seconds=0.3):
    sock.settimeout(seconds)
    try:
        return sock.recv(1) is None
    except socket.timeout:
        return True
    finally:
        sock.settimeout(5)


def test_passes_and_counts(proxy, echo):
    with connect(proxy) as sock:
        assert [ask(sock), ask(sock)] == [PONG, PONG]
        assert proxy.report() == {"links": 1, "commands": 2, "cut": 0, "accepted": 1}
    wait_for(lambda: proxy.report()["links"] == 0, "the end of the connection")
    assert echo.n_pings() == 2


def test_refuses_and_listens_again_on_the_same_port(proxy):
    with connect(proxy) as sock:
        assert ask(sock) == PONG
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    with connect(proxy) as sock:
        assert ask(sock) == PONG


def test_black_hole_takes_and_tells_nothing(proxy, echo):
    with connect(proxy) as old:
        assert ask(old) == PONG
        proxy.black_hole()
        with connect(proxy) as new:
            for sock in (old, new):
                sock.sendall(PING)
                assert is_silent(sock)
            proxy.heal()
            for sock in (old, new):
                with pytest.raises(ConnectionResetError):
                    sock.recv(1)
    assert echo.n_pings() == 1, "what was swallowed never arrives"


def test_hold_delivers_late(proxy, echo):
    with connect(proxy) as sock:
        proxy.hold()
        sock.sendall(PING)
        assert is_silent(sock)
        assert echo.n_pings() == 0
        proxy.heal()
        assert read(sock) == PONG


def test_resets_in_the_middle_of_an_answer(proxy):
    proxy.reset_after(len(PONG) + 3)
    with connect(proxy) as sock:
        assert ask(sock) == PONG
        sock.sendall(PING)
        with pytest.raises(ConnectionResetError):
            # the bytes before the reset may arrive, or be lost with it
            assert read(sock) == PONG[:3]
            read(sock)
            pytest.fail("the connection only ended")


def test_latency_ends_with_the_fault(proxy):
    proxy.latency(0.3)
    with connect(proxy) as sock:
        began = time.monotonic()
        assert ask(sock) == PONG and time.monotonic() - began >= 0.3
        proxy.latency(3600)
        sock.sendall(PING)
        assert is_silent(sock)
        proxy.heal()
        assert read(sock) == PONG


def test_trickle_is_a_byte_a_second(proxy):
    proxy.trickle()
    with connect(proxy) as sock:
        sock.sendall(PING)
        assert read(sock, 1) == PONG[:1]
        assert is_silent(sock)
        assert read(sock, 1) == PONG[1:2]
        proxy.heal()
        assert read(sock, len(PONG) - 2) == PONG[2:]


def test_wrong_answers_and_a_reset_after_them(proxy):
    for lie, said in ((proxy.garbage, b"\xee" * len(PONG)), (proxy.wrong, b":1\r\n")):
        with connect(proxy) as sock:
            lie()
            sock.sendall(PING)
            assert read(sock, len(said)) == said
            proxy.heal()
            with pytest.raises(ConnectionResetError):
                sock.recv(1)


@pytest.mark.parametrize("side", ["question", "answer"])
def test_cuts_at_a_command(proxy, echo, side):
    proxy.cut(3, side)
    with connect(proxy) as sock:
        assert [ask(sock), ask(sock)] == [PONG, PONG]
        sock.sendall(PING)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert proxy.report()["cut"] == 1
    assert echo.n_pings() == (2 if side == "question" else 3)
    with connect(proxy) as sock:
        assert ask(sock) == PONG, "only that one"


def test_cuts_for_good(proxy):
    proxy.cut(1, for_good=True)
    with connect(proxy) as sock:
        sock.sendall(PING)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)


def test_the_store_behind_it_is_gone():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = FaultProxy(*nobody.getsockname())
        with connect(proxy) as sock, pytest.raises(ConnectionResetError):
            sock.recv(1)
        proxy.close()


SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"
QUERY = bytes([2, 0, 0, 0, 0x03, 0x31])
FRAMES = [
    (RedisFrames, PING + SET, [PING, SET]),
    (MysqlFrames, QUERY + QUERY, [QUERY, QUERY]),
]


@pytest.mark.parametrize("kind, stream, frames", FRAMES, ids=["redis", "mysql"])
def test_finds_commands_wherever_the_stream_is_broken(kind, stream, frames):
    for at in range(len(stream) + 1):
        one = kind()
        found = one.feed(stream[:at]) + one.feed(stream[at:])
        assert found == frames, at
        assert all(one.is_command(frame) for frame in found)


NOT_COMMANDS = [bytes([1, 0, 0, 0, 0x01]), bytes([5, 0, 0, 0, 0x19, 1, 0, 0, 0]),
                bytes([2, 0, 0, 1, 0x03, 0])]


@pytest.mark.parametrize("frame", NOT_COMMANDS, ids=["quit", "close statement", "of a handshake"])
def test_knows_what_is_no_command_of_mysql(frame):
    assert MysqlFrames().feed(frame) == [frame] and not MysqlFrames().is_command(frame)
