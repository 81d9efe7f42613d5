# SPDX-License-Identifier: Apache-2.0
"""Sections of one plugin: each has the identities it says are its own, whatever its plugin could prove."""
import secrets

import pytest

from harness import sign_in
from pair import serve
from steps import IDENTITIES, UNBIND_PHONE

pytestmark = pytest.mark.core

NORTH = "[north]\nplugin = badge\nhouse = North\n"
SOUTH = "[south]\nplugin = badge\nhouse = South\nlabel_zh = 南楼\nlabel_en = The south\n"
FILE = "90-badges.ini"
OPTION = "server.public_url=https://auth.example.com"  # tokens outlive a restart on another port


@pytest.fixture(scope="module")
def server(plugins):
    started = serve(workers=2, plugins=str(plugins), conf={FILE: NORTH + SOUTH}).start()
    yield started
    started.close()


def show(client, section, badge, **fields):
    return client.ok("POST", f"/api/v1/auth/{section}/verify", {"badge": badge, **fields})


def bind(who, section):
    badge = secrets.token_hex(8)
    who.ok("POST", f"/api/v1/user/bind/{section}", {"badge": badge})
    return badge


def unbind(section):
    return f"/api/v1/user/unbind/{section}"


def namespaces(who):
    return sorted(one["namespace"] for one in who.ok("GET", IDENTITIES)["identities"])


def test_each_takes_away_its_own_only(server):
    who = sign_in(server)
    bind(who, "north")
    who.refused(404, "not_found", "DELETE", unbind("south"))
    bind(who, "south")
    who.ok("DELETE", unbind("south"))
    assert namespaces(who) == ["badge:North", "phone"]
    who.ok("DELETE", unbind("north"))
    assert namespaces(who) == ["phone"]


def test_each_names_people_of_its_own_only(make_server, plugins):
    server = make_server(plugins=str(plugins), conf={FILE: NORTH + "second = South\n"})
    client, badge = server.client(), secrets.token_hex(8)
    assert show(client, "north", badge)["is_new_user"] is True
    client.refused(500, "internal", "POST", "/api/v1/auth/north/verify", {"badge": badge, "second": "x"})


def test_labels_are_the_operators_the_instances_the_plugins(server):
    providers = server.client().ok("GET", "/api/v1/auth/providers")["providers"]
    labels = {one["name"]: one["label"] for one in providers}
    assert labels["north"] == {"zh": "工牌", "en": "North"}
    assert labels["south"] == {"zh": "南楼", "en": "The south"}


def restart_with(server, who, conf):
    server.stop()
    server.write_conf(FILE, conf)
    server.start()
    return server.client().use(who.tokens["access_token"])


@pytest.mark.one_host(reason="its configuration is changed")
@pytest.mark.parametrize("conf, section", [
    (NORTH, "north"), (NORTH.replace("[north]", "[upper]"), "upper"), (NORTH.replace("North", "West"), None),
    (SOUTH, None), ("", None)], ids=["as it was", "renamed", "another house", "gone", "none"])
def test_a_way_in_is_what_a_section_proves_today(make_server, plugins, conf, section):
    """A62"""
    server = make_server(OPTION, plugins=str(plugins), conf={FILE: NORTH})
    who = sign_in(server)
    badge = bind(who, "north")
    who = restart_with(server, who, conf)
    if section is None:
        who.refused(409, "last_login_method", "DELETE", UNBIND_PHONE)
        return
    who.ok("DELETE", UNBIND_PHONE)
    again = server.client()
    assert show(again, section, badge)["is_new_user"] is False
    who.refused(409, "last_login_method", "DELETE", unbind(section))


@pytest.mark.one_host(reason="its configuration is changed")
def test_a_renamed_section_takes_away_what_it_bound(make_server, plugins):
    server = make_server(OPTION, plugins=str(plugins), conf={FILE: NORTH})
    who = sign_in(server)
    bind(who, "north")
    who = restart_with(server, who, NORTH.replace("[north]", "[upper]"))
    who.refused(404, "not_found", "DELETE", unbind("north"))
    who.ok("DELETE", unbind("upper"))
    assert namespaces(who) == ["phone"]


def test_two_sections_of_one_house_have_the_same_people(make_server, plugins):
    server = make_server(plugins=str(plugins), conf={FILE: NORTH + NORTH.replace("[north]", "[upper]")})
    client, badge = server.client(), secrets.token_hex(8)
    first = show(client, "north", badge)["user"]["id"]
    assert show(server.client(), "upper", badge)["user"]["id"] == first


def test_who_vouches_for_an_address_names_it_beside_its_own(make_server, plugins):
    """The badge decides; the address only when the badge is new."""
    server = make_server(plugins=str(plugins), conf={FILE: NORTH + "vouches = yes\n"})
    badge, email = secrets.token_hex(8), f"{secrets.token_hex(8)}@example.com"
    client = server.client()
    first = show(client, "north", badge, email=email)["user"]["id"]
    again = server.client()
    again.tokens = show(again, "north", secrets.token_hex(8), email=email)
    assert again.tokens["user"]["id"] == first
    again.use(again.tokens["access_token"])
    assert namespaces(again) == ["badge:North", "badge:North", "email"]
    other = show(server.client(), "north", secrets.token_hex(8))["user"]["id"]
    assert other != first
    assert show(server.client(), "north", badge, email=f"{secrets.token_hex(8)}@example.com")["user"]["id"] == first


def test_who_does_not_vouch_names_no_address(server):
    client, badge = server.client(), secrets.token_hex(8)
    client.refused(500, "internal", "POST", "/api/v1/auth/north/verify", {"badge": badge, "email": "a@example.com"})
    assert show(client, "north", badge)["is_new_user"] is True
