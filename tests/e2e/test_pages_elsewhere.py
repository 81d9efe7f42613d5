# SPDX-License-Identifier: Apache-2.0
"""Signing in by another device or another site, as a person does it: in a real browser, with a phone that
follows what its camera sees on the screen."""
import pytest
from selenium.webdriver.common.keys import Keys

from browser import Browser
from fakes import oidc
from fakes.wechat import Fake, Person, Phone, read_code
from harness import Server, new_phone, wait_for
from live import FLOWS, gauge
from nginx import Nginx, free_port
from pair import start_at_a_port
from steps import IDENTITIES, access_lines, later, sign_in_again
from wechat_server import section_of

pytestmark = [pytest.mark.stores("sqlite", "lmdb", reason="what the pages ask is tested on every pair"),
              pytest.mark.one_host(reason="a browser keeps a cookie of one host name")]

BY_CODE = "Continue with WeChat"
PICTURE = "//img[@class='code']"
# A proxy that passes no WebSockets, and one that passes no stream of events either.
FRONT = """
server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {url}; proxy_set_header Host $http_host; {buffering} }}
    {refused}
}}
"""
REFUSED = "location ~ /events$ { return 404; }"


def settings(fake, port):
    conf = section_of(fake, "wechat", "qr", "wxqr", "p1") \
        + section_of(fake, "site", "website", "wxweb", "p1") + "label_en = WeChat site\n"
    return {"conf": {"50-wechat.ini": conf}, "workers": 2}, [f"server.public_url=http://127.0.0.1:{port}"]


@pytest.fixture(scope="module")
def fake():
    made = Fake()
    yield made
    made.close()


@pytest.fixture(scope="module")
def issuer():
    made = oidc.Issuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(fake, issuer):
    def make(port):
        more, options = settings(fake, port)
        issuer.client("pages", "secret", f"http://127.0.0.1:{port}/api/v1/auth/acme/callback")
        more["conf"]["60-oauth2.ini"] = f"[acme]\nplugin = oauth2\nissuer = {issuer.issuer}\nclient_id = pages\n" \
            "client_secret = secret\nlabel_en = Acme\n"
        return Server(options=[f"server.listen=127.0.0.1:{port}", *options], **more)

    started = start_at_a_port(make)
    yield started
    started.close()


@pytest.fixture(scope="module")
def chromium():
    one = Browser()
    yield one
    one.close()


@pytest.fixture
def browser(server, chromium):
    """A window nobody is signed in with, whose pages complain of nothing."""
    chromium.forget(server.url)
    yield chromium
    assert chromium.complaints() == []


def see_code(browser, folder):
    """What a camera reads from the screen."""
    picture = browser.find(PICTURE)
    wait_for(lambda: browser.driver.execute_script("return arguments[0].naturalWidth > 0", picture), "the picture")
    return read_code(picture.screenshot_as_png, folder)


def phone_before(server, fake, browser, folder, person=None):
    """A phone that has scanned what the browser shows, and the text that was in it."""
    phone = Phone(fake, person or Person(), server.url)
    text = see_code(browser, folder)
    assert phone.scan(text).status_code == 200
    browser.says("Scanned. Confirm on your phone.")
    return phone, text


def how_followed(server):
    """By what requests the pages have learned of their flows; those that are over are in the log."""
    asked = {line["path"] for line in access_lines(server) if line["method"] == "GET"}
    return [end for end in ("/ws", "/events", "") if f"{FLOWS}{{flow_id}}{end}" in asked]


def test_the_whole_way_with_the_keyboard_alone(server, fake, browser, tmp_path):
    browser.open(server.url + "/login")
    browser.key_to(BY_CODE)
    wait_for(lambda: gauge(server, "pintle_live_sockets") == 1, "the browser's own WebSocket")
    phone, _ = phone_before(server, fake, browser, tmp_path, Person("小红"))
    assert phone.tap("confirm").status_code == 200
    browser.is_at("/account")
    browser.find("//h1[normalize-space()='小红']")
    browser.says("WeChat · 小红")

    # A second way in.
    address = f"{new_phone()[1:]}@example.com"
    browser.key_to("Add: Code by e-mail")
    browser.input("email")
    browser.keys(address, Keys.ENTER)
    browser.input("code")
    browser.keys(server.code_for(address), Keys.ENTER)
    browser.says("Saved.")
    browser.says("Code by e-mail · ")

    # Somebody else is signed in elsewhere, and is put out.
    later(server)
    client = server.client()
    flow_id = client.ok("POST", "/api/v1/auth/email/begin", {"email": address})["flow_id"]
    client.use(client.ok("POST", "/api/v1/auth/email/verify", {
        "flow_id": flow_id, "code": server.code_for(address, n_before=1)})["access_token"])
    assert {one["provider"] for one in client.ok("GET", IDENTITIES)["identities"]} == {"wechat", "email"}
    browser.driver.refresh()
    browser.key_to("End", starts=True)
    browser.driver.switch_to.alert.accept()
    browser.says("Ended.")
    client.refused(401, "invalid_token", "GET", IDENTITIES)

    # The first way is taken away, the last one stays.
    browser.key_to("Remove: WeChat", starts=True)
    browser.driver.switch_to.alert.accept()
    browser.says("Removed.")
    assert not browser.has("//*[@id='identities']//*[contains(., 'WeChat')]")
    browser.key_to("Remove: Code by e-mail", starts=True)
    browser.driver.switch_to.alert.accept()
    browser.find("//*[@role='status' and contains(@class, 'bad')]")
    browser.says("Code by e-mail · ")
    assert len(browser.driver.find_elements("css selector", "#logins li")) == 2
    # It was told, and never asked for.
    assert wait_for(lambda: how_followed(server), "the log") == ["/ws"]


