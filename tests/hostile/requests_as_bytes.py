# SPDX-License-Identifier: AGPL-3.0-or-later
"""HTTP: the head of a request in every wrong form, the ways in which two parties could disagree about where a request ends, the
upgrade, and JSON bodies of POST /v1/call."""

import json

from scene import Case

CALL = b"POST /v1/call HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /healthz HTTP/1.1\r\n"
CLOSE = b"Connection: close\r\n"
BODY = b'{"listClubs": {}}'
NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"



def chunked(*chunks, end=b"0\r\n\r\n", extra=b""):
    body = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks)
    return CALL + b"Transfer-Encoding: chunked\r\n" + extra + CLOSE + b"\r\n" + body + end


def upgrade(host=b"Host: x\r\n", up=b"Upgrade: websocket\r\n", connection=b"Connection: Upgrade\r\n", key=KEY,
            version=b"Sec-WebSocket-Version: 13\r\n", protocol=b"Sec-WebSocket-Protocol: amicale.v1\r\n", extra=b"",
            line=b"GET /v1/ws HTTP/1.1\r\n", after=b""):
    return line + host + up + connection + key + version + protocol + extra + b"\r\n" + after


def head_cases(port):
    return [
        # The request line
        ("a plain request", GET + b"Host: x\r\n" + CLOSE + b"\r\n", "200"),
        ("HTTP/1.0 without Host", b"GET /healthz HTTP/1.0\r\n\r\n", "200"),
        ("HTTP/0.9", b"GET /healthz\r\n\r\n", "400"),
        ("HTTP/1.2", b"GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n", "400"),
        ("HTTP/2.0", b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", "400"),
        ("HTTP/11.1", b"GET /healthz HTTP/11.1\r\nHost: x\r\n\r\n", "400"),
        ("http in small letters", b"GET /healthz http/1.1\r\nHost: x\r\n\r\n", "400"),
        ("no version but a space", b"GET /healthz \r\nHost: x\r\n\r\n", "400"),
        ("two spaces before the target", b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("two spaces after the target", b"GET /healthz  HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("a tab between method and target", b"GET\t/healthz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("a space before the method", b" GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("no target", b"GET HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("a target with a NUL", b"GET /health\0z HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("a target with a control character", b"GET /health\x1bz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("a target of raw UTF-8", "GET /santé HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), ("400", "404")),
        ("a method with a bracket", b"G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("a method of 10,000 letters", b"G" * 10_000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n", ("400", "431")),
        ("a method in small letters", b"get /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        ("an unknown method", b"BREW /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        ("TRACE", b"TRACE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        ("DELETE of a call", b"DELETE /v1/call HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        ("CONNECT", b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nConnection: close\r\n\r\n", ("404", "405", "400")),
        ("OPTIONS of everything", b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ("404", "405")),
        ("a target with a whole address", b"GET http://evil.example/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"),
        ("dots in the path", b"GET /v1/../healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"),
        ("dots that leave the root", b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"),
        ("escaped dots", b"GET /i/%2e%2e%2fetc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"),
        ("a query", b"GET /healthz?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"),
        ("a token in the query", b"GET /v1/ws?token=abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"),
        ("a target of 9,000 bytes", b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "431"),
        ("a code of 65 characters", b"GET /i/" + b"a" * 65 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"),
        ("a code with markup", b"GET /i/<script> HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ("400", "404")),
        # Host
        ("no Host", GET + CLOSE + b"\r\n", "400"),
        ("two Hosts", GET + b"Host: a\r\nHost: b\r\n" + CLOSE + b"\r\n", "400"),
        ("the same Host twice", GET + b"Host: x\r\nHost: x\r\n" + CLOSE + b"\r\n", "400"),
        ("a Host with a space in it", GET + b"Host: a b\r\n" + CLOSE + b"\r\n", "400"),
        ("a Host with a path", GET + b"Host: x/healthz\r\n" + CLOSE + b"\r\n", "400"),
        ("a Host with a user", GET + b"Host: u@x\r\n" + CLOSE + b"\r\n", "400"),
        ("two Hosts in one", GET + b"Host: a, b\r\n" + CLOSE + b"\r\n", "400"),
        ("a Host of IPv6", GET + b"Host: [::1]:8080\r\n" + CLOSE + b"\r\n", "200"),
        # Fields
        ("a folded field", GET + b"Host: x\r\nX-A: one\r\n two\r\n" + CLOSE + b"\r\n", "400"),
        ("a field folded by a tab", GET + b"Host: x\r\nX-A: one\r\n\ttwo\r\n" + CLOSE + b"\r\n", "400"),
        ("a folded Host", GET + b"Host:\r\n x\r\n" + CLOSE + b"\r\n", "400"),
        ("a folded length", CALL + b"Content-Length:\r\n 17\r\n" + CLOSE + b"\r\n" + BODY, "400"),
        ("a space before the first field", GET + b" Host: x\r\n\r\n", "400"),
        ("a space before a colon", GET + b"Host : x\r\n\r\n", "400"),
        ("a space in a name", GET + b"Host: x\r\nX A: 1\r\n\r\n", "400"),
        ("a field without a colon", GET + b"Host: x\r\nnonsense\r\n\r\n", "400"),
        ("a field without a name", GET + b"Host: x\r\n: 1\r\n\r\n", "400"),
        ("a NUL in a value", GET + b"Host: x\r\nX-A: a\0b\r\n\r\n", "400"),
        ("a bare CR in a value", GET + b"Host: x\r\nX-A: a\rb\r\n\r\n", "400"),
        ("a bare CR before a field", GET + b"Host: x\r\n\rX-A: a\r\n\r\n", "400"),
        ("lines that end in LF alone", b"GET /healthz HTTP/1.1\nHost: x\n\n", ("400", "closed")),
        ("an LF in the middle", GET + b"Host: x\nX-A: 1\r\n\r\n", "400"),
        ("a name in UTF-8", GET + "Host: x\r\nX-é: 1\r\n\r\n".encode(), "400"),
        ("Latin-1 in a value", GET + b"Host: x\r\nX-A: caf\xe9\r\n" + CLOSE + b"\r\n", ("200", "400")),
        ("a field of 9,000 bytes", GET + b"Host: x\r\nX-A: " + b"a" * 9_000 + b"\r\n\r\n", "431"),
        ("a name of 9,000 bytes", GET + b"Host: x\r\n" + b"a" * 9_000 + b": 1\r\n\r\n", "431"),
        ("a thousand fields", GET + b"Host: x\r\n" + b"a: 1\r\n" * 1_500 + b"\r\n", "431"),
        ("a hundred fields", GET + b"Host: x\r\n" + b"a: 1\r\n" * 100 + CLOSE + b"\r\n", "200"),
        ("a thousand cookies", GET + b"Host: x\r\nCookie: " + b"a=1; " * 1_700 + b"\r\n\r\n", "431"),
        ("two Authorizations", CALL + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 17\r\n" + CLOSE + b"\r\n" + BODY, ("400", "401")),
        ("a token that is none", CALL + b"Authorization: Bearer zzz\r\nContent-Length: 17\r\n" + CLOSE + b"\r\n" + BODY, "401"),
        ("Basic instead of Bearer", CALL + b"Authorization: Basic dTpw\r\nContent-Length: 17\r\n" + CLOSE + b"\r\n" + BODY, "401"),
        ("an empty Bearer", CALL + b"Authorization: Bearer \r\nContent-Length: 17\r\n" + CLOSE + b"\r\n" + BODY, "401"),
        ("a Bearer of 7,000 bytes", CALL + b"Authorization: Bearer " + b"A" * 7_000 + b"\r\nContent-Length: 17\r\n" + CLOSE + b"\r\n" + BODY, "401"),
        ("a forged forwarded address", GET + b"Host: x\r\nX-Forwarded-For: 127.0.0.1, , ::, not-an-address\r\n" + CLOSE + b"\r\n", "200"),
        # Where a request ends
        ("two requests at once", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT, "200 200"),
        ("length and chunks", CALL + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT, "400"),
        ("chunks and length", CALL + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + NEXT, "400"),
        ("two lengths that differ", CALL + b"Content-Length: 0\r\nContent-Length: 17\r\n\r\n" + BODY + NEXT, "400"),
        ("two lengths that agree", CALL + b"Content-Length: 17\r\nContent-Length: 17\r\n\r\n" + BODY + NEXT, "400"),
        ("a list of lengths", CALL + b"Content-Length: 17, 17\r\n\r\n" + BODY + NEXT, "400"),
        ("a negative length", CALL + b"Content-Length: -1\r\n\r\n" + NEXT, "400"),
        ("a length with a plus", CALL + b"Content-Length: +17\r\n\r\n" + BODY + NEXT, "400"),
        ("a length in hex", CALL + b"Content-Length: 0x11\r\n\r\n" + BODY + NEXT, "400"),
        ("a length with letters", CALL + b"Content-Length: 17abc\r\n\r\n" + BODY + NEXT, "400"),
        ("an empty length", CALL + b"Content-Length: \r\n\r\n" + BODY + NEXT, "400"),
        ("a length of 2^64", CALL + b"Content-Length: 18446744073709551616\r\n\r\n" + BODY, "400"),
        ("a length of 2^64 - 1", CALL + b"Content-Length: 18446744073709551615\r\n\r\n" + BODY, "413"),
        ("a length over the limit", CALL + b"Content-Length: 300000\r\n\r\n" + BODY, "413"),
        ("a body over the limit", CALL + b"Content-Length: 300000\r\n\r\n" + b"a" * 300_000, "413"),
        ("a body for GET", GET + b"Host: x\r\nContent-Length: 5\r\n\r\nhello" + NEXT, "400"),
        ("no length for a call", CALL + CLOSE + b"\r\n", "400"),
        ("an unknown coding", CALL + b"Transfer-Encoding: xchunked\r\n\r\n" + NEXT, ("400", "501")),
        ("an identity coding", CALL + b"Transfer-Encoding: identity\r\nContent-Length: 17\r\n\r\n" + BODY + NEXT, ("400", "501")),
        ("gzip, then chunks", CALL + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + NEXT, ("400", "501")),
        ("chunks, then gzip", CALL + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + NEXT, ("400", "501")),
        ("chunks twice", CALL + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + NEXT, ("400", "501")),
        ("two codings in two fields", CALL + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + NEXT, ("400", "501")),
        ("a coding with a vertical tab", CALL + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + NEXT, ("400", "501")),
        ("chunks in HTTP/1.0", b"POST /v1/call HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("a body in chunks", chunked(BODY[:5], BODY[5:]), "401"),
        ("a chunk of a huge size", CALL + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + BODY, ("400", "413")),
        ("a chunk size of 17 digits", CALL + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + BODY, ("400", "413")),
        ("a chunk size that is none", CALL + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY, "400"),
        ("a negative chunk size", CALL + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n" + BODY, "400"),
        ("a chunk longer than it says", CALL + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY + b"\r\n0\r\n\r\n", "400"),
        ("a chunk ended by LF", CALL + b"Transfer-Encoding: chunked\r\n\r\n11\n" + BODY + b"\n0\n\n", ("400", "closed")),
        ("a chunk with an extension", CALL + b"Transfer-Encoding: chunked\r\n" + CLOSE + b"\r\n11;a=b\r\n" + BODY + b"\r\n0\r\n\r\n", ("400", "401")),
        ("a trailer", chunked(BODY, end=b"0\r\nX-T: 1\r\n\r\n"), ("400", "401")),
        ("a length in the trailer", chunked(BODY, end=b"0\r\nContent-Length: 500\r\n\r\n"), ("400", "401")),
        ("chunks over the limit", CALL + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1000\r\n" + b"a" * 4096 + b"\r\n") * 80 + b"0\r\n\r\n", "413"),
        ("ten thousand chunks of one byte", CALL + b"Transfer-Encoding: chunked\r\n" + CLOSE + b"\r\n" + b"1\r\na\r\n" * 10_000 + b"0\r\n\r\n", "400"),
        ("an extension of 100,000 bytes", CALL + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 100_000 + b"\r\na\r\n0\r\n\r\n", ("400", "413", "431", "closed")),
        ("Expect: 100-continue", CALL + b"Content-Length: 17\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n" + BODY, ("100 401", "401")),
        ("an Expect that is unknown", CALL + b"Content-Length: 17\r\nExpect: the-best\r\n" + CLOSE + b"\r\n" + BODY, ("401", "417")),
    ]


def upgrade_cases(port):
    origin = lambda value: upgrade(extra=b"Origin: " + value + b"\r\n")
    return [
        ("an upgrade", upgrade(), "101"),
        ("extensions are declined", upgrade(extra=b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"), "101"),
        ("no Upgrade", upgrade(up=b""), "426"),
        ("Upgrade to something else", upgrade(up=b"Upgrade: h2c\r\n"), "426"),
        ("no Connection", upgrade(connection=b""), "426"),
        ("Connection: close", upgrade(connection=b"Connection: close\r\n"), "426"),
        ("no key", upgrade(key=b""), "400"),
        ("a key of the wrong length", upgrade(key=b"Sec-WebSocket-Key: abc\r\n"), "400"),
        ("a key of 8,000 bytes", upgrade(key=b"Sec-WebSocket-Key: " + b"A" * 7_900 + b"\r\n"), ("400", "431")),
        ("two keys", upgrade(key=KEY + KEY), "400"),
        ("no version", upgrade(version=b""), ("400", "426")),
        ("version 8", upgrade(version=b"Sec-WebSocket-Version: 8\r\n"), ("400", "426")),
        ("version 13, 8", upgrade(version=b"Sec-WebSocket-Version: 13, 8\r\n"), ("400", "426")),
        ("no subprotocol", upgrade(protocol=b""), "400"),
        ("another subprotocol", upgrade(protocol=b"Sec-WebSocket-Protocol: amicale.v2\r\n"), "400"),
        ("ours among others", upgrade(protocol=b"Sec-WebSocket-Protocol: chat, amicale.v1\r\n"), "101"),
        ("ours in capitals", upgrade(protocol=b"Sec-WebSocket-Protocol: AMICALE.V1\r\n"), "400"),
        ("ours as a part of another", upgrade(protocol=b"Sec-WebSocket-Protocol: xamicale.v1\r\n"), "400"),
        ("a subprotocol with a line end", upgrade(protocol=b"Sec-WebSocket-Protocol: amicale.v1\rX\r\n"), "400"),
        ("no Host", upgrade(host=b""), "400"),
        ("two Hosts", upgrade(host=b"Host: a\r\nHost: b\r\n"), "400"),
        ("by POST", upgrade(line=b"POST /v1/ws HTTP/1.1\r\n", connection=b"Connection: Upgrade, close\r\n"), "405"),
        ("by HEAD", upgrade(line=b"HEAD /v1/ws HTTP/1.1\r\n", connection=b"Connection: Upgrade, close\r\n"), "405"),
        ("by HTTP/1.0", upgrade(line=b"GET /v1/ws HTTP/1.0\r\n"), ("400", "426")),
        ("at another path", upgrade(line=b"GET /healthz HTTP/1.1\r\n", connection=b"Connection: Upgrade, close\r\n"), "200"),
        ("with a body", upgrade(extra=b"Content-Length: 5\r\n", after=b"hello"), "400"),
        ("with a body in chunks", upgrade(extra=b"Transfer-Encoding: chunked\r\n", after=b"0\r\n\r\n"), "400"),
        ("with frames before the answer", upgrade(after=b"\x82\x80\0\0\0\0"), "400"),
        ("an allowed Origin", origin(b"https://chat.example.org"), "101"),
        ("a foreign Origin", origin(b"https://evil.example"), "403"),
        ("Origin: null", origin(b"null"), "403"),
        ("an empty Origin", origin(b""), "403"),
        ("an Origin that ends like ours", origin(b"https://evil-chat.example.org"), "403"),
        ("an Origin that begins like ours", origin(b"https://chat.example.org.evil.example"), "403"),
        ("an Origin with a user", origin(b"https://chat.example.org@evil.example"), "403"),
        ("our Origin by http", origin(b"http://chat.example.org"), "403"),
        ("our Origin at another port", origin(b"https://chat.example.org:444"), "403"),
        ("our Origin with a slash", origin(b"https://chat.example.org/"), "403"),
        ("our Origin in capitals", origin(b"HTTPS://CHAT.EXAMPLE.ORG"), "403"),
        ("a good and a foreign Origin", upgrade(extra=b"Origin: https://chat.example.org\r\nOrigin: https://evil.example\r\n"), "403"),
        ("a list of Origins", origin(b"https://chat.example.org, https://evil.example"), "403"),
        ("a foreign Origin for a call", CALL + b"Origin: https://evil.example\r\nContent-Length: 17\r\nConnection: close\r\n\r\n" + BODY, "403"),
        ("a preflight", b"OPTIONS /v1/call HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n"
                        b"Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n", ("403", "405")),
    ]


def json_cases():
    deep = b'{"listClubs": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    return [
        ("nothing", b"", "400"), ("a space", b" ", "400"), ("null", b"null", "400"), ("an empty object", b"{}", "400"),
        ("an array", b"[]", "400"), ("a string", b'"listClubs"', "400"), ("a number", b"1e999", "400"), ("half an object", b'{"listClubs"', "400"),
        ("two objects", b'{"listClubs": {}}{"listClubs": {}}', "400"), ("a comma too many", b'{"listClubs": {},}', ("400", "200")),
        ("no quotes", b"{listClubs: {}}", ("400", "200")), ("single quotes", b"{'listClubs': {}}", ("400", "200")), ("a comment", b'{"listClubs": {} /* x */}', "400"),
        ("an unknown field", b'{"noSuchThing": {}}', "400"), ("an unknown field inside", b'{"listClubs": {"x": 1}}', "400"),
        ("two bodies", b'{"listClubs": {}, "listDirects": {}}', "400"), ("the same body twice", b'{"listClubs": {}, "listClubs": {}}', ("400", "200")),
        ("a body of the wrong type", b'{"listClubs": 5}', "400"), ("a body that is null", b'{"listClubs": null}', "400"),
        ("a number as words", b'{"getHistory": {"roomId": "one"}}', "400"), ("a fraction", b'{"getHistory": {"roomId": 1.5}}', "400"),
        ("a negative number", b'{"getHistory": {"roomId": -1}}', "400"), ("2^64", b'{"getHistory": {"roomId": "18446744073709551616"}}', "400"),
        ("2^32 where 32 bits fit", b'{"getHistory": {"before": 4294967296}}', "400"), ("1e400", b'{"getHistory": {"roomId": 1e400}}', "400"),
        ("an unknown enum name", b'{"setLevel": {"level": "LOUD"}}', "400"), ("an enum number out of range", b'{"setLevel": {"level": 99999999999}}', "400"),
        ("bytes that are no base64", b'{"postMessage": {"clientMsgId": "***"}}', "400"),
        ("a lone surrogate", b'{"postMessage": {"body": "\\ud800"}}', "400"), ("half a pair", b'{"postMessage": {"body": "\\ud83d\\u0041"}}', "400"),
        ("a bad escape", b'{"postMessage": {"body": "\\x41"}}', "400"), ("a control character", b'{"postMessage": {"body": "a\x01b"}}', "400"),
        ("UTF-8 that is none", b'{"postMessage": {"body": "\xff\xfe"}}', "400"), ("an overlong slash", b'{"postMessage": {"body": "\xc0\xaf"}}', "400"),
        ("a surrogate in UTF-8", b'{"postMessage": {"body": "\xed\xa0\x80"}}', "400"), ("a byte order mark", b'\xef\xbb\xbf{"listClubs": {}}', ("400", "200")),
        ("UTF-16", '{"listClubs": {}}'.encode("utf-16"), "400"), ("a NUL after the end", b'{"listClubs": {}}\0', "400"),
        ("100,000 levels", deep[:250_000], "400"), ("33 levels of arrays", b'{"listClubs": ' + b"[" * 33 + b"]" * 33 + b"}", "400"),
        ("100,000 open brackets", b"[" * 100_000, "400"), ("a string without an end", b'{"listClubs": "' + b"a" * 100_000, "400"),
        ("a key of 100,000 bytes", b'{"' + b"a" * 100_000 + b'": {}}', "400"), ("100,000 keys", b'{"listClubs": {' + b'"a":1,' * 30_000 + b'"b":1}}', "400"),
        ("a frame over 64 KiB", json.dumps({"postMessage": {"body": "a" * 70_000}}).encode(), "413"),
        ("a stream request by POST", b'{"subscribe": {"stream": {"kind": "STREAM_KIND_CLUB", "id": "1"}}}', "501"),
        ("hello by POST", b'{"hello": {"protocolMin": 1, "protocolMax": 1}}', ("501", "200")),
        ("authenticate by POST", b'{"authenticate": {"token": "AAAA"}}', "501"), ("heartbeat by POST", b'{"heartbeat": {}}', "501"),
        ("a request id that is negative", b'{"requestId": -1, "listClubs": {}}', "400"),
    ]


def by_call(body):
    def do(scene):
        return str(scene.call.post(body, scene.tokens["mallory"])[0])
    return do


def cases():
    def raw(data):
        return lambda scene: scene.statuses(data)
    return ([Case("http", name, expected, raw(data)) for name, data, expected in head_cases(0)] +
            [Case("upgrade", name, expected, raw(data)) for name, data, expected in upgrade_cases(0)] +
            [Case("json", name, expected, by_call(body)) for name, body, expected in json_cases()])
