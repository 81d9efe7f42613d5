# SPDX-License-Identifier: Apache-2.0
"""A gateway on loopback that takes messages as sms_http sends them, and behaves as a test tells it."""
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler

from harness import wait_for
from http_fake import HttpFake

SECRET = "a secret that both sides know"


class Gateway:
    """behaviour is a status to answer with, or "hang": then the answer waits until close()."""

    def __init__(self, behaviour=200, answer=None):
        self.behaviour, self.answer = behaviour, answer if answer is not None else {"id": "up-1"}
        self.received, self.released = [], threading.Event()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.received.append((dict(self.headers), body))
                if gateway.behaviour == "hang":
                    gateway.released.wait(30)
                    self.close_connection = True
                    return
                status, answer = gateway.respond(self.path, self.headers, body)
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        self.server = HttpFake(Handler)
        self.endpoint = self.server.url
        self.url = f"{self.endpoint}/v1/messages"

    def respond(self, path, headers, body):
        """The status and the JSON (or bytes) of the answer."""
        return self.behaviour, self.answer

    def bodies(self):
        return [json.loads(body) for _, body in self.received]

    def codes_to(self, phone):
        """What came here for a number, oldest first."""
        return [body["code"] for body in self.bodies() if body["to"] == phone]

    def code_for(self, phone):
        """The newest code that came here for a number."""
        def newest():
            found = self.codes_to(phone)
            return found[-1] if found else None
        return wait_for(newest, f"a message to {phone}")

    def stop(self):
        """Nobody listens there from now on."""
        self.released.set()
        self.server.stop()


class PostBox(Gateway):
    """A gateway that knows by number what came; read by several people at once. It keeps no connection,
    so that the descriptors of a server are those of its stores and clients."""

    def __init__(self):
        self.codes, self.n_read, self.lock = {}, 0, threading.Lock()
        super().__init__()
        self.server.RequestHandlerClass.protocol_version = "HTTP/1.0"

    def read(self):
        """{phone: newest code}"""
        with self.lock:
            for _, body in self.received[self.n_read:]:
                message = json.loads(body)
                self.codes[message["to"]] = message["code"]
                self.n_read += 1
            return self.codes

    def code_for(self, phone):
        return wait_for(lambda: self.read().get(phone), f"a message to {phone}")


def signature_is_right(headers, body, now_s):
    """As a careful gateway checks it: the time is near, and the MAC covers time and body."""
    parts = dict(part.split("=", 1) for part in headers["X-Pintle-Signature"].split(","))
    mac = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return abs(now_s - int(parts["t"])) < 60 and hmac.compare_digest(mac, parts["v1"])
