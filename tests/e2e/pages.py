# SPDX-License-Identifier: Apache-2.0
"""What a person does with a page that has no scripts: reads it, fills in its form, presses its button."""
import html.parser
from urllib.parse import parse_qs, urlsplit

import requests

HTML = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}


class Form(html.parser.HTMLParser):
    """The one form of a page: where it goes and what it sends."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.n_forms = None, {}, 0
        self.feed(text)
        assert self.n_forms == 1, text

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag != "script" and not any(name.startswith("on") for name in attrs)
        if tag == "form":
            assert attrs["method"] == "post"
            self.action, self.n_forms = attrs["action"], self.n_forms + 1
        elif tag == "input":
            self.fields[attrs["name"]] = attrs.get("value", "")


class Browser:
    """Somebody's browser; it reaches the server at its own port whatever the public URL says."""

    def __init__(self, server, **headers):
        self.url = server.url
        self.http = requests.Session()
        self.http.headers.update({**HTML, "Sec-Fetch-Site": "same-origin", **headers})

    def open(self, url, method="GET"):
        parts = urlsplit(url)
        path = parts.path + ("?" + parts.query if parts.query else "")
        return self.http.request(method, self.url + path, timeout=30, allow_redirects=False)

    def send(self, page, **fields):
        """Fills in the form of a page and sends it."""
        form = Form(page.text)
        return self.http.post(self.url + form.action, data={**form.fields, **fields}, timeout=30,
                              allow_redirects=False)


def assert_page(answer, status=200):
    """A page that runs nothing, is kept by nobody and tells no other site where it was."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer


def behind_hash(answer):
    """Where a redirect leads, and what it carries behind '#'."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    parts = urlsplit(answer.headers["Location"])
    assert not parts.query, "a secret in a query is in the next server's log"
    told = {name: values[0] for name, values in parse_qs(parts.fragment).items()}
    return answer.headers["Location"].partition("#")[0], told
