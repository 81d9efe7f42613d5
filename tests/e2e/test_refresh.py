# SPDX-License-Identifier: Apache-2.0
"""Refresh tokens rotate: one lineage, a short grace, the end of the family after a second use."""
import socket
from urllib.parse import urlsplit

import pytest

from harness import GOOD_SECRET, register, sign_in, wait_for
from parallel import FULL, N_PARALLEL, ROUNDS, Shot, release, say, tally, winners
from steps import rows
from workers import CHECK, accepted, clock_at

pytestmark = pytest.mark.core

REFRESH = "/api/v1/auth/refresh"
GRACE_S = 10
DAY_S = 86400


def refresh(server, token):
    return server.client().ok("POST", REFRESH, {"refresh_token": token})


def refused(server, token, status=401, error="invalid_token"):
    return server.client().refused(status, error, "POST", REFRESH, {"refresh_token": token})


def session_row(server, sid):
    """(status, reason, generation) as SQL has it."""
    return rows(server, "SELECT status, revoked_reason, generation FROM user_sessions"
                " WHERE session_id = ?", sid)[0]


def audit_of(server, sid):
    return [row[0] for row in rows(server, "SELECT action FROM auth_logs WHERE target = ?", sid)]


def test_refresh_gives_new_tokens_of_the_same_session(server):
    first = sign_in(server).tokens
    second = refresh(server, first["refresh_token"])
    assert second["session_id"] == first["session_id"]
    assert second["user"] == first["user"]
    assert second["is_new_user"] is False
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert accepted(server, first["access_token"]), "an access token lives until its own end"
    assert accepted(server, second["access_token"])


def test_reuse_after_the_grace_ends_the_family(server):
    """A04 (a)"""
    who = register(server)
    first = who.tokens
    other = server.client().ok("POST", "/api/v1/auth/login",
                               {"phone": who.phone, "password": GOOD_SECRET})
    second = refresh(server, first["refresh_token"])
    with clock_at(server, GRACE_S + 1):
        refused(server, first["refresh_token"])
        refused(server, second["refresh_token"])
        for dead in (first, second):
            assert not accepted(server, dead["access_token"])
        assert accepted(server, other["access_token"]), "another session of the user lives on"
        refresh(server, other["refresh_token"])
    assert session_row(server, first["session_id"])[:2] == ("revoked", "refresh_reuse")
    assert "token.reuse" in audit_of(server, first["session_id"])
    assert "token.reuse" not in audit_of(server, other["session_id"])


def test_the_grace_gives_the_same_successor_until_that_is_used(server):
    """A04 (c), what the grace is worth"""
    first = sign_in(server).tokens
    second = refresh(server, first["refresh_token"])
    with clock_at(server, GRACE_S - 2):
        again = refresh(server, first["refresh_token"])
        assert again["refresh_token"] == second["refresh_token"]
        assert accepted(server, again["access_token"])
        third = refresh(server, second["refresh_token"])
        refused(server, first["refresh_token"])
        refused(server, third["refresh_token"])
        assert not accepted(server, third["access_token"])


def test_a_grace_of_nothing_ends_the_family_at_the_second_use(make_server):
    server = make_server("token.refresh_grace=0s")
    first = sign_in(server).tokens
    second = refresh(server, first["refresh_token"])
    with clock_at(server, 1):
        refused(server, first["refresh_token"])
        refused(server, second["refresh_token"])


