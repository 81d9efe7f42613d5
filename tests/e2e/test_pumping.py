# SPDX-License-Identifier: Apache-2.0
"""A44: messages that somebody else is paid for. What is counted is what reached the gateway, not answers."""
import re

import pytest
import requests

from gateway import Gateway
from harness import new_phone, wait_for
from parallel import Shot, release, say, tally
from steps import (BEHIND_PROXY, PHONE_LOGIN, SEND, assert_limited, from_address, later, rows)

pytestmark = pytest.mark.core

HOUR_S, DAY_S = 3600, 86400
CONF = "[group sms]\nsenders = gate\n\n[gate]\nplugin = sms_http\nurl = {}\nmax_running = 8\n"
# What a configuration without a word of it has.
DEFAULTS = ["limits.missing_country=500", "limits.missing_numbers=20", "limits.missing_network=50",
            "limits.send_address_hour=20", "limits.send_address_day=100"]


@pytest.fixture
def gateway():
    made = Gateway()
    yield made
    made.stop()


@pytest.fixture
def make_with(make_server, gateway):
    """A server that sends through the gateway, behind a proxy, to China, Hong Kong and Germany."""
    def make(*options, workers=2):
        return make_server(BEHIND_PROXY, "limits.countries=86, 852, 49", *options, workers=workers,
                           conf={"40-messages.ini": CONF.format(gateway.url)})
    return make


def send(server, phone, address="203.0.113.1", **fields):
    return from_address(server, address).post(SEND, {"phone": phone, **fields})


def flood(server, wanted):
    """Asks for codes for (phone, address), fifty at a time; how many were taken."""
    n_taken = 0
    for i in range(0, len(wanted), 50):
        shots = [Shot("POST", SEND, {"phone": phone}, None, {"X-Forwarded-For": address})
                 for phone, address in wanted[i:i + 50]]
        seen = tally(release(server.url, shots))
        assert set(seen) <= {(200, None), (429, "rate_limited"), (422, "field_invalid")}, seen
        n_taken += seen[(200, None)]
    return n_taken


def arrived(gateway, n_taken):
    """The numbers that got a message, once all that were taken have arrived."""
    wait_for(lambda: len(gateway.received) >= n_taken, f"{n_taken} messages, not {len(gateway.received)}")
    return [body["to"] for body in gateway.bodies()]


def metric(server, line):
    text = requests.get(server.url + "/metrics", timeout=30).text
    return int(re.search(rf"^{re.escape(line)} (\d+)$", text, re.MULTILINE)[1])


def alarms(server):
    return [line for line in server.log().splitlines() if "alarm:" in line]


def held(server):
    """What the audit log says was held, and by which limit."""
    return rows(server, "SELECT action, target FROM auth_logs WHERE result = 'held' ORDER BY id")


def assert_told_once(server, kind, policy, what):
    assert held(server) == [(policy, what)]
    (line,) = alarms(server)
    assert policy in line or what in line, line
    assert metric(server, f'pintle_alarms_total{{kind="{kind}"}}') == 1
    assert requests.get(server.url + "/readyz", timeout=30).status_code == 200


def enter(server, gateway, phone, flow_id):
    body = {"phone": phone, "code": gateway.code_for(phone), "flow_id": flow_id}
    server.client().ok("POST", PHONE_LOGIN, body)


# ---- Codes that nobody enters ----

@pytest.mark.one_host(reason="log and metrics of one host")
def test_a_block_of_numbers_from_many_addresses(make_with, gateway):
    """1,000 numbers in a row, from 50 networks: 20 messages."""
    server = make_with(*DEFAULTS)
    say("numbers in a row", 50, rounds=20)
    n_taken = flood(server, [(f"+85250000{i:03d}", f"10.{i % 50}.0.1") for i in range(1000)])
    assert n_taken == 20
    assert len(arrived(gateway, n_taken)) == 20
    assert_told_once(server, "codes_missing", "send-missing-numbers", "numbers:+85250000")
    assert metric(server, "pintle_sends_refused_total") == 980
    assert metric(server, 'pintle_codes_total{state="sent"}') == 20
    assert metric(server, 'pintle_codes_total{state="entered"}') == 0
    assert_limited(send(server, "+85250000999", "192.0.2.1"), "send-missing-numbers", 20, HOUR_S)
    for other in ("+85250001999", new_phone()):  # the twin: not for all of the country
        assert send(server, other, "192.0.2.1").status_code == 200
        gateway.code_for(other)


@pytest.mark.one_host(reason="log and metrics of one host")
def test_numbers_all_over_a_country(make_with, gateway):
    """Its neighbours and those at home sign in meanwhile."""
    server = make_with("limits.missing_country=30", "limits.missing_numbers=20")
    n_taken = flood(server, [(f"+8525{i * 7919 % 10000000:07d}", f"10.{i}.0.1") for i in range(150)])
    assert n_taken == len(arrived(gateway, 30)) == 30
    assert_told_once(server, "codes_missing", "send-missing-country", "country:852")
    assert_limited(send(server, "+85261234567", "192.0.2.1"), "send-missing-country", 30, HOUR_S)
    for phone in (new_phone(), "+4915112345678"):
        flow_id = send(server, phone, "192.0.2.1").json()["data"]["flow_id"]
        enter(server, gateway, phone, flow_id)


