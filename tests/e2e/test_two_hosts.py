# SPDX-License-Identifier: Apache-2.0
"""Two hosts over one database and one Redis are one server: what one did, the other knows."""
import base64
import concurrent.futures
import shutil
import time

import pytest

from harness import GOOD_SECRET, Server, new_phone, register, send_code, sign_in
from pair import Pair
from parallel import FULL, N_PARALLEL, ROUNDS, Shot, release, say, tally, winners
from starting import refusal
from steps import LOGIN, PHONE_LOGIN, PROFILE, REGISTER, SEND, accounts_of, rows, user_id, wrong
from workers import CHECK, Everywhere, accepted

AUTH = "/api/v1/auth"
REFRESH, LOGOUT, SESSIONS = f"{AUTH}/refresh", f"{AUTH}/logout", "/api/v1/user/sessions"
N_REVOCATIONS = 1000 if FULL else 100
N_STARTS = 10 if FULL else 4
TRIES = 5

pytestmark = [pytest.mark.core, pytest.mark.one_host(reason="it has two hosts of its own")]
both = pytest.mark.stores("mysql", "redis", reason="two hosts need stores that both can reach")


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def pair(request):
    started = Pair(workers=request.param).start()
    yield started
    started.close()


@pytest.fixture
def make_host():
    """Hosts beside others, over stores that are given."""
    made = []

    def make(**kwargs):
        made.append(Server(**kwargs))
        return made[-1]

    yield make
    for host in reversed(made):
        host.close()


# ---- What one begins, the other ends ----

@both
def test_a_token_of_one_host_is_good_on_the_other(pair):
    who = register(pair.a)
    for host in pair.hosts:
        other = host.client(token=who.tokens["access_token"])
        assert other.get(CHECK).headers["X-Auth-User-Id"] == who.tokens["user"]["uuid"]
        assert other.ok("GET", PROFILE)["id"] == user_id(who)
    known = pair.b.client().ok("POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})
    assert known["user"]["id"] == user_id(who)
    assert accepted(pair, known["access_token"])


@both
def test_a_session_is_refreshed_on_either_host(pair):
    tokens = sign_in(pair.a).tokens
    for host in (pair.b, pair.a, pair.b):
        spent = tokens
        tokens = host.client().ok("POST", REFRESH, {"refresh_token": tokens["refresh_token"]})
        assert tokens["session_id"] == spent["session_id"]
        assert accepted(pair, tokens["access_token"])


@both
def test_a_code_of_one_host_is_good_on_the_other(pair):
    for sender, verifier in ((pair.a, pair.b), (pair.b, pair.a)):
        phone = new_phone()
        flow_id, code = send_code(sender, sender.client(), phone)
        body = {"phone": phone, "code": code, "flow_id": flow_id}
        client = verifier.client()
        client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {**body, "code": wrong(code)})
        tokens = client.ok("POST", PHONE_LOGIN, body)
        assert accepted(pair, tokens["access_token"])
        for host in pair.hosts:
            assert host.client().post(PHONE_LOGIN, body).status_code in (401, 410), "used twice"


# ---- Single use ----

