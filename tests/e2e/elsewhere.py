# SPDX-License-Identifier: Apache-2.0
"""The providers of tests/good_plugins, whose flows are finished elsewhere: by the browser that an upstream
sends back, and by a phone."""
import pathlib
import re
from collections import namedtuple
from urllib.parse import parse_qs, urlsplit

from harness import BUILD

GOOD = pathlib.Path(BUILD, "good_plugins")
PUBLIC = "https://auth.example"
LISTED = "https://app.example/done"
# "other" and "others" are second sections of the same plugins.
CONF = "".join(f"[{name}]\nplugin = {plugin}\n" for name, plugin in [
    ("trip", "round_trip"), ("other", "round_trip"), ("devices", "two_devices")])
OPTIONS = [f"server.public_url={PUBLIC}/", f"server.return_urls={LISTED}"]

Trip = namedtuple("Trip", "flow_id state body")
Picture = namedtuple("Picture", "flow_id ticket")


def settings(plugins):
    """What a server with these providers is made with; addresses belong to them."""
    return {"plugins": str(plugins), "conf": {"35-email.ini": "", "90-elsewhere.ini": CONF}}


def path_of(name, step):
    return f"/api/v1/user/bind/{name}" if step == "bind" else f"/api/v1/auth/{name}/{step}"


def begin_trip(client, name="trip", **fields):
    data = client.ok("POST", path_of(name, "begin"), fields)
    assert data["next"] == "redirect", data
    return Trip(data["flow_id"], parse_qs(urlsplit(data["url"]).query)["state"][0],
                {"flow_id": data["flow_id"]})


def land(client, state, code, name="trip", tell=None, **kwargs):
    """The browser that comes back from the upstream; tell is a number that gets a message of it."""
    return client.get(path_of(name, "callback"), params={"state": state, "code": code, "tell": tell},
                      allow_redirects=False, **kwargs)


def fragment_of(answer):
    """Where it sends the browser, and what is behind the '#'."""
    assert answer.status_code == 303, f"{answer.status_code} {answer.text}"
    place, _, fragment = answer.headers["Location"].partition("#")
    return place, {name: values[0] for name, values in parse_qs(fragment).items()}


def grant_of(answer):
    return fragment_of(answer)[1]["grant"]


def begin_picture(client, **fields):
    data = client.ok("POST", path_of("devices", "begin"), fields)
    assert data["next"] == "poll" and re.fullmatch("[A-Za-z0-9]{22,}", data["ticket"]), data
    return Picture(data["flow_id"], data["ticket"])


def scan(client, ticket, phone):
    return client.post("/test/scan", {"ticket": ticket, "phone": phone})


def tap(client, ticket, phone, action="confirm"):
    return client.post("/test/confirm", {"ticket": ticket, "phone": phone, "action": action})
