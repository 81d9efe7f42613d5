# SPDX-License-Identifier: Apache-2.0
"""The cookie of pages of this server: what it opens, and that no other site can use it (A48, A49)."""
import pytest
import requests

from harness import new_phone, send_code, sign_in

pytestmark = pytest.mark.core

OWN = {"Sec-Fetch-Site": "same-origin"}
CHECK = "/api/v1/auth/check"
PROFILE = "/api/v1/user/profile"
DAY_S = 24 * 3600


@pytest.fixture
def browser(server):
    """A client signed in with a cookie, as a page of the server does it."""
    return enter(server)


def enter(server, phone=None):
    client = server.client(headers=OWN)
    phone = phone or new_phone()
    flow_id, code = send_code(server, client, phone)
    client.signed_in = client.ok("POST", "/api/v1/auth/phone-login",
                                 {"phone": phone, "code": code, "flow_id": flow_id, "cookie": True})
    client.phone = phone
    return client


def cookie_of(browser):
    (cookie,) = browser.http.cookies
    return cookie


def test_the_cookie_and_no_tokens(server, browser):
    cookie = cookie_of(browser)
    assert (cookie.name, cookie.path, cookie.domain_specified) == ("pintle", "/", False)
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert not {"access_token", "refresh_token"} & set(browser.signed_in)
    assert browser.get(PROFILE).status_code == 200
    assert browser.get(CHECK).headers["X-Auth-User-Id"] == browser.signed_in["user"]["uuid"]
    assert browser.ok("PUT", PROFILE, {"nickname": "Lee"})


def test_tokens_for_who_does_not_ask(server):
    client = server.client(headers=OWN)
    phone = new_phone()
    for wish in ({}, {"cookie": False}, {"cookie": None}):
        server.shift_clock(server.shift + 61)
        flow_id, code = send_code(server, client, phone)
        got = client.ok("POST", "/api/v1/auth/phone-login", {"code": code, "flow_id": flow_id, **wish})
        assert got["access_token"] and not client.http.cookies


def test_a_wish_that_is_none_spends_no_code(server):
    client = server.client(headers=OWN)
    phone = new_phone()
    flow_id, code = send_code(server, client, phone)
    body = {"phone": phone, "code": code, "flow_id": flow_id}
    for wish in ("true", 1, {}, []):
        client.refused(422, "field_invalid", "POST", "/api/v1/auth/phone-login", {**body, "cookie": wish})
    assert client.ok("POST", "/api/v1/auth/phone-login", {**body, "cookie": True})["session_id"]


