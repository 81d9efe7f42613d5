# SPDX-License-Identifier: Apache-2.0
"""A store that fails as stores and networks do (R06, R07, R08), under a light mixed load.

Who needs the store is told 503 with Retry-After within two seconds, and never what is not so; who does not
need it is served as before; and once the store is well, all is well within three seconds.
"""
import time
from collections import Counter

import pytest

from harness import new_phone, wait_for
from outage import AUTH, BOTH, LIMIT_S, Prober, ProxiedStores, Town, Watcher
from parallel import FULL, Shot, release, tally
from steps import wrong

pytestmark = pytest.mark.own_stores
FAULT_S, CALM_S = (30, 5) if FULL else (3.2, 0.6)
RECOVERY_S = 3
# Python's own threads and a machine full of tests count into what a client sees.
UNAFFECTED_P99_S = 0.1 if FULL else 0.5
# More than all workers have threads.
N_CROWD, N_WAVES = (200, 10) if FULL else (100, 3)
# Within this of a fault's begin an answer may still be from before it.
EDGE_S = 0.1

MODES = {
    "refuse": lambda proxy: proxy.refuse(),
    "black hole": lambda proxy: proxy.black_hole(),
    "frozen": lambda proxy: proxy.hold(),
    "reset at once": lambda proxy: proxy.reset_after(7),
    "reset in the middle": lambda proxy: proxy.reset_after(300),
    "5 s latency": lambda proxy: proxy.latency(5),
    "a byte a second": lambda proxy: proxy.trickle(),
    "garbage": lambda proxy: proxy.garbage(),
    "wrong reply": lambda proxy: proxy.wrong(),
}
# In these some commands still get their answer.
LEAKY = {"reset in the middle", "wrong reply"}


@pytest.fixture(scope="module")
def town():
    one = Town(ProxiedStores())
    try:
        one.start().live(1)
        one.shots = [Shot("GET", "/api/v1/user/profile", None, one.new_session()["access_token"])
                     for _ in range(N_CROWD)]
        yield one
    finally:
        one.close()


def crowd(town, n=N_CROWD):
    """So many people at once, and all are served."""
    assert tally(release(town.server.url, town.shots[:n])) == {(200, None): n}


def n_files(town):
    """With as many connections to the database as there will ever be: each is busy for a moment."""
    town.stores.proxies["mysql"].latency(0.05)
    try:
        crowd(town, 40)
    finally:
        town.stores.proxies["mysql"].heal()
    return town.n_files()


def quantile(samples, share):
    seconds = sorted(one.ended - one.began for one in samples)
    return seconds[min(len(seconds) - 1, int(len(seconds) * share))] if seconds else 0.0


def judge_affected(person, samples, store, mode):
    """503 and the truth are right; the truth is what needs nothing that is broken."""
    wanted = set(person.refusals)
    if store in person.needs | person.may_miss:
        wanted.add(503)
    if store not in person.needs or mode in LEAKY:
        wanted.add(200)
    for one in samples:
        assert one.status in wanted, f"{mode} of {store}: {person.name} was told {one}"
        assert one.status != 503 or one.retry_after, f"{person.name}: no Retry-After in {one}"
        assert one.ended - one.began < LIMIT_S, f"{person.name} waited {one.ended - one.began:.1f} s: {one}"


def judge_probes(samples, began, store, mode):
    """Not ready, once the first question has been given up."""
    for one in samples:
        is_late = one.began > began + LIMIT_S
        wanted = {503} if is_late and mode not in LEAKY else {200, 503}
        assert one.status in wanted, f"{mode} of {store}: /readyz {one}"


def judge(person, during, store, mode):
    samples = person.between(*during)
    if isinstance(person, Prober):
        judge_probes(samples, during[0], store, mode)
        return
    judge_affected(person, samples, store, mode)
    if isinstance(person, Watcher):
        assert quantile(samples, .99) < UNAFFECTED_P99_S, "who needs no store was kept waiting"
    elif person.needs == {"redis"} and store == "mysql" and not person.may_miss:
        assert samples and quantile(samples, .99) < UNAFFECTED_P99_S, f"{person.name} was kept waiting"


