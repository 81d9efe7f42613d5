# SPDX-License-Identifier: Apache-2.0
"""Messages through the vendors' own interfaces: signed as they demand, judged by their documented words."""
import pytest

from fakes import aliyun, tencent, twilio
from gateway import Gateway
from harness import new_phone, wait_for
from steps import PHONE_LOGIN, SEND, rows

CONF = """
[group sms]
senders = first, second

[first]
{section}
endpoint = {endpoint}
upstream_timeout = 1s

[second]
plugin = sms_http
url = {second}
"""


class Vendor:
    """How to be a customer of one, and what it says when; each word with the answer that carries it."""

    def __init__(self, fake, section, accepted_id, denied, limited, faults, unclear=()):
        self.fake, self.section, self.accepted_id = fake, section, accepted_id
        self.denied, self.limited, self.faults = denied, limited, faults
        self.unclear = list(unclear)


def aliyun_vendor(signature):
    return Vendor(
        aliyun.AliyunGateway,
        f"plugin = sms_aliyun\naccess_key_id = {aliyun.KEY_ID}\naccess_key_secret = {aliyun.SECRET}\n"
        f"sign_name = {aliyun.SIGN_NAME}\ntemplates = login: SMS_1, register: SMS_2\n"
        f"signature = {signature}",
        "900619746936498440^0",
        denied=[aliyun.business("isv.MOBILE_NUMBER_ILLEGAL")],
        limited=[aliyun.business("isv.BUSINESS_LIMIT_CONTROL")],
        faults=[aliyun.business("isv.AMOUNT_NOT_ENOUGH"), aliyun.business("isv.SMS_TEMPLATE_ILLEGAL"),
                aliyun.business("isv.OUT_OF_SERVICE"), aliyun.business("isp.SYSTEM_ERROR"),
                aliyun.business("isv.NOBODY_KNOWS_IT"), (400, {"Code": "SignatureDoesNotMatch"}),
                (400, {"Code": "Throttling.User"}), (503, b"<html>")],
        unclear=[(400, {"Code": "SignatureNonceUsed"})])


TENCENT = Vendor(
    tencent.TencentGateway,
    f"plugin = sms_tencent\nsecret_id = {tencent.SECRET_ID}\nsecret_key = {tencent.SECRET}\n"
    f"sdk_app_id = {tencent.APP_ID}\nsign_name = {tencent.SIGN_NAME}\n"
    "templates = login: 1110, register: 1111",
    tencent.SERIAL,
    denied=[tencent.number("InvalidParameterValue.IncorrectPhoneNumber"),
            tencent.number("FailedOperation.PhoneNumberInBlacklist")],
    limited=[tencent.number("LimitExceeded.PhoneNumberThirtySecondLimit"),
             tencent.number("LimitExceeded.PhoneNumberDailyLimit")],
    faults=[tencent.number("FailedOperation.InsufficientBalanceInSmsPackage"),
            tencent.number("LimitExceeded.AppDailyLimit"), tencent.number("Nobody.KnowsIt"),
            tencent.whole("AuthFailure.SignatureExpire"), tencent.whole("RequestLimitExceeded"),
            (502, b"<html>")],
    unclear=[tencent.number("InternalError.Timeout"), tencent.whole("InternalError.Timeout")])


def twilio_vendor(options):
    return Vendor(
        twilio.TwilioGateway,
        f"plugin = sms_twilio\naccount_sid = {twilio.ACCOUNT}\nsecret = {twilio.SECRET}\n{options}",
        twilio.SID,
        denied=[twilio.error(400, 21211), twilio.error(400, 21610), twilio.error(400, 21614)],
        limited=[],  # it limits its customers, not the numbers they send to
        faults=[twilio.error(429, 20429), twilio.error(401, 20003), twilio.error(400, 21408),
                twilio.error(400, 99999), twilio.lost("failed"), (503, b"<html>")])


VENDORS = {"aliyun-acs3": aliyun_vendor("acs3"), "aliyun-rpc": aliyun_vendor("rpc"),
           "tencent": TENCENT,
           "twilio-number": twilio_vendor(f"from = {twilio.FROM}"),
           "twilio-service": twilio_vendor(f"from = {twilio.SERVICE}\nkey_sid = {twilio.KEY}")}


@pytest.fixture(params=VENDORS)
def vendor(request):
    return VENDORS[request.param]


