# SPDX-License-Identifier: AGPL-3.0-or-later
"""TCP and TLS: bytes that are no protocol at all, halves, lies about versions, and connections that just end."""

import os
import socket
import ssl
import struct

from scene import Case
from wire import Closed, Stream, WebSocket, frame_bytes

CALM = "closed"


def ended(scene, data, close=True, tls=False):
    stream = Stream(scene.server.tls_port if tls else scene.server.port, patience=15)
    try:
        stream.send(data)
        if close:
            stream.socket.shutdown(socket.SHUT_WR)
        answer = stream.rest()
    except TimeoutError:
        raise
    except OSError:  # reset, or gone before it could be half closed
        answer = b""
    stream.close()
    if answer[:1] == b"\x15":
        return "alert"
    return answer[9:12].decode() if answer.startswith(b"HTTP/1.1") else ("closed" if not answer else "garbage")


def reset(scene, data=b"", tls=False):
    stream = Stream(scene.server.tls_port if tls else scene.server.port)
    if data:
        stream.send(data)
    stream.reset()
    return "closed"


def half_closed_in_session(scene):
    ws = scene.mallory()
    ws.socket.shutdown(socket.SHUT_WR)
    return scene.said(ws.ended())


def reset_in_session(scene):
    ws = scene.mallory()
    for _ in range(20):
        ws.request(list_clubs={})
    ws.reset()
    return "closed"


def reset_in_upload(scene):
    ws = scene.mallory()
    ws.send(frame_bytes(2, b"x" * 100, length=60_000))
    ws.reset()
    return "closed"


def byte_by_byte(scene):
    """A good request in single bytes is a good request."""
    stream = Stream(scene.server.port)
    for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
        stream.send(bytes([byte]))
    status = stream.response()[0]
    stream.close()
    return str(status)


def many_that_end_at_once(scene):
    """Two hundred connections, opened and reset together."""
    streams = [Stream(scene.server.port) for _ in range(200)]
    for stream in streams:
        stream.reset()
    return "closed"


def urgent(scene):
    stream = Stream(scene.server.port)
    stream.socket.send(b"!", socket.MSG_OOB)
    stream.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    status = stream.response()[0]
    stream.close()
    return str(status)


def record(kind, body, version=b"\x03\x01"):
    return bytes([kind]) + version + struct.pack(">H", len(body)) + body


