# SPDX-License-Identifier: Apache-2.0
"""A node of a Galera cluster dies while it is written to: nothing acknowledged is lost, and the next
node serves as soon as the cluster has closed its ranks."""
import time
from contextlib import closing

import pytest

from galera import SUSPECT_S, Cluster
from harness import wait_for
from outage import Town
from parallel import FULL
from stores import Stores

pytestmark = pytest.mark.own_stores
CALM_S, AFTER_S = (10, 15) if FULL else (2, 3)
BACK_S = 3


class ClusterStores(Stores):
    """Reads what is true from a node that lives."""

    def __init__(self):
        self.cluster = Cluster()
        self.first = self.cluster.nodes[0]
        super().__init__(None, "mysql+redis", mariadb=self.first)

    def conf(self):
        return super().conf().replace(f"host = {self.first.address}", f"host = {self.cluster.addresses}")

    def lose(self, node):
        node.kill()
        self.db.server = self.cluster.nodes[-1]

    def close(self):
        try:
            super().close()
        finally:
            self.cluster.close()


@pytest.fixture
def town():
    one = Town(ClusterStores())
    try:
        one.start().live(CALM_S)
        yield one
    finally:
        one.close()


def acknowledged(town):
    """Session ids that people were given or told the end of: {id: status it must have}."""
    newcomer, leaver = town.person("Newcomer"), town.person("Leaver")
    return {**{tokens["session_id"]: "active" for tokens in newcomer.welcome.values()},
            **{tokens["session_id"]: "revoked" for tokens in leaver.ended}}


def judge(town):
    """Nobody was told what is not so."""
    for person in town.people:
        for one in person.samples:
            assert one.status in {200, 503} | person.refusals, f"{person.name}: {one}"


def n_sessions_of_pintle(node):
    with closing(node.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE db LIKE 'pintle%'")
        return cursor.fetchone()[0]


def test_a_node_leaves_and_comes_back(town):
    """An upgrade of the node that all prefer: away from it, and back once it is in step."""
    cluster, stores = town.stores.cluster, town.stores
    assert n_sessions_of_pintle(stores.first) > 0
    stores.db.server = cluster.nodes[-1]
    stores.first.stop()
    seconds = town.recoveries(time.monotonic())
    assert max(seconds.values()) < BACK_S, seconds
    stores.first.join(cluster.nodes)
    cluster.wait_whole(cluster.nodes)
    wait_for(lambda: n_sessions_of_pintle(stores.first) > 0, "the node to be used again", 30)
    town.live(AFTER_S)
    judge(town)
    town.finish()
    print(f"\na node leaves: all served {max(seconds.values()):.1f} s later; back on it when it is in step")


def test_the_node_in_use_is_killed(town):
    cluster, stores = town.stores.cluster, town.stores
    died = time.monotonic()
    stores.lose(stores.first)
    cluster.wait_whole(cluster.nodes[1:])
    closed = time.monotonic()
    seconds = town.recoveries(closed)
    print(f"\nkill -9 of a node: the others agree after {closed - died:.1f} s (silence of {SUSPECT_S} s"
          f" is death), all served {max(seconds.values()):.1f} s later")
    assert max(seconds.values()) < BACK_S, seconds
    town.live(AFTER_S)
    judge(town)
    town.finish()
    wanted = acknowledged(town)
    assert set(wanted.values()) == {"active", "revoked"}, "nothing was written"
    for node in cluster.nodes[1:]:
        with closing(node.connect(database=stores.db.name)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT session_id, status FROM user_sessions")
            found = dict(cursor.fetchall())
        lost = {sid for sid, status in wanted.items() if found.get(sid) != status}
        assert not lost, f"{len(lost)} of {len(wanted)} acknowledged writes are not on {node.name}"
    print(f"{len(wanted)} acknowledged writes, 0 lost")
