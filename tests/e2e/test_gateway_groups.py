# SPDX-License-Identifier: Apache-2.0
"""Groups of gateways: which one takes a message, what happens when one fails, and when it comes back."""
import json
import random
import threading
import time
from collections import Counter

import pytest

from gateway import Gateway
from harness import new_phone, wait_for
from parallel import FULL
from steps import PHONE_LOGIN, SEND, later, rows

pytestmark = pytest.mark.core

N_MESSAGES = 1000 if FULL else 60
BREAKER = 5  # failures in a row
RETRY_S = 31
ROOMY = ["limits.send_address_hour=1000000", "limits.send_address_day=1000000",
         "limits.address_auth_per_minute=1000000", "limits.address_per_minute=1000000",
         "limits.countries=86, 852", "limits.send_prefix_hour=1000000", "limits.send_global_hour=1000000"]
SECTION = "\n[{name}]\nplugin = sms_http\nurl = {url}\ntimeout = {timeout}\nid_path = /id\nmax_running = 16\n"


@pytest.fixture
def gateways():
    made = [Gateway(), Gateway()]
    yield made
    for gateway in made:
        gateway.stop()


@pytest.fixture
def make_with(make_server, gateways):
    def make(groups="[group sms]\nsenders = first, second\n", timeout="1s"):
        text = groups
        for name, gateway in zip(("first", "second"), gateways):
            text += SECTION.format(name=name, url=gateway.url, timeout=timeout)
        return make_server(*ROOMY, conf={"40-messages.ini": text}, workers=2)
    return make


def send(client, phone, **fields):
    return client.ok("POST", SEND, {"phone": phone, **fields})["flow_id"]


def results(server):
    return rows(server, "SELECT gateway, result FROM message_logs ORDER BY id")


def send_and_wait(server, client, gateway, phone=None):
    """To somebody new, through to the gateway and its row in the log."""
    phone, before = phone or new_phone(), len(results(server))
    send(client, phone)
    code = gateway.code_for(phone)
    wait_for(lambda: len(results(server)) > before, "the message log")
    wait_for(lambda: results(server)[-1][1] in ("accepted", "unclear"), "its end")
    return code


# ---- Which one ----

def test_the_group_that_fits_best_has_the_message(make_with, gateways):
    server = make_with("[group sms]\nsenders = first\n[group sms 852]\nsenders = second\n"
                       "[group sms reset]\nsenders = second\n[group sms 852 register]\nsenders = first\n")
    client = server.client()
    wanted = [("+86", {}, 0), ("+852", {}, 1), ("+852", {"purpose": "register"}, 0),
              ("+86", {"purpose": "register"}, 0)]
    for country, fields, index in wanted:
        number = new_phone()
        phone = number if country == "+86" else f"+852{number[-8:]}"
        send(client, phone, **fields)
        assert gateways[index].code_for(phone), (country, fields)
        assert gateways[1 - index].codes_to(phone) == [], (country, fields)


def test_weights_share_the_messages(make_with, gateways):
    server = make_with("[group sms]\norder = weighted\nsenders = first:1, second:3\n")
    client, phones = server.client(), [new_phone() for _ in range(80)]
    for phone in phones:
        send(client, phone)
    wait_for(lambda: len(results(server)) == len(phones), "all messages")
    first, second = (len(gateway.received) for gateway in gateways)
    print(f"weights 1:3 shared {len(phones)} messages {first}:{second}")
    assert first + second == len(phones)
    assert 4 <= first <= 40, "20 wanted; 1 in 100,000 runs is outside"


def test_weighted_ones_stand_in_for_each_other(make_with, gateways):
    server = make_with("[group sms]\norder = weighted\nsenders = first:1000, second:1\n")
    gateways[0].behaviour = 500
    assert send_and_wait(server, server.client(), gateways[1])


# ---- Out of rotation and back ----

@pytest.mark.parametrize("behaviour", [500, 504])
def test_a_dead_gateway_is_out_after_five_and_back_after_its_probe(make_with, gateways, behaviour):
    server = make_with()
    client, (first, second) = server.client(), gateways
    first.behaviour = behaviour
    for n in range(1, BREAKER + 1):
        send(client, new_phone())
        wait_for(lambda: Counter(results(server))[("first", "failed" if behaviour == 500 else "unclear")] == n,
                 "the failures in the log")
    for _ in range(BREAKER):
        send_and_wait(server, client, second)
    assert len(first.received) == BREAKER, "out of rotation"
    later(server, RETRY_S)
    send(client, new_phone())  # the probe, which fails
    wait_for(lambda: sum(name == "first" for name, _ in results(server)) == BREAKER + 1, "the probe")
    first.behaviour = 200
    later(server, RETRY_S)
    for _ in range(2):
        send_and_wait(server, client, second)
    assert len(first.received) == BREAKER + 1, "the wait is twice as long now"
    later(server, RETRY_S)
    for _ in range(3):
        send_and_wait(server, client, first)


