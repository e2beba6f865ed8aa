# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ways to change an exported file of the provable log: each with what is done to it, in words, and the fault that must be found."""

import base64
import copy
import json
import re


class Lines:
    """An exported file as JSON, written again as protobuf writes it: only what is changed differs."""

    def __init__(self, content):
        self.lines = [json.loads(line) for line in content.splitlines()]
        assert self.content() == content, "protobuf's JSON form is Python's, without blanks"
        self.head_at = next(i for i, line in enumerate(self.lines) if "head" in line)
        self.first = self.head_at + 1

    def content(self):
        return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in self.lines)

    def changed(self, change):
        other = copy.deepcopy(self)
        change(other)
        return other.content()

    @property
    def head(self):
        return self.lines[self.head_at]["head"]

    def proven(self, number):
        return self.lines[self.first + number - 1]["record"]

    def record(self, number):
        return self.proven(number)["record"]


def flip(message, field, bit=0):
    data = bytearray(base64.b64decode(message[field]))
    data[bit // 8] ^= 1 << bit % 8
    message[field] = base64.b64encode(data).decode()


def resize(message, field, size):
    data = base64.b64decode(message[field]).ljust(size, b"\0")[:size]
    message[field] = base64.b64encode(data).decode()


def bump(message, field, by=1):
    message[field] = str(int(message[field]) + by)


def swap(lines, at, other):
    lines[at], lines[other] = lines[other], lines[at]


def flip_path(proven, at):
    step = {"hash": proven["path"][at]}
    flip(step, "hash")
    proven["path"][at] = step["hash"]


def alias_kind(f):
    """Of the head and of every record: what is hashed of 258 is the byte of 2."""
    for place in [f.head] + [f.record(i) for i in range(1, int(f.head["size"]) + 1)]:
        place["stream"]["kind"] = 258


def move_salt(f):
    """Bytes of the details pass for the salt's: the same hash, another event."""
    for number in range(1, int(f.head["size"]) + 1):
        opening = f.proven(number).get("opening", {})
        if opening.get("details_salt") and opening.get("details"):
            salt, details = base64.b64decode(opening["details_salt"]), base64.b64decode(opening["details"])
            opening["details_salt"] = base64.b64encode(salt + details[:4]).decode()
            opening["details"] = base64.b64encode(details[4:]).decode()
            return
    raise AssertionError("no record is opened")


# Of an export: what is done, and the fault that must be found; None = whichever it is, of both the same.
CHANGES = [
    ("a bit of the root", lambda f: flip(f.head, "root", 100), "bad signature"),
    ("a bit of the signature", lambda f: flip(f.head, "signature", 7), "bad signature"),
    ("a bit of the signature's second half", lambda f: flip(f.head, "signature", 511), "bad signature"),
    ("the head's entry hash", lambda f: flip(f.head, "entry_hash"), "bad signature"),
    ("the head's time", lambda f: bump(f.head, "time_ms", -1), "bad signature"),
    ("the head's size", lambda f: bump(f.head, "size"), "bad signature"),
    ("the head's seq", lambda f: bump(f.head, "seq"), "bad signature"),
    ("the head's epoch", lambda f: bump(f.head, "epoch"), "bad signature"),
    ("the largest size", lambda f: f.head.update(size=str(2**64 - 1)), "bad signature"),
    ("a size beyond 64 bits", lambda f: f.head.update(size=str(2**64)), "bad record"),
    ("a negative size", lambda f: f.head.update(size="-1"), "bad record"),
    ("a size as a number", lambda f: f.head.update(size=int(f.head["size"])), "bad record"),
    ("no size", lambda f: f.head.pop("size"), "bad signature"),
    ("no root", lambda f: f.head.pop("root"), "bad signature"),
    ("no key in the head", lambda f: f.head.pop("public_key"), "bad signature"),
    ("no stream in the head", lambda f: f.head.pop("stream"), "bad signature"),
    ("a root too short", lambda f: resize(f.head, "root", 31), "bad signature"),
    ("a root too long", lambda f: resize(f.head, "root", 33), "bad signature"),
    ("a key too long", lambda f: resize(f.head, "public_key", 33), "bad signature"),
    ("a signature of 64 KiB", lambda f: resize(f.head, "signature", 65536), "bad signature"),
    ("another club", lambda f: bump(f.head["stream"], "id"), "bad signature"),
    ("another kind", lambda f: f.head["stream"].update(kind="STREAM_KIND_SITE"), "bad signature"),
    ("a kind that is not known", lambda f: f.head["stream"].update(kind=77), None),
    ("a kind whose last byte is another's", alias_kind, "bad signature"),
    ("a kind that has no name", lambda f: f.head["stream"].update(kind="STREAM_KIND_MOON"), "bad record"),
    ("another key", lambda f: flip(f.lines[0]["key"], "public_key"), "unknown key"),
    ("the hand-over's signature", lambda f: flip(f.lines[0]["key"], "signature"), "unknown key"),
    ("since when the key signs", lambda f: bump(f.lines[0]["key"], "since_ms"), "unknown key"),
    ("the key twice", lambda f: f.lines.insert(0, f.lines[0]), "unknown key"),
    ("no key", lambda f: f.lines.pop(0), "unknown key"),
    ("the key at the end", lambda f: f.lines.append(f.lines[0]), "unknown key"),
    ("no head", lambda f: f.lines.pop(f.head_at), "bad signature"),
    ("the head twice", lambda f: f.lines.insert(f.head_at, f.lines[f.head_at]), "bad signature"),
    ("no records", lambda f: f.lines.__delitem__(slice(f.first, None)), "truncated"),
    ("one act dropped", lambda f: f.lines.pop(f.first + 2), "bad record"),
    ("the first act dropped", lambda f: f.lines.pop(f.first), "bad record"),
    ("the last act dropped", lambda f: f.lines.pop(), "truncated"),
    ("the last three acts dropped", lambda f: f.lines.__delitem__(slice(-3, None)), "truncated"),
    ("two acts swapped", lambda f: swap(f.lines, f.first + 1, f.first + 2), "bad record"),
    ("an act twice", lambda f: f.lines.insert(f.first + 1, f.lines[f.first + 1]), "bad record"),
    ("the last act twice", lambda f: f.lines.append(f.lines[-1]), "bad record"),
    ("an act's number", lambda f: bump(f.record(2), "number"), "bad record"),
    ("an act's seq", lambda f: bump(f.record(2), "seq"), "bad record"),
    ("an act's time", lambda f: bump(f.record(2), "time_ms"), "bad record"),
    ("a time that went back", lambda f: bump(f.record(2), "time_ms", -10**9), "bad record"),
    ("which act it was", lambda f: f.record(2).update(act=f.record(2)["act"] + 1), "bad record"),
    ("an act beyond 32 bits", lambda f: f.record(2).update(act=2**32), "bad record"),
    ("who acted: nobody", lambda f: f.record(3).update(automatic=True), "bad record"),
    ("the leaf before", lambda f: flip(f.record(3), "previous"), "bad record"),
    ("an act's entry hash", lambda f: flip(f.record(2), "entry_hash"), "bad record"),
    ("a hash too short", lambda f: resize(f.record(2), "entry_hash", 16), "bad record"),
    ("no hash", lambda f: f.record(2).pop("entry_hash"), "bad record"),
    ("the seal on who acted", lambda f: flip(f.record(2), "actor"), "bad opening"),
    ("the seal on whom", lambda f: flip(f.record(2), "subject"), "bad opening"),
    ("the seal on what", lambda f: flip(f.record(2), "details"), "bad opening"),
    ("bytes of what was done taken for its seal's", move_salt, "bad opening"),
    ("another actor", lambda f: bump(f.proven(2)["opening"], "actor"), "bad opening"),
    ("an actor beyond 53 bits", lambda f: f.proven(2)["opening"].update(actor=str(2**63 + 1)), "bad opening"),
    ("another salt", lambda f: flip(f.proven(2)["opening"], "actor_salt"), "bad opening"),
    ("an actor without a salt", lambda f: f.proven(2)["opening"].pop("actor_salt"), "bad opening"),
    ("details without a salt", lambda f: f.proven(2)["opening"].pop("details_salt"), "bad opening"),
    ("other details", lambda f: flip(f.proven(2)["opening"], "details"), "bad opening"),
    ("the last act's entry hash", lambda f: flip(f.record(len(f.lines) - f.first), "entry_hash"), "rewritten"),
    ("a record that is empty", lambda f: f.lines[f.first].update(record={}), "bad record"),
    ("a path in an export", lambda f: f.proven(2).update(path=[f.head["root"]]), "bad record"),
    ("a line that says nothing", lambda f: f.lines.insert(1, {}), "bad record"),
    ("a field that is not known", lambda f: f.head.update(more=1), "bad record"),
    ("a field that is null", lambda f: f.head.update(size=None), "bad record"),
]

# Of the bytes as they stand.
RAW_CHANGES = [
    ("nothing at all", lambda b: b"", "truncated"),
    ("not a file of ours", lambda b: b"\x89PNG\r\n\x1a\n" + b, "bad record"),
    ("a byte order mark", lambda b: b"\xef\xbb\xbf" + b, "bad record"),
    ("what is no UTF-8", lambda b: b[:20] + b"\xff" + b[20:], "bad record"),
    ("line ends of another system", lambda b: b.replace(b"\n", b"\r\n"), "bad record"),
    ("a blank", lambda b: b.replace(b":", b": ", 1), "bad record"),
    ("a blank line at the end", lambda b: b + b"\n", "bad record"),
    ("no last line end", lambda b: b[:-1], "bad record"),
    ("cut in the middle", lambda b: b[:len(b) // 2], "bad record"),
    ("the fields in another order", lambda b: re.sub(rb'("seq":"\d+"),("time_ms":"\d+")', rb"\2,\1", b, count=1), "bad record"),
    ("a number written with a zero before", lambda b: b.replace(b'"seq":"', b'"seq":"0', 1), "bad record"),
    ("a letter written as its code", lambda b: b.replace(b'"root"', b'"\\u0072oot"', 1), "bad record"),
    ("the names of another style", lambda b: b.replace(b'"public_key"', b'"publicKey"', 1), "bad record"),
    ("a field twice", lambda b: b.replace(b'"root":', b'"root":"","root":', 1), "bad record"),
    ("a line of 2 MiB", lambda b: b + b"x" * (2 << 20) + b"\n", "bad record"),
    ("brackets without end", lambda b: b"[" * 500_000 + b"\n" + b, "bad record"),
]

# Of a proof.
PROOF_CHANGES = [
    ("a bit of a path", lambda f: flip_path(f.proven(1), 0), "bad record"),
    ("a path too short", lambda f: f.proven(1)["path"].pop(), "bad record"),
    ("a path too long", lambda f: f.proven(1)["path"].append(f.head["root"]), "bad record"),
    ("a path of other lengths", lambda f: f.proven(1)["path"].insert(0, ""), "bad record"),
    ("a path without end", lambda f: f.proven(1).update(path=f.proven(1)["path"] * 2000), "bad record"),
    ("no path", lambda f: f.proven(1).pop("path"), None),
    ("another place", lambda f: bump(f.record(1), "number"), "bad record"),
    ("place 0", lambda f: f.record(1).pop("number"), "bad record"),
    ("a place beyond the tree", lambda f: f.record(1).update(number=str(2**64 - 1)), "bad record"),
    ("another time", lambda f: bump(f.record(1), "time_ms"), "bad record"),
    ("another person", lambda f: bump(f.proven(1)["opening"], "subject"), "bad opening"),
    ("an act twice", lambda f: f.lines.append(f.lines[-1]), "bad record"),
    ("two acts swapped", lambda f: swap(f.lines, f.first, f.first + 1), "bad record"),
    ("no acts", lambda f: f.lines.__delitem__(slice(f.first, None)), "truncated"),
]
