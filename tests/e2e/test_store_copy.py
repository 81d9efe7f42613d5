# SPDX-License-Identifier: Apache-2.0
"""pintlectl store copy: an installation moves to another SQL store with all it has, or is told why not."""
import json
import os
import re
import subprocess
import time
from contextlib import contextmanager

import pytest

from harness import BUILD, GOOD_SECRET, Server, new_phone, register, sign_in, wait_for
from steps import LOGIN, PASSWORD, PROFILE, user_id
from stores import MariaDB, Mysql, Sqlite

CTL = os.path.join(BUILD, "pintlectl")
CHECK = "/api/v1/auth/check"
REFRESH = "/api/v1/auth/refresh"
TABLES = ["users", "user_identities", "user_sessions", "login_logs", "auth_logs", "message_logs",
          "disabled_gateways", "password_credentials"]
NEWER_SECRET, NEWEST_SECRET = "Copper-violin-19-quay", "Walnut-harbour-77-elk"
N_LOGS = 1800
BATCH = 500
COPY_S = 120
INSERT_USER = ("INSERT INTO users (id, uuid, nickname, user_type, created_at, updated_at)"
               " VALUES (?, ?, ?, 'farmer', 1, 2)")
INSERT_HOST = "INSERT INTO kv_hosts (host_id, kv_token, seen_at) VALUES ('other', 'token', ?)"
LOG = "(provider, identifier, result, at) VALUES "


class Target:
    """A store that is empty, as a second section of conf.d."""

    def __init__(self, kind, state, mariadb=None):
        self.kind = kind
        if kind == "mysql":
            self.store = Mysql(mariadb)
            self.conf = self.store.conf.replace("[mysql]", "[copy]").replace("required = yes\n", "")
        else:
            self.store = Sqlite(state)
            self.store.path = os.path.join(state, "copy.db")
            self.conf = f"[copy]\nplugin = db_sqlite\npath = {self.store.path}\n"
        self.rows = self.store.rows


@pytest.fixture(params=["sqlite", "mysql"])
def installation(request):
    """A server that is not started, and an empty target beside its stores."""
    made = Installation(request.param)
    yield made
    made.close()


class Installation:
    def __init__(self, kind, mariadb=None):
        self.server = Server(options=["token.issuer=http://auth.test", "password.history=3"])
        self.target = Target(kind, self.server.state, mariadb)
        self.server.write_conf("60-copy.ini", self.target.conf)
        self.source, self.source_name = self.server.stores.db, self.server.stores.db_name
        open(self.server.log_path, "ab").close()

    def close(self):
        self.server.close()
        self.target.store.close()

    def command(self, *args):
        options = [word for option in self.server.options for word in ("-o", option)]
        return [CTL, "-c", self.server.conf, *options, *args]

    def run(self, *args):
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=COPY_S,
                              cwd=self.server.folder, check=False)

    def copy(self):
        """{table: what is said of it}."""
        done = self.run("--json", "store", "copy", self.source_name, "copy")
        assert done.returncode == 0, done
        told = json.loads(done.stdout)["tables"]
        assert [one["table"] for one in told] == TABLES
        return {one["table"]: one for one in told}

    def refused(self, source=None, target="copy"):
        """The one line that says why; the source's name in it is SOURCE."""
        done = self.run("store", "copy", source or self.source_name, target)
        assert (done.returncode, done.stdout) == (1, ""), done
        lines = [line for line in done.stderr.splitlines() if line.startswith("pintled: ")]
        assert len(lines) == 1, done
        return lines[0].removeprefix("pintled: ").replace(f"[{self.source_name}]", "[SOURCE]")

    def migrate(self, db=None):
        done = self.run("-o", f"storage.db={db or self.source_name}", "migrate")
        assert done.returncode == 0, done
        return self

    def with_people(self, *nicknames):
        """Accounts 1, 2, 3 … in the source, whose schema is made."""
        self.migrate()
        for number, nickname in enumerate(nicknames, 1):
            self.source.rows(INSERT_USER, (number, f"uuid-{number}", nickname))
        return self

    def move(self):
        """As docs/operations.md says."""
        self.server.options.append("storage.db=copy")

    def with_logs(self, n):
        self.migrate()
        for first in range(1, n + 1, 1000):
            marks = ", ".join(["('phone_sms', ?, 'failure', ?)"] * min(1000, n + 1 - first))
            numbers = [value for i in range(first, min(n + 1, first + 1000))
                       for value in (f"138****{i:04d}", i)]
            self.source.rows(f"INSERT INTO login_logs {LOG}{marks}", numbers)
        return self

    def assert_same(self):
        for table in TABLES:
            key = "user_id" if table == "password_credentials" else "id"
            sql = f"SELECT * FROM {table} ORDER BY {key}"
            assert self.target.rows(sql) == self.source.rows(sql), table


