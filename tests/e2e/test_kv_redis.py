# SPDX-License-Identifier: Apache-2.0
"""A Redis that is not there: the first start, and workers that begin without it."""
import os
import signal
import time

import pytest

from harness import Server, sign_in, wait_for
from starting import refusal
from stores import Redis
from workers import CHECK, Everywhere

PAIR = "sqlite+redis"


@pytest.fixture
def redis():
    own = Redis().start()
    yield own
    own.close()


@pytest.fixture
def server(redis):
    one = Server(workers=2, pair=PAIR, redis=redis)
    yield one
    one.close()


def test_a_first_start_without_it_is_refused(server, redis):
    redis.stop()
    line = refusal(server)
    assert line.startswith("[storage] kv: "), line
    assert "Connection refused" in server.log() and redis.address in server.log(), server.log()
    redis.start()
    server.start()
    sign_in(server)


def statuses(server, token):
    everywhere = Everywhere(server)
    try:
        return everywhere.ask("GET", CHECK, token)
    finally:
        everywhere.close()


def test_a_worker_that_begins_without_it_recovers_alone(server, redis):
    server.start()
    client = sign_in(server)
    token = client.tokens["access_token"]
    assert [answer.status_code for answer in statuses(server, token)] == [200, 200]
    redis.stop()
    doomed, other = server.workers()
    os.kill(doomed, signal.SIGKILL)
    wait_for(lambda: len(set(server.workers()) - {doomed, other}) == 1, "a successor")
    for answer in wait_for(lambda: len(found := statuses(server, token)) == 2 and found, "both workers"):
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    assert server.client().get("/healthz").status_code == 200
    redis.start()
    began = time.monotonic()
    wait_for(lambda: {answer.status_code for answer in statuses(server, token)} == {200}, "recovery")
    print(f"recovered after {time.monotonic() - began:.2f} s")
    assert sign_in(server).get("/api/v1/user/profile").status_code == 200
