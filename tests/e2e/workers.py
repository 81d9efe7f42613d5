# SPDX-License-Identifier: Apache-2.0
"""The same question put to every worker of a server, each over a kept connection of its own."""
from contextlib import contextmanager

import requests

MAX_CONNECTIONS = 200
CHECK = "/api/v1/auth/check"
PROFILE = "/api/v1/user/profile"


def worker_of(answer):
    """Each worker begins its request ids with a text of its own."""
    return answer.headers["X-Request-Id"].rsplit("-", 1)[0]


class Everywhere:
    """Kept connections, one to each worker; made afresh after a reload or a restart."""

    def __init__(self, server):
        self.connections, self.urls = {}, {}
        wanted, spare = len(server.workers()), []
        for url in server.urls * MAX_CONNECTIONS:
            if len(self.connections) == wanted:
                break
            http = requests.Session()
            worker = worker_of(http.get(url + "/healthz", timeout=10))
            if worker in self.connections:
                spare.append(http)
            else:
                self.connections[worker], self.urls[worker] = http, url
        for http in spare:
            http.close()
        assert len(self.connections) == wanted, f"{len(self.connections)} workers of {wanted} met"

    def close(self):
        for http in self.connections.values():
            http.close()

    def ask(self, method, path, token=None, **kwargs):
        """One answer of each worker."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answers = [http.request(method, self.urls[worker] + path, headers=headers, timeout=30,
                                **kwargs) for worker, http in self.connections.items()]
        assert {worker_of(answer) for answer in answers} == set(self.connections)
        return answers

    def statuses(self, method, path, token=None, **kwargs):
        return [answer.status_code for answer in self.ask(method, path, token, **kwargs)]

    def knows(self, token):
        """Whether check and profile take the token; all workers must be of one mind."""
        told = [*self.statuses("GET", CHECK, token), *self.statuses("GET", PROFILE, token)]
        assert set(told) in ({200}, {401}), f"of two minds: {told}"
        return told[0] == 200


def accepted(server, token):
    """Whether all workers take the token (or all refuse it)."""
    everywhere = Everywhere(server)
    try:
        return everywhere.knows(token)
    finally:
        everywhere.close()


@contextmanager
def clock_at(server, seconds):
    """A part of a story happens that much later; after it the clock is right again."""
    server.shift_clock(seconds)
    try:
        yield
    finally:
        server.shift_clock(0)
