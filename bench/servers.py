# SPDX-License-Identifier: Apache-2.0
"""What is measured: pintle itself, and the servers it is measured beside, each private and pinned."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("PINTLE_BUILD", os.path.join(ROOT, "build"))
TOOLS = os.path.join(BUILD, "bench")
WORK = os.path.join(TOOLS, "run")
FIRST_NUMBER = 100000000  # of those that sign up, without +8613
TICKS = os.sysconf("SC_CLK_TCK")
CHECK = "/api/v1/auth/check"
# The load comes from one address and never rests.
NO_LIMITS = [f"limits.{name}=1000000" for name in (
    "address_per_minute", "address_auth_per_minute", "send_address_hour", "send_address_day",
    "send_prefix_hour", "send_global_hour", "send_prefix_day", "send_global_day", "missing_country",
    "missing_numbers", "missing_network")] + ["server.max_per_address=20000"]


class Skip(Exception):
    """A row that cannot be measured here, and why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(cpus, *command):
    return ["taskset", "-c", cpus, *command]


def answers(url, headers=None):
    """The status of one GET; None when nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5) as got:
            return got.status
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return None


def poll(question, seconds=20):
    """The first true answer to a question that can only be asked again; the last one when time is over."""
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def cpu_seconds_of(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def _memory_mib(pid):
    own = mapped = 0
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if "-" in words[0]:
                is_store = words[-1].endswith("/data.mdb")
            elif words[0] == "Rss:":
                own += 0 if is_store else int(words[1])
                mapped += int(words[1])
    return own / 1024, mapped / 1024


class Process:
    """A server, its processors and the URL the load goes to."""

    def __init__(self, name, command, url, cpus="0", cwd=None):
        self.name, self.url = name, url
        log = open(os.path.join(WORK, f"{name}.log"), "ab")
        self.process = subprocess.Popen(pinned(cpus, *command), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=log, cwd=cwd)
        log.close()

    def wait_for_answer(self, headers=None):
        poll(lambda: answers(self.url, headers) == 200 or self.process.poll() is not None)
        if answers(self.url, headers) == 200:
            return self
        self.stop()
        raise Skip(f"{self.name} does not serve, see {WORK}/{self.name}.log")

    def workers(self):
        """The processes that serve: the children where there are any."""
        return children(self.process.pid) or [self.process.pid]

    def cpu_seconds(self):
        return cpu_seconds_of(self.workers())

    def memory_mib(self):
        """Resident memory of the largest worker, without and with what it sees of the kv store's map."""
        return max(_memory_mib(pid) for pid in self.workers())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


