#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A stranger's client: written from docs/protocol.md and the .proto files alone, on Debian's python3-protobuf and
python3-websockets, in a language that shares no code with the server. It tells one story against a real server and
fails when the server's behaviour and the document disagree.

    tests/conformance/python_client.py --build BUILD_DIR     starts a server of its own, in a temporary folder
"""

import argparse
import asyncio
import base64
import pathlib
import subprocess
import sys
import tempfile

import websockets

sys.dont_write_bytecode = True
import wire_client
from wire_client import PATIENCE, Client, Refused, Server, Stream, fresh_id

frame_pb2 = common_pb2 = session_pb2 = error_pb2 = None


def learn_protocol(folder):
    global frame_pb2, common_pb2, session_pb2, error_pb2
    wire_client.learn_protocol(folder)
    frame_pb2, common_pb2, session_pb2, error_pb2 = (wire_client.frame_pb2, wire_client.common_pb2, wire_client.session_pb2,
                                                     wire_client.error_pb2)


def tell(sentence):
    print("  ok:", sentence, flush=True)


async def refused(awaitable, code):
    try:
        await awaitable
    except Refused as refusal:
        assert refusal.code == code, f"refused with {refusal}"
        return
    raise AssertionError(f"expected a refusal with {error_pb2.RefusalCode.Name(code)}")


class Story:
    def __init__(self, server):
        self.server, self.url = server, f"ws://127.0.0.1:{server.port}/v1/ws"

    async def connect(self, token=None):
        return await Client(self.url).connect(token)

    def post(self, body, message_id=None):
        return {"post_message": {"stream": self.club, "room_id": self.room, "body": body,
                                 "client_msg_id": message_id or fresh_id()}}

    async def enter(self):
        """The owner logs in, makes a club, invites two people; each makes an account."""
        owner = await self.connect()
        assert owner.hello.protocol == 1 and owner.hello.limits.message_bytes > 0
        await refused(owner.ask(list_clubs={}), error_pb2.REFUSAL_CODE_UNAUTHENTICATED)
        await refused(owner.ask(login={"login": "owner", "password": "wrong", "device_name": "x"}),
                      error_pb2.REFUSAL_CODE_BAD_CREDENTIALS)
        login = await owner.ask(login={"login": "owner", "password": Server.PASSWORD, "device_name": "stranger"})
        await owner.ask(authenticate={"token": login.token})
        made = await owner.ask(create_club={"slug": "essai", "name": "Essai", "kind": common_pb2.CLUB_KIND_PROFESSIONAL,
                                            "language": common_pb2.LANGUAGE_FR, "client_msg_id": fresh_id()})
        self.club = common_pb2.StreamId(kind=common_pb2.STREAM_KIND_CLUB, id=made.object_id)
        room = await owner.ask(create_room={"club_id": self.club.id, "name": "Conformité",
                                            "access": common_pb2.ROOM_ACCESS_ALL, "client_msg_id": fresh_id()})
        self.room = room.object_id
        self.tokens = {}
        for login, name in (("alice", "Alice Tremblay"), ("bob", "Bob Nguyen")):
            added = await owner.ask(add_member={"club_id": self.club.id, "login": login, "display_name": name,
                                                "role": common_pb2.CLUB_ROLE_MEMBER, "client_msg_id": fresh_id()})
            stranger = await self.connect()
            shown = await stranger.ask(look_up_invitation={"code": added.activation_code})
            assert shown.login == login
            entered = await stranger.ask(register={"code": added.activation_code, "password": "motdepasse " + login,
                                                   "device_name": "first", "client_msg_id": fresh_id()})
            self.tokens[login] = entered.token
            await stranger.socket.close()
        self.owner, self.owner_token = owner, login_token(self.server, "owner", Server.PASSWORD)
        tell("hello, login, a club, a room, two accounts from activation codes")

    async def chat(self):
        """Bob follows from a snapshot; Alice posts; Bob is cut and resumes where he was."""
        alice, bob = await self.connect(self.tokens["alice"]), await self.connect(self.tokens["bob"])
        self.heard = Stream(self.club)
        answer = await bob.subscribe(self.heard)
        assert answer.outcome == session_pb2.SUBSCRIBE_OUTCOME_SNAPSHOT
        assert any(r.room_id == self.room for r in answer.snapshot.club.rooms)
        assert answer.snapshot.club.me.display_name == "Bob Nguyen"
        tell("a snapshot, true at one seq")

        ids = [fresh_id() for _ in range(60)]
        replies = [alice.send(**self.post(f"message {i + 1}", ids[i])) for i in range(20)]
        committed = [await asyncio.wait_for(f, PATIENCE) for f, _, _ in replies]
        assert [r.post_message.object_id for r in committed] == list(range(1, 21)), "numbers are dense from 1"
        await bob.until(lambda: len(self.heard.posted()) >= 20)
        tell("twenty posts, twenty events, in order")

        await bob.cut()
        for i in range(20, 40):
            await alice.ask(**self.post(f"message {i + 1}", ids[i]))
        # Alice is cut too, with one post in flight: its outcome is unknown, so it is sent again under the same id.
        _, sent, _ = alice.send(**self.post("message 41", ids[40]))
        await sent
        await alice.cut()
        alice = await self.connect(self.tokens["alice"])
        first = await alice.ask(**self.post("message 41", ids[40]))
        again = await alice.ask(**self.post("message 41", ids[40]))
        assert again.repeated and again.object_id == first.object_id == 41 and again.first_seq == first.first_seq
        tell("a repeated client_msg_id answers the first result and changes nothing")

        bob = await self.connect(self.tokens["bob"])
        answer = await bob.subscribe(self.heard)
        assert answer.outcome == session_pb2.SUBSCRIBE_OUTCOME_REPLAYING and answer.replay_to > self.heard.cursor - 1
        for i in range(41, 60):
            await alice.ask(**self.post(f"message {i + 1}", ids[i]))
        await bob.until(lambda: len(self.heard.posted()) >= 60)
        posted = self.heard.posted()
        assert [p.number for p in posted] == list(range(1, 61)), "each number once, in order"
        assert [p.body for p in posted] == [f"message {i + 1}" for i in range(60)]
        seqs = [e.seq for e in self.heard.events]
        assert seqs == sorted(set(seqs)), "each seq once, rising"
        tell("cut and resumed: sixty messages, each exactly once, in order")

        await bob.cut()
        bob = await self.connect(self.tokens["bob"])
        assert (await bob.subscribe(self.heard)).outcome == session_pb2.SUBSCRIBE_OUTCOME_CAUGHT_UP
        tell("resumed with nothing missed: CAUGHT_UP")
        self.alice, self.bob = alice, bob

    async def use(self):
        """The other things one does in a room."""
        alice, bob, where = self.alice, self.bob, {"stream": self.club, "room_id": self.room}
        await alice.ask(edit_message={**where, "number": 60, "body": "message 60, corrigé", "client_msg_id": fresh_id()})
        await bob.ask(react={**where, "number": 60, "emoji": "👍", "client_msg_id": fresh_id()})
        await alice.ask(delete_message={**where, "number": 59, "client_msg_id": fresh_id()})
        await refused(bob.ask(edit_message={**where, "number": 60, "body": "pas à moi", "client_msg_id": fresh_id()}),
                      error_pb2.REFUSAL_CODE_FORBIDDEN)
        page = await bob.ask(get_history={**where, "around": 60, "before": 2})
        assert [m.number for m in page.messages] == [59, 60] and page.head_number == 60
        assert page.messages[0].deleted and page.messages[0].body == ""
        assert page.messages[1].body == "message 60, corrigé" and page.messages[1].reactions[0].emoji == "👍"
        tell("edit, react, delete; history shows messages as they are now")
        await bob.ask(mark_read={**where, "number": 60, "client_msg_id": fresh_id()})
        account = Stream(common_pb2.StreamId(kind=common_pb2.STREAM_KIND_ACCOUNT, id=bob.me.account_id))
        marks = (await bob.subscribe(account)).snapshot.account.read_marks
        assert [m.number for m in marks if m.room_id == self.room] == [60]
        beat = await bob.ask(heartbeat={"cursors": [{"stream": self.club, "seq": self.heard.cursor}]})
        assert any(h.stream == self.club and h.seq >= self.heard.cursor for h in beat.heads)
        tell("read marks and heartbeats are cumulative")

    async def be_refused(self):
        """What the server says no to, it says as documented."""
        bob = self.bob
        await refused(bob.ask(post_message={"stream": self.club, "room_id": 999, "body": "x", "client_msg_id": fresh_id()}),
                      error_pb2.REFUSAL_CODE_NOT_FOUND)
        await refused(bob.ask(post_message={"stream": self.club, "room_id": self.room, "body": "x", "client_msg_id": b"short"}),
                      error_pb2.REFUSAL_CODE_BAD_REQUEST)
        await refused(bob.ask(**self.post("x" * (bob.hello.limits.message_bytes + 1))), error_pb2.REFUSAL_CODE_TOO_LARGE)
        await refused(bob.ask(create_club={"slug": "a", "name": "a", "kind": 1, "client_msg_id": fresh_id()}),
                      error_pb2.REFUSAL_CODE_FORBIDDEN)
        tell("refusals are typed")
        lost = Stream(self.club)
        lost.cursor, lost.epoch = self.heard.cursor, self.heard.epoch + 7
        answer = await (await self.connect(self.tokens["bob"])).subscribe(lost)
        assert answer.outcome == session_pb2.SUBSCRIBE_OUTCOME_GAP and answer.gap.reason == session_pb2.GAP_REASON_EPOCH
        lost.cursor, lost.epoch = self.heard.cursor + 1000, self.heard.epoch
        answer = await (await self.connect(self.tokens["bob"])).subscribe(lost)
        assert answer.outcome == session_pb2.SUBSCRIBE_OUTCOME_GAP and answer.gap.reason == session_pb2.GAP_REASON_AHEAD
        tell("a cursor of another epoch, or beyond the head, is a GAP that says why")
        rude = await self.connect()
        await rude.socket.send("this is text")
        assert await rude.closed() == error_pb2.CLOSE_CODE_BAD_FRAME
        rude = await self.connect()
        await rude.socket.send(b"\xff\xff\xff\xff")
        assert await rude.closed() == error_pb2.CLOSE_CODE_BAD_FRAME
        future = await websockets.connect(self.url, subprotocols=["amicale.v1"], compression=None)
        hello = session_pb2.Hello(protocol_min=90, protocol_max=91, client_name="future")
        await future.send(frame_pb2.ClientFrame(request_id=1, hello=hello).SerializeToString())
        await asyncio.wait_for(future.wait_closed(), PATIENCE)
        assert future.close_code == error_pb2.CLOSE_CODE_UNSUPPORTED
        tell("close codes: BAD_FRAME for text and for what is no frame, UNSUPPORTED for no common version")

    async def call(self):
        """The same requests by curl: POST /v1/call."""
        token = login_token(self.server, "bob", "motdepasse bob")
        status, reply = self.server.call({"requestId": 7, "postMessage": {
            "stream": {"kind": "STREAM_KIND_CLUB", "id": str(self.club.id)}, "roomId": str(self.room), "body": "par HTTP",
            "clientMsgId": base64.b64encode(fresh_id()).decode()}}, token)
        assert status == 200 and reply["requestId"] == 7 and reply["postMessage"]["objectId"] == "61", (status, reply)
        await self.bob.until(lambda: len(self.heard.posted()) >= 61)
        status, reply = self.server.call({"listClubs": {}})
        assert status == 401 and reply["refusal"]["code"] == "REFUSAL_CODE_UNAUTHENTICATED", (status, reply)
        status, reply = self.server.call({"noSuchThing": {}}, token)
        assert status == 400, (status, reply)
        assert self.server.get("/healthz") == 200
        tell("POST /v1/call does what a connection does, and its message reaches the connections")

    async def outlive(self):
        """A restart of the server, and a revoked device."""
        await self.bob.cut()
        await self.alice.cut()
        await self.owner.cut()
        self.server.restart()
        await self.server.ready()
        bob, alice = await self.connect(self.tokens["bob"]), await self.connect(self.tokens["alice"])
        assert (await bob.subscribe(self.heard)).outcome == session_pb2.SUBSCRIBE_OUTCOME_CAUGHT_UP
        await alice.ask(**self.post("après le redémarrage"))
        await bob.until(lambda: len(self.heard.posted()) >= 62)
        tell("cursors and tokens outlive a restart of the server")
        other = await self.connect()
        login = await other.ask(login={"login": "bob", "password": "motdepasse bob", "device_name": "second"})
        await other.ask(authenticate={"token": login.token})
        await other.ask(revoke_token={"token_id": bob.me.token_id, "client_msg_id": fresh_id()})
        assert await bob.closed() == error_pb2.CLOSE_CODE_REVOKED
        assert bob.goodbye is not None and bob.goodbye.close_code == error_pb2.CLOSE_CODE_REVOKED
        again = await self.connect()
        await refused(again.ask(authenticate={"token": self.tokens["bob"]}), error_pb2.REFUSAL_CODE_UNAUTHENTICATED)
        tell("a revoked device is told, closed, and stays out")
        code, goodbye = asyncio.create_task(other.closed()), other
        assert self.server.stop() == 0
        assert await code == error_pb2.CLOSE_CODE_GOING_AWAY and goodbye.goodbye.reconnect_after_ms > 0
        tell("a draining server says goodbye and when to come back")


def login_token(server, login, password):
    status, reply = server.call({"login": {"login": login, "password": password, "deviceName": "curl"}})
    assert status == 200, (status, reply)
    return reply["login"]["token"]


async def tell_story(server):
    story = Story(server)
    await server.ready()
    await story.enter()
    await story.chat()
    await story.use()
    await story.be_refused()
    await story.call()
    await story.outlive()


def main():
    parser = argparse.ArgumentParser(description="a stranger's client against a real server")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder with server/amicaled")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amicale-conformance-") as folder:
        folder = pathlib.Path(folder)
        learn_protocol(folder)
        server = Server(options.build.resolve(), folder)
        server.start()
        try:
            asyncio.run(tell_story(server))
        except BaseException:
            log = (folder / "server.log").read_text(encoding="utf-8", errors="replace")
            print("the server's last words:\n" + log[-6000:], file=sys.stderr)
            raise
        finally:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()
    print("python client: the whole story holds")


if __name__ == "__main__":
    main()
