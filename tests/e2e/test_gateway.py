# SPDX-License-Identifier: Apache-2.0
"""Messages through a webhook: signed, sent once, by the next gateway when one is surely down."""
import json
import time

import pytest

from gateway import SECRET, Gateway, signature_is_right
from harness import new_phone, wait_for
from steps import PHONE_LOGIN, SEND, later, rows

CONF = """
[group sms]
senders = first, second

[first]
plugin = sms_http
url = {first}
upstream_timeout = 1s
sign_secret = {secret}
id_path = /id
{more}

[second]
plugin = sms_http
url = {second}
upstream_timeout = 1s
sign_secret = {secret}
"""


@pytest.fixture
def gateways():
    made = [Gateway(), Gateway()]
    yield made
    for gateway in made:
        gateway.stop()


@pytest.fixture
def make_with(make_server, gateways):
    """A server that sends through the two gateways."""
    def make(*options, more=""):
        first, second = gateways
        text = CONF.format(first=first.url, second=second.url, secret=SECRET, more=more)
        return make_server(*options, conf={"40-messages.ini": text}, workers=2)
    return make


def send(client, phone):
    return client.ok("POST", SEND, {"phone": phone})["flow_id"]


def state_of(client, flow_id):
    return client.ok("GET", f"/api/v1/auth/flows/{flow_id}")["status"]


def results(server):
    """What the message log says, oldest first."""
    return rows(server, "SELECT gateway, result FROM message_logs ORDER BY id")


def test_a_message_is_signed_and_signs_somebody_in(make_with, gateways):
    server, phone, first = make_with(), new_phone(), gateways[0]
    client = server.client()
    flow_id = send(client, phone)
    code = first.code_for(phone)
    ((headers, body),) = first.received
    assert signature_is_right(headers, body, time.time()), headers
    assert not signature_is_right(headers, body.replace(code.encode(), b"000000"), time.time())
    told = json.loads(body)
    assert (told["to"], told["purpose"], told["template"], told["lang"]) == (phone, "login", "login", "en")
    assert code in told["text"] and len(told["id"]) == 32
    assert headers["Content-Type"] == "application/json"
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})
    assert gateways[1].received == []
    wait_for(lambda: results(server) == [("first", "accepted")], "the message log")
    logged = rows(server, "SELECT recipient, upstream_id FROM message_logs")
    assert logged == [(phone[3:6] + "****" + phone[-4:], "up-1")]


def test_text_follows_the_language(make_with, gateways):
    server, phone = make_with(), new_phone()
    send(server.client(headers={"Accept-Language": "zh-CN"}), phone)
    code = gateways[0].code_for(phone)
    (told,) = gateways[0].bodies()
    assert told["lang"] == "zh" and told["text"] == f"您的验证码是 {code}，请勿告诉他人。"


@pytest.mark.parametrize("status", [500, 502, 503, 401, 403, 404, 302])
def test_a_gateway_that_did_not_take_it_gives_way(make_with, gateways, status):
    server, phone = make_with(), new_phone()
    gateways[0].behaviour = status
    client = server.client()
    flow_id = send(client, phone)
    code = gateways[1].code_for(phone)
    assert gateways[0].bodies()[0]["code"] == code, "the same code"
    wait_for(lambda: results(server) == [("first", "failed"), ("second", "accepted")], "the message log")
    assert state_of(client, flow_id) == "pending"
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})


def test_a_gateway_that_is_gone_gives_way(make_with, gateways):
    server, phone = make_with(), new_phone()
    gateways[0].stop()
    client = server.client()
    flow_id = send(client, phone)
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": gateways[1].code_for(phone),
                                    "flow_id": flow_id})


@pytest.mark.parametrize("behaviour", ["hang", 504, 408])
def test_a_gateway_that_may_have_taken_it_does_not(make_with, gateways, behaviour):
    """Nobody gets two messages: it is unclear, the code stays good, and no other gateway is tried."""
    server, phone = make_with(), new_phone()
    gateways[0].behaviour = behaviour
    client = server.client()
    flow_id = send(client, phone)
    wait_for(lambda: results(server) == [("first", "unclear")], "the message log")
    assert state_of(client, flow_id) == "pending"
    assert gateways[1].received == []
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": gateways[0].code_for(phone),
                                    "flow_id": flow_id})


def test_a_refused_number_is_not_offered_to_the_next(make_with, gateways):
    server = make_with()
    client = server.client()
    for status, result in ((400, "refused"), (422, "refused"), (429, "limited")):
        gateways[0].behaviour = status
        flow_id = send(client, new_phone())
        wait_for(lambda: state_of(client, flow_id) == "failed", "the flow's state")
        wait_for(lambda: results(server)[-1] == ("first", result), f"the log of {status}")
    assert gateways[1].received == []


def test_failure_is_shown_and_the_next_try_is_free_at_once(make_with, gateways):
    server, phone = make_with(), new_phone()
    client = server.client()
    gateways[0].behaviour = gateways[1].behaviour = 500
    flow_id = send(client, phone)
    wait_for(lambda: state_of(client, flow_id) == "failed", "the flow's state")
    gateways[0].behaviour = 200
    gateways[0].received.clear()
    again = send(client, phone)
    code = gateways[0].code_for(phone)
    assert again != flow_id
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": again})
    client.refused(429, "rate_limited", "POST", SEND, {"phone": phone})  # that one did go


def test_failures_are_no_way_around_the_budget(make_with, gateways):
    """A dead gateway must not make a number's hour endless."""
    server, phone = make_with(), new_phone()
    client = server.client()
    gateways[0].behaviour = gateways[1].behaviour = 500
    n_sent = 0
    for _ in range(8):
        answer = client.post(SEND, {"phone": phone})
        if answer.status_code != 200:
            break
        n_sent += 1
        flow_id = answer.json()["data"]["flow_id"]
        wait_for(lambda: state_of(client, flow_id) == "failed", "the flow's state")
    assert n_sent == 5, "five an hour"
    assert answer.headers["RateLimit-Policy"] == '"send-target-hour";q=5;w=3600'
    later(server, 3601)
    assert client.post(SEND, {"phone": phone}).status_code == 200


def test_an_answer_without_the_word_is_no_success(make_with, gateways):
    server = make_with(more="success_path = /result/code\nsuccess_value = ok")
    client = server.client()
    first, second = gateways
    first.answer = {"result": {"code": "ok"}, "id": "up-2"}
    phone = new_phone()
    send(client, phone)
    first.code_for(phone)
    wait_for(lambda: results(server) == [("first", "accepted")], "the message log")
    for answer in ({"result": {"code": "no"}}, {"result": "ok"}, {}, [], "ok"):
        first.answer = answer
        phone = new_phone()
        send(client, phone)
        second.code_for(phone)
    assert len(second.received) == 5


def test_answer_comes_before_the_gateway_has(make_with, gateways):
    """A43: how long the gateway takes is not how long the client waits, nor a worker of others."""
    server = make_with(more="")
    gateways[0].behaviour = "hang"
    client, start = server.client(), time.monotonic()
    for _ in range(20):
        send(client, new_phone())
    took_s = time.monotonic() - start
    print(f"20 sends through a hanging gateway were answered in {took_s:.2f} s")
    assert took_s < 10, "a second each, were they waited for"
    assert client.get("/api/v1/auth/providers").status_code == 200
