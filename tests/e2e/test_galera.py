# SPDX-License-Identifier: Apache-2.0
"""A node of a Galera cluster dies while it is written to: nothing acknowledged is lost, and the next
node serves as soon as the cluster has closed its ranks."""
import time
from contextlib import closing

import pytest

from galera import SUSPECT_S, Cluster
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
    wrong = [(person.name, one) for person in town.people for one in person.samples
             if one.status not in {200, 503} | person.refusals]
    assert not wrong, wrong[0]
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
