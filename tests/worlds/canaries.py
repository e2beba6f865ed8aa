# SPDX-License-Identifier: AGPL-3.0-or-later
"""Deleted words are unreachable (I11). Words that occur nowhere else are posted, edited and deleted, in rooms and in direct
conversations; then everything that can be read is read, by everybody, and searched for them: every request, every stream from
every cursor, readers who lag inside the ring and behind it, the metrics, the log."""

import os
import re
import time

import rules as r
from wire import PASSWORD, Call, WebSocket, fresh_id

MARK = b"canari-"


def canary(kind):
    return f"canari-{kind}-{os.urandom(6).hex()}"


class Nest:
    """A club with a poster, a member who was there, one who came later, and a moderator; a direct conversation."""

    def __init__(self, protocol, server):
        self.p, self.server, self.hits = protocol, server, []
        self.call = Call(protocol, server.port)
        owner = self.owner = WebSocket(protocol, server.port).enter()
        self.tokens, self.ids = {}, {}
        reply = owner.must(login={"login": "owner", "password": PASSWORD, "device_name": "x"})
        self.tokens["owner"], self.ids["owner"] = reply.token, reply.account_id
        owner.must(authenticate={"token": reply.token})
        self.club = self.make(owner, "create_club", slug="nid", name="Nid", kind=1).object_id
        self.stream = protocol.common.StreamId(kind=r.CLUB, id=self.club)
        self.room = self.make(owner, "create_room", club_id=self.club, name="salle", access=r.ALL).object_id
        for login in ("poster", "there", "late"):
            self.add(login)
        self.pair = r.direct_id(self.ids["poster"], self.ids["there"])
        self.direct = protocol.common.StreamId(kind=r.DIRECT, id=self.pair)
        self.poster, self.there = self.enter("poster"), self.enter("there")
        self.make(self.poster, "open_direct", account_id=self.ids["there"])
        self.make(self.there, "answer_direct", direct_id=self.pair, accept=True)

    def make(self, socket, request, /, **fields):
        return socket.must(**{request: dict(fields, client_msg_id=fresh_id())})

    def add(self, login):
        added = self.make(self.owner, "add_member", club_id=self.club, login=login, display_name=login.title(), role=r.MEMBER)
        self.ids[login] = added.account_id
        self.tokens[login] = WebSocket(self.p, self.server.port).enter().must(register={
            "code": added.activation_code, "password": PASSWORD, "device_name": "x", "client_msg_id": fresh_id()}).token

    def enter(self, login, **options):
        return WebSocket(self.p, self.server.port, **options).enter(self.tokens[login])

    def post(self, body, stream=None, socket=None, **fields):
        where = {"stream": stream or self.stream, "room_id": 0 if stream is self.direct else self.room}
        return self.make(socket or self.poster, "post_message", body=body, **where, **fields).object_id

    def delete(self, number, stream=None, socket=None):
        where = {"stream": stream or self.stream, "room_id": 0 if stream is self.direct else self.room}
        return self.make(socket or self.poster, "delete_message", number=number, **where)

    def edit(self, number, body, stream=None):
        where = {"stream": stream or self.stream, "room_id": 0 if stream is self.direct else self.room}
        self.make(self.poster, "edit_message", number=number, body=body, **where)

    def search(self, what, data):
        """Bytes that hold a canary are a hit."""
        data = data if isinstance(data, bytes) else data.SerializeToString()
        if MARK in data:
            self.hits.append(f"{what}: {re.search(MARK + rb'[a-z0-9-]+', data).group().decode()}")

    def metric(self, name):
        text = self.server.get("/metrics")[1].decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name) and line[len(name)] in " {")


def plant(nest):
    """Every way in which words come and go."""
    one = nest.post(canary("deleted"))
    nest.delete(one)
    twice = nest.post(canary("edited"))
    nest.edit(twice, canary("edited-again"))
    nest.edit(twice, canary("edited-last"))
    nest.delete(twice)
    moderated = nest.post(canary("moderated"), mentions={"accounts": [nest.ids["there"]]})
    nest.make(nest.there, "react", stream=nest.stream, room_id=nest.room, number=moderated, emoji="👍")
    nest.make(nest.owner, "pin_message", stream=nest.stream, room_id=nest.room, number=moderated)
    nest.delete(moderated, socket=nest.owner)
    said = nest.post(canary("direct"), stream=nest.direct)
    nest.delete(said, stream=nest.direct)
    said = nest.post(canary("direct-edited"), stream=nest.direct)
    nest.edit(said, canary("direct-edited-last"), stream=nest.direct)
    nest.delete(said, stream=nest.direct)
    batch = {"author_name": "Ancien", "time_ms": 1_000_000_000_000, "body": canary("imported"), "client_msg_id": fresh_id()}
    imported = nest.make(nest.owner, "import_messages", club_id=nest.club, room_id=nest.room, messages=[batch]).numbers[0]
    nest.delete(imported, socket=nest.owner)
    # A repeat of the command that posted them brings nothing back.
    repeated = fresh_id()
    number = nest.poster.must(post_message={"stream": nest.stream, "room_id": nest.room, "body": canary("repeated"),
                                            "client_msg_id": repeated}).object_id
    nest.delete(number)
    again = nest.poster.must(post_message={"stream": nest.stream, "room_id": nest.room, "body": "x", "client_msg_id": repeated})
    assert again.repeated and again.object_id == number


