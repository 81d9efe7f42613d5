# SPDX-License-Identifier: Apache-2.0
"""Flows that somebody else finishes, with each op of the stores failing in turn and with a key-value store that
forgets: 503 or a new beginning, and nobody is signed in who should not be."""
import pytest

from elsewhere import (OPTIONS, begin_picture, begin_trip, fragment_of, grant_of, land, path_of, scan, settings,
                       tap)
from faulty import OPTIONS as FAULTY, each_op_in_turn
from harness import new_phone, sign_in
from steps import IDENTITIES, rows, spoilt, told

VERIFY, BIND, DEVICES = path_of("trip", "verify"), path_of("trip", "bind"), path_of("devices", "verify")
FLOWS = "/api/v1/auth/flows/"
EXPIRED, DENIED = (410, "flow_expired"), (401, "invalid_credentials")


@pytest.fixture
def server(make_server, plugins):
    return make_server(*OPTIONS, *FAULTY, **settings(plugins))


def is_down(answer):
    return answer.status_code == 503


def person_of(phone):
    return "p" + phone[1:]


def sessions_of(server, person):
    return rows(server, "SELECT COUNT(*) FROM user_identities i JOIN user_sessions s ON s.subject_id = i.user_id"
                " WHERE i.subject = ?", person)[0][0]


def each(server):
    """(fault, client, somebody new) for each op that can fail."""
    for fault in each_op_in_turn(server):
        yield fault, server.client(), person_of(new_phone())


