# SPDX-License-Identifier: Apache-2.0
"""A server with several sections of WeChat, and the steps of people who sign in by it. Test files import the
fixtures they want."""
import pytest

from fakes.wechat import Fake, Person, Phone, read_code
from pair import serve
from trips import OPTIONS, PUBLIC

# Section, method, appid and Open Platform account.
SECTIONS = [("wechat", "qr", "wxqr", "p1"), ("wechat_web", "website", "wxweb", "p1"),
            ("mini1", "mini", "wxmini1", "p1"), ("mini2", "mini", "wxmini2", "p1"),
            ("mini3", "mini", "wxmini3", "p2"), ("alone", "mini", "wxalone", "")]
QR_CODE = "/api/auth/wechat/qr-code"
CONFIRM = "/api/auth/wechat/confirm"
BIND = "/api/user/bind-wechat"
UNBIND = "/api/user/unbind-wechat"
CALLBACK = "/api/v1/auth/{}/callback"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"


def status_path(flow_id):
    return f"/api/auth/wechat/status/{flow_id}"


def verify_path(section):
    return f"/api/v1/auth/{section}/verify"


def section_of(fake, name, method, appid, platform):
    app = fake.app(appid, platform or None)
    lines = [f"[{name}]", "plugin = wechat", f"method = {method}", f"appid = {appid}",
             f"secret = {app.secret}", f"api_url = {fake.url}", f"page_url = {fake.url}",
             f"upstream_timeout = {'1s' if name == 'alone' else '8s'}"]
    return "\n".join(lines + ([f"platform = {platform}"] if platform else [])) + "\n"


def conf_of(fake):
    return {"50-wechat.ini": "\n".join(section_of(fake, *section) for section in SECTIONS)}


@pytest.fixture(scope="module")
def fake():
    made = Fake()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(fake):
    started = serve(workers=2, options=OPTIONS, conf=conf_of(fake)).start()
    yield started
    started.close()


class Opener:
    """A browser that has opened a sign-in by our own QR code."""

    def __init__(self, server, client=None, **fields):
        self.server, self.client = server, client or server.client(headers={"User-Agent": CHROME})
        self.data = self.client.ok("POST", QR_CODE, fields)
        self.flow_id = self.data["session_id"]

    def status(self):
        return self.client.ok("GET", status_path(self.flow_id))

    def picture(self, name="qr_png_url"):
        return self.client.get(self.data[name][len(PUBLIC):])

    def code_text(self, folder):
        return read_code(self.picture().content, folder)

    def scan_url(self):
        return f"{PUBLIC}/w/wechat/{self.data['qr_code']}"

    def verify(self, **fields):
        return self.client.post(verify_path("wechat"), {"flow_id": self.flow_id, **fields})

    def tokens(self):
        answer = self.verify()
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        assert "access_token" in data, data
        self.client.tokens = data
        self.client.use(data["access_token"])
        return self.client


def phone_of(server, fake, person=None, **kwargs):
    return Phone(fake, person or Person(), server.url, **kwargs)


def sign_in_by_phone(server, fake, person):
    """A client signed in by our own QR code."""
    opener, phone = Opener(server), phone_of(server, fake, person)
    assert phone.scan(opener.scan_url()).status_code == 200
    assert phone.tap("confirm").status_code == 200
    return opener.tokens()


def mini_code(fake, section, person):
    appid = next(appid for name, _, appid, _ in SECTIONS if name == section)
    return fake.make_code(fake.apps[appid], person, kind="mini")


def sign_in_by_mini(server, fake, person, section="mini1"):
    client = server.client()
    client.tokens = client.ok("POST", verify_path(section), {"js_code": mini_code(fake, section, person)})
    return client.use(client.tokens["access_token"])
