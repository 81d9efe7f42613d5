# SPDX-License-Identifier: Apache-2.0
"""make bench: pintle and its peers side by side, into bench/results/<date>.md and standard output."""
import contextlib
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import urllib.request

import glewlwyd
import servers
import stores
from measure import (N_SESSIONS, ROUNDS, SECONDS, bearer, first_line, paced, ratio, rounds_of, sign_ins,
                     spread, table, tokens_script, warm_up, wrk)
from servers import CHECK, TOOLS, Pintle, Skip, pinned

N_STRANGERS = 1000  # tokens for a cache of 16: each has been forgotten when it comes again
N_IDLE = 10000
SECRET = "Rhubarb-lantern-42"


def checks():
    """The session check, beside the least a server can do and beside its peers."""
    with contextlib.ExitStack() as stack:
        def up(server):
            stack.callback(server.stop)
            return server

        pintle, strangers = up(Pintle("check")), up(Pintle("miss", options=["token.cache_entries=16"]))
        idle = pintle.memory_mib()
        known, unknown = pintle.sign_in(N_SESSIONS)[1], strangers.sign_in(N_STRANGERS)[1]
        one = bearer(first_line(known))
        warm_up(pintle, known)
        warm = pintle.memory_mib()
        evhttp, bare, nginx = up(servers.bare("evhttp_hello")), up(servers.bare("bev_hello")), up(servers.nginx("nginx"))
        both = up(Pintle("both", cpus="0,1", workers=2))
        shared = both.sign_in(N_SESSIONS)[1]
        warm_up(both, shared, cpus="0,1")
        targets = {
            "bare evhttp": lambda: wrk(evhttp, script=tokens_script(known)),
            "bare bufferevent": lambda: wrk(bare, script=tokens_script(known)),
            "nginx `return 200`": lambda: wrk(nginx, script=tokens_script(known)),
            f"**/auth/check, {N_SESSIONS:,} sessions**": lambda: wrk(pintle, script=tokens_script(known)),
            "/auth/check, one token": lambda: wrk(pintle, headers=one),
            "/auth/check, tokens never seen before":
                lambda: wrk(strangers, script=tokens_script(unknown)),
            "/auth/check, 2 workers and the load on both cores":
                lambda: wrk(both, script=tokens_script(shared), cpus="0,1"),
        }
        skipped = []
        try:
            express = up(servers.express())
            wrk(express, headers=bearer(express.token))  # compiled by its engine first
            targets["express + jsonwebtoken"] = lambda: wrk(express, headers=bearer(express.token))
        except Skip as why:
            skipped.append(f"express + jsonwebtoken: {why}")
        try:
            peer = up(glewlwyd.start())
            targets["Glewlwyd, session check"] = lambda: wrk(peer, headers=peer.headers)
        except Skip as why:
            skipped.append(f"Glewlwyd: {why}")
        runs = rounds_of(targets)
        loaded = pintle.memory_mib()
    ours = runs[f"**/auth/check, {N_SESSIONS:,} sessions**"]
    rows = [[name, spread([run.rate for run in got]), spread([run.cpu_rate for run in got]),
             f"{statistics.median(run.cpu_share for run in got):.0%}", ratio(ours, got)]
            for name, got in runs.items()]
    text = table(["server on core 0, wrk on core 1", "requests/s", "requests per server CPU second",
                  "CPU", "headline ÷ this"], rows)
    memory = table(["a worker's resident memory, MiB", "its own", "with the shared map of the kv store"],
                   [[state, f"{own:.1f}", f"{whole:.1f}"] for state, (own, whole) in (
                       ("idle", idle), (f"{N_SESSIONS:,} sessions made and known", warm),
                       ("after all runs", loaded))])
    return "".join([text, *(f"\nNot measured: {why}\n" for why in skipped), "\n", memory])


