# SPDX-License-Identifier: Apache-2.0
"""The attempts to sign in to an account, as its owner sees them."""
import time

import pytest

from harness import GOOD_SECRET, new_phone, register, sign_in, wait_for
from steps import LOGIN, fields_of, rows, sign_in_again, user_id
from test_sessions import log_in

pytestmark = pytest.mark.core

LOGINS = "/api/v1/user/logins"
YESTERDAY_MS = int(time.time() - 86400) * 1000
YESTERDAY = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(YESTERDAY_MS / 1000))


def page_of(client, **query):
    return client.ok("GET", LOGINS, params=query)


def listed(client):
    return page_of(client, limit=100)["logins"]


def fail(server, phone, **headers):
    server.client(headers=headers).refused(401, "invalid_credentials", "POST", LOGIN,
                                           {"phone": phone, "password": "wrong-lantern-41"})


def n_failed(client):
    return sum(1 for one in listed(client) if one["result"] == "failure")


def n_of_nobody(server):
    return rows(server, "SELECT COUNT(*) FROM login_logs WHERE user_id IS NULL")[0][0]


def add_rows(server, user, n):
    """Attempts of one and the same moment, not so long ago that they are forgotten."""
    for i in range(n):
        rows(server, "INSERT INTO login_logs (user_id, provider, identifier, result, ip, at)"
             " VALUES (?, 'gone', ?, 'success', '192.0.2.7', ?)", user, f"old {i}", YESTERDAY_MS)


def test_each_attempt_is_told(server):
    who = register(server)
    fail(server, who.phone, **{"User-Agent": "Somebody/1.0 <b>"})
    again = log_in(server, who, device_id="d-7")
    wait_for(lambda: n_failed(who) == 1, "the failed attempt")
    newest, failed, first = listed(who)
    masked = f"{who.phone[3:6]}****{who.phone[-4:]}"
    assert newest == {"at": newest["at"], "provider": "password", "identifier": masked, "result": "success",
                      "reason": None, "ip_address": "127.0.0.1", "device_id": "d-7", "is_current": False,
                      "user_agent": again.http.headers["User-Agent"]}
    assert failed == {"at": failed["at"], "provider": "password", "identifier": masked, "result": "failure",
                      "reason": "invalid_credentials", "ip_address": "127.0.0.1", "device_id": None,
                      "is_current": False, "user_agent": "Somebody/1.0 <b>"}
    assert (first["provider"], first["result"], first["is_current"]) == ("password", "success", True)
    assert newest["at"] >= failed["at"] >= first["at"]
    assert [one["is_current"] for one in listed(again)] == [True, False, False]


def test_nobody_sees_those_of_another(server):
    mine, theirs = sign_in(server), register(server)
    fail(server, theirs.phone)
    wait_for(lambda: n_failed(theirs) == 1, "the failed attempt")
    assert [one["result"] for one in listed(mine)] == ["success"]
    # What names nobody is in nobody's history.
    n_before = n_of_nobody(server)
    fail(server, new_phone())
    wait_for(lambda: n_of_nobody(server) > n_before, "the attempt that names nobody")
    assert n_failed(theirs) == 1 and len(listed(mine)) == 1
    # Nor does the place of a page lead to another's.
    place = page_of(theirs, limit=1)["next"]
    assert place and len(page_of(theirs, before=place)["logins"]) == 1
    assert {one["identifier"] for one in page_of(mine, before=place)["logins"]} <= {
        listed(mine)[0]["identifier"]}
    server.client().refused(401, "unauthorized", "GET", LOGINS)


def test_page_by_page_nothing_is_missing_and_nothing_twice(server):
    who = sign_in(server)
    add_rows(server, user_id(who), 25)
    seen, query = [], {"limit": 7}
    for n_pages in range(1, 10):
        page = page_of(who, **query)
        seen += [one["identifier"] for one in page["logins"]]
        if n_pages == 2:
            sign_in_again(server, who.phone)  # what is newer moves no page
        if not page["next"]:
            break
        assert len(page["logins"]) == 7
        query["before"] = page["next"]
    assert n_pages == 4
    assert seen[1:] == [f"old {i}" for i in reversed(range(25))]
    assert page_of(who, limit=27)["next"] is None and page_of(who, limit=26)["next"]
    assert {one["at"] for one in listed(who)[2:]} == {YESTERDAY}
    assert len(page_of(who)["logins"]) == 20, "what is not asked for is bounded"


@pytest.mark.parametrize("field, bad, good", [
    ("limit", ["0", "101", "-1", "", "x", "1x", " 1", "1.0", "0x10", "00000001", "9" * 30], ["1", "100"]),
    ("before", ["", "x", "1", "1-", "-1-1", "1-1-1", "1 -1", "01-1", "+1-1", "1-1x", "9" * 19 + "-1", "1-" + "9" * 40,
                "1;DROP"], ["0-0", "1-1", f"{2 ** 63 - 1}-{2 ** 63 - 1}"])])
def test_only_what_is_a_page_is_one(server, field, bad, good):
    who = sign_in(server)
    for text in bad:
        answer = who.refused(422, "field_invalid", "GET", LOGINS, params={field: text})
        assert fields_of(answer) == {field: "format"}, text
    for text in good:
        page_of(who, **{field: text})
    answer = who.refused(422, "field_invalid", "GET", LOGINS, params={"limit": "x", "before": "x"})
    assert fields_of(answer) == {"limit": "format", "before": "format"}


def test_no_secret_is_in_it(server):
    who = register(server)
    fail(server, who.phone)
    wait_for(lambda: n_failed(who) == 1, "the failed attempt")
    text = who.get(LOGINS).text
    for secret in (GOOD_SECRET, "wrong-lantern", who.tokens["session_id"], who.phone[3:]):
        assert secret not in text
