# SPDX-License-Identifier: Apache-2.0
"""Hashes that others made sign people in once and are replaced; those that nobody made never do."""
import base64
import ctypes
import hashlib

import pytest

from harness import GOOD_SECRET, register
from steps import LOGIN, rows, user_id

BCRYPT = "$2b$04$"


def stored_hash(server, who):
    return rows(server, "SELECT hash FROM password_credentials WHERE user_id = ?", user_id(who))[0][0]


def import_hash(server, who, text):
    rows(server, "UPDATE password_credentials SET hash = ? WHERE user_id = ?", text, user_id(who))


def crypt(setting):
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    return library.crypt(GOOD_SECRET.encode(), setting.encode()).decode()


def argon2(kind, kib, passes):
    library, out = ctypes.CDLL("libargon2.so.1"), ctypes.create_string_buffer(200)
    secret, salt = GOOD_SECRET.encode(), b"somesalt0123"
    size = ctypes.c_size_t
    code = getattr(library, f"argon2{kind}_hash_encoded")(
        passes, kib, 1, secret, size(len(secret)), salt, size(len(salt)), size(32), out, size(len(out)))
    assert code == 0, code
    return out.value.decode()


def pbkdf2(salt, rounds):
    return hashlib.pbkdf2_hmac("sha256", GOOD_SECRET.encode(), salt, rounds)


def ab64(raw):
    return base64.b64encode(raw).decode().rstrip("=").replace("+", ".")


BCRYPT_SALT = "abcdefghijklmnopqrstuu"
FOREIGN = {
    "bcrypt of another cost": lambda: crypt("$2b$05$" + BCRYPT_SALT),
    "bcrypt 2y of PHP": lambda: crypt("$2y$04$" + BCRYPT_SALT),
    "bcrypt 2a": lambda: crypt("$2a$04$" + BCRYPT_SALT),
    "sha512 crypt": lambda: crypt("$6$rounds=1000$saltsalt$"),
    "sha256 crypt": lambda: crypt("$5$rounds=1000$saltsalt$"),
    "yescrypt": lambda: crypt("$y$j75$saltsaltsaltsalt$"),
    "argon2id": lambda: argon2("id", 256, 1),
    "argon2i": lambda: argon2("i", 256, 1),
    "django": lambda: "pbkdf2_sha256$1000$pepperless$" + base64.b64encode(
        pbkdf2(b"pepperless", 1000)).decode(),
    "passlib": lambda: f"$pbkdf2-sha256$1000${ab64(b'0123456789abcdef')}${ab64(pbkdf2(b'0123456789abcdef', 1000))}",
}


@pytest.mark.parametrize("maker", FOREIGN)
def test_foreign_hash_signs_in_and_is_renewed(server, maker):
    who, client = register(server, secret="Unlike-the-import-31"), server.client()
    text = FOREIGN[maker]()
    import_hash(server, who, text)
    client.refused(401, "invalid_credentials", "POST", LOGIN,
                   {"account": who.phone, "password": GOOD_SECRET + "."})
    assert stored_hash(server, who) == text, "a wrong password changes nothing"
    for _ in range(2):
        tokens = client.ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})
        assert tokens["user"]["id"] == user_id(who)
        assert stored_hash(server, who).startswith(BCRYPT), stored_hash(server, who)


# A56, A13: nothing of this was made from a password; the last ones would cost gigabytes or hours.
UNUSABLE = ["", " ", "*0", "*1", "!", "x", "$", "$2b$", "$2b$04$", "$2b$99$" + "a" * 53, "$2b$04$" + "!" * 53,
            "$1$salt$" + "a" * 22, GOOD_SECRET, "plain:" + GOOD_SECRET, "{SHA}" + "a" * 28,
            hashlib.md5(GOOD_SECRET.encode()).hexdigest(), hashlib.sha256(GOOD_SECRET.encode()).hexdigest(),
            "$6$rounds=999999999$salt$" + "a" * 86, "$2b$31$" + "a" * 53,
            "$argon2id$v=19$m=4194304,t=3,p=1$c29tZXNhbHQ$" + "A" * 43,
            "$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$" + "A" * 43,
            "pbkdf2_sha256$99999999$salt$" + "A" * 43 + "=", "$y$jZZ$salt$" + "a" * 43]


@pytest.mark.parametrize("text", UNUSABLE, ids=range(len(UNUSABLE)))
def test_unusable_hash_never_matches(server, text):
    who, client = register(server), server.client()
    good = stored_hash(server, who)
    import_hash(server, who, text)
    for secret in (GOOD_SECRET, text, "", "*0", "*1"):
        client.refused(401, "invalid_credentials", "POST", LOGIN,
                       {"account": who.phone, "password": secret}, timeout=5)
    import_hash(server, who, good)
    client.ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})


def test_a_stale_cost_is_renewed_and_a_current_one_left(make_server):
    server = make_server()
    who = register(server)
    first = stored_hash(server, who)
    server.client().ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})
    assert stored_hash(server, who) == first, "the setting is the same"
    server.stop()
    server.options.append("password.bcrypt_cost=5")
    server.start()
    server.client().ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})
    assert stored_hash(server, who).startswith("$2b$05$")
    server.client().ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})


def test_from_bcrypt_to_argon2id(make_server):
    server = make_server()
    who = register(server)
    server.stop()
    server.options += ["password.scheme=argon2id", "password.argon2_memory=64", "password.argon2_passes=1"]
    server.start()
    server.client().ok("POST", LOGIN, {"account": who.phone, "password": GOOD_SECRET})
    assert stored_hash(server, who).startswith("$argon2id$v=19$m=64,t=1,p=1$")
    long_secret = "Q7-vetch-" * 12
    other = register(server, secret=long_secret)
    server.client().ok("POST", LOGIN, {"account": other.phone, "password": long_secret})
    server.client().refused(401, "invalid_credentials", "POST", LOGIN,
                            {"account": other.phone, "password": long_secret[:72]})
