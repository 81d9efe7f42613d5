# SPDX-License-Identifier: Apache-2.0
"""What each route costs the stores, counted by them; the table in docs/scaling.md says the same."""
import os
import re

import pytest
import requests

from harness import GOOD_SECRET, ROOT, Server, new_phone, register, wait_for
from store_log import StoreLog
from stores import MariaDB, Redis, Stores

pytestmark = [
    pytest.mark.core,
    pytest.mark.stores("mysql", "redis", reason="these servers count"),
    pytest.mark.one_host("a request is counted, wherever it went"),
]

N_ROUNDS = 3
N_CHORES = 3  # host/chores.c
MAX_SESSIONS = 5  # session.max_web
SERVICE = ("service", "secret-of-the-service-1")
OPTIONS = ["limits.resend=1s", "limits.send_target_hour=1000", "limits.send_target_day=1000",
           f"token.clients={':'.join(SERVICE)}"]


@pytest.fixture(scope="module")
def own_stores(tmp_path_factory):
    """Servers that only this host asks."""
    mariadb, redis = MariaDB().start(), Redis().start()
    yield mariadb, redis
    mariadb.close()
    redis.close()


def chores_are_done_for_now(redis):
    """What the host does each minute has been done, and its marks hold longer than this test."""
    return int(redis.cli("EVAL", """
        local marks = redis.call('KEYS', '*:h:*:*')
        for _, mark in ipairs(marks) do redis.call('PEXPIRE', mark, 3600000) end
        return #marks""", "0")) == N_CHORES


@pytest.fixture(scope="module")
def server(own_stores):
    mariadb, redis = own_stores
    stores = Stores(None, mariadb=mariadb, redis=redis)
    started = Server(options=OPTIONS, stores=stores).start()
    wait_for(lambda: chores_are_done_for_now(redis), "the chores of a start")
    yield started
    started.close()


@pytest.fixture(scope="module")
def log(own_stores, server):
    listening = StoreLog(*own_stores)
    yield listening
    listening.close()


# ---- Each route once, with what it needs done before ----

def begin(server, client, phone):
    """The flow of a code that is on its way; the number's last one may be younger than limits.resend."""
    def sent():
        answer = client.post("/api/v1/auth/send-sms-code", {"phone": phone})
        return answer.status_code == 200 and answer.json()["data"]["flow_id"]
    return wait_for(sent, "a code that may be sent")


def code_of(server, log, phone):
    """The code, once the message is in the log of messages as well."""
    wait_for(lambda: any("message_logs" in text for _, text in log.statements()), "message_logs")
    return server.code_for(phone)


