# SPDX-License-Identifier: Apache-2.0
"""The stores under a server. PINTLE_STORES names the pair, such as mysql+redis; each server has a
database and a key prefix of its own in the one MariaDB and the one Redis of this test process."""
import functools
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from contextlib import closing, contextmanager

import pymysql

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT = "sqlite+lmdb"  # what conf.d has
PAIR = os.environ.get("PINTLE_STORES", DEFAULT)
START_S = 120


# ---- Servers of our own ----

class Private:
    """A server that a script starts on a folder. Started again it has its data and its port."""

    script = None

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="pintle-")
        self.options = options
        self.port = self.pid = self.socket = None

    def _run(self, *args):
        done = subprocess.run(["sh", os.path.join(ROOT, "scripts", self.script), *args],
                              env={**os.environ, "PRIVATE_OWNER": str(os.getpid())},
                              capture_output=True, text=True, timeout=START_S, check=False)
        assert done.returncode == 0, f"{self.script} {args}: {done.stderr}"
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def start(self):
        told = self._run("start", self.folder, *self.options)
        self.port, self.pid, self.socket = int(told["port"]), int(told["pid"]), told["socket"]
        return self

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def stop(self):
        self._run("stop", self.folder)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class MariaDB(Private):
    script = "mariadb.sh"

    def connect(self, **kwargs):
        return pymysql.connect(host="127.0.0.1", port=self.port, user="pintle", password="pintle",
                               charset="utf8mb4", autocommit=True, **kwargs)


class Redis(Private):
    script = "redis.sh"

    def cli(self, *args):
        return subprocess.run(["redis-cli", "-s", self.socket, *args], capture_output=True, text=True,
                              timeout=20, check=True).stdout


_shared = []


@functools.cache
def shared(kind):
    """The one of this process, started when first wanted."""
    _shared.append(kind())
    return _shared[-1].start()


def close_shared():
    while _shared:
        _shared.pop().close()


# ---- What one pintled has in them ----

_numbers = itertools.count(1)


class Sqlite:
    conf = "[sqlite]\nplugin = db_sqlite\nrequired = yes\n"
    TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"

    def __init__(self, state):
        self.path = os.path.join(state, "pintle.db")

    def rows(self, sql, params=()):
        """A statement that writes is committed."""
        with closing(sqlite3.connect(self.path, timeout=10)) as database, database:
            return database.execute(sql, params).fetchall()

    @contextmanager
    def stuck_writers(self):
        """Somebody else holds the write lock: reads go on, no write can."""
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")

    def close(self):
        """It goes with the state folder."""


class Mysql:
    TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"

    def __init__(self, server=None):
        self.server = server or shared(MariaDB)
        self.name = f"pintle_{os.getpid()}_{next(_numbers)}"
        with closing(self.server.connect()) as connection:
            connection.cursor().execute(f"CREATE DATABASE {self.name}")

    @property
    def conf(self):
        return ("[mysql]\nplugin = db_mysql\nrequired = yes\n"
                f"host = {self.server.address}\nuser = pintle\npassword = pintle\n"
                f"database = {self.name}\n")

    def rows(self, sql, params=()):
        """The same statements as for SQLite."""
        with closing(self.server.connect(database=self.name)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql.replace("%", "%%").replace("?", "%s"), params)
            return list(cursor.fetchall())

    @contextmanager
    def stuck_writers(self):
        tables = ", ".join(f"{row[0]} READ" for row in self.rows(self.TABLES))
        with closing(self.server.connect(database=self.name)) as connection:
            connection.cursor().execute(f"LOCK TABLES {tables}")
            yield

    def close(self):
        with closing(self.server.connect()) as connection:
            connection.cursor().execute(f"DROP DATABASE {self.name}")


class Lmdb:
    conf = "[lmdb]\nplugin = kv_lmdb\nrequired = yes\n"

    def __init__(self, state):
        self.folder = os.path.join(state, "kv")

    def age(self, seconds):
        """Its records end by the server's clock."""

    def wipe(self):
        """While the server is down."""
        shutil.rmtree(self.folder)

    def close(self):
        """It goes with the state folder."""


class RedisKeys:
    EACH = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do %s end"
    WIPE = EACH % "redis.call('DEL', key)"
    # A record whose time is over is deleted by PEXPIRE; a clock that is set back brings none back.
    AGE = EACH % """
        local left_ms = redis.call('PTTL', key)
        if left_ms >= 0 then redis.call('PEXPIRE', key, left_ms - ARGV[2]) end"""

    def __init__(self, server=None):
        self.server = server or shared(Redis)
        self.prefix = f"p{os.getpid()}-{next(_numbers)}:"

    @property
    def conf(self):
        return ("[redis]\nplugin = kv_redis\nrequired = yes\n"
                f"host = {self.server.address}\nprefix = {self.prefix}\n")

    def age(self, seconds):
        """Redis has no clock that a test could move: its records are made that much older."""
        if seconds:
            self._each(self.AGE, int(seconds * 1000))

    def wipe(self, part=""):
        """All, or those with that in their key."""
        self._each(self.WIPE, part=part)

    def _each(self, script, *args, part=""):
        self.server.cli("EVAL", script, "0", f"{self.prefix}*{part}*", *map(str, args))

    def close(self):
        self.wipe()


class Stores:
    """A pair, and the configuration that leads to it."""

    def __init__(self, state, pair=PAIR, mariadb=None, redis=None):
        self.pair = pair
        self.db_name, self.kv_name = pair.split("+")
        self.db = {"sqlite": lambda: Sqlite(state), "mysql": lambda: Mysql(mariadb)}[self.db_name]()
        self.kv = {"lmdb": lambda: Lmdb(state), "redis": lambda: RedisKeys(redis)}[self.kv_name]()

    def conf(self):
        return (f"[storage]\ndb = {self.db_name}\nkv = {self.kv_name}\n\n"
                f"{self.db.conf}\n{self.kv.conf}")

    def close(self):
        self.db.close()
        self.kv.close()