FOREIGN = [
    {}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
    {"Origin": "null"}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{url}"}, {"Origin": "{url}.evil.example"},
    {"Origin": "https://evil.example", "Referer": "{url}/login"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_other_sites_change_nothing(server, browser, headers):
    headers = {name: value.format(url=server.url) for name, value in headers.items()}
    jar = {"pintle": cookie_of(browser).value}
    for method, path, body in (("PUT", PROFILE, {"nickname": "evil"}), ("POST", "/api/v1/auth/logout", {}),
                               ("DELETE", "/api/v1/user/sessions", None),
                               ("POST", "/api/v1/auth/phone_sms/begin", {"phone": new_phone()})):
        answer = requests.request(method, server.url + path, json=body, headers=headers, cookies=jar,
                                  timeout=20)
        assert (answer.status_code, answer.json()["error"]) == (403, "cross_site"), f"{method} {path}"
    assert browser.ok("GET", PROFILE)["nickname"] != "evil"


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_other_sites_sign_nobody_in(server, headers):
    headers = {name: value.format(url=server.url) for name, value in headers.items()}
    client = server.client(headers=headers)
    phone = new_phone()
    flow_id, code = send_code(server, client, phone)
    body = {"phone": phone, "code": code, "flow_id": flow_id, "cookie": True}
    answer = client.refused(403, "cross_site", "POST", "/api/v1/auth/phone-login", body)
    assert "Set-Cookie" not in answer.headers
    assert server.client(headers=OWN).ok("POST", "/api/v1/auth/phone-login", body)


def test_simple_forms_of_other_sites(server, browser):
    """What a page can send without asking first."""
    jar = {"pintle": cookie_of(browser).value}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for site, status in (("cross-site", 403), ("same-origin", 415)):
            answer = requests.put(server.url + PROFILE, data='{"nickname":"evil"}', cookies=jar, timeout=20,
                                  headers={"Content-Type": kind, "Sec-Fetch-Site": site})
            assert answer.status_code == status, f"{kind} {site}: {answer.text}"
    assert browser.ok("GET", PROFILE)["nickname"] != "evil"


def test_an_older_browser_says_its_origin(server, browser):
    jar = {"pintle": cookie_of(browser).value}
    answer = requests.put(server.url + PROFILE, json={"nickname": "Lee"}, cookies=jar,
                          headers={"Origin": server.url}, timeout=20)
    assert answer.status_code == 200, answer.text


def test_a_listed_origin_has_no_use_of_it(make_server):
    app = "https://app.example"
    server = make_server(f"server.cors_origins={app}")
    browser = enter(server)
    answer = requests.put(server.url + PROFILE, json={"nickname": "x"}, headers={"Origin": app}, timeout=20,
                          cookies={"pintle": cookie_of(browser).value})
    assert answer.status_code == 403
    assert answer.headers["Access-Control-Allow-Origin"] == app
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_cookie_that_is_not_ours(server, browser):
    good = cookie_of(browser).value
    head, sid, mark = good.split(".")
    other = cookie_of(enter(server)).value.split(".")
    bad = ["", "x", "c1..", f"{head}.{sid}.", f"{head}.{sid}.{mark[:-1]}", f"{head}.{other[1]}.{mark}",
           f"{head}.{sid}.{other[2]}", f"r1.{sid}.{mark}", good + "x", "x" * 4000,
           sign_in(server).tokens["refresh_token"], sign_in(server).tokens["access_token"]]
    for value in bad:
        answer = requests.get(server.url + PROFILE, headers={"Cookie": f"pintle={value}"}, timeout=20)
        assert answer.status_code == 401, f"{value[:80]}: {answer.status_code}"
    twice = f"pintle={good}; pintle={good}"
    for line, status in ((f"pintle={good}", 200), (f"a=b;pintle={good} ; c=d", 200), (twice, 401),
                         (f"Pintle={good}", 401), (f"xpintle={good}", 401), (f"__Host-pintle={good}", 401)):
        answer = requests.get(server.url + PROFILE, headers={"Cookie": line}, timeout=20)
        assert answer.status_code == status, f"{line[:40]}: {answer.status_code}"


def test_a_cookie_is_no_token(server, browser):
    value = cookie_of(browser).value
    assert requests.get(server.url + PROFILE, headers={"Authorization": f"Bearer {value}"},
                        timeout=20).status_code == 401
    server.client().refused(401, "invalid_token", "POST", "/api/v1/auth/refresh", {"refresh_token": value})


def test_a_token_wins(server, browser):
    other = sign_in(server)
    browser.use(other.tokens["access_token"])
    assert browser.get(CHECK).headers["X-Auth-User-Id"] == other.tokens["user"]["uuid"]
    browser.use("not.a.token")
    assert browser.get(CHECK).status_code == 401


def test_logout_takes_it_back(server, browser):
    kept = {"pintle": cookie_of(browser).value}
    browser.ok("POST", "/api/v1/auth/logout")
    assert not browser.http.cookies
    assert requests.get(server.url + PROFILE, cookies=kept, timeout=20).status_code == 401
    answer = requests.put(server.url + PROFILE, cookies=kept, json={}, headers=OWN, timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_revoked_elsewhere_is_out_at_once(server, browser):
    server.shift_clock(server.shift + 61)
    other = sign_in(server, browser.phone)
    assert browser.get(CHECK).status_code == 200
    other.ok("DELETE", f"/api/v1/user/sessions/{browser.signed_in['session_id']}")
    assert browser.get(CHECK).status_code == 401
    assert other.get(CHECK).status_code == 200


def test_it_ends_with_the_session(server, browser):
    cookie = {"pintle": cookie_of(browser).value}
    begin = server.shift
    for life, status in ((7 * DAY_S - 60, 200), (7 * DAY_S + 60, 401)):
        server.shift_clock(begin + life)
        assert requests.get(server.url + CHECK, cookies=cookie, timeout=20).status_code == status
    server.shift_clock(begin)


def test_over_https_it_is_locked_to_the_host(make_server):
    server = make_server("server.public_url=https://auth.example.com")
    client = server.client(headers={"Origin": "https://auth.example.com"})
    phone = new_phone()
    flow_id, code = send_code(server, client, phone)
    answer = client.post("/api/v1/auth/phone-login", {"code": code, "flow_id": flow_id, "cookie": True})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-pintle=") and "; Secure" in cookie and "Domain" not in cookie
    value = cookie.split(";")[0].split("=", 1)[1]
    for name, status in (("__Host-pintle", 200), ("pintle", 401)):
        assert requests.get(server.url + CHECK, headers={"Cookie": f"{name}={value}"},
                            timeout=20).status_code == status
