# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the server or of a store under load (R01): what was acknowledged is there afterwards, what
was ended stays ended.

Each client is a person who registers, logs in and out, refreshes and changes the password, and notes
what the answers said. The request in flight at a kill may or may not have happened; all before it must
have.
"""
import os
import random
import signal
import threading
import time

import pytest
import requests

from harness import GOOD_SECRET, Server, wait_for
from load import again_and_again
from parallel import FULL
from stores import DEFAULT, PAIR, MariaDB, Redis
from workers import CHECK, worker_of

N_CLIENTS = 64
if PAIR == DEFAULT:
    N_KILLS, N_ACKS = (50, 20000) if FULL else (5, 1000)
else:
    N_KILLS, N_ACKS = (20, 2000) if FULL else (4, 200)
SEED = 20261120
AUTH = "/api/v1/auth"
REFRESH = f"{AUTH}/refresh"
SECRETS = [GOOD_SECRET, "Copper-violin-19-quay", "Walnut-harbour-77-elk"]
ROOM = ["token.issuer=http://auth.test", "token.refresh_grace=0s", "session.max_web=1000",
        "limits.send_target_day=10000", "limits.send_target_hour=10000",
        "limits.secret_failures=1000"]
DOWN = (requests.ConnectionError, requests.Timeout)


class Lost(Exception):
    """The request was sent, and nobody knows what became of it."""


class Person:
    """An account, and what its owner knows of it. Uncertain notes are thrown away, not guessed."""

    def __init__(self, server, number, flows_end=False):
        self.server, self.number, self.n_accounts = server, number, 0
        self.flows_end = flows_end  # whether a flow in progress may be lost
        self.dice = random.Random(SEED + number)
        self.http = requests.Session()
        self.phone = None
        self.secrets = set()  # one, or two while a change is uncertain
        self.live, self.ended, self.spent = {}, [], []
        self.n_acks = self.n_lost = 0

    def ask(self, method, path, body=None, token=None, lost=()):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self.http.request(method, self.server.url + path, json=body, headers=headers,
                                       timeout=20)
        except DOWN as error:
            self.http.close()
            raise Lost from error
        if answer.status_code in (503, 504, *lost):
            raise Lost
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        self.n_acks += 1
        return answer.json()["data"] if answer.content else None

    def note(self, tokens):
        self.live[tokens["session_id"]] = tokens

    def register(self):
        self.n_accounts += 1
        phone = f"+86139{self.number:04d}{self.n_accounts:04d}"
        sent = self.ask("POST", f"{AUTH}/send-sms-code", {"phone": phone, "purpose": "register"})
        self.n_acks -= 1  # a code is not a durable write
        try:
            code = self.server.code_for(phone, "register")
        except AssertionError as error:  # nobody is there to tell it
            raise Lost from error
        secret = self.dice.choice(SECRETS)
        tokens = self.ask("POST", f"{AUTH}/register", {
            "phone": phone, "code": code, "flow_id": sent["flow_id"], "password": secret},
            lost=[401, 410] if self.flows_end else ())
        self.phone, self.secrets = phone, {secret}
        self.note(tokens)

    def log_in(self):
        [secret] = self.secrets
        self.note(self.ask("POST", f"{AUTH}/login", {"phone": self.phone, "password": secret}))

    def log_out(self):
        _, tokens = self.live.popitem()
        self.ask("POST", f"{AUTH}/logout", {}, tokens["access_token"])
        self.ended.append(tokens)

    def refresh(self):
        sid, tokens = self.live.popitem()
        self.note(self.ask("POST", REFRESH, {"refresh_token": tokens["refresh_token"]}))
        self.spent.append((sid, tokens["refresh_token"]))

    def change_secret(self):
        [old] = self.secrets
        new = self.dice.choice([secret for secret in SECRETS if secret != old])
        kept, tokens = self.live.popitem()
        others = [self.live.pop(sid) for sid in list(self.live)]
        self.secrets.add(new)
        self.ask("PUT", "/api/v1/user/password", {"old_password": old, "new_password": new},
                 tokens["access_token"])
        self.secrets = {new}
        self.live[kept] = tokens
        self.ended += others

    def step(self):
        """One acknowledged step more, or Lost."""
        if not self.phone:
            self.register()
        elif len(self.secrets) > 1:
            self.phone, self.live = None, {}  # which one it is, only the server knows
        elif not self.live:
            self.log_in()
        else:
            self.dice.choice([self.log_in, self.log_in, self.log_out, self.refresh, self.refresh,
                              self.change_secret])()

    def check(self):
        """Holds the notes against the server, newest first; spent tokens come last, as they end
        their family."""
        checked = 0
        for tokens in self.live.values():
            assert self.status("GET", CHECK, tokens["access_token"]) == 200, "a session was lost"
            checked += 1
        for tokens in self.ended:
            assert self.status("GET", CHECK, tokens["access_token"]) == 401, "a session is back"
            assert self.status("POST", REFRESH, None,
                               {"refresh_token": tokens["refresh_token"]}) == 401, "it is back"
            checked += 2
        if self.phone and len(self.secrets) == 1:
            for secret in SECRETS:
                wanted = 200 if secret in self.secrets else 401
                told = self.told("POST", f"{AUTH}/login",
                                 body={"phone": self.phone, "password": secret})
                assert told.status_code == wanted, f"password: {told.status_code} {told.text}"
                if wanted == 200:
                    self.note(told.json()["data"])
                checked += 1
        self.ended = self.ended[-5:]
        return checked

    def check_spent(self):
        """A refresh token that was used is refused, and ends its family."""
        for sid, text in self.spent[-3:]:
            assert self.status("POST", REFRESH, None, {"refresh_token": text}) == 401, "used twice"
            tokens = self.live.pop(sid, None)
            if tokens:
                assert self.status("GET", CHECK, tokens["access_token"]) == 401
        n_checked = len(self.spent[-3:])
        self.spent = []
        return n_checked

    def status(self, *args):
        return self.told(*args).status_code

    def told(self, method, path, token=None, body=None):
        """What is said once each worker has met its stores again."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}

        def answer():
            told = self.http.request(method, self.server.url + path, json=body, headers=headers,
                                     timeout=20)
            return None if told.status_code == 503 else [told]

        return wait_for(answer, "stores that answer")[0]


