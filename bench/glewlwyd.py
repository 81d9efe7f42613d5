# SPDX-License-Identifier: Apache-2.0
"""Glewlwyd as Debian packages it, on a private SQLite file, with its administrator signed in."""
import gzip
import http.cookies
import json
import os
import re
import shutil
import sqlite3
import urllib.error
import urllib.request

import servers

DOC = "/usr/share/doc/glewlwyd"
ADMIN = {"username": "admin", "password": "password"}


def _configuration(folder, port):
    with gzip.open(f"{DOC}/glewlwyd.conf.sample.gz", "rt") as file:
        text = file.read()
    for pattern, value in ((r"^port=.*", f"port={port}"),
                           (r"^external_url=.*", f'external_url="http://localhost:{port}"'),
                           (r"^cookie_secure=.*", "cookie_secure=0"),
                           (r"^log_level=.*", 'log_level="ERROR"'),
                           (r'path = "/var/cache.*', f'path = "{folder}/glewlwyd.db"')):
        text = re.sub(pattern, value, text, flags=re.MULTILINE)
    return text


def _cookie(base):
    """The session cookie of the administrator; None while nobody answers."""
    request = urllib.request.Request(f"{base}/api/auth/", json.dumps(ADMIN).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            morsels = http.cookies.SimpleCookie(answer.headers["Set-Cookie"])
    except OSError:
        return None
    return "; ".join(f"{name}={morsel.value}" for name, morsel in morsels.items())


def start(cpus="0"):
    """.headers carry the session of its check, GET /api/profile_list."""
    program = shutil.which("glewlwyd")
    if not program or not os.path.exists(f"{DOC}/glewlwyd.conf.sample.gz"):
        raise servers.Skip("Glewlwyd is not installed")
    folder, port = os.path.join(servers.WORK, "glewlwyd"), servers.free_port()
    os.makedirs(folder)
    with gzip.open(f"{DOC}/database/init.sqlite3.sql.gz", "rt") as file, \
            sqlite3.connect(f"{folder}/glewlwyd.db") as store:
        store.executescript(file.read())
    with open(f"{folder}/glewlwyd.conf", "w", encoding="utf-8") as file:
        file.write(_configuration(folder, port))
    server = servers.Process("glewlwyd", [program, "--config-file", f"{folder}/glewlwyd.conf"],
                             f"http://127.0.0.1:{port}/api/profile_list", cpus)
    cookie = servers.poll(lambda: _cookie(f"http://127.0.0.1:{port}"))
    if not cookie:
        server.stop()
        raise servers.Skip(f"Glewlwyd does not sign its administrator in, see {folder}.log")
    server.headers = {"Cookie": cookie}
    return server.wait_for_answer(server.headers)
