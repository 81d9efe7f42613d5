# SPDX-License-Identifier: Apache-2.0
"""A light mixed load beside a fault of a store: people who do one thing each, note every answer, and
know afterwards what must be true.

An answer to a call that needs the store which fails is 503 with Retry-After, or the truth.
"""
import http.client
import itertools
import json
import os
import threading
import time
from collections import deque, namedtuple
from urllib.parse import urlsplit

from fault_proxy import FaultProxy
from gateway import PostBox
from harness import GOOD_SECRET, Server, new_phone, wait_for
from stores import Stores

AUTH = "/api/v1/auth"
LIMIT_S = 2.5  # storage.timeout is 2 s; the rest is this machine's
GRACE_S = 30  # the longest there is
BOTH = {"mysql", "redis"}

Sample = namedtuple("Sample", "began ended status error retry_after")


class Behind:
    """A server as it is found through a proxy; who asks it for the truth asks it directly."""

    def __init__(self, server, protocol):
        self.server = server
        self.proxy = FaultProxy("127.0.0.1", server.port, protocol)
        self.port, self.address = self.proxy.port, f"127.0.0.1:{self.proxy.port}"

    def __getattr__(self, name):
        return getattr(self.server, name)


class ProxiedStores(Stores):
    """MariaDB and Redis, each behind a proxy of its own."""

    def __init__(self):
        super().__init__(None, "mysql+redis")
        self.db.server = Behind(self.db.server, "mysql")
        self.kv.server = Behind(self.kv.server, "redis")
        self.proxies = {"mysql": self.db.server.proxy, "redis": self.kv.server.proxy}

    def close(self):
        for proxy in self.proxies.values():
            proxy.close()
        super().close()