class Load:
    """All people at once until told to stop; whatever a person did wrong is raised by the story."""

    def __init__(self, people):
        self.people, self.over, self.broken = people, threading.Event(), []
        self.threads = [threading.Thread(target=self.run, args=(one,)) for one in people]

    def run(self, person):
        while not self.over.is_set():
            try:
                person.step()
            except Lost:
                person.n_lost += 1
                self.over.wait(0.02)
            except Exception as error:  # shown by the story's thread
                if not self.over.is_set():
                    self.broken.append(error)
                return

    def n_acks(self):
        assert not self.broken, self.broken
        return sum(person.n_acks for person in self.people)

    def n_lost(self):
        return sum(person.n_lost for person in self.people)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *args):
        self.over.set()
        for thread in self.threads:
            thread.join(60)


class Everything:
    """The server itself: its port changes, so the clients end with it."""

    what, flows_end = "everything", False

    def __init__(self):
        self.server = Server(workers=2, options=ROOM)

    def strike(self, load):
        self.server.kill()

    def mend(self):
        self.server.start()

    def close(self):
        self.server.close()


class Store:
    """A store of our own. The load goes on over its death, and works again once it is back."""

    def __init__(self, kind):
        self.what, self.flows_end = kind.__name__, kind is Redis
        self.victim = kind().start()
        self.server = Server(workers=2, options=ROOM, **{self.what.lower(): self.victim}).start()

    def strike(self, load):
        n_lost = load.n_lost()
        self.victim.kill()
        wait_for(lambda: load.n_lost() > n_lost, "a request that meets no store")
        self.victim.stop()
        self.victim.start()
        n_acks = load.n_acks()
        wait_for(lambda: load.n_acks() > n_acks + N_CLIENTS, "acknowledged writes again", 60)

    def mend(self):
        """It is."""

    def close(self):
        try:
            self.server.close()
        finally:
            self.victim.close()


