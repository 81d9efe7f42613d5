# SPDX-License-Identifier: Apache-2.0
"""WeChat and accounts that are there: binding and its end, and what is read again of a person."""
import threading

import pytest

from fakes.wechat import Person
from harness import sign_in
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from steps import IDENTITIES, PROFILE, rows, user_id
from wechat_server import BIND, UNBIND, Opener, fake, phone_of, server, sign_in_by_mini, sign_in_by_phone

pytestmark = pytest.mark.core


# ---- Binding: A06, A07, A62 ----

def bind(server, fake, who, person):
    """Who is signed in and opens a code wants to bind."""
    opener, phone = Opener(server, who), phone_of(server, fake, person)
    phone.scan(opener.scan_url())
    assert "****" + who.phone[-4:] in phone.page.text, "the page names what is linked"
    phone.tap("confirm")
    return who.post(BIND, {"session_id": opener.flow_id, "qr_code": opener.data["qr_code"]})


def test_bind_and_unbind(server, fake):
    who, person = sign_in(server), Person()
    bound = bind(server, fake, who, person)
    assert bound.status_code == 200, bound.text
    data = bound.json()["data"]
    assert (data["user_id"], data["login_type"]) == (user_id(who), "both")
    assert data["wechat_info"]["openid"] == f"oqr-{person.mark}"
    assert who.ok("GET", PROFILE)["login_type"] == "both"
    assert user_id(sign_in_by_phone(server, fake, person)) == user_id(who)
    gone = who.ok("POST", UNBIND)
    assert (gone["user_id"], gone["login_type"]) == (user_id(who), "phone")
    profile = who.ok("GET", PROFILE)
    assert profile["login_type"] == "phone" and profile["wechat_info"] is None
    assert [entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"]] == ["phone"]
    assert rows(server, "SELECT COUNT(*) FROM wechat_users WHERE openid = ? AND (uid IS NOT NULL"
                " OR access_token IS NOT NULL)", f"oqr-{person.mark}")[0][0] == 0
    assert sign_in_by_phone(server, fake, person).tokens["is_new_user"] is True


def test_a_wechat_of_somebody_else_is_refused(server, fake):
    owner, who = Person(), sign_in(server)
    first = user_id(sign_in_by_mini(server, fake, owner))
    answer = bind(server, fake, who, owner)
    assert (answer.status_code, answer.json()["error"]) == (409, "identity_taken"), answer.text
    assert [entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"]] == ["phone"]
    assert user_id(sign_in_by_mini(server, fake, owner)) == first


def test_an_account_has_one_wechat_of_an_app(server, fake):
    who = sign_in(server)
    assert bind(server, fake, who, Person()).status_code == 200
    assert bind(server, fake, who, Person()).status_code == 409
    assert len(who.ok("GET", IDENTITIES)["identities"]) == 3


def test_a_proof_of_one_session_binds_in_no_other(server, fake):
    """A07"""
    who, thief, person = sign_in(server), sign_in(server), Person()
    opener, phone = Opener(server, who, purpose="bind"), phone_of(server, fake, person)
    phone.scan(opener.scan_url())
    phone.tap("confirm")
    body = {"session_id": opener.flow_id}
    assert thief.post(BIND, body).status_code == 410
    assert server.client().post(BIND, body).status_code == 401
    assert opener.verify(purpose="login").status_code in (401, 410, 422)
    answer = who.post(BIND, {**body, "qr_code": "another"})
    assert answer.status_code == 401, answer.text
    assert who.post(BIND, body).status_code == 200
    assert user_id(sign_in_by_phone(server, fake, person)) == user_id(who)


def test_a_sign_in_binds_nothing(server, fake):
    """A06, A47: what was begun for signing in is no binding, whoever sends it."""
    who, opener, phone = sign_in(server), Opener(server), phone_of(server, fake)
    phone.scan(opener.scan_url())
    phone.tap("confirm")
    assert who.post(BIND, {"session_id": opener.flow_id}).status_code == 410
    assert [entry["namespace"] for entry in who.ok("GET", IDENTITIES)["identities"]] == ["phone"]


def test_an_unproved_wechat_gives_way_to_its_owner(server, fake):
    """A06: a row nobody has proved neither signs in nor blocks."""
    squatter, person = sign_in(server), Person()
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, bound_at)"
         " VALUES (?, 'wechat:openid:wxqr', ?, 0)", user_id(squatter), f"oqr-{person.mark}")
    owner = sign_in_by_phone(server, fake, person)
    assert owner.tokens["is_new_user"] is True and user_id(owner) != user_id(squatter)
    assert [entry["namespace"] for entry in squatter.ok("GET", IDENTITIES)["identities"]] == ["phone"]