@pytest.mark.stores("sqlite", "lmdb", reason="the faulty drivers stand in front of these")
@pytest.mark.one_host(reason="a fault is told to the host of one state folder")
class TestFaults:
    def test_a_flow_is_opened_whole_or_not_told(self, server):
        for fault, client, person in each(server):
            with fault:
                answer = client.post(path_of("trip", "begin"))
            assert is_down(answer) or answer.status_code == 200, f"{fault}: {answer.text}"
            if answer.status_code == 200:
                data = answer.json()["data"]
                state = data["url"].rpartition("=")[2]
                client.ok("POST", VERIFY, {"flow_id": data["flow_id"], "grant": grant_of(land(client, state, person))})

    def test_a_callback_confirms_or_leaves_nothing_to_use(self, server):
        for fault, client, person in each(server):
            trip = begin_trip(client)
            with fault:
                answer = land(client, trip.state, person)
            assert is_down(answer) or answer.status_code == 303, f"{fault}: {answer.text}"
            if answer.status_code == 303:
                client.ok("POST", VERIFY, {**trip.body, "grant": grant_of(answer)})
                continue
            again = land(client, trip.state, person)
            assert again.status_code == 303 or told(again) in {EXPIRED, (409, "conflict")}, f"{fault}: {again.text}"
            alone = client.post(VERIFY, trip.body)
            assert told(alone) == DENIED or alone.json()["data"] == {"status": "pending"}, f"{fault}: {alone.text}"
            if again.status_code == 303:
                client.ok("POST", VERIFY, {**trip.body, "grant": grant_of(again)})
            else:
                assert sessions_of(server, person) == 0, fault

    def test_what_waits_is_never_taken_for_confirmed(self, server):
        for fault, client, person in each(server):
            trip = begin_trip(client)
            with fault:
                answer = client.post(VERIFY, trip.body)
            assert is_down(answer) or answer.json()["data"] == {"status": "pending"}, f"{fault}: {answer.text}"
            client.ok("POST", VERIFY, {**trip.body, "grant": grant_of(land(client, trip.state, person))})

    def test_a_grant_signs_in_at_most_once(self, server):
        for fault, client, person in each(server):
            trip = begin_trip(client)
            body = {**trip.body, "grant": grant_of(land(client, trip.state, person))}
            with fault:
                first = client.post(VERIFY, body)
            second = client.post(VERIFY, body)
            if is_down(first):
                assert told(second) in {(200, None), EXPIRED}, f"{fault}: {second.text}"
            else:
                assert (told(first), told(second)) == ((200, None), EXPIRED), f"{fault}: {first.text}"
            assert sessions_of(server, person) <= 1, fault

    def test_a_wrong_grant_is_never_right(self, server):
        for fault, client, person in each(server):
            trip = begin_trip(client)
            grant = grant_of(land(client, trip.state, person))
            with fault:
                answer = client.post(VERIFY, {**trip.body, "grant": spoilt(grant)})
            assert is_down(answer) or told(answer) == DENIED, f"{fault}: {answer.text}"
            assert sessions_of(server, person) == 0, fault
            client.ok("POST", VERIFY, {**trip.body, "grant": grant})

    def test_a_bind_is_the_accounts_or_nobodys(self, server):
        client = sign_in(server)
        for fault, _, person in each(server):
            trip = begin_trip(client, purpose="bind")
            body = {**trip.body, "grant": grant_of(land(client, trip.state, person))}
            with fault:
                answer = client.post(BIND, body)
            assert is_down(answer) or answer.status_code == 200, f"{fault}: {answer.text}"
            owners = rows(server, "SELECT user_id FROM user_identities WHERE subject = ?", person)
            assert owners in ([], [(client.tokens["user"]["id"],)]), fault
            if answer.status_code == 200:
                assert len(owners) == 1
        client.ok("GET", IDENTITIES)

    def test_a_scan_claims_or_does_not(self, server):
        for fault, client, person in each(server):
            picture = begin_picture(client)
            with fault:
                answer = scan(client, picture.ticket, person)
            assert is_down(answer) or answer.status_code == 200, f"{fault}: {answer.text}"
            if answer.status_code == 200:
                assert told(scan(client, picture.ticket, "second")) == (403, "forbidden")
            owner = person if scan(client, picture.ticket, person).status_code == 200 else None
            assert owner and tap(client, picture.ticket, owner).status_code == 200, fault
            client.ok("POST", DEVICES, {"flow_id": picture.flow_id})

    def test_a_tap_confirms_or_does_not(self, server):
        for fault, client, person in each(server):
            picture = begin_picture(client)
            scan(client, picture.ticket, person)
            with fault:
                answer = tap(client, picture.ticket, person)
            assert is_down(answer) or answer.status_code == 200, f"{fault}: {answer.text}"
            again = tap(client, picture.ticket, person)
            assert told(again) in {(200, None), (409, "conflict")}, f"{fault}: {again.text}"
            client.ok("POST", DEVICES, {"flow_id": picture.flow_id})

    def test_a_cancelled_flow_is_over_or_not(self, server):
        for fault, client, person in each(server):
            picture = begin_picture(client)
            with fault:
                answer = client.delete(FLOWS + picture.flow_id)
            assert is_down(answer) or answer.status_code == 200, f"{fault}: {answer.text}"
            if answer.status_code == 200:
                assert told(scan(client, picture.ticket, person)) == EXPIRED


@pytest.mark.one_host(reason="all of it is stopped")
def test_what_the_store_forgets_begins_anew(make_server, plugins):
    """The key-value store is wiped while all is down: flows, tickets and grants are gone, none is believed."""
    server = make_server(*OPTIONS, **settings(plugins))
    client, person = server.client(), person_of(new_phone())
    trip, picture, landed = begin_trip(client), begin_picture(client), begin_trip(client)
    body = {**landed.body, "grant": grant_of(land(client, landed.state, person))}
    scan(client, picture.ticket, person)
    assert server.stop() == 0
    server.stores.kv.wipe()
    server.start()
    client = server.client()
    assert told(land(client, trip.state, person)) == EXPIRED
    assert told(tap(client, picture.ticket, person)) == EXPIRED
    for asked in (body, trip.body, {"flow_id": picture.flow_id}):
        client.refused(*EXPIRED, "POST", VERIFY, asked)
    assert sessions_of(server, person) == 0
    again = begin_trip(client)
    client.ok("POST", VERIFY, {**again.body, **fragment_of(land(client, again.state, person))[1]})