def read_requests(nest):
    """Every request that answers with something, by everybody, by both ways."""
    asked = 0
    for login in nest.tokens:
        socket = nest.enter(login)
        for name, field in nest.p.requests.items():
            names = {f.name for f in field.message_type.fields}
            if "client_msg_id" in names or name in ("hello", "authenticate", "login", "logout", "unsubscribe", "create_backup"):
                continue
            for stream, room in ((nest.stream, nest.room), (nest.direct, 0), (nest.p.common.StreamId(kind=r.SITE, id=1), 0),
                                 (nest.p.common.StreamId(kind=r.ACCOUNT, id=nest.ids[login]), 0)):
                for before, after in ((200, 0), (0, 200), (100, 100)) if "before" in names else ((0, 0),):
                    q = field.message_type._concrete_class()
                    values = {"club_id": nest.club, "room_id": room, "before": before, "after": after, "login": "poster",
                              "around": 1 if after else 0}
                    for key, value in values.items():
                        if key in names:
                            setattr(q, key, value)
                    if "stream" in names:
                        q.stream.CopyFrom(stream)
                    if "account_ids" in names:
                        q.account_ids.extend(nest.ids.values())
                    asked += 1
                    nest.search(f"{login} {name}", socket.ask(**{name: q}))
                    if name not in ("subscribe", "heartbeat", "set_typing"):
                        frame = nest.p.ClientFrame(request_id=1)
                        getattr(frame, name).CopyFrom(q)
                        nest.search(f"{login} POST {name}",
                                    nest.call.post(nest.call.json.MessageToJson(frame), nest.tokens[login])[1])
                    if "stream" not in names:
                        break
        socket.close()
    return asked


def replay(nest, socket, stream, after):
    """Everything of a stream from a cursor on, as this socket is sent it."""
    seen = {}

    def heard(batch):
        nest.search(f"stream {batch.stream.kind} from {after}", batch)
        seen["through"], seen["ended"] = batch.through_seq, batch.ended
    socket.on_batch = heard
    reply = socket.ask(subscribe={"stream": stream, "epoch": socket.hello.epoch, "after_seq": after})
    if reply.HasField("refusal"):
        return 0
    while reply.subscribe.replay_to and seen.get("through", 0) < reply.subscribe.replay_to and not seen.get("ended"):
        socket.read_message()
    socket.must(unsubscribe={"stream": stream})
    return reply.subscribe.head_seq


def read_streams(nest):
    """Every stream, by everybody, from every cursor."""
    cursors = 0
    for login in nest.tokens:
        socket = nest.enter(login)
        for stream in (nest.stream, nest.direct, nest.p.common.StreamId(kind=r.SITE, id=1),
                       nest.p.common.StreamId(kind=r.ACCOUNT, id=nest.ids[login])):
            head = replay(nest, socket, stream, 0)
            for after in range(1, head):
                replay(nest, socket, stream, after)
                cursors += 1
        socket.close()
    return cursors


class Slow:
    """A reader who has stopped reading, alone on the stream, so that what the server has written for it can be counted: what it
    has not written when the deletion is acknowledged, it must not write any more."""

    def __init__(self, nest):
        self.nest = nest
        self.start = nest.metric("amicale_deliveries_total")
        self.socket = nest.enter("there", receive_buffer=4096)
        self.before = nest.metric("amicale_deliveries_total")
        self.events = []
        self.socket.on_batch = lambda batch: self.events.extend(batch.events)
        self.socket.must(subscribe={"stream": nest.stream})

    def written(self):
        return int(self.nest.metric("amicale_deliveries_total") - self.before)

    def stop(self):
        """Posts until the server's writes to this reader stand still."""
        posted, last = 0, -1
        while True:
            for _ in range(4):
                self.nest.post("plein " + "x" * 15_000)
                posted += 1
            now = self.written()
            if now == last:
                return posted
            last = now
            assert posted < 2000, "the slow reader is never stopped"

    def read_to(self, seq):
        while not self.events or self.events[-1].seq < seq:
            self.socket.read_message()

    def late(self, written):
        """The events that were written after the first `written` ones and still hold a canary."""
        return [e.seq for e in self.events[written:] if MARK in e.SerializeToString()]


