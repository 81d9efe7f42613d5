# SPDX-License-Identifier: Apache-2.0
"""The end of a server: asked for, forced, and what the next one finds."""
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from harness import Server, new_phone, send_code, sign_in, wait_for
from load import Load, signed_in
from starting import attempt, refusal


def is_gone(pid):
    """Gone or a zombie of whoever adopted it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_breaks_no_answer(make_server, workers):
    """New connections are refused, what was accepted is answered whole; exit status 0."""
    server = make_server(workers=workers)
    who = sign_in(server)
    check = signed_in(who.tokens["access_token"])
    broken, refused = [], []

    def send(connection):
        try:
            connection.connect()
        except ConnectionRefusedError as error:
            refused.append(error)
            return None
        try:
            wrong = check(connection)
        except (http.client.RemoteDisconnected, ConnectionResetError) as error:
            refused.append(error)  # waited in the kernel's queue: nothing of an answer came
            return None
        if wrong:
            broken.append(wrong)
        return wrong

    with Load(server.url, send, rate=300) as load:
        wait_for(lambda: load.n_right > 300, "some load")
        begin = time.monotonic()
        status = server.stop()
        took = time.monotonic() - begin
        wait_for(lambda: len(refused) > 10, "refusals")
    load.report(f"SIGTERM after which {len(refused)} were refused, in {took * 1000:.0f} ms")
    assert (status, broken, load.failures) == (0, [], [])
    assert took < 10


def test_a_request_in_flight_is_answered_before_the_end(make_server):
    server = make_server()
    port = int(server.url.rsplit(":", 1)[1])
    body = b'{"refresh_token":"x.y"}'
    with socket.create_connection(("127.0.0.1", port), timeout=20) as half:
        half.sendall(b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                     b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:5])
        server.client().get("/healthz", headers={"Connection": "close"})  # accepted after the half one
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refuses(port), "the listener to close")
        half.sendall(body[5:])
        assert half.recv(65536).startswith(b"HTTP/1.1 401")
    assert server.stop() == 0


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return False
    except OSError:
        return True


def test_pintlectl_stop_waits_for_the_end(make_server):
    server = make_server(workers=2)
    pids = [server.process.pid, *server.workers()]
    server.ctl("stop")
    assert server.process.wait(5) == 0
    assert all(is_gone(pid) for pid in pids)
    assert not os.path.exists(os.path.join(server.state, "control.sock"))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_stops(make_server, how):
    server = make_server(workers=2)
    server.process.send_signal(how)
    assert server.process.wait(15) == 0


def test_a_drain_has_an_end(make_server):
    """A client that never finishes its request does not keep the server alive."""
    server = make_server("server.drain_timeout=300ms")
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as half:
        half.sendall(b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 5


def test_one_state_folder_has_one_server(make_server):
    first = make_server()
    second = make_server(f"server.state_dir={first.state}", start=False)
    assert "another pintled runs on it" in refusal(second)
    sign_in(first)
    assert first.ctl("status")["pid"] == first.process.pid
    first.stop()
    second.start()
    assert second.url


def test_workers_do_not_outlive_a_killed_supervisor(make_server):
    server = make_server(workers=2)
    sign_in(server)
    workers, port = server.workers(), int(server.url.rsplit(":", 1)[1])
    server.process.kill()
    server.process.wait(5)
    wait_for(lambda: all(is_gone(pid) for pid in workers), "the workers to end")
    assert refuses(port)


# Port 0 makes another URL each time, and with it another issuer of tokens.
FIXED_URL = "server.public_url=http://auth.example"


def is_nobody(done):
    return done if "no pintled is running" in done.stderr else None


def test_a_start_after_a_kill_finds_everything(make_server):
    """Stale lock and socket are no obstacle; accounts, sessions and flows are still there."""
    server = make_server(FIXED_URL, workers=2)
    who, client, phone = sign_in(server), server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    workers = server.workers()
    server.kill()
    wait_for(lambda: all(is_gone(pid) for pid in workers), "the workers to end")
    assert os.path.exists(os.path.join(server.state, "control.sock"))
    # The last thread of a dead worker may hold the socket for a moment.
    done = wait_for(lambda: is_nobody(server.ctl("status", check=False)), "the socket to be nobody's")
    assert (done.returncode, done.stdout) == (1, ""), done
    server.start()
    again = server.client(token=who.tokens["access_token"])
    assert again.get("/api/v1/auth/check").status_code == 200
    server.client().ok("POST", "/api/v1/auth/phone-login",
                       {"phone": phone, "code": code, "flow_id": flow_id})


def test_limits_outlive_a_restart(make_server):
    server = make_server("limits.code_failures=3", "limits.flow_tries=100", workers=2)
    phone = new_phone()
    flow_id, code = send_code(server, server.client(), phone)
    wrong = {"phone": phone, "code": "000000" if code != "000000" else "000001", "flow_id": flow_id}
    for end in (server.stop, server.kill, server.stop):
        server.client().refused(401, "invalid_code", "POST", "/api/v1/auth/phone-login", wrong)
        end()
        server.start()
    assert server.client().post("/api/v1/auth/phone-login", wrong).status_code == 429


def test_stop_and_start_many_times(make_server):
    server = make_server(FIXED_URL)
    who = sign_in(server)
    for _ in range(5):
        assert server.stop() == 0
        server.start()
    assert server.client(token=who.tokens["access_token"]).get("/api/v1/auth/check").status_code == 200


def test_a_state_folder_of_somebody_else_is_refused(make_server, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    line = refusal(make_server(f"server.state_dir={folder}", start=False))
    assert "belongs to another user" in line, line


def test_closed_standard_descriptors_are_no_trap(make_server):
    """stdin and stderr closed: the server's own sockets do not land there."""
    server = make_server(start=False)
    command = " ".join(f"'{word}'" for word in server.command())
    server.process = subprocess.Popen(["sh", "-c", f"exec {command} <&- 2>&-"], stdout=subprocess.PIPE,
                                      cwd=server.folder)
    pathlib.Path(server.log_path).touch()
    server.url = server.process.stdout.readline().decode().split()[1]
    sign_in(server)
    for fd in (0, 2):
        assert os.readlink(f"/proc/{server.process.pid}/fd/{fd}") == "/dev/null"


def test_a_state_path_in_the_way(make_server):
    server = make_server(start=False)
    pathlib.Path(server.state).write_text("a file")
    done = attempt(server)
    assert done.returncode == 1 and "not a folder" in done.stderr, done.stderr
    os.unlink(server.state)
    assert isinstance(server.start(), Server)
