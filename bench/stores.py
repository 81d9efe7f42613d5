# SPDX-License-Identifier: Apache-2.0
"""pintle on MariaDB and Redis, beside the embedded stores, beside what a back end in Node does, and beside
what the two servers can do by themselves."""
import contextlib
import json
import os
import statistics
import subprocess

import servers
from measure import (N_SESSIONS, SECONDS, Run, ratio, rounds_of, sign_ins, spread, table,
                     tokens_script, warm_up, wrk)
from servers import TOOLS, MariaDB, Pintle, Redis, Skip, on_stores, pinned

IN_FLIGHT = 64
# Operations of one hand-over: 2 follow a sign-in by code, 4 one where a session makes way, burial has 200.
LISTS = (1, 2, 4, 8)
N_AT_ONCE = 32  # sign-ins of a worker, where more are allowed than as shipped
N_ACCOUNTS = 10000
# The same numbers sign in round by round.
EVERY_SECOND = ["limits.resend=1s", "limits.send_target_hour=1000", "limits.send_target_day=1000"]


@contextlib.contextmanager
def stopping():
    """up(server) is stopped at the end, the last one first."""
    with contextlib.ExitStack() as stack:
        def up(server):
            stack.callback(server.stop)
            return server
        yield up


def said_by(*command):
    said = json.loads(subprocess.run(pinned("0", *map(str, command)), check=True, capture_output=True,
                                     text=True).stdout)
    return Run(said["n"], said["seconds"], said["cpu"])


def cpu_table(head, runs, ours):
    """A row a target: rates, and how many times faster ours is by server CPU second."""
    return table(head, [[name, spread([run.rate for run in got]), spread([run.cpu_rate for run in got]),
                         f"{statistics.median(run.cpu_share for run in got):.0%}", ratio(runs[ours], got)]
                        for name, got in runs.items()])


# ---- Session checks ----

def node(redis, name, pipelining):
    tokens = os.path.join(servers.WORK, f"{name}.tokens")
    server = servers.express(program="express_redis.js", needs="ioredis",
                             args=[str(redis.port), str(N_SESSIONS), tokens, pipelining])
    server.tokens = tokens
    return server


def checks():
    """10,000 sessions each; the Redis servers share the load's core."""
    with stopping() as up:
        embedded = up(Pintle("check"))
        redis = up(Redis("check-redis"))
        shared = up(Pintle("check-on-redis", conf=on_stores(redis=redis)))
        targets, skipped, known = {}, [], {}
        for server in (embedded, shared):
            known[server] = server.sign_in(N_SESSIONS)[1]
            warm_up(server, known[server])
        ours = f"**/auth/check on kv_redis, {N_SESSIONS:,} sessions**"
        targets["/auth/check on kv_lmdb, embedded"] = \
            lambda: wrk(embedded, script=tokens_script(known[embedded]))
        targets[ours] = lambda: wrk(shared, script=tokens_script(known[shared]))
        for pipelining, name in (("plain", "express + jsonwebtoken + ioredis"),
                                 ("auto", "the same, ioredis with enableAutoPipelining")):
            try:
                peer = up(node(redis, pipelining, pipelining))
                wrk(peer, script=tokens_script(peer.tokens))  # compiled by its engine first
                targets[name] = lambda peer=peer: wrk(peer, script=tokens_script(peer.tokens))
            except Skip as why:
                skipped.append(f"\nNot measured: {name}: {why}\n")
        runs = rounds_of(targets)
    return cpu_table(["server on core 0; wrk and Redis on core 1", "requests/s",
                      "requests per server CPU second", "CPU", "headline ÷ this"], runs, ours) + \
        "".join(skipped)


# ---- Operations of worker threads ----

def raw(redis, kind):
    return said_by(f"{TOOLS}/redis_raw", redis.port, kind, IN_FLIGHT, SECONDS)


def of_threads(redis, kind, n_list):
    return said_by(f"{TOOLS}/kv_threads", f"{TOOLS}/plugins", redis.port, kind, IN_FLIGHT // n_list, n_list,
                   SECONDS)


def operations():
    """The asking process on core 0, Redis on core 1."""
    targets, beside = {}, {}
    with stopping() as up:
        redis = up(Redis("kv-redis"))
        for kind in ("get", "set"):
            bare = f"{kind.upper()}, hiredis async, 1 thread"
            targets[bare] = lambda kind=kind: raw(redis, kind)
            for n in LISTS:
                name = f"{kind}, {IN_FLIGHT // n} worker threads, {n} in each hand-over"
                targets[name] = lambda kind=kind, n=n: of_threads(redis, kind, n)
                beside[name] = bare
        runs = rounds_of(targets)
    rows = []
    for name, got in runs.items():
        share = spread([a.rate / b.rate for a, b in zip(got, runs[beside[name]])], 2) if name in beside else ""
        rows.append([name, spread([run.rate for run in got]), spread([run.cpu_rate for run in got]), share])
    return table([f"{IN_FLIGHT} in flight, values of 200 bytes", "operations/s",
                  "per CPU second of who asks", "rate ÷ hiredis async"], rows)


# ---- Sign-ins ----

