# SPDX-License-Identifier: Apache-2.0
"""A Galera cluster of MariaDB: three nodes on loopback, each of which takes writes."""
import os
import pwd
import random
import shutil
import socket
import subprocess
from contextlib import closing

from harness import wait_for
from stores import MariaDB

N_NODES = 3
PROVIDER = "/usr/lib/galera/libgalera_smm.so"
# A node that is silent for so long is left behind by the others.
SUSPECT_S = 3
TIMES = (f"evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;evs.suspect_timeout=PT{SUSPECT_S}S;"
         f"evs.inactive_timeout=PT{2 * SUSPECT_S}S;evs.install_timeout=PT{SUSPECT_S}S;gcache.size=16M")


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_ports(n):
    """n ports in a row, below those the kernel gives to clients."""
    for _ in range(1000):
        first = random.randrange(10000, 32000 - n)
        if all(is_free(port) for port in range(first, first + n)):
            return range(first, first + n)
    raise AssertionError("no free ports")


class Node(MariaDB):
    """Group, state transfer and incremental transfer have a port each."""

    def __init__(self, name, ports):
        super().__init__()
        self.name, self.ports = name, ports

    @property
    def group_address(self):
        return f"127.0.0.1:{self.ports[0]}"

    def join(self, nodes, is_first=False):
        group, incremental, transfer = self.ports
        self.options = [
            *(["--user=mysql"] if os.getuid() == 0 else []),
            "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}", "--wsrep-sst-method=rsync",
            f"--wsrep-cluster-name=pintle-{nodes[0].ports[0]}", f"--wsrep-node-name={self.name}",
            "--wsrep-node-address=127.0.0.1", f"--wsrep-sst-receive-address=127.0.0.1:{transfer}",
            "--wsrep-cluster-address=gcomm://" + ",".join(node.group_address for node in nodes),
            f"--wsrep-provider-options=base_host=127.0.0.1;base_port={group};"
            f"gmcast.listen_addr=tcp://{self.group_address};ist.recv_addr=127.0.0.1:{incremental};{TIMES}",
            *(["--wsrep-new-cluster"] if is_first else [])]
        self.start()

    def own(self):
        """rsync's daemon does not serve root: a node is never root's."""
        if os.getuid() == 0:
            user = pwd.getpwnam("mysql")
            subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", self.folder], check=True)

    def copy_from(self, other):
        shutil.copytree(os.path.join(other.folder, "data"), os.path.join(self.folder, "data"))
        self.own()

    def state(self):
        """(cluster size, what this node is doing)"""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SHOW STATUS LIKE 'wsrep_%'")
            status = dict(cursor.fetchall())
        return int(status["wsrep_cluster_size"]), status["wsrep_local_state_comment"]


class Cluster:
    """close() ends all nodes."""

    def __init__(self):
        ports = free_ports(3 * N_NODES)
        self.nodes = [Node(f"n{i}", ports[3 * i:3 * i + 3]) for i in range(N_NODES)]
        try:
            self.form()
        except BaseException:
            self.close()
            raise

    def form(self):
        """All begin with the same data, so that joining transfers next to nothing."""
        first, *others = self.nodes
        first.start().stop()
        first.own()
        first.join(self.nodes, is_first=True)
        first.stop()
        for node in others:
            node.copy_from(first)
        first.join(self.nodes, is_first=True)
        for node in others:
            node.join(self.nodes)
        self.wait_whole(self.nodes)

    def wait_whole(self, nodes):
        """Until these are the cluster and nobody else."""
        wanted = [(len(nodes), "Synced")] * len(nodes)
        wait_for(lambda: [node.state() for node in nodes] == wanted, "the nodes to agree", 60)

    @property
    def addresses(self):
        return ", ".join(node.address for node in self.nodes)

    def close(self):
        for node in self.nodes:
            node.close()
