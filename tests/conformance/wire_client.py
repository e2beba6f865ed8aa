# SPDX-License-Identifier: AGPL-3.0-or-later
"""A client written from docs/protocol.md and the .proto files alone, on Debian's python3-protobuf and python3-websockets: it
shares no code with the server. Call learn_protocol() first; afterwards the compiled messages are in this module.

Client is one connection, Stream one followed stream with its cursor, Server a real amicaled on a free loopback port.
"""

import asyncio
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import websockets

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 30   # seconds that anything may take before the story fails
frame_pb2 = common_pb2 = session_pb2 = error_pb2 = None


def learn_protocol(folder):
    """Compiles the .proto files with protoc, as any client's author would, and loads them."""
    files = sorted(str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto/amicale/v1").glob("*.proto"))
    subprocess.run(["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={folder}", *files], check=True)
    load_protocol(folder)


def load_protocol(folder):
    """Loads what learn_protocol() compiled into `folder`."""
    global frame_pb2, common_pb2, session_pb2, error_pb2
    sys.path.insert(0, str(folder))
    from amicale.v1 import common_pb2 as common, error_pb2 as error, frame_pb2 as frame, session_pb2 as session
    frame_pb2, common_pb2, session_pb2, error_pb2 = frame, common, session, error


class Refused(Exception):
    def __init__(self, refusal):
        super().__init__(error_pb2.RefusalCode.Name(refusal.code) + ": " + refusal.message)
        self.code = refusal.code


class Stream:
    """One followed stream: a cursor and what was seen, by the arithmetic of docs/protocol.md."""

    def __init__(self, stream_id):
        self.id, self.epoch, self.cursor, self.events, self.ended = stream_id, 0, None, [], False

    def take(self, batch):
        if batch.after_seq > self.cursor:
            raise AssertionError(f"lost events: the batch starts after {batch.after_seq}, the cursor is {self.cursor}")
        last = batch.after_seq
        for event in batch.events:
            assert last < event.seq <= batch.through_seq, "a batch's events rise inside its bounds"
            last = event.seq
            if event.seq > self.cursor:
                self.events.append(event)
        self.cursor = max(self.cursor, batch.through_seq)
        self.ended = self.ended or batch.ended

    def posted(self):
        return [e.message_posted for e in self.events if e.WhichOneof("body") == "message_posted"]


class Client:
    """A connection: requests wait for their reply by request_id, batches go to their stream."""

    def __init__(self, url, language=1, capabilities=0):
        self.url, self.language, self.capabilities = url, language, capabilities
        self.streams, self.waiting, self.signals, self.heads = {}, {}, [], []
        self.next_request, self.changed, self.goodbye = 1, asyncio.Event(), None

    async def connect(self, token=None):
        self.socket = await websockets.connect(self.url, subprotocols=["amicale.v1"], max_size=None, compression=None)
        assert self.socket.subprotocol == "amicale.v1", "the server chooses the subprotocol amicale.v1"
        self.reader = asyncio.create_task(self.read())
        hello = session_pb2.Hello(protocol_min=1, protocol_max=1, client_name="stranger/1", language=self.language,
                                  capabilities=self.capabilities)
        self.hello = await self.ask(hello=hello)
        if token is not None:
            self.me = await self.ask(authenticate=session_pb2.Authenticate(token=token))
        return self

    async def read(self):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in self.socket:
                frame = frame_pb2.ServerFrame.FromString(message)
                # Replies come before batches: a SubscribeReply opens the stream that a batch of the same frame belongs to.
                for reply in frame.replies:
                    if reply.WhichOneof("body") == "subscribe":
                        self.open_stream(reply)
                    waiting = self.waiting.pop(reply.request_id, None)
                    if waiting and not waiting.done():
                        waiting.set_result(reply)
                for batch in frame.batches:
                    stream = self.streams.get((batch.stream.kind, batch.stream.id))
                    if stream:
                        stream.take(batch)
                self.signals.extend(frame.signals)
                self.heads.extend(frame.audit_heads)
                if frame.HasField("goodbye"):
                    self.goodbye = frame.goodbye
                self.changed.set()
        for waiting in self.waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the connection ended"))
        self.waiting.clear()
        self.changed.set()

    def send(self, **body):
        request = self.next_request
        self.next_request += 1
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda f: f.cancelled() or f.exception())   # one that nobody awaits is no complaint
        self.waiting[request] = future
        frame = frame_pb2.ClientFrame(request_id=request, **body)
        return future, asyncio.ensure_future(self.socket.send(frame.SerializeToString())), request

    async def ask(self, **body):
        future, sent, _ = self.send(**body)
        await sent
        reply = await asyncio.wait_for(future, PATIENCE)
        if reply.HasField("refusal"):
            raise Refused(reply.refusal)
        return getattr(reply, reply.WhichOneof("body"))

    async def subscribe(self, stream):
        """Follows `stream` from its cursor, or from a snapshot when it has none."""
        self.streams[(stream.id.kind, stream.id.id)] = stream
        request = session_pb2.Subscribe(stream=stream.id)
        if stream.cursor is not None:
            request.epoch, request.after_seq = stream.epoch, stream.cursor
        return await self.ask(subscribe=request)

    def open_stream(self, reply):
        answer = reply.subscribe
        if answer.outcome == session_pb2.SUBSCRIBE_OUTCOME_SNAPSHOT:
            for stream in self.streams.values():
                if stream.cursor is None:
                    stream.cursor, stream.epoch = answer.snapshot.seq, answer.epoch

    async def until(self, condition):
        """Waits for what the reader brings to make `condition` true."""
        async def wait():
            while not condition():
                assert not self.reader.done(), f"the connection ended too soon: {self.goodbye}"
                self.changed.clear()
                if not condition():
                    await self.changed.wait()
        await asyncio.wait_for(wait(), PATIENCE)

    async def closed(self):
        """Waits for the server to close; answers the close code."""
        await asyncio.wait_for(self.socket.wait_closed(), PATIENCE)
        await self.reader
        return self.socket.close_code

    async def cut(self):
        """The network fails: the TCP connection is reset, with nothing said."""
        raw = self.socket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.transport.abort()
        await self.reader