def commits(mariadb, kind):
    return said_by(f"{TOOLS}/group_commit", mariadb.port, "pintle", kind, IN_FLIGHT, SECONDS)


def code_logins():
    """Everything on one MariaDB and one Redis; a sign-in is begin and verify."""
    count = max(500, int(500 * SECONDS))
    with stopping() as up:
        mariadb, redis = up(MariaDB("login-mariadb")), up(Redis("login-redis"))
        conf = on_stores(mariadb, redis)
        mariadb.sql("CREATE DATABASE wide")
        shipped, wide = up(Pintle("login", conf=conf)), up(Pintle("login-wide", conf=conf, options=[
            "mysql.database=wide", "redis.prefix=wide:", f"mysql.pool={N_AT_ONCE}",
            f"phone_sms.max_running={N_AT_ONCE}", *EVERY_SECOND]))
        shipped.sign_in(count)
        wide.sign_in(count)
        runs = rounds_of({
            "MariaDB: one row a commit": lambda: commits(mariadb, "commit"),
            "MariaDB: the transaction of a sign-in": lambda: commits(mariadb, "signin"),
            "code login as shipped: 8 at once a worker": lambda: sign_ins(shipped, count),
            f"code login, {N_AT_ONCE} at once": lambda: sign_ins(wide, count),
            "code login, the same of those who have an account":
                lambda: sign_ins(wide, count, again=True),
        })
    bare = runs["MariaDB: one row a commit"]
    rows = [[name, spread([run.rate for run in got]), spread([run.cpu_rate for run in got]),
             spread([a.rate / b.rate for a, b in zip(got, bare)], 2)] for name, got in runs.items()]
    return table([f"{IN_FLIGHT} clients; pintled or who asks on core 0, the rest on core 1", "each second",
                  "per CPU second of core 0", "÷ one row a commit"], rows)


# ---- What it takes ----

def milliseconds(servers_of, act):
    """Processor time of each server for one of what act did, in ms; act returns how many."""
    before = [server.cpu_seconds() for server in servers_of]
    count = act()
    return [(server.cpu_seconds() - was) * 1000 / count for server, was in zip(servers_of, before)]


def processor_time():
    """Of each server for one request, whatever else the machine does."""
    with stopping() as up:
        mariadb, redis = up(MariaDB("time-mariadb")), up(Redis("time-redis"))
        server = up(Pintle("time", conf=on_stores(mariadb, redis)))
        tokens = server.sign_in(N_SESSIONS)[1]
        warm_up(server, tokens)
        count = max(500, int(500 * SECONDS))

        def check():
            run = wrk(server, script=tokens_script(tokens))
            return run.rate * run.seconds

        def sign_in():
            server.sign_in(count)
            return count
        runs = rounds_of({
            "session check": lambda: milliseconds([server, redis, mariadb], check),
            "code login of a new number, begin and verify":
                lambda: milliseconds([server, redis, mariadb], sign_in),
        })
    return table(["ms of processor time for one", "pintled", "Redis", "MariaDB"],
                 [[name, *(spread(column, 3) for column in zip(*got))] for name, got in runs.items()])


TABLES = ("users", "user_identities", "user_sessions", "login_logs", "message_logs")


def bytes_of(mariadb):
    """{table: bytes of rows and indexes}"""
    for name in TABLES:
        mariadb.sql(f"ANALYZE TABLE pintle.{name}")
    return {name: int(size) for name, size in mariadb.sql(
        "SELECT table_name, data_length + index_length FROM information_schema.tables"
        " WHERE table_schema = 'pintle'") if name in TABLES}


def sizes():
    """Of accounts that signed up by code and have one session each."""
    with stopping() as up:
        mariadb, redis = up(MariaDB("size-mariadb")), up(Redis("size-redis"))
        server = up(Pintle("size", conf=on_stores(mariadb, redis)))
        empty, memory = bytes_of(mariadb), redis.memory()
        server.sign_in(N_ACCOUNTS)
        after = redis.memory()
        full = bytes_of(mariadb)
        sessions = int(redis.ask("redis-cli", "-s", redis.socket, "EVAL",
                                 "return #redis.call('KEYS', ARGV[1])", "0", "*:s:*"))
        session = int(redis.ask(
            "redis-cli", "-s", redis.socket, "EVAL",
            "return redis.call('MEMORY', 'USAGE', redis.call('KEYS', ARGV[1])[1])", "0", "*:s:*"))
    rows = [[f"MariaDB: `{name}`, a row with its indexes", f"{(full[name] - empty[name]) / N_ACCOUNTS:,.0f}"]
            for name in TABLES]
    rows += [["Redis: the record of a session", f"{session:,}"],
             [f"Redis: all there is right after {sessions:,} sign-ins by code, each",
              f"{(after - memory) / N_ACCOUNTS:,.0f}"]]
    return table([f"{N_ACCOUNTS:,} accounts that signed up by code", "bytes"], rows)


PARTS = [
    ("Session checks on Redis", checks),
    ("Key-value operations", operations),
    ("Code login", code_logins),
    ("Processor time", processor_time),
    ("Sizes", sizes),
]
