# SPDX-License-Identifier: Apache-2.0
"""Sign-ins at another site: a browser begins, is sent there, and comes back with something to hand in."""
from urllib.parse import parse_qsl, urlsplit

from elsewhere import path_of

PUBLIC = "https://auth.example.com"
BACK = "https://app.example.com/done"
OPTIONS = [f"server.public_url={PUBLIC}", f"server.return_urls={BACK}"]
FLOW = "/api/v1/auth/flows/{}"
DENIED = {"error": "access_denied"}


class Trip:
    """A browser that has begun a sign-in by that section."""

    def __init__(self, server, section, client=None, **fields):
        self.server, self.section, self.client = server, section, client or server.client()
        self.data = self.client.ok("POST", path_of(section, "begin"), fields)
        assert self.data["next"] == "redirect", self.data
        self.flow_id, self.url = self.data["flow_id"], self.data["authorize_url"]

    @property
    def asked(self):
        """What the site is asked."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def land(self, url, client=None):
        """Back from there, in this browser or another: where it is sent, and what stands behind '#'; or the
        answer, when it is sent nowhere."""
        parts = urlsplit(url)
        answer = (client or self.client).get(f"{parts.path}?{parts.query}", allow_redirects=False)
        if answer.status_code != 303:
            return answer, {}
        where, _, behind = answer.headers["Location"].partition("#")
        return where, dict(parse_qsl(behind))

    def go(self, site, person, client=None):
        """There and back: what stands behind '#'."""
        where, behind = self.land(site.allow(self.url, person), client)
        assert behind, f"{where.status_code} {where.text}"
        return behind

    def state(self):
        return self.client.ok("GET", FLOW.format(self.flow_id))["status"]

    def verify(self, client=None, **fields):
        return (client or self.client).post(path_of(self.section, "verify"), {"flow_id": self.flow_id, **fields})

    def bind(self, client=None, **fields):
        return (client or self.client).post(path_of(self.section, "bind"), {"flow_id": self.flow_id, **fields})

    def signed_in(self, behind):
        """The browser, with the tokens it gets."""
        answer = self.verify(grant=behind.get("grant"))
        assert answer.status_code == 200 and "access_token" in answer.text, f"{behind}: {answer.text}"
        self.client.tokens = answer.json()["data"]
        return self.client.use(self.client.tokens["access_token"])
