# SPDX-License-Identifier: Apache-2.0
"""Two hosts over the same stores; PINTLE_HOSTS=2 puts a pair, behind one nginx, under the stories."""
import glob
import os
import shutil

from harness import Client, Server
from nginx import Nginx, free_port

HOSTS = int(os.environ.get("PINTLE_HOSTS", "1"))

# Requests of one client go to the hosts in turn; nothing is tried twice. The hosts see the address the
# client has on loopback.
FRONT = """
merge_slashes off;
ignore_invalid_headers off;
large_client_header_buffers 8 64k;
client_max_body_size 0;
upstream hosts {{
    server {a} max_fails=0;
    server {b} max_fails=0;
}}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://hosts;
        proxy_bind $remote_addr;
        proxy_http_version 1.1;
        proxy_next_upstream off;
        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
    }}
}}
"""


class Pair:
    """Hosts a and b: a state folder each, one pair of stores, the same keys."""

    def __init__(self, options=(), **kwargs):
        self.a = Server(options=["token.issuer=http://auth.test", *options], **kwargs)
        self.b = Server(options=["token.issuer=http://auth.test", *options], stores=self.a.stores,
                        **{name: value for name, value in kwargs.items() if name != "stores"})

    @property
    def hosts(self):
        return [self.a, self.b]

    @property
    def urls(self):
        return [host.url for host in self.hosts]

    def start(self):
        self.a.start()
        self.give_keys()
        self.b.start()
        return self

    def give_keys(self, *patterns):
        """What the operator copies: never host.id, which says who a host is."""
        keys = os.path.join(self.b.state, "keys")
        for folder in (self.b.state, keys):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        for pattern in patterns or ("master", "es256-*.pem"):
            for path in glob.glob(os.path.join(self.a.state, "keys", pattern)):
                shutil.copy2(path, keys)

    def stop(self):
        """The worse of both exit statuses."""
        return max(host.stop() for host in self.hosts)

    def kill(self):
        for host in self.hosts:
            host.kill()

    def close(self):
        try:
            self.b.close()
        finally:
            self.a.close()

    def workers(self):
        return [pid for host in self.hosts for pid in host.workers()]

    def outbox(self):
        """The messages of both, newest first."""
        return sorted((message for host in self.hosts for message in host.outbox()),
                      key=lambda message: message["at"], reverse=True)

    codes_for = Server.codes_for
    code_for = Server.code_for

    @property
    def shift(self):
        return self.a.shift

    def shift_clock(self, seconds):
        self.b.set_clock(seconds)
        self.a.shift_clock(seconds)


class Balanced(Pair):
    """A pair that looks like one server: what knocks at its url gets to a and b in turn."""

    def __init__(self, options=(), **kwargs):
        self.port, self.front = free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(options=[f"token.issuer={self.url}", *options], **kwargs)

    @property
    def stores(self):
        return self.a.stores

    def start(self):
        super().start()
        a, b = (url.split("//")[1] for url in self.urls)
        self.front = Nginx(FRONT, port=self.port, a=a, b=b).start()
        return self

    def close_front(self):
        if self.front:
            self.front.stop()
        self.front = None

    def stop(self):
        self.close_front()
        return super().stop()

    def kill(self):
        self.close_front()
        super().kill()

    def close(self):
        self.close_front()
        super().close()

    def client(self, **kwargs):
        return Client(self.url, **kwargs)

    def ctl(self, *args, check=True):
        """What an operator tells one host, the other knows too; a reload is each host's own."""
        if args == ("reload",):
            self.b.ctl(*args, check=check)
        return self.a.ctl(*args, check=check)


def serve(**kwargs):
    """What a story runs on: one host, or two that look like one."""
    return (Balanced if HOSTS == 2 else Server)(**kwargs)


def start_at_a_port(make):
    """The server that make(port) makes, for which its port must be known before; once more should another program
    have taken that port meanwhile."""
    one = make(free_port())
    try:
        return one.start()
    except AssertionError:
        is_taken = "Address already in use" in one.log()
        one.stop()
        one.close()
        if not is_taken:
            raise
    return make(free_port()).start()
