# SPDX-License-Identifier: AGPL-3.0-or-later
"""WebSocket frames with every bit wrong, and protobuf that lies."""

import os
import struct

from scene import Case
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, frame_bytes

PROTOCOL_ERROR, BAD_FRAME = "close 1002", "close 4100 goodbye 4100"
TOO_BIG = BAD_FRAME
MOST = 64 * 1024


def sends(*frames, closes=False):
    """Raw frames on a connection that is logged in; how it ends, or "OK" when it goes on."""
    def do(scene):
        ws = scene.mallory()
        try:
            for data in frames:
                ws.send(data)
            if closes:
                return scene.said(ws.ended())
        except (BrokenPipeError, ConnectionResetError):
            return scene.said(ws.ended())
        return scene.ending(ws)
    return do


def good(scene):
    return scene.p.ClientFrame(request_id=7, list_clubs={}).SerializeToString()


def answers(build, before=b"", **how):
    """Bytes made from a good request that must still be answered."""
    def do(scene):
        ws = scene.mallory()
        ws.send(before)
        for data in build(good(scene)):
            ws.send(data)
        try:
            return scene.p.code(ws.replies({7})[7])
        except Closed as closed:
            return scene.said(closed)
        finally:
            ws.close()
    return do


def closing(code=None, reason=b"", raw=None):
    body = raw if raw is not None else struct.pack(">H", code) + reason
    return sends(frame_bytes(CLOSE, body), closes=True)


def frames():
    b = frame_bytes
    return [
        ("a good frame", "OK", answers(lambda g: [b(BINARY, g)])),
        ("a good frame under a real mask", "OK", answers(lambda g: [b(BINARY, g, key=os.urandom(4))])),
        ("unmasked", PROTOCOL_ERROR, sends(b(BINARY, b"x", masked=False))),
        ("unmasked and empty", PROTOCOL_ERROR, sends(b(BINARY, b"", masked=False))),
        ("an unmasked ping", PROTOCOL_ERROR, sends(b(PING, b"x", masked=False))),
        ("reserved bit 1", PROTOCOL_ERROR, sends(b(BINARY, b"x", rsv=4))),
        ("reserved bit 2", PROTOCOL_ERROR, sends(b(BINARY, b"x", rsv=2))),
        ("reserved bit 3", PROTOCOL_ERROR, sends(b(BINARY, b"x", rsv=1))),
        ("reserved bits on a ping", PROTOCOL_ERROR, sends(b(PING, b"x", rsv=7))),
    ] + [(f"reserved opcode {opcode}", PROTOCOL_ERROR, sends(b(opcode, b"x"))) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)] + [
        ("a fragmented ping", PROTOCOL_ERROR, sends(b(PING, b"x", fin=False))),
        ("a fragmented close", PROTOCOL_ERROR, sends(b(CLOSE, b"\x03\xe8", fin=False))),
        ("a ping of 126 bytes", PROTOCOL_ERROR, sends(b(PING, b"x" * 126))),
        ("a ping of 125 bytes", "OK", sends(b(PING, b"x" * 125))),
        ("a close of 126 bytes", PROTOCOL_ERROR, sends(b(CLOSE, b"\x03\xe8" + b"x" * 124))),
        ("a pong that nobody asked for", "OK", sends(b(PONG, b"x"))),
        ("a continuation of nothing", PROTOCOL_ERROR, sends(b(CONTINUATION, b"x"))),
        ("a new message inside another", PROTOCOL_ERROR, sends(b(BINARY, b"x", fin=False), b(BINARY, b"y"))),
        ("a text inside a binary", PROTOCOL_ERROR, sends(b(BINARY, b"x", fin=False), b(TEXT, b"y"))),
        ("a length of 64 bits that fits in 7", PROTOCOL_ERROR, sends(b"\x82\xff" + struct.pack(">Q", 1) + b"\0\0\0\0x")),
        ("a length of 16 bits that fits in 7", PROTOCOL_ERROR, sends(b"\x82\xfe" + struct.pack(">H", 1) + b"\0\0\0\0x")),
        ("a length of 2^63", (PROTOCOL_ERROR, TOO_BIG), sends(b"\x82\xff" + struct.pack(">Q", 1 << 63) + b"\0\0\0\0x")),
        ("a length of 2^63 - 1", TOO_BIG, sends(b(BINARY, b"x", length=(1 << 63) - 1))),
        ("a length of 2^32", TOO_BIG, sends(b(BINARY, b"x", length=1 << 32))),
        ("text", BAD_FRAME, sends(b(TEXT, b"hello"))),
        ("empty text", BAD_FRAME, sends(b(TEXT, b""))),
        ("text that is not UTF-8", ("close 1007", BAD_FRAME), sends(b(TEXT, b"\xff\xfe"))),
        ("text with half a character", ("close 1007", BAD_FRAME), sends(b(TEXT, b"\xe2\x82"))),
        ("text of a request's bytes", (BAD_FRAME, "close 1007"), lambda s: sends(b(TEXT, good(s)))(s)),
        ("an empty binary", BAD_FRAME, sends(b(BINARY, b""))),
        ("one byte more than allowed", TOO_BIG, sends(b(BINARY, b"x" * (MOST + 1)))),
        ("a megabyte", TOO_BIG, sends(b(BINARY, b"x" * (1 << 20)))),
        ("too large in two fragments", TOO_BIG, sends(b(BINARY, b"x" * MOST, fin=False), b(CONTINUATION, b"x"))),
        ("too large in many fragments", TOO_BIG, sends(b(BINARY, b"x", fin=False), *[b(CONTINUATION, b"x" * 1000, fin=False)] * 70)),
        ("more bytes said than sent", "closed", lambda s: lies_about_length(s)),
        ("a message in single bytes", "OK", answers(lambda g: [b(BINARY, g[:1], fin=False)] +
                                                    [b(CONTINUATION, g[i:i + 1], fin=i == len(g) - 1) for i in range(1, len(g))])),
        ("pings between fragments", "OK", answers(lambda g: [b(BINARY, g[:2], fin=False), b(PING, b"?"), b(CONTINUATION, g[2:])])),
        ("10,000 empty continuations", "OK", answers(lambda g: [b(BINARY, b"", fin=False) + b(CONTINUATION, b"", fin=False) * 10_000 +
                                                                b(CONTINUATION, g)])),
        ("10,000 pings", "OK", lambda s: ping_flood(s, 10_000)),
        ("10,000 pongs", "OK", sends(b(PONG, b"x" * 100) * 10_000)),
        ("frames in one write", "OK", lambda s: many_at_once(s, 500)),
        ("close without a code", ("close 1005", "close 1000"), closing(raw=b"")),
        ("close with one byte", PROTOCOL_ERROR, closing(raw=b"\x03")),
        ("close 1000", "close 1000", closing(1000)),
        ("close with a reason", "close 1000", closing(1000, b"au revoir")),
        ("close with a reason that is not UTF-8", (PROTOCOL_ERROR, "close 1007"), closing(1000, b"\xff\xff")),
        ("frames after a close", "close 1000", sends(b(CLOSE, b"\x03\xe8") + b(BINARY, b"x") * 10, closes=True)),
    ] + [(f"close {code}", f"close {code}", closing(code)) for code in (1001, 1003, 1007, 1011, 3000, 4000, 4999)] + [
        (f"close {code}, which nobody may send", PROTOCOL_ERROR, closing(code)) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999)] + [
        # Beyond RFC 6455's ranges nothing is said; an echo harms nobody.
        (f"close {code}", (PROTOCOL_ERROR, f"close {code}"), closing(code)) for code in (5000, 65535)]


