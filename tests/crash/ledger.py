# SPDX-License-Identifier: AGPL-3.0-or-later
"""The oracle: a ledger of what was sent and what came back, and the comparison with what the server holds afterwards.

The ledger is a file of JSON lines, written before a command is sent and when its answer comes, and synced before every
comparison. A command is in one of these states:

    sent      no answer yet
    acked     Committed: seq, object, and the hash of the body are noted; it must be there, once, unchanged, for ever
    refused   a refusal that says that nothing was changed; it must not be there
    unknown   the connection ended, or UNAVAILABLE or INTERNAL was answered: it may be there once

Log is one stream as it was read back: it checks the arithmetic of the stream and folds messages as a client would.
Nothing here is shared with the server: commands and events are compared as the protocol's messages.
"""

import hashlib
import json
import os

SENT, ACKED, REFUSED, UNKNOWN = "sent", "acked", "refused", "unknown"
EVENT_OF = {"post": "message_posted", "edit": "message_edited", "delete": "message_deleted"}


def hash_of(body):
    return hashlib.sha256(body.encode()).hexdigest()[:32]


class Entry:
    """One command: what was asked, and what is known of its outcome."""

    __slots__ = ("id", "kind", "actor", "club", "room", "number", "body", "state", "seq", "object", "code", "sent_ns", "acked_ns")

    def __init__(self, message_id, kind, actor, club, room, number, body, sent_ns):
        self.id, self.kind, self.actor, self.club, self.room, self.number = message_id, kind, actor, club, room, number
        self.body, self.sent_ns, self.acked_ns = body, sent_ns, 0
        self.state, self.seq, self.object, self.code = SENT, 0, 0, None

    def __str__(self):
        return f"{self.kind} {self.id.hex()} by {self.actor} in club {self.club} room {self.room}: {self.state} seq {self.seq}"


class Ledger:
    def __init__(self, file):
        self.file = open(file, "a", encoding="utf-8")
        self.entries = {}
        self.contradictions = []   # answers of the server that don't agree with each other

    def note(self, what):
        self.file.write(json.dumps(what) + "\n")

    def sync(self):
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()

    def send(self, message_id, kind, actor, club, room, number, body, sent_ns):
        entry = Entry(message_id, kind, actor, club, room, number, body, sent_ns)
        self.entries[message_id] = entry
        self.note({"sent": message_id.hex(), "kind": kind, "actor": actor, "club": club, "room": room, "number": number,
                   "hash": hash_of(body)})
        return entry

    def acked(self, entry, committed, now_ns=0):
        """An answer. A second one must say the same as the first."""
        if entry.state == ACKED and (entry.seq, entry.object) != (committed.first_seq, committed.object_id):
            self.contradictions.append(f"acknowledged twice, as seq {entry.seq} and {committed.first_seq}: {entry}")
        if entry.state == ACKED and not committed.repeated:
            self.contradictions.append(f"a repeat was taken for a new command: {entry}")
        entry.state, entry.seq, entry.object, entry.acked_ns = ACKED, committed.first_seq, committed.object_id, now_ns
        self.note({"acked": entry.id.hex(), "seq": entry.seq, "object": entry.object})

    def refused(self, entry, code):
        if entry.state == ACKED:
            self.contradictions.append(f"refused with {code} after it was acknowledged: {entry}")
            return
        entry.state, entry.code = REFUSED, code
        self.note({"refused": entry.id.hex(), "code": code})

    def unknown(self, entry, code=None):
        if entry.state != ACKED:
            entry.state, entry.code = UNKNOWN, code
            self.note({"unknown": entry.id.hex(), "code": code})

    def forget_after(self, instant_ns):
        """What was answered after the power had gone was not answered; how many that were."""
        late = [e for e in self.entries.values() if e.state == ACKED and e.acked_ns > instant_ns]
        for entry in late:
            entry.state = UNKNOWN
            self.note({"unknown": entry.id.hex(), "code": "after the cut"})
        return len(late)

    def of(self, state):
        return [e for e in self.entries.values() if e.state == state]

    def count(self, state):
        return sum(e.state == state for e in self.entries.values())


class Message:
    __slots__ = ("number", "author", "body", "deleted", "edited", "posted")

    def __init__(self, number, author, body):
        self.number, self.author, self.body, self.deleted, self.edited = number, author, body, False, False


