# SPDX-License-Identifier: Apache-2.0
"""What the fakes of vendors' gateways have in common: they verify before they believe."""
from gateway import Gateway


class Refused(Exception):
    """What the vendor answers instead: an HTTP status and its own words."""

    def __init__(self, status, answer):
        super().__init__(answer)
        self.status, self.answer = status, answer


class VendorGateway(Gateway):
    """A subclass says in take() what a request must be. Whatever is in refusal is then answered instead
    of success, as (HTTP status, answer)."""

    def __init__(self):
        super().__init__()
        self.refusal, self.messages = None, []  # messages: (phone, code, all of it), verified

    def respond(self, path, headers, body):
        try:
            phone, code, message = self.take(path, headers, body)
        except Refused as refused:
            return refused.status, refused.answer
        self.messages.append((phone, code, message))
        if self.behaviour != 200:
            return self.behaviour, b""
        return self.refusal if self.refusal else self.success(phone)

    def codes_to(self, phone):
        return [code for to, code, _ in self.messages if to == phone]
