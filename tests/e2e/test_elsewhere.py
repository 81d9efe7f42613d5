# SPDX-License-Identifier: Apache-2.0
"""Flows that somebody else finishes: the browser an upstream sends back (A05, A07, A46, A47), another device
(A18). Neither who opened the flow alone nor who finished it alone gets anything."""
import pytest

from elsewhere import (LISTED, OPTIONS, PUBLIC, begin_picture, begin_trip, fragment_of, grant_of, land, path_of, scan,
                       settings, tap)
from harness import new_phone, sign_in, wait_for
from pair import serve
from parallel import N_PARALLEL, ROUNDS, Shot, release, say, tally
from steps import IDENTITIES, PROFILE, fields_of, later, rows, spoilt, told, user_id

FLOWS = "/api/v1/auth/flows/"
VERIFY = path_of("trip", "verify")
DEVICES = path_of("devices", "verify")
TTL_S = 300
TRIES = 5  # limits.flow_tries

pytestmark = pytest.mark.core


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def server(request, plugins):
    started = serve(workers=request.param, options=OPTIONS, **settings(plugins)).start()
    yield started
    started.close()


@pytest.fixture
def person():
    """Somebody at the upstream, or their phone; known to nobody else."""
    return "p" + new_phone()[1:]


def came_back(client, person, **fields):
    """A flow whose browser has been at the upstream: the body of its verify."""
    trip = begin_trip(client, **fields)
    return {**trip.body, "grant": grant_of(land(client, trip.state, person))}


def state_of(client, flow_id):
    return client.ok("GET", FLOWS + flow_id)["status"]


def sessions_of(server, person):
    return rows(server, "SELECT COUNT(*) FROM user_identities i JOIN user_sessions s ON s.subject_id = i.user_id"
                " WHERE i.subject = ?", person)[0][0]


# ---- Where everything is right ----

def messages_to(server, phone):
    return [message for message in server.outbox() if message["to"] == phone]


def test_what_a_callback_has_sent_goes_out_when_it_ends_well(server, person):
    phone, other = new_phone(), new_phone()
    client = server.client()
    assert land(client, begin_trip(client).state, "down", tell=other).status_code == 503
    grant_of(land(client, begin_trip(client).state, person, tell=phone))
    wait_for(lambda: len(messages_to(server, phone)) == 1, "the message")
    sign_in(server, other)  # who got none need not wait for a code
    assert len(messages_to(server, other)) == 1


def test_a_browser_goes_and_comes_back_signed_in(server, person):
    client = server.client()
    trip = begin_trip(client)
    assert client.ok("POST", VERIFY, trip.body) == {"status": "pending"}
    place, fragment = fragment_of(land(client, trip.state, person))
    assert place == PUBLIC + "/login"
    assert state_of(client, trip.flow_id) == "confirmed"
    tokens = client.ok("POST", VERIFY, {**trip.body, **fragment})
    assert tokens["is_new_user"] is True
    assert client.use(tokens["access_token"]).get(PROFILE).status_code == 200
    again = client.ok("POST", VERIFY, came_back(client, person))
    assert (again["user"]["id"], again["is_new_user"]) == (tokens["user"]["id"], False)


def test_a_phone_scans_and_confirms(server, person):
    client, phone = server.client(), server.client()
    picture = begin_picture(client)
    body = {"flow_id": picture.flow_id}
    assert state_of(client, picture.flow_id) == "pending"
    page = scan(phone, picture.ticket, person)
    assert page.status_code == 200 and page.text == "127.0.0.1", page.text
    assert client.ok("POST", DEVICES, body) == {"status": "scanned"}
    assert state_of(client, picture.flow_id) == "scanned"
    assert tap(phone, picture.ticket, person).status_code == 200
    assert state_of(client, picture.flow_id) == "confirmed"
    assert client.ok("POST", DEVICES, body)["is_new_user"] is True
    client.refused(410, "flow_expired", "POST", DEVICES, body)
    assert told(tap(phone, picture.ticket, person)) == (410, "flow_expired")


def test_waiting_costs_no_tries(server, person):
    client = server.client()
    trip = begin_trip(client)
    for _ in range(2 * TRIES + 1):
        assert client.ok("POST", VERIFY, trip.body) == {"status": "pending"}
    fragment = fragment_of(land(client, trip.state, person))[1]
    client.ok("POST", VERIFY, {**trip.body, **fragment})


