# SPDX-License-Identifier: Apache-2.0
"""An operation is many questions to two stores (R10). The k-th of them fails, k = 1, 2, 3 … until the
operation no longer asks so much: before the store has it, and after it has done it but its answer is lost.

Afterwards there is the old state or the new one, the new one if the client was told so, and the
operation can be repeated.
"""
import time

import pytest

from harness import GOOD_SECRET, new_phone, wait_for
from outage import AUTH, ProxiedStores, Town
from parallel import FULL
from steps import BIND_PHONE, LOGIN, PASSWORD, PHONE_LOGIN, REGISTER, SEND, UNBIND_PASSWORD

pytestmark = pytest.mark.own_stores
NEW_SECRET = "Copper-violin-19-quay"
MAX_K = 60
RECOVERY_S = 3
REFRESH = f"{AUTH}/refresh"
FRESH = ["session.max_web=100", "limits.send_target_hour=1000",
         "limits.send_target_day=1000", "limits.code_failures=1000"]


@pytest.fixture(scope="module")
def town():
    one = Town(ProxiedStores(), workers=1, options=FRESH)
    yield one
    one.close()


# ---- What people do ----


def served(do):
    """The answer of who tries again while told to: a driver may look after a loss for a moment."""
    end = time.monotonic() + RECOVERY_S
    while (answer := do()).status_code == 503 and time.monotonic() < end:
        time.sleep(0.05)
    return answer


def ask_code(town, client, phone, purpose):
    """(flow_id, code); nobody waits for the time between two codes."""
    town.stores.kv.wipe("send-resend")
    town.gateway.read().pop(phone, None)
    answer = served(lambda: client.post(SEND, {"phone": phone, "purpose": purpose}))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["flow_id"], town.code_for(phone)


def log_in(town, account, secret=GOOD_SECRET):
    """Status and client."""
    client = town.server.client()
    answer = served(lambda: client.post(LOGIN, {"account": account, "password": secret}))
    if answer.status_code == 200:
        client.tokens = answer.json()["data"]
        client.use(client.tokens["access_token"])
    return answer.status_code, client


def log_in_by_code(town, phone):
    client = town.server.client()
    flow_id, code = ask_code(town, client, phone, "login")
    client.tokens = client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})
    return client.use(client.tokens["access_token"])


def register(town):
    client, phone = town.server.client(), new_phone()
    flow_id, code = ask_code(town, client, phone, "register")
    client.tokens = client.ok("POST", REGISTER, {"phone": phone, "code": code, "flow_id": flow_id,
                                                 "password": GOOD_SECRET})
    client.phone = phone
    return client.use(client.tokens["access_token"])


def checks(town, tokens):
    return town.status_of(tokens)


def count(town, sql, *params):
    return town.stores.db.rows(f"SELECT COUNT(*) FROM {sql}", params)[0][0]


def accounts(town, phone):
    return [row[0] for row in town.stores.db.rows(
        "SELECT user_id FROM user_identities WHERE namespace = 'phone' AND subject = ?", (phone,))]


# ---- The operations: prepared, done, looked at, repeated ----


class Registration:
    def __init__(self, town):
        self.town, self.client, self.phone = town, town.server.client(), new_phone()
        self.flow_id, self.code = ask_code(town, self.client, self.phone, "register")

    def do(self):
        return self.client.post(REGISTER, {"phone": self.phone, "code": self.code,
                                           "flow_id": self.flow_id, "password": GOOD_SECRET})

    def is_new(self):
        found = accounts(self.town, self.phone)
        assert len(found) <= 1 and count(self.town, "users WHERE phone = ?", self.phone) == len(found)
        for user in found:
            names = "user_identities WHERE user_id = ? AND namespace = 'password'"
            assert count(self.town, names, user) == 1, "registered without the password"
            assert count(self.town, "password_credentials WHERE user_id = ?", user) == 1
            # the account is made before its session: who has only the first signs in
            assert count(self.town, "user_sessions WHERE subject_id = ?", user) <= 1
        return bool(found)

    def repeat(self):
        """Who is told 503 tries again with another code, and learns if there is an account now."""
        if not self.is_new():
            answer = served(self.do)
            if answer.status_code in (401, 410):
                self.flow_id, self.code = ask_code(self.town, self.client, self.phone, "register")
                answer = served(self.do)
            assert answer.status_code == 200, answer.text
        status, _ = log_in(self.town, self.phone)
        assert status == 200 and len(accounts(self.town, self.phone)) == 1


