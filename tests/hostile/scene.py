# SPDX-License-Identifier: AGPL-3.0-or-later
"""A server under attack, and the honest member beside it who must not notice."""

import dataclasses
import typing

from wire import PASSWORD, Call, Closed, Stream, WebSocket, fresh_id


@dataclasses.dataclass
class Case:
    """`do(scene)` says something hostile and answers what came of it, in words as in `expected` (one, or several that are all
    right): a list of HTTP statuses ("200 400"), "close 1002", "closed" without a word, a refusal's name, or "OK"."""

    layer: str
    name: str
    expected: typing.Any
    do: typing.Callable


class Scene:
    def __init__(self, protocol, server):
        self.p, self.server = protocol, server
        owner = self.owner = WebSocket(protocol, server.port).enter()
        token = owner.must(login={"login": "owner", "password": PASSWORD, "device_name": "x"}).token
        owner.must(authenticate={"token": token})
        self.owner_token = token
        self.club = self.make("create_club", slug="cible", name="Cible", kind=1).object_id
        self.foreign = self.make("create_club", slug="autre", name="Autre", kind=1).object_id
        self.stream = protocol.common.StreamId(kind=2, id=self.club)
        self.room = self.make("create_room", club_id=self.club, name="salle", access=1).object_id
        self.ids, self.tokens = {}, {}
        for login, club in (("honest", self.club), ("mallory", self.club), ("stranger", self.foreign)):
            added = self.make("add_member", club_id=club, login=login, display_name=login.title(), role=2)
            self.ids[login] = added.account_id
            self.tokens[login] = WebSocket(protocol, server.port).enter().must(register={
                "code": added.activation_code, "password": PASSWORD, "device_name": "x", "client_msg_id": fresh_id()}).token
        self.honest = WebSocket(protocol, server.port).enter(self.tokens["honest"])
        self.heard = 0
        self.honest.on_batch = self.listen
        self.honest.must(subscribe={"stream": self.stream})
        self.posted = 0
        self.call = Call(protocol, server.port)
        self.keep = None   # Mallory's connection, for what need not end it

    def make(self, request, /, **fields):
        return self.owner.must(**{request: dict(fields, client_msg_id=fresh_id())})

    def listen(self, batch):
        self.heard += sum(1 for e in batch.events if e.WhichOneof("body") == "message_posted" and e.actor == self.ids["honest"])

    def honest_life_goes_on(self):
        """The honest member posts and hears it; somebody new gets in now and then."""
        self.honest.must(post_message={"stream": self.stream, "room_id": self.room, "body": "tout va bien",
                                       "client_msg_id": fresh_id()})
        self.posted += 1
        while self.heard < self.posted:
            self.honest.read_message()

    def somebody_new_gets_in(self):
        socket = WebSocket(self.p, self.server.port).enter(self.tokens["honest"])
        socket.must(list_clubs={})
        socket.close()

    # --- Ways to say something ---

    def raw(self, data, tls=None, then_close=False):
        """Bytes to the plain port; what comes back until the end."""
        stream = Stream(self.server.port, patience=15)
        stream.send(data)
        if then_close:
            stream.socket.shutdown(1)
        answer = stream.rest()
        stream.close()
        return answer

    def statuses(self, data):
        """The statuses of all answers to bytes on one connection; "closed" when there was none."""
        answer = self.raw(data, then_close=True)
        found = []
        while answer:
            head, separator, rest = answer.partition(b"\r\n\r\n")
            if not separator or not head.startswith(b"HTTP/1.1 "):
                found.append("garbage")
                break
            found.append(head[9:12].decode())
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answer = rest[length if found[-1] not in ("100", "101") else 0:]
            if found[-1] == "101":
                break
        return " ".join(found) or "closed"

    def mallory(self):
        """A connection of Mallory's own, logged in, for what may end it."""
        return WebSocket(self.p, self.server.port).enter(self.tokens["mallory"])

    def anonymous(self):
        return WebSocket(self.p, self.server.port).enter()

    def ending(self, socket):
        """How the server ends a connection; "OK" when it still answers."""
        try:
            socket.must(heartbeat={})
            return "OK"
        except Closed as closed:
            return self.said(closed)
        except (BrokenPipeError, ConnectionResetError):
            return self.said(socket.ended())
        finally:
            socket.close()

    @staticmethod
    def said(closed):
        if closed.code is None:
            return "closed"
        return f"close {closed.code}" + (f" goodbye {closed.goodbye.close_code}" if closed.goodbye else "")

    def refusal(self, request, /, who="mallory", **fields):
        """One request on a connection that is kept; the refusal's name, with its field where it names one."""
        if who == "mallory":
            if self.keep is None:
                self.keep = self.mallory()
            socket = self.keep
        else:
            socket = self.owner
        try:
            reply = socket.ask(**{request: fields})
        except Closed as closed:
            self.keep = None
            return self.said(closed)
        return self.p.code(reply)
