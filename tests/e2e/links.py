# SPDX-License-Identifier: Apache-2.0
"""Small steps of the stories about links in mails."""
from urllib.parse import parse_qs, urlsplit

from harness import register, wait_for
from mails import BIND, SEND, new_address
from mails import send_code as mail_code
from pages import Browser, assert_page, behind_hash
from steps import LOGIN, later

PUBLIC = "https://auth.example.com"
OPTIONS = ["email.link=yes", f"server.public_url={PUBLIC}",
           "server.return_urls=https://app.example.com/done, http://127.0.0.1:3000/in"]
FORGOT = "/api/v1/auth/forgot-password"
RESET = "/api/v1/auth/reset-password"


def mails_to(server, address):
    """Newest first, as the outbox shows them."""
    return [message for message in server.outbox() if message["to"] == address]


def ask(server, client, path, body):
    """(flow_id, mail) of a request that sends a mail with a code: that one, and no earlier one."""
    n_known = len(mails_to(server, body["email"]))
    flow_id = client.ok("POST", path, body)["flow_id"]

    def fresh():
        mails = mails_to(server, body["email"])
        return mails[0] if len(mails) > n_known else None
    return flow_id, wait_for(fresh, f"a mail to {body['email']}")


def query_of(link):
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query, strict_parsing=True).items()}


def begin(server, client, address, purpose="login", **more):
    """(flow_id, mail) of what was sent for a sign-in."""
    return ask(server, client, SEND, {"email": address, "purpose": purpose, **more})


def follow(server, mail, browser=None):
    """(place, what it carries): where the button of the page behind the link leads."""
    browser = browser or Browser(server)
    return behind_hash(browser.send(assert_page(browser.open(mail["link"]))))


def forget(server, client, address):
    """(flow_id, mail) of what was sent for a new password."""
    return ask(server, client, FORGOT, {"email": address})


def forget_again(server, client, address):
    later(server)
    return forget(server, client, address)


def both(server):
    """Somebody with number, address and password."""
    who, address = register(server), new_address()
    flow_id, code = mail_code(server, who, address, "bind")
    who.ok("POST", BIND, {"email": address, "code": code, "flow_id": flow_id})
    who.email = address
    later(server)
    return who


def assert_password(server, account, good, bad):
    client = server.client()
    client.refused(401, "invalid_credentials", "POST", LOGIN, {"account": account, "password": bad})
    return client.ok("POST", LOGIN, {"account": account, "password": good})
