# SPDX-License-Identifier: Apache-2.0
"""WeChat, by its documents: the pages that browsers and phones see, the interface behind them, and a phone.

Everything is checked as WeChat checks it: the order of parameters on the phone's page, appid and secret, a
code's app, age and single use. It answers 200 and text/plain, errors too."""
import re
import secrets
import subprocess
import time
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

from fakes import vendor
from fakes.upstream import Upstream

CODE_S = 300
PAGE_PARAMS = ["appid", "redirect_uri", "response_type", "scope", "state"]


class Refused(vendor.Refused):
    """An errcode instead of an answer; the message carries a request id, as WeChat's do."""

    def __init__(self, errcode, errmsg="refused"):
        super().__init__(200, {"errcode": errcode, "errmsg": f"{errmsg}, rid: {secrets.token_hex(4)}"})


class App:
    def __init__(self, appid, platform=None):
        self.appid, self.platform, self.secret = appid, platform, "secret of " + appid


class Person:
    """Somebody with WeChat. Ids are the same whenever they are asked for, and differ by app and platform."""

    def __init__(self, name="小明"):
        self.name, self.mark = name, secrets.token_hex(6)

    def openid(self, app):
        return f"o{app.appid[2:]}-{self.mark}"

    def unionid(self, app):
        return f"u{app.platform}-{self.mark}" if app.platform else None


class Fake(Upstream):
    """The whole of it on one port. A number in odd is an errcode."""

    content_type = "text/plain"

    def __init__(self):
        self.apps, self.codes, self.tokens, self.refreshes, self.extra = {}, {}, {}, {}, {}
        super().__init__()

    def app(self, appid, platform=None):
        self.apps[appid] = App(appid, platform)
        return self.apps[appid]

    def answer_oddly(self, odd):
        if isinstance(odd, int):
            raise Refused(odd)
        return super().answer_oddly(odd)

    def answer(self, ask):
        known = {"/sns/oauth2/access_token": self.access_token, "/sns/userinfo": self.userinfo,
                 "/sns/oauth2/refresh_token": self.refresh_token,
                 "/sns/jscode2session": self.code2session}
        if ask.method != "GET":
            raise Refused(43001, "require GET method")
        if ask.path not in known:
            raise Refused(40066, "invalid url")
        answer = known[ask.path](dict(ask.query))
        answer.update(self.extra.get(ask.path, {}))
        return {name: value for name, value in answer.items() if value is not None}

    # ---- The interface ----

    def known_app(self, query):
        app = self.apps.get(query.get("appid"))
        if not app:
            raise Refused(40013, "invalid appid")
        if query.get("secret") != app.secret:
            raise Refused(40125, "invalid appsecret")
        return app

    def take_code(self, app, code, kind):
        if not code:
            raise Refused(41008, "missing code")
        made = self.codes.get(code)
        if not made or made["app"] is not app or made["kind"] != kind or made["until"] < time.time():
            raise Refused(40029, "invalid code")
        if made["used"]:
            raise Refused(40163, "code been used")
        made["used"] = True
        return made

    def access_token(self, query):
        app = self.known_app(query)
        if query.get("grant_type") != "authorization_code":
            raise Refused(40002, "invalid grant_type")
        made = self.take_code(app, query.get("code"), "page")
        token, refresh = secrets.token_urlsafe(60), secrets.token_urlsafe(60)
        known = {"app": app, "person": made["person"], "scope": made["scope"], "until": time.time() + 7200}
        self.tokens[token] = known
        self.refreshes[refresh] = dict(known, token=token)
        return {"access_token": token, "expires_in": 7200, "refresh_token": refresh,
                "openid": made["person"].openid(app), "scope": made["scope"],
                "unionid": made["person"].unionid(app)}

    def userinfo(self, query):
        token = self.tokens.get(query.get("access_token"))
        if not token:
            raise Refused(40014, "invalid access_token")
        if token["until"] < time.time():
            raise Refused(42001, "access_token expired")
        if token["scope"] == "snsapi_base":
            raise Refused(48001, "api unauthorized")
        person, app = token["person"], token["app"]
        if query.get("openid") != person.openid(app):
            raise Refused(40003, "invalid openid")
        return {"openid": person.openid(app), "nickname": person.name, "sex": 1, "language": "zh_CN",
                "province": "广东", "city": "深圳", "country": "中国",
                "headimgurl": f"https://thirdwx.qlogo.cn/mmopen/{person.mark}/132", "privilege": [],
                "unionid": person.unionid(app)}

    def refresh_token(self, query):
        if query.get("grant_type") != "refresh_token":
            raise Refused(40002, "invalid grant_type")
        known = self.refreshes.get(query.get("refresh_token"))
        if not known or known["app"].appid != query.get("appid"):
            raise Refused(40030, "invalid refresh_token")
        token = secrets.token_urlsafe(60)
        self.tokens[token] = dict(known, until=time.time() + 7200)
        return {"access_token": token, "expires_in": 7200, "refresh_token": query["refresh_token"],
                "openid": known["person"].openid(known["app"]), "scope": known["scope"]}

    def code2session(self, query):
        app = self.known_app(query)
        made = self.take_code(app, query.get("js_code"), "mini")
        return {"session_key": secrets.token_urlsafe(16), "openid": made["person"].openid(app),
                "unionid": made["person"].unionid(app)}

    # ---- What people do ----

    def make_code(self, app, person, kind="page", scope="snsapi_login"):
        code = secrets.token_hex(16)
        with self.lock:
            self.codes[code] = {"app": app, "person": person, "kind": kind, "scope": scope,
                                "used": False, "until": time.time() + CODE_S}
        return code

    def allow(self, url, person, is_phone=False):
        """Somebody agrees on one of WeChat's pages; where the page sends them."""
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, strict_parsing=True)
        query = dict(pairs)
        assert parts.path == ("/connect/oauth2/authorize" if is_phone else "/connect/qrconnect"), url
        assert [name for name, _ in pairs] == PAGE_PARAMS, "WeChat wants this order"
        assert parts.fragment == "wechat_redirect" and query["response_type"] == "code", url
        assert query["state"].isalnum() and len(query["state"]) <= 128, query
        assert query["scope"] in (("snsapi_base", "snsapi_userinfo") if is_phone else ("snsapi_login",))
        code = self.make_code(self.apps[query["appid"]], person, scope=query["scope"])
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})


