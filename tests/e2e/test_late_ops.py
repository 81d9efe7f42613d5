# SPDX-License-Identifier: Apache-2.0
"""Ops that promised to answer later and did not in time: what they were lent stays until they end."""
import pytest

from harness import wait_for
from pages import HTML, assert_page
from unruly import is_whole, misbehave

BEGIN, VERIFY = "/api/v1/auth/unruly/begin", "/api/v1/auth/unruly/verify"
TRUSTING = "/api/v1/trusting"
TIMEOUT, DENIED = 33, 16  # of status.h
LATE = "done() for a call that is over"
# Another plugin that asks the unruly one for a proof, and has more time than that.
MORE = "[trusting]\ntimeout = 10s\n"
OPTIONS = ["pool.call_timeout=10s", "pool.retire_after=300ms"]


@pytest.fixture
def trusting(make_unruly):
    return make_unruly(more=MORE, options=[*OPTIONS, "server.drain_timeout=1s"])


def prove(server, how):
    """What the other plugin was told of the proof; its own op is fine and its request over then."""
    client = server.client()
    flow_id = client.ok("POST", BEGIN, {"how": "fine"})["flow_id"]
    return client.ok("POST", TRUSTING, {"how": how, "flow_id": flow_id})["proved"]


def fill(server):
    """Other requests, which get the memory of those before them."""
    for _ in range(20):
        assert misbehave(server, "fine")[0] == 200


def end(server, n_late):
    wait_for(lambda: server.log().count(LATE) == n_late, "the late ends")


def test_a_proof_for_another_op_is_late(trusting):
    before = set(trusting.workers())
    assert prove(trusting, "twice") == DENIED
    assert prove(trusting, "late") == TIMEOUT
    fill(trusting)
    end(trusting, 2)  # the second of twice as well
    assert "late: late kept application/json from 127.0.0.1, " in trusting.log()
    assert set(trusting.workers()) == before


def test_a_proof_for_another_op_never_comes(trusting):
    before = set(trusting.workers())
    assert prove(trusting, "never") == TIMEOUT
    fill(trusting)
    assert prove(trusting, "fine") == 0
    assert "unruly: verify never called done()" in trusting.log()
    assert set(trusting.workers()) == before


def test_a_late_op_may_outlive_the_answer(unruly):
    before = set(unruly.workers())
    assert misbehave(unruly, "late") == (504, "timeout")
    fill(unruly)
    end(unruly, 1)
    assert "late: late nothing application/json from 127.0.0.1, " in unruly.log()
    assert set(unruly.workers()) == before


@pytest.mark.parametrize("how", ["open_here", "open_there", "open_and_ask"])
def test_a_transaction_left_open_ends_with_its_op(unruly, how):
    before = set(unruly.workers())
    assert misbehave(unruly, how) == (401, "invalid_credentials")
    fill(unruly)
    assert "verify left a transaction open" in unruly.log()
    assert set(unruly.workers()) == before


@pytest.mark.parametrize("how,told", [("open_ever", (504, "timeout")), ("open_apart", (500, "internal"))])
def test_a_transaction_that_is_never_ended_costs_the_worker(unruly, how, told):
    """Everybody who writes waits for it. Nobody is told that all is well in the midst of it."""
    before = set(unruly.workers())
    assert misbehave(unruly, how) == told
    wait_for(lambda: before - set(unruly.workers()) and is_whole(unruly), "the worker's successor")
    fill(unruly)


@pytest.mark.parametrize("path", ["/w/unruly", "/api/v1/auth/unruly/callback"])
def test_a_browser_is_shown_a_page_when_it_takes_too_long(unruly, path):
    client = unruly.client()
    answer = assert_page(client.get(path + "?how=never", headers=HTML), 504)
    assert "It took too long" in answer.text and answer.headers["X-Request-Id"] in answer.text
    client.refused(504, "timeout", "GET", path + "?how=never")
    client.refused(504, "timeout", "POST", VERIFY, {"how": "never"}, headers=HTML)


def test_a_browser_is_shown_a_page_where_there_is_none(unruly):
    client = unruly.client()
    assert_page(client.get("/w/unknown", headers=HTML), 404)
    client.refused(404, "not_found", "GET", "/w/unknown")
    client.refused(404, "not_found", "GET", "/api/v1/unknown", headers=HTML)


@pytest.mark.parametrize("drain", ["1ms", "5s"])
def test_a_worker_ends_with_an_op_that_is_late(make_unruly, drain):
    """By a reload, and by the end of the server: in the midst of it and after it."""
    server = make_unruly(more=MORE, options=[*OPTIONS, f"server.drain_timeout={drain}"])
    before = set(server.workers())
    assert prove(server, "late") == TIMEOUT
    server.ctl("reload")
    wait_for(lambda: not before & set(server.workers()), "the former workers to go")
    assert prove(server, "late") == TIMEOUT
    assert server.stop() == 0
    assert drain == "1ms" or server.log().count(LATE) == 2
    assert "ended:" not in server.log()