def test_one_network_that_asks_for_codes(make_with, gateway):
    server = make_with("limits.missing_network=10")
    n_taken = flood(server, [(new_phone(), f"203.0.113.{i}") for i in range(50)])
    assert n_taken == len(arrived(gateway, 10)) == 10
    assert held(server) == [("send-missing-network", "network:203.0.113.0/24")]
    assert send(server, new_phone(), "203.0.114.1").status_code == 200


def test_premium_ranges_and_countries_that_are_not_served(make_with, gateway):
    """They cost no message, and nothing of the budget of those that are served."""
    server = make_with("limits.send_global_hour=1")
    n_taken = flood(server, [(phone, "192.0.2.1") for phone in
                             ("+88213123456", "+97901234567", "+79001234567", "+2521234567", "+37259123456",
                              "+8801712345678", "+18095551234", "+960712345") for _ in range(3)])
    assert n_taken == 0
    assert send(server, new_phone()).status_code == 200
    assert len(arrived(gateway, 1)) == 1


@pytest.mark.parametrize("purpose", ["login", "register"])
def test_where_codes_are_entered_nothing_is_held(make_with, gateway, purpose):
    """The twin: one in four is entered, and forty times what may be missing is sent."""
    server, last = make_with("limits.missing_country=4", "limits.missing_network=4"), {}
    for i in range(40):
        phone = new_phone()
        answer = send(server, phone, purpose="login" if i % 2 else purpose)
        assert answer.status_code == 200, f"{i}: {answer.text}"
        last = {"phone": phone, "flow_id": answer.json()["data"]["flow_id"]}
        if i % 4 == 1:
            enter(server, gateway, last["phone"], last["flow_id"])
    assert len(arrived(gateway, 40)) == 40
    assert held(server) == []


def test_a_wrong_code_and_one_that_is_cancelled_are_missing(make_with, gateway):
    server = make_with("limits.missing_country=2")
    for _ in range(2):
        phone, client = new_phone(), server.client()
        flow_id = send(server, phone).json()["data"]["flow_id"]
        code = gateway.code_for(phone)
        client.refused(401, "invalid_code", "POST", PHONE_LOGIN,
                       {"phone": phone, "code": f"{(int(code) + 1) % 1000000:06d}", "flow_id": flow_id})
        assert client.delete(f"/api/v1/auth/flows/{flow_id}").status_code == 200
    assert_limited(send(server, new_phone()), "send-missing-country", 2, HOUR_S)


def test_codes_that_come_back_late_end_a_hold(make_with, gateway):
    server = make_with("limits.missing_country=3")
    flows = {}
    for _ in range(3):
        phone = new_phone()
        flows[phone] = send(server, phone).json()["data"]["flow_id"]
    assert_limited(send(server, new_phone()), "send-missing-country", 3, HOUR_S)
    for phone, flow_id in flows.items():
        enter(server, gateway, phone, flow_id)
    for _ in range(3):
        assert send(server, new_phone()).status_code == 200


def test_a_hold_ends_with_its_window(make_with):
    server = make_with("limits.missing_country=2", "limits.missing_window=10m")
    for _ in range(2):
        assert send(server, new_phone()).status_code == 200
    wait_s = assert_limited(send(server, new_phone()), "send-missing-country", 2, 600)
    later(server, wait_s + 1)
    for _ in range(2):
        assert send(server, new_phone()).status_code == 200


def test_an_operator_lifts_a_hold(make_with, gateway):
    server = make_with("limits.missing_country=2")
    for i in range(3):
        assert send(server, f"+8525000100{i}", f"10.0.{i}.1").status_code == (200 if i < 2 else 429)
    for wrong in ("country:49", "planet:852", "852"):
        assert server.ctl("send", "lift", wrong, check=False).returncode != 0, wrong
    assert send(server, "+85250003000").status_code == 429
    server.ctl("send", "lift", "country:852")
    assert send(server, "+85250003000").status_code == 200
    gateway.code_for("+85250003000")
    lifted = rows(server, "SELECT target, result FROM auth_logs WHERE action = 'send.lift'")
    assert lifted == [("country:852", "success")]


def test_a_gateway_that_fails_is_no_pumping(make_with, gateway):
    """What was not delivered cannot be entered: the way is free when the gateway is back."""
    server, client = make_with("limits.missing_country=3"), None
    gateway.behaviour = 503
    for _ in range(12):
        client = server.client()
        flow_id = client.ok("POST", SEND, {"phone": new_phone()})["flow_id"]
        wait_for(lambda c=client, f=flow_id: c.ok("GET", f"/api/v1/auth/flows/{f}")["status"] == "failed",
                 "the message to fail")
    gateway.behaviour = 200
    n_before = len(gateway.received)
    for _ in range(3):
        assert send(server, new_phone()).status_code == 200
    arrived(gateway, n_before + 3)


