# SPDX-License-Identifier: Apache-2.0
"""Small steps of the stories about e-mail addresses."""
import itertools
import os

SEND = "/api/v1/auth/send-email-code"
EMAIL_LOGIN = "/api/v1/auth/email-login"
VERIFY = "/api/v1/auth/email/verify"
BIND = "/api/v1/user/bind/email"
UNBIND = "/api/v1/user/unbind/email"

_numbers = itertools.count(1)


def new_address():
    """One that nobody has used in this run."""
    return f"bob{os.getpid()}.{next(_numbers)}@example.com"


def send_code(server, client, address, purpose="login"):
    """(flow_id, code) of a code sent to address."""
    n_before = len(server.codes_for(address.lower(), purpose))
    flow_id = client.ok("POST", SEND, {"email": address, "purpose": purpose})["flow_id"]
    return flow_id, server.code_for(address.lower(), purpose, n_before)


def mail_in(server, address=None):
    """A client signed in by a code to its address."""
    client, address = server.client(), address or new_address()
    flow_id, code = send_code(server, client, address)
    client.tokens = client.ok("POST", EMAIL_LOGIN, {"email": address, "code": code, "flow_id": flow_id})
    client.email = address
    return client.use(client.tokens["access_token"])
