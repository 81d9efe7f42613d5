# SPDX-License-Identifier: Apache-2.0
"""A Redis master, its replica and three Sentinels, all on loopback."""
import os
import signal

from harness import wait_for
from stores import Redis

NAME = "pintle"
DOWN_S = 1       # after so much silence a Sentinel takes a server for down
FAILOVER_S = 6   # from then on: agree, choose, promote; and again should the first try fail
# A replica that stands still is dropped by its master after this.
REPLICATION_S = 2
SENTINEL = """sentinel monitor {name} 127.0.0.1 {port} 2
sentinel down-after-milliseconds {name} {down}
sentinel failover-timeout {name} {failover}
sentinel parallel-syncs {name} 1
"""


class Sentinel(Redis):
    def __init__(self, master):
        super().__init__("--sentinel")
        with open(os.path.join(self.folder, "redis.conf"), "w", encoding="utf-8") as file:
            file.write(SENTINEL.format(name=NAME, port=master.port, down=DOWN_S * 1000,
                                       failover=FAILOVER_S * 1000))

    def master_port(self):
        return int(self.cli("SENTINEL", "get-master-addr-by-name", NAME).split()[1])

    def knows_all(self):
        words = self.cli("SENTINEL", "master", NAME).split()
        known = dict(zip(words[::2], words[1::2]))
        return known["num-slaves"] == "1" and known["num-other-sentinels"] == "2"


def info(redis, section):
    lines = redis.cli("INFO", section).splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


class Guarded:
    """close() ends them all."""

    def __init__(self):
        options = ["--repl-timeout", str(REPLICATION_S), "--repl-ping-replica-period", "1",
                   "--repl-diskless-sync-delay", "0"]
        self.servers, self.stopped = [], set()
        try:
            self.master = self.add(Redis(*options))
            self.replica = self.add(Redis(*options, "--replicaof", "127.0.0.1", str(self.master.port)))
            wait_for(lambda: info(self.replica, "replication")["master_link_status"] == "up", "the replica")
            self.sentinels = [self.add(Sentinel(self.master)) for _ in range(3)]
            wait_for(lambda: all(one.knows_all() for one in self.sentinels), "the Sentinels", 60)
        except BaseException:
            self.close()
            raise

    def add(self, server):
        self.servers.append(server)
        return server.start()

    @property
    def addresses(self):
        return ", ".join(one.address for one in self.sentinels)

    def freeze(self, server):
        os.kill(server.pid, signal.SIGSTOP)
        self.stopped.add(server)

    def thaw(self, server):
        os.kill(server.pid, signal.SIGCONT)
        self.stopped.discard(server)

    def let_lag(self):
        """The replica stands still and its master has given it up: what is written now it never gets."""
        self.freeze(self.replica)
        wait_for(lambda: info(self.master, "replication")["connected_slaves"] == "0", "the link to end")

    def wait_failover(self):
        """Until the Sentinels name the replica, and it takes writes."""
        wait_for(lambda: all(one.master_port() == self.replica.port for one in self.sentinels)
                 and info(self.replica, "replication")["role"] == "master", "the failover", 60)

    def close(self):
        for server in list(self.stopped):
            self.thaw(server)
        for server in reversed(self.servers):
            server.close()
