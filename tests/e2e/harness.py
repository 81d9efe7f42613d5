# SPDX-License-Identifier: Apache-2.0
"""A private pintled for a test, and a client that holds every answer against the OpenAPI file."""
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

import jsonschema
import requests
import yaml

from stores import DEFAULT, ROOT, Stores

BUILD = os.environ.get("PINTLE_BUILD", os.path.join(ROOT, "build"))
# A program that the server runs under, with its arguments; it says nothing when all is well.
UNDER = os.environ.get("PINTLE_UNDER", "").split()
START_S = 60
# Limits that a suite on one address would run into; tests of limits set their own.
ROOMY = [
    "limits.address_per_minute=1000000", "limits.address_auth_per_minute=1000000",
    "limits.send_address_hour=100000", "limits.send_address_day=100000",
    "limits.send_prefix_hour=1000000", "limits.send_global_hour=1000000",
    "limits.send_prefix_day=1000000", "limits.send_global_day=1000000",
    "limits.missing_country=1000000", "limits.missing_numbers=1000000", "limits.missing_network=1000000",
]
# bcrypt at its cheapest: tests of the cost set their own.
CHEAP = ["password.bcrypt_cost=4"]

with open(os.path.join(ROOT, "docs", "openapi.yaml"), encoding="utf-8") as _file:
    OPENAPI = yaml.safe_load(_file)


def wait_for(condition, what, seconds=20):
    """Polls what can only be polled; the failure names it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


class Server:
    """One pintled with its own folder, configuration and port; stores of its own unless given, in
    a mariadb and a redis of the test's own if that is given."""

    def __init__(self, workers=1, options=(), conf=None, plugins=None, test_clock=True, stores=None,
                 **servers):
        self.folder = tempfile.mkdtemp(prefix="pintle-")
        self.state = os.path.join(self.folder, "state")
        self.conf = os.path.join(self.folder, "conf.d")
        shutil.copytree(os.path.join(ROOT, "conf.d"), self.conf)
        self.own_stores = None if stores else Stores(self.state, **servers)
        self.stores = stores or self.own_stores
        if self.stores.pair != DEFAULT:
            self.write_conf("10-storage.ini", self.stores.conf())
        for name, text in (conf or {}).items():
            self.write_conf(name, text)
        self.options = [f"server.state_dir={self.state}", "server.listen=127.0.0.1:0",
                        f"server.workers={workers}",
                        f"server.plugin_dir={plugins or os.path.join(BUILD, 'plugins')}",
                        *ROOMY, *CHEAP, *options]
        self.binary = os.path.join(BUILD, "test" if test_clock else "", "pintled")
        self.process = None
        self.url = None
        self.shift = 0
        self.log_path = os.path.join(self.folder, "stderr.log")

    def write_conf(self, name, text):
        with open(os.path.join(self.conf, name), "w", encoding="utf-8") as file:
            file.write(text)

    def command(self):
        args = [*UNDER, self.binary, "-c", self.conf]
        for option in self.options:
            args += ["-o", option]
        return args

    @property
    def urls(self):
        """Of each host; there is one."""
        return [self.url]

    def start(self):
        self.stores.kv.age(-self.shift)  # its clock is right again
        self.shift = 0
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=log,
                                        stdin=subprocess.DEVNULL, cwd=self.folder)
        log.close()
        line = self._ready_line()
        assert line.startswith("ready "), f"no ready line but {line!r}\n{self.log()}"
        self.url = line.split()[1]
        return self

    def _ready_line(self):
        readable, _, _ = select.select([self.process.stdout], [], [], START_S)
        return self.process.stdout.readline().decode() if readable else ""

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, seconds=30):
        """Graceful; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.process.stdout.close()
        return status

    def kill(self):
        """kill -9 of supervisor and workers at once."""
        pids = [self.process.pid, *self.workers()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)
        self.process.stdout.close()

    def workers(self):
        """Pids of the children that live."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def close(self):
        try:
            if self.process and self.process.poll() is None:
                status = self.stop()
                assert status == 0, f"exit status {status}\n{self.log()[-6000:]}"
            log = self.log()
            assert "Sanitizer" not in log and "runtime error" not in log, log[-20000:]
            assert not re.search(r"^==\d+== ", log, re.M), log[-20000:]
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            if self.own_stores:
                self.own_stores.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, *args, check=True):
        """pintlectl --json …: the parsed answer, or the finished process when check is False."""
        done = subprocess.run([os.path.join(BUILD, "pintlectl"), "-s", self.state, "--json", *args],
                              capture_output=True, text=True, timeout=60, check=False)
        if not check:
            return done
        assert done.returncode == 0, f"{args}: {done.returncode} {done.stdout} {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def outbox(self):
        answer = self.ctl("outbox")
        return answer["messages"] if isinstance(answer, dict) else answer

    def codes_for(self, phone, purpose=None):
        """Those sent to a number so far, the newest first."""
        return [message["code"] for message in self.outbox()
                if message["to"] == phone and purpose in (None, message["purpose"])]

    def code_for(self, phone, purpose=None, n_before=0):
        """The newest code sent to a number; waits until there are more than n_before."""
        codes = wait_for(lambda: len(found := self.codes_for(phone, purpose)) > n_before and found,
                         f"a code for {phone}")
        return codes[0]

    def shift_clock(self, seconds):
        """Moves the wall clock of all workers (test build), and that of the store of keys."""
        self.stores.kv.age(seconds - self.shift)
        self.shift = seconds
        self.set_clock(seconds)

    def set_clock(self, seconds):
        requests_over_socket(os.path.join(self.state, "control.sock"), "PUT", "/control/clock",
                             {"shift_ms": int(seconds * 1000)})

    def client(self, **kwargs):
        return Client(self.url, **kwargs)


