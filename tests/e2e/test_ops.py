# SPDX-License-Identifier: Apache-2.0
"""What operators look at: health, numbers, logs, files, certificates, the description of the API."""
import json
import os
import pathlib
import re
import select
import shutil
import signal
import ssl
import stat
import subprocess
import urllib.parse

import pytest
import yaml

from harness import GOOD_SECRET, ROOT, new_phone, register, send_code, sign_in, wait_for
from steps import access_lines
from wire import Wire, request


def test_health_and_readiness(server):
    client, stores = server.client(), set(server.stores.pair.split("+"))
    assert client.ok("GET", "/healthz") == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    told = ready.json()
    assert told["status"] == "ready" and told["stores"] == {"db": True, "kv": True}
    assert {i["name"] for i in told["instances"]} >= {"password", "phone_sms", *stores}
    assert {i["name"] for i in told["instances"] if i["required"]} == stores
    assert client.http.head(server.url + "/healthz").content == b""


PATHS_WITHOUT_STORES = ["/healthz", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"]


def test_what_needs_no_store_does_not_wait_with_those_who_do(make_server):
    server = make_server("pool.threads=1", "storage.timeout=20s", "pool.call_timeout=30s", workers=1)
    who, client = sign_in(server), server.client()
    body = b'{"nickname":"Kim"}'
    with Wire(server.url) as stuck:
        with server.stores.db.stuck_writers():
            stuck.send(request("PUT", "/api/v1/user/profile", "Content-Type: application/json",
                               f"Authorization: Bearer {who.tokens['access_token']}", body=body))
            for path in PATHS_WITHOUT_STORES * 20:
                assert client.get(path, timeout=10).status_code == 200, path
            assert not select.select([stuck.sock], [], [], 0)[0], "it was to have the only thread"
        assert stuck.answer().status == 200


# ---- Metrics ----

SAMPLE = re.compile(r'^([a-z_]+)(\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)+)\})? (-?[0-9.e+-]+|\+Inf|NaN)$')


def metrics(server):
    """{(name, labels): value}, each line checked against the text format."""
    answer = server.client().get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found, types = {}, {}
    for line in answer.text.splitlines():
        if line.startswith("# HELP "):
            assert re.fullmatch(r"# HELP [a-z_]+ \S.*\.", line), line
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types and kind in ("counter", "gauge", "histogram"), line
            types[name] = kind
            continue
        match = SAMPLE.match(line)
        assert match, line
        base = re.sub(r"_(bucket|sum|count)$", "", match[1])
        assert types.get(match[1]) or types.get(base) == "histogram", f"{line} has no type"
        key = (match[1], match[3] or "")
        assert key not in found, f"{line} stands there twice"
        found[key] = float(match[4])
    assert answer.text.endswith("\n")
    return found


def test_metrics_agree_with_what_was_asked(server):
    before = metrics(server)
    client = server.client()
    for _ in range(7):
        client.get("/healthz")
    for _ in range(3):
        client.get("/api/v1/user/profile")
    client.http.get(server.url + "/no/such/path")
    who = register(server)
    client.post("/api/v1/auth/login", {"phone": who.phone, "password": "not it"})
    after = metrics(server)

    def grew(name, labels):
        return after.get((name, labels), 0) - before.get((name, labels), 0)

    assert grew("pintle_requests_total", 'method="GET",route="/healthz",status="200"') == 7
    assert grew("pintle_requests_total", 'method="GET",route="/api/v1/user/profile",status="401"') == 3
    assert grew("pintle_request_duration_seconds_count", 'method="GET",route="/healthz"') == 7
    assert grew("pintle_requests_total", 'method="",route="",status="404"') == 1
    assert grew("pintle_logins_total", 'result="failure"') == 1
    assert grew("pintle_messages_total", 'result="accepted"') == 1
    assert grew("pintle_instance_calls_total", 'instance="password",outcome="denied"') == 1
    assert after[("pintle_store_up", 'store="db"')] == after[("pintle_store_up", 'store="kv"')] == 1
    assert after[("pintle_workers", 'state="serving"')] == len(server.workers())
    assert not any("no/such" in labels or who.phone[3:] in labels for _, labels in after)


def test_histograms_are_whole(server):
    server.client().get("/healthz")
    found = metrics(server)
    buckets = {}
    for (name, labels), value in found.items():
        if name == "pintle_request_duration_seconds_bucket":
            route, bound = labels.rsplit(",le=", 1)
            buckets.setdefault(route, []).append((float(bound.strip('"')), value))
    assert buckets
    for route, values in buckets.items():
        assert values == sorted(values), route
        assert [n for _, n in values] == sorted(n for _, n in values), route
        assert values[-1] == (float("inf"), found[("pintle_request_duration_seconds_count", route)])


def test_metrics_are_for_whom_they_are_meant(make_server):
    server = make_server("server.metrics_allow=127.0.0.7/32")
    assert server.client().http.get(server.url + "/metrics").status_code == 404
    done = subprocess.run(["curl", "-sS", "--interface", "127.0.0.7", server.url + "/metrics"],
                          capture_output=True, text=True, timeout=10, check=True)
    assert "# TYPE pintle_requests_total counter" in done.stdout


# ---- Logs ----

MEMBERS = {"at", "id", "client", "method", "path", "status", "bytes", "ms", "error", "user"}


def test_the_access_log_is_json_and_says_what_happened(server):
    who = sign_in(server)
    answer = who.get("/api/v1/user/profile")
    wanted = answer.headers["X-Request-Id"]
    line = wait_for(lambda: [entry for entry in access_lines(server) if entry["id"] == wanted],
                    "the line of the request")[0]
    assert set(line) == MEMBERS, line
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/user/profile", 200)
    assert line["error"] is None and line["client"] == "127.0.0.1" and line["user"] == who.tokens["user"]["uuid"]
    assert line["bytes"] == len(answer.content) and 0 < line["ms"] < 10000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])


