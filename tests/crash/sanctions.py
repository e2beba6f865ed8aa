# SPDX-License-Identifier: AGPL-3.0-or-later
"""I12, I13: sanctions over kill -9. Members write, the site's owner mutes, suspends and lifts at the same time, the process dies at
random. Every acknowledged act is there once at its seq; nothing that a held member wrote stands after it; every act has one record,
and no head that a client was sent is ever taken back."""

import asyncio
import hashlib
import os

import wire_client
from ledger import ACKED, SENT, UNKNOWN
from trial import Result, Trial
from writers import GONE

CLEAR_NO = ("UNAVAILABLE", "INTERNAL")
WRITTEN = ("message_posted", "message_edited", "reaction_changed")


class Act:
    """One command of the judge's, and what was answered."""

    def __init__(self, club, kind, body):
        self.club, self.kind, self.body = club, kind, body
        self.state, self.seq, self.object = SENT, 0, 0


class Judge:
    """The owner, who imposes and lifts; and the heads that a client of theirs was sent."""

    def __init__(self, server, world, rng):
        self.server, self.world, self.rng = server, world, rng
        self.acts, self.wrong, self.heads = [], [], {}

    async def connect(self):
        audit = 1 << (wire_client.session_pb2.CAPABILITY_AUDIT - 1)
        return await wire_client.Client(self.server.url, capabilities=audit).connect(self.world.owner_token)

    def invent(self):
        common, rng = wire_client.common_pb2, self.rng
        club = rng.choice(self.world.clubs)
        imposed = [a for a in self.acts if a.club == club and a.kind == "impose_sanction" and a.state == ACKED and a.object]
        if imposed and rng.random() < 0.3:
            act = Act(club, "lift_sanction", {"sanction_id": rng.choice(imposed[-6:]).object})
        else:
            muted = rng.random() < 0.8
            act = Act(club, "impose_sanction", {
                "account_id": rng.choice(self.world.accounts), "reason": common.REASON_CODE_SPAM,
                "kind": common.SANCTION_KIND_MUTE if muted else common.SANCTION_KIND_SUSPENSION,
                "room_id": rng.choice(self.world.rooms[club]) if muted and rng.random() < 0.4 else 0,
                "duration_s": rng.choice([1, 1, 2, 600])})
        act.body.update(club_id=club, client_msg_id=os.urandom(16))
        self.acts.append(act)
        return act

    async def give(self, client, act):
        """One attempt; the same for a repeat. False when the connection is gone."""
        before = act.state
        try:
            reply = await client.ask(**{act.kind: act.body})
        except wire_client.Refused as refusal:
            if str(refusal).removeprefix("REFUSAL_CODE_").startswith(CLEAR_NO):
                act.state = UNKNOWN
            elif before == ACKED:
                self.wrong.append(f"refused when repeated ({refusal}): {act.kind} {act.body}")
            else:
                act.state = "refused"
            return True
        except GONE:
            if before != ACKED:
                act.state = UNKNOWN
            return False
        if before == ACKED and (act.seq, act.object) != (reply.first_seq, reply.object_id):
            self.wrong.append(f"repeated as seq {reply.first_seq}, object {reply.object_id}, not {act.seq}, {act.object}")
        act.state, act.seq, act.object = ACKED, reply.first_seq, reply.object_id
        return True

    async def sit(self, stop):
        """Until `stop` or the end of the connection."""
        client = None
        try:
            client = await self.connect()
            for club in self.world.clubs:
                answer = await client.subscribe(wire_client.Stream(self.world.stream(club)))
                if answer.HasField("audit_head"):
                    self.note_heads([answer.audit_head])
            while not stop.is_set() and await self.give(client, self.invent()):
                await asyncio.sleep(0.02)   # members must come to speak in between
        except GONE:
            return
        finally:
            self.note_heads(client.heads if client else [])
        await leave(client)

    async def again(self):
        """After a fault: every unknown act, and some acknowledged ones, under the same ids."""
        acked = [a for a in self.acts if a.state == ACKED]
        client = await self.connect()
        for act in [a for a in self.acts if a.state == UNKNOWN] + self.rng.sample(acked, min(5, len(acked))):
            await self.give(client, act)
        await leave(client)
        self.wrong += [f"the repeat of {a.kind} was not answered" for a in self.acts if a.state == UNKNOWN]

    def note_heads(self, heads):
        for head in heads:
            key = (head.stream.id, head.epoch, head.size)
            if self.heads.setdefault(key, head.root) != head.root:
                self.wrong.append(f"two heads of club {head.stream.id} at size {head.size}")

    async def compare(self):
        """Everything from the beginning, as the owner reads it."""
        client = await self.connect()
        kept = 0
        for club in self.world.clubs:
            stream = wire_client.Stream(self.world.stream(club))
            stream.cursor, stream.epoch = 0, client.hello.epoch
            answer = await client.subscribe(stream)
            await client.until(lambda: stream.cursor >= answer.head_seq)
            kept += self.walk(club, stream.events)
            await self.list_agrees(client, club, stream.events)
            await self.records_agree(client, club, stream.events)
        await leave(client)
        return kept

    def walk(self, club, events):
        """The stream's own order: who is held at each seq, and whether they wrote. How many sanctions there were."""
        held, imposed, ids = {}, {}, {}
        for event in events:
            kind = event.WhichOneof("body")
            if event.client_msg_id and kind in ("sanction_imposed", "sanction_ended"):
                ids.setdefault(event.client_msg_id, []).append(event)
            if kind == "sanction_imposed":
                sanction = event.sanction_imposed.sanction
                if sanction.sanction_id in imposed:
                    self.wrong.append(f"club {club}: sanction {sanction.sanction_id} is imposed twice")
                imposed[sanction.sanction_id] = event
                held.setdefault(sanction.account_id, {})[sanction.sanction_id] = sanction
            elif kind == "sanction_ended":
                held.get(event.sanction_ended.account_id, {}).pop(event.sanction_ended.sanction_id, None)
            elif kind in WRITTEN:
                room = getattr(event, kind).room_id
                for sanction in held.get(event.actor, {}).values():
                    if sanction.room_id in (0, room) and sanction.until_ms > event.time_ms:
                        self.wrong.append(f"club {club}: {kind} at seq {event.seq} by {event.actor}, whom sanction "
                                          f"{sanction.sanction_id} holds until {sanction.until_ms} (now {event.time_ms})")
        for act in (a for a in self.acts if a.club == club):
            there = ids.get(act.body["client_msg_id"], [])
            if act.state == ACKED and act.seq and act.seq not in [e.seq for e in there]:
                self.wrong.append(f"LOST: {act.kind} acknowledged at seq {act.seq} of club {club}")
            if act.state == "refused" and there:
                self.wrong.append(f"club {club}: {act.kind} is there although it was refused")
        return len(imposed)

    async def list_agrees(self, client, club, events):
        """list_sanctions says what the stream says."""
        listed, before = {}, 0
        while True:
            page = await client.ask(list_sanctions={"club_id": club, "before": before})
            listed.update({case.sanction.sanction_id: case.sanction for case in page.cases})
            before = page.next
            if before == 0:
                break
        ended = {e.sanction_ended.sanction_id for e in events if e.WhichOneof("body") == "sanction_ended"}
        imposed = {e.sanction_imposed.sanction.sanction_id for e in events if e.WhichOneof("body") == "sanction_imposed"}
        if set(listed) != imposed or {i for i, s in listed.items() if s.end} != ended:
            self.wrong.append(f"club {club}: the list of sanctions is not what the stream says")

    async def records_agree(self, client, club, events):
        """Each act has one record; the tree goes on from every head that was sent."""
        acts = [e.seq for e in events if e.WhichOneof("body") in ("sanction_imposed", "sanction_ended")]
        seqs, after, size, head = [], 0, 0, None
        while True:
            page = await client.ask(get_audit_proof={"stream": self.world.stream(club), "after": after, "size": size})
            head, size = page.head, page.head.size
            seqs += [proven.record.seq for proven in page.records]
            after = page.next
            if after == 0:
                break
        for seq in acts:
            if seqs.count(seq) != 1:
                self.wrong.append(f"club {club}: the act at seq {seq} has {seqs.count(seq)} records")
        sent = [(key[2], root) for key, root in self.heads.items() if key[0] == club]
        for first, root in self.rng.sample(sent, min(40, len(sent))):
            path = []
            if first != size:
                path = (await client.ask(get_audit_consistency={"stream": self.world.stream(club), "from_size": first,
                                                                "to_size": size})).path
            if not goes_on(first, size, root, head.root, list(path)):
                self.wrong.append(f"club {club}: the tree of {size} records does not go on from the head of {first}")