def requests_over_socket(path, method, target, body):
    """One HTTP exchange over a Unix socket; the parsed answer."""
    done = subprocess.run(["curl", "-sS", "--max-time", "10", "--unix-socket", path, "-X", method,
                           "-H", "Content-Type: application/json", "-d", json.dumps(body),
                           f"http://localhost{target}"],
                          capture_output=True, text=True, timeout=20, check=True)
    answer = json.loads(done.stdout)
    assert answer["success"], answer
    return answer


# ---- Answers against the OpenAPI file ----

def _path_regex(path):
    return re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$")


_PATHS = sorted(((p, _path_regex(p)) for p in OPENAPI["paths"]), key=lambda item: item[0].count("{"))


def _resolve(node):
    while "$ref" in node:
        target = OPENAPI
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part]
        node = target
    return node


def operation_of(method, path):
    for pattern, regex in _PATHS:
        if regex.match(path) and method.lower() in OPENAPI["paths"][pattern]:
            return OPENAPI["paths"][pattern][method.lower()]
    return None


def check_answer(method, path, answer):
    """Fails unless the file describes this answer of this route."""
    operation = operation_of("GET" if method == "HEAD" else method, path.split("?")[0])
    if operation is None:
        return
    responses = operation["responses"]
    where = f"{method} {path} {answer.status_code}"
    assert str(answer.status_code) in responses, f"{where} is not documented: {answer.text[:400]}"
    if method == "HEAD":
        return
    content = _resolve(responses[str(answer.status_code)]).get("content")
    if not content:
        assert answer.content == b"", f"{where}: no body is documented: {answer.text[:400]}"
        return
    kind = answer.headers["Content-Type"].split(";")[0]
    assert kind in content, f"{where}: {kind} is not documented"
    if kind == "application/json" and content[kind].get("schema"):
        schema = {**content[kind]["schema"], "components": OPENAPI["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())


class Client:
    """HTTP with a session's token; every answer is checked against the OpenAPI file."""

    def __init__(self, url, token=None, headers=None):
        self.url = url
        self.http = requests.Session()
        self.http.headers["Accept-Language"] = "en"
        self.http.headers.update(headers or {})
        self.tokens = None
        if token:
            self.use(token)

    def use(self, token):
        self.http.headers["Authorization"] = f"Bearer {token}"
        return self

    def call(self, method, path, body=None, **kwargs):
        kwargs.setdefault("timeout", 30)
        if body is not None:
            kwargs["json"] = body
        answer = self.http.request(method, self.url + path, **kwargs)
        check_answer(method, path, answer)
        return answer

    def get(self, path, **kwargs):
        return self.call("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.call("POST", path, {} if body is None and "data" not in kwargs else body, **kwargs)

    def put(self, path, body, **kwargs):
        return self.call("PUT", path, body, **kwargs)

    def delete(self, path, **kwargs):
        return self.call("DELETE", path, **kwargs)

    def ok(self, method, path, body=None, **kwargs):
        """The data of an answer that must be a success."""
        answer = self.call(method, path, body, **kwargs)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["data"]

    def refused(self, status, error, method, path, body=None, **kwargs):
        """An answer that must be this refusal."""
        answer = self.call(method, path, body, **kwargs)
        got = (answer.status_code, answer.json()["error"] if answer.content else None)
        assert got == (status, error), f"{method} {path}: {got}, wanted {(status, error)}: {answer.text}"
        return answer


# ---- Stories many tests begin with ----

_next_number = [0]


def new_phone():
    """A number nobody has used in this run."""
    _next_number[0] += 1
    return f"+86138{os.getpid() % 10000:04d}{_next_number[0]:04d}"


def send_code(server, client, phone, purpose="login"):
    """(flow_id, code) of a code sent to phone."""
    n_before = len(server.codes_for(phone, purpose))
    data = client.ok("POST", "/api/v1/auth/send-sms-code", {"phone": phone, "purpose": purpose})
    return data["flow_id"], server.code_for(phone, purpose, n_before)


def sign_in(server, phone=None, device=None):
    """A client signed in by code; its account is new when the number is."""
    client = server.client()
    phone = phone or new_phone()
    flow_id, code = send_code(server, client, phone)
    body = {"phone": phone, "code": code, "flow_id": flow_id}
    if device:
        body["device"] = device
    client.tokens = client.ok("POST", "/api/v1/auth/phone-login", body)
    client.phone = phone
    return client.use(client.tokens["access_token"])


GOOD_SECRET = "Rhubarb-lantern-42"


def register(server, phone=None, secret=GOOD_SECRET, **fields):
    """A client registered with a password."""
    client = server.client()
    phone = phone or new_phone()
    flow_id, code = send_code(server, client, phone, "register")
    client.tokens = client.ok("POST", "/api/v1/auth/register",
                              {"phone": phone, "code": code, "flow_id": flow_id,
                               "password": secret, **fields})
    client.phone = phone
    return client.use(client.tokens["access_token"])
