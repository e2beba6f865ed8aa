# SPDX-License-Identifier: AGPL-3.0-or-later
"""I28: no secret at rest or in sight. Passwords, tokens, invitation codes and the metrics token of a whole story are sought, in
every shape in which they could be written, in the data folder, the write-ahead file, the log at its most talkative, the
metrics, the error answers, a backup and the memory image of a crash."""

import asyncio
import base64
import http.client
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys

import wire_client
from server import PASSWORD
from trial import Result, Trial
from writers import GONE

CANARY = "canari-" + os.urandom(16).hex()   # a message's text: must be found in the data, and nowhere else


def shapes(secret):
    """Every way in which a secret might be written down."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for coded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        found |= {coded, coded.rstrip(b"=")}
    # As `bytes` in protobuf's text form, which is what a debugging line would show.
    if isinstance(secret, bytes):
        found.add("".join(chr(b) if 32 <= b < 127 and chr(b) not in "\"'\\" else f"\\{b:03o}" for b in raw).encode())
    else:
        found.add(json.dumps(secret).encode()[1:-1])
    return {shape for shape in found if len(shape) >= 8}


class Story:
    """All that has to do with secrets, done once, some of it wrongly."""

    def __init__(self, trial, metrics_token):
        self.trial, self.world, self.told = trial, trial.world, []
        self.secrets = dict(self.world.secrets)
        self.secrets |= {"owner's password": PASSWORD, "owner's token": self.world.owner_token, "metrics token": metrics_token}
        self.secrets |= {f"token of member {i}": token for i, token in enumerate(self.world.tokens)}

    async def refused(self, awaitable):
        try:
            await awaitable
        except wire_client.Refused as refusal:
            self.told.append(str(refusal))
            return
        raise AssertionError("expected a refusal")

    async def tell(self):
        world, url = self.world, self.trial.server.url
        owner = await wire_client.Client(url).connect(world.owner_token)
        member = await wire_client.Client(url).connect(world.tokens[0])
        stranger = await wire_client.Client(url).connect()
        await member.ask(post_message={"stream": world.stream(world.clubs[0]), "room_id": world.rooms[world.clubs[0]][0],
                                       "body": CANARY, "client_msg_id": os.urandom(16)})
        made = await owner.ask(create_invitation={"club_id": world.clubs[0], "role": wire_client.common_pb2.CLUB_ROLE_MEMBER,
                                                  "max_uses": 2, "client_msg_id": os.urandom(16)})
        self.secrets["invitation code"] = made.code
        await stranger.ask(look_up_invitation={"code": made.code})
        self.secrets["password of the invited"] = password = "invité " + os.urandom(12).hex()
        entered = await stranger.ask(register={"code": made.code, "login": "invitee", "display_name": "Invitée",
                                               "password": password, "device_name": "a", "client_msg_id": os.urandom(16)})
        self.secrets["token of the invited"] = entered.token
        self.secrets["wrong password"] = wrong = "faux " + os.urandom(12).hex()
        await self.refused(stranger.ask(login={"login": "owner", "password": wrong, "device_name": "x"}))
        self.secrets["password typed as a login"] = mistyped = os.urandom(12).hex()
        await self.refused(stranger.ask(login={"login": mistyped, "password": wrong, "device_name": "x"}))
        self.secrets["wrong code"] = wrong_code = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        await self.refused(stranger.ask(look_up_invitation={"code": wrong_code}))
        self.secrets["short password"] = short = os.urandom(4).hex()
        await self.refused(stranger.ask(register={"code": made.code, "login": "courte", "display_name": "Courte",
                                                  "password": short, "device_name": "a", "client_msg_id": os.urandom(16)}))
        self.secrets["wrong token"] = token = os.urandom(32)
        await self.refused(stranger.ask(authenticate={"token": token}))
        self.secrets["new password"] = new = "neuf " + os.urandom(12).hex()
        await member.ask(change_password={"old_password": world.secrets["password of member 0"], "new_password": new,
                                          "client_msg_id": os.urandom(16)})
        await self.http(new, made.code)
        await owner.ask(create_backup={"name": "canari"})
        for client in (owner, member, stranger):
            client.socket.transport.abort()
            await client.reader

    async def http(self, password, code):
        """The same by POST /v1/call, and what careless people do: secrets in a URL, in a header, in a broken body."""
        for body, headers, path, method in (
                ({"login": {"login": "membre0", "password": password, "deviceName": "curl"}}, {}, "/v1/call", "POST"),
                ({"listClubs": {}}, {"Authorization": "Bearer " + base64.b64encode(self.world.tokens[1]).decode()}, "/v1/call",
                 "POST"),
                ({"listClubs": {}}, {"Authorization": "Bearer " + base64.b64encode(self.secrets["wrong token"]).decode()}, "/v1/call",
                 "POST"),
                ({"logni": {"password": password}}, {}, "/v1/call", "POST"),
                (None, {}, f"/i/{code}", "GET"),
                (None, {}, f"/v1/ws?token={base64.urlsafe_b64encode(self.world.tokens[1]).decode()}", "GET"),
                (None, {"Authorization": "Bearer " + self.secrets["metrics token"]}, "/metrics", "GET")):
            status, text = await asyncio.to_thread(self.request, method, path, body, headers)
            if path == "/v1/call" and status == 200 and "login" in body:
                self.secrets["token by HTTP"] = base64.b64decode(json.loads(text)["login"]["token"])
            elif not path.startswith("/i/"):   # that page is for who holds the code
                self.told.append(text)

    def request(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.trial.server.port, timeout=30)
        headers = {"Content-Type": "application/json", **headers}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        connection.close()
        return response.status, text


def seek(story, places):
    """Which secret is in which place."""
    wanted = {name: shapes(secret) for name, secret in story.secrets.items()}
    hits, read = [], 0
    for place, content in places:
        read += len(content)
        for name, ways in wanted.items():
            if any(shape in content for shape in ways):
                hits.append(f"{name} is in {place}")
    return hits, read


def files_below(*folders):
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file() and path.name != "ballast":
                yield path, path.read_bytes()


def dumps_memory(pid, process):
    """Whether an abort of this process leaves a memory image."""
    resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.kill(pid, signal.SIGABRT)
    _, status = os.waitpid(pid, 0)
    process.returncode = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return os.WCOREDUMP(status)


def memory_image(trial):
    """No memory image of the server, on a machine that does make one of others."""
    folder = trial.folder / "image"
    folder.mkdir()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], cwd=folder)
    possible = dumps_memory(other.pid, other)
    mine = dumps_memory(trial.server.process.pid, trial.server.process)
    for left in folder.iterdir():
        left.unlink()
    if mine:
        return ["an abort of the server leaves a memory image"], "memory image: made"
    return [], "no memory image" if possible else "memory image: this machine makes none of anybody"


async def run(ground):
    metrics_token = "mesures-" + os.urandom(16).hex()
    trial = Trial(ground, "canaries", faults=False, level="debug", metrics_token=metrics_token)
    image, hits, read, story = "", [], 0, None
    try:
        await trial.open()
        story = Story(trial, metrics_token)
        await story.tell()
        await trial.server.get("/metrics")
        places = [("metrics", trial.server.page), ("an answer", "\n".join(story.told).encode())]
        # While it runs: the live write-ahead file. After a crash and a good end: the flushed files too.
        places += files_below(trial.server.data, trial.server.backups)
        wrong, image = memory_image(trial)
        trial.wrong += wrong
        await trial.reader.close()
        await trial.recover()
        await trial.writers.start()
        await trial.writers.until_acked(20)   # a folder that was not written to is not flushed at its end either
        await trial.writers.finish()
        await trial.reader.close()
        assert await trial.server.stop() == 0
        places += files_below(trial.server.data)
        places.append(("the log", trial.server.log.read_bytes()))
        hits, read = seek(story, places)
        trial.wrong += hits
        seen = [str(place) for place, content in places if CANARY.encode() in content]
        for kind, where in (("live write-ahead file", ".log"), ("flushed file", ".sst"), ("backup", "/backups/")):
            if not any(where in place for place in seen):
                trial.wrong.append(f"the search proves nothing: a message's text was not found in any {kind}")
        trial.wrong += [f"a message's text is in {place}" for place in seen if "/data/" not in place and "/backups/" not in place]
        if len(trial.server.log.read_bytes()) < 500:
            trial.wrong.append("the log is too short to prove anything")
    except (Exception, *GONE) as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        wrong = trial.wrong
        trial.close()
    kinds = len(story.secrets) if story else 0
    return [Result("I28", f"{kinds} secrets in all shapes sought in {read >> 10} KiB of data, log at debug, metrics, answers and a "
                   f"backup: {len(hits)} found; {image}", wrong)]