def hello(scene):
    """A real ClientHello, as OpenSSL makes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def client(minimum=None, maximum=None, ciphers=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if ciphers:
        context.set_ciphers(ciphers)
    context.minimum_version = minimum or ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = maximum or ssl.TLSVersion.MAXIMUM_SUPPORTED
    return context


def handshake(scene, **how):
    try:
        stream = Stream(scene.server.tls_port, tls=client(**how), patience=15)
        version = stream.socket.version()
        stream.close()
        return version
    except (ssl.SSLError, ConnectionError):
        return "refused"


def tls_session(scene):
    """The protocol over TLS, then garbage where a record should be."""
    ws = WebSocket(scene.p, scene.server.tls_port, tls=client()).enter(scene.tokens["mallory"])
    ws.must(list_clubs={})
    raw = ws.socket
    # Write under TLS's feet.
    os.write(raw.fileno(), record(23, os.urandom(64), b"\x03\x03"))
    ended = ws.ended()
    return scene.said(ended)


def tls_cut(scene):
    ws = WebSocket(scene.p, scene.server.tls_port, tls=client()).enter(scene.tokens["mallory"])
    ws.reset()
    return "closed"


def tls_renegotiation(scene):
    """A ClientHello inside a session of TLS 1.2 is refused."""
    stream = Stream(scene.server.tls_port, tls=client(maximum=ssl.TLSVersion.TLSv1_2), patience=15)
    os.write(stream.socket.fileno(), record(22, b"\x01\0\0\x02\x03\x03", b"\x03\x03"))
    answer = stream.rest()
    stream.close()
    return "closed" if not answer else "garbage"


def tls_pieces(scene):
    """A ClientHello in single bytes is a ClientHello."""
    raw = socket.create_connection(("127.0.0.1", scene.server.tls_port), timeout=15)
    for byte in hello(scene):
        raw.send(bytes([byte]))
    answer = raw.recv(5)
    raw.close()
    return "server hello" if answer[:1] == b"\x16" else "refused"


def cases():
    random = os.urandom
    tcp = [
        ("nothing at all, then the end", CALM, lambda s: ended(s, b"")),
        ("nothing at all, then a reset", CALM, reset),
        ("4 KiB of noise", ("400", CALM), lambda s: ended(s, random(4096))),
        ("64 KiB of noise", ("400", "431", CALM), lambda s: ended(s, random(65536))),
        ("64 KiB of zeros", ("400", "431", CALM), lambda s: ended(s, bytes(65536))),
        ("64 KiB of one letter", ("400", "431"), lambda s: ended(s, b"A" * 65536)),
        ("64 KiB of line ends", ("400", "431", CALM), lambda s: ended(s, b"\r\n" * 32768)),
        ("half a request line, then the end", CALM, lambda s: ended(s, b"GET /heal")),
        ("half a request line, then a reset", CALM, lambda s: reset(s, b"GET /heal")),
        ("half a header, then the end", CALM, lambda s: ended(s, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-")),
        ("half a body, then the end", CALM,
         lambda s: ended(s, b"POST /v1/call HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")),
        ("half a body, then a reset", CALM,
         lambda s: reset(s, b"POST /v1/call HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")),
        ("silence until the deadline", CALM, lambda s: ended(s, b"", close=False)),
        ("half a header until the deadline", CALM, lambda s: ended(s, b"GET / HTTP/1.1\r\nHost:", close=False)),
        ("a TLS hello on the plain port", ("400", CALM), lambda s: ended(s, hello(s))),
        ("an SSH banner", ("400", CALM), lambda s: ended(s, b"SSH-2.0-OpenSSH_9.2\r\n")),
        ("a SOCKS request", ("400", CALM), lambda s: ended(s, b"\x05\x01\0")),
        ("a PROXY header", ("400", CALM),
         lambda s: ended(s, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("an HTTP/2 preface", ("400", CALM), lambda s: ended(s, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
        ("WebSocket frames before an upgrade", ("400", CALM), lambda s: ended(s, frame_bytes(2, b"x" * 50))),
        ("half-closed in a session", CALM, half_closed_in_session),
        ("reset in a session with requests under way", CALM, reset_in_session),
        ("reset in the middle of a frame", CALM, reset_in_upload),
        ("a request in single bytes", "200", byte_by_byte),
        ("urgent data before a request", ("200", "400"), urgent),
        ("two hundred connections that end at once", CALM, many_that_end_at_once),
    ]
    good = ssl.TLSVersion
    tls = [
        ("TLS 1.3", "TLSv1.3", lambda s: handshake(s, minimum=good.TLSv1_3)),
        ("TLS 1.2", "TLSv1.2", lambda s: handshake(s, maximum=good.TLSv1_2)),
        ("TLS 1.1 alone", "refused", lambda s: handshake(s, minimum=good.TLSv1, maximum=good.TLSv1_1, ciphers="ALL:@SECLEVEL=0")),
        ("TLS 1.0 alone", "refused", lambda s: handshake(s, minimum=good.TLSv1, maximum=good.TLSv1, ciphers="ALL:@SECLEVEL=0")),
        ("ciphers without forward secrecy", "refused", lambda s: handshake(s, maximum=good.TLSv1_2, ciphers="AES128-SHA:AES256-SHA")),
        ("ciphers without a name", "refused", lambda s: handshake(s, maximum=good.TLSv1_2, ciphers="aNULL:@SECLEVEL=0")),
        ("nothing, then the end", (CALM, "alert"), lambda s: ended(s, b"", tls=True)),
        ("half a hello, then the end", (CALM, "alert"), lambda s: ended(s, hello(s)[:60], tls=True)),
        ("half a hello, then a reset", CALM, lambda s: reset(s, hello(s)[:60], tls=True)),
        ("half a hello until the deadline", CALM, lambda s: ended(s, hello(s)[:60], close=False, tls=True)),
        ("a hello, then a reset", CALM, lambda s: reset(s, hello(s), tls=True)),
        ("a hello in single bytes", "server hello", tls_pieces),
        ("plain HTTP on the TLS port", ("alert", CALM), lambda s: ended(s, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", tls=True)),
        ("noise", ("alert", CALM), lambda s: ended(s, random(4096), tls=True)),
        ("zeros", ("alert", CALM), lambda s: ended(s, bytes(4096), tls=True)),
        ("a record of an unknown kind", ("alert", CALM), lambda s: ended(s, record(99, b"x" * 20), tls=True)),
        ("a record of 65,535 bytes", ("alert", CALM), lambda s: ended(s, record(22, b"x" * 65535), tls=True)),
        ("an empty handshake record", ("alert", CALM), lambda s: ended(s, record(22, b""), tls=True)),
        ("records of SSL 2", ("alert", CALM), lambda s: ended(s, b"\x80\x2e\x01\x00\x02" + bytes(41), tls=True)),
        ("records of a version to come", ("alert", CALM), lambda s: ended(s, record(22, b"\x01\0\0\0", b"\x09\x09"), tls=True)),
        ("an alert first", ("alert", CALM), lambda s: ended(s, record(21, b"\x02\x28"), tls=True)),
        ("application data first", ("alert", CALM), lambda s: ended(s, record(23, b"GET / HTTP/1.1\r\n\r\n", b"\x03\x03"), tls=True)),
        ("a hello whose length lies", ("alert", CALM),
         lambda s: ended(s, record(22, b"\x01\xff\xff\xff\x03\x03" + bytes(40)), tls=True)),
        ("a hello with noise for extensions", ("alert", CALM),
         lambda s: ended(s, hello(s)[:80] + random(len(hello(s)) - 80), tls=True)),
        ("a thousand empty records", ("alert", CALM), lambda s: ended(s, record(23, b"", b"\x03\x03") * 1000, tls=True)),
        ("garbage in a session", CALM, tls_session),
        ("a cut without close_notify", CALM, tls_cut),
        ("a renegotiation", CALM, tls_renegotiation),
    ]
    return [Case("tcp", *c) for c in tcp] + [Case("tls", *c) for c in tls]