# ---- A05: what is good once ----

def test_a_state_is_good_once(server, person):
    client = server.client()
    trip = begin_trip(client)
    grant = grant_of(land(client, trip.state, person))
    for code in (person, "refused", "another"):
        assert told(land(client, trip.state, code)) == (410, "flow_expired")
    client.ok("POST", VERIFY, {**trip.body, "grant": grant})
    client.refused(410, "flow_expired", "POST", VERIFY, {**trip.body, "grant": grant})
    assert sessions_of(server, person) == 1


def test_of_fifty_callbacks_at_once_one_runs(server):
    client = server.client()
    say("callbacks of one state")
    for number in range(ROUNDS):
        trip = begin_trip(client)
        replies = release(server.urls, [
            Shot("GET", f"{path_of('trip', 'callback')}?state={trip.state}&code=r{number}x{i}", None)
            for i in range(N_PARALLEL)])
        assert tally(replies) == {(303, None): 1, (410, "flow_expired"): N_PARALLEL - 1}


def test_of_fifty_verifies_at_once_one_signs_in(server, person):
    client = server.client()
    say("verifies of one grant")
    for number in range(ROUNDS):
        body = came_back(client, f"{person}n{number}")
        replies = release(server.urls, [Shot("POST", VERIFY, body)] * N_PARALLEL)
        counts = tally(replies)
        assert counts[(200, None)] == 1, counts
        assert sessions_of(server, f"{person}n{number}") == 1


def test_a_head_takes_nothing_away(server, person):
    client = server.client()
    trip = begin_trip(client)
    answer = client.http.head(server.url + path_of("trip", "callback"),
                              params={"state": trip.state, "code": person}, timeout=30)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert land(client, trip.state, person).status_code == 303


def test_an_upstream_that_is_down_is_no_denial(server, person):
    client = server.client()
    trip = begin_trip(client)
    assert told(land(client, trip.state, "down")) == (503, "provider_unavailable")
    assert state_of(client, trip.flow_id) == "pending"
    assert told(land(client, trip.state, person)) == (410, "flow_expired")  # its code was shown to the upstream


def test_who_refuses_at_the_upstream_is_not_signed_in(server):
    client = server.client()
    trip = begin_trip(client, return_to=LISTED)
    assert fragment_of(land(client, trip.state, "refused")) == (LISTED, {"error": "access_denied"})
    assert state_of(client, trip.flow_id) == "failed"
    client.refused(401, "invalid_credentials", "POST", VERIFY, trip.body)


# ---- A47: who opened the flow and who landed must be the same browser ----

def test_the_opener_alone_gets_nothing(server, person):
    """The attacker opened the flow and made the victim go to the upstream."""
    attacker, victim = server.client(), server.client()
    trip = begin_trip(attacker)
    grant = grant_of(land(victim, trip.state, person))
    for body in (trip.body, {**trip.body, "grant": ""}, {**trip.body, "grant": trip.state},
                 {**trip.body, "grant": trip.flow_id}):
        attacker.refused(401, "invalid_credentials", "POST", VERIFY, body)
    assert sessions_of(server, person) == 0
    attacker.ok("POST", VERIFY, {**trip.body, "grant": grant})  # the twin: with it they would


def test_who_landed_alone_gets_nothing(server, person):
    """The victim's browser was led to a callback with the attacker's state and code."""
    attacker, victim = server.client(), server.client()
    trip = begin_trip(attacker)
    answer = land(victim, trip.state, person)
    grant = grant_of(answer)
    assert trip.flow_id not in answer.text + str(answer.headers)
    for body in ({"grant": grant}, {"grant": grant, "flow_id": grant}, {"grant": grant, "flow_id": trip.state}):
        status, error = told(victim.post(VERIFY, body))
        assert (status, error) in {(422, "field_invalid"), (410, "flow_expired")}, (status, error)
    assert sessions_of(server, person) == 0


def test_the_grant_of_another_flow_is_none(server, person):
    client = server.client()
    mine, others = came_back(client, person), came_back(client, "q" + person)
    client.refused(401, "invalid_credentials", "POST", VERIFY, {**mine, "grant": others["grant"]})
    client.ok("POST", VERIFY, mine)
    client.ok("POST", VERIFY, others)