class Emptied(Store):
    """It lives, and has forgotten everything."""

    def strike(self, load):
        self.victim.cli("FLUSHALL")


def needs(name):
    return pytest.mark.stores(name, reason="it is the store that dies")


DEATHS = [
    pytest.param(Everything, id="pintled"),
    pytest.param(lambda: Store(MariaDB), id="mariadb", marks=needs("mysql")),
    pytest.param(lambda: Store(Redis), id="redis", marks=needs("redis")),
    pytest.param(lambda: Emptied(Redis), id="emptied_redis", marks=needs("redis")),
]


@pytest.mark.parametrize("death", DEATHS)
def test_nothing_acknowledged_is_lost(death):
    one = death()
    people = [Person(one.server, i, one.flows_end) for i in range(N_CLIENTS)]
    dice, n_checked, began = random.Random(SEED), 0, time.monotonic()
    try:
        for kill in range(1, N_KILLS + 1):
            one.mend()
            n_checked += sum(person.check() for person in people)
            n_checked += sum(person.check_spent() for person in people)
            with Load(people) as load:
                goal = kill * N_ACKS // N_KILLS + dice.randrange(20)
                wait_for(lambda: load.n_acks() >= goal, f"{goal} acknowledged writes", 300)
                one.strike(load)
            load.n_acks()
        one.mend()
        n_checked += sum(person.check() + person.check_spent() for person in people)
    finally:
        one.close()
    print(f"\nseed {SEED}: {N_KILLS} deaths of {one.what}, {N_CLIENTS} clients, {load.n_acks()} acknowledged"
          f" writes, {load.n_lost()} in flight or refused, {n_checked} facts checked after restarts,"
          f" 0 lost, 0 back, {time.monotonic() - began:.1f} s")
    assert load.n_acks() >= N_ACKS and n_checked > 0


@pytest.mark.parametrize("n_kills", [20 if FULL else 3])
def test_the_death_of_one_worker_fails_only_what_it_had(make_server, n_kills):
    server = make_server(*ROOM, workers=2)
    people = [Person(server, i) for i in range(4)]
    for person in people:
        person.register()
    broken, served, lost = [], [0], [0]

    def asker(person):
        [tokens] = person.live.values()
        http = requests.Session()

        def ask():
            try:
                answer = http.get(server.url + CHECK, timeout=10, headers={
                    "Authorization": f"Bearer {tokens['access_token']}"})
            except DOWN:
                lost[0] += 1
                return
            if answer.status_code != 200:
                broken.append(answer)
            served[0] += 1

        return ask

    seen = 0
    with again_and_again(map(asker, people)):
        for _ in range(n_kills):
            seen = wait_for(lambda: served[0] if served[0] > seen + 100 else 0, "answers", 30)
            victim = server.workers()[0]
            kill_worker(server, victim)
        wait_for(lambda: served[0] > seen + 100, "answers after the last death", 30)
    print(f"{n_kills} deaths of a worker: {served[0]} answers of {len(people)} connections,"
          f" {lost[0]} broken off, {len(broken)} wrong")
    assert not broken, [(one.status_code, one.text) for one in broken]
    assert lost[0] <= n_kills * len(people), "more was lost than was in flight"


def kill_worker(server, pid):
    """kill -9, and a successor serves."""
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: pid not in server.workers() and len(server.workers()) == 2, "a new worker")

    def is_served_by_two():
        return len({worker_of(requests.get(server.url + "/healthz", timeout=10))
                    for _ in range(20)}) == 2

    wait_for(is_served_by_two, "both workers")
