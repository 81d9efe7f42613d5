# SPDX-License-Identifier: Apache-2.0
"""Messages cost money and annoy people: budgets for a number, an address, a country and all together."""
import pytest

from harness import new_phone, send_code, sign_in
from parallel import N_PARALLEL, Shot, release, say, tally
from steps import (BEHIND_PROXY, LOGIN, PHONE_LOGIN, RESEND_S, SEND, assert_limited, fields_of, from_address,
                   later)

HOUR_S, DAY_S = 3600, 86400
SPELLINGS = ["+86{}", "86{}", "0086{}", "{}", "+86 {}", "(+86){}", "＋86－{}"]


def messages_to(server, phone):
    return [message for message in server.outbox() if message["to"] == phone]


def send(server, phone, address="203.0.113.1", path=SEND, **fields):
    return from_address(server, address).post(path, {"phone": phone, **fields})


# ---- A45, A17: one number, whatever its spelling, purpose, route and whoever asks ----

@pytest.mark.parametrize("workers", [1, 2])
def test_a_number_gets_one_message_a_minute(make_server, workers):
    server = make_server(BEHIND_PROXY, workers=workers)
    phone = new_phone()
    assert send(server, phone).status_code == 200
    paths = [SEND, "/api/send-code", "/api/v1/auth/phone_sms/begin"]
    for i, spelling in enumerate(SPELLINGS * 3):
        answer = send(server, spelling.format(phone[3:]), f"198.51.100.{i}", paths[i % 3],
                      purpose=("login", "register", "reset")[i // 7])
        wait_s = assert_limited(answer, "send-resend", 1, 60)
    server.code_for(phone)
    assert len(messages_to(server, phone)) == 1
    later(server, wait_s)
    assert send(server, phone).status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_purposes_of_an_account_share_the_budget(make_server, workers):
    """A45: who is signed in bombs nobody by binding their number."""
    server = make_server(BEHIND_PROXY, workers=workers)
    people, phone = [sign_in(server) for _ in range(2)], new_phone()
    for i, purpose in enumerate(["bind", "change", "bind", "change"]):
        for who in people:
            answer = who.post(SEND, {"phone": phone, "purpose": purpose},
                              headers={"X-Forwarded-For": f"198.51.100.{i}"})
            if who is people[0] and i == 0:
                assert answer.status_code == 200, answer.text
            else:
                assert_limited(answer, "send-resend", 1, 60)
    assert_limited(send(server, phone), "send-resend", 1, 60)
    server.code_for(phone)
    assert len(messages_to(server, phone)) == 1
    later(server)
    people[1].ok("POST", SEND, {"phone": phone, "purpose": "change"})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_number_gets_five_an_hour_and_ten_a_day(make_server, workers):
    server = make_server(BEHIND_PROXY, workers=workers)
    phone, n_sent, policies = new_phone(), 0, set()
    for i in range(180):  # every minute for three hours, from as many addresses
        answer = send(server, SPELLINGS[i % 7].format(phone[3:]), f"2001:db8:{i:x}::1")
        n_sent += answer.status_code == 200
        if answer.status_code != 200:
            policies.add(answer.headers["RateLimit-Policy"])
        if i == 58:
            assert n_sent == 5
        later(server, RESEND_S)
    assert n_sent == 10
    assert policies == {'"send-target-hour";q=5;w=3600', '"send-target-day";q=10;w=86400'}
    later(server, DAY_S)
    assert send(server, phone).status_code == 200


def test_parallel_requests_send_one_message(make_server):
    server = make_server(BEHIND_PROXY, workers=2)
    say("sends to one number", rounds=5)
    for _ in range(5):
        phone = new_phone()
        shots = [Shot("POST", SEND, {"phone": SPELLINGS[i % 7].format(phone[3:])}, None,
                      {"X-Forwarded-For": f"198.51.100.{i}"}) for i in range(N_PARALLEL)]
        seen = tally(release(server.url, shots))
        assert seen == {(200, None): 1, (429, "rate_limited"): N_PARALLEL - 1}, seen
        server.code_for(phone)
        assert len(messages_to(server, phone)) == 1


def test_a_refused_request_leaves_the_code_alone(make_server):
    """Else anybody could make the codes of others useless by asking for more."""
    server = make_server()
    client, phone = server.client(), new_phone()
    flow_id, code = send_code(server, client, phone)
    assert client.post(SEND, {"phone": phone}).status_code == 429
    client.ok("POST", PHONE_LOGIN, {"phone": phone, "code": code, "flow_id": flow_id})


# ---- An address, a country, everything ----

def test_an_address_may_cause_so_many_messages(make_server):
    server = make_server(BEHIND_PROXY, "limits.send_address_hour=3", "limits.send_address_day=5")
    for _ in range(3):
        assert send(server, new_phone(), "2001:db8:1:2::1").status_code == 200
    answer = send(server, new_phone(), "2001:db8:1:2:ffff::9")
    assert_limited(answer, "send-address-hour", 3, HOUR_S)  # the same /64
    assert send(server, new_phone(), "2001:db8:1:3::1").status_code == 200
    later(server, HOUR_S + 1)
    for _ in range(2):
        assert send(server, new_phone(), "2001:db8:1:2::1").status_code == 200
    assert_limited(send(server, new_phone(), "2001:db8:1:2::1"), "send-address-day", 5, DAY_S)


def test_a_country_and_the_whole_have_budgets(make_server):
    server = make_server(BEHIND_PROXY, "limits.countries=86, 852, 1", "limits.send_prefix_hour=2",
                         "limits.send_global_hour=4")
    for i in range(2):
        assert send(server, f"+8525000000{i}", f"198.51.100.{i}").status_code == 200
    assert_limited(send(server, "+85250000009", "198.51.100.9"), "send-country-hour", 2, HOUR_S)
    for i in range(2):
        assert send(server, new_phone(), f"198.51.100.2{i}").status_code == 200
    assert_limited(send(server, "+12025550100", "198.51.100.30"), "send-global-hour", 4, HOUR_S)
    later(server, HOUR_S + 1)
    assert send(server, "+85250000009", "198.51.100.9").status_code == 200


def test_countries_on_the_list_get_messages_and_no_others(make_server):
    """A44: a country that is not served costs neither a message nor the budget of anybody."""
    server = make_server("limits.countries=86, 852")
    for phone in ("+12025550100", "+85366123456", "+886912345678", "+8801712345678", "+447700900123",
                  "+77011234567", "+9715012345678", "+88216123456789"):
        for _ in range(2):
            told = server.client().refused(422, "field_invalid", "POST", SEND, {"phone": phone})
            assert fields_of(told) == {"phone": "country"}
    served = ["+8613800138000", "+85251234567"]
    for phone in served:
        assert send(server, phone).status_code == 200
        server.code_for(phone)
    assert sorted(message["to"] for message in server.outbox()) == sorted(served)


def test_every_country_when_the_list_says_so(make_server):
    server = make_server("limits.countries=*")
    for phone in ("+12025550100", "+447700900123", "+8613800138000"):
        assert send(server, phone).status_code == 200


# ---- Requests of one address ----

def test_sign_in_requests_of_an_address(make_server):
    server = make_server(BEHIND_PROXY, "limits.address_auth_per_minute=20",
                         "limits.address_per_minute=30", workers=2)
    shots = [Shot("POST", LOGIN, {"account": new_phone(), "password": "wrong"}, None,
                  {"X-Forwarded-For": "203.0.113.5"}) for _ in range(N_PARALLEL)]
    say("sign-ins of one address", rounds=1)
    replies = release(server.url, shots)
    assert tally(replies) == {(401, "invalid_credentials"): 20, (429, "rate_limited"): 30}
    client = from_address(server, "203.0.113.5")
    wait_s = assert_limited(client.post(LOGIN, {"account": new_phone(), "password": "x"}),
                            "address-auth", 20, 60)
    assert client.get("/api/v1/auth/providers").status_code == 200, "10 of another kind are left"
    assert from_address(server, "203.0.113.6").post(
        LOGIN, {"account": new_phone(), "password": "x"}).status_code == 401
    later(server, wait_s)
    assert client.post(LOGIN, {"account": new_phone(), "password": "x"}).status_code == 401


def test_requests_of_any_kind_of_an_address(make_server):
    server = make_server(BEHIND_PROXY, "limits.address_per_minute=10")
    client = from_address(server, "203.0.113.5")
    for _ in range(10):
        assert client.get("/api/v1/auth/providers").status_code == 200
    wait_s = assert_limited(client.get("/api/v1/auth/providers"), "address", 10, 60)
    for path in ("/healthz", "/readyz", "/.well-known/jwks.json"):
        assert client.get(path).status_code == 200, path
    later(server, wait_s)
    assert client.get("/api/v1/auth/providers").status_code == 200


# A41: what a client says of its own address.
SPOOFED = [{"X-Forwarded-For": "1.2.3.{}"}, {"X-Real-IP": "1.2.3.{}"}, {"Forwarded": "for=1.2.3.{}"},
           {"CF-Connecting-IP": "1.2.3.{}"}, {"True-Client-IP": "1.2.3.{}"}]


@pytest.mark.parametrize("headers", SPOOFED, ids=lambda headers: next(iter(headers)))
def test_nobody_chooses_their_own_address(make_server, headers):
    server = make_server("limits.address_auth_per_minute=5")
    statuses = [server.client(headers={name: value.format(i) for name, value in headers.items()}).post(
        LOGIN, {"account": new_phone(), "password": "x"}).status_code for i in range(8)]
    assert statuses == [401] * 5 + [429] * 3


@pytest.mark.parametrize("spoofed", ["1.2.3.{}, 203.0.113.5", "203.0.113.{0}, x, 203.0.113.5",
                                     "1.2.3.{},,203.0.113.5", "1.2.3.{}, 203.0.113.5, 127.0.0.1",
                                     "::ffff:1.2.3.{}, ::ffff:203.0.113.5"])
def test_behind_a_proxy_its_own_hop_counts(make_server, spoofed):
    server = make_server(BEHIND_PROXY, "limits.address_auth_per_minute=5")
    statuses = [from_address(server, spoofed.format(i)).post(
        LOGIN, {"account": new_phone(), "password": "x"}).status_code for i in range(8)]
    assert statuses == [401] * 5 + [429] * 3


# ---- The block list ----

def test_blocked_networks_are_refused_everything(make_server):
    server = make_server(BEHIND_PROXY, "limits.blocked_addresses=203.0.113.0/24, 2001:db8:bad::/48")
    phone = new_phone()
    for address in ("203.0.113.1", "203.0.113.255", "::ffff:203.0.113.7", "2001:db8:bad:1::5"):
        client = from_address(server, address)
        client.refused(403, "forbidden", "POST", SEND, {"phone": phone})
        client.refused(403, "forbidden", "POST", LOGIN, {"account": phone, "password": "x"})
        client.refused(403, "forbidden", "GET", "/api/v1/auth/providers")
    for address in ("203.0.112.255", "203.0.114.0", "2001:db8:bae::1"):
        assert from_address(server, address).get("/api/v1/auth/providers").status_code == 200
    assert send(server, phone, "203.0.114.1").status_code == 200


def test_block_list_follows_a_reload(make_server):
    blocks = "[limits]\nblocked_addresses = {}\n"
    server = make_server(BEHIND_PROXY)
    who = sign_in(server)
    assert from_address(server, "203.0.113.1").get("/healthz").status_code == 200
    path = server.conf + "/00-server.ini"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    server.write_conf("00-server.ini", text.replace("[limits]\n", blocks.format("203.0.113.0/24")))
    server.ctl("reload")
    from_address(server, "203.0.113.1").refused(403, "forbidden", "GET", "/api/v1/user/profile")
    who.ok("GET", "/api/v1/user/profile")
    server.write_conf("00-server.ini", text)
    server.ctl("reload")
    assert from_address(server, "203.0.113.1").get("/api/v1/auth/providers").status_code == 200
