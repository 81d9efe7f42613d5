# SPDX-License-Identifier: Apache-2.0
"""Bytes to a server and strictly framed answers back, for what an HTTP client would not send."""
import json
import socket
from urllib.parse import urlsplit

TIMEOUT_S = 20
# A request that only its body is missing from.
POST_HEAD = (b"POST /oauth/revoke HTTP/1.1\r\nHost: a\r\n"
             b"Content-Type: application/x-www-form-urlencoded\r\n")


class Answer:
    """One answer as it stood on the wire; headers keep their order, names in lower case."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    def one(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {self.headers}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Wire:
    """A connection; source binds it to an address of 127.0.0.0/8."""

    def __init__(self, url, source=None):
        where = urlsplit(url)
        self.sock = socket.create_connection((where.hostname, where.port), TIMEOUT_S,
                                             source_address=(source, 0) if source else None)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """What the peer takes of it: it may have refused and closed before the end."""
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            chunk = self.sock.recv(65536)
        except ConnectionResetError:
            chunk = b""
        self.unread += chunk
        return chunk != b""

    def _head(self):
        while b"\r\n\r\n" not in self.unread:
            if not self._more():
                assert self.unread == b"", f"cut off in a head: {self.unread[:300]!r}"
                return None
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        return head.decode("latin-1").split("\r\n")

    def answer(self, is_head=False):
        """The next final answer; None when the server has closed."""
        lines = self._head()
        if lines is None:
            return None
        version, status = lines[0].split(" ")[:2]
        assert version == "HTTP/1.1", f"not an answer: {lines}"
        if status == "100":
            return self.answer(is_head)
        headers = [(name.lower(), value.strip()) for name, value in
                   (line.split(":", 1) for line in lines[1:])]
        lengths = [int(value) for name, value in headers if name == "content-length"]
        assert len(lengths) == 1 or status == "204", f"no one length: {lines}"
        length = 0 if is_head or not lengths else lengths[0]
        while len(self.unread) < length:
            assert self._more(), f"{length} bytes announced, {self.unread!r} came: {lines}"
        body, self.unread = self.unread[:length], self.unread[length:]
        return Answer(int(status), headers, body)

    def answers(self):
        """All up to the end of the connection, which the server must bring about."""
        found = []
        while (answer := self.answer()) is not None:
            found.append(answer)
        return found


def request(method="GET", path="/healthz", *headers, body=b"", host="a"):
    """The bytes of an honest request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
