# SPDX-License-Identifier: AGPL-3.0-or-later
"""The wire by hand, for tests that must be able to say anything at all: a WebSocket over a plain socket in which every bit
of a frame can be set wrong, HTTP as bytes, and a server of one's own to say it to. Nothing here is shared with the server or
the SDKs; the messages come from protoc at run time, as in tests/conformance/python_client.py."""

import base64
import contextlib
import http.client
import importlib
import os
import pathlib
import random
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 30   # seconds that anything may take before a test fails
PASSWORD = "un mot de passe assez long"


class Protocol:
    """The compiled .proto files, and names for numbers."""

    def __init__(self, folder):
        files = sorted(str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto/amicale/v1").glob("*.proto"))
        subprocess.run(["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={folder}", *files], check=True)
        sys.path.insert(0, str(folder))
        for name in ("common", "state", "event", "error", "frame", "session", "message", "club", "account", "moderation"):
            setattr(self, name, importlib.import_module(f"amicale.v1.{name}_pb2"))
        self.ClientFrame, self.Reply, self.ServerFrame = self.frame.ClientFrame, self.frame.Reply, self.frame.ServerFrame
        self.requests = {f.name: f for f in self.ClientFrame.DESCRIPTOR.oneofs_by_name["body"].fields}

    def code(self, reply):
        """"OK", or the refusal's name without its prefix."""
        if not reply.HasField("refusal"):
            return "OK"
        return self.error.RefusalCode.Name(reply.refusal.code).removeprefix("REFUSAL_CODE_")


class Closed(Exception):
    """The connection ended. `code` is the WebSocket close code, or None when there was none."""

    def __init__(self, code=None, goodbye=None):
        super().__init__(f"closed with {code}")
        self.code, self.goodbye = code, goodbye


def fresh_id():
    return os.urandom(16)


class Stream:
    """Bytes to and from a server, with a deadline on every wait."""

    def __init__(self, port, tls=None, patience=PATIENCE, receive_buffer=None):
        raw = socket.socket()
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(patience)
        raw.connect(("127.0.0.1", port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(raw) if tls else raw
        self.buffer = bytearray()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """One more read; False at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            data = b""
        self.buffer += data
        return bool(data)

    def take(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise Closed()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                raise Closed()
        return self.take(self.buffer.index(mark) + len(mark))

    def rest(self):
        while self.fill():
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def response(self, head_only=False):
        """One HTTP answer: status, header lines, body."""
        head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        length = next((int(h.split(":")[1]) for h in head if h.lower().startswith("content-length:")), 0)
        return status, head[1:-2], b"" if head_only or status == 101 else self.take(length)

    def reset(self):
        """Ends with a TCP reset, as a failing network does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()


TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0


def frame_bytes(opcode, payload=b"", fin=True, masked=True, rsv=0, length=None, key=b"\0\0\0\0"):
    """One frame; `length` lies about the payload's."""
    said = len(payload) if length is None else length
    head = bytearray([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if said < 126:
        head.append(mask_bit | said)
    elif said < 65536:
        head += struct.pack(">BH", mask_bit | 126, said)
    else:
        head += struct.pack(">BQ", mask_bit | 127, said)
    if masked:
        head += key
        if key != b"\0\0\0\0":
            payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
    return bytes(head) + payload


class WebSocket(Stream):
    """A connection that has been upgraded. Requests are asked one at a time; batches go to `on_batch`, if there is one."""

    def __init__(self, protocol, port, upgrade=True, on_batch=None, **options):
        super().__init__(port, **options)
        self.protocol, self.on_batch, self.request_id, self.goodbye = protocol, on_batch, 0, None
        self.on_signal = None
        if upgrade:
            self.upgrade()

    def upgrade(self, extra=""):
        key = base64.b64encode(os.urandom(16)).decode()
        self.send((f"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                   f"Sec-WebSocket-Protocol: amicale.v1\r\n{extra}\r\n").encode())
        status, _, body = self.response()
        assert status == 101, (status, body)

    def send_frame(self, opcode, payload=b"", **how):
        self.send(frame_bytes(opcode, payload, **how))

    def read_frame(self):
        first, second = self.take(2)
        length = second & 0x7f
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        assert not second & 0x80, "a server's frames are not masked"
        return first & 0x0f, self.take(length)

    def read_message(self):
        """The next ServerFrame; Closed at the end."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == BINARY:
                message = self.protocol.ServerFrame.FromString(payload)
                if message.HasField("goodbye"):
                    self.goodbye = message.goodbye
                for signal in message.signals if self.on_signal else ():
                    self.on_signal(signal)
                if self.on_batch:
                    for batch in message.batches:
                        self.on_batch(batch)
                return message
            if opcode == CLOSE:
                raise Closed(struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005, self.goodbye)
            if opcode == PING:
                self.send_frame(PONG, payload)

    def ended(self):
        """Reads to the end; the Closed with its code and the Goodbye before it, if any."""
        while True:
            try:
                self.read_message()
            except Closed as closed:
                return closed

    def put(self, frame):
        self.send_frame(BINARY, frame.SerializeToString())

    def request(self, **body):
        self.request_id += 1
        frame = self.protocol.ClientFrame(request_id=self.request_id, **body)
        self.put(frame)
        return self.request_id

    def replies(self, wanted):
        """The replies to the request ids `wanted`, by id."""
        found = {}
        while len(found) < len(wanted):
            message = self.read_message()
            for reply in message.replies:
                if reply.request_id in wanted:
                    found[reply.request_id] = reply
        return found

    def ask(self, **body):
        request = self.request(**body)
        return self.replies({request})[request]

    def must(self, **body):
        """The body of an answer that has to be a yes."""
        reply = self.ask(**body)
        assert not reply.HasField("refusal"), f"{body} was refused: {self.protocol.code(reply)} {reply.refusal.message}"
        return getattr(reply, reply.WhichOneof("body"))

    def enter(self, token=None, capabilities=0):
        self.hello = self.must(hello={"protocol_min": 1, "protocol_max": 1, "client_name": "by-hand/1",
                                      "language": 2, "capabilities": capabilities})
        if token:
            self.me = self.must(authenticate={"token": token})
        return self


class Server:
    """A real amicaled on a free loopback port. `limits`, `other`: lines of TOML for [limits] and for whole sections."""

    LOUD = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehaviorSanitizer", "ThreadSanitizer", "runtime error:",
            "Assertion", "terminate called", "incident=")

    def __init__(self, build, folder, limits="", other="", tls=False, shards=2):
        self.build, self.folder, self.tls = pathlib.Path(build).resolve(), pathlib.Path(folder), tls
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            self.port, self.tls_port = first.getsockname()[1], second.getsockname()[1]
        self.data = self.folder / "data"
        subprocess.run([self.build / "server/amicale", "admin", "site", "create", "--data", self.data, "--name", "Essai",
                        "--owner", "owner", "--password-stdin"],
                       input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
        if tls:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                            "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem", "-days", "1",
                            "-subj", "/CN=localhost"], check=True, capture_output=True)
            other += (f'\n[tls]\nlisten = ["127.0.0.1:{self.tls_port}"]\n'
                      f'certificate = "{self.folder}/cert.pem"\nkey = "{self.folder}/key.pem"\n')
        self.config = self.folder / "amicale.toml"
        self.config.write_text(f"""
[server]
listen = ["127.0.0.1:{self.port}"]
data_dir = "{self.data}"
shards = {shards}
[limits]
sockets_per_address = 100000
sockets_per_address_unauthenticated = 100000
sockets_per_account = 1000
{limits}
[antispam]
enabled = false
[auth]
login_tries_per_account = 1000000
login_tries_per_address_per_hour = 1000000
[storage]
free_space_floor_mib = 0
ballast_mib = 0
[log]
level = "info"
{other}
""", encoding="utf-8")
        self.log = self.folder / "server.log"
        self.process = None

    def start(self):
        environment = dict(os.environ)
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen([self.build / "server/amicaled", "--config", self.config], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        end = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, "the server ended at start:\n" + self.log_text()[-4000:]
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/readyz")[0] == 200:
                    return self
            assert time.monotonic() < end, "the server does not become ready"
            time.sleep(0.02)   # there is nothing to wait on before the port listens

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def complaints(self):
        """Lines of the log that no test may leave: sanitizers, assertions, INTERNAL refusals."""
        return [line for line in self.log_text().splitlines() if any(word in line for word in self.LOUD)]

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ends in good order; answers the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait()


class Call:
    """POST /v1/call over one connection that is kept."""

    def __init__(self, protocol, port):
        from google.protobuf import json_format
        self.protocol, self.port, self.json, self.connection = protocol, port, json_format, None

    def post(self, data, token=None):
        """The status and the body, as they are."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + base64.urlsafe_b64encode(token).decode().rstrip("=")
        for last in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                self.connection.request("POST", "/v1/call", data, headers)
                response = self.connection.getresponse()
                return response.status, response.read()
            except (http.client.HTTPException, ConnectionError):
                # A kept connection may end between two requests.
                self.connection.close()
                self.connection = None
                if last:
                    raise
        raise AssertionError("unreachable")

    def ask(self, frame, token=None):
        _, body = self.post(self.json.MessageToJson(frame), token)
        return self.json.Parse(body, self.protocol.Reply())


def seed_from(options):
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    return seed
