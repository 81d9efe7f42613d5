# SPDX-License-Identifier: Apache-2.0
"""Reload: new code and configuration under load, and nobody notices but those who look for it."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

from harness import BUILD, ROOT, new_phone, send_code, sign_in, wait_for
from load import Load, signed_in
from nginx import free_port
from open_loop import OpenLoop
from parallel import FULL
from steps import PHONE_LOGIN, wrong

N_RELOADS, EVERY_S, RATE = (15, 2, 1000) if FULL else (4, 0.5, 500)


@pytest.fixture
def reloaded(make_server):
    return make_server(workers=2, conf={"90-more.ini": "[session]\n"})


def generation(server):
    return server.ctl("status")["generation"]


def refused_reload(server, reason):
    """A reload that must fail, changes nothing and says why."""
    before, pids = generation(server), set(server.workers())
    done = server.ctl("reload", check=False)
    assert done.returncode == 1, done
    assert reason in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert generation(server) == before
    assert set(server.workers()) == pids
    assert "reload refused, nothing changes" in server.log()


@pytest.mark.core
@pytest.mark.one_host(reason="the balancer has connections of its own")
@pytest.mark.parametrize("keep_alive", [False, True], ids=["connection_each", "keep_alive"])
def test_reloads_under_load_lose_nothing(reloaded, keep_alive):
    who = sign_in(reloaded)
    send = signed_in(who.tokens["access_token"])
    with Load(reloaded.url, send, rate=400, keep_alive=keep_alive) as load:
        for n in range(5):
            reached = load.n_right
            wait_for(lambda: load.n_right > reached + 100, "a hundred requests more")
            assert reloaded.ctl("reload")["generation"] == n + 2
        wait_for(lambda: load.n_right > 1500, "some requests on the last generation")
    load.report("5 reloads")
    assert load.failures == []


def test_requests_in_flight_are_finished(reloaded):
    """A body half sent when the reload comes is answered by the generation that took it."""
    port = int(reloaded.url.rsplit(":", 1)[1])
    body = b'{"refresh_token":"x.y"}'
    with socket.create_connection(("127.0.0.1", port), timeout=20) as half:
        half.sendall(b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                     b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:5])
        pids = set(reloaded.workers())
        reloaded.ctl("reload")
        assert set(reloaded.workers()) & pids, "the worker with the request waits for it"
        half.sendall(body[5:])
        answer = half.recv(65536)
        assert answer.startswith(b"HTTP/1.1 401"), answer
        assert b"connection: close" in answer.lower()
    wait_for(lambda: not set(reloaded.workers()) & pids, "the old generation to end")


@pytest.mark.core
def test_a_flow_begun_before_is_ended_after(reloaded):
    client, phone = reloaded.client(), new_phone()
    flow_id, code = send_code(reloaded, client, phone)
    reloaded.ctl("reload")
    client.ok("POST", "/api/v1/auth/phone-login", {"phone": phone, "code": code, "flow_id": flow_id})


@pytest.mark.core
def test_limits_are_not_reset(make_server):
    server = make_server("limits.code_failures=4", "limits.flow_tries=100", workers=2)
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    wrong = {"phone": phone, "code": "000000" if code != "000000" else "000001", "flow_id": flow_id}
    for _ in range(4):
        client.refused(401, "invalid_code", "POST", "/api/v1/auth/phone-login", wrong)
        server.ctl("reload")
    assert client.post("/api/v1/auth/phone-login", wrong).status_code == 429
    assert client.post("/api/v1/auth/phone-login", {**wrong, "code": code}).status_code == 429


@pytest.mark.core
def test_a_session_of_before_lives_on(reloaded):
    who = sign_in(reloaded)
    reloaded.ctl("reload")
    assert who.get("/api/v1/auth/check").status_code == 200
    tokens = who.ok("POST", "/api/v1/auth/refresh", {"refresh_token": who.tokens["refresh_token"]})
    who.use(tokens["access_token"]).ok("GET", "/api/v1/user/profile")


BROKEN = {
    "[session]\nmax_app = 0\n": "90-more.ini:2: [session] max_app: must be from 1",
    "[session]\nmax_ap = 2\n": "90-more.ini:2: [session] max_ap: unknown key",
    "[nosuch]\n": "90-more.ini:1: [nosuch]",
    "[session\n": "90-more.ini:1: missing ']'",
    "[sms_http]\nurl = https://a.example/\nbody = {\n": "90-more.ini:",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_configuration_changes_nothing(reloaded, text):
    who = sign_in(reloaded)
    reloaded.write_conf("90-more.ini", text)
    refused_reload(reloaded, BROKEN[text])
    assert who.get("/api/v1/auth/check").status_code == 200
    assert reloaded.ctl("status")["last_reload"]["good"] is False
    reloaded.write_conf("90-more.ini", "[session]\nmax_app = 2\n")
    assert reloaded.ctl("reload")["last_reload"]["good"] is True


def test_the_state_folder_cannot_move(make_server, tmp_path):
    server = make_server(start=False)
    server.options = [o for o in server.options if not o.startswith("server.state_dir")]
    server.write_conf("00-server.ini", f"[server]\nstate_dir = {server.state}\n")
    server.start()
    server.write_conf("00-server.ini", f"[server]\nstate_dir = {tmp_path}/other\n")
    refused_reload(server, "00-server.ini:2: [server] state_dir: cannot change while the server runs")


def test_a_worker_that_dies_comes_back_with_what_it_had(reloaded):
    """Half an edit on the disk is nobody's configuration until a reload takes it."""
    reloaded.write_conf("90-more.ini", "[session\n")
    before = set(reloaded.workers())
    os.kill(min(before), signal.SIGKILL)
    wait_for(lambda: len(set(reloaded.workers()) - before) == 1, "the successor")
    wait_for(lambda: [w["state"] for w in reloaded.ctl("status")["workers"]] == ["serving"] * 2, "both")
    sign_in(reloaded)


