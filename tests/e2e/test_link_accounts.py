# SPDX-License-Identifier: Apache-2.0
"""What is somebody else's moves only when both accounts were proved, and an account that nobody could reach any
more goes with it when its owner says so (A06, A07)."""
import json
import re

import pytest

from fakes.wechat import Person
from faulty import OPTIONS as FAULTY, each_op_in_turn
from harness import GOOD_SECRET, new_phone, register, send_code, sign_in
from mails import BIND as BIND_EMAIL, mail_in, send_code as send_mail
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally, winners
from steps import (BIND_PHONE, IDENTITIES, LOGIN, PROFILE, UNBIND_PHONE, accounts_of, code_again, later, rows,
                   sign_in_again, told, user_id, wrong)
from wechat_server import (BIND as BIND_WECHAT, UNBIND as UNBIND_WECHAT, Opener, fake, mini_code, phone_of, server,
                           sign_in_by_mini, sign_in_by_phone)

pytestmark = pytest.mark.core

VERIFY = "/api/v1/auth/phone_sms/verify"
TAKEN, NOT_PROVED, LAST = (409, "identity_taken"), (403, "other_not_proved"), (409, "last_login_method")
EXPIRED = (410, "flow_expired")


def status_of(server, who):
    return rows(server, "SELECT status FROM users WHERE id = ?", user_id(who))[0][0]


def owners(server, ns, subject):
    return [row[0] for row in rows(server, "SELECT user_id FROM user_identities WHERE namespace = ?"
                                           " AND subject = ?", ns, subject)]


def named(server):
    """Somebody with a number, a password and a name: the number is not all they have."""
    who = register(server)
    who.ok("PUT", PROFILE, {"username": "kim" + who.phone[-8:]})
    return who


def again(server, who):
    """The same account, in a session of now."""
    client = server.client()
    client.tokens = client.ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})
    return client.use(client.tokens["access_token"])


def token_of(who):
    return who.tokens["access_token"]


def n_entered(server):
    text = server.client().get("/metrics").text
    return int(re.search(r'^pintle_codes_total{state="entered"} (\d+)$', text, re.M)[1])


class Wanted:
    """A number of owner that who has proved as well, for their own account."""

    def __init__(self, server, who, owner, purpose="bind"):
        flow_id, code = code_again(server, who, owner.phone, purpose)
        self.server, self.who, self.path = server, who, BIND_PHONE if purpose == "bind" else VERIFY
        self.body = {"phone": owner.phone, "code": code, "flow_id": flow_id}

    def ask(self, who=None, **fields):
        return (who or self.who).post(self.path, {**self.body, **fields})

    def offer(self):
        answer = self.ask()
        assert told(answer) == TAKEN, answer.text
        return answer.json()["data"]["link"]


# ---- The offer ----

