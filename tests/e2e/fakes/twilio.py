# SPDX-License-Identifier: Apache-2.0
"""Twilio's Messages and Verify, by its documents: HTTP Basic, a form, 201 or an error with a number."""
import base64
import re
import secrets
import threading
from urllib.parse import parse_qsl

from fakes.vendor import Refused, VendorGateway
from gateway import Gateway

ACCOUNT, KEY, SECRET = "AC0123456789abcdef0123456789abcdef", "SK0123456789abcdef0123456789abcdef", "a secret: of a key"
FROM, SERVICE = "+15005550006", "MG0123456789abcdef0123456789abcdef"
VERIFY = "VA0123456789abcdef0123456789abcdef"
SID = "SM0123456789abcdef0123456789abcdef"


def basic(user, secret):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def error(status, code):
    return status, {"code": code, "message": "no", "status": status,
                    "more_info": f"https://www.twilio.com/docs/errors/{code}"}


def form_of(headers, body, secret):
    """The fields of a request of our account; Refused when it is none."""
    if headers["Authorization"] not in (basic(ACCOUNT, secret), basic(KEY, secret)):
        raise Refused(*error(401, 20003))
    if headers["Content-Type"] != "application/x-www-form-urlencoded":
        raise Refused(*error(400, 21602))
    return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


class TwilioGateway(VendorGateway):
    def __init__(self):
        super().__init__()
        self.secret = SECRET

    def take(self, path, headers, body):
        if path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
            raise Refused(*error(404, 20404))
        form = form_of(headers, body, self.secret)
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", form["To"]):
            raise Refused(*error(400, 21211))
        if form.get("From") != FROM and form.get("MessagingServiceSid") != SERVICE:
            raise Refused(*error(400, 21606))
        if not 0 < len(form["Body"]) <= 1600:
            raise Refused(*error(400, 21617))
        return form["To"], re.search(r"[0-9]{6}", form["Body"]).group(), form

    def success(self, phone):
        return 201, {"sid": SID, "status": "queued", "to": phone, "error_code": None,
                     "error_message": None}


def lost(status):
    """Made, and lost at once."""
    return 201, {"sid": SID, "status": status, "error_code": 30008}


CHECKS_MAX = 5


class VerifyGateway(Gateway):
    """Makes, sends and checks codes. Whatever is in refusal is answered instead, as (HTTP status, answer);
    spoil() changes what it would have answered."""

    def __init__(self):
        self.secret, self.refusal, self.spoil = SECRET, None, lambda answer: answer
        self.found, self.paths, self.lock = {}, [], threading.Lock()  # found: {sid: verification}
        super().__init__()

    def respond(self, path, headers, body):
        with self.lock:
            self.paths.append(path.rsplit("/", 1)[-1])
            try:
                form = form_of(headers, body, self.secret)
                if self.refusal:
                    return self.refusal
                status, answer = self.take(path, form)
            except Refused as refused:
                return refused.status, refused.answer
            return status, self.spoil(answer)

    def take(self, path, form):
        if path == f"/v2/Services/{VERIFY}/Verifications":
            return 201, self.start(form)
        if path == f"/v2/Services/{VERIFY}/VerificationCheck":
            return 200, self.check(form)
        raise Refused(*error(404, 20404))

    def start(self, form):
        if form["Channel"] != "sms" or not re.fullmatch(r"\+[1-9][0-9]{6,14}", form["To"]):
            raise Refused(*error(400, 60200))
        made = {"sid": "VE" + secrets.token_hex(16), "to": form["To"], "n_checks": 0,
                "code": f"{secrets.randbelow(10 ** 6):06d}"}
        self.found = {sid: one for sid, one in self.found.items() if one["to"] != form["To"]}
        self.found[made["sid"]] = made
        return self.answer_of(made, "pending")

    def check(self, form):
        one = self.found.get(form["VerificationSid"])
        if not one:
            raise Refused(*error(404, 20404))
        if one["n_checks"] == CHECKS_MAX:
            raise Refused(*error(429, 60202))
        one["n_checks"] += 1
        if form["Code"] != one["code"]:
            return self.answer_of(one, "pending")
        del self.found[one["sid"]]
        return self.answer_of(one, "approved")

    @staticmethod
    def answer_of(one, status):
        return {"sid": one["sid"], "to": one["to"], "channel": "sms", "status": status,
                "valid": status == "approved"}

    def sent_to(self, phone):
        """The code that is open for a number."""
        with self.lock:
            (code,) = [one["code"] for one in self.found.values() if one["to"] == phone]
            return code

    def forget(self):
        """All codes have expired."""
        with self.lock:
            self.found = {}