def test_nothing_a_client_sends_breaks_a_line(server):
    """CR, LF, escapes and long names in path, query, headers and fields (A65)."""
    client = server.client(headers={"User-Agent": "[31m\u2028".encode().decode("latin-1"),
                                    "X-Request-Id": '"a}'})
    evil = ['"}{"', "%0d%0a{}", "\\u0000", "%s%n%n", "\u2028", "\x1b[2J", "x" * 4000]
    for text in evil:
        client.http.get(server.url + "/healthz", headers={"User-Agent": "\x1b[31m"})
        client.http.get(server.url + "/api/v1/auth/" + urllib.parse.quote(text[:1000]) + "/begin?q=%0a")
        client.http.post(server.url + "/api/v1/auth/login", json={"username": text, "password": text})
        client.http.post(server.url + "/api/v1/auth/send-sms-code", json={"phone": text})
    last = client.get("/healthz").headers["X-Request-Id"]
    wait_for(lambda: any(entry["id"] == last for entry in access_lines(server)), "the last line")
    for line in access_lines(server):
        assert set(line) == MEMBERS, line
    for line in server.log().splitlines():
        assert is_development_line(line) or set(json.loads(line)) == {"time", "level", "who", "text"}, line


def every_log(server):
    """(path, text) of all that operators collect; the development outbox is what it is for."""
    yield server.log_path, server.log()
    for path in pathlib.Path(server.state).rglob("*.log*"):
        yield path, path.read_text(encoding="utf-8", errors="replace")


