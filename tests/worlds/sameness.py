# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one may not see and what does not exist are answered alike (I10): byte for byte, apart from the ids of the request, over
both ways in; and, in the long form, in the same time. The requests are taken from the compiled descriptors: each that names a
club, a room, a message, a conversation, an account, an invitation or a device is asked about a foreign one and about one that
does not exist."""

import statistics
import time

import rules as r
from wire import PASSWORD, Call, WebSocket, fresh_id

NOWHERE = 123_456_789


class Pairs:
    """A small site: a stranger's club and conversation, a caller with a club of their own that has a room they do not read."""

    def __init__(self, protocol, server):
        self.p, self.server = protocol, server
        self.call = Call(protocol, server.port)
        owner = WebSocket(protocol, server.port).enter()
        token = owner.must(login={"login": "owner", "password": PASSWORD, "device_name": "x"}).token
        owner.must(authenticate={"token": token})
        make = lambda request, /, **fields: owner.must(**{request: dict(fields, client_msg_id=fresh_id())})
        self.mine = make("create_club", slug="mine", name="Le mien", kind=1).object_id
        self.foreign = make("create_club", slug="foreign", name="Autre", kind=1).object_id
        self.hidden = make("create_room", club_id=self.mine, name="fermée", access=r.ROLES, roles=[r.COMMITTEE]).object_id
        self.tokens, self.ids = {}, {}
        for login, club in (("caller", self.mine), ("friend", self.mine), ("stranger", self.foreign), ("other", self.foreign)):
            added = make("add_member", club_id=club, login=login, display_name=login.title(), role=r.MEMBER)
            entered = WebSocket(protocol, server.port).enter().must(register={
                "code": added.activation_code, "password": PASSWORD, "device_name": "x", "client_msg_id": fresh_id()})
            self.tokens[login], self.ids[login] = entered.token, added.account_id
        # A code that is bound to somebody else's account.
        self.bound = make("add_member", club_id=self.foreign, login="sleeper", display_name="Sleeper", role=r.MEMBER).activation_code
        self.foreign_invitation = make("create_invitation", club_id=self.foreign, role=r.MEMBER).invitation.invitation_id
        stranger = self.enter("stranger")
        stranger.must(open_direct={"account_id": self.ids["other"], "client_msg_id": fresh_id()})
        self.pair = r.direct_id(self.ids["stranger"], self.ids["other"])
        self.no_pair = r.direct_id(NOWHERE, NOWHERE + 1)
        for room in (self.hidden, 1):
            make("post_message", stream=self.stream(r.CLUB, self.mine), room_id=room, body="quelque chose")
        make("post_message", stream=self.stream(r.CLUB, self.foreign), room_id=1, body="autre chose")
        self.caller = self.enter("caller")
        self.nobody = WebSocket(protocol, server.port).enter()

    def stream(self, kind, number):
        return self.p.common.StreamId(kind=kind, id=number)

    def enter(self, login):
        return WebSocket(self.p, self.server.port).enter(self.tokens[login])

    def sample(self, name):
        """The request with plausible contents, its names of things still to be set."""
        q = self.p.requests[name].message_type._concrete_class()
        plain = {"body": "bonjour", "emoji": "👍", "name": "un nom", "slug": "un-slug", "login": "caller", "role": r.MEMBER,
                 "status": r.ACTIVE, "level": 2, "before": 5, "access": r.ALL, "kind": 1, "introduction": "bonjour",
                 "display_name": "Un Nom", "password": PASSWORD, "number": 1, "room_id": 1, "device_name": "x"}
        for field in q.DESCRIPTOR.fields:
            if field.name in plain and field.message_type is None and field.label != field.LABEL_REPEATED:
                setattr(q, field.name, plain[field.name])
        if name == "remove_messages":
            q.messages.add(room_id=1, number=1)
        if name == "import_messages":
            q.messages.add(author_name="Ancien", time_ms=1_000_000_000_000, body="x", client_msg_id=bytes(16))
        if "account_ids" in q.DESCRIPTOR.fields_by_name:
            q.account_ids.append(1)
        return q

    def all(self):
        """(what, socket, token, request name, about something forbidden, about nothing)."""
        caller, token = self.caller, self.tokens["caller"]
        for name, field in self.p.requests.items():
            names = {f.name for f in field.message_type.fields}

            def pair(what, /, **changes):
                answers = []
                for which in (0, 1):
                    q = self.sample(name)
                    for key, values in changes.items():
                        if key == "stream":
                            q.stream.CopyFrom(values[which])
                        else:
                            setattr(q, key, values[which])
                    answers.append(q)
                return f"{name}: {what}", caller, token, name, *answers

            if "club_id" in names:
                yield pair("a club", club_id=(self.foreign, NOWHERE))
            if "stream" in names:
                yield pair("a club's stream", stream=(self.stream(r.CLUB, self.foreign), self.stream(r.CLUB, NOWHERE)))
                yield pair("a conversation", stream=(self.stream(r.DIRECT, self.pair), self.stream(r.DIRECT, self.no_pair)),
                           **({"room_id": (0, 0)} if "room_id" in names else {}))
                yield pair("an account's stream", stream=(self.stream(r.ACCOUNT, self.ids["stranger"]), self.stream(r.ACCOUNT, NOWHERE)))
            if "room_id" in names:
                mine = {"stream": (self.stream(r.CLUB, self.mine),) * 2} if "stream" in names else {"club_id": (self.mine,) * 2}
                yield pair("a room", room_id=(self.hidden, NOWHERE), **mine)
                if "number" in names:
                    yield pair("a message of a hidden room", room_id=(self.hidden, self.hidden), number=(1, NOWHERE), **mine)
            if "direct_id" in names:
                yield pair("a conversation", direct_id=(self.pair, self.no_pair))
            if "account_id" in names and "club_id" not in names:
                yield pair("an account", account_id=(self.ids["stranger"], NOWHERE))
            if "account_id" in names and "club_id" in names:
                yield pair("an account of a club of one's own", club_id=(self.mine, self.mine), account_id=(self.ids["stranger"], NOWHERE))
            if "invitation_id" in names:
                yield pair("an invitation", club_id=(self.foreign, self.foreign), invitation_id=(self.foreign_invitation, NOWHERE))
                yield pair("an invitation of a club of one's own", club_id=(self.mine, self.mine), invitation_id=(1, NOWHERE))
            if name == "accept_invitation":
                yield pair("a code", code=(self.bound, "x" * len(self.bound)))
            if name in ("find_account", "set_site_role"):
                yield pair("a login", login=("stranger", "nobody-here"))
            if name == "unsubscribe":
                yield pair("a stream", stream=(self.stream(r.CLUB, self.foreign), self.stream(r.CLUB, NOWHERE)))
            if name == "login":
                wrong = [self.p.account.Login(login=login, password="not the password", device_name="x")
                         for login in ("stranger", "nobody-here")]
                yield "login: a login", self.nobody, None, name, *wrong
            if name == "appeal_site_ban":
                wrong = [self.p.moderation.AppealSiteBan(login=login, password="not the password", text="why") for login in ("stranger", "nobody-here")]
                yield "appeal_site_ban: a login", self.nobody, None, name, *wrong

    WITHOUT_CALL = {"subscribe", "unsubscribe", "set_typing", "heartbeat", "hello", "authenticate"}

    def bytes_of(self, socket, token, name, q):
        """The answer by both ways, its ids and trace taken out."""
        if "client_msg_id" in q.DESCRIPTOR.fields_by_name:
            q.client_msg_id = fresh_id()
        reply = socket.ask(**{name: q})
        reply.request_id = 0
        reply.refusal.incident = ""
        if name in self.WITHOUT_CALL:
            return reply, (reply.SerializeToString(deterministic=True),)
        frame = self.p.ClientFrame(request_id=1)
        getattr(frame, name).CopyFrom(q)
        if "client_msg_id" in q.DESCRIPTOR.fields_by_name:
            getattr(frame, name).client_msg_id = fresh_id()
        return reply, (reply.SerializeToString(deterministic=True), *self.call.post(self.call.json.MessageToJson(frame), token))