def build_motto(path, version):
    """The SDK's template as a plugin of this version."""
    text = pathlib.Path(ROOT, "sdk/template/motto.c").read_text(encoding="utf-8")
    source = path.with_suffix(".c")
    changed = text.replace('"1.0.0"', f'"{version}"').replace('"1.0"', f'"{version}"')
    changed = changed.replace('.version = "0.1.0"', f'.version = "{version}"')
    assert f'"{version}"' in changed, "the template names its version otherwise now"
    source.write_text(changed, encoding="utf-8")
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-fPIC", "-shared", "-I", f"{ROOT}/sdk/include",
                    "-o", path, source], check=True, timeout=60)
    path.chmod(0o755)


class Motto:
    """A plugin folder in which the motto plugin changes its version, and the server that has it."""

    def __init__(self, make_server, tmp_path, *options):
        self.folder = tmp_path / "plugins"
        shutil.copytree(pathlib.Path(BUILD, "plugins"), self.folder,
                        ignore=lambda d, names: [n for n in names if not n.endswith(".so")])
        self.built = {version: tmp_path / f"motto-{version}.so" for version in ("7.1", "7.2")}
        for version, path in self.built.items():
            build_motto(path, version)
        self.swap_in("7.1")
        self.server = make_server(*options, workers=2, plugins=str(self.folder),
                                  conf={"50-motto.ini": "[motto]\nmotto = open sesame\n"})

    def swap_in(self, version):
        fresh = self.folder / "motto.new"
        shutil.copy(self.built[version], fresh)
        fresh.rename(self.folder / "motto.so")

    def version(self):
        """The one that serves."""
        [found] = [p["version"] for p in self.server.ctl("provider", "list") if p["name"] == "motto"]
        return found


def test_a_changed_plugin_is_picked_up(make_server, tmp_path):
    motto = Motto(make_server, tmp_path)
    server, folder = motto.server, motto.folder
    who = sign_in(server)
    assert motto.version() == "7.1"
    with Load(server.url, signed_in(who.tokens["access_token"]), rate=200) as load:
        motto.swap_in("7.2")
        assert motto.version() == "7.1", "not before the reload"
        wait_for(lambda: load.n_right > 100, "a hundred requests")
        server.ctl("reload")
        assert motto.version() == "7.2"
        wait_for(lambda: load.n_right > 200, "a hundred requests more")
    load.report("a plugin swapped")
    assert load.failures == []
    (folder / "motto.so").write_bytes(b"broken")  # in place, as cp does it
    refused_reload(server, "50-motto.ini:1: [motto]: plugin motto.so:")
    server.client().ok("POST", "/api/v1/auth/motto/verify", {"name": "ada", "motto": "open sesame"})


class Guesser:
    """Guesses at a code for ever; the budget of wrong codes must outlive every reload."""

    BUDGET = 3

    def __init__(self, server):
        self.client, self.phone = server.client(), new_phone()
        self.flow_id, code = send_code(server, self.client, self.phone)
        self.code, self.told = wrong(code), []

    def guess(self):
        body = {"phone": self.phone, "code": self.code, "flow_id": self.flow_id}
        self.told.append(self.client.post(PHONE_LOGIN, body).status_code)

    def was_limited_once(self):
        return self.told == [401] * self.BUDGET + [429] * (len(self.told) - self.BUDGET)