def test_no_log_holds_a_secret_or_a_number(make_server):
    """Every kind of sign-in at level debug; then all logs are searched (A66)."""
    server = make_server("log.level=debug", workers=2)
    client, secrets = server.client(), {GOOD_SECRET}
    first, second = register(server), sign_in(server)
    for who in (first, second):
        secrets |= {who.phone, who.phone[3:], who.tokens["access_token"], who.tokens["refresh_token"]}
    phone = new_phone()
    flow_id, code = send_code(server, client, phone)
    secrets |= {phone[3:], code}
    client.post("/api/v1/auth/phone-login", {"phone": phone, "code": code + "9", "flow_id": flow_id})
    client.post("/api/v1/auth/login", {"phone": phone, "password": "Wrong-horse-77"})
    client.post("/api/v1/auth/login", {"username": "nobody", "password": "Wrong-horse-77"})
    client.http.get(server.url + "/api/v1/user/profile?access_token=" + first.tokens["access_token"])
    client.http.get(server.url + "/x/" + phone + "/" + code)
    first.ok("POST", "/api/v1/auth/refresh", {"refresh_token": first.tokens["refresh_token"]})
    client.http.post(server.url + "/api/v1/auth/login", data='{"password":"Wrong-horse-77"')
    server.ctl("user", "create", new_phone())
    secrets |= {"Wrong-horse-77"} | {message["to"][3:] for message in server.outbox()}
    codes = {message["code"] for message in server.outbox()}
    server.ctl("reload")
    assert server.stop() == 0
    n_bytes = 0
    for path, text in every_log(server):
        lines = [line for line in text.splitlines() if not is_development_line(line)]
        n_bytes += len(text)
        for line in lines:
            found = [secret for secret in secrets if len(secret) > 6 and secret in line]
            found += [c for c in codes if re.search(rf"(?<![0-9a-f.]){c}(?![0-9a-f])", line)]
            assert not found, f"{path}: {found} in {line}"
    print(f"\n{n_bytes} bytes of logs searched for {len(secrets) + len(codes)} secrets")


def is_development_line(line):
    """The line sms_log prints for a developer at a terminal."""
    return line.startswith("sms_log: ")


def test_a_moved_log_is_opened_again(server):
    path = pathlib.Path(server.state, "access.log")
    client = server.client()
    client.get("/healthz")
    wait_for(path.exists, "the log")
    moved = path.with_name("access.log.1")
    path.rename(moved)
    last = client.get("/healthz").headers["X-Request-Id"]
    wait_for(lambda: path.exists() and last in path.read_text(), "the line in a new file")
    assert last not in moved.read_text()
    moved.unlink()


# ---- Files (A78) ----