def test_wrong_grants_cost_tries(server, person):
    client = server.client()
    body = came_back(client, person)
    for _ in range(TRIES):
        client.refused(401, "invalid_credentials", "POST", VERIFY, {**body, "grant": "x"})
    client.refused(410, "flow_expired", "POST", VERIFY, body)
    almost = came_back(client, person)
    for _ in range(TRIES - 1):
        client.refused(401, "invalid_credentials", "POST", VERIFY, {**almost, "grant": "x"})
    client.ok("POST", VERIFY, almost)


@pytest.mark.parametrize("grant", [7, None, ["x"], {"x": 1}, True])
def test_a_grant_that_is_no_text_is_a_wrong_one(server, person, grant):
    client = server.client()
    body = came_back(client, person)
    assert told(client.post(VERIFY, {**body, "grant": grant}))[0] in (401, 422)
    client.ok("POST", VERIFY, body)


def test_a_callback_signs_nobody_in(server):
    client = server.client()
    trip = begin_trip(client)
    assert told(land(client, trip.state, "steal")) == (500, "internal")
    assert sessions_of(server, "steal") == 0


def test_a_state_of_another_section_is_none(server, person):
    client = server.client()
    trip = begin_trip(client)
    assert told(land(client, trip.state, person, name="other")) == (410, "flow_expired")
    assert land(client, trip.state, person).status_code == 303  # nor was it used up
    body = came_back(client, person)
    client.refused(410, "flow_expired", "POST", path_of("other", "verify"), body)
    client.ok("POST", VERIFY, body)


def test_strange_states_are_refused(server, person):
    client = server.client()
    trip = begin_trip(client)
    for state in (trip.flow_id, trip.state[:-1], trip.state + "x", trip.state.swapcase(), "x", "f:" + trip.flow_id,
                  spoilt(trip.state), "é" * 23):
        assert told(land(client, state, person)) == (410, "flow_expired"), state
    assert told(client.get(path_of("trip", "callback"))) == (422, "field_invalid")
    assert land(client, trip.state, person).status_code == 303


def test_guessing_costs_requests_of_the_address(make_server, plugins):
    server = make_server(*OPTIONS, "limits.address_auth_per_minute=20", **settings(plugins))
    client = server.client()
    errors = [told(land(client, f"o{i:022d}", "x")) for i in range(30)]
    assert errors[:20] == 20 * [(410, "flow_expired")] and errors[20:] == 10 * [(429, "rate_limited")], errors


# ---- A07: a proof for an account is that account's and session's ----

def bind_trip(client, person):
    """An account has begun to bind, and the browser is back."""
    return came_back(client, person, purpose="bind")


def identities(client):
    return {entry["provider"] for entry in client.ok("GET", IDENTITIES)["identities"]}


def test_who_is_signed_in_binds(server, person):
    client = sign_in(server)
    trip = begin_trip(client, purpose="bind")
    assert client.ok("POST", path_of("trip", "bind"), trip.body) == {"status": "pending"}
    grant = grant_of(land(server.client(), trip.state, person))  # browsers bring no bearer there
    client.ok("POST", path_of("trip", "bind"), {**trip.body, "grant": grant})
    assert "trip" in identities(client)
    assert server.client().ok("POST", VERIFY, came_back(server.client(), person))["user"]["id"] == user_id(client)


def enter(server, person):
    """A session of the account of that person."""
    client = server.client()
    return client.use(client.ok("POST", VERIFY, came_back(client, person))["access_token"])


def test_begun_in_one_session_it_cannot_be_finished_in_another(server, person):
    client, same, other = enter(server, person), enter(server, person), enter(server, "q" + person)
    body = bind_trip(client, "r" + person)
    for wrong in (same, other):
        wrong.refused(410, "flow_expired", "POST", path_of("trip", "bind"), body)
        assert len(wrong.ok("GET", IDENTITIES)["identities"]) == 1
    server.client().refused(401, "unauthorized", "POST", path_of("trip", "bind"), body)
    client.ok("POST", path_of("trip", "bind"), body)
    assert len(same.ok("GET", IDENTITIES)["identities"]) == 2


