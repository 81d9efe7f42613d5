# SPDX-License-Identifier: Apache-2.0
"""Runs in turn, and what their figures say together."""
import json
import os
import statistics
import subprocess

import servers
from servers import TOOLS, pinned

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
CONNECTIONS = 64
N_SESSIONS = 10000


class Run:
    """One load on one server: rates by the clock and by the processor time of the server."""

    def __init__(self, count, seconds, cpu):
        self.seconds = seconds
        self.rate = count / seconds
        self.cpu_rate = count / cpu if cpu > 0 else 0
        self.cpu_share = cpu / seconds


def wrk(server, url=None, script=None, headers=None, connections=CONNECTIONS, seconds=SECONDS,
        cpus="1"):
    """wrk against a server. script is a file of ours and what it wants in the environment. Any answer but
    2xx ends the benchmark, for it would measure refusals."""
    command = pinned(cpus, "wrk", f"-t{len(cpus.split(','))}", f"-c{connections}",
                     f"-d{max(1, round(seconds))}s", "--timeout", "10s")
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    env = dict(os.environ)
    if script:
        command += ["-s", os.path.join(servers.ROOT, "bench", script[0])]
        env.update(script[1])
    before = server.cpu_seconds()
    said = subprocess.run([*command, url or server.url], env=env, check=True, capture_output=True,
                          text=True).stdout
    cpu = server.cpu_seconds() - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{server.name}: not all was well\n{said}")
    line = next(line for line in said.splitlines() if " requests in " in line)
    count, seconds = int(line.split()[0]), line.split()[3].rstrip(",")
    unit = 60 if seconds.endswith("m") else 1
    return Run(count, float(seconds.rstrip("sm")) * unit, cpu)


def tokens_script(path):
    return ("check.lua", {"TOKENS": path})


def first_line(path):
    with open(path, encoding="ascii") as file:
        return file.readline().strip()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def warm_up(server, tokens, cpus="1"):
    """Until every worker has verified every token."""
    script, misses = tokens_script(tokens), -1
    while misses != (misses := server.token_misses()):
        wrk(server, script=script, cpus=cpus, seconds=2)


def sign_ins(server, count, again=False):
    before = server.cpu_seconds()
    said, _ = server.sign_in(count, again=again)
    return Run(said["n"], said["seconds"], server.cpu_seconds() - before)


def paced(server, token, seconds, cpus="1", rate=200):
    """Latencies in ms of an open loop of checks."""
    said = subprocess.run(pinned(cpus, f"{TOOLS}/paced", str(server.port), servers.CHECK, token,
                                 str(rate), str(seconds)),
                          check=True, capture_output=True, text=True).stdout
    result = json.loads(said)
    if result["lost"] or result["bad"]:
        raise SystemExit(f"{server.name}: {said}")
    return result


def rounds_of(targets, n_rounds=None):
    """{name: [figure a round]} of functions that are called in turn, round by round."""
    figures = {name: [] for name in targets}
    for _ in range(n_rounds or ROUNDS):
        for name, run in targets.items():
            figures[name].append(run())
    return figures


def spread(values, digits=0):
    """median (min–max)"""
    low, middle, high = (f"{value:,.{digits}f}" for value in
                         (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low}–{high})"


def ratio(above, below, of=lambda run: run.cpu_rate):
    """The median of the ratios of each round, since the machine drifts between rounds."""
    return spread([of(a) / of(b) for a, b in zip(above, below)], 2)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"
