# SPDX-License-Identifier: Apache-2.0
"""Tencent Cloud's SendSms, by its documents: TC3-HMAC-SHA256, and errors on two levels."""
import hashlib
import hmac
import json
import time
from datetime import datetime, timezone

from fakes.vendor import Refused, VendorGateway

SECRET_ID, SECRET = "testId", "a secret of an API key"
APP_ID, SIGN_NAME = "1400006666", "腾讯云"
TEMPLATES = {"1110", "1111"}
CLOCK_S = 5 * 60
SERIAL = "5000:1045710669157053657849499619"


def canonical_sha256(headers, signed, body):
    lines = ["POST", "/", ""]
    lines += [f"{name}:{headers[name].strip().lower()}" for name in signed]
    lines += ["", ";".join(signed), hashlib.sha256(body).hexdigest()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def signature(secret, service, time_s, canonical):
    date = datetime.fromtimestamp(time_s, timezone.utc).strftime("%Y-%m-%d")
    key = f"TC3{secret}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"TC3-HMAC-SHA256\n{time_s}\n{date}/{service}/tc3_request\n{canonical}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def whole(code):
    """An error of the request."""
    return 200, {"Response": {"Error": {"Code": code, "Message": code}, "RequestId": "r"}}


def number(code, phone="+8613800138000"):
    """What became of one number."""
    return 200, {"Response": {"SendStatusSet": [
        {"SerialNo": SERIAL if code == "Ok" else "", "PhoneNumber": phone, "Fee": 1,
         "SessionContext": "", "Code": code, "Message": code, "IsoCode": "CN"}], "RequestId": "r"}}


def refuse(answer):
    raise Refused(*answer)


class TencentGateway(VendorGateway):
    def __init__(self):
        super().__init__()
        self.secret = SECRET

    def check_signature(self, headers, body):
        kind, _, rest = headers["authorization"].partition(" ")
        parts = dict(part.split("=", 1) for part in rest.split(", "))
        signed, time_s = parts["SignedHeaders"].split(";"), int(headers["x-tc-timestamp"])
        if kind != "TC3-HMAC-SHA256" or not {"content-type", "host"} <= set(signed) or signed != sorted(signed):
            refuse(whole("AuthFailure.InvalidAuthorization"))
        if abs(time.time() - time_s) > CLOCK_S:
            refuse(whole("AuthFailure.SignatureExpire"))
        date = datetime.fromtimestamp(time_s, timezone.utc).strftime("%Y-%m-%d")
        if parts["Credential"] != f"{SECRET_ID}/{date}/sms/tc3_request":
            refuse(whole("AuthFailure.SecretIdNotFound"))
        if parts["Signature"] != signature(self.secret, "sms", time_s, canonical_sha256(headers, signed, body)):
            refuse(whole("AuthFailure.SignatureFailure"))

    def take(self, path, headers, body):
        headers = {name.lower(): value for name, value in headers.items()}
        self.check_signature(headers, body)
        if (headers["x-tc-action"], headers["x-tc-version"], path) != ("SendSms", "2021-01-11", "/"):
            refuse(whole("InvalidAction"))
        if not headers.get("x-tc-region"):
            refuse(whole("MissingParameter"))
        message = json.loads(body)
        (phone,) = message["PhoneNumberSet"]
        if message["SmsSdkAppId"] != APP_ID:
            refuse(number("InvalidParameterValue.SdkAppIdNotExist", phone))
        if message["SignName"] != SIGN_NAME:
            refuse(number("FailedOperation.SignatureIncorrectOrUnapproved", phone))
        if message["TemplateId"] not in TEMPLATES:
            refuse(number("FailedOperation.TemplateIncorrectOrUnapproved", phone))
        (code,) = message["TemplateParamSet"]
        if not (code.isascii() and code.isdigit() and len(code) <= 6):
            refuse(number("InvalidParameterValue.TemplateParameterFormatError", phone))
        return phone, code, message

    def success(self, phone):
        return number("Ok", phone)
