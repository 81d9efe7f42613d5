# SPDX-License-Identifier: Apache-2.0
"""A50: what a WebSocket's client may do wrong, byte by byte, and what many of them cost."""
import socket
import ssl
import struct
import subprocess

import pytest

import elsewhere
from harness import wait_for
from live import (BINARY, CLOSE, PING, PONG, TEXT, RawSocket, Socket, Stream, all_closed, cancel, frame,
                  gauge, is_instrumented, n_descriptors, new_flow, rss_kib)
from parallel import FULL

pytestmark = pytest.mark.one_host(reason="the edge of one worker is looked at")

MESSAGE_MAX = 4096
N_SOCKETS = 5000 if FULL else 500
# Of the worker's memory; 5,000 plain ones may cost 50 MB. OpenSSL keeps 14 KiB for each connection by itself.
PLAIN_KIB, TLS_KIB = 10, 20

ABUSES = [
    ("unmasked", 1002, frame(TEXT, b"hi", mask=b"")),
    ("reserved bit 1", 1002, frame(TEXT, b"hi", rsv=4)),
    ("reserved bit 2", 1002, frame(TEXT, b"hi", rsv=2)),
    ("reserved bit 3", 1002, frame(TEXT, b"hi", rsv=1)),
    ("reserved opcode", 1002, frame(3, b"hi")),
    ("reserved control opcode", 1002, frame(11, b"hi")),
    ("length of 2^63", 1002, frame(BINARY, b"x", length=1 << 63)),
    ("length of 2^63 - 1", 1009, frame(BINARY, b"x", length=(1 << 63) - 1)),
    ("length of 2^32", 1009, frame(BINARY, b"x", length=1 << 32)),
    ("ping of 126 bytes", 1002, frame(PING, b"x" * 126)),
    ("close of 126 bytes", 1002, frame(CLOSE, b"\x03\xe8" + b"x" * 124)),
    ("ping in fragments", 1002, frame(PING, b"x", fin=False)),
    ("continuation of nothing", 1002, frame(0, b"x")),
    ("a text inside a text", 1002, frame(TEXT, b"x", fin=False) + frame(TEXT, b"x")),
    ("no UTF-8", 1007, frame(TEXT, b"\xc3\x28")),
    ("half a character", 1007, frame(TEXT, b"\xe4\xb8")),
    ("half a character in fragments", 1007, frame(TEXT, b"\xe4", fin=False) + frame(0, b"\x28")),
    ("close code 1005", 1002, frame(CLOSE, struct.pack("!H", 1005))),
    ("close code 0", 1002, frame(CLOSE, struct.pack("!H", 0))),
    ("close of one byte", 1002, frame(CLOSE, b"\x03")),
    ("a message too long", 1009, frame(BINARY, b"x" * (MESSAGE_MAX + 1))),
    ("fragments too long together", 1009,
     frame(TEXT, b"x" * 4000, fin=False) + frame(0, b"x" * 97)),
]


@pytest.mark.parametrize("name,code,data", ABUSES, ids=[name for name, _, _ in ABUSES])
def test_broken_frames(server, name, code, data):
    del name
    flow_id = new_flow(server)
    with RawSocket(server.url, flow_id) as raw:
        assert raw.state()["status"] == "pending"
        raw.send(data)
        assert raw.close_code() == code
    with Socket(server.url, flow_id) as again:
        assert again.status() == "pending"


FINE = [
    ("a text", frame(TEXT, "你好".encode())), ("binary", frame(BINARY, b"\xff" * MESSAGE_MAX)),
    ("fragments", frame(TEXT, b"\xe4\xb8", fin=False) + frame(0, b"\xad", fin=False) + frame(0)),
    ("a pong nobody asked for", frame(PONG, b"x")), ("a large ping", frame(PING, b"x" * 125)),
    ("a ping inside a message", frame(TEXT, b"x", fin=False) + frame(PING, b"y") + frame(0, b"z")),
]


@pytest.mark.parametrize("name,data", FINE, ids=[name for name, _ in FINE])
@pytest.mark.parametrize("step", [1, 1000000], ids=["bytewise", "whole"])
def test_odd_but_right_frames(server, name, data, step):
    del name
    flow_id = new_flow(server)
    with RawSocket(server.url, flow_id) as raw:
        assert raw.state()["status"] == "pending"
        for at in range(0, min(len(data), 64 if step == 1 else len(data)), step):
            raw.send(data[at:at + step])
        if step == 1:
            raw.send(data[64:])
        raw.send(frame(PING, b"there?"))
        while (got := raw.frame()) != (PONG, b"there?"):
            assert got and got[0] == PONG, got
        cancel(server, flow_id)
        assert raw.state() == {"status": "expired", "expires_in": 0}
        assert raw.close_code() == 1000


def test_a_close_is_echoed(server):
    for payload in (b"", struct.pack("!H", 1000), struct.pack("!H", 1001) + b"going"):
        with RawSocket(server.url, new_flow(server)) as raw:
            raw.state()
            raw.send(frame(CLOSE, payload))
            opcode, said = raw.frame()
            assert opcode == CLOSE and said[:2] == payload[:2]
            assert raw.frame() is None


FLOODS = [
    ("a million fragments of one byte", frame(TEXT, b"x", fin=False), frame(0, b"x", fin=False)),
    ("a million empty fragments", frame(TEXT, fin=False), frame(0, fin=False)),
    ("a million empty messages", frame(TEXT), frame(TEXT)),
    ("a million pings", frame(PING, b"x" * 125), frame(PING, b"x" * 125)),
    ("a million pongs", frame(PONG), frame(PONG)),
]