@pytest.mark.parametrize("umask", [0o000, 0o077], ids=["umask000", "umask077"])
def test_file_modes_do_not_depend_on_the_umask(make_server, umask):
    server = make_server(start=False, workers=2)
    before = os.umask(umask)
    try:
        server.start()
    finally:
        os.umask(before)
    sign_in(server)
    server.ctl("key", "rotate")
    n_files = 0
    for path in [pathlib.Path(server.state), *pathlib.Path(server.state).rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        wanted = 0o700 if path.is_dir() else 0o640 if path.name == "access.log" else 0o600
        assert mode & ~wanted == 0, f"{path.name}: {mode:o}, wanted {wanted:o}"
        n_files += 1
    assert n_files > 6


@pytest.mark.parametrize("name", ["access.log", "control.sock", "pintled.lock"])
def test_a_link_in_the_way_is_not_followed(make_server, tmp_path, name):
    server = make_server(start=False)
    os.mkdir(server.state, 0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.symlink(victim, os.path.join(server.state, name))
    server.process = subprocess.Popen(server.command(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                      stderr=open(server.log_path, "ab"), cwd=server.folder)
    line = server.process.stdout.readline().decode()
    if line:
        server.url = line.split()[1]
        server.client().get("/healthz")
        server.stop()
    else:
        assert server.process.wait(10) == 1 and name in server.log(), server.log()
    assert victim.read_text() == "precious"


# ---- TLS ----

def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True, timeout=30)
    (folder / "key.pem").chmod(0o600)


@pytest.fixture
def tls(make_server, tmp_path):
    """A server with a second, encrypted listener; its port in tls_port."""
    make_certificate(tmp_path, "first")
    server = make_server("server.listen_tls=127.0.0.1:0", f"server.tls_cert={tmp_path}/cert.pem",
                         f"server.tls_key={tmp_path}/key.pem", workers=2)
    ports = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    mine = {int(re.search(r":(\d+) ", line)[1]) for line in ports.splitlines()
            if f"pid={server.process.pid}," in line}
    server.tls_port = (mine - {int(server.url.rsplit(":", 1)[1])}).pop()
    return server


def curl(server, folder, *args):
    return subprocess.run(["curl", "-sS", "--max-time", "10", "--cacert", folder / "cert.pem", *args,
                           f"https://127.0.0.1:{server.tls_port}/healthz"],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version,works", [("1.0", False), ("1.1", False), ("1.2", True), ("1.3", True)])
def test_tls_versions(tls, tmp_path, version, works):
    done = curl(tls, tmp_path, f"--tlsv{version}", "--tls-max", version,
                "--ciphers", "DEFAULT:@SECLEVEL=0")
    assert (done.returncode == 0) == works, done
    assert ('"success":true' in done.stdout) == works
    assert tls.client().get("/healthz").status_code == 200, "the plain listener is still there"


def certificate_name(port):
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True,
                          text=True, check=True)
    return done.stdout.strip().rsplit("= ", 1)[-1].rsplit("=", 1)[-1]


def test_a_changed_certificate_comes_with_a_reload(tls, tmp_path):
    assert certificate_name(tls.tls_port) == "first"
    make_certificate(tmp_path, "second")
    assert certificate_name(tls.tls_port) == "first"
    tls.ctl("reload")
    assert certificate_name(tls.tls_port) == "second"
    assert curl(tls, tmp_path).returncode == 0


def test_a_respawned_worker_never_meets_a_half_copied_certificate(tls, tmp_path):
    shutil.copy(tmp_path / "cert.pem", tmp_path / "whole.pem")
    for name in ("cert.pem", "key.pem"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:len(whole) // 2])
    before = tls.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(tls.workers()) - set(before)) == 2 and
             [one["state"] for one in tls.ctl("status")["workers"]] == ["serving"] * 2, "two new workers")
    for _ in range(8):
        done = curl(tls, tmp_path, "--cacert", tmp_path / "whole.pem")
        assert '"success":true' in done.stdout, done
    assert certificate_name(tls.tls_port) == "first"
    done = tls.ctl("reload", check=False)
    assert done.returncode == 1
    assert f"[server] listen_tls: {tmp_path}/cert.pem: cannot use the certificate: " in done.stderr, done
    assert certificate_name(tls.tls_port) == "first"


def test_a_bad_certificate_is_refused_at_reload(tls, tmp_path):
    good = (tmp_path / "key.pem").read_bytes()
    for broken in (b"no key\n", None):
        if broken:
            (tmp_path / "key.pem").write_bytes(broken)
        else:
            (tmp_path / "key.pem").unlink()
        done = tls.ctl("reload", check=False)
        assert done.returncode == 1, done
        assert f"[server] listen_tls: {tmp_path}/key.pem: " in done.stderr, done
    (tmp_path / "key.pem").write_bytes(good)
    tls.ctl("reload")
    assert certificate_name(tls.tls_port) == "first"


# ---- The description of the API ----

# Plugins that conf.d does not switch on: their routes stand in the document, too.
EVERY_PLUGIN = {"50-wechat.ini": "[wechat]\nmethod = website\nappid = wx1\nsecret = s\nplatform = main\n"}


def test_the_document_is_the_route_table(make_server):
    server = make_server("server.public_url=https://auth.example.com", conf=EVERY_PLUGIN)
    with open(os.path.join(ROOT, "docs", "openapi.yaml"), encoding="utf-8") as file:
        document = yaml.safe_load(file)
    written = {(method.upper(), path) for path, item in document["paths"].items()
               for method in item if method in ("get", "put", "post", "delete", "patch")}
    routed = {(route["method"], route["path"]) for route in server.ctl("routes") if not route["control"]}
    assert written == routed, (f"only in the document: {sorted(written - routed)}",
                               f"only routed: {sorted(routed - written)}")


def test_the_served_document_is_the_file(server):
    served = server.client().http.get(server.url + "/openapi.json")
    assert served.headers["Content-Type"].startswith("application/json")
    with open(os.path.join(ROOT, "docs", "openapi.yaml"), encoding="utf-8") as file:
        document = yaml.safe_load(file)
    assert served.json() == json.loads(json.dumps(document, default=str))
