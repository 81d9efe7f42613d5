# SPDX-License-Identifier: Apache-2.0
"""Plugins that crash, hang or break their promises: refused at load, or survived."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import time

import pytest

from harness import BUILD, requests_over_socket, sign_in, wait_for
from load import Load, signed_in
from starting import refusal

BAD = pathlib.Path(BUILD, "bad_plugins")
UNRULY = "[unruly]\ntimeout = 500ms\n"
SHORT = ["pool.call_timeout=500ms", "pool.retire_after=300ms", "server.drain_timeout=1s"]
ROUTE = "/api/v1/auth/unruly/"


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """The plugin folder with all bad ones in it."""
    folder = tmp_path_factory.mktemp("plugins")
    for path in [*pathlib.Path(BUILD, "plugins").glob("*.so"), *BAD.glob("*.so")]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def unruly(make_server, plugins):
    return make_server(*SHORT, workers=2, plugins=str(plugins), conf={"90-unruly.ini": UNRULY})


def misbehave(server, how, operation="verify"):
    """Status and error name of one misdeed; (0, None) when the connection broke."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    try:
        connection.request("POST", ROUTE + operation, f'{{"how":"{how}"}}',
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        match = re.search(rb'"error":"(\w+)"', answer.read())
        return answer.status, match and match[1].decode()
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def is_whole(server):
    """Whether both workers of the configuration serve. One that dies may be the one that is asked."""
    done = server.ctl("status", check=False)
    workers = json.loads(done.stdout)["workers"] if done.returncode == 0 else []
    return [worker["state"] for worker in workers] == ["serving"] * 2


def resume(server):
    server.ctl("provider", "resume", "unruly")
    wait_for(lambda: not quarantined(server), "the instance to be back")


def quarantined(server):
    return [p["name"] for p in server.ctl("provider", "list") if p["quarantined"]]


DEADLY = {"segv": "Segmentation fault", "abort": "Aborted", "overflow": "Segmentation fault",
          "exit": "exit inside an op"}


def test_a_crash_costs_nobody_else_anything(unruly):
    """Every way to die, in begin and in verify, while a session of another provider is used."""
    who = sign_in(unruly)
    with Load(unruly.url, signed_in(who.tokens["access_token"]), rate=500, tries=2) as load:
        for how in DEADLY:
            for operation in ("begin", "verify"):
                before = set(unruly.workers())
                assert misbehave(unruly, how, operation) == (0, None), (how, operation)
                wait_for(lambda: before - set(unruly.workers()), f"{how} to end a worker")
                wait_for(lambda: is_whole(unruly), "the worker's successor")
                resume(unruly)
        wait_for(lambda: load.n_right > 2500, "some thousands of requests", 30)
    total = load.report("8 crashes beside others' requests")
    assert len(load.failures) <= total / 1000, load.failures
    assert load.n_broken <= 4 * 8, "only what was in flight in the worker that died"
    for how, cause in DEADLY.items():
        for operation in ("begin", "verify"):
            assert re.search(rf"ended: {cause}, in \[unruly\] {operation}", unruly.log()), (how, operation)


def test_the_successor_is_there_in_half_a_second(unruly):
    spans = []
    for _ in range(3):
        before = set(unruly.workers())
        misbehave(unruly, "segv")
        begin = time.monotonic()
        wait_for(lambda: len(set(unruly.workers()) - before) == 1 and is_whole(unruly), "two workers")
        spans.append(time.monotonic() - begin)
    print("\nworker back after", [f"{span * 1000:.0f} ms" for span in spans])
    assert min(spans) < 0.5, spans


def test_three_kills_and_it_is_kept_out(unruly):
    client = unruly.client()
    for n in range(3):
        assert not quarantined(unruly), n
        assert misbehave(unruly, "segv") == (0, None)
        wait_for(lambda: is_whole(unruly), "two workers")
    wait_for(lambda: quarantined(unruly) == ["unruly"], "the quarantine")
    assert misbehave(unruly, "segv") == (503, "provider_unavailable")
    assert misbehave(unruly, "fine", "begin") == (503, "provider_unavailable")
    ready = client.get("/readyz").json()
    assert [i["name"] for i in ready["instances"] if not i["up"]] == ["unruly"]
    metrics = client.get("/metrics").text
    assert 'pintle_instance_quarantined{instance="unruly"} 1' in metrics
    assert 'pintle_instance_quarantined{instance="password"} 0' in metrics
    assert "quarantined until it is resumed" in unruly.log()
    resume(unruly)
    assert misbehave(unruly, "fine")[0] == 200
    assert 'pintle_instance_quarantined{instance="unruly"} 0' in client.get("/metrics").text


def test_a_required_instance_in_quarantine_makes_the_server_unready(make_server, plugins):
    server = make_server(workers=2, plugins=str(plugins),
                         conf={"90-unruly.ini": UNRULY + "required = yes\n"})
    assert server.client().get("/readyz").status_code == 200
    for _ in range(3):
        misbehave(server, "abort")
        wait_for(lambda: is_whole(server), "two workers")
    wait_for(lambda: server.client().get("/readyz").status_code == 503, "unready")
    resume(server)
    assert server.client().get("/readyz").status_code == 200


def test_a_kill_from_outside_blames_nobody(unruly):
    os.kill(unruly.workers()[0], 9)
    wait_for(lambda: is_whole(unruly), "two workers")
    assert all(i["kills"] == 0 for i in unruly.ctl("status")["instances"])
    assert re.search(r"worker \d+ \(pid \d+\) ended: Killed", unruly.log(), re.M)


def test_a_worker_that_does_nothing_any_more_is_replaced(unruly):
    """Stopped, so that its loop does not turn; the other one serves meanwhile."""
    silent = unruly.workers()[0]
    wait_for(lambda: is_whole(unruly), "two workers")
    os.kill(silent, signal.SIGSTOP)
    wait_for(lambda: silent not in unruly.workers() and is_whole(unruly), "its successor", 40)
    assert "has not turned its loop" in unruly.log()


def test_a_hang_is_cut_and_the_worker_replaced(unruly):
    who = sign_in(unruly)
    with Load(unruly.url, signed_in(who.tokens["access_token"]), rate=300) as load:
        for operation in ("verify", "begin"):
            before = set(unruly.workers())
            begin = time.monotonic()
            assert misbehave(unruly, "hang", operation) == (504, "timeout")
            assert time.monotonic() - begin < 2
            wait_for(lambda: before - set(unruly.workers()), "the hanging worker to go", 15)
            wait_for(lambda: is_whole(unruly), "its successor")
    load.report("2 hangs beside others' requests")
    assert load.failures == []
    assert re.search(r"\[unruly\] verify has not returned .* this worker retires", unruly.log())
    assert re.search(r"ended: an op that did not return, in \[unruly\] begin", unruly.log())
    assert [i["kills"] for i in unruly.ctl("status")["instances"] if i["name"] == "unruly"] == [2]


def counter(server, name):
    return int(re.search(rf"^{name} (\d+)$", server.client().get("/metrics").text, re.M)[1])


def test_promises_broken(unruly):
    before = set(unruly.workers())
    assert misbehave(unruly, "never") == (504, "timeout")
    assert misbehave(unruly, "late") == (504, "timeout")
    assert misbehave(unruly, "twice") == (401, "invalid_credentials")
    wait_for(lambda: counter(unruly, "pintle_late_completions_total") >= 2, "late ones to be counted")
    assert misbehave(unruly, "both")[0] in (401, 500)
    assert misbehave(unruly, "fine")[0] == 200
    assert set(unruly.workers()) == before
    assert "done() for a call that is over" in unruly.log()
    assert "never called done()" in unruly.log()


@pytest.mark.parametrize("how", ["nobody", "foreign", "not_text", "no_account", "no_status"])
def test_answers_not_to_be_believed(unruly, how):
    before = set(unruly.workers())
    status, _ = misbehave(unruly, how)
    assert status in (401, 500), status
    assert misbehave(unruly, "fine")[0] == 200
    assert set(unruly.workers()) == before


@pytest.mark.parametrize("how", ["leak", "locale", "threads", "signals", "close_fds"])
def test_harm_to_the_process_is_survived(unruly, how):
    who = sign_in(unruly)
    with Load(unruly.url, signed_in(who.tokens["access_token"]), rate=600, tries=2) as load:
        for _ in range(30 if how == "leak" else 2):
            misbehave(unruly, how)
        wait_for(lambda: load.n_right > 1000, "a thousand requests")
        wait_for(lambda: is_whole(unruly), "two workers")
    total = load.report(how)
    assert len(load.failures) <= total / 1000, load.failures
    sign_in(unruly)


# ---- At load ----

AT_OPEN = {"abort": "signal 6", "exit": "without a result", "signals": "changes a signal handler",
           "locale": "changes the locale", "umask": "changes the umask"}


@pytest.mark.parametrize("how", AT_OPEN)
def test_a_reload_with_a_plugin_bad_at_open_changes_nothing(unruly, how):
    before = set(unruly.workers())
    unruly.write_conf("90-unruly.ini", UNRULY + f"at_open = {how}\n")
    done = unruly.ctl("reload", check=False)
    assert done.returncode == 1, done
    assert AT_OPEN[how] in done.stderr, done.stderr
    assert set(unruly.workers()) == before
    assert misbehave(unruly, "fine")[0] == 200
    unruly.write_conf("90-unruly.ini", UNRULY)
    unruly.ctl("reload")


@pytest.mark.parametrize("how", AT_OPEN)
def test_a_start_with_a_plugin_bad_at_open_is_refused(make_server, plugins, how):
    server = make_server(start=False, plugins=str(plugins),
                         conf={"90-unruly.ini": UNRULY + f"at_open = {how}\n"})
    assert AT_OPEN[how] in refusal(server)


def test_a_hang_at_open_holds_up_the_reload_only(unruly):
    unruly.write_conf("90-unruly.ini", UNRULY + "at_open = hang\n")
    requests_over_socket(os.path.join(unruly.state, "control.sock"), "POST", "/control/order",
                         {"order": "reload"})
    wait_for(lambda: len(unruly.workers()) == 3, "the checker")
    sign_in(unruly)
    assert misbehave(unruly, "fine")[0] == 200
    assert unruly.stop() == 0


AT_LOAD = {"wrong_abi": "it is built for ABI", "no_entry": "it has no pintle_plugin_entry",
           "other_name": "it calls itself somebody_else", "no_verify": "it lacks provider.verify",
           "bad_option": "option tries", "loads_signals": "loading it changes a signal handler",
           "loads_exit": "without a result"}


@pytest.mark.parametrize("name", AT_LOAD)
def test_a_bad_plugin_is_refused_at_load(make_server, plugins, name):
    line = refusal(make_server(start=False, plugins=str(plugins), conf={"90-bad.ini": f"[{name}]\n"}))
    assert AT_LOAD[name] in line, line
