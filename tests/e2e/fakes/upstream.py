# SPDX-License-Identifier: Apache-2.0
"""What the fakes of sites that people sign in at have in common: one port, what it was asked, misbehaviour."""
import json
import threading
from collections import namedtuple
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from fakes.vendor import Refused
from harness import wait_for
from http_fake import HttpFake

HUGE = 100 * 1024 * 1024
HELD_S = {"hang": 30, "late": 0.3}

Ask = namedtuple("Ask", "method path query headers form")
Answer = namedtuple("Answer", "status body headers", defaults=({},))


def text_of(answer):
    return json.dumps(answer, ensure_ascii=False).encode()


class Upstream:
    """A subclass says in answer() what it does: JSON or an Answer, or Refused with either. odd[path] is what
    that path does instead: "hang", "cut", "huge", "drip", an Answer, or what answer_oddly() knows; when it is
    "late" it does the same as ever."""

    content_type = "application/json"

    def __init__(self):
        self.asked, self.odd, self.spoil, self.n_held = [], {}, {}, 0
        self.lock, self.released = threading.Lock(), threading.Event()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                upstream.serve(self)

            def do_POST(self):
                upstream.serve(self)

            def log_message(self, *args):
                pass

        self.server = HttpFake(Handler)
        self.url = self.server.url

    def close(self):
        self.released.set()
        self.server.stop()

    @contextmanager
    def oddly(self, path, odd):
        """For a while that path does this instead."""
        self.odd[path] = odd
        try:
            yield
        finally:
            del self.odd[path]

    @contextmanager
    def letting_go(self):
        """Whoever still hangs at its end is let go."""
        try:
            yield
        finally:
            self.released.set()
            wait_for(lambda: self.n_held == 0, "those that were held")
            self.released.clear()

    @contextmanager
    def spoiling(self, part, change):
        """For a while it tells that part of its answers so changed."""
        self.spoil[part] = change
        try:
            yield
        finally:
            del self.spoil[part]

    def spoilt(self, part, told):
        return self.spoil.get(part, lambda same: same)(told)

    def n_asked(self, path):
        with self.lock:
            return sum(1 for ask in self.asked if ask.path == path)

    def serve(self, handler):
        parts, form = urlsplit(handler.path), None
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if handler.headers.get("Content-Type") == "application/x-www-form-urlencoded":
            form = parse_qsl(body.decode(), keep_blank_values=True)
        ask = Ask(handler.command, parts.path, parse_qsl(parts.query, keep_blank_values=True),
                  handler.headers, form)
        odd = self.odd.get(ask.path)
        with self.lock:
            self.asked.append(ask)
        for what, seconds in HELD_S.items():
            if odd == what:
                self.hold(seconds)
        if odd in ("hang", "cut"):  # taken, and the connection closed without an answer
            handler.close_connection = True
        else:
            self.send(handler, self.answer_to(ask, odd), odd)

    def hold(self, seconds):
        with self.lock:
            self.n_held += 1
        self.released.wait(seconds)
        with self.lock:
            self.n_held -= 1

    def answer_to(self, ask, odd):
        if odd == "huge":
            return Answer(200, b"")
        if isinstance(odd, Answer):
            return odd
        try:
            if odd not in (None, "late", "drip"):
                return self.answer_oddly(odd)
            with self.lock:
                status, found = 200, self.answer(ask)
        except Refused as refused:
            status, found = refused.status, refused.answer
        return found if isinstance(found, Answer) else Answer(status, text_of(found))

    def answer(self, ask):
        raise NotImplementedError

    def answer_oddly(self, odd):
        """Bytes are a body, a number is a status."""
        return Answer(200, odd) if isinstance(odd, bytes) else Answer(odd, b"{}")

    def send(self, handler, answer, odd):
        handler.send_response(answer.status)
        headers = {"Content-Type": self.content_type, **answer.headers,
                   "Content-Length": str(HUGE if odd == "huge" else len(answer.body))}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            if odd == "drip":
                self.drip(handler, answer.body)
            else:
                handler.wfile.write(answer.body)
            for _ in range(HUGE // 65536 if odd == "huge" else 0):
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass  # nobody reads that much

    def drip(self, handler, body):
        """Never silent for long, and never done in time."""
        for i in range(len(body)):
            handler.wfile.write(body[i:i + 1])
            if self.released.wait(0.2):
                return