def code_logins():
    """begin and verify with a new number each: an account, a session and two log rows, durable."""
    es256, hs256 = Pintle("codes"), Pintle("codes_hs256", options=["token.jwt_secret=" + "s" * 32])
    count = max(500, int(1000 * SECONDS))
    try:
        runs = rounds_of({
            "ES256 (default)": lambda: sign_ins(es256, count),
            "HS256 (`jwt_secret`)": lambda: sign_ins(hs256, count),
        })
    finally:
        es256.stop()
        hs256.stop()
    return table(["code login, 64 clients", "logins/s", "logins per server CPU second"],
                 [[name, spread([run.rate for run in got]), spread([run.cpu_rate for run in got])]
                  for name, got in runs.items()])


def account_with_secret(server):
    """An account with a password: the body that logs in, which ends its older sessions."""
    token = first_line(server.sign_in(1, connections=1)[1])
    request = urllib.request.Request(server.base + "/api/v1/user/password", method="PUT",
                                     data=json.dumps({"new_password": SECRET}).encode(),
                                     headers={**bearer(token), "Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()
    return json.dumps({"phone": server.last_number(), "password": SECRET})


def raw_hashes(seconds):
    said = subprocess.run(pinned("0", f"{TOOLS}/hash_rate", "10", str(seconds)), check=True,
                          capture_output=True, text=True).stdout
    return json.loads(said)


def password_logins():
    seconds = max(3, 4 * SECONDS)
    server = Pintle("secrets", options=["pool.hash_threads=1"])
    try:
        body = account_with_secret(server)
        runs = rounds_of({
            "raw": lambda: raw_hashes(seconds),
            "logins": lambda: wrk(server, server.base + "/api/v1/auth/login",
                                  ("login.lua", {"BODY": body}), connections=4, seconds=seconds),
        }, min(ROUNDS, 3))
    finally:
        server.stop()
    raw = [said["n"] / said["seconds"] for said in runs["raw"]]
    rates = [run.rate for run in runs["logins"]]
    return table(["one core, bcrypt cost 10", "each second", "÷ raw"],
                 [["raw, one thread", spread(raw, 2), "1"],
                  ["password logins, 4 clients", spread(rates, 2),
                   spread([a / b for a, b in zip(rates, raw)], 2)]])


def flooded(server, body, token, seconds, cpus):
    """Latency of checks while logins want more hashes than the cap gives."""
    command = pinned(cpus, "wrk", "-t1", "-c8", f"-d{round(seconds) + 2}s", "--timeout", "20s", "-s",
                     os.path.join(servers.ROOT, "bench", "login.lua"),
                     server.base + "/api/v1/auth/login")
    flood = subprocess.Popen(command, env=dict(os.environ, BODY=body), stdout=subprocess.DEVNULL)
    try:
        return paced(server, token, seconds, cpus)
    finally:
        flood.wait()


def latency():
    seconds = max(2, 2 * SECONDS)
    rows = []
    for name, cpus in (("one core", "0"), ("a spare core", "0,1")):
        server = Pintle(f"latency{len(rows)}", cpus=cpus, options=["pool.hash_threads=1"])
        try:
            body = account_with_secret(server)
            token = first_line(server.sign_in(1, connections=1)[1])
            runs = rounds_of({"idle": lambda: paced(server, token, seconds),
                              "flood": lambda: flooded(server, body, token, seconds, "1")},
                             min(ROUNDS, 3))
        finally:
            server.stop()
        for state, label in (("idle", "alone"), ("flood", "while password logins saturate the cap")):
            rows.append([f"{name}, {label}"] + [spread([run[key] for run in runs[state]], 2)
                                                for key in ("p50", "p99", "max")])
    return table(["checks, 200/s open loop", "p50 ms", "p99 ms", "max ms"], rows)


def idle_connections():
    server = Pintle("idle")
    try:
        token = first_line(server.sign_in(1, connections=1)[1])
        before = server.memory_mib()[0]
        client = subprocess.Popen(pinned("1", f"{TOOLS}/idle", str(server.port), CHECK, token, str(N_IDLE)),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        count = json.loads(client.stdout.readline())["n"]
        after = server.memory_mib()[0]
        client.communicate()
    finally:
        server.stop()
    return (f"{count:,} idle keep-alive connections: {(after - before) * 1024 / count:.2f} KiB each "
            f"({before:.1f} → {after:.1f} MiB).\n")


def start_up():
    fresh, again = [], []
    for i in range(5):
        server = Pintle(f"start{i}")
        fresh.append(server.start_ms)
        server.stop()
        server.start()
        again.append(server.start_ms)
        server.stop()
    return (f"Start to ready: {spread(fresh, 1)} ms with an empty state folder, "
            f"{spread(again, 1)} ms with the one of the start before.\n")


def behind_nginx():
    """nginx on core 0; pintle shares core 1 with the load."""
    pintle = Pintle("upstream", cpus="1")
    try:
        front = servers.nginx("front", pintle)
        try:
            script = tokens_script(pintle.sign_in(1000)[1])
            base = front.url.rpartition("/")[0]
            wrk(front, base + "/guarded/file", script)
            runs = rounds_of({"static file": lambda: wrk(front, base + "/file", script),
                              "static file, auth_request to pintle":
                                  lambda: wrk(front, base + "/guarded/file", script)})
        finally:
            front.stop()
    finally:
        pintle.stop()
    return table(["nginx on core 0; pintle and wrk on core 1", "requests/s", "per nginx CPU second",
                  "÷ static"],
                 [[name, spread([run.rate for run in got]), spread([run.cpu_rate for run in got]),
                   ratio(got, runs["static file"])] for name, got in runs.items()])


PARTS = [
    ("Session checks", checks),
    ("nginx `auth_request`", behind_nginx),
    ("Code login", code_logins),
    ("Password login", password_logins),
    ("Latency beside hashing", latency),
    ("Idle connections", idle_connections),
    ("Start", start_up),
]
# What is measured together, by the name in BENCH_ONLY and at the end of the file of results.
SETS = {"": PARTS, "stores": stores.PARTS}


def said_by(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return (done.stdout or done.stderr).strip().splitlines()[0]


def machine(only):
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    revision = said_by("git", "-C", servers.ROOT, "rev-parse", "--short", "HEAD")
    return (f"{model}, {os.cpu_count()} processors, {pages:.0f} GiB; Linux {platform.release()}; "
            f"{said_by('cc', '--version')}; {said_by('/usr/sbin/nginx', '-v')}; node {said_by('node', '--version')}; "
            f"{said_by('mariadbd', '--version')}; {said_by('redis-server', '--version')}; "
            f"load before: {os.getloadavg()[0]:.2f}. pintle {revision}.\n\n"
            f"`make bench {only and 'BENCH_ONLY=' + only + ' '}BENCH_ROUNDS={ROUNDS} "
            f"BENCH_SECONDS={SECONDS:g}`: every target once a round, in turn, "
            f"{SECONDS:g} s each, wrk with 64 connections. Figures are the median (least–most) of the rounds, "
            "ratios of the ratio within each round by server CPU second. "
            "Any answer but 2xx ends the run.\n")


def main():
    if os.cpu_count() < 2:
        sys.exit("the benchmark needs two processors: one for the server, one for the load")
    shutil.rmtree(servers.WORK, ignore_errors=True)
    os.makedirs(servers.WORK)
    now = datetime.datetime.now()
    wanted, only = sys.argv[1:], os.environ.get("BENCH_ONLY", "")
    if only not in SETS:
        sys.exit(f"BENCH_ONLY={only}: one of {', '.join(filter(None, SETS))}, or nothing")
    text = f"# pintle, measured {now:%Y-%m-%d %H:%M}\n\n{machine(only)}"
    print(text, flush=True)
    for title, part in SETS[only]:
        if wanted and part.__name__ not in wanted:
            continue
        section = f"## {title}\n\n{part()}"
        print(section, flush=True)
        text += f"\n{section}"
    if not wanted:
        path = os.path.join(servers.ROOT, "bench", "results", f"{now:%Y-%m-%d}{only and '-' + only}.md")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        print(f"written to {os.path.relpath(path)}")


if __name__ == "__main__":
    main()
