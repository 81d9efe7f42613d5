# SPDX-License-Identifier: Apache-2.0
"""Requests that arrive at once: connections are opened first and the last byte of each is held back."""
import json
import os
import select
import socket
from collections import Counter, namedtuple
from urllib.parse import urlsplit

N_PARALLEL = 50
FULL = os.environ.get("PINTLE_FULL") == "1"
ROUNDS = 100 if FULL else 10
TIMEOUT_S = 30

Shot = namedtuple("Shot", "method path body token headers", defaults=(None, {}))
Reply = namedtuple("Reply", "status error data headers")


def say(what, n_parallel=N_PARALLEL, rounds=ROUNDS):
    """A test that has a short and a full form names its size; the end of the output shows it."""
    print(f"{what}: {rounds} rounds of {n_parallel} in parallel")


def _bytes_of(shot, host):
    body = json.dumps(shot.body).encode() if shot.body is not None else b""
    lines = [f"{shot.method} {shot.path} HTTP/1.1", f"Host: {host}", "Connection: close",
             "Accept-Language: en", "Content-Type: application/json",
             f"Content-Length: {len(body)}"]
    if shot.token:
        lines.append(f"Authorization: Bearer {shot.token}")
    lines += [f"{name}: {value}" for name, value in shot.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _read(connection):
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in
               (line.split(":", 1) for line in lines[1:])}
    is_json = headers.get("content-type", "").startswith("application/json")
    told = json.loads(body) if is_json and body else {}
    return Reply(int(lines[0].split()[1]), told.get("error"), told.get("data"), headers)


class Waiting:
    """Requests that were released at once, to the url or to several in turn; their replies are asked for later."""

    def __init__(self, urls, shots):
        places = [urlsplit(url) for url in ([urls] if isinstance(urls, str) else urls)]
        self.targets = [places[i % len(places)] for i in range(len(shots))]
        self.texts = [_bytes_of(shot, at.netloc) for shot, at in zip(shots, self.targets)]
        self.connections = []

    def __enter__(self):
        for at, text in zip(self.targets, self.texts):
            connection = socket.create_connection((at.hostname, at.port), TIMEOUT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            connection.sendall(text[:-1])
        for connection, text in zip(self.connections, self.texts):
            connection.sendall(text[-1:])
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.close()

    def n_unanswered(self):
        return len(self.connections) - len(select.select(self.connections, [], [], 0)[0])

    def replies(self):
        """In the order of the shots."""
        return [_read(connection) for connection in self.connections]


def release(urls, shots):
    """Replies in the order of shots, which go to the url, or to several in turn."""
    with Waiting(urls, shots) as waiting:
        return waiting.replies()


def tally(replies):
    """How often each (status, error) came."""
    return Counter((reply.status, reply.error) for reply in replies)


def winners(replies):
    return [reply for reply in replies if reply.status == 200]