def reload_plainly(motto):
    motto.server.ctl("reload")


def reload_by_signal(motto):
    before = generation(motto.server)
    motto.server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: generation(motto.server) > before, "the next generation")


def reload_other_plugin(motto):
    version = "7.2" if motto.version() == "7.1" else "7.1"
    motto.swap_in(version)
    motto.server.ctl("reload")
    assert motto.version() == version


def reload_broken(motto):
    """Refused; what comes after it finds the configuration whole again."""
    wait_for(lambda: len(motto.server.workers()) == 2, "the generation before to end")
    motto.server.write_conf("50-motto.ini", "[motto]\nmotto = open sesame\nmoto = typo\n")
    refused_reload(motto.server, "50-motto.ini:3: [motto] moto: unknown key")
    motto.server.write_conf("50-motto.ini", "[motto]\nmotto = open sesame\n")


RELOADS = [reload_plainly, reload_other_plugin, reload_broken, reload_by_signal]


def test_reloads_by_the_clock_lose_nothing(make_server, tmp_path):
    """Every kind in turn under an open loop of requests, which does not wait for a server that is slow."""
    motto = Motto(make_server, tmp_path, "limits.flow_tries=100",
                  f"limits.code_failures={Guesser.BUDGET}")
    guesser, who = Guesser(motto.server), sign_in(motto.server)
    paths = ["/api/v1/auth/check"] * 3 + ["/api/v1/user/profile"]
    with OpenLoop(motto.server.url, paths, who.tokens["access_token"], RATE) as load:
        for n in range(N_RELOADS):
            time.sleep(max(0, load.began_s + (n + 1) * EVERY_S - time.monotonic()))
            RELOADS[n % len(RELOADS)](motto)
            guesser.guess()
        time.sleep(EVERY_S)
    total = load.report(f"{N_RELOADS} reloads, one in {EVERY_S} s")
    assert load.failures == []
    assert total >= N_RELOADS * EVERY_S * RATE * 0.9, "the clients themselves were too slow"
    assert guesser.was_limited_once(), guesser.told


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return client.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def test_a_listener_comes_and_goes(make_server):
    first, second = free_port(), free_port()
    server = make_server(start=False, workers=2)
    server.options = [o for o in server.options if not o.startswith("server.listen=")]

    def listen_on(*ports):
        listen = ", ".join(f"127.0.0.1:{port}" for port in ports)
        server.write_conf("00-server.ini", f"[server]\nlisten = {listen}\n")

    listen_on(first)
    server.start()
    who = sign_in(server)
    assert answers(first) and not answers(second)
    with Load(server.url, signed_in(who.tokens["access_token"]), rate=200) as load:
        listen_on(first, second)
        server.ctl("reload")
        assert answers(second)
        listen_on(first)
        server.ctl("reload")
        wait_for(lambda: not answers(second), "the second listener to be gone")
    load.report("a listener added and removed")
    assert load.failures == []


def test_an_address_in_use_refuses_the_reload(make_server):
    server = make_server(start=False)
    server.options = [o for o in server.options if not o.startswith("server.listen=")]
    port = free_port()
    server.write_conf("00-server.ini", f"[server]\nlisten = 127.0.0.1:{port}\n")
    server.start()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = taken.getsockname()[1]
        server.write_conf("00-server.ini", f"[server]\nlisten = 127.0.0.1:{port}, 127.0.0.1:{other}\n")
        refused_reload(server, "Address already in use")
    server.ctl("reload")
    assert answers(other)


def test_many_wishes_are_few_reloads(reloaded):
    """SIGHUP in a burst: at least one reload after the last, and not one for each."""
    who = sign_in(reloaded)
    with Load(reloaded.url, signed_in(who.tokens["access_token"]), rate=200) as load:
        for _ in range(50):
            reloaded.process.send_signal(signal.SIGHUP)
        wait_for(lambda: generation(reloaded) >= 2, "a reload")
        wait_for(lambda: len(reloaded.workers()) == 2, "one generation")
    load.report("50 SIGHUPs")
    assert generation(reloaded) <= 10
    assert load.failures == []


def test_the_number_of_workers_changes(make_server):
    server = make_server(start=False)
    server.options = [o for o in server.options if not o.startswith("server.workers=")]
    for n in (1, 3, 2):
        server.write_conf("00-server.ini", f"[server]\nworkers = {n}\n")
        if server.process:
            server.ctl("reload")
        else:
            server.start()
        wait_for(lambda n=n: len(server.workers()) == n, f"{n} workers")
        assert len(server.ctl("status")["workers"]) == n
        sign_in(server)