def test_with_all_out_a_message_still_goes(make_with, gateways):
    server = make_with()
    client = server.client()
    for gateway in gateways:
        gateway.behaviour = 500
    for _ in range(BREAKER):
        flow_id = send(client, new_phone())
        wait_for(lambda flow=flow_id: client.ok("GET", f"/api/v1/auth/flows/{flow}")["status"] == "failed",
                 "the flow's state")
    gateways[1].behaviour = 200
    phone = new_phone()
    send(client, phone)
    assert gateways[1].code_for(phone)


# ---- The same person again ----

def test_after_an_unclear_one_the_resend_takes_the_next(make_with, gateways):
    """And the message that comes late carries a dead code: a new send replaces the old one."""
    server, phone = make_with(), new_phone()
    client, (first, second) = server.client(), gateways
    first.behaviour = 504
    old_flow = send(client, phone)
    wait_for(lambda: results(server) == [("first", "unclear")], "the message log")
    client.refused(429, "rate_limited", "POST", SEND, {"phone": phone})
    later(server)
    flow_id = send(client, phone)
    code = second.code_for(phone)
    assert len(first.received) == 1
    old = first.code_for(phone)
    client.refused(410, "flow_expired", "POST", PHONE_LOGIN, {"phone": phone, "code": old, "flow_id": old_flow})
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})


HUGE = b"x" * (100 * 1024 * 1024 if FULL else 8 * 1024 * 1024)


@pytest.mark.parametrize("answer", [b"garbage", b"", b"[" * 10000, HUGE], ids=["garbage", "empty", "deep", "huge"])
def test_an_answer_that_says_nothing_is_unclear(make_with, gateways, answer):
    server, phone = make_with("[group sms]\nsenders = first, second\n"), new_phone()
    gateways[0].respond = lambda *_: (200, answer)
    send(server.client(), phone)
    wait_for(lambda: results(server) != [], "the message log")
    if answer is HUGE:
        assert results(server) == [("first", "unclear")]
    assert gateways[1].received == []


# ---- What became of them ----

@pytest.mark.one_host(reason="each host has metrics of its own")
def test_the_log_and_metrics_know_what_was_entered(make_with, gateways):
    server, phone = make_with(), new_phone()
    client = server.client()
    flow_id = send(client, phone)
    code = gateways[0].code_for(phone)
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})
    send_and_wait(server, client, gateways[0])  # whose code nobody enters
    entered = "SELECT country, cost_units, entered_at - at >= -5000 FROM message_logs ORDER BY id"
    wait_for(lambda: rows(server, entered) == [("86", 1, 1), ("86", 1, None)], "what was entered")
    text = client.get("/metrics").text
    labels = '{gateway="first",country="86",template="login"'
    for fate, n in (("sent", 2), ("accepted", 2), ("entered", 1), ("delivered", 0)):
        assert f'pintle_gateway_messages_total{labels},fate="{fate}"}} {n}\n' in text, fate
    assert f"pintle_gateway_entry_seconds_count{labels}}} 1\n" in text


class Flaky(Gateway):
    """Fails for a share of people: half of them surely, half unclear, with the message taken or not."""

    def __init__(self, share):
        super().__init__()
        self.share, self.delivered, self.lock = share, {}, threading.Lock()
        self.random = random.Random(1)

    def respond(self, path, headers, body):
        message = json.loads(body)
        with self.lock:
            fate = self.random.random()
            is_taken = fate >= self.share or fate < self.share / 4
            if is_taken:
                self.delivered.setdefault(message["to"], []).append(message["code"])
        if fate >= self.share:
            return 200, {"id": "up"}
        return (504, b"") if fate < self.share / 2 else (500, b"")