class Person(threading.Thread):
    """Does one thing again and again. needs: the stores without which it cannot be done; may_miss: those
    without which it may fail; refusals: what else may be right, and is looked at in step."""

    needs, may_miss, refusals, pause_s = BOTH, set(), set(), 0.05

    def __init__(self, town):
        super().__init__(name=type(self).__name__, daemon=True)
        self.town, self.samples, self.broken = town, [], []
        self.connection = None
        self.busy = threading.Lock()

    def run(self):
        while not self.town.over.is_set():
            try:
                with self.busy:
                    self.step()
            except Exception as error:  # shown by the test's thread
                self.broken.append(error)
                return
            self.town.over.wait(self.pause_s)

    def ask(self, method, path, body=None, token=None):
        """(status, data) of one request; noted."""
        headers = {"Accept-Language": "en"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        began = time.monotonic()
        self.connection = self.connection or http.client.HTTPConnection(self.town.address, timeout=20)
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        told = json.loads(answer.read() or "{}")
        self.samples.append(Sample(began, time.monotonic(), answer.status, told.get("error"),
                                   answer.getheader("Retry-After")))
        return answer.status, told.get("data")

    def between(self, start, end):
        """What was asked and answered in that time."""
        return [one for one in self.samples if one.began >= start and one.ended <= end]

    def finish(self):
        """When all is well again: what was left open is brought to its end and checked."""


class Watcher(Person):
    """Asks what needs no store."""

    needs, pause_s = set(), 0.01
    paths = itertools.cycle(["/healthz", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"])

    def step(self):
        self.ask("GET", next(self.paths))


class Prober(Person):
    """An orchestrator: is the server ready?"""

    needs, pause_s = set(), 0.1

    def step(self):
        self.ask("GET", "/readyz")


class Checker(Person):
    """A proxy that asks whose session it is; the record is in the key-value store."""

    needs, pause_s = {"redis"}, 0.01

    def __init__(self, town):
        super().__init__(town)
        self.token = town.new_session()["access_token"]

    def step(self):
        self.ask("GET", f"{AUTH}/check", token=self.token)


class Reader(Person):
    def __init__(self, town):
        super().__init__(town)
        self.token = town.new_session()["access_token"]

    def step(self):
        self.ask("GET", "/api/v1/user/profile", token=self.token)


class Beginner(Person):
    """Asks for codes, for somebody new each time."""

    needs, may_miss, pause_s = {"redis"}, {"mysql"}, 0.1

    def __init__(self, town):
        super().__init__(town)
        self.promised, self.refused = set(), set()

    def step(self):
        phone = new_phone()
        status, data = self.ask("POST", f"{AUTH}/send-sms-code", {"phone": phone})
        if status == 200:
            self.promised.add(phone)
            self.town.flows.append((phone, data["flow_id"]))
        else:
            self.refused.add(phone)

    def finish(self):
        sent = self.town.gateway.read
        wait_for(lambda: self.promised <= sent().keys(), "the messages that were promised")
        assert not self.refused & sent().keys(), "who was told that nothing is sent got a message"


class Newcomer(Person):
    """Signs in with a code, which one store knows, to an account, which the other knows."""

    refusals, pause_s = {410}, 0.1

    def __init__(self, town):
        super().__init__(town)
        self.open, self.welcome = [], {}

    def step(self):
        if not self.open and self.town.flows:
            self.open.append(self.town.flows.popleft())
        if self.open:
            self.sign_in(*self.open[-1])

    def sign_in(self, phone, flow_id):
        """Who is told 503 asks once more; a flow that was lost on the way needs another code."""
        code = self.town.code_for(phone)
        status, data = self.ask("POST", f"{AUTH}/phone-login",
                                {"phone": phone, "code": code, "flow_id": flow_id})
        if status == 200:
            self.welcome[phone] = data
        if status != 503:
            self.open.pop()
            assert status == 200 or self.was_refused_before(status), (status, phone)

    def was_refused_before(self, status):
        """410 is right only after a 503 that had spent the code, or where flows were lost."""
        was_503 = len(self.samples) > 1 and self.samples[-2].status == 503
        return status == 410 and (was_503 or self.town.loses_flows)

    def finish(self):
        for phone, tokens in list(self.welcome.items())[-20:]:
            assert self.town.status_of(tokens) == 200, f"{phone} was let in and is out"


class Refresher(Person):
    refusals, pause_s = {401}, 0.1

    def __init__(self, town):
        super().__init__(town)
        self.tokens, self.since = town.new_session(), None

    def step(self):
        status, data = self.ask("POST", f"{AUTH}/refresh", {"refresh_token": self.tokens["refresh_token"]})
        if status == 200:
            self.tokens, self.since = data, None
            return
        self.since = self.since or self.samples[-1].began
        if status == 401 and time.monotonic() - self.since > GRACE_S - 1:
            self.tokens, self.since = self.town.new_session(), None  # the answer that was lost is too old
        else:
            assert status == 503, status

    def finish(self):
        wait_for(lambda: self.ask("POST", f"{AUTH}/refresh", {
            "refresh_token": self.tokens["refresh_token"]})[0] == 200, "a refresh")


class Leaver(Person):
    """Signs in with a password and out again; who was told that a session has ended, rests on it."""

    refusals, pause_s = {401}, 0.1

    def __init__(self, town):
        super().__init__(town)
        self.tokens, self.asked, self.ended = None, False, []

    def step(self):
        if not self.tokens:
            self.sign_in()
        else:
            self.leave()

    def sign_in(self):
        status, data = self.ask("POST", f"{AUTH}/login", self.town.login)
        assert status in (200, 503), status
        self.tokens, self.asked = data, False

    def leave(self):
        status, _ = self.ask("POST", f"{AUTH}/logout", {}, self.tokens["access_token"])
        if status == 503:
            self.asked = True
            return
        # an earlier try may have ended it, and its answer was lost
        assert status == 200 or (status == 401 and self.asked), status
        self.ended.append(self.tokens)
        self.tokens = None

    def finish(self):
        for tokens in self.ended[-200:]:
            assert self.town.status_of(tokens) == 401, "a session that was ended is back"
            status, _ = self.ask("POST", f"{AUTH}/refresh", {"refresh_token": tokens["refresh_token"]})
            assert status == 401, status


PEOPLE = [Watcher, Prober, Checker, Reader, Beginner, Newcomer, Refresher, Leaver]
OPTIONS = [f"token.refresh_grace={GRACE_S}s", "session.max_web=1000", "limits.secret_failures=1000",
           "limits.send_target_day=10000", "limits.send_target_hour=10000",
           "log.level=warn"]


class Town:
    """A server, a gateway, and the people; close() ends all."""

    def __init__(self, stores, workers=2, options=()):
        self.stores, self.gateway = stores, PostBox()
        self.over = threading.Event()
        self.flows = deque(maxlen=5)  # begun not long ago, so that none ends by itself
        self.loses_flows = False  # a store has lost its memory: nobody finishes what was begun
        sms = f"[sms]\nplugin = sms_http\nurl = {self.gateway.url}\nbody = " \
              '{"to":"{{to}}","code":"{{code}}"}\n'
        self.server = Server(workers=workers, options=[*OPTIONS, *options], stores=stores,
                             conf={"40-messages.ini": sms + "\n[group sms]\nsenders = sms\n"})
        self.people = []
        try:
            self.server.start()
            self.address = urlsplit(self.server.url).netloc
            self.login = self.new_account()
        except BaseException:
            self.close()
            raise

    def new_account(self):
        client, phone = self.server.client(), new_phone()
        flow = client.ok("POST", f"{AUTH}/send-sms-code", {"phone": phone, "purpose": "register"})
        client.ok("POST", f"{AUTH}/register", {
            "phone": phone, "code": self.code_for(phone), "flow_id": flow["flow_id"],
            "password": GOOD_SECRET})
        return {"phone": phone, "password": GOOD_SECRET}

    def code_for(self, phone):
        """The newest that was sent to that number; a message that is lost is told with its reason."""
        try:
            return self.gateway.code_for(phone)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.server.log()[-4000:]}") from error

    def new_session(self):
        return self.server.client().ok("POST", f"{AUTH}/login", self.login)

    def status_of(self, tokens):
        return self.server.client(token=tokens["access_token"]).get(f"{AUTH}/check").status_code

    def start(self):
        self.people = [kind(self) for kind in PEOPLE]
        for person in self.people:
            person.start()
        return self

    def person(self, name):
        return next(one for one in self.people if one.name == name)

    def live(self, seconds):
        """From when to when."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            time.sleep(0.05)
            self.assert_whole()
        return began, time.monotonic()

    def assert_whole(self):
        for person in self.people:
            assert not person.broken, f"{person.name}: {person.broken[0]!r}"

    def finish(self):
        """All is well: the people look back, and so do we."""
        for person in self.people:
            with person.busy:
                person.finish()
        self.assert_whole()
        self.assert_consistent()

    def recoveries(self, healed):
        """{who: seconds from then to the end of the first success}"""
        def first(person):
            return next((one for one in person.samples if one.ended > healed and one.status == 200), None)

        return {person.name: wait_for(lambda: first(person), f"a success of {person.name}").ended - healed
                for person in self.people}

    def n_files(self):
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.server.workers())

    def close(self):
        self.over.set()
        for person in self.people:
            if person.is_alive():
                person.join(30)
        self.gateway.stop()
        try:
            self.server.close()
        finally:
            self.stores.close()

    # ---- What must be true of the rows ----

    def assert_consistent(self):
        """No account without an identity, no identity or session without its account."""
        orphans = {
            "accounts without an identity":
                "SELECT u.id FROM users u LEFT JOIN user_identities i ON i.user_id = u.id"
                " WHERE i.id IS NULL",
            "identities without an account":
                "SELECT i.id FROM user_identities i LEFT JOIN users u ON u.id = i.user_id"
                " WHERE u.id IS NULL",
            "sessions without an account":
                "SELECT s.id FROM user_sessions s LEFT JOIN users u ON u.id = s.subject_id"
                " WHERE u.id IS NULL",
            "log-ins without a session":
                "SELECT l.id FROM login_logs l LEFT JOIN user_sessions s"
                " ON s.session_id = l.session_id WHERE l.result = 'success' AND s.id IS NULL",
        }
        found = {what: len(self.stores.db.rows(sql)) for what, sql in orphans.items()}
        assert not any(found.values()), found