def test_a_flow_to_bind_signs_nobody_in(server, person):
    client = sign_in(server)
    body = bind_trip(client, person)
    told_verify = told(server.client().post(VERIFY, body))
    assert told_verify in {(401, "unauthorized"), (410, "flow_expired")}, told_verify
    assert sessions_of(server, person) == 0
    login = came_back(client, person)
    client.refused(410, "flow_expired", "POST", path_of("trip", "bind"), login)
    assert "trip" not in identities(client)


def test_forced_linking_needs_the_victims_session(server, person):
    """The attacker's own account at the upstream, landed in the victim's browser."""
    attacker, victim = sign_in(server), sign_in(server)
    trip = begin_trip(attacker, purpose="bind")
    grant = grant_of(land(victim, trip.state, person))
    victim.refused(410, "flow_expired", "POST", path_of("trip", "bind"), {**trip.body, "grant": grant})
    assert "trip" not in identities(victim)


def test_what_belongs_to_somebody_else_is_not_bound(server, person):
    server.client().ok("POST", VERIFY, came_back(server.client(), person))
    client = sign_in(server)
    client.refused(409, "identity_taken", "POST", path_of("trip", "bind"), bind_trip(client, person))


# ---- What happened to the account meanwhile ----

def test_an_account_frozen_meanwhile_is_not_signed_in(server, person):
    client = server.client()
    tokens = client.ok("POST", VERIFY, came_back(client, person))
    body = came_back(client, person)
    server.ctl("user", "freeze", tokens["user"]["uuid"])
    client.refused(403, "account_frozen", "POST", VERIFY, body)
    server.ctl("user", "unfreeze", tokens["user"]["uuid"])
    client.ok("POST", VERIFY, came_back(client, person))


def test_what_began_before_everything_was_signed_out_is_void(server, person):
    client = server.client()
    tokens = client.ok("POST", VERIFY, came_back(client, person))
    before = came_back(client, person)
    client.use(tokens["access_token"]).ok("POST", "/api/v1/auth/logout", {"all": True})
    stranger = server.client()
    stranger.refused(410, "flow_expired", "POST", VERIFY, before)
    stranger.ok("POST", VERIFY, came_back(stranger, person))


# ---- A18: another device ----

def test_of_two_phones_the_first_has_it(server, person):
    client = server.client()
    picture = begin_picture(client)
    assert scan(client, picture.ticket, person).status_code == 200
    assert told(scan(client, picture.ticket, "second")) == (403, "forbidden")
    for action in ("confirm", "cancel"):
        assert told(tap(client, picture.ticket, "second", action)) == (403, "forbidden")
    assert scan(client, picture.ticket, person).status_code == 200
    assert tap(client, picture.ticket, person).status_code == 200
    client.ok("POST", DEVICES, {"flow_id": picture.flow_id})
    assert sessions_of(server, person) == 1 and sessions_of(server, "second") == 0


def test_of_fifty_phones_at_once_one_claims(server, person):
    client = server.client()
    say("scans of one picture")
    for number in range(ROUNDS):
        picture = begin_picture(client)
        phones = [f"{person}n{number}x{i}" for i in range(N_PARALLEL)]
        statuses = [reply.status for reply in release(server.urls, [
            Shot("POST", "/test/scan", {"ticket": picture.ticket, "phone": phone, "quiet": "yes"}) for phone in phones])]
        assert statuses.count(200) == 1 and set(statuses) <= {200, 403, 409}, statuses
        owner = phones[statuses.index(200)]
        assert tap(client, picture.ticket, phones[phones[0] == owner]).status_code == 403
        assert tap(client, picture.ticket, owner).status_code == 200
        client.ok("POST", DEVICES, {"flow_id": picture.flow_id})
        assert sessions_of(server, owner) == 1


def test_nothing_is_confirmed_that_was_not_scanned(server, person):
    client = server.client()
    picture = begin_picture(client)
    assert told(tap(client, picture.ticket, person)) == (403, "forbidden")
    assert client.ok("POST", DEVICES, {"flow_id": picture.flow_id}) == {"status": "pending"}


def test_who_cancels_on_the_phone_is_not_signed_in(server, person):
    client = server.client()
    picture = begin_picture(client)
    assert scan(client, picture.ticket, person).status_code == 200
    assert tap(client, picture.ticket, person, "cancel").status_code == 200
    assert state_of(client, picture.flow_id) == "failed"
    assert told(tap(client, picture.ticket, person)) == (409, "conflict")
    client.refused(401, "invalid_credentials", "POST", DEVICES, {"flow_id": picture.flow_id})
    assert sessions_of(server, person) == 0


