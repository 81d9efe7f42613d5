# SPDX-License-Identifier: Apache-2.0
"""The pages /login and /account in a real browser, and what a server says of them."""
import pathlib

import pytest
import requests
from selenium.webdriver.common.keys import Keys

from browser import Browser
from harness import GOOD_SECRET, new_phone, register, sign_in, wait_for
from links import mails_to
from mails import new_address
from nginx import free_port
from steps import rows
from stores import ROOT
from test_logins import add_rows

pytestmark = [pytest.mark.stores("sqlite", "lmdb", reason="what the pages ask is tested on every pair"),
              pytest.mark.one_host(reason="a browser keeps a cookie of one host name")]

# A flow that a window has begun on another site and not finished.
GIVEN_UP = """sessionStorage.setItem("flow", JSON.stringify({
    flow_id: "x".repeat(22), state: "given-up", provider: "email", purpose: arguments[0], page: "/login" }))"""
ASSETS = sorted(path.name for path in pathlib.Path(ROOT, "web").iterdir() if path.suffix != ".html")


@pytest.fixture(scope="module")
def chromium():
    made = []

    def make(**kwargs):
        made.append(Browser(**kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def window(chromium):
    return chromium()


@pytest.fixture
def browser(server, window):
    """A window nobody is signed in with, whose pages complain of nothing."""
    window.forget(server.url)
    yield window
    assert window.complaints() == []


def sign_in_there(server, browser, phone=None, path="/login"):
    """By a code, as a person does it."""
    phone = phone or new_phone()
    browser.open(server.url + path)
    browser.press("Code by SMS")
    browser.type("phone", phone)
    browser.press("Send a code")
    browser.type("code", server.code_for(phone))
    browser.press("Continue")
    return phone


def test_sign_in_by_code(server, browser):
    phone = sign_in_there(server, browser)
    browser.is_at("/account")
    browser.says(f"{phone[3:6]}****{phone[-4:]}")
    (cookie,) = browser.driver.get_cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("pintle", True, "Lax")
    seen = browser.driver.execute_script(
        "return document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert cookie["value"] not in seen and "eyJ" not in seen, seen
    assert browser.driver.execute_script("return localStorage.flow") is None  # which is over


@pytest.mark.parametrize("is_stale", [False, True], ids=["new", "stale"])
def test_sign_in_by_the_link_of_a_mail(make_server, browser, is_stale):
    """It opens in a window of its own, and that one is signed in; also one from which another site was left for."""
    port, address = free_port(), new_address()
    server = make_server("email.link=yes", f"server.listen=127.0.0.1:{port}",
                         f"server.public_url=http://127.0.0.1:{port}")
    browser.open(server.url + "/login")
    browser.press("Code by e-mail")
    browser.type("email", address)
    browser.press("Send a code")
    (mail,) = wait_for(lambda: mails_to(server, address), "the mail")
    browser.driver.switch_to.new_window("tab")
    if is_stale:
        browser.open(server.url + "/login")
        browser.driver.execute_script(GIVEN_UP, "login")
    browser.open(mail["link"])
    browser.press("Go on")
    browser.is_at("/account")


def test_a_wrong_code_is_told(server, browser):
    phone = new_phone()
    browser.open(server.url + "/login")
    browser.press("Code by SMS")
    browser.type("phone", phone)
    browser.press("Send a code")
    right = server.code_for(phone)
    browser.type("code", f"{(int(right) + 1) % 1000000:06d}")
    browser.press("Continue")
    browser.says("The code is wrong or no longer valid")
    browser.type("code", right)
    browser.press("Continue")
    browser.is_at("/account")


def test_a_field_that_is_wrong_is_marked(server, browser):
    browser.open(server.url + "/login")
    browser.press("Code by SMS")
    browser.type("phone", "12")
    browser.press("Send a code")
    browser.find("//input[@name='phone' and @aria-invalid='true']")


def test_another_code_can_be_had_after_a_while(server, browser):
    browser.open(server.url + "/login")
    browser.press("Code by SMS")
    browser.type("phone", new_phone())
    browser.press("Send a code")
    again = browser.find("//button[starts-with(normalize-space(), 'Another in')]")
    assert not again.is_enabled()


def test_sign_in_by_password_with_the_keyboard(server, browser):
    who = register(server)
    browser.open(server.url + "/login")
    first = browser.find("//*[@role='tab' and @aria-selected='true']")
    assert first.text == "Password"
    first.send_keys(Keys.ARROW_RIGHT)
    browser.find("//*[@role='tab' and @aria-selected='true'][normalize-space()='Code by SMS']")
    browser.press("Password")
    browser.input("account").send_keys(who.phone, Keys.TAB, GOOD_SECRET, Keys.ENTER)
    browser.is_at("/account")


def test_in_chinese(server, chromium):
    browser = chromium(lang="zh-CN")
    browser.open(server.url + "/login")
    browser.press("短信验证码")
    assert browser.driver.execute_script("return document.documentElement.lang") == "zh-CN"
    browser.type("phone", "12")
    browser.press("发送验证码")
    browser.says("字段无效")
    browser.press("English")
    browser.press("Code by SMS")
    assert browser.complaints() == []


def test_on_a_phone(server, chromium):
    browser = chromium(size="360,640")
    sign_in_there(server, browser)
    browser.is_at("/account")
    browser.find("//*[@id='sessions']/li")
    assert browser.driver.execute_script("return [innerWidth, document.documentElement.scrollWidth <= innerWidth]") \
        == [360, True]
    assert browser.complaints() == []


def test_every_field_has_its_label(server, browser):
    sign_in_there(server, browser)
    browser.is_at("/account")
    browser.find("//*[@id='sessions']/li")
    nameless = browser.driver.execute_script(
        "return [...document.querySelectorAll('input')].filter((one) => one.labels.length === 0).length")
    assert nameless == 0


def test_where_to_go_then(make_server, chromium):
    browser = chromium()
    server = make_server("server.return_urls=https://app.example/done")
    sign_in_there(server, browser, path="/login?return_to=/healthz")
    browser.is_at("/healthz")
    for good in ("/account", "https://app.example/done", ""):
        answer = requests.get(server.url + "/login", params={"return_to": good} if good else {}, timeout=20)
        assert answer.status_code == 200, good
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)",
                 "https://app.example/done/", "https://app.example/done?x", "data:text/html,x", "account"):
        answer = requests.get(server.url + "/login", params={"return_to": evil}, timeout=20)
        assert (answer.status_code, "login.js" in answer.text) == (400, False), evil


def test_the_account(server, browser):
    phone = sign_in_there(server, browser)
    browser.is_at("/account")
    browser.type("nickname", "Li Lei <b>")
    browser.press("Save")
    browser.says("Saved.")
    browser.find("//h1[normalize-space()='Li Lei <b>']")
    server.shift_clock(server.shift + 61)
    other = sign_in(server, phone)
    browser.driver.refresh()
    browser.press("End")
    browser.driver.switch_to.alert.accept()
    wait_for(lambda: other.get("/api/v1/user/profile").status_code == 401, "the end of the other session")
    wait_for(lambda: not browser.has("//button[normalize-space()='End']"), "the row to go")
    browser.press("Sign out")
    wait_for(lambda: "/login" in browser.driver.current_url, "the way out")
    assert browser.driver.get_cookies() == []


def test_recent_sign_ins_come_by_the_ten(server, browser):
    phone = sign_in_there(server, browser)
    browser.is_at("/account")
    server.client().refused(401, "invalid_credentials", "POST", "/api/v1/auth/login",
                            {"phone": phone, "password": "wrong"}, headers={"User-Agent": "<b>Curl</b>"})
    failed = "SELECT user_id FROM login_logs WHERE user_agent LIKE '%Curl%'"
    (user,), = wait_for(lambda: rows(server, failed), "the log")[-1:]
    add_rows(server, user, 23)
    browser.driver.refresh()
    listed = "//*[@id='logins']/li"
    browser.find(f"{listed}[contains(., 'Password')]/span[normalize-space()='refused']")
    browser.find(f"{listed}[contains(., 'Code by SMS') and contains(., 'Chrome, Linux')]")
    assert not browser.has(f"{listed}[contains(., 'Curl')]")  # a stranger may have written it
    for n in (10, 20, 25):
        wait_for(lambda n=n: len(browser.driver.find_elements("xpath", listed)) == n, f"{n} rows")
        assert browser.has("//button[normalize-space()='More']") == (n < 25)
        if n < 25:
            browser.press("More")
    browser.find(f"{listed}[25][contains(., 'gone · old 0 · 192.0.2.7')]")


@pytest.mark.parametrize("kept, said", [(False, "The flow has ended"), (True, "no longer valid")])
def test_a_way_that_is_refused_on_the_way_back(server, browser, kept, said):
    """410 of a flow that is gone, 401 of a grant that is none: the account is shown, and why it was refused."""
    phone = sign_in_there(server, browser)
    browser.is_at("/account")
    browser.find("//*[@id='sessions']/li")
    if kept:
        browser.press("Add: Code by e-mail")
        browser.type("email", f"{new_phone()[1:]}@example.com")
        browser.press("Send a code")
        browser.input("code")
        state = browser.driver.execute_script("return JSON.parse(localStorage.flow).state")
    else:
        browser.driver.execute_script(GIVEN_UP, "bind")
        state = "given-up"
    browser.open(server.url + "/healthz")
    browser.open(f"{server.url}/account#grant=broken&state={state}")
    browser.find(f"//*[@role='status' and contains(@class, 'bad') and contains(., '{said}')]")
    browser.says(f"{phone[3:6]}****{phone[-4:]}")
    browser.is_at("/account")


def test_one_more_way_to_sign_in(server, browser):
    sign_in_there(server, browser)
    browser.is_at("/account")
    browser.press("Add: Code by e-mail")
    address = f"{new_phone()[1:]}@example.com"
    browser.type("email", address)
    browser.press("Send a code")
    browser.type("code", server.code_for(address))
    browser.press("Continue")
    browser.says("Code by e-mail ·")
    browser.find("//*[@id='identities']/li[2]//button").click()
    browser.driver.switch_to.alert.accept()
    wait_for(lambda: not browser.has("//*[@id='identities']/li[2]"), "the row to go")


def test_a_password_of_ones_own(server, browser):
    sign_in_there(server, browser)
    browser.is_at("/account")
    browser.type("new_password", GOOD_SECRET)
    browser.press("Change")
    browser.says("The password is changed.")


def test_nobody_is_sent_to_sign_in(server, browser):
    browser.open(server.url + "/account")
    browser.is_at("/login?return_to=/account")


def test_a_foreign_landing_signs_nobody_in(server, browser):
    """A grant that this window has not begun (A47)."""
    for fragment in ("grant=abc", "grant=abc&flow_id=x", "error=access_denied"):
        browser.open("about:blank")
        browser.open(f"{server.url}/login#{fragment}")
        browser.find("//p[contains(@class, 'bad')]")
        assert "#" not in browser.driver.current_url
        assert browser.driver.get_cookies() == []


def test_a_foreign_landing_adds_nothing(server, browser):
    sign_in_there(server, browser)
    browser.is_at("/account")
    browser.find("//*[@id='identities']/li")
    for fragment, said in (("grant=abc", "Go back to the window"), ("error=access_denied", "It was refused.")):
        browser.open("about:blank")
        browser.open(f"{server.url}/account#{fragment}")
        browser.find(f"//p[contains(@class, 'bad') and contains(., '{said}')]")
        assert len(browser.driver.find_elements("xpath", "//*[@id='identities']/li")) == 1
        assert "#" not in browser.driver.current_url


def test_what_the_server_says_of_its_pages(server):
    for path in ("/login", "/account"):
        answer = server.client().get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "<script>" not in answer.text and "style=" not in answer.text and " on" not in answer.text
    for name in ASSETS:
        answer = server.client().get(f"/assets/{name}")
        assert answer.status_code == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
        again = server.client().get(f"/assets/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    for name in ("login.html", "nothing.js", "..%2fMakefile", "%00", "page.css%00"):
        assert requests.get(f"{server.url}/assets/{name}", timeout=20).status_code in (400, 404), name