def lies_about_length(scene):
    ws = scene.mallory()
    ws.send(frame_bytes(BINARY, b"x" * 10, length=1000))
    ws.socket.shutdown(1)
    return scene.said(ws.ended())


def ping_flood(scene, count):
    """Reads nothing while it sends: the answers must not pile up without end."""
    ws = scene.mallory()
    ws.socket.settimeout(10)
    for _ in range(count // 100):
        ws.send(frame_bytes(PING, b"p" * 100) * 100)
    return scene.ending(ws)


def many_at_once(scene, count):
    ws = scene.mallory()
    frame = lambda i: frame_bytes(BINARY, scene.p.ClientFrame(request_id=i, list_directs={}).SerializeToString())
    ws.send(b"".join(frame(i) for i in range(1, count + 1)))
    replies = ws.replies(set(range(1, count + 1)))
    ws.close()
    return "OK" if all(scene.p.code(r) == "OK" for r in replies.values()) else "refused"


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, kind, payload=b""):
    return varint(number << 3 | kind) + payload


def bytes_field(number, payload, length=None):
    return field(number, 2, varint(len(payload) if length is None else length) + payload)


ID = field(1, 0, b"\x07")
LIST_CLUBS, POST, HISTORY = 31, 60, 65


def says(payload):
    """One message; the refusal's name, "OK", or how the connection ended."""
    def do(scene):
        ws = scene.mallory()
        try:
            ws.send(frame_bytes(BINARY, payload))
            return scene.p.code(ws.replies({7})[7])
        except Closed as closed:
            return scene.said(closed)
        except (BrokenPipeError, ConnectionResetError):
            return scene.said(ws.ended())
        finally:
            ws.close()
    return do


def nested(depth, number=1000):
    payload = b""
    for _ in range(depth):
        payload = bytes_field(number, payload)
    return payload