@both
def test_a_code_has_one_winner_on_all_hosts(pair):
    say("one code, half on each host")
    for i in range(ROUNDS):
        phone, sender = new_phone(), pair.hosts[i % 2]
        flow_id, code = send_code(sender, sender.client(), phone)
        shot = Shot("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})
        replies = release(pair.urls, [shot] * N_PARALLEL)
        assert len(winners(replies)) == 1, f"round {i}: {tally(replies)}"
        assert len(accounts_of(pair.a, phone)) == 1


@both
def test_parallel_registrations_make_one_account(pair):
    say("one number registers, half on each host")
    for i in range(ROUNDS):
        phone, sender = new_phone(), pair.hosts[i % 2]
        flow_id, code = send_code(sender, sender.client(), phone, "register")
        shot = Shot("POST", REGISTER, {"phone": phone, "code": code, "flow_id": flow_id,
                                       "password": GOOD_SECRET})
        replies = release(pair.urls, [shot] * N_PARALLEL)
        assert len(winners(replies)) == 1, f"round {i}: {tally(replies)}"
        assert len(accounts_of(pair.a, phone)) == 1


@both
def test_parallel_refreshes_on_both_hosts_make_one_lineage(pair):
    tokens = sign_in(pair.a).tokens
    for generation in range(1, 4):
        shot = Shot("POST", REFRESH, {"refresh_token": tokens["refresh_token"]})
        replies = release(pair.urls, [shot] * N_PARALLEL)
        assert tally(replies) == {(200, None): N_PARALLEL}
        assert len({reply.data["refresh_token"] for reply in replies}) == 1, "branches"
        assert rows(pair.a, "SELECT generation FROM user_sessions WHERE session_id = ?",
                    tokens["session_id"]) == [(generation,)]
        tokens = replies[0].data
    assert accepted(pair, tokens["access_token"])


# ---- Limits ----

@both
def test_guesses_are_counted_on_all_hosts_together(pair):
    for i in range(ROUNDS):
        phone, sender = new_phone(), pair.hosts[i % 2]
        flow_id, code = send_code(sender, sender.client(), phone)
        shots = [Shot("POST", PHONE_LOGIN, {"phone": phone, "code": wrong(code, n + 1),
                                            "flow_id": flow_id}) for n in range(N_PARALLEL)]
        seen = tally(release(pair.urls, shots))
        assert set(seen) <= {(401, "invalid_code"), (410, "flow_expired"), (429, "rate_limited")}
        assert seen[(401, "invalid_code")] == TRIES, f"round {i}: {seen}"


@both
def test_a_number_gets_one_message_a_minute_from_all_hosts(pair):
    phone = new_phone()
    pair.a.client().ok("POST", SEND, {"phone": phone})
    for host in (pair.b, pair.a):
        answer = host.client().post(SEND, {"phone": phone})
        assert (answer.status_code, answer.json()["error"]) == (429, "rate_limited"), answer.text
    pair.b.client().ok("POST", SEND, {"phone": new_phone()})


# ---- Revocation ----

def by_logout(host, who, tokens):
    host.client(token=tokens["access_token"]).ok("POST", LOGOUT)


def by_another_session(host, who, tokens):
    host.client(token=who.tokens["access_token"]).ok("DELETE", f"{SESSIONS}/{tokens['session_id']}")


def by_the_operator(host, who, tokens):
    host.ctl("session", "revoke", tokens["session_id"])


@both
def test_what_one_host_revoked_the_other_refuses(pair):
    """After the answer to the revocation the very next question at each worker of the other host is
    refused; how long both took together is told, and needs no bound."""
    who, took = register(pair.a), []
    askers = {host: Everywhere(host) for host in pair.hosts}
    ways = [by_logout, by_another_session, by_logout, by_another_session, by_the_operator]
    for i in range(N_REVOCATIONS):
        revoker, other = pair.hosts if i % 2 else reversed(pair.hosts)
        tokens = revoker.client().ok("POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})
        assert askers[other].knows(tokens["access_token"]), f"round {i}: it never knew"
        ways[i % len(ways)](revoker, who, tokens)
        began = time.monotonic()
        told = askers[other].statuses("GET", CHECK, tokens["access_token"])
        took.append(time.monotonic() - began)
        assert set(told) == {401}, f"round {i}, {ways[i % len(ways)].__name__}: {told}"
    assert all(asker.knows(who.tokens["access_token"]) for asker in askers.values()), "nobody else"
    for asker in askers.values():
        asker.close()
    took.sort()
    print(f"\n{N_REVOCATIONS} revocations on one host: refused by all workers of the other in "
          f"{took[len(took) // 2] * 1000:.1f} ms, p99 {took[len(took) * 99 // 100] * 1000:.1f} ms, "
          f"at most {took[-1] * 1000:.1f} ms after the answer")


@both
def test_a_frozen_account_is_out_on_both_hosts(pair):
    who = register(pair.a)
    tokens = pair.b.client().ok("POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})
    assert accepted(pair, tokens["access_token"]) and accepted(pair, who.tokens["access_token"])
    pair.a.ctl("user", "freeze", who.phone)
    assert not accepted(pair, tokens["access_token"])
    assert not accepted(pair, who.tokens["access_token"])
    pair.b.ctl("user", "unfreeze", who.phone)
    again = pair.a.client().ok("POST", LOGIN, {"phone": who.phone, "password": GOOD_SECRET})
    assert accepted(pair, again["access_token"])


# ---- Hosts that come and go ----

@both
def test_the_death_of_one_host_leaves_everything_to_the_other():
    pair = Pair(workers=2)
    try:
        pair.start()
        who, phone = register(pair.a), new_phone()
        flow_id, code = send_code(pair.a, pair.a.client(), phone)
        pair.a.kill()
        assert accepted(pair.b, who.tokens["access_token"])
        new = pair.b.client().ok("POST", PHONE_LOGIN,
                                 {"phone": phone, "code": code, "flow_id": flow_id})
        renewed = pair.b.client().ok("POST", REFRESH, {"refresh_token": who.tokens["refresh_token"]})
        pair.b.client(token=new["access_token"]).ok("POST", LOGOUT)
        pair.a.start()
        assert accepted(pair, renewed["access_token"])
        assert not accepted(pair, new["access_token"])
    finally:
        pair.close()


@both
def test_many_hosts_start_at_once(make_host):
    """The tables are made once, whoever comes first; with the keys in the configuration nothing is
    copied."""
    options = [f"keys.secrets=1:{base64.b64encode(bytes(range(32))).decode()}",
               "token.jwt_secret=0123456789abcdef0123456789abcdef", "token.issuer=http://auth.test"]
    first = make_host(options=options)
    hosts = [first, *(make_host(options=options, stores=first.stores) for _ in range(N_STARTS - 1))]
    with concurrent.futures.ThreadPoolExecutor(N_STARTS) as starters:
        list(starters.map(Server.start, hosts))
    who = register(first)
    for host in hosts:
        assert accepted(host, who.tokens["access_token"])
    print(f"{N_STARTS} hosts started at once on an empty database")


# ---- Hosts that do not fit ----

@pytest.fixture
def half_a_pair():
    """Host a runs, b does not yet."""
    pair = Pair()
    pair.a.start()
    yield pair
    pair.close()


def joins(pair):
    """Whether b starts when it has all that it needs."""
    shutil.rmtree(pair.b.state, ignore_errors=True)
    pair.give_keys()
    pair.b.start()
    return accepted(pair, sign_in(pair.b).tokens["access_token"])


@both
def test_a_host_with_other_keys_is_refused(half_a_pair):
    line = refusal(half_a_pair.b)
    assert "[keys] secrets: another host uses this SQL store with other master keys" in line, line
    assert joins(half_a_pair)


@both
def test_a_host_with_another_signing_key_is_refused(half_a_pair):
    half_a_pair.give_keys("master")
    line = refusal(half_a_pair.b)
    assert "[token]: another host signs with a key that this one does not have" in line, line
    assert joins(half_a_pair)


OTHER_KV = "[storage] kv: another host uses this SQL store with another key-value store"


@both
def test_a_host_with_other_keys_and_values_is_refused(half_a_pair):
    conf = half_a_pair.a.stores.conf()
    half_a_pair.give_keys()
    half_a_pair.b.write_conf("10-storage.ini", conf.replace("prefix = ", "prefix = other-"))
    assert OTHER_KV in refusal(half_a_pair.b)
    half_a_pair.b.write_conf("10-storage.ini", conf)
    assert joins(half_a_pair)


@pytest.mark.stores("mysql", "lmdb", reason="the database is shared, the other store is not")
def test_a_host_with_an_lmdb_of_its_own_is_refused(half_a_pair):
    half_a_pair.give_keys()
    assert OTHER_KV in refusal(half_a_pair.b)
    assert accepted(half_a_pair.a, sign_in(half_a_pair.a).tokens["access_token"])
