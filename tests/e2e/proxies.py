# SPDX-License-Identifier: Apache-2.0
"""The private proxies of the tests besides nginx: one process each on a free loopback port."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from harness import wait_for
from nginx import free_port


class Proxy:
    """Runs command in folder, its own, with files (name -> text) in it."""

    def __init__(self, command, files, port, folder):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        for name, text in files.items():
            pathlib.Path(folder, name).write_text(text, encoding="utf-8")
        self.command = command
        self.process = None

    def log(self):
        return pathlib.Path(self.folder, "log").read_text(encoding="utf-8", errors="replace")

    def _answers(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "HOME": self.folder, "XDG_DATA_HOME": self.folder,
                     "XDG_CONFIG_HOME": self.folder})
        wait_for(self._answers, f"{self.command[0]} to listen")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def caddy(fill_in):
    """fill_in(address of the site) gives the Caddyfile."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="pintle-caddy-")
    text = "{\n\tadmin off\n\tauto_https off\n}\n" + fill_in(f"http://127.0.0.1:{port}")
    return Proxy(["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"], {"Caddyfile": text},
                 port, folder)


def haproxy(lua, fill_in):
    """fill_in(address to listen on, folder of pintle.lua) gives haproxy.cfg."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="pintle-haproxy-")
    files = {"haproxy.cfg": fill_in(f"127.0.0.1:{port}", folder), "pintle.lua": lua}
    return Proxy(["/usr/sbin/haproxy", "-db", "-f", "haproxy.cfg"], files, port, folder)
