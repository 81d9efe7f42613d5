# SPDX-License-Identifier: Apache-2.0
"""Requests begun at their times, whether or not earlier ones have been answered (an open loop)."""
import re
import selectors
import socket
import threading
import time
from urllib.parse import urlsplit

ANSWER_S = 10
N_KEPT = 20


class Line:
    """A connection; due_s is when the request under way should have begun, None while it idles."""

    def __init__(self, address, is_kept):
        self.sock = socket.create_connection(address, ANSWER_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_kept = is_kept
        self.due_s, self.came = None, b""

    def begin(self, text, due_s):
        self.due_s, self.came = due_s, b""
        self.sock.sendall(text)

    def status(self):
        """Of the whole answer, and whether the server closes after it; None before that."""
        head, end, body = self.came.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) if end else None
        if not length or len(body) < int(length[1]):
            return None
        return int(head.split()[1]), b"connection: close" in head.lower()


class OpenLoop:
    """While in the with block, a GET of each of paths in turn, rate a second in all.

    Every second one has a connection of its own, the others share N_KEPT that are kept; nothing is sent
    twice. A failure is an answer other than 200, one that does not come, or a connection that breaks.
    """

    def __init__(self, url, paths, token, rate):
        where = urlsplit(url)
        self.address = (where.hostname, where.port)
        self.rate = rate
        self.heads = [f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {token}\r\n"
                      for path in paths]
        self.failures, self.took_s = [], []
        self.began_s = self.lasted_s = 0
        self._idle, self._busy = [], set()
        self._selector = selectors.DefaultSelector()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.began_s = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join(60)
        self._selector.close()

    def _run(self):
        n_begun = 0
        while self._busy or not self._ends.is_set():
            due_s = self.began_s + n_begun / self.rate
            wait_s = due_s - time.monotonic()
            if wait_s <= 0 and not self._ends.is_set():
                self._begin(n_begun, due_s)
                n_begun += 1
            for key, _ in self._selector.select(min(max(wait_s, 0), 0.1)):
                self._read(key.data)
            self._give_up()
        self.lasted_s = time.monotonic() - self.began_s
        for line in self._idle:
            line.sock.close()

    def _begin(self, index, due_s):
        head, line = self.heads[index % len(self.heads)], None
        try:
            line = self._line(index % 2 == 0)
            self._busy.add(line)
            line.begin((head + ("" if line.is_kept else "Connection: close\r\n") + "\r\n").encode(), due_s)
        except OSError as error:
            self._fail(line, repr(error))

    def _line(self, is_kept):
        if is_kept and len(self._idle) >= N_KEPT:
            return self._idle.pop(0)
        line = Line(self.address, is_kept)
        self._selector.register(line.sock, selectors.EVENT_READ, line)
        return line

    def _read(self, line):
        try:
            chunk = line.sock.recv(65536)
        except OSError as error:
            self._fail(line, repr(error))
            return
        line.came += chunk
        answer = line.status() if line.due_s is not None else None
        if answer:
            self._end(line, *answer)
        elif not chunk:
            self._fail(line, f"closed after {line.came[:100]!r}")

    def _end(self, line, status, closes):
        self.took_s.append(time.monotonic() - line.due_s)
        if status != 200:
            self._fail(line, f"status {status}")
        elif closes or not line.is_kept:
            self._drop(line)
        else:
            self._busy.discard(line)
            line.due_s = None
            self._idle.append(line)

    def _fail(self, line, why):
        """One that idles may be closed by the server; nothing is lost with it."""
        if line is None or line.due_s is not None:
            self.failures.append((round(time.monotonic() - self.began_s, 3), why))
        if line is not None:
            self._drop(line)

    def _drop(self, line):
        self._busy.discard(line)
        if line in self._idle:
            self._idle.remove(line)
        self._selector.unregister(line.sock)
        line.sock.close()

    def _give_up(self):
        late_s = time.monotonic() - ANSWER_S
        for line in [line for line in self._busy if line.due_s < late_s]:
            self._fail(line, f"no answer in {ANSWER_S} s")

    def report(self, what):
        took = sorted(self.took_s) or [0]
        total = len(self.took_s) + sum("status" not in why for _, why in self.failures)
        print(f"\n{what}: N={total} in {self.lasted_s:.1f} s (open loop, {self.rate}/s, half on {N_KEPT} kept "
              f"connections), failed {len(self.failures)}, median {took[len(took) // 2] * 1000:.1f} ms, "
              f"p99 {took[len(took) * 99 // 100] * 1000:.1f} ms, slowest {took[-1] * 1000:.0f} ms")
        return total