class Server:
    """A real amicaled on a free loopback port, with a site whose owner is `owner`."""

    PASSWORD = "un mot de passe de conformité"

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self):
        data = self.folder / "data"
        subprocess.run([self.build / "server/amicale", "admin", "site", "create", "--data", data, "--name", "Conformité",
                        "--owner", "owner", "--password-stdin"],
                       input=self.PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
        config = self.folder / "amicale.toml"
        config.write_text(f"""
[server]
listen = ["127.0.0.1:{self.port}"]
data_dir = "{data}"
shards = 2
[limits]
posts_per_10s = 10000
joins_per_minute = 0
requests_per_second = 10000
request_burst = 10000
[antispam]
enabled = false
[log]
level = "info"
""", encoding="utf-8")
        self.run(config)

    def run(self, config):
        self.config = config
        self.output = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen([self.build / "server/amicaled", "--config", config],
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    async def ready(self):
        async def poll():
            while True:
                assert self.process.poll() is None, "the server ended at start"
                with contextlib.suppress(OSError, http.client.HTTPException):
                    if self.get("/readyz") == 200:
                        return
                await asyncio.sleep(0.02)   # there is nothing to wait on before the port listens
        await asyncio.wait_for(poll(), PATIENCE)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status

    def call(self, body, token=None):
        """POST /v1/call: one request in protobuf's JSON form. Answers the status and the Reply as JSON."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + token
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("POST", "/v1/call", json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self.output.close()
        return code

    def restart(self):
        assert self.stop() == 0, "SIGTERM ends the server in good order"
        self.run(self.config)


def fresh_id():
    return os.urandom(16)
