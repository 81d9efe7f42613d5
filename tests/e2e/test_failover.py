# SPDX-License-Identifier: Apache-2.0
"""Redis is lost under load: a Sentinel makes another server the master, or the one there is has lost its
memory. Flows and counters may go with it; what was revoked stays revoked, and nobody who is signed in is
told that he is not."""
import time
from collections import Counter

import pytest

from outage import Town
from parallel import FULL
from redis_ha import NAME, Guarded
from stores import Redis, Stores

pytestmark = pytest.mark.own_stores
CALM_S, AFTER_S = (10, 15) if FULL else (1.5, 2)
BACK_S = 3


class GuardedStores(Stores):
    """A server finds its Redis by asking the Sentinels."""

    def __init__(self):
        self.guarded = Guarded()
        super().__init__(None, "mysql+redis", redis=self.guarded.master)

    def conf(self):
        return super().conf().replace(f"host = {self.guarded.master.address}",
                                      f"master = {NAME}\nsentinel = {self.guarded.addresses}")

    def close(self):
        self.db.close()
        self.guarded.close()


@pytest.fixture
def town():
    one = Town(GuardedStores())
    try:
        one.start().live(CALM_S)
        yield one
    finally:
        one.close()


def judge(town, began, what):
    """Everybody was told the truth or 503; whom a failure found at work is back in time."""
    told = Counter()
    for person in town.people:
        samples = [one for one in person.samples if one.began >= began]
        told.update(one.status for one in samples)
        for one in samples:
            assert one.status in {200, 503} | person.refusals, f"{person.name}: {one}"
            assert one.status != 503 or one.retry_after, f"{person.name}: {one}"
    print(f"\n{what}: {dict(told)}", end="")


def fail_over(town, what):
    """Waits for the new master; the service must be there soon after it."""
    began = time.monotonic()
    town.loses_flows = True
    town.stores.guarded.wait_failover()
    promoted = time.monotonic()
    seconds = town.recoveries(promoted)
    judge(town, began, what)
    print(f"; new master after {promoted - began:.1f} s, all served {max(seconds.values()):.1f} s later")
    assert max(seconds.values()) < BACK_S, seconds


def test_the_master_is_killed(town):
    town.stores.guarded.master.kill()
    fail_over(town, "kill -9 of the master")
    town.live(AFTER_S)
    town.finish()


def test_a_replica_that_lags_becomes_master(town):
    """It never got what was revoked last: SQL did."""
    guarded = town.stores.guarded
    guarded.let_lag()
    town.live(CALM_S)
    guarded.master.kill()
    guarded.thaw(guarded.replica)
    fail_over(town, "kill -9 of the master, the replica lags behind")
    town.live(AFTER_S)
    town.finish()


def test_a_master_that_stands_still_is_left(town):
    guarded = town.stores.guarded
    guarded.freeze(guarded.master)
    fail_over(town, "the master stands still")
    guarded.thaw(guarded.master)
    town.live(AFTER_S)
    town.finish()


class PrivateStores(Stores):
    def __init__(self):
        self.redis = Redis().start()
        super().__init__(None, "mysql+redis", redis=self.redis)

    def close(self):
        self.db.close()
        self.redis.close()


@pytest.fixture
def private_town():
    one = Town(PrivateStores())
    try:
        one.start().live(CALM_S)
        yield one
    finally:
        one.close()


def forget(redis):
    redis.cli("FLUSHALL")


def restart(redis):
    redis.kill()
    redis.stop()
    redis.start()


@pytest.mark.parametrize("lose", [forget, restart])
def test_redis_forgets_everything(private_town, lose):
    town, began = private_town, time.monotonic()
    town.loses_flows = True
    lose(town.stores.redis)
    seconds = town.recoveries(time.monotonic())
    judge(town, began, f"Redis: {lose.__name__}")
    print(f"; all served after {max(seconds.values()):.1f} s")
    assert max(seconds.values()) < BACK_S, seconds
    town.live(AFTER_S)
    town.finish()