# ---- The whole of it ----

class People:
    """Something in every table, made through the interface."""

    def __init__(self, server):
        client = server.client()
        self.wang = register(server, nickname="王小明 🚜")
        self.wang.ok("PUT", PROFILE, {"address": "云南省大理市古城护国路 88 号 🏔️", "longitude": 100.161749,
                                      "latitude": -25.689, "birthday": "1988-08-08"})
        for old, new in ((GOOD_SECRET, NEWER_SECRET), (NEWER_SECRET, NEWEST_SECRET)):
            self.wang.ok("PUT", PASSWORD, {"old_password": old, "new_password": new})
        self.rotated = sign_in(server)
        self.spent = self.rotated.tokens["refresh_token"]
        self.rotated.tokens = client.ok("POST", REFRESH, {"refresh_token": self.spent})
        self.frozen = register(server)
        server.ctl("user", "freeze", self.frozen.phone)
        self.revoked = sign_in(server)
        server.ctl("session", "revoke", self.revoked.tokens["session_id"])
        client.refused(401, "invalid_credentials", "POST", LOGIN,
                       {"phone": self.wang.phone, "password": "Nobody-knows-this-1"})
        server.ctl("user", "create", new_phone(), f"lisi{os.getpid()}")
        server.stores.db.rows("INSERT INTO disabled_gateways (name, at) VALUES ('nobody', 1)")
        wait_for(lambda: server.stores.db.rows("SELECT 1 FROM login_logs WHERE result = 'failure'"),
                 "the row of the failed sign-in")

    def check(self, server):
        """All that counted before counts now, of what refused nothing opens."""
        client = server.client()
        wang = client.ok("POST", LOGIN, {"phone": self.wang.phone, "password": NEWEST_SECRET})
        assert wang["user"]["id"] == user_id(self.wang)
        profile = server.client(token=self.wang.tokens["access_token"]).ok("GET", PROFILE)
        assert (profile["nickname"], profile["address"]) == ("王小明 🚜", "云南省大理市古城护国路 88 号 🏔️")
        assert (profile["longitude"], profile["latitude"]) == (100.161749, -25.689)
        for used in (GOOD_SECRET, NEWEST_SECRET):
            client.use(wang["access_token"]).refused(
                422, "field_invalid", "PUT", PASSWORD,
                {"old_password": NEWEST_SECRET, "new_password": used})
        client = server.client()
        client.refused(403, "account_frozen", "POST", LOGIN,
                       {"phone": self.frozen.phone, "password": GOOD_SECRET})
        for dead, why in ((self.frozen, (403, "account_frozen")), (self.revoked, (401, "invalid_token"))):
            assert server.client(token=dead.tokens["access_token"]).get(CHECK).status_code == 401
            client.refused(*why, "POST", REFRESH, {"refresh_token": dead.tokens["refresh_token"]})
        tokens = client.ok("POST", REFRESH, {"refresh_token": self.rotated.tokens["refresh_token"]})
        assert server.client(token=tokens["access_token"]).get(CHECK).status_code == 200
        client.refused(401, "invalid_token", "POST", REFRESH, {"refresh_token": self.spent})
        assert server.client(token=tokens["access_token"]).get(CHECK).status_code == 401, "reuse ends it"


def test_an_installation_moves_with_all_it_has(installation):
    server = installation.server.start()
    people = People(server)
    server.stop()
    told = installation.copy()
    for table, one in told.items():
        assert one["rows"] == one["copied"] == installation.source.rows(
            f"SELECT COUNT(*) FROM {table}")[0][0] > 0, table
        assert re.fullmatch(r"[0-9a-f]{64}", one["checksum"]), one
    installation.assert_same()
    again = installation.copy()
    for table, one in again.items():
        assert (one["copied"], one["checksum"]) == (0, told[table]["checksum"]), table
    installation.move()
    server.stores.kv.wipe()  # so that every session is one of SQL
    last = installation.target.rows("SELECT MAX(id) FROM users")[0][0]
    people.check(server.start())
    assert user_id(sign_in(server)) > last, "an id is used once"


def test_what_people_read(installation):
    installation.migrate()
    done = installation.run("store", "copy", installation.source_name, "copy")
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == TABLES
    assert re.fullmatch(r"users +0 rows  [0-9a-f]{64} +\d+\.\d{3} s", lines[0]), lines


# ---- Broken off ----

# What takes minutes in the target, once the copy comes to a row.
HANG = {"sqlite": "WHEN NEW.id = {} BEGIN SELECT COUNT(*) FROM login_logs a, login_logs b, login_logs c,"
                  " login_logs d; END",
        "mysql": "FOR EACH ROW IF NEW.id = {} THEN DO SLEEP(600); END IF"}