def goes_on(first, second, first_root, second_root, path):
    """RFC 9162, 2.1.4.2: whether the tree of `second` leaves begins with that of `first`."""
    if first == second:
        return first_root == second_root and not path
    join = lambda left, right: hashlib.sha256(b"\1" + left + right).digest()   # noqa: E731
    if first & (first - 1) == 0:
        path = [first_root] + path
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for node in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = join(node, fr), join(node, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = join(sr, node)
        fn, sn = fn >> 1, sn >> 1
    return fr == first_root and sr == second_root and sn == 0


async def leave(client):
    client.socket.transport.abort()
    await client.reader


async def run(ground):
    kills = ground.count(8, 200)
    trial = Trial(ground, "sanctions", faults=False)
    judge = Judge(trial.server, trial.world, trial.rng)
    held = refused = 0
    try:
        await trial.open()
        for _ in range(kills):
            trial.writers.set(pause=0.01)
            await trial.writers.start()
            sitting = asyncio.create_task(judge.sit(trial.writers.stop))
            before = len(judge.acts)
            deadline = asyncio.get_running_loop().time() + 30
            goal = before + trial.rng.randrange(4, 20)
            while len(judge.acts) < goal and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.005)   # polls a list that has no event per act
            await trial.crash()
            await sitting
            await trial.recover()
            await trial.retry(most=30)
            await judge.again()
        await trial.read_everything()
        held = await judge.compare()
        refused = sum(member.refusals.get("SANCTIONED", 0) for member in trial.writers.members)
        if refused == 0 or not judge.heads:
            trial.wrong.append(f"nothing was tried: {refused} refusals, {len(judge.heads)} heads")
        assert await trial.server.stop() == 0
        trial.server.offline("audit", "verify", "--data", trial.server.data)
        trial.prove_rebuild()
    except Exception as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        trial.wrong += judge.wrong
        trial.close()
    return [
        Result("I12", f"{kills} kills, {held} sanctions, {refused} commands of held members refused: "
               f"{sum('whom sanction' in w for w in trial.wrong)} got through", trial.wrong),
        Result("I13", f"{len(judge.heads)} heads that a client was sent: every later tree goes on from them; one record per act",
               [w for w in trial.wrong if "record" in w or "head" in w]),
    ]
