# SPDX-License-Identifier: Apache-2.0
"""Whose account it is (A06): addresses that a site tells of lead to an account where the operator says so, and
only when they are verified; nobody's address is taken from them, and nobody is kept from theirs."""
import pytest

from fakes import github
from harness import sign_in
from mails import BIND, EMAIL_LOGIN, mail_in, new_address, send_code
from oauth2_server import bind_by, owners, person_of, server, sign_in_by, sites
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from steps import IDENTITIES, later, rows, user_id
from trips import OPTIONS, Trip

pytestmark = pytest.mark.core

LINKING = ["partner", "hub"]
UNPROVED = [False, None, "true", "True", 1, "1", "false", "", [], {}, [True], {"x": True}, "missing"]


def with_mail(section, address, is_verified=True):
    """Somebody of whom the site tells that address."""
    if section in ("github", "hub"):
        return github.Person(emails=[{"email": address, "primary": True, "verified": is_verified, "visibility": None}])
    person = person_of(section, email=address, email_verified=is_verified)
    if is_verified == "missing":
        del person.claims["email_verified"]
    return person


def mail_owners(server, address):
    return [row[0] for row in rows(server, "SELECT user_id FROM user_identities WHERE namespace = 'email'"
                                   " AND subject = ?", address.lower())]


def mail_again(server, address):
    """By another code to the same address."""
    later(server)
    return mail_in(server, address)


# ---- Addresses that lead somewhere ----

@pytest.mark.parametrize("section", LINKING)
def test_a_verified_address_leads_to_its_account(server, sites, section):
    owner = mail_in(server)
    person = with_mail(section, owner.email)
    who = sign_in_by(server, sites, section, person)
    assert (user_id(who), who.tokens["is_new_user"]) == (user_id(owner), False)
    assert owners(server, person) == mail_owners(server, owner.email) == [user_id(owner)]
    person.claims = dict(getattr(person, "claims", {}), email=new_address())
    person.emails = []
    assert user_id(sign_in_by(server, sites, section, person)) == user_id(owner), "by its subject, from now on"


@pytest.mark.parametrize("section", LINKING)
def test_a_new_person_is_found_by_their_address_as_well(server, sites, section):
    address = new_address()
    first = sign_in_by(server, sites, section, with_mail(section, address))
    assert first.tokens["is_new_user"] is True
    again = mail_in(server, address)
    assert (user_id(again), again.tokens["is_new_user"]) == (user_id(first), False)


def test_two_sites_of_one_address_lead_to_one_account(server, sites):
    address = new_address()
    first = sign_in_by(server, sites, "partner", with_mail("partner", address))
    second = sign_in_by(server, sites, "hub", with_mail("hub", address))
    assert user_id(second) == user_id(first)


@pytest.mark.parametrize("section", LINKING)
def test_an_address_that_somebody_else_has_now_is_no_way_in(server, sites, section):
    """A01: the site gave it to another person; the account stays with the first."""
    address = new_address()
    first, heir = with_mail(section, address), with_mail(section, address)
    owner = user_id(sign_in_by(server, sites, section, first))
    other = sign_in_by(server, sites, section, heir)
    assert other.tokens["is_new_user"] is True and user_id(other) != owner
    assert mail_owners(server, address) == [owner]
    assert user_id(sign_in_by(server, sites, section, heir)) == user_id(other)
    assert user_id(sign_in_by(server, sites, section, first)) == owner


def test_an_address_has_one_spelling(server, sites):
    owner = mail_in(server)
    assert user_id(sign_in_by(server, sites, "partner", with_mail("partner", owner.email.upper()))) == user_id(owner)


def test_linking_is_off_unless_the_operator_says_so(server, sites):
    owner = mail_in(server)
    for section in ("acme", "google", "github"):
        person = with_mail(section, owner.email)
        who = sign_in_by(server, sites, section, person)
        assert who.tokens["is_new_user"] is True and user_id(who) != user_id(owner)
    address = new_address()
    stranger = sign_in_by(server, sites, "acme", with_mail("acme", address))
    assert mail_owners(server, address) == []
    assert user_id(mail_in(server, address)) != user_id(stranger)


# ---- Addresses that nobody has verified ----

@pytest.mark.parametrize("is_verified", UNPROVED)
def test_an_unverified_address_leads_nowhere(server, sites, is_verified):
    """A site that does not verify: whoever typed the victim's address there gets an account of their own."""
    victim, address = mail_in(server), new_address()
    for claimed in (victim.email, address):
        attacker = sign_in_by(server, sites, "partner", with_mail("partner", claimed, is_verified))
        assert attacker.tokens["is_new_user"] is True and user_id(attacker) != user_id(victim)
        assert [entry["namespace"] for entry in attacker.ok("GET", IDENTITIES)["identities"]] == [
            sites.namespace("partner")]
    assert mail_owners(server, victim.email) == [user_id(victim)] and mail_owners(server, address) == []
    owner = mail_in(server, address)
    assert owner.tokens["is_new_user"] is True and user_id(owner) != user_id(attacker), "never blocked"
    assert user_id(mail_again(server, victim.email)) == user_id(victim)
    assert user_id(sign_in_by(server, sites, "partner", with_mail("partner", address))) == user_id(owner), "verified"