def test_no_on_the_phone_and_a_code_that_is_too_old(server, fake, browser, tmp_path):
    browser.open(server.url + "/login")
    browser.press(BY_CODE)
    phone, first = phone_before(server, fake, browser, tmp_path)
    assert phone.tap("cancel").status_code == 200
    browser.says("It was refused.")
    assert not browser.has(PICTURE)
    browser.press("Start again")
    second = see_code(browser, tmp_path)
    later(server, 301)
    browser.says("This has expired.")
    assert not browser.has(PICTURE)
    browser.press("Start again")
    phone, third = phone_before(server, fake, browser, tmp_path)
    assert len({first, second, third}) == 3
    assert phone.tap("confirm").status_code == 200
    browser.is_at("/account")


def test_a_code_that_was_left_is_void(server, fake, browser, tmp_path):
    browser.open(server.url + "/login")
    browser.press(BY_CODE)
    phone, _ = phone_before(server, fake, browser, tmp_path)
    browser.press("Password")
    wait_for(lambda: phone.tap("confirm").status_code in (409, 410), "the end of the flow")
    browser.input("account")


@pytest.mark.parametrize("refused", ["", REFUSED], ids=["events", "asking"])
def test_without_websockets(fake, chromium, make_server, tmp_path, refused):
    port = free_port()
    more, options = settings(fake, port)
    server = make_server(*options, **more)
    buffering = "proxy_buffering off;" if not refused else ""
    with Nginx(FRONT, port=port, url=server.url, refused=refused, buffering=buffering) as front:
        chromium.forget(front.url)
        chromium.open(front.url + "/login")
        chromium.press(BY_CODE)
        if not refused:
            wait_for(lambda: gauge(server, "pintle_live_streams") == 1, "the stream of events")
        phone, _ = phone_before(server, fake, chromium, tmp_path)
        assert gauge(server, "pintle_live_sockets") == 0
        assert phone.tap("confirm").status_code == 200
        chromium.is_at("/account")
        wait_for(lambda: how_followed(server) == ["/ws", "/events" if not refused else ""], "the log")
        chromium.open("about:blank")
    chromium.complaints()


class WechatSite:
    label = "WeChat site"

    def __init__(self, browser, fake):
        self.browser, self.fake = browser, fake

    def agree(self, press, name):
        press()
        wait_for(lambda: self.browser.driver.current_url.startswith(self.fake.url), "WeChat's page")
        self.browser.open(self.fake.allow(self.browser.driver.current_url, Person(name)))


class Acme:
    label = "Acme"

    def __init__(self, browser, issuer):
        self.browser, self.issuer = browser, issuer

    def agree(self, press, name):
        """Its page sends whoever comes back at once."""
        self.issuer.visitor = oidc.Person(name) if name else None
        press()


@pytest.fixture(params=["wechat", "acme"])
def site(request, browser, fake, issuer):
    return WechatSite(browser, fake) if request.param == "wechat" else Acme(browser, issuer)


def test_another_site(server, browser, site):
    """There, back, and signed in; then added to an account that has another way in, and taken away."""
    browser.open(server.url + "/login")
    site.agree(lambda: browser.press(f"Continue with {site.label}"), "小明")
    browser.is_at("/account")
    browser.says(f"{site.label} · 小明")
    browser.press("Sign out")
    browser.is_at("/login?return_to=/account")

    browser.press("Code by SMS")
    phone = new_phone()
    browser.type("phone", phone)
    browser.press("Send a code")
    browser.type("code", server.code_for(phone))
    browser.press("Continue")
    browser.is_at("/account")
    site.agree(lambda: browser.press(f"Add: {site.label}"), "小刚")
    browser.says("Saved.")
    browser.says(f"{site.label} · 小刚")
    assert not browser.has(f"//button[normalize-space()='Add: {site.label}']")
    client = sign_in_again(server, phone)
    assert {one["name"] for one in client.ok("GET", IDENTITIES)["identities"]} == {None, "小刚"}
    browser.find(f"//button[starts-with(@aria-label, 'Remove: {site.label}')]").click()
    browser.driver.switch_to.alert.accept()
    browser.says("Removed.")
    browser.find(f"//button[normalize-space()='Add: {site.label}']")


def test_no_at_another_site(server, browser, issuer):
    browser.open(server.url + "/login")
    site = Acme(browser, issuer)
    site.agree(lambda: browser.press("Continue with Acme"), None)
    browser.says("It was refused.")
    assert browser.driver.get_cookies() == []
    site.agree(lambda: browser.press("Continue with Acme"), "Ada")
    browser.is_at("/account")


def test_a_picture_of_ones_own(server, browser, issuer):
    browser.open(server.url + "/login")
    Acme(browser, issuer).agree(lambda: browser.press("Continue with Acme"), "Ada")
    browser.is_at("/account")
    shown = server.client().ok("POST", "/api/v1/auth/wechat/begin")["qr_code"]
    browser.type("avatar", f"/w/wechat/{shown}/qr.svg")
    browser.press("Save")
    browser.says("Saved.")
    picture = browser.find("//img[@class='avatar']")
    wait_for(lambda: browser.driver.execute_script("return arguments[0].naturalWidth > 0", picture), "the picture")
    browser.type("avatar", "javascript:alert(1)")
    browser.press("Save")
    browser.find("//input[@name='avatar' and @aria-invalid='true']")
    browser.driver.refresh()
    browser.type("avatar", "")
    browser.press("Save")
    browser.says("Saved.")
    assert not browser.has("//img")
