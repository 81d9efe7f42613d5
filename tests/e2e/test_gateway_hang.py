# SPDX-License-Identifier: Apache-2.0
"""A gateway that hangs holds up its own messages, and neither a check nor a login by password."""
import http.client
import json
import threading
import time

import pytest

from gateway import Gateway
from harness import GOOD_SECRET, new_phone, register
from open_loop import OpenLoop
from parallel import FULL
from steps import LOGIN, SEND

SECONDS = 30 if FULL else 2
SENDS, CHECKS, LOGINS = (50, 200, 5) if FULL else (20, 50, 3)  # a second
CHECK = "/api/v1/auth/check"
ROOMY = ["session.max_web=1000", "session.max_app=1000", "limits.send_address_hour=1000000", "limits.send_address_day=1000000",
         "limits.send_prefix_hour=1000000", "limits.send_global_hour=1000000",
         "limits.address_auth_per_minute=1000000", "limits.address_per_minute=1000000"]
CONF = """
[group sms]
senders = first
[group sms register]
senders = sms_log
[sms_log]
[first]
plugin = sms_http
url = {url}
timeout = 30s
upstream_timeout = 30s
"""

pytestmark = pytest.mark.one_host(reason="what a worker's threads do")


class Posts:
    """While in the with block, rate posts a second from one client; every answer must be 200."""

    def __init__(self, server, path, make_body, rate):
        self.where = server.url.split("//")[1]
        self.path, self.make_body, self.rate = path, make_body, rate
        self.took_s, self.others, self.ends = [], [], threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join(60)

    def _run(self):
        connection, next_s = http.client.HTTPConnection(self.where, timeout=20), time.monotonic()
        while not self.ends.wait(max(next_s - time.monotonic(), 0)):
            begun_s = time.monotonic()
            connection.request("POST", self.path, json.dumps(self.make_body()),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            self.took_s.append(time.monotonic() - begun_s)
            if answer.status != 200:
                self.others.append(answer.status)
            next_s += 1 / self.rate


def p99_ms(took_s):
    return 1000 * sorted(took_s)[int(0.99 * (len(took_s) - 1))]


def measure(server, who):
    """(p99 of checks, p99 of logins by password), in ms, while messages are sent."""
    login = {"phone": who.phone, "password": GOOD_SECRET}
    with Posts(server, SEND, lambda: {"phone": new_phone()}, SENDS) as sends, \
            Posts(server, LOGIN, lambda: login, LOGINS) as logins, \
            OpenLoop(server.url, [CHECK], who.tokens["access_token"], CHECKS) as checks:
        threading.Event().wait(SECONDS)
    assert (sends.others, logins.others, checks.failures) == ([], [], [])
    assert len(sends.took_s) > SECONDS * SENDS / 4, "messages were sent meanwhile"
    return p99_ms(checks.took_s), p99_ms(logins.took_s)


def test_a_gateway_that_hangs_costs_its_own_messages_only(make_server):
    gateway = Gateway()
    server = make_server(*ROOMY, conf={"40-messages.ini": CONF.format(url=gateway.url)}, workers=2)
    who = register(server)
    try:
        calm = measure(server, who)
        gateway.behaviour = "hang"
        hanging = measure(server, who)
    finally:
        gateway.stop()
    print(f"{SENDS} messages, {CHECKS} checks and {LOGINS} logins a second for {SECONDS} s: p99 of a check "
          f"{calm[0]:.1f} ms, while the gateway hangs {hanging[0]:.1f} ms; of a login {calm[1]:.1f} and "
          f"{hanging[1]:.1f} ms")