class CodeLogin:
    def __init__(self, town):
        self.town, self.client, self.phone = town, town.server.client(), self.somebody(town)
        self.n_before = self.n_sessions()
        self.flow_id, self.code = ask_code(town, self.client, self.phone, "login")

    def somebody(self, town):
        return register(town).phone

    def n_sessions(self):
        return count(self.town, "user_sessions s JOIN user_identities i ON i.user_id = s.subject_id"
                     " WHERE i.namespace = 'phone' AND i.subject = ?", self.phone)

    def do(self):
        return self.client.post(PHONE_LOGIN, {"phone": self.phone, "code": self.code,
                                              "flow_id": self.flow_id})

    def is_new(self):
        n_new = self.n_sessions() - self.n_before
        assert n_new in (0, 1) and len(accounts(self.town, self.phone)) <= 1
        return n_new == 1

    def repeat(self):
        answer = served(self.do)
        if answer.status_code in (401, 410):
            log_in_by_code(self.town, self.phone)
        else:
            assert answer.status_code == 200, answer.text
        assert len(accounts(self.town, self.phone)) == 1


class FirstCodeLogin(CodeLogin):
    def somebody(self, town):
        return new_phone()

    def is_new(self):
        is_new = super().is_new()
        assert len(accounts(self.town, self.phone)) == int(is_new), "an account without its session"
        return is_new


class Refresh:
    def __init__(self, town):
        self.town, self.client = town, town.server.client()
        self.tokens = register(town).tokens

    def do(self):
        return self.client.post(REFRESH, {"refresh_token": self.tokens["refresh_token"]})

    def is_new(self):
        [(generation, status)] = self.town.stores.db.rows(
            "SELECT generation, status FROM user_sessions WHERE session_id = ?",
            (self.tokens["session_id"],))
        assert status == "active" and generation in (0, 1), (status, generation)
        return generation == 1

    def repeat(self):
        """The same token again, within the grace; its successor then lives on."""
        answer = served(self.do)
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()["data"]
        answer = served(self.do)
        assert answer.status_code == 200, answer.text
        assert checks(self.town, answer.json()["data"]) == 200


class Logout:
    def __init__(self, town):
        self.town, self.client = town, register(town)
        self.tokens = self.client.tokens

    def do(self):
        return self.client.post(f"{AUTH}/logout", {})

    def is_new(self):
        [(status,)] = self.town.stores.db.rows(
            "SELECT status FROM user_sessions WHERE session_id = ?", (self.tokens["session_id"],))
        return status == "revoked"

    def repeat(self):
        assert served(self.do).status_code in (200, 401)
        assert self.is_new() and checks(self.town, self.tokens) == 401
        answer = self.town.server.client().post(REFRESH, {"refresh_token": self.tokens["refresh_token"]})
        assert answer.status_code == 401, answer.text


class LogoutOfOthers:
    def __init__(self, town):
        self.town, self.client = town, register(town)
        self.others = [log_in(town, self.client.phone)[1].tokens for _ in range(2)]

    def do(self):
        return self.client.delete("/api/v1/user/sessions")

    def is_new(self):
        n_live = count(self.town, "user_sessions WHERE subject_id = ? AND status = 'active'",
                       self.client.tokens["user"]["id"])
        assert n_live in (1, 3), f"{n_live} of 3 sessions live"
        return n_live == 1

    def repeat(self):
        answer = served(self.do)
        assert answer.status_code == 200, answer.text
        assert [checks(self.town, tokens) for tokens in self.others] == [401, 401]
        assert checks(self.town, self.client.tokens) == 200


class PasswordChange:
    def __init__(self, town):
        self.town, self.client = town, register(town)
        self.phone = self.client.phone
        self.other = log_in(town, self.client.phone)[1].tokens

    def do(self):
        return self.client.put(PASSWORD, {"old_password": GOOD_SECRET, "new_password": NEW_SECRET})

    def end_others(self):
        return self.client.delete("/api/v1/user/sessions")

    def is_new(self):
        told = [log_in(self.town, self.phone, secret)[0] for secret in (GOOD_SECRET, NEW_SECRET)]
        assert told in ([200, 401], [401, 200]), told
        return told == [401, 200]

    def repeat(self):
        """Where the old password is no longer right, the new one is: then all has been done but, maybe,
        the end of the others, which a sign-out of them brings."""
        if not self.is_new():
            answer = served(self.do)
            assert answer.status_code == 200, answer.text
        else:
            status, self.client = log_in(self.town, self.phone, NEW_SECRET)
            assert status == 200 and served(self.end_others).status_code == 200
        assert self.is_new() and checks(self.town, self.other) == 401


