# SPDX-License-Identifier: Apache-2.0
"""Requests of which two readers could think differently, and the honest ones beside them."""
from wire import POST_HEAD as POST

CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# What a reader that loses count would take for a request of its own.
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: hidden\r\n\r\n"


def _get(line, *headers):
    return b"\r\n".join([line, *headers]) + b"\r\n\r\n"


def _length(text):
    return POST + b"Content-Length: " + text + b"\r\n\r\n" + HIDDEN


def _chunks(text):
    return CHUNKED + text + b"\r\n" + HIDDEN


def _encoded(text, more=b""):
    return POST + b"Transfer-Encoding: " + text + b"\r\n" + more + b"\r\n0\r\n\r\n"


def _header(line):
    return _get(b"GET /healthz HTTP/1.1", b"Host: a", line)


REFUSED = {
    "two lengths": (400, POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)),
    "two equal lengths": (400, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b"),
    "HEAD with a body": (400, b"HEAD /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
                         % len(HIDDEN)),
    "GET with a body": (400, b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
                        % len(HIDDEN)),
    "GET in chunks": (400, b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "length and chunks": (400, _encoded(b"chunked", b"Content-Length: 5\r\n")),
    "two encodings": (400, _encoded(b"chunked", b"Transfer-Encoding: chunked\r\n")),
    "unknown encoding": (501, _encoded(b"gzip")),
    "identity": (501, _encoded(b"identity")),
    "list of encodings": (501, _encoded(b"gzip, chunked")),
    "chunked twice": (501, _encoded(b"chunked, chunked")),
    "nearly chunked": (501, _encoded(b"xchunked")),
    "chunked with parameter": (501, _encoded(b"chunked;a=b")),
    "vertical tab before chunked": (400, _encoded(b"\x0bchunked")),
    "empty encoding": (400, _encoded(b"")),
    "chunks in HTTP/1.0": (400, CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n"),
    "length with plus": (400, _length(b"+5")),
    "length with minus": (400, _length(b"-1")),
    "length in hex": (400, _length(b"0x5")),
    "list of lengths": (400, _length(b"5, 5")),
    "length with blank": (400, _length(b"5 5")),
    "empty length": (400, _length(b"")),
    "length with letter": (400, _length(b"5a")),
    "length 2^31": (413, _length(b"2147483648")),
    "length 2^32": (413, _length(b"4294967296")),
    "length 2^63-1": (413, _length(b"9223372036854775807")),
    "length 2^64": (413, _length(b"18446744073709551616")),
    "length of twenty nines": (413, _length(b"9" * 20)),
    "chunk size 0x5": (400, _chunks(b"0x5\r\nhello\r\n0\r\n")),
    "chunk size +5": (400, _chunks(b"+5\r\nhello\r\n0\r\n")),
    "chunk size -0": (400, _chunks(b"-0\r\n")),
    "chunk size empty": (400, _chunks(b"\r\n")),
    "chunk size with blank": (400, _chunks(b"5 \r\nhello\r\n0\r\n")),
    "chunk extension": (400, _chunks(b"5;a=b\r\nhello\r\n0\r\n")),
    "chunk ended by LF": (400, _chunks(b"5\nhello\r\n0\r\n")),
    "chunk not ended": (400, _chunks(b"5\r\nhelloXX0\r\n")),
    "chunk data ended by LF": (400, _chunks(b"5\r\nhello\n0\r\n")),
    "bare CR after size": (400, _chunks(b"5\rXhello\r\n0\r\n")),
    "trailers": (400, CHUNKED + b"0\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"),
    "chunk of 2^63-1": (413, _chunks(b"7fffffffffffffff\r\n")),
    "chunk of 2^64-1": (413, _chunks(b"ffffffffffffffff\r\n")),
    "chunk of 17 digits": (400, _chunks(b"10000000000000000\r\n")),
    "NUL in a value": (400, _header(b"X-A: a\0b")),
    "bare CR in a value": (400, _header(b"X-A: a\rb")),
    "DEL in a value": (400, _header(b"X-A: a\x7fb")),
    "space before the colon": (400, _header(b"X-A : b")),
    "tab before the colon": (400, _header(b"X-A\t: b")),
    "empty name": (400, _header(b": b")),
    "no colon": (400, _header(b"X-A")),
    "space in a name": (400, _header(b"X A: b")),
    "bytes in a name": (400, _header(b"X-\xff: b")),
    "folded line": (400, _header(b"X-A: b\r\n c")),
    "first line folded": (400, b"GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n"),
    "no Host": (400, _get(b"GET /healthz HTTP/1.1")),
    "two Hosts": (400, _header(b"Host: b")),
    "empty Host": (400, b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n"),
    "user in Host": (400, b"GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    "overflowing version": (400, _get(b"GET /healthz HTTP/1.4294967297", b"Host: a")),
    "version 1.2": (505, _get(b"GET /healthz HTTP/1.2", b"Host: a")),
    "version 2.0": (505, _get(b"GET /healthz HTTP/2.0", b"Host: a")),
    "version in lower case": (400, _get(b"GET /healthz http/1.1", b"Host: a")),
    "no version": (400, _get(b"GET /healthz", b"Host: a")),
    "two blanks": (400, _get(b"GET  /healthz HTTP/1.1", b"Host: a")),
    "tab for a blank": (400, _get(b"GET\t/healthz HTTP/1.1", b"Host: a")),
    "blank at the end": (400, _get(b"GET /healthz HTTP/1.1 ", b"Host: a")),
    "lines ended by LF": (400, b"GET /healthz HTTP/1.1\nHost: a\n\n"),
    "empty line first": (400, b"\r\n" + HIDDEN),
    "1 MB header": (431, _header(b"X-A: " + b"a" * 1000000)),
    "100,000 headers": (431, _header(b"\r\n".join([b"A: b"] * 100000))),
    "1,500 short headers": (431, _header(b"\r\n".join([b"A: b"] * 1500))),
    "two tokens": (400, _header(b"Authorization: Bearer a\r\nAuthorization: Bearer b")),
    "two content types": (400, POST + b"Content-Type: text/plain\r\nContent-Length: 3\r\n\r\na=b"),
    "two origins": (400, _header(b"Origin: a\r\nOrigin: b")),
    "unknown expectation": (417, POST + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\na=b"),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n\r\n"),
    "HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "absolute target": (400, _get(b"GET http://a/healthz HTTP/1.1", b"Host: a")),
    "asterisk": (400, _get(b"OPTIONS * HTTP/1.1", b"Host: a")),
    "CONNECT": (400, _get(b"CONNECT a:80 HTTP/1.1", b"Host: a")),
}

# Each is one request that is answered with this status, and the connection goes on.
TAKEN = {
    "one length": (401, POST + b"Content-Length: 3\r\n\r\na=b"),
    "length with zeros": (401, POST + b"Content-Length: 0003\r\n\r\na=b"),
    "tab around the length": (401, POST + b"Content-Length:\t3\t\r\n\r\na=b"),
    "chunks": (401, CHUNKED + b"1\r\na\r\n2\r\n=b\r\n0\r\n\r\n"),
    "chunk size with zeros": (401, CHUNKED + b"0003\r\na=b\r\n0\r\n\r\n"),
    "chunked in capitals": (401, _encoded(b"Chunked")),
    "tab before chunked": (401, _encoded(b"\tchunked")),
    "expectation": (401, POST + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\na=b"),
    "HEAD": (200, b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    "GET with no body announced": (200, _header(b"Content-Length: 0")),
    "Host with port": (200, b"GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
    "bytes in a value": (200, _header(b"X-A: \xe4\xbd\xa0")),
    "99 headers": (200, _header(b"\r\n".join([b"A: b"] * 98))),
    "15 KB header": (200, _header(b"X-A: " + b"a" * 15000)),
    "empty value": (200, _header(b"X-A:")),
    "every token byte in a name": (200, _header(b"!#$%&'*+-.^_`|~aZ9: b")),
    "two X-A": (200, _header(b"X-A: a\r\nX-A: b")),
}

# Spellings of /api/v1/user/profile that no two readers should have to agree on.
SPELLINGS = [
    "//api/v1/user/profile", "/api//v1/user/profile", "/api/v1/user//profile", "/api/v1/user/profile/",
    "/./api/v1/user/profile", "/api/./v1/user/profile", "/api/v1/user/./profile",
    "/api/v1/user/profile/.", "/api/v1/user/profile/..", "/x/../api/v1/user/profile",
    "/api/v1/auth/../user/profile", "/../api/v1/user/profile", "/api/v1/user/profile/x/..",
    "/%2e/api/v1/user/profile", "/x/%2e%2e/api/v1/user/profile", "/x/.%2E/api/v1/user/profile",
    "/x/%252e%252e/api/v1/user/profile", "/api%2fv1%2fuser%2fprofile", "/api/v1/user%2fprofile",
    "/api/v1/user%252fprofile", "/api/v1/user/pro%66ile", "/api/v1/user/%70rofile",
    "/%61pi/v1/user/profile", "/api/v1/user%5cprofile", "/api/v1/user\\profile", "\\api\\v1\\user\\profile",
    "/api/v1/user/profile;a=b", "/api/v1/user;a/profile", "/;/api/v1/user/profile",
    "/api/v1/user/profile%00", "/api/v1/user/profile%00.png", "/api/v1/user/profile%23",
    "/api/v1/user/profile#", "/api/v1/user/profile#?a", "/api/v1/user/profile%3f", "/api/v1/user/profile%20",
    "/api/v1/user/profile.", "/api/v1/user/profile.json", "/API/V1/USER/PROFILE", "/api/v1/user/Profile",
    "/api/v1/user/%c0%afprofile", "/api/v1/user/%e0%80%afprofile", "/api/v1/user\xc0\xafprofile",
    "/api/v1/user/profile\t", "api/v1/user/profile", "http://a/api/v1/user/profile",
]
