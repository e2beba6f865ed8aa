# SPDX-License-Identifier: AGPL-3.0-or-later
"""The oracle itself is tested: each way of losing, doubling or changing something is forged once and must be noticed."""

import copy
import pathlib
import types

from ledger import Ledger, Log

CLUB, ROOM, AUTHOR = 1, 6, 2


def honest(folder):
    """Six posts, an edit and a deletion, as a server and its clients would both have them."""
    from amicale.v1 import event_pb2
    ledger, events, history = Ledger(pathlib.Path(folder) / "oracle.jsonl"), [], []

    def step(kind, number, body):
        seq = len(events) + 1
        message_id = bytes([seq]) * 16
        entry = ledger.send(message_id, kind, AUTHOR, CLUB, ROOM, 0 if kind == "post" else number, body, 0)
        ledger.acked(entry, types.SimpleNamespace(first_seq=seq, object_id=number, repeated=False))
        event = event_pb2.Event(seq=seq, time_ms=1000 + seq, actor=AUTHOR, client_msg_id=message_id)
        if kind == "post":
            event.message_posted.room_id, event.message_posted.number, event.message_posted.body = ROOM, number, body
            history.append(types.SimpleNamespace(number=number, author=AUTHOR, body=body, deleted=False))
        elif kind == "edit":
            event.message_edited.room_id, event.message_edited.number, event.message_edited.body = ROOM, number, body
            history[number - 1].body = body
        else:
            event.message_deleted.room_id, event.message_deleted.number = ROOM, number
            history[number - 1].body, history[number - 1].deleted = "", True
            for earlier in events:
                for name in ("message_posted", "message_edited"):
                    if earlier.HasField(name) and getattr(earlier, name).number == number:
                        getattr(earlier, name).body = ""
        events.append(event)
    for number in range(1, 7):
        step("post", number, f"message {number}")
    step("edit", 2, "message 2, corrigé")
    step("delete", 3, "")
    return ledger, events, history


def judged(ledger, events, history):
    log = Log(CLUB)
    for event in events:
        log.take(event)
    return ledger.contradictions + log.compare(ledger) + log.compare_history(ROOM, history)


def renumbered(events):
    for seq, event in enumerate(events, 1):
        event.seq = seq
    return events


def forgeries():
    """Name → what a faulty server would have done to a copy of the honest story."""
    def entry(ledger, seq):
        return ledger.entries[bytes([seq]) * 16]

    def twice(ledger, events, history):
        again = copy.deepcopy(events[5])
        again.seq, again.message_posted.number = 9, 7
        events.append(again)

    def other_seq(ledger, events, history):
        events.insert(0, events.pop(1))
        renumbered(events)

    def refused_but_there(ledger, events, history):
        entry(ledger, 5).state = "refused"

    def answered_differently(ledger, events, history):
        ledger.acked(entry(ledger, 4), types.SimpleNamespace(first_seq=9, object_id=9, repeated=True))

    def repeated_as_new(ledger, events, history):
        ledger.acked(entry(ledger, 4), types.SimpleNamespace(first_seq=4, object_id=4, repeated=False))

    def invented(ledger, events, history):
        del ledger.entries[bytes([6]) * 16]
    return {
        "the newest event is gone": lambda le, ev, hi: ev.pop(),
        "the newest post is gone, from stream and history": lambda le, ev, hi: (ev.pop(5), renumbered(ev), hi.pop()),
        "an event in the middle is gone": lambda le, ev, hi: ev.pop(3),
        "a post is there twice": twice,
        "two posts changed places": other_seq,
        "another text": lambda le, ev, hi: setattr(ev[0].message_posted, "body", "autre"),
        "an emptied text": lambda le, ev, hi: setattr(ev[0].message_posted, "body", ""),
        "another author": lambda le, ev, hi: setattr(ev[0], "actor", 3),
        "another room": lambda le, ev, hi: setattr(ev[0].message_posted, "room_id", 7),
        "time goes back": lambda le, ev, hi: setattr(ev[4], "time_ms", 1),
        "refused, and yet there": refused_but_there,
        "a repeat is answered differently": answered_differently,
        "a repeat is taken for a new command": repeated_as_new,
        "something that nobody sent": invented,
        "history shows another text": lambda le, ev, hi: setattr(hi[3], "body", "autre"),
        "history shows what was deleted": lambda le, ev, hi: setattr(hi[2], "deleted", False),
        "history lacks a message": lambda le, ev, hi: hi.pop(),
    }


def check(folder):
    """What the oracle did not notice; and how many forgeries there were."""
    wrong = [f"the honest story is found wrong: {w}" for w in judged(*honest(folder))]
    made = forgeries()
    for name, forge in made.items():
        ledger, events, history = honest(folder)
        forge(ledger, events, history)
        if not judged(ledger, events, history):
            wrong.append(f"the oracle does not notice: {name}")
    return wrong, len(made)