@pytest.mark.parametrize("name,first,rest", FLOODS, ids=[name for name, _, _ in FLOODS])
def test_floods_end_soon_and_cost_nothing(server, name, first, rest):
    del name
    with RawSocket(server.url, new_flow(server)) as raw:
        raw.state()
        before = rss_kib(server.workers())
        raw.send(first)
        block = rest * 1000
        for _ in range(1000):
            raw.send(block)
        grown = rss_kib(server.workers()) - before
        assert grown < 1024 or is_instrumented(), f"{grown} KiB more"
        assert flood_code(raw) in (1008, 1009, None)
    with Socket(server.url, new_flow(server)) as other:
        assert other.status() == "pending"


def flood_code(raw):
    """The close code; None when the reset of what was sent too much has taken it."""
    try:
        return raw.close_code()
    except (AssertionError, ConnectionResetError):
        return None


def test_who_answers_no_ping_is_cut_off(make_server):
    server = make_server("server.live_ping=1s")
    flow_id = new_flow(server)
    with RawSocket(server.url, new_flow(server)) as raw, Socket(server.url, flow_id) as good:
        assert raw.state()["status"] == "pending" and good.status() == "pending"
        for _ in range(3):
            opcode, _ = good.ws.recv_data(control_frame=True)  # and has answered by itself
            assert opcode == PING
        assert raw.frame() == (PING, b"")
        assert raw.frame() is None
        cancel(server, flow_id)
        assert good.status() == "expired"


def test_half_a_frame_does_not_keep_it(make_server):
    server = make_server("server.live_ping=1s")
    halves = [b"\x81", frame(TEXT, b"x" * 100)[:20], frame(TEXT, b"x", fin=False)]
    with all_closed([RawSocket(server.url, new_flow(server)) for _ in halves]) as sockets:
        for raw, half in zip(sockets, halves):
            raw.send(half)
            assert raw.state()["status"] == "pending"
        for raw in sockets:
            assert raw.frame() == (PING, b"") and raw.frame() is None


def test_a_client_that_leaves_frees_all(server):
    before = {pid: n_descriptors(pid) for pid in server.workers()}
    for how in (socket.SHUT_WR, socket.SHUT_RDWR, None):
        with RawSocket(server.url, new_flow(server)) as raw, Stream(server.url, new_flow(server)) as stream:
            raw.state(), stream.state()
            for one in (raw, stream):
                if how is not None:
                    one.sock.shutdown(how)
                else:
                    one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_for(lambda: all(n_descriptors(pid) <= n for pid, n in before.items()), "descriptors")


def test_a_slow_reader_holds_up_nobody(make_server):
    """It pings and takes no pong, and then not even its pings come any more."""
    server = make_server("server.live_ping=1s")
    slow = RawSocket(server.url, new_flow(server))
    for _ in range(90):
        slow.send(frame(PING, b"x" * 125))
    with Socket(server.url, new_flow(server)) as other:
        assert other.status() == "pending"
        wait_for(lambda: gauge(server, "pintle_live_sockets") == 2, "both")
        wait_for(lambda: gauge(server, "pintle_live_sockets") == 0, "both to be cut off")
    slow.sock.close()


# ---- What they cost ----

def sources(n):
    """Each address has a share of its own; ports are used up by none."""
    return [f"127.0.1.{1 + i % 200}" for i in range(n)]


def test_idle_sockets_cost_little(make_server, plugins):
    measure(make_server, plugins, "idle WebSockets",
            lambda server, flow, source: RawSocket(server.url, flow, source), PLAIN_KIB)


def test_idle_streams_cost_little(make_server, plugins):
    measure(make_server, plugins, "idle event streams",
            lambda server, flow, source: Stream(server.url, flow), PLAIN_KIB)


def test_idle_sockets_over_tls_cost_little(make_server, plugins, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = ssl.create_default_context(cafile=cert)
    context.check_hostname = False
    url = f"https://127.0.0.1:{port}"
    measure(make_server, plugins, "idle WebSockets over TLS",
            lambda server, flow, source: RawSocket(url, flow, source, context.wrap_socket),
            TLS_KIB, f"server.listen_tls=127.0.0.1:{port}", f"server.tls_cert={cert}", f"server.tls_key={key}")


def measure(make_server, plugins, what, connect, max_kib, *options):
    """Memory of the worker before and after; the first hundred warm what all share."""
    server = make_server("server.max_live_per_address=100000", "server.max_per_address=100000",
                         f"server.max_live={N_SOCKETS + 200}", "limits.flow_ttl=1h", *options,
                         **elsewhere.settings(plugins))
    client = server.client()
    flows = [elsewhere.begin_picture(client).flow_id for _ in range(N_SOCKETS + 100)]
    with all_closed([]) as held:
        for flow, source in zip(flows[:100], sources(100)):
            held.append(connect(server, flow, source))
            assert held[-1].state()["status"] == "pending"
        before = rss_kib(server.workers())
        for flow, source in zip(flows[100:], sources(N_SOCKETS)):
            held.append(connect(server, flow, source))
            assert held[-1].state()["status"] == "pending"
        each = (rss_kib(server.workers()) - before) / N_SOCKETS
        print(f"{N_SOCKETS} {what}: {each:.1f} KiB each, {each * N_SOCKETS / 1024:.1f} MiB in all")
        assert each < max_kib or is_instrumented()
        cancel(server, flows[-1])
        assert held[-1].state()["status"] == "expired"
