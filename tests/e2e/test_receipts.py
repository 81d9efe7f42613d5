# SPDX-License-Identifier: Apache-2.0
"""Delivery reports: an unguessable path for each gateway, open to its networks, and counted once."""
import base64
import hashlib
import hmac

import pytest
import requests

from fakes.aliyun import AliyunGateway
from fakes.tencent import SERIAL, TencentGateway
from fakes.twilio import ACCOUNT, FROM, SID, TwilioGateway
from harness import new_phone, wait_for
from steps import SEND, rows

pytestmark = pytest.mark.core

BIZ_ID = "900619746936498440^0"
SECTIONS = {
    "sms_aliyun": "access_key_id = testId\naccess_key_secret = a secret of an access key\n"
                  "sign_name = 阿里云短信测试\ntemplate = SMS_1\n",
    "sms_tencent": "secret_id = testId\nsecret_key = a secret of an API key\nsdk_app_id = 1400006666\n"
                   "sign_name = 腾讯云\ntemplate = 1110\n",
}
REPORTS = {
    "sms_aliyun": (AliyunGateway, {"code": 0, "msg": "OK"}, lambda ok: [
        {"phone_number": "13800138000", "success": ok, "err_code": "DELIVERED" if ok else "MK:0001",
         "sms_size": "2", "biz_id": BIZ_ID, "out_id": ""}]),
    "sms_tencent": (TencentGateway, {"result": 0, "errmsg": "OK"}, lambda ok: [
        {"user_receive_time": "2026-01-01 00:00:00", "nationcode": "86", "mobile": "13800138000",
         "report_status": "SUCCESS" if ok else "FAIL", "errmsg": "DELIVERED" if ok else "MK:0001",
         "description": "", "sid": SERIAL}]),
}
CONF = "[group sms]\nsenders = first\n[first]\nplugin = {plugin}\nendpoint = {endpoint}\n{more}{receipts}"


@pytest.fixture(params=sorted(REPORTS))
def reporting(request, make_server):
    """(server, the fake, the path, the expected reply, a report's maker), with one message sent."""
    make_fake, reply, report = REPORTS[request.param]
    fake = make_fake()

    def make(receipts="receipts_from = 127.0.0.0/8\n"):
        server = make_server(conf={"40-messages.ini": CONF.format(
            plugin=request.param, endpoint=fake.endpoint, more=SECTIONS[request.param], receipts=receipts)},
            workers=2)
        server.client().ok("POST", SEND, {"phone": new_phone()})
        wait_for(lambda: rows(server, "SELECT 1 FROM message_logs"), "the message log")
        (shown,) = [one for one in server.ctl("gateway", "status") if one["name"] == "first"]
        return server, shown["receipts"], reply, report
    yield make
    fake.stop()


def logged(server):
    return rows(server, "SELECT result, receipt_state, cost_units, receipt_at IS NOT NULL FROM message_logs")[0]


def post(server, path, report):
    return requests.post(server.url + path, json=report, timeout=30)


def delivered(server):
    (shown,) = server.ctl("gateway", "status")[:1]
    return shown["delivered"], shown["lost"]


@pytest.mark.parametrize("ok", [True, False])
def test_a_report_counts_once(reporting, ok):
    server, path, reply, report = reporting()
    assert logged(server)[1:] == (None, 1, 0)
    for _ in range(3):
        answer = post(server, path, report(ok))
        assert (answer.status_code, answer.json()) == (200, reply)
    state = "delivered DELIVERED" if ok else "lost MK:0001"
    assert logged(server)[:2] == ("accepted", state) and logged(server)[3] == 1
    assert delivered(server) == ((1, 0) if ok else (0, 1))
    assert post(server, path, report(not ok)).status_code == 200
    assert logged(server)[1] == state, "the first one holds"
    assert delivered(server) == ((1, 0) if ok else (0, 1))
    fate = "delivered" if ok else "lost"
    assert f'template="login",fate="{fate}"}} 1\n' in server.client().get("/metrics").text


