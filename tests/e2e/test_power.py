# SPDX-License-Identifier: Apache-2.0
"""The loss of power (R02), as far as a program can answer for it: the disk has said that it holds the
commit before a byte of the answer is written. The kernel's own record of the calls shows the order."""
import os
import re

import pytest

from harness import GOOD_SECRET, Server, register, wait_for

N_LOGINS = 48
CALL = re.compile(r"^(\d+) +(?:(\w+)\(\d+<([^>]*)>(.*)|<\.\.\. (\w+) resumed>(.*))$")
SYNCS = ("fdatasync", "fsync")
SESSION = re.compile(r'session_id\\":\\"([\w-]+)\\"')
pytestmark = pytest.mark.stores("sqlite", reason="the log that is watched is SQLite's")


class TracedServer(Server):
    def command(self):
        self.trace = os.path.join(self.folder, "trace")
        return ["strace", "-D", "-f", "-q", "-y", "-s", "4096", "-o", self.trace,
                "-e", "trace=pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg", *super().command()]

    def lines(self):
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()


class Log:
    """The write-ahead log: what a thread wrote in one go is a batch, and so many batches the disk has."""

    def __init__(self):
        self.batches = []  # [thread, text, whether it has ended]
        self.n_synced = 0
        self.syncing = {}  # thread: how many batches there were when its sync began

    def write(self, thread, text):
        if not self.batches or self.batches[-1][0] != thread or self.batches[-1][2]:
            self.batches.append([thread, "", False])
        self.batches[-1][1] += text

    def begin_sync(self, thread):
        self.syncing[thread] = len(self.batches)
        if self.batches:
            self.batches[-1][2] = True

    def end_sync(self, thread):
        self.n_synced = max(self.n_synced, self.syncing.pop(thread))

    def verdict(self, text):
        """About the first batch with that text; others write too, such as what is done now and then."""
        for i, (_, written, _) in enumerate(self.batches):
            if text in written:
                return "synced" if i < self.n_synced else "not synced"
        return "nothing written"


def answers(lines):
    """For each answer with tokens: "synced", or why a loss of power then would lose its commit."""
    log, verdicts = Log(), []
    for line in lines:
        match = CALL.match(line)
        if not match:
            continue
        thread, call, path, rest, resumed, end = match.groups()
        if resumed in SYNCS and thread in log.syncing:
            if end.rstrip().endswith("= 0"):
                log.end_sync(thread)
        elif call == "pwrite64" and path.endswith("-wal"):
            log.write(thread, rest)
        elif call in SYNCS and path.endswith("-wal"):
            log.begin_sync(thread)
            if rest.rstrip().endswith("= 0"):
                log.end_sync(thread)
        elif call and "refresh_token" in rest and "HTTP/1.1 200" in rest:
            verdicts.append(log.verdict(SESSION.search(rest)[1]))
    return verdicts


@pytest.fixture(scope="module")
def trace():
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # which wants to trace the process itself
    server = TracedServer(workers=2).start()
    try:
        phone = register(server).phone
        client = server.client()
        for _ in range(N_LOGINS):
            client.ok("POST", "/api/v1/auth/login", {"account": phone, "password": GOOD_SECRET})
        assert server.stop() == 0
        wait_for(lambda: re.match(rf"{server.process.pid} +\+\+\+ exited", server.lines()[-1]),
                 "the end of the trace")
        yield server.lines()
    finally:
        del os.environ["ASAN_OPTIONS"]
        server.close()


def test_no_login_is_acknowledged_before_the_disk_has_it(trace):
    verdicts = answers(trace)
    assert len(verdicts) == N_LOGINS + 1, f"{len(verdicts)} answers in the trace"
    assert set(verdicts) == {"synced"}, verdicts


def test_the_trace_would_show_a_missing_sync(trace):
    without = [line for line in trace if not any(f"{call}(" in line or f"{call} resumed" in line
                                                 for call in SYNCS)]
    assert set(answers(without)) == {"not synced"}, answers(without)