def test_what_is_confirmed_stays_so(server, person):
    client = server.client()
    picture = begin_picture(client)
    assert scan(client, picture.ticket, person).status_code == 200
    assert tap(client, picture.ticket, person).status_code == 200
    for action in ("confirm", "cancel"):
        assert told(tap(client, picture.ticket, person, action)) == (409, "conflict")
    client.ok("POST", DEVICES, {"flow_id": picture.flow_id})


def test_the_ticket_is_not_the_flow(server, person):
    """Who sees the picture learns no state and gets no session."""
    client, spy = server.client(), server.client()
    picture = begin_picture(client)
    assert scan(client, picture.ticket, person).status_code == 200
    assert tap(client, picture.ticket, person).status_code == 200
    for name in (picture.ticket, picture.ticket[1:]):
        spy.refused(410, "flow_expired", "GET", FLOWS + name)
        spy.refused(410, "flow_expired", "DELETE", FLOWS + name)
        spy.refused(410, "flow_expired", "POST", DEVICES, {"flow_id": name})
        spy.refused(410, "flow_expired", "GET", f"/test/state?flow_id={name}")
    client.ok("POST", DEVICES, {"flow_id": picture.flow_id})


def test_an_identifier_does_not_lead_to_what_waits(server, person):
    """Everybody knows an address; only who opened the flow knows its id."""
    client, stranger, email = server.client(), server.client(), f"{person}@example.com"
    picture = begin_picture(client, email=email)
    stranger.refused(401, "invalid_credentials", "POST", DEVICES, {"email": email})
    assert scan(client, picture.ticket, person).status_code == 200
    assert tap(client, picture.ticket, person).status_code == 200
    stranger.refused(401, "invalid_credentials", "POST", DEVICES, {"email": email})
    newer = begin_picture(client, email=email)
    client.refused(410, "flow_expired", "POST", DEVICES, {"flow_id": picture.flow_id})
    assert scan(client, newer.ticket, person).status_code == 200
    assert tap(client, newer.ticket, person).status_code == 200
    client.ok("POST", DEVICES, {"flow_id": newer.flow_id})


def test_the_opener_may_look_and_no_more(server, person):
    client = server.client()
    picture = begin_picture(client)
    assert client.ok("GET", f"/test/state?flow_id={picture.flow_id}") == {"state": "pending"}
    assert scan(client, picture.ticket, person).status_code == 200
    assert client.ok("GET", f"/test/state?flow_id={picture.flow_id}") == {"state": "scanned"}
    trip = begin_trip(client)
    client.refused(410, "flow_expired", "GET", f"/test/state?flow_id={trip.flow_id}")


def test_what_the_opener_cancels_is_over(server, person):
    client = server.client()
    picture, trip = begin_picture(client), begin_trip(client)
    assert scan(client, picture.ticket, person).status_code == 200
    client.ok("DELETE", FLOWS + picture.flow_id)
    client.ok("DELETE", FLOWS + trip.flow_id)
    assert told(tap(client, picture.ticket, person)) == (410, "flow_expired")
    assert told(land(client, trip.state, person)) == (410, "flow_expired")
    client.refused(410, "flow_expired", "POST", DEVICES, {"flow_id": picture.flow_id})


def test_a_flow_that_waits_ends_with_its_time(server, person):
    client = server.client()
    picture, trip, landed = begin_picture(client), begin_trip(client), came_back(client, person)
    later(server, TTL_S + 1)
    assert told(scan(client, picture.ticket, person)) == (410, "flow_expired")
    assert told(land(client, trip.state, person)) == (410, "flow_expired")
    client.refused(410, "flow_expired", "POST", DEVICES, {"flow_id": picture.flow_id})
    client.refused(410, "flow_expired", "POST", VERIFY, landed)
    client.ok("POST", VERIFY, came_back(client, person))


# ---- A46: where a browser is sent ----

@pytest.mark.parametrize("given,place", [
    (None, PUBLIC + "/login"), (LISTED, LISTED), ("/account?tab=2", PUBLIC + "/account?tab=2")])
