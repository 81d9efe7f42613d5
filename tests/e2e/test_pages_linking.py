# SPDX-License-Identifier: Apache-2.0
"""What is another account's moves to this one on /account, in a real browser: its owner signs in there as well."""
import pytest
from selenium.webdriver.common.keys import Keys

from browser import Browser
from fakes import oidc
from harness import GOOD_SECRET, Server, new_phone, register, sign_in, wait_for
from mails import new_address
from pair import start_at_a_port
from steps import IDENTITIES, PROFILE, accounts_of, later, rows, user_id
from test_pages import sign_in_there

pytestmark = [pytest.mark.stores("sqlite", "lmdb", reason="what the pages ask is tested on every pair"),
              pytest.mark.one_host(reason="a browser keeps a cookie of one host name")]

DIALOG = "//dialog[@aria-labelledby='link-title']"
TAKEN = "//*[@role='status' and contains(@class, 'bad') and contains(., 'another account')]"


# Requests of a path wait until they are let go.
HOLD = """
const real = window.fetch, held = arguments[0];
window.fetch = async (path, how) => {
    if (path === held)
        await new Promise((go) => { window.letGo = go; });
    return real(path, how);
};"""


@pytest.fixture(scope="module")
def issuer():
    made = oidc.Issuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(issuer):
    def make(port):
        url = f"http://127.0.0.1:{port}"
        issuer.client("pages", "secret", f"{url}/api/v1/auth/acme/callback")
        conf = f"[acme]\nplugin = oauth2\nissuer = {issuer.issuer}\nclient_id = pages\nclient_secret = secret\n" \
            "label_en = Acme\n"
        return Server(options=[f"server.listen=127.0.0.1:{port}", f"server.public_url={url}"], workers=2,
                      conf={"60-oauth2.ini": conf})

    started = start_at_a_port(make)
    yield started
    started.close()


@pytest.fixture(scope="module")
def window():
    one = Browser()
    yield one
    one.close()


@pytest.fixture
def browser(server, window):
    """Somebody signed in by a number of their own."""
    window.forget(server.url)
    window.phone = sign_in_there(server, window)
    window.is_at("/account")
    yield window
    window.find(f"//h1[contains(., '{window.phone[-4:]}')]")  # still who they were
    assert window.complaints() == []


def with_address(server, client):
    """Gives an account an e-mail address as well."""
    address = new_address()
    flow_id = client.ok("POST", "/api/v1/auth/email/begin", {"email": address, "purpose": "bind"})["flow_id"]
    client.ok("POST", "/api/v1/user/bind/email", {"flow_id": flow_id, "code": server.code_for(address)})
    return address


def prove_by_mail(server, browser, address, n_before=0):
    browser.type("email", address)
    browser.press("Send a code")
    browser.type("code", server.code_for(address, n_before=n_before))
    browser.press("Continue")


def add_address(server, browser, address):
    later(server)
    browser.driver.refresh()
    browser.press("Add: Code by e-mail")
    prove_by_mail(server, browser, address, 1)
    browser.find(DIALOG)


def sign_in_by_password(browser, phone):
    browser.find(f"{DIALOG}//*[@role='tab'][normalize-space()='Password']").click()
    browser.type("account", phone)
    browser.type("password", GOOD_SECRET)
    browser.find(f"{DIALOG}//form/button").click()


def cancel(browser):
    return browser.find(f"{DIALOG}/button[normalize-space()='Cancel']")


def wait_held(browser):
    wait_for(lambda: browser.driver.execute_script("return Boolean(window.letGo)"), "the request")


def n_open(server, client_or_id):
    who = client_or_id if isinstance(client_or_id, int) else user_id(client_or_id)
    return rows(server, "SELECT COUNT(*) FROM user_sessions WHERE subject_id = ? AND status = 'active'", who)[0][0]


def providers_of(client):
    return sorted(one["provider"] for one in client.ok("GET", IDENTITIES)["identities"])


def test_an_address_moves_from_an_account_that_stays(server, browser):
    other, third = register(server), register(server)
    address = with_address(server, other)
    add_address(server, browser, address)
    assert not browser.has("//*[contains(., 'will be closed')][not(*)]")

    # Given up: nothing has happened.
    cancel(browser).click()
    browser.find(TAKEN)
    assert providers_of(other) == ["email", "password", "phone_sms"]

    # Once more; a third account proves nothing, the right one does.
    browser.press("Continue")
    browser.find(DIALOG)
    sign_in_by_password(browser, third.phone)
    browser.find(f"{DIALOG}//*[@role='status' and contains(@class, 'bad')]")
    wait_for(lambda: n_open(server, third) == 1, "the end of the session there")
    sign_in_by_password(browser, other.phone)
    browser.says("Saved.")
    browser.says("Code by e-mail · ")
    assert providers_of(other) == ["password", "phone_sms"]
    wait_for(lambda: n_open(server, other) == 1, "the end of the session there")