class Private:
    """A MariaDB or Redis of the benchmark's own, by the script that the tests use; on the load's core."""

    def __init__(self, script, name, *options, cpus="1"):
        self.folder = os.path.join(WORK, name)
        self.script = os.path.join(ROOT, "scripts", script)
        said = subprocess.run(pinned(cpus, "sh", self.script, "start", self.folder, *options), check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        told = dict(line.split("=", 1) for line in said.splitlines())
        self.port, self.pid, self.socket = int(told["port"]), int(told["pid"]), told["socket"]

    def workers(self):
        return [self.pid]

    def cpu_seconds(self):
        return cpu_seconds_of([self.pid])

    def ask(self, *command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def stop(self):
        subprocess.run(["sh", self.script, "stop", self.folder], check=True)


class Redis(Private):
    def __init__(self, name, *options, cpus="1"):
        super().__init__("redis.sh", name, *options, cpus=cpus)

    def memory(self):
        """Bytes its records take."""
        said = self.ask("redis-cli", "-s", self.socket, "INFO", "memory")
        return int(next(line.split(":")[1] for line in said.splitlines()
                        if line.startswith("used_memory:")))


class MariaDB(Private):
    def __init__(self, name, *options, cpus="1"):
        super().__init__("mariadb.sh", name, *options, cpus=cpus)
        self.sql("CREATE DATABASE pintle")

    def sql(self, statement):
        """Rows, each a list of texts."""
        said = self.ask("mariadb", "--no-defaults", "--user=root", f"--socket={self.socket}", "-N", "-B",
                        "--execute", statement)
        return [line.split("\t") for line in said.splitlines()]


def on_stores(mariadb=None, redis=None):
    """conf.d's section on stores; what is None stays embedded."""
    conf = f"[storage]\ndb = {'mysql' if mariadb else 'sqlite'}\nkv = {'redis' if redis else 'lmdb'}\n"
    conf += ("[mysql]\nplugin = db_mysql\nrequired = yes\ndatabase = pintle\nuser = pintle\n"
             f"password = pintle\nhost = 127.0.0.1:{mariadb.port}\n" if mariadb
             else "[sqlite]\nplugin = db_sqlite\nrequired = yes\n")
    return conf + (f"[redis]\nplugin = kv_redis\nrequired = yes\nhost = 127.0.0.1:{redis.port}\n" if redis
                   else "[lmdb]\nplugin = kv_lmdb\nrequired = yes\n")


class Pintle(Process):
    """pintled on the embedded stores as shipped, or on those of conf, codes going to the load client instead
    of the outbox."""

    def __init__(self, name, cpus="0", workers=1, options=(), conf=None):
        self.folder = os.path.join(WORK, name)
        self.socket = os.path.join(self.folder, "codes.sock")
        self.next_number = FIRST_NUMBER
        shutil.copytree(os.path.join(ROOT, "conf.d"), os.path.join(self.folder, "conf"))
        self._messages_to_client()
        if conf:
            self._write_conf("10-storage.ini", conf)
        self.command = [os.path.join(BUILD, "pintled"), "-c", "conf"]
        for option in [f"server.plugin_dir={TOOLS}/plugins", "server.listen=127.0.0.1:0",
                       "log.level=warn", f"server.workers={workers}", *NO_LIMITS, *options]:
            self.command += ["-o", option]
        self.name, self.cpus = name, cpus
        self.start()

    def start(self):
        """Until it is ready. Its state is what an earlier start left."""
        began = time.monotonic()
        super().__init__(self.name, self.command, None, self.cpus, self.folder)
        line = self.process.stdout.readline().decode()
        if not line.startswith("ready "):
            sys.exit(f"{self.name} does not start, see {WORK}/{self.name}.log")
        self.start_ms = (time.monotonic() - began) * 1000
        self.base = line.split()[1]
        self.port = int(self.base.rpartition(":")[2])
        self.url = self.base + CHECK

    def _messages_to_client(self):
        self._write_conf("40-messages.ini",
                         f"[group sms]\nsenders = probe_sms\n\n[probe_sms]\nsocket = {self.socket}\n")

    def _write_conf(self, name, text):
        with open(os.path.join(self.folder, "conf", name), "w", encoding="utf-8") as file:
            file.write(text)

    def sign_in(self, count, connections=64, cpus="1", again=False):
        """Sign-ins by code with new numbers, or again with the first ones: what the load client says, and the
        file of their tokens."""
        tokens = os.path.join(self.folder, "tokens")
        first = FIRST_NUMBER if again else self.next_number
        self.next_number += 0 if again else count
        said = subprocess.run(pinned(cpus, f"{TOOLS}/logins", str(self.port), self.socket, str(first),
                                     str(count), str(connections), tokens),
                              check=True, capture_output=True, text=True).stdout
        return json.loads(said), tokens

    def token_misses(self):
        with urllib.request.urlopen(f"{self.base}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next(int(line.split()[1]) for line in lines
                    if line.startswith('pintle_token_cache_total{result="miss"}'))

    def last_number(self):
        return f"+8613{self.next_number - 1}"


def bare(program, cpus="0"):
    port = free_port()
    return Process(program, [f"{TOOLS}/{program}", str(port)], f"http://127.0.0.1:{port}/",
                   cpus).wait_for_answer()


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 20000; }}
http {{
	access_log off;
	keepalive_requests 100000000;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	sendfile on;
	tcp_nopush on;
	{upstream}
	server {{
		listen 127.0.0.1:{port};
		root {folder}/root;
		location = /return {{ return 200; }}
		{guard}
	}}
}}
"""
UPSTREAM = "upstream pintle {{ server 127.0.0.1:{port}; keepalive 64; keepalive_requests 100000000; }}"
GUARD = """
		location /guarded/ { auth_request /check; }
		location = /check {
			internal;
			proxy_pass http://pintle/api/v1/auth/check;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Content-Length "";
			proxy_pass_request_body off;
		}
"""


def nginx(name, guarded_by=None, cpus="0"):
    """`return 200` at /return, a small file at /file and, checked by a pintle, at /guarded/file."""
    folder, port = os.path.join(WORK, name), free_port()
    os.makedirs(os.path.join(folder, "root", "guarded"))
    for path in ("file", "guarded/file"):
        with open(os.path.join(folder, "root", path), "w", encoding="ascii") as file:
            file.write("hello\n")
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write(NGINX.format(folder=folder, port=port, guard=GUARD if guarded_by else "",
                                upstream=UPSTREAM.format(port=guarded_by.port) if guarded_by else ""))
    for place in (WORK, folder, os.path.join(folder, "root"), os.path.join(folder, "root", "guarded")):
        os.chmod(place, 0o755)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    return Process(name, [program, "-c", conf, "-e", f"{folder}/error.log"],
                   f"http://127.0.0.1:{port}/return", cpus).wait_for_answer()


def express(cpus="0", program="express.js", args=(), needs="express"):
    """express + jsonwebtoken; .token is one it signed."""
    if not os.path.isdir(os.path.join(TOOLS, "node_modules", needs)) or not shutil.which("node"):
        raise Skip(f"{needs} is not installed: npm or its registry was not to be had")
    port = free_port()
    shutil.copy(os.path.join(ROOT, "bench", program), TOOLS)
    server = Process(f"express-{port}", ["node", f"{TOOLS}/{program}", str(port), *args],
                     f"http://127.0.0.1:{port}/check", cpus)
    server.token = server.process.stdout.readline().decode().strip()
    return server.wait_for_answer({"Authorization": f"Bearer {server.token}"})
