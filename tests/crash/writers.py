# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clients that write what the ledger notes, and the reader that reads everything back.

Each member is one connection with several commands under way: posts, edits and deletions in all rooms of all clubs. Whatever
ends the connection leaves its open commands unknown; retry() sends them again under their old id.
"""

import asyncio
import os
import time

import websockets

import wire_client
from ledger import ACKED, REFUSED, UNKNOWN, Log

UNDER_WAY = 8   # commands that a writer has open at once
GONE = (ConnectionError, websockets.WebSocketException, OSError, asyncio.TimeoutError, AssertionError)


def frame_of(world, entry):
    where = {"stream": world.stream(entry.club), "room_id": entry.room, "client_msg_id": entry.id}
    if entry.kind == "post":
        return {"post_message": {**where, "body": entry.body}}
    if entry.kind == "edit":
        return {"edit_message": {**where, "number": entry.number, "body": entry.body}}
    return {"delete_message": {**where, "number": entry.number}}


class Writer:
    def __init__(self, url, world, index, ledger, rng, largest=1500):
        self.url, self.world, self.index, self.ledger, self.rng, self.largest = url, world, index, ledger, rng, largest
        self.mine = []          # acked posts that may be edited or deleted
        self.client, self.refusals = None, {}
        self.unavailable_ns = 0  # when the server first said that it can't
        self.pause = 0          # seconds between commands, for tests that want a light load
        self.heavy = False      # no small messages: buffers fill, files are flushed

    async def connect(self):
        self.client = await wire_client.Client(self.url).connect(self.world.tokens[self.index])
        return self

    def invent(self):
        """The next command: mostly posts, of all sizes."""
        rng, chance = self.rng, self.rng.random()
        if chance < 0.85 or len(self.mine) < 4:
            club = rng.choice(self.world.clubs)
            room, kind, number = rng.choice(self.world.rooms[club]), "post", 0
        else:
            kind = "delete" if chance > 0.95 else "edit"
            at = rng.randrange(len(self.mine))
            club, room, number = self.mine.pop(at) if kind == "delete" else self.mine[at]
        message_id = rng.randbytes(16)
        body = ""
        if kind != "delete":
            small = not self.heavy and rng.random() < 0.7
            size = rng.randrange(8, 60) if small else rng.randrange(60, self.largest)
            body = f"{message_id.hex()[:8]} " + rng.randbytes(size // 2).hex()
        return self.ledger.send(message_id, kind, self.world.accounts[self.index], club, room, number, body,
                                time.monotonic_ns())

    async def give(self, entry):
        """Sends a command and notes what comes of it. False when the connection is gone."""
        client = self.client
        try:
            if client.reader.done():
                raise ConnectionError("the connection ended")
            future, sent, _ = client.send(**frame_of(self.world, entry))
            await sent
            reply = await asyncio.wait_for(future, wire_client.PATIENCE)
        except GONE:
            self.ledger.unknown(entry)
            return False
        if reply.HasField("refusal"):
            name = wire_client.error_pb2.RefusalCode.Name(reply.refusal.code).removeprefix("REFUSAL_CODE_")
            self.refusals[name] = self.refusals.get(name, 0) + 1
            if name in ("UNAVAILABLE", "INTERNAL"):
                self.unavailable_ns = self.unavailable_ns or time.monotonic_ns()
                self.ledger.unknown(entry, name)
            else:
                self.ledger.refused(entry, name)
            return True
        committed = getattr(reply, reply.WhichOneof("body"))
        first = entry.state != ACKED
        self.ledger.acked(entry, committed, time.monotonic_ns())
        if first and entry.kind == "post":
            self.mine.append((entry.club, entry.room, entry.object))
            if len(self.mine) > 50:
                self.mine.pop(0)
        return True

    async def write(self, stop):
        """Until `stop` is set or the connection ends."""
        async def lane():
            while not stop.is_set():
                if not await self.give(self.invent()):
                    return
                if self.pause:
                    await asyncio.sleep(self.pause)
        await asyncio.gather(*(lane() for _ in range(UNDER_WAY)))

    async def close(self):
        if self.client:
            self.client.socket.transport.abort()
            await self.client.reader


class Writers:
    """All members at once."""

    def __init__(self, server, world, ledger, rng, largest=1500):
        self.server, self.world, self.ledger, self.rng = server, world, ledger, rng
        self.members = [Writer(server.url, world, i, ledger, rng, largest) for i in range(len(world.tokens))]
        self.stop, self.tasks = asyncio.Event(), []

    def set(self, heavy=False, pause=0):
        for member in self.members:
            member.heavy, member.pause = heavy, pause

    async def start(self):
        self.stop = asyncio.Event()
        for member in self.members:
            await member.connect()
        self.tasks = [asyncio.create_task(member.write(self.stop)) for member in self.members]

    async def until_acked(self, count, seconds=30):
        """Waits until `count` more commands are acknowledged, or the connections end."""
        goal = self.ledger.count(ACKED) + count
        deadline = time.monotonic() + seconds
        while self.ledger.count(ACKED) < goal and time.monotonic() < deadline and not all(t.done() for t in self.tasks):
            await asyncio.sleep(0.005)   # polls the ledger, which has no event per count

    async def finish(self):
        """No new commands; waits for the answers that are under way."""
        self.stop.set()
        await self.gone()

    async def gone(self):
        await asyncio.gather(*self.tasks)
        for member in self.members:
            await member.close()

    async def retry(self, entries):
        """Sends these again under their ids, each by its author."""
        by_author = {}
        for entry in entries:
            by_author.setdefault(entry.actor, []).append(entry)

        async def again(member, queue):
            await member.connect()

            async def lane():
                while queue:
                    if not await member.give(queue.pop(0)):
                        return
            await asyncio.gather(*(lane() for _ in range(UNDER_WAY)))
            await member.close()
        await asyncio.gather(*(again(member, by_author[self.world.accounts[member.index]]) for member in self.members
                               if self.world.accounts[member.index] in by_author))
        return len(entries)

    def due(self, share=0.1, most=None):
        """What is to be repeated after a fault: every unknown command, and a share of the acknowledged ones."""
        unknown = self.ledger.of(UNKNOWN)
        acked = self.ledger.of(ACKED)
        count = int(len(acked) * share)
        if most is not None:
            count = min(count, most)
        return unknown + self.rng.sample(acked, count)


class Reader:
    """Reads back what the server holds. With keep(), the cursors outlive restarts of the server, as the protocol says."""

    def __init__(self, server, world):
        self.server, self.world = server, world
        self.logs = {club: Log(club) for club in world.clubs}
        self.streams, self.client, self.epoch = {}, None, None
        self.problems = []

    async def connect(self):
        self.client = await wire_client.Client(self.server.url).connect(self.world.owner_token)
        return self

    async def catch_up(self):
        """Follows each club from where this reader stands, up to the head; takes the events in."""
        session = wire_client.session_pb2
        heads = {}
        for club in self.world.clubs:
            stream = wire_client.Stream(self.world.stream(club))
            stream.cursor = self.logs[club].seq
            stream.epoch = self.client.hello.epoch if self.epoch is None else self.epoch
            answer = await self.client.subscribe(stream)
            if answer.outcome not in (session.SUBSCRIBE_OUTCOME_CAUGHT_UP, session.SUBSCRIBE_OUTCOME_REPLAYING):
                reason = session.GapReason.Name(answer.gap.reason)
                self.problems.append(f"club {club}: what was published up to seq {stream.cursor} is gone ({reason}, head "
                                     f"{answer.head_seq})")
                return False
            self.streams[club], heads[club] = stream, answer.head_seq
        self.epoch = self.client.hello.epoch
        await self.client.until(lambda: all(self.streams[club].cursor >= heads[club] for club in heads))
        self.take_in()
        return True

    def take_in(self):
        for club, stream in self.streams.items():
            for event in stream.events:
                self.logs[club].take(event)
            stream.events.clear()

    async def history(self, club, room):
        messages, around = [], 0
        while True:
            page = await self.client.ask(get_history={"stream": self.world.stream(club), "room_id": room, "around": around,
                                                      "before": 200})
            messages[:0] = page.messages
            if not page.messages or page.messages[0].number == 1:
                return messages
            around = page.messages[0].number - 1

    async def close(self, take_in=True):
        if self.client:
            self.client.socket.transport.abort()
            await self.client.reader
            if take_in:
                self.take_in()
            self.streams = {}
            self.client = None


async def read_everything(server, world, ledger):
    """The whole comparison: each stream from 0 and each room's history, against the ledger. What is wrong, in words."""
    reader = await Reader(server, world).connect()
    try:
        if not await reader.catch_up():
            return reader.problems, reader
        wrong = list(ledger.contradictions)
        for club, log in reader.logs.items():
            wrong += log.compare(ledger)
            for room in world.rooms[club]:
                wrong += log.compare_history(room, await reader.history(club, room))
        return wrong, reader
    finally:
        await reader.close()