def test_a_lost_answer_is_asked_for_again(server):
    """A04 (c): the connection is cut after the request was sent."""
    first = sign_in(server).tokens
    at = urlsplit(server.url)
    body = f'{{"refresh_token":"{first["refresh_token"]}"}}'
    with socket.create_connection((at.hostname, at.port), 10) as connection:
        connection.sendall(f"POST {REFRESH} HTTP/1.1\r\nHost: {at.netloc}\r\n"
                           "Content-Type: application/json\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        wait_for(lambda: session_row(server, first["session_id"])[2] == 1, "the rotation")
    second = refresh(server, first["refresh_token"])
    assert session_row(server, first["session_id"])[2] == 1, "the retry made one more"
    third = refresh(server, second["refresh_token"])
    assert accepted(server, third["access_token"])


def test_parallel_refreshes_make_one_lineage(server):
    """A04 (b): all returned tokens are followed for three generations."""
    tokens = sign_in(server).tokens
    say("refresh with the tokens of one generation", rounds=3)
    given = {tokens["refresh_token"]}
    for generation in (1, 2, 3):
        shots = [Shot("POST", REFRESH, {"refresh_token": token})
                 for token in given for _ in range(N_PARALLEL)]
        replies = release(server.url, shots)
        assert tally(replies) == {(200, None): N_PARALLEL}
        given = {reply.data["refresh_token"] for reply in winners(replies)}
        assert len(given) == 1, f"generation {generation} has {len(given)} branches"
        assert session_row(server, tokens["session_id"])[2] == generation
    for reply in winners(replies):
        client = server.client(token=reply.data["access_token"])
        assert client.get(CHECK).status_code == 200


def race_for_one_token(server):
    """At most one of many wins, and nothing of a family that was reused lives."""
    first = sign_in(server).tokens
    shots = [Shot("POST", REFRESH, {"refresh_token": first["refresh_token"]})] * N_PARALLEL
    replies = release(server.url, shots)
    told = tally(replies)
    assert set(told) <= {(200, None), (401, "invalid_token")}, told
    given = {reply.data["refresh_token"] for reply in winners(replies)}
    assert len(given) <= 1, told
    status, reason, generation = session_row(server, first["session_id"])
    assert generation == 1
    if status == "revoked":
        assert reason == "refresh_reuse"
    for token in given:  # none, when the family ended before its winner was answered
        if status == "revoked":
            refused(server, token)
    assert given or status == "revoked", told
    for reply in winners(replies):
        assert accepted(server, reply.data["access_token"]) == (status == "active")


def test_a_thief_and_the_owner_at_once_leave_no_second_branch(make_server):
    """Without a grace a token is good once."""
    server = make_server("token.refresh_grace=0s", workers=2)
    say("uses of one refresh token")
    for _ in range(ROUNDS):
        race_for_one_token(server)


def test_the_absolute_end_is_never_moved(server):
    tokens = sign_in(server).tokens
    for day in (6, 12, 18, 24, 29):
        with clock_at(server, day * DAY_S):
            tokens = refresh(server, tokens["refresh_token"])
            left = (30 - day) * DAY_S
            assert tokens["refresh_expires_in"] <= min(7 * DAY_S, left), f"day {day}"
            assert tokens["refresh_expires_in"] > min(7 * DAY_S, left) - 120, f"day {day}"
            assert accepted(server, tokens["access_token"])
    with clock_at(server, 30 * DAY_S - 120):
        assert accepted(server, tokens["access_token"]) is True
    with clock_at(server, 30 * DAY_S + 1):
        assert accepted(server, tokens["access_token"]) is False
        refused(server, tokens["refresh_token"])


def test_access_and_refresh_tokens_end_in_their_time(server):
    tokens = sign_in(server).tokens
    with clock_at(server, tokens["expires_in"] - 60):
        assert accepted(server, tokens["access_token"])
    with clock_at(server, tokens["expires_in"] + 1):
        assert not accepted(server, tokens["access_token"])
        renewed = refresh(server, tokens["refresh_token"])
        assert accepted(server, renewed["access_token"])
    unused = sign_in(server).tokens
    with clock_at(server, unused["refresh_expires_in"] + 2):
        refused(server, unused["refresh_token"])


def broken(first, other):
    """Texts made of good tokens, none of them good."""
    version, sid, generation, mac = first["refresh_token"].split(".")
    other_sid, other_mac = other["refresh_token"].split(".")[1::2]
    join = ".".join
    return [
        join((version, sid, generation, mac[:-1] + ("A" if mac[-1] != "A" else "E"))),
        join((version, sid, generation, mac[:-1])), join((version, sid, generation, mac + "A")),
        join((version, sid, generation, "")), join((version, sid, generation)),
        join((version, sid, "1", mac)), join((version, sid, "-1", mac)),
        join((version, sid, "00", mac)), join((version, sid, "0x0", mac)),
        join((version, other_sid, generation, mac)), join((version, sid, generation, other_mac)),
        join((version, "../" + sid, generation, mac)), join(("r2", sid, generation, mac)),
        first["refresh_token"] + " ", " " + first["refresh_token"],
        first["refresh_token"] + "\u0000", first["refresh_token"].upper(),
        first["access_token"], sid, "r1...", "x" * 10000, "令牌",
    ]


def test_no_other_text_is_a_refresh_token(server):
    first, other = sign_in(server).tokens, sign_in(server).tokens
    plain = refused(server, "x").json()
    for i, text in enumerate(broken(first, other)):
        answer = server.client().post(REFRESH, {"refresh_token": text})
        if "\u0000" in text:  # the JSON reader's own refusal
            assert answer.status_code in (400, 401, 422), f"text {i}: {answer.text}"
            continue
        told = {**answer.json(), "request_id": plain["request_id"]}
        assert told == plain, f"text {i}: {answer.status_code} {told}"
    refresh(server, first["refresh_token"])
    refresh(server, other["refresh_token"])


@pytest.mark.parametrize("body", [{}, {"refresh_token": None}, {"refresh_token": 7},
                                  {"refresh_token": ["r1.x.0.y"]}, {"refresh_token": {"a": 1}}])
def test_a_refresh_without_a_text_names_the_field(server, body):
    answer = server.client().refused(422, "field_invalid", "POST", REFRESH, body)
    assert [one["field"] for one in answer.json()["fields"]] == ["refresh_token"]


def test_a_refresh_beats_no_logout(server):
    """Logout and refreshes at once: whoever wins, the session is over for good."""
    n_rounds = 50 if FULL else 5
    say("logout against 8 refreshes", 9, n_rounds)
    for _ in range(n_rounds):
        tokens = sign_in(server).tokens
        shots = [Shot("POST", REFRESH, {"refresh_token": tokens["refresh_token"]})] * 8
        logout = Shot("POST", "/api/v1/auth/logout", {}, tokens["access_token"])
        replies = release(server.url, [*shots[:4], logout, *shots[4:]])
        assert replies.pop(4).status == 200
        for token in [tokens, *(reply.data for reply in winners(replies))]:
            assert not accepted(server, token["access_token"])
            refused(server, token["refresh_token"])