def report(town, store, mode, during, calm, seconds):
    told = Counter()
    slowest = 0.0
    for person in town.people:
        if store in person.needs:
            samples = person.between(*during)
            told.update(one.status for one in samples)
            slowest = max([slowest, *[one.ended - one.began for one in samples]])
    watcher = town.person("Watcher")
    print(f"\n{mode} of {store}, {during[1] - during[0]:.1f} s: affected {dict(told)}, slowest"
          f" {slowest * 1000:.0f} ms; unaffected p99 {quantile(watcher.between(*during), .99) * 1000:.0f} ms"
          f" (before: {quantile(watcher.between(*calm), .99) * 1000:.0f} ms); back after"
          f" {max(seconds.values()) * 1000:.0f} ms ({max(seconds, key=seconds.get)})")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("store", sorted(BOTH))
def test_a_store_fails_and_heals(town, store, mode):
    proxy, workers = town.stores.proxies[store], town.server.workers()
    files = n_files(town)
    calm = town.live(CALM_S)
    MODES[mode](proxy)
    try:
        began, ended = town.live(FAULT_S)
    finally:
        proxy.heal()
    healed = time.monotonic()
    seconds = town.recoveries(healed)
    report(town, store, mode, (began, ended), calm, seconds)
    for person in town.people:
        judge(person, (began + EDGE_S, ended), store, mode)
    assert max(seconds.values()) < RECOVERY_S, seconds
    crowd(town)
    after = town.live(CALM_S)
    for person in town.people:
        refused = [one for one in person.between(*after) if one.status >= 500]
        assert not refused, f"{person.name} after it: {refused[0]}"
    assert town.server.workers() == workers, "a worker was replaced"
    wait_for(lambda: n_files(town) <= files + 2, f"{files} descriptors as before")
    town.finish()


@pytest.mark.parametrize("mode", ["refuse", "black hole"])
def test_no_code_is_compared_without_counting(town, mode):
    """R08: without its store a limiter lets nobody guess, and nothing is sent."""
    client, phone, proxy = town.server.client(), new_phone(), town.stores.proxies["redis"]
    flow = client.ok("POST", f"{AUTH}/send-sms-code", {"phone": phone})["flow_id"]
    code = town.code_for(phone)

    def guess(text):
        answer = client.post(f"{AUTH}/phone-login", {"phone": phone, "code": text, "flow_id": flow})
        return answer.status_code

    told = [guess(wrong(code)) for _ in range(2)]
    MODES[mode](proxy)
    try:
        during = [guess(wrong(code)) for _ in range(3)] + [guess(code)]
        stranger = new_phone()
        refused = client.post(f"{AUTH}/send-sms-code", {"phone": stranger})
    finally:
        proxy.heal()
    assert during == [503] * 4 and refused.status_code == 503
    wait_for(lambda: told.append(guess(wrong(code))) or told[-1] != 503, "an answer again")
    told += [guess(wrong(code)) for _ in range(5)]
    assert told.count(401) <= 5 and told[-1] == 410, told
    assert stranger not in town.gateway.read()


@pytest.mark.parametrize("store", sorted(BOTH))
def test_a_crowd_before_a_black_hole(town, store):
    """Far more than there are threads: once a store is known to be silent, nobody waits for it in turn."""
    proxy, waves = town.stores.proxies[store], []
    proxy.black_hole()
    began = time.monotonic()
    try:
        for _ in range(N_WAVES):
            asked = time.monotonic()
            replies = release(town.server.url, town.shots)
            waves.append(time.monotonic() - asked)
            assert tally(replies) == {(503, "store_unavailable"): N_CROWD}, tally(replies)
        ended = time.monotonic()
    finally:
        proxy.heal()
    watcher = town.person("Watcher").between(began, ended)
    print(f"\n{N_WAVES} waves of {N_CROWD} before a silent {store}: the slowest of each after"
          f" {[f'{wave:.1f} s' for wave in waves]}; unaffected p99 {quantile(watcher, .99) * 1000:.0f} ms")
    # in the first, half of them wait for a thread before they wait for the store
    assert waves[0] < 2 * LIMIT_S and max(waves[1:]) < LIMIT_S, waves
    assert quantile(watcher, .99) < UNAFFECTED_P99_S
    town.recoveries(time.monotonic())
    crowd(town)
    town.finish()