def test_a_browser_is_sent_back_where_it_may_go(server, person, given, place):
    client = server.client()
    trip = begin_trip(client, **({"return_to": given} if given else {}))
    answer = land(client, trip.state, person)
    assert fragment_of(answer)[0] == place
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store" and answer.content == b""


@pytest.mark.parametrize("given", [
    "//evil.example", "/\\evil.example", "https://evil.example", LISTED + "/", LISTED + "?x", LISTED + "#x",
    LISTED.replace("://", "://evil@"), "https:evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: a=b", "/..//evil",
    "evil.example", "", " ", 7])
def test_a_browser_is_sent_nowhere_else(server, given):
    client = server.client()
    answer = client.refused(422, "field_invalid", "POST", path_of("trip", "begin"), {"return_to": given})
    assert fields_of(answer) == {"return_to": "type" if given == 7 else "not_allowed"}


def test_links_come_from_the_configuration(server, person):
    """A16: whatever the request says of itself."""
    client = server.client(headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example",
                                    "Forwarded": "host=evil.example"})
    trip = begin_trip(client)
    assert fragment_of(land(client, trip.state, person))[0] == PUBLIC + "/login"


# ---- What a browser is shown ----

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_a_browser_is_shown_a_page_when_it_fails(server):
    client = server.client(headers={"Accept-Language": "zh-CN"})
    answer = land(client, "x", "y", headers=BROWSER)
    assert answer.status_code == 410
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "流程已失效" in answer.text and answer.headers["X-Request-Id"] in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    answer = client.get("/test/state?flow_id=x", headers=BROWSER)
    assert (answer.status_code, answer.headers["Content-Type"]) == (410, "text/html; charset=utf-8")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.9", "text/html;q=0"])
def test_others_are_told_in_json(server, accept):
    assert told(land(server.client(), "x", "y", headers={"Accept": accept})) == (410, "flow_expired")


def test_an_answer_of_the_api_is_never_a_page(server):
    answer = server.client().post(VERIFY, {"flow_id": "x"}, headers=BROWSER)
    assert told(answer) == (410, "flow_expired")


def test_a_page_of_a_plugin_runs_no_scripts(server, person):
    client = server.client()
    answer = scan(client, begin_picture(client).ticket, person)
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'")
    style = client.get("/assets/page.css")
    assert style.status_code == 200 and "button" in style.text


# ---- What a callback is sent ----

@pytest.mark.parametrize("how", ["json", "form", "query", "query and text"])
def test_a_callback_takes_what_upstreams_and_buttons_send(server, person, how):
    client = server.client()
    fields = {"state": begin_trip(client).state, "code": person}
    kwargs = {"json": {"json": fields}, "form": {"data": fields}, "query": {"params": fields},
              "query and text": {"params": fields, "data": "<xml/>", "headers": {"Content-Type": "text/xml"}}}[how]
    answer = client.http.post(server.url + path_of("trip", "callback"), allow_redirects=False, timeout=30, **kwargs)
    assert answer.status_code == 303, answer.text


def test_a_field_in_query_and_body_is_refused(server, person):
    client = server.client()
    state = begin_trip(client).state
    answer = client.http.post(server.url + path_of("trip", "callback"), params={"state": state}, timeout=30,
                              data={"state": state, "code": person})
    assert told(answer) == (400, "bad_request")


def post_form(server, path, fields, **headers):
    return server.client(headers=headers).http.post(server.url + path, data=fields, headers=headers, timeout=30)


def test_other_routes_take_no_form(server):
    """A page of another site can make a browser post one, but no JSON."""
    for path in (VERIFY, path_of("trip", "begin")):
        for site in ("cross-site", "same-origin"):
            answer = post_form(server, path, {"flow_id": "x"}, **{"Sec-Fetch-Site": site})
            assert told(answer) == (415, "unsupported_media_type"), path


@pytest.mark.parametrize("headers,is_own", [
    ({"Sec-Fetch-Site": "same-origin"}, True), ({"Origin": PUBLIC}, True), ({}, False), ({"Origin": "null"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False), ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Origin": "https://evil.example"}, False), ({"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC}, False)])
def test_an_op_takes_the_forms_of_our_own_pages(server, person, headers, is_own):
    answer = post_form(server, "/test/scan", {"ticket": begin_picture(server.client()).ticket, "phone": person},
                       **headers)
    assert answer.status_code == (200 if is_own else 415), answer.text