# ---- Budgets of cost ----

@pytest.mark.one_host(reason="log and metrics of one host")
@pytest.mark.parametrize("limit, policy, what", [
    ("send_prefix_hour", "send-country-hour", "country:852"), ("send_global_hour", "send-global-hour", "all"),
    ("send_prefix_day", "send-country-day", "country:852"), ("send_global_day", "send-global-day", "all")])
def test_a_spent_budget_stops_messages_and_tells_the_operator(make_with, gateway, limit, policy, what):
    server, window_s = make_with(f"limits.{limit}=12"), DAY_S if limit.endswith("day") else HOUR_S
    n_taken = flood(server, [(f"+852{50000000 + i * 1009}", f"10.{i}.0.1") for i in range(100)])
    assert n_taken == len(arrived(gateway, 12)) == 12
    assert_told_once(server, "budget", policy, what)
    wait_s = assert_limited(send(server, "+85261234567", "192.0.2.1"), policy, 12, window_s)
    assert send(server, new_phone()).status_code == (429 if what == "all" else 200)
    later(server, wait_s + 1)
    assert send(server, "+85261234567", "192.0.2.1").status_code == 200


def test_a_device_causes_so_many(make_with, gateway):
    server = make_with("limits.send_device_hour=3", "limits.send_device_day=5")
    mine, other = {"device": {"device_id": "mine"}}, {"device": {"device_id": "other"}}
    for i in range(3):
        assert send(server, new_phone(), f"10.{i}.0.1", **mine).status_code == 200
    wait_s = assert_limited(send(server, new_phone(), "10.9.0.1", **mine), "send-device-hour", 3, HOUR_S)
    assert send(server, new_phone(), "10.9.0.1", **other).status_code == 200
    assert send(server, new_phone(), "10.9.0.1").status_code == 200
    later(server, wait_s + 1)
    for i in range(2):
        assert send(server, new_phone(), f"10.{i}.0.1", **mine).status_code == 200
    assert_limited(send(server, new_phone(), "10.9.0.1", **mine), "send-device-day", 5, DAY_S)
    assert len(arrived(gateway, 7)) == 7


# ---- A45: one person, whatever the way ----

# Every route that sends, as (path, fields, whether somebody signed in asks).
ROUTES = [
    (SEND, {}, False), ("/api/send-code", {}, False), ("/api/v1/auth/phone_sms/begin", {}, False),
    (SEND, {"purpose": "register"}, False), (SEND, {"purpose": "reset"}, False),
    ("/api/v1/auth/forgot-password", {}, False), (SEND, {"purpose": "bind"}, True),
    (SEND, {"purpose": "change"}, True)]
SPELLINGS = ["+86{}", "86{}", "0086{}", "{}", "+86 {}", "(+86){}", "＋86－{}"]
MINUTES = 130


def member(server, gateway):
    """Somebody signed in."""
    phone = new_phone()
    flow_id = send(server, phone, "192.0.2.9").json()["data"]["flow_id"]
    body = {"phone": phone, "code": gateway.code_for(phone), "flow_id": flow_id}
    return server.client().ok("POST", PHONE_LOGIN, body)["access_token"]


def test_a_victim_of_many_addresses_and_routes(make_with, gateway):
    """At most one a minute, five an hour, ten a day, over all routes, purposes, spellings and addresses."""
    server = make_with("token.access_ttl=7d")
    token, victim = member(server, gateway), new_phone()
    shots = [Shot("POST", path, {"phone": SPELLINGS[i % 7].format(victim[3:]), **fields}, token if asks else None,
                  {"X-Forwarded-For": f"198.51.{i}.1"})
             for i, (path, fields, asks) in enumerate(ROUTES * 13)][:100]
    say("requests for one victim", 100, rounds=3)
    for n_minute in range(3):
        seen = tally(release(server.url, shots))
        assert seen == {(200, None): 1, (429, "rate_limited"): 99}, f"minute {n_minute}: {seen}"
        wait_for(lambda n=n_minute: len(gateway.codes_to(victim)) == n + 1, "one message more")
        later(server, 61)
    n_taken = 3
    for i in range(3, MINUTES):
        path, fields, asks = ROUTES[i % len(ROUTES)]
        headers = {"X-Forwarded-For": f"203.0.{i}.1"}
        client = server.client(headers=headers)
        if asks:
            client.use(token)
        n_taken += client.post(path, {"phone": victim, **fields}).status_code == 200
        assert i != 58 or n_taken == 5
        later(server, 61)
    assert n_taken == 10
    wait_for(lambda: len(gateway.codes_to(victim)) == 10, "ten messages")
    later(server, DAY_S)
    assert send(server, victim, "192.0.2.77").status_code == 200, "the twin: another day is another day"
    wait_for(lambda: len(gateway.codes_to(victim)) == 11, "one message more")
    assert send(server, new_phone(), "192.0.2.77").status_code == 200