def test_what_is_taken_is_offered(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    offer = wanted.offer()
    assert offer == {"flow_id": wanted.body["flow_id"], "expires_in": offer["expires_in"],
                     "closes_account": False}
    assert 200 < offer["expires_in"] <= 300
    assert accounts_of(server, owner.phone) == [user_id(owner)]
    later(server, 120)
    assert wanted.offer()["expires_in"] <= 180, "a flow does not live longer for it"


def test_a_wrong_code_is_offered_nothing(server):
    owner, who = sign_in(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    answer = wanted.ask(code=wrong(wanted.body["code"]))
    assert told(answer) == (401, "invalid_code") and answer.json()["data"] is None
    assert wanted.offer()["closes_account"] is True


def test_each_try_counts(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    for _ in range(5):
        wanted.offer()
    assert told(wanted.ask(other_token=token_of(again(server, owner)))) == EXPIRED
    assert accounts_of(server, owner.phone) == [user_id(owner)]


@pytest.mark.one_host(reason="the counters of one host are read")
def test_a_code_that_comes_back_often_has_come_back_once(make_server):
    """Else one number in many hands would pay for codes that nobody enters."""
    one = make_server(workers=2)
    owner, who = named(one), sign_in(one)
    wanted, before = Wanted(one, who, owner), n_entered(one)
    wanted.offer()
    wanted.offer()
    assert n_entered(one) == before + 1
    assert told(wanted.ask(other_token=token_of(again(one, owner)))) == (200, None)
    assert n_entered(one) == before + 1


def test_nothing_is_offered_of_a_frozen_account(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    server.ctl("user", "freeze", owner.tokens["user"]["uuid"])
    answer = wanted.ask()
    assert told(answer) == TAKEN and answer.json()["data"] is None
    assert told(wanted.ask()) == EXPIRED
    server.ctl("user", "unfreeze", owner.tokens["user"]["uuid"])
    assert Wanted(server, who, owner).offer()["closes_account"] is False


# ---- The move ----

def test_a_number_moves_to_who_proved_both(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    wanted.offer()
    fresh = again(server, owner)
    answer = wanted.ask(other_token=token_of(fresh))
    assert told(answer) == (200, None), answer.text
    assert [entry["namespace"] for entry in answer.json()["data"]["identities"]] == ["phone", "phone"]
    assert accounts_of(server, owner.phone) == accounts_of(server, who.phone) == [user_id(who)]
    assert who.ok("GET", PROFILE)["phone"] == who.phone[3:6] + "****" + who.phone[-4:]
    for other in (owner, fresh):
        assert sorted(e["namespace"] for e in other.ok("GET", IDENTITIES)["identities"]) == ["password", "username"]
    assert not fresh.ok("GET", PROFILE)["phone"]
    assert user_id(sign_in_again(server, owner.phone)) == user_id(who)
    name = server.client().ok("POST", LOGIN, {"account": "kim" + owner.phone[-8:], "password": GOOD_SECRET})
    assert name["user"]["id"] == user_id(owner)
    assert told(wanted.ask(other_token=token_of(fresh))) == EXPIRED


def test_both_accounts_have_it_in_their_history(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    assert told(wanted.ask(other_token=token_of(again(server, owner)))) == (200, None)
    for account in (owner, who):
        ((target, details),) = rows(server, "SELECT target, details FROM auth_logs WHERE action = 'identity.move'"
                                            " AND actor_id = ?", user_id(account))
        assert target == "phone"
        assert json.loads(details) == {"from": user_id(owner), "to": user_id(who)}


def test_the_last_way_in_takes_its_account_along_only_when_told(server):
    owner, who = sign_in(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    assert wanted.offer()["closes_account"] is True
    fresh = sign_in_again(server, owner.phone)
    assert told(wanted.ask(other_token=token_of(fresh))) == LAST
    assert told(wanted.ask(other_token=token_of(fresh), close_other=False)) == LAST
    assert status_of(server, owner) == "active" and accounts_of(server, owner.phone) == [user_id(owner)]
    assert told(wanted.ask(other_token=token_of(fresh), close_other=True)) == (200, None)
    assert status_of(server, owner) == "deleted" and accounts_of(server, owner.phone) == [user_id(who)]
    for client in (owner, fresh):
        client.refused(401, "invalid_token", "GET", PROFILE)
    server.client().refused(401, "invalid_token", "POST", "/api/v1/auth/refresh",
                            {"refresh_token": fresh.tokens["refresh_token"]})
    assert rows(server, "SELECT COUNT(*) FROM auth_logs WHERE action = 'user.delete' AND target = ?",
                owner.tokens["user"]["uuid"])[0][0] == 1
    assert user_id(sign_in_again(server, owner.phone)) == user_id(who)
    who.ok("GET", PROFILE)


def test_what_no_section_takes_today_keeps_its_account(server):
    """A section may be out of service, or its plugin left out: tomorrow it leads there again."""
    owner, who = sign_in(server), sign_in(server)
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, verified_at, instance, bound_at)"
         " VALUES (?, 'oidc:away', ?, 1, 'away', 0)", user_id(owner), owner.phone)
    wanted = Wanted(server, who, owner)
    for fields in ({}, {"other_token": token_of(sign_in_again(server, owner.phone)), "close_other": True}):
        answer = wanted.ask(**fields)
        assert told(answer) == LAST and answer.json()["data"] is None
    assert status_of(server, owner) == "active" and accounts_of(server, owner.phone) == [user_id(owner)]
    rows(server, "DELETE FROM user_identities WHERE namespace = 'oidc:away' AND user_id = ?", user_id(owner))
    assert wanted.offer()["closes_account"] is True


def test_an_account_with_another_way_in_is_not_closed(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    assert told(wanted.ask(other_token=token_of(again(server, owner)), close_other=True)) == (200, None)
    assert status_of(server, owner) == "active"
    owner.ok("GET", PROFILE)


def test_nothing_is_closed_for_what_is_free_by_then(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    wanted.offer()
    fresh = again(server, owner)
    fresh.ok("DELETE", UNBIND_PHONE)
    assert told(wanted.ask(other_token=token_of(fresh), close_other=True)) == (200, None)
    assert status_of(server, owner) == "active" and accounts_of(server, owner.phone) == [user_id(who)]


def test_a_change_of_number(server):
    owner, who = named(server), sign_in(server)
    former, wanted = who.phone, Wanted(server, who, owner, "change")
    assert wanted.offer()["closes_account"] is False
    assert told(wanted.ask(other_token=token_of(again(server, owner)))) == (200, None)
    assert accounts_of(server, owner.phone) == [user_id(who)] and accounts_of(server, former) == []


def test_an_address_moves(server):
    owner, who = mail_in(server), sign_in(server)
    later(server)
    flow_id, code = send_mail(server, who, owner.email, "bind")
    body = {"email": owner.email, "code": code, "flow_id": flow_id}
    answer = who.post(BIND_EMAIL, body)
    assert told(answer) == TAKEN and answer.json()["data"]["link"]["closes_account"] is True
    later(server)
    fresh = mail_in(server, owner.email)
    body["other_token"] = token_of(fresh)
    who.refused(*LAST, "POST", BIND_EMAIL, body)
    who.ok("POST", BIND_EMAIL, {**body, "close_other": True})
    assert owners(server, "email", owner.email) == [user_id(who)]
    assert status_of(server, owner) == "deleted"


# ---- WeChat: several identities of one person ----

def wechat_for(server, fake, who, person):
    """The binding of a WeChat that was confirmed on the phone."""
    opener, phone = Opener(server, who, purpose="bind"), phone_of(server, fake, person)
    assert phone.scan(opener.scan_url()).status_code == 200
    assert phone.tap("confirm").status_code == 200
    return {"session_id": opener.flow_id}


def wechats_of(server, person):
    return dict(rows(server, "SELECT namespace, user_id FROM user_identities WHERE subject LIKE ?",
                     f"%{person.mark}"))


def test_a_wechat_moves_as_a_whole(server, fake):
    person, who = Person(), sign_in(server)
    opener, phone = Opener(server), phone_of(server, fake, person)
    phone.scan(opener.scan_url())
    phone.tap("confirm")
    owner = opener.tokens()
    body = wechat_for(server, fake, who, person)
    answer = who.post(BIND_WECHAT, body)
    assert told(answer) == TAKEN and answer.json()["data"]["link"]["closes_account"] is True
    body["other_token"] = token_of(sign_in_by_mini(server, fake, person))
    bound = who.ok("POST", BIND_WECHAT, body)
    assert bound["wechat_info"]["openid"] == f"oqr-{person.mark}"
    assert wechats_of(server, person) == {"wechat:openid:wxqr": user_id(who), "wechat:unionid:p1": user_id(who),
                                          "wechat:openid:wxmini1": user_id(owner)}
    assert rows(server, "SELECT uid FROM wechat_users WHERE openid = ?", f"oqr-{person.mark}")[0][0] == user_id(who)
    assert status_of(server, owner) == "active", "the mini program still leads there"


def test_who_has_a_wechat_is_offered_no_second(server, fake):
    """They are told before they sign in to the other account and give it up."""
    person, own, who = Person(), Person(), sign_in(server)
    owner = sign_in_by_phone(server, fake, person)
    assert told(who.post(BIND_WECHAT, wechat_for(server, fake, who, own))) == (200, None)
    before, body = wechats_of(server, person), wechat_for(server, fake, who, person)
    proof = {"other_token": token_of(sign_in_by_phone(server, fake, person)), "close_other": True}
    for fields in ({}, proof):
        answer = who.post(BIND_WECHAT, {**body, **fields})
        assert told(answer) == TAKEN and answer.json()["data"] is None
    assert wechats_of(server, person) == before and status_of(server, owner) == "active"
    assert rows(server, "SELECT uid FROM wechat_users WHERE openid = ?",
                f"oqr-{person.mark}")[0][0] == user_id(owner)
    assert rows(server, "SELECT COUNT(*) FROM auth_logs WHERE action = 'identity.move' AND actor_id = ?",
                user_id(who))[0][0] == 0
    who.ok("POST", UNBIND_WECHAT)
    answer = who.post(BIND_WECHAT, body)
    assert told(answer) == TAKEN and answer.json()["data"]["link"]["closes_account"] is True
    assert told(who.post(BIND_WECHAT, {**body, **proof})) == (200, None)
    assert set(wechats_of(server, person).values()) == {user_id(who)} and status_of(server, owner) == "deleted"


def test_the_last_wechat_closes(server, fake):
    person, who = Person(), sign_in(server)
    owner = sign_in_by_mini(server, fake, person)
    rows(server, "DELETE FROM user_identities WHERE namespace = 'wechat:openid:wxmini1' AND subject LIKE ?",
         f"%{person.mark}")
    body = wechat_for(server, fake, who, person)
    answer = who.post(BIND_WECHAT, body)
    assert told(answer) == TAKEN and answer.json()["data"]["link"]["closes_account"] is True
    opener, phone = Opener(server), phone_of(server, fake, person)
    phone.scan(opener.scan_url())
    phone.tap("confirm")
    fresh = opener.tokens()
    assert user_id(fresh) == user_id(owner)
    body["other_token"] = token_of(fresh)
    assert told(who.post(BIND_WECHAT, body)) == LAST
    assert told(who.post(BIND_WECHAT, {**body, "close_other": True})) == (200, None)
    assert set(wechats_of(server, person).values()) == {user_id(who)}
    assert status_of(server, owner) == "deleted"


def test_nothing_is_offered_of_two_others(server, fake):
    """The openid is one account's, the unionid another's: one session does not prove both."""
    person, who = Person(), sign_in(server)
    named_by_union = user_id(sign_in_by_mini(server, fake, person))
    other = sign_in(server)
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, verified_at, instance, bound_at)"
         " VALUES (?, 'wechat:openid:wxqr', ?, 1, 'wechat', 0)", user_id(other), f"oqr-{person.mark}")
    body = wechat_for(server, fake, who, person)
    answer = who.post(BIND_WECHAT, {**body, "other_token": token_of(sign_in_again(server, other.phone))})
    assert told(answer) == TAKEN and answer.json()["data"] is None
    assert set(wechats_of(server, person).values()) == {named_by_union, user_id(other)}


def test_a_proof_without_a_flow_is_offered_nothing(server, fake):
    person, who, path = Person(), sign_in(server), "/api/v1/user/bind/mini1"
    owner = sign_in_by_mini(server, fake, person)
    answer = who.post(path, {"js_code": mini_code(fake, "mini1", person), "other_token": token_of(owner)})
    assert told(answer) == TAKEN and answer.json()["data"] is None
    assert told(who.post(path, {"js_code": mini_code(fake, "mini1", Person())})) == (200, None)


# ---- What proves the other account ----

def ended(server, owner, _):
    fresh = again(server, owner)
    fresh.ok("POST", "/api/v1/auth/logout")
    return token_of(fresh)


def another_ends_it(server, owner, _):
    fresh = again(server, owner)
    again(server, owner).ok("DELETE", "/api/v1/user/sessions")
    return token_of(fresh)


BAD_TOKENS = {
    "nonsense": lambda server, owner, who: "a.b.c",
    "nothing": lambda server, owner, who: "",
    "one's own": lambda server, owner, who: token_of(who),
    "a third's": lambda server, owner, who: token_of(sign_in(server)),
    "an old one": lambda server, owner, who: token_of(owner),
    "an old one renewed": lambda server, owner, who: server.client().ok(
        "POST", "/api/v1/auth/refresh", {"refresh_token": owner.tokens["refresh_token"]})["access_token"],
    "a refresh token": lambda server, owner, who: again(server, owner).tokens["refresh_token"],
    "of a session that was ended": ended,
    "of a session that another has ended": another_ends_it,
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_what_does_not_prove_the_other_account(server, kind):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    answer = wanted.ask(other_token=BAD_TOKENS[kind](server, owner, who), close_other=True)
    assert told(answer) == NOT_PROVED and answer.json()["data"] is None
    assert accounts_of(server, owner.phone) == [user_id(owner)] and status_of(server, owner) == "active"
    assert told(wanted.ask(other_token=token_of(again(server, owner)))) == (200, None)


@pytest.mark.parametrize("fields, named_field", [({"other_token": 1}, "other_token"), ({"close_other": "yes"},
                                                                                    "close_other")])
def test_fields_of_the_wrong_type(server, fields, named_field):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    answer = wanted.ask(**{"other_token": token_of(again(server, owner)), **fields})
    assert told(answer) == (422, "field_invalid")
    assert [entry["field"] for entry in answer.json()["fields"]] == [named_field]
    assert told(wanted.ask(other_token=token_of(again(server, owner)))) == (200, None)


def test_a_field_that_is_null_is_not_given(server):
    owner, who = named(server), sign_in(server)
    wanted = Wanted(server, who, owner)
    assert told(wanted.ask(other_token=None, close_other=None)) == (409, "identity_taken")
    assert told(wanted.ask(other_token=token_of(again(server, owner)), close_other=None)) == (200, None)


def test_a_proof_of_one_session_links_in_no_other(server):
    """A07: user, session and provider of the flow, and the number itself."""
    owner, who, thief = named(server), sign_in(server), sign_in(server)
    twin, wanted = sign_in_again(server, who.phone), Wanted(server, who, owner)
    other = {"other_token": token_of(again(server, owner))}
    assert told(wanted.ask(who=twin, **other)) == EXPIRED
    assert told(wanted.ask(who=thief, **other)) == EXPIRED
    assert told(who.post(BIND_EMAIL, {**wanted.body, **other, "email": "a@example.com"})) == EXPIRED
    assert told(wanted.ask(phone=thief.phone, **other)) == (401, "invalid_code")
    assert accounts_of(server, owner.phone) == [user_id(owner)]
    assert told(wanted.ask(**other)) == (200, None)


def test_the_session_that_asks_must_live(server):
    owner, who = named(server), sign_in(server)
    wanted, fresh = Wanted(server, who, owner), again(server, owner)
    wanted.offer()
    who.ok("POST", "/api/v1/auth/logout")
    assert told(wanted.ask(other_token=token_of(fresh))) == (401, "invalid_token")
    assert accounts_of(server, owner.phone) == [user_id(owner)]


def test_a_free_number_needs_no_other(server):
    who, phone = sign_in(server), new_phone()
    flow_id, code = send_code(server, who, phone, "bind")
    who.ok("POST", BIND_PHONE, {"phone": phone, "code": code, "flow_id": flow_id, "other_token": "a.b.c",
                                "close_other": True})
    assert accounts_of(server, phone) == [user_id(who)]


# ---- Races ----

def shot_of(wanted, other_token, **fields):
    return Shot("POST", wanted.path, {**wanted.body, "other_token": other_token, **fields}, token_of(wanted.who))


def test_one_of_many_repeats_wins(server):
    say("repeats of one link")
    for i in range(ROUNDS):
        owner, who = sign_in(server), sign_in(server)
        wanted = Wanted(server, who, owner)
        wanted.offer()
        shot = shot_of(wanted, token_of(sign_in_again(server, owner.phone)), close_other=True)
        replies = release(server.urls, [shot] * N_PARALLEL)
        assert len(winners(replies)) == 1, f"round {i}: {tally(replies)}"
        # The winner has ended the session that the others show.
        assert set(tally(replies)) <= {(200, None), EXPIRED, NOT_PROVED}, f"round {i}: {tally(replies)}"
        assert accounts_of(server, owner.phone) == [user_id(who)], f"round {i}"
        assert status_of(server, owner) == "deleted" and status_of(server, who) == "active", f"round {i}"
        assert rows(server, "SELECT COUNT(*) FROM auth_logs WHERE action = 'identity.move' AND actor_id = ?",
                    user_id(who))[0][0] == 1, f"round {i}"


def test_two_accounts_that_take_from_each_other(server):
    """Both are locked in one order; each of the two has its own identity left or gets the other's."""
    say("two links against each other", 2)
    for i in range(ROUNDS):
        first, second = named(server), named(server)
        one, two = Wanted(server, first, second), Wanted(server, second, first)
        tokens = token_of(again(server, first)), token_of(again(server, second))
        replies = release(server.urls, [shot_of(one, tokens[1]), shot_of(two, tokens[0])])
        assert tally(replies) == {(200, None): 2}, f"round {i}: {tally(replies)}"
        assert accounts_of(server, second.phone) == [user_id(first)], f"round {i}"
        assert accounts_of(server, first.phone) == [user_id(second)], f"round {i}"


def test_two_that_would_close_each_other(server):
    """Whoever comes second finds the own account gone: one is left, with both numbers."""
    say("two that close each other", 2)
    for i in range(ROUNDS):
        first, second = sign_in(server), sign_in(server)
        one, two = Wanted(server, first, second), Wanted(server, second, first)
        later(server)
        tokens = token_of(sign_in(server, first.phone)), token_of(sign_in(server, second.phone))
        replies = release(server.urls, [shot_of(one, tokens[1], close_other=True),
                                        shot_of(two, tokens[0], close_other=True)])
        seen = [status_of(server, who) for who in (first, second)]
        left = (first, second)[seen.index("active")]
        assert sorted(seen) == ["active", "deleted"], f"round {i}: {seen}"
        assert len(winners(replies)) == 1, f"round {i}: {tally(replies)}"
        assert accounts_of(server, first.phone) == accounts_of(server, second.phone) == [user_id(left)], f"round {i}"


def test_a_link_and_an_unbind_leave_a_way_in(server):
    """The number moves while its owner gives the password up: one of both is refused, or closes nothing."""
    say("a link beside an unbind", 2)
    for i in range(ROUNDS):
        owner, who = named(server), sign_in(server)
        wanted, fresh = Wanted(server, who, owner), again(server, owner)
        replies = release(server.urls, [
            shot_of(wanted, token_of(fresh)),
            Shot("DELETE", "/api/v1/user/unbind/password", {}, token_of(fresh))])
        assert len(winners(replies)) == 1 and set(tally(replies)) == {(200, None), LAST}, f"round {i}: {replies}"
        left = sorted(entry["namespace"] for entry in owner.ok("GET", IDENTITIES)["identities"])
        assert left in (["password", "username"], ["phone", "username"]), f"round {i}: {left}"


def test_who_signs_in_meanwhile_is_in_one_account(server):
    """A sign-in by the number beside the link that closes its account."""
    say("a link beside a sign-in", 2)
    for i in range(ROUNDS):
        owner, who = sign_in(server), sign_in(server)
        wanted = Wanted(server, who, owner)
        fresh = sign_in_again(server, owner.phone)
        later(server)
        flow_id, code = send_code(server, server.client(), owner.phone)
        replies = release(server.urls, [
            shot_of(wanted, token_of(fresh), close_other=True),
            Shot("POST", "/api/v1/auth/phone-login", {"phone": owner.phone, "code": code, "flow_id": flow_id})])
        assert replies[0].status == 200, f"round {i}: {replies}"
        assert accounts_of(server, owner.phone) == [user_id(who)], f"round {i}"
        if replies[1].status != 200:
            assert (replies[1].status, replies[1].error) == EXPIRED, f"round {i}: {replies[1]}"
            continue
        late = server.client(token=replies[1].data["access_token"])
        if replies[1].data["user"]["id"] == user_id(who):
            late.ok("GET", PROFILE)
        else:
            late.refused(401, "invalid_token", "GET", PROFILE)


# ---- Stores that fail ----

@pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these")
@pytest.mark.one_host(reason="a fault is told to the host of one state folder")
@pytest.mark.parametrize("has_offer", [True, False], ids=["after an offer", "at once"])
def test_a_link_is_whole_or_not_there(make_server, plugins, has_offer):
    frail = make_server(*FAULTY, plugins=str(plugins))
    for fault in each_op_in_turn(frail):
        owner, who = sign_in(frail), sign_in(frail)
        wanted = Wanted(frail, who, owner)
        if has_offer:
            wanted.offer()
        fresh = sign_in_again(frail, owner.phone)
        with fault:
            answer = wanted.ask(other_token=token_of(fresh), close_other=True)
        assert answer.status_code in (200, 503), f"{fault}: {answer.text}"
        is_moved = accounts_of(frail, owner.phone) == [user_id(who)]
        assert is_moved or accounts_of(frail, owner.phone) == [user_id(owner)], fault
        assert is_moved or answer.status_code == 503, fault
        assert status_of(frail, owner) == ("deleted" if is_moved else "active"), fault
        n_live = rows(frail, "SELECT COUNT(*) FROM user_sessions WHERE status = 'active' AND subject_id = ?",
                      user_id(owner))[0][0]
        assert n_live == (0 if is_moved else 2), fault
        n_moves = rows(frail, "SELECT COUNT(*) FROM auth_logs WHERE action = 'identity.move' AND actor_id = ?",
                       user_id(who))[0][0]
        assert n_moves == (1 if is_moved else 0), fault


@pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these")
@pytest.mark.one_host(reason="a fault is told to the host of one state folder")
def test_an_offer_that_failed_is_made_again(make_server, plugins):
    frail = make_server(*FAULTY, plugins=str(plugins))
    for fault in each_op_in_turn(frail):
        owner, who = sign_in(frail), sign_in(frail)
        wanted = Wanted(frail, who, owner)
        with fault:
            answer = wanted.ask()
        assert told(answer) == TAKEN or answer.status_code == 503, f"{fault}: {answer.text}"
        assert wanted.offer()["closes_account"] is True, fault
        assert accounts_of(frail, owner.phone) == [user_id(owner)], fault