def lag_in_ring(nest):
    """The reader stands still; behind it, inside the ring, words are posted and deleted."""
    reader = Slow(nest)
    reader.stop()
    misses = nest.metric("amicale_ring_misses_total")
    numbers = [nest.post(canary("ring")) for _ in range(4)]
    nest.edit(numbers[0], canary("ring-edited"))
    for number in numbers:
        deleted = nest.delete(number)
    written = reader.written()
    reader.read_to(deleted.last_seq)
    late = reader.late(written)
    assert nest.metric("amicale_ring_misses_total") == misses, "the reader fell off the ring: this was to be inside it"
    if late:
        nest.hits.append(f"a reader lagging inside the ring is sent deleted words, events {late}, all written after the deletion was "
                         f"acknowledged (written by then: {written} of {len(reader.events)})")
    reader.socket.close()
    return len(reader.events)


def lag_behind(nest):
    """The reader falls off the ring and is fed pages of the log; between two pages, what is in the page is deleted."""
    reader = Slow(nest)
    reader.stop()
    numbers = []
    for _ in range(24):
        numbers.append(nest.post(canary("page") + "y" * 300))
        for _ in range(4):
            nest.post("plein " + "x" * 15_000)
    # The reader takes a little at a time, until a page of the log is in the server's hands.
    pages = nest.metric("amicale_log_pages_total")
    end = time.monotonic() + 30
    while nest.metric("amicale_log_pages_total") < pages + 2:
        reader.socket.read_message()
        assert time.monotonic() < end, "no page was ever read for the slow reader"
    last = reader.written() - 1
    while reader.written() != last:
        last = reader.written()
    for number in numbers:
        deleted = nest.delete(number)
    written = reader.written()
    reader.read_to(deleted.last_seq)
    late = reader.late(written)
    if late:
        nest.hits.append(f"a reader behind the ring is sent deleted words from its page, events {late}, all written after the deletion "
                         f"was acknowledged (written by then: {written} of {len(reader.events)})")
    reader.socket.close()
    return len(reader.events)


def names_and_edits(nest):
    """Old names and old texts are not for who came later, and are in no answer about the present. What an act said stays in the
    provable log, for whoever keeps order to open, and for nobody else."""
    message = nest.post(canary("old-text"))
    nest.edit(message, "nouveau texte")
    nest.make(nest.owner, "change_club", club_id=nest.club, purpose=canary("old-purpose"))
    nest.make(nest.owner, "change_club", club_id=nest.club, purpose="nouveau")
    nest.make(nest.owner, "change_room", club_id=nest.club, room_id=nest.room, topic=canary("old-topic"))
    nest.make(nest.owner, "change_room", club_id=nest.club, room_id=nest.room, topic="nouveau")
    nest.make(nest.poster, "change_profile", display_name="canari-ancien-nom")
    nest.make(nest.poster, "change_profile", display_name="Poster")
    nest.add("later")
    socket = nest.enter("later")
    replay(nest, socket, nest.stream, 0)
    read_requests(nest)
    opened = [hit for hit in nest.hits if re.fullmatch(r"owner get_audit_proof: canari-old-(purpose|topic)-\w+", hit)]
    assert opened, "whoever keeps order can't open what an act said"
    nest.hits = [hit for hit in nest.hits if hit not in opened]


def check(protocol, server):
    nest = Nest(protocol, server)
    plant(nest)
    asked = read_requests(nest)
    cursors = read_streams(nest)
    in_ring, behind = lag_in_ring(nest), lag_behind(nest)
    asked += read_requests(nest)
    names_and_edits(nest)
    for path in ("/metrics", "/healthz", "/readyz"):
        nest.search(path, server.get(path)[1])
    nest.search("the server's log", server.log_text().encode())
    assert not nest.hits, "deleted words are reachable:\n  " + "\n  ".join(nest.hits[:12])
    print(f"  ok: no deleted word in {asked} answers by both ways, {cursors} replays from every cursor, {in_ring} events to a reader "
          f"lagging in the ring and {behind} to one behind it, metrics, the log", flush=True)
