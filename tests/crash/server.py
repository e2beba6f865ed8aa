# SPDX-License-Identifier: AGPL-3.0-or-later
"""A server under test: its data folder, its process, its offline verbs; and the world that clients find in it."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import wire_client

PASSWORD = "un mot de passe pour les pannes"
MEMBERS = 4
READY_SECONDS = 60   # bound on a start; every wait has one
CONFIGURATION = """
[server]
listen = ["127.0.0.1:{port}"]
data_dir = "{data}"
shards = 2
{server}
[limits]
posts_per_10s = {posts}
joins_per_minute = {joins}
requests_per_second = 100000
request_burst = 1000000
sockets_per_address = 1000
sockets_per_address_unauthenticated = 1000
{limits}
[auth]
login_tries_per_address_per_hour = 1000000
[antispam]
enabled = {antispam}
[storage]
free_space_floor_mib = {floor}
ballast_mib = {ballast}
[backup]
directory = "{backups}"
[metrics]
token = "{metrics_token}"
[log]
level = "{level}"
"""


class Refusal(Exception):
    """The server did not start, or an offline verb refused: with its words."""


class World:
    """What the template of every test holds: two clubs with two rooms each, four members, and how to come in."""

    def __init__(self):
        self.clubs, self.rooms, self.tokens, self.accounts, self.owner_token, self.owner_id = [], {}, [], [], b"", 0
        self.secrets = {}

    def stream(self, club):
        return wire_client.common_pb2.StreamId(kind=wire_client.common_pb2.STREAM_KIND_CLUB, id=club)

    async def furnish(self, server):
        owner = await wire_client.Client(server.url).connect()
        login = await owner.ask(login={"login": "owner", "password": PASSWORD, "device_name": "oracle"})
        self.owner_token = login.token
        self.owner_id = (await owner.ask(authenticate={"token": login.token})).account_id
        common = wire_client.common_pb2
        for name in ("nord", "sud"):
            made = await owner.ask(create_club={"slug": name, "name": name, "kind": common.CLUB_KIND_SOCIAL,
                                                "language": common.LANGUAGE_FR, "client_msg_id": os.urandom(16)})
            self.clubs.append(made.object_id)
            self.rooms[made.object_id] = []
            for room in ("un", "deux"):
                room = await owner.ask(create_room={"club_id": made.object_id, "name": room, "access": common.ROOM_ACCESS_ALL,
                                                    "client_msg_id": os.urandom(16)})
                self.rooms[made.object_id].append(room.object_id)
        for i in range(MEMBERS):
            added = await owner.ask(add_member={"club_id": self.clubs[0], "login": f"membre{i}", "display_name": f"Membre {i}",
                                                "role": common.CLUB_ROLE_MEMBER, "client_msg_id": os.urandom(16)})
            stranger = await wire_client.Client(server.url).connect()
            password = f"motdepasse {os.urandom(12).hex()}"
            entered = await stranger.ask(register={"code": added.activation_code, "password": password, "device_name": "plume",
                                                   "client_msg_id": os.urandom(16)})
            self.tokens.append(entered.token)
            me = await stranger.ask(authenticate={"token": entered.token})
            self.accounts.append(me.account_id)
            await owner.ask(add_member={"club_id": self.clubs[1], "login": f"membre{i}", "display_name": f"Membre {i}",
                                        "role": common.CLUB_ROLE_MEMBER, "client_msg_id": os.urandom(16)})
            clubs = await stranger.ask(list_clubs={})
            await self.enter_second_club(stranger, clubs)
            self.secrets[f"password of member {i}"] = password
            self.secrets[f"activation code of member {i}"] = added.activation_code
            await stranger.socket.close()
        await owner.socket.close()

    async def enter_second_club(self, member, _):
        """Being added is an invitation; the person opts in."""
        common = wire_client.common_pb2
        with contextlib.suppress(wire_client.Refused):
            await member.ask(set_member_status={"club_id": self.clubs[1], "account_id": self.accounts[-1],
                                                "status": common.MEMBER_STATUS_ACTIVE, "client_msg_id": os.urandom(16)})


class Server:
    """One data folder and at most one process on it."""

    running = set()   # processes to end whatever happens

    def __init__(self, build, folder, faults=None, environment=None, data=None, **settings):
        self.build, self.folder, self.faults = pathlib.Path(build), pathlib.Path(folder), faults
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.environment, self.process = dict(environment or {}), None
        self.log = self.folder / "server.txt"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/v1/ws"
        self.backups = self.folder / "backups"
        values = {"server": "", "limits": "", "posts": 1000000, "floor": 1, "ballast": 0, "level": "info",
                  "metrics_token": "", "antispam": "false", "joins": 0}
        values.update(settings)
        self.config = self.folder / "amicale.toml"
        self.config.write_text(CONFIGURATION.format(port=self.port, data=self.data, backups=self.backups, **values))

    @classmethod
    def end_all(cls):
        for process in cls.running:
            if process.poll() is None:
                process.kill()
                process.wait()
        cls.running.clear()

    def create(self):
        self.offline("site", "create", "--data", self.data, "--name", "Pannes", "--owner", "owner", "--password-stdin",
                     words=PASSWORD + "\n")
        (self.data / "ballast").unlink(missing_ok=True)   # 64 MiB that nobody wants to copy

    def offline(self, *words_of_verb, words=None):
        """amicale admin …: its output, or Refusal."""
        done = subprocess.run([self.build / "server/amicale", "--lang", "en", "admin", *words_of_verb], input=words, text=True,
                              capture_output=True, timeout=READY_SECONDS)
        if done.returncode != 0:
            raise Refusal(f"exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def verify(self):
        """Replays the logs of the stopped server; the state's hash, or Refusal."""
        told = self.offline("verify", "--data", self.data)
        return told.rsplit("hash ", 1)[1].strip()

    def rebuild(self):
        self.offline("rebuild", "--data", self.data)

    def start(self, more=None):
        environment = dict(os.environ)
        environment.update(self.environment)
        if self.faults:
            environment.update(self.faults.environment())
        environment.update(more or {})
        with open(self.log, "ab") as output:
            self.log_start = output.tell()
            self.process = subprocess.Popen([self.build / "server/amicaled", "--config", self.config], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        Server.running.add(self.process)

    def words(self):
        """What this process wrote to its log so far."""
        with open(self.log, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    async def ready(self, listening=False):
        """Waits until it serves; Refusal with its words when it ends instead. With `listening`, the port is enough."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Refusal(f"exit {self.process.returncode}: {self.words()[-3000:]}")
            with contextlib.suppress(OSError):
                status = await self.get("/healthz" if listening else "/readyz")
                if status == 200:
                    return
            await asyncio.sleep(0.01)   # there is nothing to wait on before the port listens
        raise AssertionError(f"not ready after {READY_SECONDS} s: {self.words()[-3000:]}")

    async def get(self, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            line = await asyncio.wait_for(reader.readline(), 10)
            self.page = await asyncio.wait_for(reader.read(), 10)
            return int(line.split()[1]) if line else 0
        finally:
            writer.close()

    def kill(self):
        """kill -9. False when the process was gone already."""
        alive = self.process.poll() is None
        if alive:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return alive

    async def ended(self, seconds=READY_SECONDS):
        """Waits for the process to end by itself; its exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {seconds} s")
            await asyncio.sleep(0.005)   # a process is not awaitable without a thread
        return self.process.returncode

    async def stop(self, seconds=READY_SECONDS):
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(seconds)

    def copy_data(self, to):
        shutil.copytree(self.data, to, ignore=shutil.ignore_patterns("ballast"))