@contextmanager
def hanging_at(installation, row):
    """A copy that is about to write that row, and never does; ended with kill -9 if it has not ended."""
    target = installation.target
    target.rows("CREATE TRIGGER hang BEFORE INSERT ON login_logs " + HANG[target.kind].format(row))
    process = subprocess.Popen(installation.command("store", "copy", installation.source_name, "copy"),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               cwd=installation.server.folder)
    before = (row - 1) // BATCH * BATCH
    wait_for(lambda: process.poll() is not None
             or target.rows("SELECT COUNT(*) FROM login_logs") == [(before,)], f"{before} rows", COPY_S)
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        children = file.read().split()
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), "its child's end")
    target.rows("DROP TRIGGER hang")
    assert target.rows("SELECT COUNT(*), MAX(id) FROM login_logs") == [(before, before)]


def test_killed_in_the_middle_it_goes_on(installation):
    installation.with_people("甲").with_logs(N_LOGS).migrate("copy")
    for row in (BATCH + 7, 2 * BATCH + 1):
        with hanging_at(installation, row) as process:
            assert process.poll() is None, "it is killed"
    told = installation.copy()
    assert told["users"]["copied"] == 0
    assert (told["login_logs"]["rows"], told["login_logs"]["copied"]) == (N_LOGS, N_LOGS - 2 * BATCH)
    installation.assert_same()


def test_a_target_that_dies_is_told_of_and_the_copy_goes_on():
    server = MariaDB().start()
    installation = Installation("mysql", server)
    try:
        installation.with_logs(N_LOGS).migrate("copy")
        with hanging_at(installation, BATCH + 7) as process:
            server.kill()
            assert process.wait(COPY_S) == 1
            assert "[copy] login_logs: the store does not answer as it should" in process.stderr.read()
            assert "[copy]: cannot be opened" in installation.refused()
            server.start()
        assert installation.copy()["login_logs"]["copied"] == N_LOGS - BATCH
        installation.assert_same()
    finally:
        installation.close()
        server.close()


def test_one_copy_into_a_store_at_a_time(installation):
    installation.with_logs(N_LOGS).migrate("copy")
    other = Installation(installation.target.kind)
    try:
        other.migrate()
        other.server.write_conf("60-copy.ini", installation.target.conf)
        with hanging_at(installation, BATCH + 7):
            assert "another copy into it runs" in other.refused()
        installation.copy()
    finally:
        other.close()


# ---- Refusals, each with what is not refused ----

def test_what_the_target_has_of_somebody_else_stays(installation):
    installation.with_people("甲", "乙", "丙").migrate("copy")
    target = installation.target
    for number, nickname, why in ((1, "another 甲", "row 1 is not that of [SOURCE]: nickname differs"),
                                  (7, "庚", "row 1 of [SOURCE] is missing")):
        target.rows(INSERT_USER, (number, f"uuid-{number}", nickname))
        assert f"[copy] users: {why}; it holds something else" in installation.refused()
        assert target.rows("SELECT id, nickname FROM users") == [(number, nickname)]
        target.rows("DELETE FROM users")
    assert installation.copy()["users"]["copied"] == 3


def test_rows_of_the_source_and_one_more_are_refused(installation):
    installation.with_people("甲", "乙").migrate("copy")
    installation.copy()
    installation.target.rows(INSERT_USER, (9, "uuid-9", "壬"))
    assert "[copy] users: row 9 is not in [SOURCE]; " in installation.refused()
    installation.target.rows("DELETE FROM users WHERE id = 9")
    assert installation.copy()["users"]["rows"] == 2


def test_a_copy_is_of_one_state_of_the_source(installation):
    installation.with_people("甲", "乙")
    installation.copy()
    installation.source.rows("UPDATE users SET balance = 5 WHERE id = 2")
    assert "[copy] users: row 2 is not that of [SOURCE]: balance differs; " in installation.refused()
    installation.source.rows("UPDATE users SET balance = 0 WHERE id = 2")
    installation.source.rows(INSERT_USER, (3, "uuid-3", "丙"))
    assert installation.copy()["users"]["copied"] == 1, "what came later comes too"


FORGET_STEPS = "DELETE FROM schema_migrations WHERE owner = 'password'"
NEWER_STEP = ("INSERT INTO schema_migrations (owner, number, name, checksum, applied_at)"
              " VALUES ('core', 99, 'future', '', '')")
STRANGER = NEWER_STEP.replace("'core', 99", "'oa_rbac', 1")