def check(protocol, server):
    pairs, compared, told = Pairs(protocol, server), 0, set()
    for what, socket, token, name, forbidden, absent in pairs.all():
        reply, one = pairs.bytes_of(socket, token, name, forbidden)
        _, other = pairs.bytes_of(socket, token, name, absent)
        assert one == other, f"{what}: what is forbidden is answered {one}, what does not exist {other}"
        # unsubscribe says yes to anything, and so tells nothing; a wrong stream is told before anything is looked up.
        compared += 1
        told.add(protocol.code(reply))
    for path in (f"/i/{pairs.bound}", "/i/" + "x" * len(pairs.bound)):
        told.add(pairs.server.get(path))
    assert compared > 60 and "NOT_FOUND" in told and "FORBIDDEN" in told, (compared, told)
    pages = {page for page in told if isinstance(page, tuple)}
    assert len(pages) == 1, "the page of a code that exists differs from one of a code that does not"
    print(f"  ok: {compared} pairs of forbidden and absent, byte for byte the same, by WebSocket and by POST", flush=True)


def times(protocol, server, calls=2000):
    """Medians of both answers, asked alternately so that whatever the machine does meets both."""
    pairs, worst, apart_too_far = Pairs(protocol, server), (0.0, ""), []
    for what, socket, token, name, forbidden, absent in pairs.all():
        spans = ([], [])
        if token is None:   # who does not log in is not kept for long
            socket = WebSocket(protocol, server.port).enter()
        # Passwords are hashed for each: fewer tries say as much, since the hash is nearly all of it.
        for turn in range(calls // 10 if name in ("login", "appeal_site_ban") else calls):
            for which in (0, 1) if turn % 2 else (1, 0):
                q = (forbidden, absent)[which]
                if "client_msg_id" in q.DESCRIPTOR.fields_by_name:
                    q.client_msg_id = fresh_id()
                start = time.perf_counter()
                socket.ask(**{name: q})
                spans[which].append(time.perf_counter() - start)
        one, other = (statistics.median(s) for s in spans)
        apart = abs(one - other) / max(one, other)
        worst = max(worst, (apart, what))
        if apart > 0.10:
            apart_too_far.append(f"{what}: {one * 1e6:.0f} us when forbidden, {other * 1e6:.0f} us when absent: {apart:.0%} apart")
    assert not apart_too_far, "\n".join(apart_too_far)
    print(f"  ok: {calls} calls each: medians at most {worst[0]:.1%} apart ({worst[1]})", flush=True)

