# SPDX-License-Identifier: Apache-2.0
"""Tokens made by hand, signed with a server's own key or with others."""
import base64
import glob
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def part(value):
    """A part of a token; a text is taken as it is, so that it may be bad JSON."""
    return b64(value.encode() if isinstance(value, str) else json.dumps(value).encode())


def parts(token):
    """(header, claims)"""
    header, claims, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))


def hs256(secret, header, claims):
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def signed(key, header, claims, bits="256"):
    """By RSA or ECDSA, as the key is; the header may say what it likes."""
    text = f"{part(header)}.{part(claims)}"
    digest = HASHES[bits]()
    if isinstance(key, rsa.RSAPrivateKey):
        return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), digest))}"
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(digest)))
    size = (key.curve.key_size + 7) // 8
    return f"{text}.{b64(r.to_bytes(size, 'big') + s.to_bytes(size, 'big'))}"


def es256(key, header, claims):
    return signed(key, header, claims)


def own_key(server, kid=""):
    """The only key the server has, or the one of that id."""
    [path] = glob.glob(f"{server.state}/keys/*{kid}.pem")
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def public_der(key):
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk_of(key):
    def number(value, bits):
        return b64(value.to_bytes((bits + 7) // 8, "big"))

    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "n": number(numbers.n, key.key_size), "e": number(numbers.e, 24)}
    bits = key.curve.key_size
    return {"kty": "EC", "crv": f"P-{bits}", "x": number(numbers.x, bits), "y": number(numbers.y, bits)}