class Visitor:
    """Somebody who goes through all the routes; before each the log is clear."""

    def __init__(self, server, log):
        self.server, self.log, self.client = server, log, server.client()
        self.counts = {}

    def settle(self):
        """What the worker asks of Redis without waiting for it has been asked before this."""
        assert requests.get(self.server.url + "/readyz", timeout=30).status_code == 200

    def counted(self, name, act):
        self.settle()
        self.log.clear()
        answer = act()
        self.settle()
        asked = self.log.asked()
        assert name not in self.counts
        self.counts[name] = asked
        return answer

    def code_login(self, phone, name=None):
        self.log.clear()
        flow_id = begin(self.server, self.client, phone)
        body = {"phone": phone, "flow_id": flow_id, "code": code_of(self.server, self.log, phone)}

        def verify():
            return self.client.ok("POST", "/api/v1/auth/phone-login", body)
        return self.counted(name, verify) if name else verify()

    def begins(self):
        phone = new_phone()
        self.log.clear()
        self.client.ok("POST", "/api/v1/auth/send-sms-code", {"phone": phone})
        code_of(self.server, self.log, phone)
        self.settle()
        self.counts["begin, with the sending of its message"] = self.log.asked()

    def logs_in_by_code(self):
        phone = new_phone()
        assert self.code_login(phone, "verify, a new user")["is_new_user"] is True
        assert self.code_login(phone, "verify, a returning user")["is_new_user"] is False
        for _ in range(MAX_SESSIONS - 2):
            self.code_login(phone)
        self.code_login(phone, "verify, a returning user whose oldest session makes way")

    def logs_in_by_password(self, phone):
        body = {"phone": phone, "password": GOOD_SECRET}
        return self.counted("login by password",
                            lambda: self.client.ok("POST", "/api/v1/auth/login", body))

    def get(self, path):
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text

    def asks_as_service(self, path, token):
        answer = requests.post(self.server.url + path, data={"token": token}, auth=SERVICE, timeout=30)
        assert answer.status_code == 200, answer.text

    def forget_records(self):
        """As a Redis that has died does."""
        self.log.redis.cli("EVAL", "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do"
                           " redis.call('DEL', key) end", "0", "*:s:*")

    def goes_round(self):
        self.begins()
        self.logs_in_by_code()
        phone = register(self.server).phone
        tokens = self.logs_in_by_password(phone)
        self.client.use(tokens["access_token"])
        self.counted("check, a token this worker has not seen",
                     lambda: self.get("/api/v1/auth/check"))
        self.counted("check", lambda: self.get("/api/v1/auth/check"))
        self.forget_records()
        self.counted("check, a session whose record was lost", lambda: self.get("/api/v1/auth/check"))
        self.counted("profile", lambda: self.get("/api/v1/user/profile"))
        tokens = self.counted("refresh", lambda: self.client.ok(
            "POST", "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]}))
        self.counted("introspect, an access token",
                     lambda: self.asks_as_service("/oauth/introspect", tokens["access_token"]))
        self.counted("introspect, a refresh token",
                     lambda: self.asks_as_service("/oauth/introspect", tokens["refresh_token"]))
        self.counted("revoke", lambda: self.asks_as_service("/oauth/revoke", tokens["refresh_token"]))
        self.client.use(self.client.ok("POST", "/api/v1/auth/login",
                                       {"phone": phone, "password": GOOD_SECRET})["access_token"])
        self.counted("logout", lambda: self.client.ok("POST", "/api/v1/auth/logout"))
        return self.counts


@pytest.fixture(scope="module")
def rounds(server, log):
    """After one that nobody counts: connections are made and caches filled."""
    return [Visitor(server, log).goes_round() for _ in range(1 + N_ROUNDS)][1:]


def said(counts):
    """{route: (commands of Redis, statements inside, statements outside)}"""
    return {name: asked.counts() for name, asked in counts.items()}


# ---- What must hold ----

def test_every_round_costs_the_same(rounds):
    assert all(said(counts) == said(rounds[0]) for counts in rounds), [said(one) for one in rounds]


def test_a_check_is_one_round_trip_to_redis(rounds):
    assert said(rounds[0])["check"] == (1, [], 0)


def test_a_check_of_a_token_not_seen_asks_no_sql_either(rounds):
    commands, inside, alone = said(rounds[0])["check, a token this worker has not seen"]
    assert (inside, alone) == ([], 0) and commands >= 1


@pytest.mark.parametrize("who", ["a returning user", "a returning user whose oldest session makes way"])
def test_a_code_login_has_at_most_five_statements_in_its_one_transaction(rounds, who):
    inside = rounds[0][f"verify, {who}"].inside
    assert len(inside) == 1 and 1 <= len(inside[0]) <= 5, "\n".join(sum(inside, []))


def table_lines(counts):
    for name, (commands, inside, alone) in said(counts).items():
        assert len(inside) <= 1, f"{name}: {inside}"
        yield f"| {name} | {commands} | {inside[0] if inside else '-'} | {alone} |"


def test_the_table_of_the_docs_is_this(rounds):
    with open(os.path.join(ROOT, "docs", "scaling.md"), encoding="utf-8") as file:
        page = file.read()
    table = re.search(r"^\| request \| Redis .*\n\|.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    measured = "\n".join(table_lines(rounds[0]))
    assert table and table[1].strip() == measured, f"measured:\n{measured}"