@pytest.fixture
def gateways(vendor):
    made = [vendor.fake(), Gateway()]
    yield made
    for gateway in made:
        gateway.stop()


@pytest.fixture
def server(make_server, vendor, gateways):
    first, second = gateways
    text = CONF.format(section=vendor.section, endpoint=first.endpoint, second=second.url)
    return make_server(conf={"40-messages.ini": text}, workers=1)


def send(client, phone):
    return client.ok("POST", SEND, {"phone": phone})["flow_id"]


def state_of(client, flow_id):
    return client.ok("GET", f"/api/v1/auth/flows/{flow_id}")["status"]


def results(server):
    return rows(server, "SELECT gateway, result FROM message_logs ORDER BY id")


def wait_for_results(server, wanted, what):
    """wanted is all of the message log."""
    wait_for(lambda: results(server) == wanted, f"the log of {what}")


def let_one_through(server, gateways, wanted):
    """A success, so that failures in a row do not take the gateway out of rotation."""
    gateways[0].refusal, phone = None, new_phone()
    send(server.client(), phone)
    gateways[0].code_for(phone)
    wanted.append(("first", "accepted"))
    wait_for_results(server, wanted, "a success")


def test_a_code_arrives_and_signs_in(server, gateways, vendor):
    client, phone = server.client(), new_phone()
    flow_id = send(client, phone)
    code = gateways[0].code_for(phone)
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})
    wait_for_results(server, [("first", "accepted")], "a code")
    assert rows(server, "SELECT upstream_id FROM message_logs") == [(vendor.accepted_id,)]
    assert gateways[1].received == []


def test_what_the_vendor_refuses_fails_at_once(server, gateways, vendor):
    """Nobody else is asked: the number is wrong, or has had enough, everywhere."""
    client, wanted = server.client(), []
    answers = [(one, "refused") for one in vendor.denied] + [(one, "limited") for one in vendor.limited]
    for answer, result in answers:
        gateways[0].refusal = answer
        flow_id = send(client, new_phone())
        wait_for(lambda: state_of(client, flow_id) == "failed", f"the flow's state after {answer}")
        wanted.append(("first", result))
        wait_for_results(server, wanted, answer)
    assert gateways[1].received == []


def test_what_is_the_vendors_fault_is_sent_by_the_next(server, gateways, vendor):
    client, wanted = server.client(), []
    for answer in vendor.faults:
        gateways[0].refusal, phone = answer, new_phone()
        flow_id = send(client, phone)
        code = gateways[1].code_for(phone)
        assert gateways[0].codes_to(phone) == [code], f"the same code after {answer}"
        wanted += [("first", "failed"), ("second", "accepted")]
        wait_for_results(server, wanted, answer)
        assert state_of(client, flow_id) == "pending"
        client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})
        let_one_through(server, gateways, wanted)


def test_a_wrong_secret_is_the_next_ones_work_too(server, gateways):
    """The fake really looks: with another secret nothing is taken there."""
    gateways[0].secret, phone = "another secret", new_phone()
    send(server.client(), phone)
    assert gateways[1].code_for(phone)
    assert gateways[0].messages == []
    wait_for_results(server, [("first", "failed"), ("second", "accepted")], "a wrong secret")


def test_what_is_unclear_is_not_sent_twice(server, gateways, vendor):
    client, wanted = server.client(), []
    for answer in [*vendor.unclear, (200, b"garbage"), (200, b""), (200, {}), (504, b""), "hang"]:
        phone = new_phone()
        if answer == "hang":
            gateways[0].behaviour = "hang"
        else:
            gateways[0].refusal = answer
        flow_id = send(client, phone)
        wanted.append(("first", "unclear"))
        wait_for_results(server, wanted, answer)
        assert state_of(client, flow_id) == "pending"
        if answer != "hang":
            client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": gateways[0].code_for(phone),
                                            "flow_id": flow_id})
            let_one_through(server, gateways, wanted)
    assert gateways[1].received == []
    assert len(gateways[0].received) == len(wanted), "once each"


@pytest.mark.one_host(reason="it reads the log of one")
def test_no_secret_is_in_the_log(server, gateways, vendor):
    gateways[0].refusal, phone = vendor.faults[0], new_phone()
    client = server.client()
    send(client, phone)
    code = gateways[1].code_for(phone)
    wait_for_results(server, [("first", "failed"), ("second", "accepted")], "a fault")
    log = server.log()
    assert gateways[0].secret not in log and code not in log and phone[3:] not in log
