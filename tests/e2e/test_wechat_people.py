# SPDX-License-Identifier: Apache-2.0
"""Who is who by WeChat: openid and unionid come in any order, and one person stays one user."""
import itertools

import pytest

from fakes.wechat import Person
from harness import sign_in
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally, winners
from steps import IDENTITIES, PROFILE, UNBIND_PHONE, rows, user_id
from trips import OPTIONS
from wechat_server import (UNBIND, conf_of, fake, mini_code, section_of, server, sign_in_by_mini,
                           verify_path)

pytestmark = pytest.mark.core


def owners(server, person):
    """{namespace: user}"""
    return dict(rows(server, "SELECT namespace, user_id FROM user_identities WHERE subject LIKE ?",
                     f"%{person.mark}"))


class Unbound:
    """Somebody whose app was not bound to an Open Platform account when they signed in: no unionid."""

    def __init__(self, person, value=None):
        self.person, self.name, self.mark, self.value = person, person.name, person.mark, value

    def openid(self, app):
        return self.person.openid(app)

    def unionid(self, app):
        return self.value


# ---- Every order ----

STEPS = {"openid only": ("mini1", False), "unionid later": ("mini1", True), "second appid": ("mini2", True),
         "second appid without": ("mini2", False), "second account": ("mini3", True)}
PLATFORMS = {"mini1": "p1", "mini2": "p1", "mini3": "p2"}


def smallest(order):
    """What can be known: {identity: user} and whether two users turned out to be one person."""
    known, n_users, collides = {}, 0, False
    for step in order:
        section, has_union = STEPS[step]
        ids = [section] + ([PLATFORMS[section]] if has_union else [])
        users = [known[one] for one in ids if one in known]
        if not users:
            n_users += 1
        collides = collides or len(set(users)) > 1
        for one in ids:
            known.setdefault(one, users[0] if users else n_users)
    return n_users, collides


def collisions(server, user):
    return rows(server, "SELECT details FROM auth_logs WHERE action = 'identity.collision'"
                " AND details LIKE ?", f"%{user}%")


def test_every_order_ends_in_the_smallest_number_of_users(server, fake):
    """All of them, and each beginning of them."""
    stranger = user_id(sign_in_by_mini(server, fake, Person("路人")))
    for order in itertools.permutations(STEPS):
        person, seen = Person(), {}
        for n, step in enumerate(order, 1):
            section, has_union = STEPS[step]
            user = user_id(sign_in_by_mini(server, fake, person if has_union else Unbound(person), section))
            assert seen.setdefault(section, user) == user != stranger, f"{order}: the openid changed hands"
            assert len(set(seen.values())) == smallest(order[:n])[0], order[:n]
        assert len(set(owners(server, person).values())) == smallest(order)[0], order
        reported = {text for user in set(seen.values()) for text in collisions(server, user)}
        assert bool(reported) == smallest(order)[1], order


def test_a_unionid_that_appears_later_joins(server, fake):
    person = Person()
    first = user_id(sign_in_by_mini(server, fake, Unbound(person)))
    assert len(owners(server, person)) == 1
    assert user_id(sign_in_by_mini(server, fake, person)) == first
    assert user_id(sign_in_by_mini(server, fake, person, "mini2")) == first
    assert set(owners(server, person).values()) == {first} and len(owners(server, person)) == 3


def test_two_users_that_are_one_person_are_told_and_kept_apart(server, fake):
    person = Person()
    first = user_id(sign_in_by_mini(server, fake, Unbound(person), "mini1"))
    second = user_id(sign_in_by_mini(server, fake, Unbound(person), "mini2"))
    assert first != second
    assert user_id(sign_in_by_mini(server, fake, person, "mini1")) == first
    assert collisions(server, second) == []
    assert user_id(sign_in_by_mini(server, fake, person, "mini2")) == second, "as ever in this app"
    (found,) = collisions(server, second)
    assert f'"signed_in":{second}' in found[0].replace(" ", "") and str(first) in found[0]


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_unionid_joins_nobody(server, fake, value):
    """A13"""
    users = {user_id(sign_in_by_mini(server, fake, Unbound(Person(), value))) for _ in range(3)}
    assert len(users) == 3
    assert rows(server, "SELECT COUNT(*) FROM user_identities WHERE subject = ''")[0][0] == 0


def test_a_section_without_platform_knows_no_unionid(server, fake):
    person = Person()
    first = user_id(sign_in_by_mini(server, fake, person))
    assert user_id(sign_in_by_mini(server, fake, person, "alone")) != first


# ---- A13: what names nobody ----

NONSENSE = [b"", b"{}", b"null", b"[]", b'{"openid":""}', b'{"openid":"   "}', b'{"openid":null}',
            b'{"openid":["o"]}', b'{"openid":"' + b"o" * 65 + b'"}', b'{"openid":"o","openid":"p"}',
            b"<html>", b'{"openid":"\xff"}', b'{"errcode":"0","openid":"o"}']


