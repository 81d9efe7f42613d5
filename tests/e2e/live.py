# SPDX-License-Identifier: Apache-2.0
"""Flows watched live: over a WebSocket by an independent client or byte by byte, and as event stream."""
import json
import os
import struct
from contextlib import contextmanager

import requests
import websocket

from harness import BUILD, new_phone
from wire import Wire

FLOWS = "/api/v1/auth/flows/"
SEND = "/api/v1/auth/send-sms-code"
TIMEOUT_S = 20
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
REPLACED = 4001
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


def new_flow(server):
    """The id of a flow that waits for its code."""
    return server.client().ok("POST", SEND, {"phone": new_phone()})["flow_id"]


def cancel(server, flow_id):
    server.client().ok("DELETE", FLOWS + flow_id)


# ---- By python3-websocket ----

class Socket:
    """A WebSocket on a flow; url is a host's."""

    def __init__(self, url, flow_id, origin=None, headers=None):
        self.ws = websocket.create_connection(
            "ws" + url[4:] + f"{FLOWS}{flow_id}/ws", origin=origin or url, timeout=TIMEOUT_S,
            header=headers or [], sslopt={"cert_reqs": 0})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.shutdown()

    def state(self):
        opcode, data = self.ws.recv_data()
        assert opcode == TEXT, (opcode, data)
        return json.loads(data)

    def status(self):
        return self.state()["status"]

    def close_frame(self):
        """The code of the close frame, which must be next."""
        opcode, data = self.ws.recv_data()
        assert opcode == CLOSE, (opcode, data)
        return struct.unpack("!H", data[:2])[0]

    def close_code(self):
        """The same; then the server ends the connection."""
        code = self.close_frame()
        assert self.ws.sock.recv(1) == b""
        return code


def refusal(url, flow_id, **kwargs):
    """The status of a handshake that must fail."""
    try:
        Socket(url, flow_id, **kwargs).ws.close()
    except websocket.WebSocketBadStatusException as error:
        return error.status_code
    raise AssertionError("the handshake was answered by 101")


# ---- Byte by byte ----

def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x12\x34\x56\x78", length=None):
    """A frame of a client; length: what it says its payload is."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not mask:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class RawSocket(Wire):
    """A WebSocket that sends any bytes."""

    def __init__(self, url, flow_id, source=None, wrap=None):
        super().__init__(url, source)
        if wrap:
            self.sock = wrap(self.sock)
        self.send("\r\n".join([f"GET {FLOWS}{flow_id}/ws HTTP/1.1", f"Host: {url.split('//')[1]}",
                               f"Origin: {url}", "Upgrade: websocket", "Connection: Upgrade",
                               "Sec-WebSocket-Version: 13", KEY, "", ""]).encode())
        lines = self._head()
        assert lines and lines[0].split(" ")[1] == "101", lines

    def frame(self):
        """(opcode, payload), or None when the server has closed."""
        while len(self.unread) < 2 or len(self.unread) < 2 + self.unread[1]:
            if not self._more():
                assert self.unread == b"", self.unread
                return None
        length = self.unread[1]
        assert length < 126 and self.unread[0] & 0x70 == 0, self.unread[:20]
        opcode, payload = self.unread[0] & 0x0f, self.unread[2:2 + length]
        self.unread = self.unread[2 + length:]
        return opcode, payload

    def state(self):
        opcode, payload = self.frame()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def close_code(self):
        """Of the close frame that must come, after whatever came before; then the end."""
        found = None
        while (got := self.frame()) is not None:
            found = got
        assert found and found[0] == CLOSE, found
        return struct.unpack("!H", found[1][:2])[0]


# ---- Events ----

class Stream(Wire):
    """Server-sent events of a flow."""

    def __init__(self, url, flow_id, *headers):
        super().__init__(url)
        self.send("\r\n".join([f"GET {FLOWS}{flow_id}/events HTTP/1.1",
                               f"Host: {url.split('//')[1]}", *headers, "", ""]).encode())
        lines = self._head()
        self.status = int(lines[0].split(" ")[1])
        self.headers = {name.lower(): value.strip() for name, value in
                        (line.split(":", 1) for line in lines[1:])}

    def event(self):
        """The fields of the next event or comment; None at the end."""
        while b"\n\n" not in self.unread:
            if not self._more():
                assert self.unread == b"", self.unread
                return None
        text, self.unread = self.unread.split(b"\n\n", 1)
        return dict(line.split(": ", 1) if line != ":" else (":", "")
                    for line in text.decode().split("\n"))

    def state(self):
        event = self.event()
        while event is not None and ":" in event:
            event = self.event()
        return json.loads(event["data"])


# ---- The server's side ----

def gauge(server, name):
    """A number of /metrics, over all hosts."""
    total = 0
    for url in server.urls:
        lines = requests.get(url + "/metrics", timeout=10).text.split("\n")
        total += sum(int(line.split()[1]) for line in lines if line.startswith(name + " "))
    return total


def rss_kib(pids):
    """Resident memory of processes."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    return total


def is_instrumented():
    """Whether the server keeps what it has freed for a while, as AddressSanitizer makes it do."""
    with open(os.path.join(BUILD, "test", "pintled"), "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


def n_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextmanager
def all_closed(things):
    try:
        yield things
    finally:
        for thing in things:
            thing.__exit__()