class Bind:
    def __init__(self, town):
        self.town, self.client, self.phone = town, register(town), new_phone()
        self.flow_id, self.code = ask_code(town, self.client, self.phone, "bind")

    def do(self):
        return self.client.post(BIND_PHONE, {"phone": self.phone, "code": self.code,
                                             "flow_id": self.flow_id})

    def is_new(self):
        found = accounts(self.town, self.phone)
        assert found in ([], [self.client.tokens["user"]["id"]]), found
        audits = count(self.town, "auth_logs WHERE action = 'bind' AND actor_id = ?",
                       self.client.tokens["user"]["id"])
        assert audits == len(found), "what was done and what was noted differ"
        return bool(found)

    def repeat(self):
        answer = served(self.do)
        if answer.status_code in (401, 410):
            self.flow_id, self.code = ask_code(self.town, self.client, self.phone, "bind")
            answer = served(self.do)
        assert answer.status_code == 200, answer.text
        assert accounts(self.town, self.phone) == [self.client.tokens["user"]["id"]]


class Unbind:
    def __init__(self, town):
        self.town, self.client = town, register(town)

    def do(self):
        return self.client.delete(UNBIND_PASSWORD)

    def is_new(self):
        n_left = count(self.town, "user_identities WHERE user_id = ? AND namespace = 'password'",
                       self.client.tokens["user"]["id"])
        n_noted = count(self.town, "auth_logs WHERE action = 'unbind' AND actor_id = ?",
                        self.client.tokens["user"]["id"])
        assert n_noted == 1 - n_left, "what was done and what was noted differ"
        return n_left == 0

    def repeat(self):
        assert served(self.do).status_code in (200, 404)
        assert self.is_new()
        assert log_in(self.town, self.client.phone)[0] == 401, "an unbound password lets in"


OPERATIONS = [Registration, FirstCodeLogin, CodeLogin, Refresh, Logout, LogoutOfOthers, PasswordChange,
              Bind, Unbind]


# ---- The k-th question fails ----


def is_up(town):
    return town.server.client().get("/readyz").status_code == 200


def attempt(town, operation, proxy, k, side, for_good):
    """Status, and whether the cut was reached."""
    proxy.cut(k, side, for_good)
    try:
        began = time.monotonic()
        answer = operation.do()
        assert time.monotonic() - began < 5, "it took longer than its stores may"
        return answer.status_code, proxy.report()["cut"] > 0
    finally:
        proxy.heal()


def split(town, kind, store, side, for_good):
    """How many questions it asks, and what became of it each time: Counter-like text."""
    proxy, told = town.stores.proxies[store], []
    for k in range(1, MAX_K + 1):
        operation = kind(town)
        status, was_cut = attempt(town, operation, proxy, k, side, for_good)
        wait_for(lambda: is_up(town), "the stores to be back")
        where = f"{kind.__name__}, {side} {k} of {store}{' for good' if for_good else ''}"
        assert status in (200, 503), f"{where}: {status}"
        is_new = operation.is_new()
        assert is_new or status != 200, f"{where}: told that it was done, and it was not"
        told.append("n" if is_new and status != 200 else "N" if is_new else "o")
        if not was_cut:
            assert status == 200, where
            return told
        operation.repeat()
    raise AssertionError(f"{kind.__name__} asks {store} more than {MAX_K} questions")


@pytest.mark.parametrize("for_good", [False, True] if FULL else [False],
                         ids=lambda value: "for good" if value else "once")
@pytest.mark.parametrize("side", ["question", "answer"])
@pytest.mark.parametrize("store", ["mysql", "redis"])
@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: kind.__name__)
def test_old_or_new_and_nothing_between(town, kind, store, side, for_good):
    told = split(town, kind, store, side, for_good)
    town.assert_consistent()
    print(f"\n{kind.__name__}, a lost {side} of {store}: {len(told) - 1} questions, {''.join(told)}"
          " (o old, n new though told 503, N new)")