@pytest.mark.parametrize("body", NONSENSE)
def test_an_answer_that_names_nobody_signs_nobody_in(server, fake, body):
    fake.odd["/sns/jscode2session"] = body
    try:
        server.client().refused(503, "provider_unavailable", "POST", verify_path("mini1"),
                                {"js_code": mini_code(fake, "mini1", Person())})
    finally:
        fake.odd.clear()
    sign_in_by_mini(server, fake, Person())


@pytest.mark.parametrize("body", [{}, {"js_code": ""}, {"js_code": None}, {"js_code": 1},
                                  {"js_code": "x" * 300}])
def test_a_step_without_a_code_is_refused(server, body):
    server.client().refused(422, "field_invalid", "POST", verify_path("mini1"), body)


@pytest.mark.parametrize("errcode, status, error", [
    (40029, 401, "invalid_credentials"), (40163, 401, "invalid_credentials"),
    (40226, 401, "invalid_credentials"), (45011, 429, "rate_limited"),
    (-1, 503, "provider_unavailable"), (40125, 503, "provider_unavailable"),
    (40013, 503, "provider_unavailable"), (99999, 503, "provider_unavailable"),
    ("hang", 503, "provider_unavailable"), ("drip", 503, "provider_unavailable"),
    ("huge", 503, "provider_unavailable"), ("cut", 503, "provider_unavailable")])
def test_words_of_wechat(server, fake, errcode, status, error):
    code, asked = mini_code(fake, "alone", Person()), fake.n_asked("/sns/jscode2session")
    fake.odd["/sns/jscode2session"] = errcode
    try:
        server.client().refused(status, error, "POST", verify_path("alone"), {"js_code": code})
    finally:
        fake.odd.clear()
    assert fake.n_asked("/sns/jscode2session") == asked + 1, "a code is sent once"


def test_a_code_is_sent_once_whatever_becomes_of_the_connection(server, fake):
    """Libraries like to try again when a kept connection turns out dead: then WeChat says 40163."""
    for _ in range(8):  # both workers have connections to keep
        sign_in_by_mini(server, fake, Person())
    asked = fake.n_asked("/sns/jscode2session")
    fake.odd["/sns/jscode2session"] = "cut"
    try:
        for _ in range(4):
            server.client().refused(503, "provider_unavailable", "POST", verify_path("mini1"),
                                    {"js_code": mini_code(fake, "mini1", Person())})
    finally:
        fake.odd.clear()
    assert fake.n_asked("/sns/jscode2session") == asked + 4


@pytest.mark.one_host(reason="the log of one server is read")
def test_the_secret_is_in_no_log(server, fake):
    fake.odd["/sns/jscode2session"] = 40125
    server.client().post(verify_path("mini1"), {"js_code": mini_code(fake, "mini1", Person())})
    fake.odd.clear()
    assert "40125" in server.log()
    assert not [app.secret for app in fake.apps.values() if app.secret in server.log()]


def test_a_mini_program_is_no_way_of_a_page(server):
    """Pages offer what has a begin, or asks for something."""
    ways = {one["name"]: one for one in server.client().ok("GET", "/api/v1/auth/providers")["providers"]}
    assert ways["wechat"]["capabilities"]["begin"] and ways["wechat_web"]["capabilities"]["begin"]
    assert not ways["mini1"]["capabilities"]["begin"] and ways["mini1"]["inputs"] == []
    server.client().refused(404, "not_found", "POST", "/api/v1/auth/mini1/begin", {})
    server.client().ok("POST", "/api/v1/auth/wechat/begin", {})


# ---- Races ----

def shots_of(fake, person, sections):
    return [Shot("POST", verify_path(section), {"js_code": mini_code(fake, section, person)})
            for section in sections]


@pytest.mark.parametrize("sections", [["mini1"], ["mini1", "mini2"]], ids=["one app", "two apps"])
def test_first_sign_ins_at_once_make_one_user(server, fake, sections):
    say("first sign-ins of one person")
    for i in range(ROUNDS):
        person = Person()
        seen = release(server.urls, shots_of(fake, person, (sections * N_PARALLEL)[:N_PARALLEL]))
        assert tally(seen) == {(200, None): N_PARALLEL}, f"round {i}: {tally(seen)}"
        assert len({reply.data["user"]["id"] for reply in seen}) == 1, f"round {i}"
        assert sum(reply.data["is_new_user"] for reply in seen) == 1, f"round {i}"
        assert len(set(owners(server, person).values())) == 1, f"round {i}"
        assert rows(server, "SELECT COUNT(*) FROM wechat_users WHERE openid LIKE ?",
                    f"%{person.mark}")[0][0] == len(sections), f"round {i}"


