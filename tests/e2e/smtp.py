# SPDX-License-Identifier: Apache-2.0
"""A real mail server for tests, and one that does not answer."""
import email
import email.policy
import os
import socket
import threading

from harness import wait_for
from stores import Private


class Smtp(Private):
    """Exim, with TLS and AUTH; see scripts/smtp.sh."""

    script = "smtp.sh"

    @property
    def ca(self):
        return os.path.join(self.folder, "ca.pem")

    def conf(self, name, **more):
        options = {"plugin": "mail_smtp", "host": "localhost", "port": self.port, "tls_ca": self.ca,
                   "user": "pintle", "password": "pintle", "from": "noreply@example.com", **more}
        return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())

    def mails(self):
        """All it took, parsed."""
        folder, found = os.path.join(self.folder, "mail", "new"), []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), "rb") as file:
                found.append(email.message_from_binary_file(file, policy=email.policy.default))
        return found

    def mail_to(self, address):
        def newest():
            found = [mail for mail in self.mails() if mail["Envelope-to"] == address]
            return found[-1] if found else None
        return wait_for(newest, f"a mail to {address}")


class Silent:
    """Takes a mail and never says whether it did; without TLS."""

    def __init__(self):
        self.received = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 silent\r\n")
            for line in lines:
                if line.startswith(b"DATA"):
                    connection.sendall(b"354 go on\r\n")
                    break
                connection.sendall(b"250 fine\r\n")
            mail = b""
            for line in lines:
                mail += line
                if line == b".\r\n":
                    self.received.append(mail)

    def conf(self, name):
        return (f"[{name}]\nplugin = mail_smtp\nhost = 127.0.0.1\nport = {self.port}\ntls = off\n"
                "from = noreply@example.com\ntimeout = 1s\n")

    def close(self):
        self.listener.close()