def test_who_gives_up_while_signing_in_there_moves_nothing(server, browser):
    other = register(server)
    address = with_address(server, other)
    add_address(server, browser, address)
    browser.driver.execute_script(HOLD, "/api/v1/auth/password/verify")
    sign_in_by_password(browser, other.phone)
    wait_held(browser)
    cancel(browser).click()
    browser.find(TAKEN)
    assert n_open(server, other) == 1
    browser.driver.execute_script("letGo()")
    there = "SELECT status FROM user_sessions WHERE subject_id = ? ORDER BY id"
    wait_for(lambda: rows(server, there, user_id(other)) == [("active",), ("revoked",)],
             "the end of the session there")
    assert providers_of(other) == ["email", "password", "phone_sms"]


def test_a_move_that_has_begun_is_not_given_up(server, browser):
    """Nor by Esc, which the second time is no longer asked about."""
    other = register(server)
    address = with_address(server, other)
    add_address(server, browser, address)
    browser.driver.execute_script(HOLD, "/api/v1/user/bind/email")
    sign_in_by_password(browser, other.phone)
    wait_held(browser)
    browser.keys(Keys.ESCAPE)
    assert not cancel(browser).is_enabled()
    browser.keys(Keys.ESCAPE)
    browser.driver.execute_script("letGo()")
    browser.says("Saved.")
    browser.says("Code by e-mail · ")
    assert providers_of(other) == ["password", "phone_sms"]
    wait_for(lambda: n_open(server, other) == 1, "the end of the session there")


def test_who_is_nobody_yet_there_is_told(server, browser):
    other, phone = register(server), new_phone()
    address = with_address(server, other)
    add_address(server, browser, address)
    browser.find(f"{DIALOG}//*[@role='tab'][normalize-space()='Code by SMS']").click()
    browser.type("phone", phone)
    browser.find(f"{DIALOG}//form/button").click()
    browser.find(f"{DIALOG}//input[@name='code']").send_keys(server.code_for(phone))
    browser.find(f"{DIALOG}//button[normalize-space()='Continue']").click()
    browser.find(f"{DIALOG}//*[@role='status' and contains(., 'made a new account')]")
    assert not browser.has(f"{DIALOG}//form")
    (made,) = accounts_of(server, phone)
    wait_for(lambda: n_open(server, made) == 0, "the end of the session there")
    cancel(browser).click()
    browser.find(TAKEN)
    assert providers_of(other) == ["email", "password", "phone_sms"]


def test_an_account_that_nothing_else_leads_to_is_closed_by_who_agrees(server, browser):
    client, address = server.client(), new_address()
    flow_id = client.ok("POST", "/api/v1/auth/email/begin", {"email": address})["flow_id"]
    client.tokens = client.ok("POST", "/api/v1/auth/email/verify",
                              {"flow_id": flow_id, "code": server.code_for(address)})
    client.use(client.tokens["access_token"])
    add_address(server, browser, address)
    browser.find(f"{DIALOG}//*[contains(., 'will be closed')][not(*)]")
    browser.find(f"{DIALOG}//*[@role='tab'][normalize-space()='Code by e-mail']").click()
    later(server)
    browser.type("email", address)
    browser.find(f"{DIALOG}//form/button").click()
    browser.find(f"{DIALOG}//input[@name='code']").send_keys(server.code_for(address, n_before=2))
    browser.find(f"{DIALOG}//button[normalize-space()='Continue']").click()
    close = browser.find("//button[normalize-space()='Close it and go on']")
    assert not close.is_enabled()
    client.ok("GET", PROFILE)
    browser.find("//input[@id='close-other']").click()
    browser.press("Close it and go on")
    browser.says("Saved.")
    browser.says("Code by e-mail · ")
    client.refused(401, "invalid_token", "GET", PROFILE)


def test_what_another_site_proves_moves_too(server, browser, issuer):
    """Both proofs are made there: the page is left and comes back, twice."""
    issuer.visitor = oidc.Person("小刚")
    phone = browser.phone
    browser.forget(server.url)
    browser.open(server.url + "/login")
    browser.press("Continue with Acme")
    browser.is_at("/account")
    browser.press("Sign out")
    browser.is_at("/login?return_to=/account")
    later(server)
    sign_in_there(server, browser, phone)
    browser.is_at("/account")
    browser.press("Add: Acme")
    browser.find(f"{DIALOG}//*[contains(., 'will be closed')][not(*)]")
    browser.find(f"{DIALOG}//button[normalize-space()='Continue with Acme']").click()
    browser.find("//input[@id='close-other']").click()
    browser.press("Close it and go on")
    browser.says("Saved.")
    browser.says("Acme · 小刚")
    client = sign_in(server, later(server) or phone)
    assert providers_of(client) == ["acme", "phone_sms"]
    left = browser.driver.execute_script("return JSON.stringify(sessionStorage)")
    assert "grant" not in left, left
