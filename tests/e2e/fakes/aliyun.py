# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud's SendSms, by its documents: both signatures, strict about everything they say."""
import base64
import hashlib
import hmac
import json
import time
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, urlsplit

from fakes.vendor import Refused, VendorGateway

KEY_ID, SECRET = "testId", "a secret of an access key"
TEMPLATES = {"SMS_1", "SMS_2"}
SIGN_NAME = "阿里云短信测试"
CLOCK_S = 15 * 60


def encode(text):
    return quote(text, safe="-_.~")


def canonical_query(params):
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(params.items()))


def rpc_signature(secret, method, params):
    text = f"{method}&%2F&{encode(canonical_query(params))}"
    mac = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(mac).decode()


def acs3_canonical(method, params, headers, signed, body=b""):
    lines = [method, "/", canonical_query(params)]
    lines += [f"{name}:{headers[name].strip()}" for name in signed]
    lines += ["", ";".join(signed), hashlib.sha256(body).hexdigest()]
    return "\n".join(lines)


def acs3_signature(secret, canonical):
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.new(secret.encode(), f"ACS3-HMAC-SHA256\n{digest}".encode(), hashlib.sha256).hexdigest()


def refuse(status, code):
    raise Refused(status, {"RequestId": "r", "HostId": "h", "Code": code, "Message": code})


class AliyunGateway(VendorGateway):
    def __init__(self):
        super().__init__()
        self.nonces, self.secret = set(), SECRET

    def check_freshness(self, date, nonce):
        sent = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        if abs(time.time() - sent.timestamp()) > CLOCK_S:
            refuse(400, "InvalidTimeStamp.Expired")
        if nonce in self.nonces:
            refuse(400, "SignatureNonceUsed")
        self.nonces.add(nonce)

    def check_acs3(self, params, headers, body):
        kind, _, rest = headers["authorization"].partition(" ")
        parts = dict(part.split("=", 1) for part in rest.split(","))
        signed = parts["SignedHeaders"].split(";")
        wanted = sorted(name for name in headers
                        if name in ("host", "content-type") or name.startswith("x-acs-"))
        if kind != "ACS3-HMAC-SHA256" or signed != wanted:
            refuse(400, "IncompleteSignature")
        if parts["Credential"] != KEY_ID:
            refuse(404, "InvalidAccessKeyId.NotFound")
        if headers["x-acs-content-sha256"] != hashlib.sha256(body).hexdigest():
            refuse(400, "SignatureDoesNotMatch")
        canonical = acs3_canonical("POST", params, headers, signed, body)
        if parts["Signature"] != acs3_signature(self.secret, canonical):
            refuse(400, "SignatureDoesNotMatch")
        self.check_freshness(headers["x-acs-date"], headers["x-acs-signature-nonce"])
        return headers["x-acs-action"], headers["x-acs-version"]

    def check_rpc(self, params):
        signature = params.pop("Signature")
        if (params["SignatureMethod"], params["SignatureVersion"]) != ("HMAC-SHA1", "1.0"):
            refuse(400, "IncompleteSignature")
        if params["AccessKeyId"] != KEY_ID:
            refuse(404, "InvalidAccessKeyId.NotFound")
        if signature != rpc_signature(self.secret, "POST", params):
            refuse(400, "SignatureDoesNotMatch")
        self.check_freshness(params["Timestamp"], params["SignatureNonce"])
        assert params["Format"] == "JSON", "the default is XML"
        return params["Action"], params["Version"]

    def take(self, path, headers, body):
        headers = {name.lower(): value for name, value in headers.items()}
        url = urlsplit(path)
        text = url.query if "authorization" in headers else body.decode()
        params = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
        if "authorization" in headers:
            called = self.check_acs3(params, headers, body)
        else:
            called = self.check_rpc(params)
        if called != ("SendSms", "2017-05-25") or url.path != "/":
            refuse(404, "InvalidAction.NotFound")
        if params["SignName"] != SIGN_NAME:
            refuse(200, "isv.SMS_SIGNATURE_ILLEGAL")
        if params["TemplateCode"] not in TEMPLATES:
            refuse(200, "isv.SMS_TEMPLATE_ILLEGAL")
        number = params["PhoneNumbers"]
        phone = f"+86{number}" if len(number) == 11 and number.startswith("1") else f"+{number}"
        return phone, json.loads(params["TemplateParam"])["code"], params

    def success(self, phone):
        return 200, {"Code": "OK", "Message": "OK", "BizId": "900619746936498440^0", "RequestId": "r"}


def business(code):
    """An error that comes with HTTP 200."""
    return 200, {"Code": code, "Message": code, "RequestId": "r"}