def test_one_code_has_one_winner(server, fake):
    """A05"""
    say("sign-ins with one code")
    for i in range(ROUNDS):
        body = {"js_code": mini_code(fake, "mini1", Person())}
        seen = release(server.urls, [Shot("POST", verify_path("mini1"), body)] * N_PARALLEL)
        assert len(winners(seen)) == 1, f"round {i}: {tally(seen)}"
        assert {reply.status for reply in seen} <= {200, 401, 429}, f"round {i}: {tally(seen)}"


# ---- What is kept ----

def test_the_row_has_sealed_secrets_and_follows_the_account(server, fake):
    who = sign_in_by_mini(server, fake, Person())
    (row,) = rows(server, "SELECT uid, session_key, access_token FROM wechat_users WHERE uid = ?", user_id(who))
    assert row[1] and len(row[1]) > 40 and row[2] is None
    profile = who.ok("GET", PROFILE)
    assert profile["login_type"] == "wechat"
    assert profile["wechat_info"]["openid"].startswith("omini1-")
    assert rows(server, "SELECT login_type FROM user_login_types WHERE user_id = ?",
                user_id(who)) in ([("wechat",)], (("wechat",),))


def test_the_last_way_in_stays(server, fake):
    """A62: openid and unionid are one way in, not two."""
    who = sign_in_by_mini(server, fake, Person())
    who.refused(409, "last_login_method", "POST", UNBIND)
    assert len(who.ok("GET", IDENTITIES)["identities"]) == 2


@pytest.mark.one_host(reason="its configuration is changed")
@pytest.mark.parametrize("section, leaves", [
    (("mini1", "mini", "wxmini1", "p1"), True), (("mini9", "mini", "wxmini1", ""), True),
    (("mini2", "mini", "wxmini2", "p1"), True), (("mini1", "mini", "wxmini9", "p9"), False),
    (("mini3", "mini", "wxmini3", "p2"), False)],
    ids=["as it was", "renamed", "another app of the platform", "another app", "gone"])
def test_an_app_that_is_gone_is_no_way_in(make_server, fake, section, leaves):
    """A62: the last real way in stays, whatever other sections take."""
    server = make_server(*OPTIONS, conf=conf_of(fake))
    who, person = sign_in(server), Person()
    who.ok("POST", "/api/v1/user/bind/mini1", {"js_code": mini_code(fake, "mini1", person)})
    server.stop()
    server.write_conf("50-wechat.ini", section_of(fake, *section))
    server.start()
    user, who = user_id(who), server.client().use(who.tokens["access_token"])
    if not leaves:
        who.refused(409, "last_login_method", "DELETE", UNBIND_PHONE)
        return
    who.ok("DELETE", UNBIND_PHONE)
    code = fake.make_code(fake.apps[section[2]], person, kind="mini")
    again = server.client().ok("POST", verify_path(section[0]), {"js_code": code})
    assert again["user"]["id"] == user


def test_a_person_does_not_become_another_by_a_change(server, fake):
    """A36: the openid would be the new person's, and the unionid still lead the old one in."""
    old, new = Person(), Person()
    who = sign_in_by_mini(server, fake, old)
    kept, asked = owners(server, old), fake.n_asked("/sns/jscode2session")
    for path, body in ((verify_path("mini1"), {"purpose": "change"}), (verify_path("mini1"), {"purpose": "reset"})):
        answer = who.post(path, {**body, "js_code": mini_code(fake, "mini1", new)})
        assert answer.status_code in (403, 422), answer.text
    assert owners(server, old) == kept and owners(server, new) == {}
    assert fake.n_asked("/sns/jscode2session") == asked, "its code is not spent"
    again = who.post(verify_path("mini1"), {"purpose": "bind", "js_code": mini_code(fake, "mini1", old)})
    assert again.status_code == 200, again.text


def test_what_was_unbound_leads_back_by_no_other_app(server, fake):
    """The second app's openid joins before the end of the binding, and goes with it, or makes another user."""
    say("an unbind and sign-ins by a second app", 12)
    for i in range(ROUNDS):
        who, person = sign_in(server), Person()
        who.ok("POST", "/api/v1/user/bind/mini1", {"js_code": mini_code(fake, "mini1", person)})
        shots = [Shot("POST", UNBIND, {}, who.tokens["access_token"])] + shots_of(fake, person, ["mini2"] * 11)
        seen = release(server.urls, shots)
        assert seen[0].status == 200, f"round {i}: {tally(seen)}"
        assert {reply.status for reply in seen[1:]} <= {200, 409, 503}, f"round {i}: {tally(seen)}"
        assert user_id(who) not in owners(server, person).values(), f"round {i}: {tally(seen)}"
        assert user_id(sign_in_by_mini(server, fake, person, "mini2")) != user_id(who), f"round {i}"