@pytest.mark.parametrize("sql, why", [
    (FORGET_STEPS, "step 1 (password) of password has not been applied; the source must be of exactly this"),
    (NEWER_STEP, "step 99 (future) of core was applied by a newer version; the source must be of exactly"),
    (STRANGER, "has tables of the plugin oa_rbac, which no section loads"),
    ("ALTER TABLE users ADD COLUMN shoe_size INTEGER", "users: has 36 columns where this release knows 35"),
], ids=["older", "newer", "plugin", "column"])
def test_a_source_that_is_not_of_this_release(installation, sql, why):
    installation.with_people("甲")
    assert installation.copy()["users"]["rows"] == 1
    installation.source.rows(sql)
    assert why in installation.refused()


def test_a_source_without_a_schema(installation):
    assert "[SOURCE]: database: the history of its steps cannot be read" in installation.refused()
    installation.migrate()
    assert installation.copy()["users"]["rows"] == 0


def test_not_while_a_server_runs(installation):
    installation.server.start()
    assert "another pintled runs on it" in installation.refused()
    assert installation.server.stop() == 0
    installation.copy()


@pytest.mark.parametrize("side", ["SOURCE", "copy"])
def test_not_while_another_host_uses_a_store(installation, side):
    installation.with_people("甲").migrate("copy")
    store = installation.source if side == "SOURCE" else installation.target
    store.rows(INSERT_HOST, (int(time.time() * 1000),))
    assert f"[{side}]: another host uses it" in installation.refused()
    assert installation.target.rows("SELECT id FROM users") == []
    store.rows("UPDATE kv_hosts SET seen_at = ?", (int(time.time() * 1000) - 125_000,))
    installation.copy()


def test_which_sections(installation):
    kv = installation.server.stores.kv_name
    installation.migrate()
    assert "there is no section [nowhere] of an SQL store" in installation.refused("nowhere")
    assert f"there is no section [{kv}] of an SQL store" in installation.refused(target=kv)
    assert "[copy] cannot be copied to itself" in installation.refused("copy")
    installation.copy()


def test_a_row_that_does_not_fit_is_named(installation):
    """Rows before it are there, and when it fits the copy goes on."""
    installation.with_people("甲", "乙", "甲", "丁").migrate("copy")
    installation.target.rows("CREATE UNIQUE INDEX one_of_a_name ON users (nickname)")
    assert "[copy] users: row 3 of [SOURCE] does not fit: column nickname (" in installation.refused()
    assert installation.target.rows("SELECT id FROM users ORDER BY id") == [(1,), (2,)]
    installation.source.rows("UPDATE users SET nickname = '丙' WHERE id = 3")
    assert installation.copy()["users"]["copied"] == 2
    installation.assert_same()


def test_a_text_that_is_too_long_is_named_and_not_cut(installation):
    """SQLite keeps a text of any length, so a hand may have written one."""
    if installation.source_name != "sqlite":
        pytest.skip("the source itself would not take it")
    installation.with_people("甲", "农" * 65)
    if installation.target.kind == "mysql":
        assert "[copy] users: row 2 of [SOURCE] does not fit: column nickname (" in installation.refused()
        installation.source.rows("UPDATE users SET nickname = ? WHERE id = 2", ("农" * 64,))
    assert installation.copy()["users"]["rows"] == 2
    installation.assert_same()


def test_a_row_that_leads_nowhere_is_named(installation):
    if installation.source_name != "sqlite":
        pytest.skip("the source itself would not take it")
    installation.with_people("甲")
    installation.source.rows("INSERT INTO user_identities (user_id, namespace, subject, bound_at)"
                             " VALUES (99, 'username', 'nobody', 1)")
    assert "[copy] user_identities: row 1 of [SOURCE] does not fit (" in installation.refused()
    installation.source.rows("UPDATE user_identities SET user_id = 1")
    assert installation.copy()["user_identities"]["copied"] == 1


def test_both_stores_serve_while_both_are_configured(installation):
    """The second section is an ordinary one: a server runs beside it, before and after."""
    server = installation.server.start()
    sign_in(server)
    server.stop()
    installation.copy()
    installation.move()
    who = sign_in(server.start())
    assert installation.target.rows("SELECT MAX(id) FROM users")[0][0] == user_id(who)
    assert installation.source.rows("SELECT COUNT(*) FROM users") == [(1,)], "the old one lies still"


def test_pintled_wants_two_sections(installation):
    binary = os.path.join(BUILD, "pintled")
    for words in (["--copy"], ["--copy", "one"], ["--copy", "one", "two", "three"], ["one", "two"]):
        done = subprocess.run([binary, *words, "-c", installation.server.conf], capture_output=True,
                              text=True, timeout=30, check=False)
        assert done.returncode == 2 and "usage: pintled" in done.stderr, done
