# SPDX-License-Identifier: Apache-2.0
"""A private nginx on a free loopback port."""
import os
import random
import shutil
import socket
import subprocess
import tempfile

from harness import wait_for

MAIN = """
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def free_port():
    """One that no client and no server on port 0 is given meanwhile."""
    for port in random.sample(range(10000, 32000), 100):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no free port")


class Nginx:
    """site is what stands in the http block; its {port} and the other names are filled in."""

    def __init__(self, site, port=None, **names):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = tempfile.mkdtemp(prefix="pintle-nginx-")
        self._write("nginx.conf", MAIN.format(folder=self.folder))
        self._write("site.conf", site.format(port=self.port, folder=self.folder, **names))
        self.process = None

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _answers(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        with open(os.path.join(self.folder, "error.log"), encoding="utf-8") as file:
            return file.read()

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-e", f"{self.folder}/error.log", "-c", f"{self.folder}/nginx.conf"],
            stdin=subprocess.DEVNULL)
        wait_for(self._answers, "nginx to listen")
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    __enter__ = start

    def __exit__(self, *_):
        self.stop()