MAILS = {"unverified": [(True, False)], "not primary": [(False, True)], "none": [], "the text true": [(True, "true")],
         "a number": [(True, 1)], "the text primary": [("true", True)],
         "unverified beside another": [(True, False), (False, True)]}


@pytest.mark.parametrize("what", MAILS)
def test_of_github_only_the_verified_primary_address_counts(server, sites, what):
    victim = mail_in(server)
    emails = [{"email": victim.email, "primary": primary, "verified": verified, "visibility": "public"}
              for primary, verified in MAILS[what]]
    person = github.Person(emails=emails, email=victim.email)  # what /user shows is no proof
    attacker = sign_in_by(server, sites, "hub", person)
    assert attacker.tokens["is_new_user"] is True and user_id(attacker) != user_id(victim)
    assert mail_owners(server, victim.email) == [user_id(victim)]
    assert user_id(sign_in_by(server, sites, "hub", with_mail("hub", victim.email))) == user_id(victim)


@pytest.mark.parametrize("address", ["", " ", "nonsense", "a@b", "a@example.com, b@example.com", "a@example.com\n",
                                     "<a@example.com>", 7, None, ["a@example.com"], {"a": "b"},
                                     "x" * 300 + "@example.com"])
def test_what_is_no_address_joins_nobody(server, sites, address):
    """A13: two people without an address are two people."""
    users = {user_id(sign_in_by(server, sites, "partner", with_mail("partner", address))) for _ in range(2)}
    assert len(users) == 2


# ---- Who was there before ----

def test_an_address_nobody_has_proved_gives_way(server, sites):
    """Classic-federated merge: the squatter's row neither leads the victim in nor keeps them out."""
    squatter, address = sign_in(server), new_address()
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, bound_at) VALUES (?, 'email', ?, 0)",
         user_id(squatter), address)
    victim = sign_in_by(server, sites, "partner", with_mail("partner", address))
    assert victim.tokens["is_new_user"] is True and user_id(victim) != user_id(squatter)
    assert [entry["namespace"] for entry in squatter.ok("GET", IDENTITIES)["identities"]] == ["phone"]
    assert user_id(mail_in(server, address)) == user_id(victim)


def test_an_account_of_a_site_nobody_has_proved_gives_way(server, sites):
    squatter, person = sign_in(server), person_of("acme")
    rows(server, "INSERT INTO user_identities (user_id, namespace, subject, bound_at) VALUES (?, ?, ?, 0)",
         user_id(squatter), sites.namespace("acme"), person.subject)
    owner = sign_in_by(server, sites, "acme", person)
    assert owner.tokens["is_new_user"] is True and user_id(owner) != user_id(squatter)
    assert [entry["namespace"] for entry in squatter.ok("GET", IDENTITIES)["identities"]] == ["phone"]


def test_a_site_that_is_known_keeps_its_account(server, sites):
    """Whatever address they have later, of somebody or of nobody: it is looked at the first time only."""
    person, other = with_mail("partner", None), mail_in(server)
    first = user_id(sign_in_by(server, sites, "partner", person))
    for address, owners_then in ((other.email, [user_id(other)]), (new_address(), [])):
        person.claims.update(email=address, email_verified=True)
        assert user_id(sign_in_by(server, sites, "partner", person)) == first
        assert mail_owners(server, address) == owners_then


def test_an_address_that_was_taken_away_stays_away(server, sites):
    address = new_address()
    person = with_mail("partner", address)
    who = sign_in_by(server, sites, "partner", person)
    assert mail_owners(server, address) == [user_id(who)]
    who.ok("DELETE", "/api/v1/user/unbind/email")
    assert user_id(sign_in_by(server, sites, "partner", person)) == user_id(who)
    assert mail_owners(server, address) == []


def test_binding_takes_no_address_from_its_owner(server, sites):
    """Nor any other: what is bound is the account at the site."""
    owner, who = mail_in(server), sign_in(server)
    for address in (owner.email, new_address()):
        person = with_mail("partner", address)
        assert bind_by(server, sites, "partner", who, person).status_code == 200
        assert owners(server, person) == [user_id(who)]
        assert user_id(sign_in_by(server, sites, "partner", person)) == user_id(who)
        who.ok("DELETE", "/api/v1/user/unbind/partner")
    assert mail_owners(server, owner.email) == [user_id(owner)]
    assert user_id(mail_again(server, owner.email)) == user_id(owner)


