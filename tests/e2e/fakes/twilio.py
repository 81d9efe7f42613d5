# SPDX-License-Identifier: Apache-2.0
"""Twilio's Messages, by its documents: HTTP Basic, a form, 201 or an error with a number."""
import base64
import re
from urllib.parse import parse_qsl

from fakes.vendor import Refused, VendorGateway

ACCOUNT, KEY, SECRET = "AC0123456789abcdef0123456789abcdef", "SK0123456789abcdef0123456789abcdef", "a secret: of a key"
FROM, SERVICE = "+15005550006", "MG0123456789abcdef0123456789abcdef"
SID = "SM0123456789abcdef0123456789abcdef"


def basic(user, secret):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def error(status, code):
    return status, {"code": code, "message": "no", "status": status,
                    "more_info": f"https://www.twilio.com/docs/errors/{code}"}


class TwilioGateway(VendorGateway):
    def __init__(self):
        super().__init__()
        self.secret = SECRET

    def take(self, path, headers, body):
        if path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
            raise Refused(*error(404, 20404))
        if headers["Authorization"] not in (basic(ACCOUNT, self.secret), basic(KEY, self.secret)):
            raise Refused(*error(401, 20003))
        if headers["Content-Type"] != "application/x-www-form-urlencoded":
            raise Refused(*error(400, 21602))
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
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
