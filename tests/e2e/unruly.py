# SPDX-License-Identifier: Apache-2.0
"""The unruly plugin of tests/bad_plugins: told by a field what to do wrong, it does it."""
import http.client
import json
import pathlib
import re

from harness import BUILD, wait_for
from stores import PAIR

BAD = pathlib.Path(BUILD, "bad_plugins")
CONF = "[unruly]\ntimeout = 500ms\n"
# A hang shall cost a test little time.
SHORT = ["pool.call_timeout=500ms", "pool.retire_after=300ms", "server.drain_timeout=1s"]
# A flood takes the whole machine, so that a database server has to wait for its turn.
PATIENT = ["pool.call_timeout=30s", "storage.timeout=20s", "phone_sms.timeout=20s",
           *(["mysql.connect_timeout=20s"] if PAIR.startswith("mysql") else [])]
ROUTE = "/api/v1/auth/unruly/"


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


def quarantined(server):
    done = server.ctl("provider", "list", check=False)
    listed = json.loads(done.stdout) if done.returncode == 0 else []
    return [provider["name"] for provider in listed if provider["quarantined"]]


def resume(server):
    server.ctl("provider", "resume", "unruly")
    wait_for(lambda: is_whole(server) and not quarantined(server), "the instance to be back")
