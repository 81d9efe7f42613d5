# SPDX-License-Identifier: Apache-2.0
"""Nobody gets another's answer (A22): many users on shared kept connections through two workers."""
import http.client
import json
import os
import random
import signal
import threading
import time
from urllib.parse import urlsplit

import pytest

from faulty import OPTIONS, fail, heal
from harness import wait_for
from parallel import FULL
from workers import CHECK, PROFILE

FAULTY = [pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these"),
          pytest.mark.one_host(reason="a fault is told to the host of one state folder")]
ASKS_AGAIN = 50
N_USERS = 200 if FULL else 40
N_ANSWERS = 1000000 if FULL else 20000
N_THREADS = 6
N_DEATHS = 50 if FULL else 2
SEED = 22
LOGIN, REFRESH, SESSIONS = "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/user/sessions"
JSON = {"Content-Type": "application/json"}


class User:
    """One account and its tokens; a lock, as its refresh token has one owner at a time."""

    def __init__(self, server, number):
        self.phone = f"+861370000{number:04d}"
        self.lock = threading.Lock()
        client = server.client()
        client.ok("POST", "/api/v1/auth/send-sms-code", {"phone": self.phone})
        self.tokens = client.ok("POST", "/api/v1/auth/phone-login", {
            "phone": self.phone, "code": server.code_for(self.phone)})
        self.id, self.uuid = self.tokens["user"]["id"], self.tokens["user"]["uuid"]
        self.sid = self.tokens["session_id"]


class Rider:
    """One thread with one kept connection that all users share."""

    def __init__(self, url, users, seed):
        self.at, self.users, self.dice = urlsplit(url), users, random.Random(seed)
        self.connection = None
        self.n_answers = self.n_broken = self.n_down = 0
        self.mismatches = []

    def ask(self, method, path, token=None, body=None):
        """(status, headers, body); None when the connection broke."""
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=20)
        headers = dict(JSON) if body else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self.connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = self.connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            self.n_broken += 1
            return None
        self.n_answers += 1
        if answer.status == 503:  # nobody is told anything; allowed while stores fail
            self.n_down += 1
            return None
        return answer.status, answer.headers, json.loads(told)["data"] if told else None

    def expect(self, user, what, got, wanted):
        if got != wanted:
            self.mismatches.append(f"{what} of {user.phone}: {got}, wanted {wanted}")

    def check(self, user):
        told = self.ask("GET", CHECK, user.tokens["access_token"])
        if told:
            got = (told[0], told[1]["X-Auth-User-Id"], told[1]["X-Auth-Session-Id"])
            self.expect(user, "check", got, (200, user.uuid, user.sid))

    def profile(self, user):
        told = self.ask("GET", PROFILE, user.tokens["access_token"])
        if told:
            shown = told[2] or {}
            got = (told[0], shown.get("id"), shown.get("phone"))
            masked = f"{user.phone[3:6]}****{user.phone[-4:]}"
            self.expect(user, "profile", got, (200, user.id, masked))

    def sessions(self, user):
        told = self.ask("GET", SESSIONS, user.tokens["access_token"])
        if told:
            got = (told[0], [one["session_id"] for one in (told[2] or {}).get("sessions", [])])
            self.expect(user, "sessions", got, (200, [user.sid]))

    def refresh(self, user):
        with user.lock:
            for _ in range(ASKS_AGAIN):  # within the grace, when the answer was lost
                told = self.ask("POST", REFRESH, None, {"refresh_token": user.tokens["refresh_token"]})
                if told:
                    break
            if told:
                got = (told[0], told[2] and told[2]["user"]["uuid"], told[2] and
                       told[2]["session_id"])
                self.expect(user, "refresh", got, (200, user.uuid, user.sid))
                user.tokens = told[2] or user.tokens

    def stranger(self, _user):
        """Between two users, a request of nobody."""
        told = self.ask("GET", CHECK)
        if told and (told[0] != 401 or told[1]["X-Auth-User-Id"]):
            self.mismatches.append(f"nobody is {told[0]} {told[1]['X-Auth-User-Id']}")

    def ride(self, n):
        ways = [self.check] * 10 + [self.profile] * 3 + [self.stranger] * 2 + [
            self.sessions, self.refresh]
        while self.n_answers < n and not self.mismatches:
            self.dice.choice(ways)(self.dice.choice(self.users))


def kill_one(server, death, riders, threads):
    goal = death * N_ANSWERS // (N_DEATHS + 1)
    wait_for(lambda: sum(one.n_answers for one in riders) >= goal or
             not any(thread.is_alive() for thread in threads), f"{goal} answers", 1200)
    os.kill(server.workers()[0], signal.SIGKILL)
    wait_for(lambda: len(server.workers()) == 2, "a new worker")


# Every 29th op of a store fails, before or after it is done: about one request in sixteen.
@pytest.mark.parametrize("when", [None, pytest.param("before", marks=FAULTY), pytest.param("after", marks=FAULTY)])
def test_every_answer_names_its_own_user(make_server, plugins, when):
    options, folder = (OPTIONS, str(plugins)) if when else ([], None)
    server = make_server("token.cache_entries=16", *options, workers=2, plugins=folder)
    users = [User(server, i) for i in range(N_USERS)]
    riders = [Rider(server.url, users, SEED + i) for i in range(N_THREADS)]
    threads = [threading.Thread(target=one.ride, args=(N_ANSWERS // N_THREADS + 1,))
               for one in riders]
    if when:
        fail(server, "any", "any", when, 29)
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for death in range(1, N_DEATHS + 1):
        kill_one(server, death, riders, threads)
    for thread in threads:
        thread.join(1200)
    n_answers = sum(one.n_answers for one in riders)
    n_down = sum(one.n_down for one in riders)
    print(f"seed {SEED}: {n_answers} answers to {N_USERS} users over {N_THREADS} shared connections"
          f" through 2 workers with {N_DEATHS} deaths in {time.monotonic() - began:.1f} s:"
          f" {sum(len(one.mismatches) for one in riders)} named another,"
          f" {sum(one.n_broken for one in riders)} broken off, {n_down} told that a store failed")
    assert [text for one in riders for text in one.mismatches] == []
    assert n_answers >= N_ANSWERS
    assert sum(one.n_broken for one in riders) <= 2 * N_DEATHS * N_THREADS
    assert n_answers / 50 < n_down < n_answers / 2 if when else n_down == 0
    if when:
        assert heal(server)
        for user in users:
            riders[0].check(user)
        assert not riders[0].mismatches