class Log:
    """One club's stream from its first event, taken in as it comes."""

    def __init__(self, club):
        self.club, self.seq, self.time_ms = club, 0, 0
        self.events = {}    # client_msg_id → event, of messages
        self.order = []     # (seq, client_msg_id, kind) of all events
        self.rooms = {}     # room → {number → Message}
        self.emptied = []   # events whose text is gone: their message must be deleted
        self.problems = []

    def take(self, event):
        kind = event.WhichOneof("body")
        if event.seq != self.seq + 1:
            self.problems.append(f"club {self.club}: seq {event.seq} follows {self.seq}")
        if event.time_ms < self.time_ms:
            self.problems.append(f"club {self.club}: time goes back at seq {event.seq}: {self.time_ms} → {event.time_ms}")
        self.seq, self.time_ms = event.seq, event.time_ms
        self.order.append((event.seq, event.client_msg_id, kind))
        if kind in EVENT_OF.values():
            if event.client_msg_id in self.events:
                self.problems.append(f"club {self.club}: {event.client_msg_id.hex()} is there twice, at seq "
                                     f"{self.events[event.client_msg_id].seq} and {event.seq}")
            self.events[event.client_msg_id] = event
            self.fold(event, kind)

    def fold(self, event, kind):
        body = getattr(event, kind)
        room = self.rooms.setdefault(body.room_id, {})
        if kind == "message_posted":
            if body.number != len(room) + 1:
                self.problems.append(f"room {body.room_id}: number {body.number} follows {len(room)}")
            room[body.number] = Message(body.number, event.actor, body.body)
        elif body.number not in room:
            self.problems.append(f"{kind} of number {body.number}, which was never posted in room {body.room_id}")
            return
        elif kind == "message_edited":
            room[body.number].body, room[body.number].edited = body.body, True
        else:
            room[body.number].body, room[body.number].deleted = "", True
        if kind != "message_deleted" and body.body == "":
            self.emptied.append((body.room_id, body.number))

    def compare(self, ledger, fresh=None):
        """What is wrong between the ledger and this log; `fresh` limits the comparison to some entries."""
        wrong, self.problems = self.problems, []
        entries = ledger.entries.values() if fresh is None else fresh
        for entry in entries:
            if entry.club != self.club:
                continue
            event = self.events.get(entry.id)
            if event is None:
                if entry.state == ACKED and entry.seq != 0:   # 0: nothing had to change
                    wrong.append(f"LOST: {entry}")
                continue
            wrong += self.differences(entry, event)
        if fresh is None:
            wrong += [f"never sent: seq {event.seq}" for key, event in self.events.items() if key not in ledger.entries]
        gone = [(room, number) for room, number in self.emptied if not self.rooms[room][number].deleted]
        wrong += [f"the text of number {number} in room {room} is gone" for room, number in gone]
        return wrong

    def differences(self, entry, event):
        kind = event.WhichOneof("body")
        body = getattr(event, kind)
        if entry.state == REFUSED:
            return [f"is there although it was refused: {entry}"]
        if kind != EVENT_OF[entry.kind] or event.actor != entry.actor or body.room_id != entry.room:
            return [f"is there as something else (seq {event.seq}): {entry}"]
        if entry.state == ACKED and (event.seq != entry.seq or body.number != (entry.object if entry.kind == "post" else entry.number)):
            return [f"is at seq {event.seq}, number {body.number}: {entry}"]
        if entry.kind != "delete" and body.body != entry.body and body.body != "":
            return [f"WRONG CONTENT at seq {event.seq}: {entry}"]
        return []

    def compare_history(self, room, messages):
        """Messages as history shows them must be the fold of the stream."""
        folded = self.rooms.get(room, {})
        wrong = []
        if [m.number for m in messages] != list(range(1, len(folded) + 1)):
            wrong.append(f"history of room {room} has {len(messages)} messages, the stream {len(folded)}")
        for message in messages:
            known = folded.get(message.number)
            if known is None or (message.body, message.author, message.deleted) != (known.body, known.author, known.deleted):
                wrong.append(f"history of room {room} shows number {message.number} otherwise than the stream")
        return wrong