def test_parallel_unbinds_leave_a_way_in(server, fake):
    """A62"""
    say("unbinds of phone and WeChat")
    for i in range(ROUNDS):
        who = sign_in(server)
        assert bind(server, fake, who, Person()).status_code == 200
        token = who.tokens["access_token"]
        shots = [Shot("POST", UNBIND, {}, token), Shot("DELETE", "/api/v1/user/unbind/phone_sms", {}, token)]
        seen = tally(release(server.urls, (shots * N_PARALLEL)[:N_PARALLEL]))
        assert seen[(200, None)] == 1, f"round {i}: {seen}"
        assert set(seen) <= {(200, None), (404, "not_found"), (409, "last_login_method")}, seen
        assert {entry["namespace"].split(":")[0] for entry in who.ok("GET", IDENTITIES)["identities"]} in \
            ({"phone"}, {"wechat"}), f"round {i}"


# ---- Renewal ----

@pytest.mark.parametrize("seconds, counts", [(7200, True), (366 * 86400, True), (366 * 86400 + 1, False),
                                             (0, False), (-1, False), (2**63 - 1, False)])
def test_a_life_of_a_token_that_nobody_means_is_none(server, fake, seconds, counts):
    person = Person()
    fake.extra["/sns/oauth2/access_token"] = {"expires_in": seconds}
    try:
        who = sign_in_by_phone(server, fake, person)
    finally:
        fake.extra.clear()
    ((until,),) = rows(server, "SELECT expires_at FROM wechat_users WHERE uid = ?", user_id(who))
    assert (until > 0) == counts and (counts or until == 0), until



def test_nickname_and_picture_are_read_again(server, fake):
    person = Person("before")
    who = sign_in_by_phone(server, fake, person)
    person.name = "after"
    assert who.ok("POST", "/api/v1/user/wechat/renew")["wechat_info"]["nickname"] == "after"
    for token in fake.tokens.values():
        token["until"] = 0
    person.name = "much later"
    assert who.ok("POST", "/api/v1/user/wechat/renew")["wechat_info"]["nickname"] == "much later"
    fake.refreshes.clear()
    for token in fake.tokens.values():
        token["until"] = 0
    who.refused(410, "flow_expired", "POST", "/api/v1/user/wechat/renew")


class Held(Person):
    """WeChat takes its time to tell of them."""

    def __init__(self):
        self.asked, self.go_on, self.holds = threading.Event(), threading.Event(), False
        super().__init__("slowly")

    @property
    def name(self):
        if self.holds:
            self.asked.set()
            self.go_on.wait(20)
        return self.nickname

    @name.setter
    def name(self, value):
        self.nickname = value


def row_of(server, person):
    (row,) = rows(server, "SELECT uid, last_login_at FROM wechat_users WHERE openid = ?", f"oqr-{person.mark}")
    return tuple(row)


@pytest.mark.parametrize("meanwhile", ["nothing", "unbind", "another"])
def test_a_renewal_takes_no_row_from_anybody(server, fake, meanwhile):
    """WeChat is asked for seconds; what has become of the binding by then stays so."""
    who, person, heir = sign_in(server), Held(), None
    assert bind(server, fake, who, person).status_code == 200
    before, answers = row_of(server, person), []
    person.holds = True
    asking = threading.Thread(target=lambda: answers.append(who.post("/api/v1/user/wechat/renew")))
    asking.start()
    assert person.asked.wait(20), "WeChat was not asked"
    person.holds = False
    if meanwhile != "nothing":
        who.ok("POST", UNBIND)
    if meanwhile == "another":
        heir = sign_in(server)
        rows(server, "UPDATE wechat_users SET uid = ? WHERE openid = ?", user_id(heir), f"oqr-{person.mark}")
    person.go_on.set()
    asking.join(30)
    (answer,) = answers
    if meanwhile == "nothing":
        assert answer.status_code == 200, answer.text
        assert row_of(server, person) == before, "to look again is no sign-in"
    else:
        assert answer.status_code == 404, answer.text
        assert row_of(server, person)[0] == (user_id(heir) if heir else None)