def test_nearly_all_arrive_after_at_most_one_resend(make_server):
    first, second = Flaky(0.3), Flaky(0.0)
    groups = "[group sms]\nsenders = first, second\n"
    for name, gateway in (("first", first), ("second", second)):
        groups += SECTION.format(name=name, url=gateway.url, timeout="5s")
    server = make_server(*ROOMY, conf={"40-messages.ini": groups}, workers=2)
    client, phones = server.client(), [new_phone() for _ in range(N_MESSAGES)]

    def codes_to(phone):
        return first.delivered.get(phone, []) + second.delivered.get(phone, [])

    def is_calm():
        told = rows(server, "SELECT COUNT(DISTINCT recipient_blind) FROM message_logs"
                            " WHERE result IN ('accepted', 'unclear')")
        return told[0][0] == len(phones)

    flows = {phone: send(client, phone) for phone in phones}
    wait_for(is_calm, "every message's end", 120)
    without = [phone for phone in phones if not codes_to(phone)]
    later(server)
    for phone in without:
        flows[phone] = send(client, phone)
    wait_for(lambda: all(codes_to(phone) for phone in without), "the resent ones", 120)
    n_signed_in = 0
    for phone in phones:
        good = [code for code in dict.fromkeys(codes_to(phone)) if client.post(
            PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flows[phone]}).status_code == 200]
        assert len(good) <= 1, "one valid code"
        n_signed_in += len(good)
    n_asked = len(first.received) + len(second.received)
    print(f"{len(phones)} messages, the first gateway failing 30 % of its own: {len(without)} resends, {n_asked} "
          f"requests to gateways, {n_signed_in} signed in")
    for gateway in (first, second):
        gateway.stop()
    assert n_signed_in >= 0.999 * len(phones)
    attempts = rows(server, "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM message_logs"
                            " WHERE result IN ('accepted', 'unclear') GROUP BY recipient_blind) AS one")
    assert attempts[0][0] <= 2, "a message and its resend"


# ---- The operator ----

def shown(server, name):
    return next(one for one in server.ctl("gateway", "status") if one["name"] == name)


def test_a_gateway_that_is_switched_off_has_no_messages(make_with, gateways):
    server = make_with()
    client, (first, second) = server.client(), gateways
    assert shown(server, "first")["state"] == "well" and shown(server, "first")["groups"] == ["group sms"]
    server.ctl("gateway", "disable", "first")
    server.ctl("gateway", "disable", "first")  # once more is fine
    assert shown(server, "first")["state"] == "disabled"

    def goes_by():
        """Where one message went; a host learns of a switch within a second."""
        n_first, n_second = len(first.received), len(second.received)
        send(client, new_phone())
        wait_for(lambda: (len(first.received), len(second.received)) != (n_first, n_second), "a message")
        return len(first.received) == n_first

    def all_know():
        """Which of the workers takes a message nobody knows: none has missed it when none of a second's goes there."""
        end = time.monotonic() + 1.5
        while goes_by():
            if time.monotonic() > end:
                return True
            time.sleep(0.1)
        return False
    wait_for(all_know, "every worker to know")
    n_before = len(first.received)
    for _ in range(4):
        send_and_wait(server, client, second)
    assert len(first.received) == n_before
    assert server.stop() == 0
    server.start()
    client = server.client()
    assert shown(server, "first")["state"] == "disabled", "it outlives a restart"
    server.ctl("gateway", "disable", "second")

    def is_refused():
        return client.post(SEND, {"phone": new_phone()}).status_code == 503
    wait_for(is_refused, "503 without a gateway")
    server.ctl("gateway", "enable", "first")
    send_and_wait(server, client, first)
    assert shown(server, "first")["state"] == "well"
    done = rows(server, "SELECT action, target, result FROM auth_logs WHERE action LIKE 'gateway.%' ORDER BY id")
    assert done[-1] == ("gateway.enable", "first", "success") and len(done) == 4


def test_the_state_of_a_gateway_is_shown(make_with, gateways):
    server = make_with()
    client = server.client()
    gateways[0].behaviour = 500
    for n in range(BREAKER):
        send_and_wait(server, client, gateways[1])
        assert shown(server, "first")["failures"] == n + 1
    first, second = shown(server, "first"), shown(server, "second")
    assert first["state"] == "out" and first["probe_at"] > 0 and second["state"] == "well"
    assert second["accepted"] == BREAKER and second["probe_at"] is None


def test_a_test_message_shows_which_gateway_works(make_with, gateways):
    server, phone = make_with(), new_phone()
    gateways[1].behaviour = 500
    told = server.ctl("gateway", "test", phone)
    assert told == [{"name": "first", "result": "accepted"}, {"name": "second", "result": "failed"}]
    assert server.ctl("gateway", "test", phone, "first") == [{"name": "first", "result": "accepted"}]
    assert len(gateways[0].codes_to(phone)) == 2
    code = gateways[0].codes_to(phone)[-1]
    server.client().refused(401, "invalid_code", "POST", PHONE_LOGIN, {"phone": phone, "code": code})
