# SPDX-License-Identifier: Apache-2.0
"""The generic way in: any provider by its name, a flow from begin to its one end."""
import pytest

from harness import GOOD_SECRET, new_phone, register, send_code, sign_in
from steps import PHONE_LOGIN, PROFILE, SEND, fields_of, later, user_id, wrong

pytestmark = pytest.mark.core

BEGIN = "/api/v1/auth/phone_sms/begin"
VERIFY = "/api/v1/auth/phone_sms/verify"
FLOWS = "/api/v1/auth/flows/"
UNKNOWN_FLOW = "AAAAAAAAAAAAAAAAAAAAAA"


def test_providers_say_how_to_sign_in(server):
    listed = server.client().ok("GET", "/api/v1/auth/providers")["providers"]
    by_name = {provider["name"]: provider for provider in listed}
    assert set(by_name) == {"password", "phone_sms", "email"}
    assert by_name["password"]["capabilities"] == {"begin": False, "direct": True, "bind": True,
                                                   "callback": False, "whole": False}
    assert by_name["phone_sms"]["capabilities"] == {"begin": True, "direct": False, "bind": True,
                                                    "callback": False, "whole": False}
    steps = {entry["name"]: entry["step"] for entry in by_name["phone_sms"]["inputs"]}
    assert steps == {"phone": "begin", "code": "verify"}
    assert by_name["email"]["capabilities"] == by_name["phone_sms"]["capabilities"]
    steps = {entry["name"]: entry["step"] for entry in by_name["email"]["inputs"]}
    assert steps == {"email": "begin", "code": "verify"}
    for provider in listed:
        assert provider["label"]["zh"] and provider["label"]["en"]


def test_begin_and_verify_by_name(server):
    client, phone = server.client(), new_phone()
    flow = client.ok("POST", BEGIN, {"phone": phone})
    assert flow["next"] == "verify" and flow["expires_in"] == 300 and flow["resend_in"] == 60
    tokens = client.ok("POST", VERIFY, {"flow_id": flow["flow_id"], "code": server.code_for(phone)})
    profile = client.use(tokens["access_token"]).ok("GET", PROFILE)
    assert profile["id"] == tokens["user"]["id"]


def test_password_by_name_needs_no_begin(server):
    who, client = register(server), server.client()
    client.refused(404, "not_found", "POST", "/api/v1/auth/password/begin",
                   {"account": who.phone})
    tokens = client.ok("POST", "/api/v1/auth/password/verify",
                       {"account": who.phone, "password": GOOD_SECRET})
    assert tokens["user"]["id"] == user_id(who)


AT_THE_DOOR = pytest.mark.one_host(reason="the balancer refuses it")


@pytest.mark.parametrize("name", ["nobody", "PHONE_SMS", "phone_sms ", "..", "sms_log", "sqlite",
                                  pytest.param("%00", marks=AT_THE_DOOR), "phone_sms.so", "x" * 300])
def test_what_is_no_provider_is_not_found(server, name):
    for step in ("begin", "verify"):
        answer = server.client().call("POST", f"/api/v1/auth/{name}/{step}", {"phone": new_phone()})
        assert answer.status_code in (400, 404), f"{name}: {answer.status_code} {answer.text}"


def test_state_of_a_flow(server):
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    state = client.ok("GET", FLOWS + flow_id)
    assert state["status"] == "pending" and 295 <= state["expires_in"] <= 300, state
    client.ok("POST", VERIFY, {"flow_id": flow_id, "code": code})
    client.refused(410, "flow_expired", "GET", FLOWS + flow_id)


def test_state_tells_nothing_of_number_and_code(server):
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    text = client.get(FLOWS + flow_id).text
    assert phone[3:] not in text and code not in text, text


def test_a_cancelled_flow_is_dead(server):
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    client.ok("DELETE", FLOWS + flow_id)
    client.refused(410, "flow_expired", "DELETE", FLOWS + flow_id)
    client.refused(410, "flow_expired", "POST", VERIFY, {"flow_id": flow_id, "code": code})
    client.refused(401, "invalid_code", "POST", PHONE_LOGIN, {"phone": phone, "code": code})


@pytest.mark.parametrize("flow_id", ["", " ", "x", UNKNOWN_FLOW, "../" + UNKNOWN_FLOW, "f:" + "A" * 20,
                                     "A" * 21, "A" * 23, "A" * 5000, "é" * 11, "%", "A\nB"])
def test_what_is_no_flow_looks_like_an_expired_one(server, flow_id):
    client, phone = server.client(), new_phone()
    right, code = send_code(server, client, phone)
    client.refused(410, "flow_expired", "POST", VERIFY, {"flow_id": flow_id, "code": code})
    client.ok("POST", VERIFY, {"flow_id": right, "code": code})


def test_flow_ids_do_not_repeat_nor_count(server):
    client = server.client()
    ids = [client.ok("POST", SEND, {"phone": new_phone()})["flow_id"] for _ in range(50)]
    assert len(set(ids)) == 50
    for position in range(20):
        assert len({text[position] for text in ids}) > 5, f"position {position}: {ids}"


def test_any_worker_ends_what_another_began(server):
    for _ in range(10):
        phone = new_phone()
        flow_id, code = send_code(server, server.client(), phone)
        server.client().refused(401, "invalid_code", "POST", VERIFY,
                                {"flow_id": flow_id, "code": wrong(code)})
        server.client().ok("POST", VERIFY, {"flow_id": flow_id, "code": code})


def test_a_frozen_account_is_told_so_after_its_proof_only(server):
    who = sign_in(server)
    server.ctl("user", "freeze", who.phone)
    later(server)
    client = server.client()
    flow_id, code = send_code(server, client, who.phone)
    client.refused(401, "invalid_code", "POST", VERIFY, {"flow_id": flow_id, "code": wrong(code)})
    client.refused(403, "account_frozen", "POST", VERIFY, {"flow_id": flow_id, "code": code})
    server.ctl("user", "unfreeze", who.phone)
    later(server)
    flow_id, code = send_code(server, client, who.phone)
    again = client.ok("POST", VERIFY, {"flow_id": flow_id, "code": code})
    assert again["user"]["id"] == user_id(who)


def test_device_of_a_sign_in_is_kept_and_checked(server):
    device = {"platform": "app", "device_id": "d-1", "device_type": "pixel", "app_version": "1.2.3"}
    who = sign_in(server, device=device)
    (session,) = who.ok("GET", "/api/v1/user/sessions")["sessions"]
    assert {name: session[name] for name in device} == device
    bad = {"platform": ("tv", "not_allowed"), "device_id": ("x" * 65, "too_long"),
           "app_version": (7, "type")}
    for name, (value, reason) in bad.items():
        client, phone = server.client(), new_phone()
        flow_id, code = send_code(server, client, phone)
        answer = client.refused(422, "field_invalid", "POST", VERIFY, {
            "flow_id": flow_id, "code": code, "device": {**device, name: value}})
        assert fields_of(answer) == {f"device.{name}": reason}
        # A72: a field that is wrong has not spent the code.
        client.ok("POST", VERIFY, {"flow_id": flow_id, "code": code, "device": device})


def test_without_sign_up_a_stranger_stays_out(make_server):
    closed = make_server("account.auto_register=no")
    client, phone = closed.client(), new_phone()
    flow_id, code = send_code(closed, client, phone)
    client.refused(404, "not_found", "POST", VERIFY, {"flow_id": flow_id, "code": code})
    later(closed)
    register(closed, phone)
    later(closed)
    assert sign_in(closed, phone).tokens["is_new_user"] is False