def test_an_unexpired_change_of_address_is_the_accounts_own(server, sites):
    """The attacker begins to bind the victim's address and waits; the victim comes by a site, then by mail."""
    attacker, address = sign_in(server), new_address()
    flow_id, code = send_code(server, attacker, address, "bind")  # what only the victim can read
    victim = sign_in_by(server, sites, "partner", with_mail("partner", address))
    answer = attacker.post(BIND, {"email": address, "code": code, "flow_id": flow_id})
    assert answer.status_code == 409, "even with the code: the address has an owner"
    assert mail_owners(server, address) == [user_id(victim)]


def test_sessions_of_the_attacker_see_nothing_of_the_victim(server, sites):
    """Unexpired session, trojan identifier: what the attacker has made with the victim's address stays theirs."""
    address = new_address()
    attacker = sign_in_by(server, sites, "partner", with_mail("partner", address, False))
    assert bind_by(server, sites, "github", attacker).status_code == 200
    victim = sign_in_by(server, sites, "hub", with_mail("hub", address))
    assert user_id(victim) != user_id(attacker)
    assert len(victim.ok("GET", IDENTITIES)["identities"]) == 2
    assert len(attacker.ok("GET", IDENTITIES)["identities"]) == 2


# ---- Accounts that let nobody in ----

@pytest.mark.parametrize("known_by", ["subject", "address"])
def test_a_frozen_account_is_entered_by_no_site(server, sites, known_by):
    """Nor does its owner get a second one."""
    if known_by == "address":
        owner = mail_in(server)
        person = with_mail("partner", owner.email)
    else:
        person = person_of("partner")
        owner = sign_in_by(server, sites, "partner", person)
    server.ctl("user", "freeze", owner.tokens["user"]["uuid"])
    trip = Trip(server, "partner")
    answer = trip.verify(grant=trip.go(sites.partner, person)["grant"])
    assert (answer.status_code, answer.json()["error"]) == (403, "account_frozen"), answer.text
    server.ctl("user", "unfreeze", owner.tokens["user"]["uuid"])
    again = sign_in_by(server, sites, "partner", person)
    assert (user_id(again), again.tokens["is_new_user"]) == (user_id(owner), False)


@pytest.mark.one_host(reason="its options are changed")
@pytest.fixture
def closed(make_server, server, sites):
    """Another server, whose clock the sites follow meanwhile."""
    made = make_server(*OPTIONS, conf=sites.conf("acme"))
    sites.follow(made)
    yield made
    sites.follow(server)


@pytest.mark.one_host(reason="its options are changed")
def test_where_nobody_signs_up_by_themselves_no_site_signs_them_up(closed, sites):
    known = person_of("acme")
    sign_in_by(closed, sites, "acme", known)
    closed.stop()
    closed.options.append("account.auto_register=no")
    closed.start()
    trip, stranger = Trip(closed, "acme"), person_of("acme")
    answer = trip.verify(grant=trip.go(sites.acme, stranger)["grant"])
    assert answer.status_code == 404, answer.text
    assert owners(closed, stranger) == []
    assert sign_in_by(closed, sites, "acme", known).tokens["is_new_user"] is False


# ---- Races ----

def shots_of(server, sites, people):
    """Verifies of these people, each back from their site."""
    shots = []
    for section, person in people:
        trip = Trip(server, section)
        body = {"flow_id": trip.flow_id, **trip.go(sites.of(section), person)}
        shots.append(Shot("POST", f"/api/v1/auth/{section}/verify", body))
    return shots


@pytest.mark.parametrize("what", ["one account", "one address"])
def test_first_sign_ins_at_once_make_one_user(server, sites, what):
    n_parallel = N_PARALLEL // 5
    say(f"first sign-ins with {what}", n_parallel)
    for i in range(ROUNDS):
        address = new_address()
        sections = ["partner"] if what == "one account" else LINKING
        people = [(section, with_mail(section, address)) for section in sections] * (n_parallel // len(sections))
        seen = release(server.urls, shots_of(server, sites, people))
        assert {reply.status for reply in seen} <= {200, 409, 503}, f"round {i}: {tally(seen)}"
        users = {reply.data["user"]["id"] for reply in seen if reply.status == 200}
        assert len(users) == 1, f"round {i}: {tally(seen)}"
        assert mail_owners(server, address) == list(users), f"round {i}"
        assert {owner for _, person in people for owner in owners(server, person)} == users, f"round {i}"


def test_a_mail_and_a_site_at_once_make_one_user(server, sites):
    say("a code by mail and a site's word for the same address", 2)
    for i in range(ROUNDS):
        address, client = new_address(), server.client()
        flow_id, code = send_code(server, client, address)
        by_mail = Shot("POST", EMAIL_LOGIN, {"email": address, "code": code, "flow_id": flow_id})
        seen = release(server.urls, [by_mail, *shots_of(server, sites, [("partner", with_mail("partner", address))])])
        assert {reply.status for reply in seen} <= {200, 409, 503}, f"round {i}: {tally(seen)}"
        assert len({reply.data["user"]["id"] for reply in seen if reply.status == 200}) == 1, f"round {i}"
        assert len(mail_owners(server, address)) == 1, f"round {i}"
