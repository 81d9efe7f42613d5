# SPDX-License-Identifier: Apache-2.0
"""What MariaDB and Redis were asked, by their own logs: both must serve nobody but the host under test."""
import re
import subprocess
from contextlib import closing

# What hosts do now and then, whoever asks: host/chores.c, host/stores.c, the drivers' looks at their server;
# and what is known of gateways, which nobody's answer waits for.
CHORES_SQL = re.compile(r"kv_hosts|absolute_expires_at [<>]|_logs WHERE at <|^SELECT 1$|^SET "
                        r"|disabled_gateways|UPDATE message_logs")
# What goes along in the write of what was asked: plugins/kv_redis/link.c.
ALONG = re.compile(r'^"GET" "[^"]*epoch"$')
CHORES_REDIS = re.compile(r':h:|:m:[bntf]:|:ping"|^"(ROLE|PING|HELLO|INFO)"')
LOGGED = re.compile(r'\[\d+ (?P<client>[^\]]*)\] (?P<command>.*)')
BOUNDS = ("START TRANSACTION", "COMMIT", "ROLLBACK")


class Asked:
    """redis: commands. inside: statements of each transaction, without its bounds. alone: the others."""

    def __init__(self, redis, statements):
        self.redis, self.inside, self.alone = redis, [], []
        transactions = {}
        for thread, statement in statements:
            if statement == BOUNDS[0]:
                transactions[thread] = []
                self.inside.append(transactions[thread])
            elif statement in BOUNDS:
                del transactions[thread]
            else:
                transactions.get(thread, self.alone).append(statement)
        assert not transactions, f"not ended: {transactions}"

    def counts(self):
        """(commands of Redis, statements of each transaction, statements outside of any)"""
        return len(self.redis), [len(one) for one in self.inside], len(self.alone)


class StoreLog:
    """Listens from the moment it is made."""

    def __init__(self, mariadb, redis):
        self.sql = mariadb.connect()
        self.cursor = self.sql.cursor()
        self.cursor.execute("SET GLOBAL log_output = 'TABLE'")
        self.cursor.execute("SET GLOBAL general_log = ON")
        self.redis, self.n_marks = redis, 0
        self.monitor = subprocess.Popen(["redis-cli", "-s", redis.socket, "MONITOR"],
                                        stdout=subprocess.PIPE, text=True)
        assert self.monitor.stdout.readline() == "OK\n"

    def _commands(self):
        """All since the last time; what a script does within the server is part of its one command."""
        self.n_marks += 1
        mark = f'"mark-{self.n_marks}"'
        self.redis.cli("ECHO", mark.strip('"'))
        for line in self.monitor.stdout:
            if mark in line:
                return
            logged = LOGGED.search(line)
            if logged["client"] != "lua" and not logged["client"].startswith("unix:") and \
                    not CHORES_REDIS.search(logged["command"]) and not ALONG.match(logged["command"]):
                yield logged["command"]

    def statements(self):
        self.cursor.execute(
            "SELECT thread_id, CONVERT(argument USING utf8mb4) FROM mysql.general_log"
            " WHERE thread_id <> CONNECTION_ID() AND command_type IN ('Query', 'Execute')")
        return [row for row in self.cursor.fetchall() if not CHORES_SQL.search(row[1])]

    def clear(self):
        list(self._commands())
        self.cursor.execute("TRUNCATE mysql.general_log")

    def asked(self):
        """Since the last clear()."""
        return Asked(list(self._commands()), self.statements())

    def close(self):
        with closing(self.sql):
            self.cursor.execute("SET GLOBAL general_log = OFF")
        self.monitor.terminate()
        self.monitor.wait(10)
        self.monitor.stdout.close()
