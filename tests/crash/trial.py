# SPDX-License-Identifier: AGPL-3.0-or-later
"""What every promise's test stands on: a copy of the template site, clients that write, and the comparison afterwards."""

import pathlib
import pickle
import random
import shutil

from faults import Faults
from ledger import ACKED, UNKNOWN, Ledger
from server import Server, World
from writers import Reader, Writers, read_everything

FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class Skipped(Exception):
    """This machine lacks what the test needs."""


class Ground:
    """What all trials of a run share."""

    def __init__(self, build, workspace, library, seed, long):
        self.build, self.workspace, self.library, self.long = pathlib.Path(build), pathlib.Path(workspace), library, long
        self.seed, self.rng = seed, random.Random(seed)
        self.trials = 0
        self.template, self.world_file = self.workspace / "template", self.workspace / "world"

    async def make_template(self):
        server = Server(self.build, self.workspace / "first")
        server.create()
        server.start()
        await server.ready()
        world = World()
        await world.furnish(server)
        assert await server.stop() == 0
        server.copy_data(self.template)
        self.world_file.write_bytes(pickle.dumps(world))
        return self

    @property
    def world(self):
        return pickle.loads(self.world_file.read_bytes())

    def count(self, short, long):
        return long if self.long else short

    def within(self, seconds):
        """A time that a promise names. It is judged in the long form, on a machine that is left alone and without sanitizers;
        elsewhere ten times as much passes, which only a hang does not."""
        return seconds if self.long and not is_sanitized(self.build) else 10 * seconds

    def has_faketime(self):
        """Whether libfaketime is there and this build survives it (AddressSanitizer does not)."""
        return FAKETIME.exists() and not is_sanitized(self.build)


def is_sanitized(build):
    with open(pathlib.Path(build) / "server/amicaled", "rb") as binary:
        return b"AddressSanitizer" in binary.read()


class Trial:
    """One site under fault, from its first command to the last comparison."""

    def __init__(self, ground, name, data=None, faults=True, largest=1500, **settings):
        ground.trials += 1
        self.ground, self.world = ground, ground.world
        self.folder = ground.workspace / f"{name}-{ground.trials}"
        self.folder.mkdir()
        self.rng = random.Random(ground.rng.random())
        page = Faults(ground.library, self.folder / "page") if faults and ground.library else None
        self.faults = page
        self.server = Server(ground.build, self.folder, faults=page, data=data, **settings)
        shutil.copytree(ground.template, self.server.data, dirs_exist_ok=True)
        self.ledger = Ledger(self.folder / "ledger.jsonl")
        self.writers = Writers(self.server, self.world, self.ledger, self.rng, largest)
        self.reader = Reader(self.server, self.world)
        self.wrong, self.checked, self.retries = [], 0, 0

    async def open(self):
        self.server.start()
        await self.server.ready()
        await self.reader.connect()
        await self.reader.catch_up()
        return self

    async def crash(self, take_in=True):
        """The process is gone or goes now; everybody notices."""
        self.server.kill()
        await self.writers.gone()
        await self.reader.close(take_in)
        self.ledger.sync()

    async def recover(self):
        """Opens again and compares what is new: the reader resumes where it was, so it meets each event once."""
        if self.faults:
            self.faults.disarm()
        self.server.start()
        await self.server.ready()
        await self.look_again()

    async def recover_with(self, clock):
        """The same under another time of day."""
        self.server.start(more=clock.environment())
        await self.server.ready()
        await self.look_again()

    async def look_again(self):
        await self.reader.connect()
        if not await self.reader.catch_up():
            self.wrong += self.reader.problems
            raise AssertionError("; ".join(self.reader.problems))
        entries = list(self.ledger.entries.values())
        fresh = entries[self.checked:] + [e for e in entries[:self.checked] if e.state == UNKNOWN]
        self.checked = len(entries)
        for log in self.reader.logs.values():
            self.wrong += log.compare(self.ledger, fresh)

    async def retry(self, share=0.1, most=None):
        """I4: every unknown command and some acknowledged ones once more."""
        self.retries += await self.writers.retry(self.writers.due(share, most))
        left = self.ledger.of(UNKNOWN)
        self.wrong += [f"a repeat was not answered ({entry.code}): {entry}" for entry in left[:3]]

    async def read_everything(self):
        self.ledger.sync()
        wrong, reader = await read_everything(self.server, self.world, self.ledger)
        self.wrong += wrong
        await self.reader.close()
        # A reader that was there all along saw exactly what a new one sees.
        for club, log in self.reader.logs.items():
            if log.seq and log.order != reader.logs[club].order[:len(log.order)]:
                self.wrong.append(f"club {club}: who followed over the crashes saw another order than who reads from the start")
        return reader

    def prove_rebuild(self):
        """I14, on the stopped site: verified, rebuilt from the logs, verified again, with the same hash."""
        before = self.server.verify()
        self.server.rebuild()
        after = self.server.verify()
        if before != after:
            self.wrong.append(f"rebuilding changed the state: {before} → {after}")

    def acked(self):
        return self.ledger.count(ACKED)

    def lost(self):
        return sum(w.startswith("LOST") for w in self.wrong)

    def close(self):
        if self.server.process and self.server.process.poll() is None:
            self.server.kill()
        self.ledger.close()
        if not self.wrong:
            shutil.rmtree(self.folder, ignore_errors=True)


class Result:
    """One promise's line."""

    def __init__(self, promise, words, wrong=(), skipped=None):
        self.promise, self.words, self.wrong, self.skipped = promise, words, list(wrong), skipped