class Form(HTMLParser):
    """The one form of a page, its buttons, and what a person reads."""

    def __init__(self, html):
        super().__init__()
        self.action, self.method, self.buttons, self.text = None, None, [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.action, self.method = attrs["action"], attrs["method"]
        if tag == "button":
            self.buttons.append((attrs["name"], attrs["value"]))
        assert tag != "script", "pages of ours have none"

    def handle_data(self, data):
        self.text += data


class Phone:
    """A phone with WeChat on it, that follows what its camera sees. base: where the server really is, since
    its public name leads nowhere in a test."""

    AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0.50"

    def __init__(self, fake, person, base, agent=AGENT):
        self.fake, self.person, self.base, self.page, self.at = fake, person, base, None, None
        self.http = requests.Session()
        self.http.headers.update({"User-Agent": agent, "Accept": "text/html,*/*",
                                  "Accept-Language": "zh-CN"})

    def open(self, url, method="GET", data=None):
        """Redirects are looked at, not followed."""
        parts = urlsplit(url)
        self.at = url
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}"} if method == "POST" else {}
        if self.http.cookies:  # by hand: where the server really is there is no TLS, which its public name has
            headers["Cookie"] = "; ".join(f"{one.name}={one.value}" for one in self.http.cookies)
        return self.http.request(method, urljoin(self.base, parts.path) + ("?" + parts.query if parts.query else ""),
                                 data=data, headers=headers, allow_redirects=False, timeout=30)

    def go(self, url, method="GET", data=None):
        """Redirects are followed, by way of WeChat too, whose owner allows everything."""
        answer = self.open(url, method, data)
        for _ in range(4):
            if answer.status_code != 303:
                return answer
            url = answer.headers["Location"]
            if url.startswith(self.fake.url):
                url = self.fake.allow(url, self.person, is_phone=True)
            answer = self.open(url)
        raise AssertionError(f"it is sent around: {url}")

    def scan(self, text):
        """Up to the page that asks; the answer that ended it, whatever it is."""
        answer = self.go(text)
        self.page = Form(answer.text) if answer.status_code == 200 else None
        return answer

    def reload(self):
        """What its browser shows now."""
        return self.scan(self.at)

    def tap(self, action):
        assert self.page and ("action", action) in self.page.buttons and self.page.method == "post"
        return self.go(self.page.action, "POST", {"action": action})


def drawn(svg, scale=8):
    """A picture of runs of dark modules, as a bitmap (PGM)."""
    side = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])
    rows = [bytearray(b"\xff" * side) for _ in range(side)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg):
        rows[int(y)][int(x):int(x) + int(width)] = bytes(int(width))
    lines = b"".join(b"".join(bytes([dot]) * scale for dot in row) * scale for row in rows)
    return b"P5 %d %d 255\n" % (side * scale, side * scale) + lines


def read_code(picture, folder):
    """The text of a QR code in a picture, as a camera reads it."""
    path = folder / "code"
    path.write_bytes(picture)
    done = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(path)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