def test_a_message_nobody_sent_is_answered_and_not_counted(reporting):
    server, path, reply, report = reporting()
    other = [{**report(True)[0], "biz_id": "1^0", "sid": "1"}]
    answer = post(server, path, other)
    assert (answer.status_code, answer.json()) == (200, reply)
    assert delivered(server) == (0, 0) and logged(server)[1] is None


def test_what_is_not_the_path_is_not_found(reporting):
    server, path, _, report = reporting()
    name, token = path.split("/")[-2:]
    wrong = "0" if token[-1] != "0" else "1"
    assert len(token) == 32
    for bad in (path[:-1] + wrong, path[:-1], path + "0", path.replace(f"/{name}/", "/sqlite/"),
                path.replace(f"/{name}/", "/nobody/"), path.replace(token, ""), path.replace(token, token.upper() + "G")):
        assert post(server, bad, report(True)).status_code == 404, bad
    assert requests.get(server.url + path, timeout=30).status_code == 405
    assert logged(server)[1] is None
    assert post(server, path, report(True)).status_code == 200


@pytest.mark.parametrize("receipts", ["", "receipts_from = 192.0.2.0/24, 2001:db8::/32\n"])
def test_only_its_networks_may_report(reporting, receipts):
    server, path, _, report = reporting(receipts)
    assert post(server, path, report(True)).status_code == 404
    assert logged(server)[1] is None


def test_nonsense_is_refused(reporting):
    server, path, _, _ = reporting()
    for body in (b"", b"nonsense", b"{}", b"[" * 100000, b"7", b"\xff\xfe"):
        answer = requests.post(server.url + path, data=body, timeout=30)
        assert answer.status_code == 422, body[:20]
    for body in (b"[]", b"[7, null, {}, []]", b'[{"biz_id": 7, "sid": {}}]'):
        assert requests.post(server.url + path, data=body, timeout=30).status_code == 200, body
    assert logged(server)[1] is None


# ---- Twilio signs its reports ----

TWILIO_URL = "https://auth.example.com/api/v1/receipts/first/token?x=1"
TWILIO = f"account_sid = {ACCOUNT}\nsecret = a secret: of a key\nfrom = {FROM}\nreceipt_url = {TWILIO_URL}\n"


def signed(form, secret="a secret: of a key", url=TWILIO_URL):
    text = url + "".join(name + value for name, value in sorted(form.items()))
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(mac).decode()}


@pytest.fixture
def twilio(make_server):
    fake = TwilioGateway()
    server = make_server(conf={"40-messages.ini": CONF.format(
        plugin="sms_twilio", endpoint=fake.endpoint, more=TWILIO, receipts="receipts_from = 127.0.0.0/8\n")},
        workers=2)
    server.client().ok("POST", SEND, {"phone": new_phone()})
    wait_for(lambda: rows(server, "SELECT 1 FROM message_logs"), "the message log")
    assert fake.messages[0][2]["StatusCallback"] == TWILIO_URL
    (shown,) = server.ctl("gateway", "status")[:1]
    yield server, server.url + shown["receipts"]
    fake.stop()


def form_of(state, **more):
    return {"MessageSid": SID, "MessageStatus": state, "To": "+12025550123", "AccountSid": ACCOUNT, **more}


def test_twilio_reports_count_when_they_are_signed(twilio):
    server, url = twilio
    good = form_of("undelivered", ErrorCode="30003")
    for headers in ({}, signed(good, "another secret"), signed(good, url=TWILIO_URL + "&y=2"),
                    signed(form_of("delivered")), {"X-Twilio-Signature": ""}):
        assert requests.post(url, data=good, headers=headers, timeout=30).status_code == 401, headers
    for state in ("queued", "sent"):
        form = form_of(state)
        assert requests.post(url, data=form, headers=signed(form), timeout=30).status_code == 200
    assert logged(server)[1] is None
    for _ in range(2):
        answer = requests.post(url, data=good, headers=signed(good), timeout=30)
        assert (answer.status_code, answer.text) == (200, "")
    late = form_of("delivered")
    assert requests.post(url, data=late, headers=signed(late), timeout=30).status_code == 200
    assert logged(server)[1] == "lost 30003" and delivered(server) == (0, 1)