def protobuf():
    body = bytes_field(LIST_CLUBS, b"")
    return [
        ("a good request", "OK", says(ID + body)),
        ("fields in another order", "OK", says(body + ID)),
        ("one byte", BAD_FRAME, says(b"\x08")),
        ("noise", BAD_FRAME, says(b"\xff" * 100)),
        ("no request id", BAD_FRAME, says(body)),
        ("request id 0", BAD_FRAME, says(field(1, 0, b"\0") + body)),
        ("request id of 2^32", BAD_FRAME, says(field(1, 0, varint(1 << 32)) + body)),
        ("request id twice", "OK", says(field(1, 0, b"\x63") + ID + body)),
        ("no body", ("UNSUPPORTED", "BAD_REQUEST"), says(ID)),
        ("a request to come", "UNSUPPORTED", says(ID + bytes_field(999, b""))),
        ("a request to come with noise in it", "UNSUPPORTED", says(ID + bytes_field(999, os.urandom(1000)))),
        ("two bodies: the last one counts", "OK", says(ID + bytes_field(POST, b"") + body)),
        ("a thousand bodies", "OK", says(ID + bytes_field(POST, b"") * 1000 + body)),
        ("an unknown field beside the body", "OK", says(ID + body + field(500, 0, b"\x01"))),
        ("10,000 unknown fields", "OK", says(ID + body + field(500, 0, b"\x01") * 10_000)),
        ("an unknown field inside the body", "OK", says(ID + bytes_field(LIST_CLUBS, field(500, 0, b"\x01")))),
        ("a body of the wrong wire type", "UNSUPPORTED", says(ID + field(LIST_CLUBS, 0, b"\x01"))),
        ("a request id of the wrong wire type", BAD_FRAME, says(bytes_field(1, b"\x07") + body)),
        ("a room of the wrong wire type", "BAD_REQUEST", says(ID + bytes_field(HISTORY, bytes_field(2, b"x")))),
        ("wire type 6", BAD_FRAME, says(ID + body + field(500, 6))),
        ("wire type 7", BAD_FRAME, says(ID + body + field(500, 7))),
        ("field number 0", BAD_FRAME, says(ID + body + b"\x00\x00")),
        ("a field number of 2^29", BAD_FRAME, says(ID + body + varint(1 << 32) + b"\0")),
        ("a group without an end", BAD_FRAME, says(ID + body + field(500, 3))),
        ("an end without a group", BAD_FRAME, says(ID + body + field(500, 4))),
        ("a group that ends as another", BAD_FRAME, says(ID + body + field(500, 3) + field(501, 4))),
        ("an empty group", "OK", says(ID + body + field(500, 3) + field(500, 4))),
        ("a varint of 11 bytes", BAD_FRAME, says(ID + body + field(500, 0, b"\xff" * 10 + b"\x01"))),
        ("a varint without an end", BAD_FRAME, says(ID + body + field(500, 0, b"\xff" * 9))),
        ("a length of 2^63", BAD_FRAME, says(ID + bytes_field(LIST_CLUBS, b"", length=1 << 63))),
        ("a length of 2^31", BAD_FRAME, says(ID + bytes_field(LIST_CLUBS, b"", length=1 << 31))),
        ("a length of one too many", BAD_FRAME, says(ID + bytes_field(LIST_CLUBS, b"", length=1))),
        ("an inner length that leaves its message", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(3, b"abc", length=50)))),
        ("an inner length of 2^64 - 1", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(3, b"abc", length=(1 << 64) - 1)))),
        ("200 levels of unknown messages", "OK", says(ID + body + nested(200))),
        ("5,000 levels of unknown messages", "OK", says(ID + body + nested(5_000))),
        ("90 levels of groups", ("OK", BAD_FRAME), says(ID + body + field(500, 3) * 90 + field(500, 4) * 90)),
        ("30,000 levels of groups", BAD_FRAME, says(ID + body + field(500, 3) * 15_000 + field(500, 4) * 15_000)),
        ("a packed list that lies", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(6, bytes_field(1, b"\xff\xff\xff"))))),
        ("60,000 mentions", ("TOO_LARGE", "BAD_REQUEST", "NOT_FOUND"), says(ID + bytes_field(POST, bytes_field(6, bytes_field(1, b"\x01" * 60_000))))),
        ("UTF-8 that is none in a text", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(3, b"\xff\xfe")))),
        ("an overlong NUL", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(3, b"\xc0\x80")))),
        ("a surrogate", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(3, b"\xed\xa0\x80")))),
        ("beyond Unicode", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(3, b"\xf4\x90\x80\x80")))),
        ("a letter cut in two", BAD_FRAME, says(ID + bytes_field(POST, bytes_field(3, b"\xe2\x82")))),
    ] + [(f"a post cut after {cut} bytes", ("UNSUPPORTED", BAD_FRAME, "BAD_REQUEST"),
          says((ID + bytes_field(POST, bytes_field(1, b"\x08\x02\x10\x01") + field(2, 0, b"\x01") + bytes_field(3, b"abc") +
                                 bytes_field(5, b"0123456789abcdef")))[:cut])) for cut in range(3, 34, 3)]


def cases():
    return [Case("frame", *c) for c in frames()] + [Case("protobuf", *c) for c in protobuf()]
