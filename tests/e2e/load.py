# SPDX-License-Identifier: Apache-2.0
"""Requests at a steady rate beside a test, each counted as answered or failed."""
import http.client
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit


class Load:
    """While in the with block, n_threads clients send `send(connection)` rate times a second in all.

    keep_alive False opens a connection for each request, so that a failure is the server's alone.
    send returns None when the answer was right, else what was wrong with it. Nothing is sent twice, as
    clients and proxies do with a GET whose connection breaks (RFC 9110, 9.2.2).
    """

    def __init__(self, url, send, rate=300, n_threads=4, keep_alive=False):
        self.host = urlsplit(url).netloc
        self.send = send
        self.what = f"{rate}/s asked of {n_threads} clients"
        self.pause_s = n_threads / rate
        self.keep_alive = keep_alive
        self.n_broken = self.n_wrong = 0
        self.n_right = 0
        self.failures = []
        self.slowest_s = 0
        self.began_s = 0
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(n_threads)]

    def __enter__(self):
        self.began_s = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self):
        connection = None
        next_s = time.monotonic()
        while not self._ends.is_set():
            connection = connection or http.client.HTTPConnection(self.host, timeout=10)
            if not self._once(connection):
                connection = None
            next_s += self.pause_s
            self._ends.wait(max(0, next_s - time.monotonic()))

    def _once(self, connection):
        """Whether the connection may be used again."""
        begin_s = time.monotonic()
        try:
            wrong = self.send(connection)
            self.n_wrong += wrong is not None
        except (OSError, http.client.HTTPException) as error:
            wrong = repr(error)
            self.n_broken += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - begin_s)
        if wrong:
            self.failures.append(wrong)
        else:
            self.n_right += 1
        reusable = self.keep_alive and not wrong and connection.sock is not None
        if not reusable:
            connection.close()
        return reusable

    def report(self, what):
        total, took_s = self.n_right + len(self.failures), time.monotonic() - self.began_s
        share = len(self.failures) / total if total else 1
        print(f"\n{what}: N={total} in {took_s:.1f} s ({self.what}), failed {len(self.failures)} "
              f"({share:.3%}), connections broken {self.n_broken}, slowest {self.slowest_s * 1000:.0f} ms")
        return total


@contextmanager
def again_and_again(works):
    """While in the with block, however it ends, each of works is done over and over on its own thread."""
    over = threading.Event()

    def repeat(work):
        while not over.is_set():
            work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def exchange(connection, method, path, body=None, headers=None, wanted=200):
    """One request; None when it has the wanted status, else what it has."""
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read()
    return None if answer.status == wanted else f"{method} {path}: {answer.status} {text[:200]}"


def signed_in(token):
    """A mix for Load: the session check and the profile of one session."""
    headers = {"Authorization": f"Bearer {token}"}
    turn = iter(range(10**9))

    def send(connection):
        path = "/api/v1/user/profile" if next(turn) % 4 == 0 else "/api/v1/auth/check"
        return exchange(connection, "GET", path, headers=headers)

    return send
