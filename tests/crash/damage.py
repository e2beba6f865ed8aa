# SPDX-License-Identifier: AGPL-3.0-or-later
"""I15: one stored file at a time is damaged; what follows is a repair, or a refusal by the file's name, never silence.

A site with flushed files, a live write-ahead file and a known ledger is copied, one file of the copy is changed, and a
server is started on it. Outcomes:

    refused     at the start, with a file's name in the words
    at reading  a stream, a history page or a login is refused, and the log names the file
    verified    reading is all right, and `amicale admin verify` refuses, naming the file or row
    harmless    everything that was acknowledged is read back as it was, repeats are recognised, and verify agrees

Anything else is a finding: lost or wrong without a word, a word without a name, or the end of the process by a signal.
"""

import asyncio
import copy
import pathlib
import shutil
import signal
import struct

import wire_client
from ledger import ACKED
from server import Refusal, Server
from trial import Result, Trial
from writers import GONE, Writers, read_everything

WAYS = ["flip", "cut at an edge", "cut in the middle", "zero", "delete", "swap", "old copy"]
IGNORED = ("LOCK", "ballast")   # empty, or content without meaning


def record_edges(content):
    """Where records of a RocksDB log (*.log, MANIFEST) end: blocks of 32 KiB, headers of 7 bytes (11 when recyclable)."""
    at, edges = 0, []
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        size, kind = struct.unpack_from("<HB", content, at + 4)
        if kind == 0 and size == 0:
            break
        at += (11 if kind >= 5 else 7) + size
        edges.append(at)
    return [edge for edge in edges if edge < len(content)]


class Site:
    """The base of all mutations."""

    async def make(self, ground):
        self.trial = trial = Trial(ground, "damage", faults=False, largest=4000)
        await trial.open()
        for wanted in (250, 150):
            await trial.writers.start()
            await trial.writers.until_acked(wanted)
            await trial.writers.finish()
            await trial.reader.close()
            assert await trial.server.stop() == 0   # flushed into files
            trial.server.start()
            await trial.server.ready()
        await trial.writers.start()
        await trial.writers.until_acked(100)
        await trial.writers.finish()
        self.old = trial.folder / "old"
        # What an older copy of any file would be. Held still meanwhile: compaction takes files away.
        trial.server.process.send_signal(signal.SIGSTOP)
        try:
            trial.server.copy_data(self.old)
        finally:
            trial.server.process.send_signal(signal.SIGCONT)
        await trial.writers.start()
        await trial.writers.until_acked(100)
        await trial.writers.finish()       # every outcome is known before the kill
        trial.server.kill()
        trial.ledger.sync()
        self.data = trial.server.data
        assert trial.ledger.count(ACKED) > 500
        return self

    def files(self):
        found = [p.relative_to(self.data) for p in sorted(self.data.rglob("*")) if p.is_file()]
        return [p for p in found if p.name not in IGNORED]


def group_of(file):
    name = pathlib.Path(file).name
    return "sst" if name.endswith(".sst") else "log" if name.endswith(".log") else name.split("-")[0]


def plan(site, rng, count):
    """Each way on each kind of file first, then at random."""
    files = site.files()
    kinds = {}
    for file in files:
        kinds.setdefault(group_of(file), []).append(file)
    order = ["log", "END", "MANIFEST", "sst", "CURRENT", "OPTIONS", "IDENTITY"]
    chosen = []
    for kind in order:
        # Of several write-ahead files the one with content is the one that matters.
        of_kind = sorted(kinds.get(kind, []), key=lambda f: (site.data / f).stat().st_size, reverse=True)
        for number, way in enumerate(WAYS):
            if of_kind:
                chosen.append((of_kind[0] if kind == "log" else of_kind[number % len(of_kind)], way))
    if count < len(chosen):
        essential = [c for c in chosen if group_of(c[0]) in order[:4]]
        chosen = essential + rng.sample(chosen[len(essential):], max(0, count - len(essential)))
    while len(chosen) < count:
        chosen.append((rng.choice(files), rng.choice(WAYS)))
    return chosen[:count]


def damage(site, data, file, way, rng):
    """Changes one file of the copy; in words what was done, or nothing when this can't be done to it."""
    target = data / file
    content = target.read_bytes()
    if way == "delete":
        target.unlink()
        return f"{file} deleted"
    if way == "old copy":
        before = site.old / file
        if not before.exists() or before.read_bytes() == content:
            return None
        shutil.copy(before, target)
        return f"{file} set back to an older copy"
    if way == "swap":
        others = [f for f in site.files() if f != file and (data / f).read_bytes() != content]
        alike = [f for f in others if group_of(f) == group_of(file)]
        other = rng.choice(alike or others)
        there = (data / other).read_bytes()
        target.write_bytes(there)
        (data / other).write_bytes(content)
        return f"{file} and {other} swapped"
    if not content:
        return None
    if way == "flip":
        at = rng.randrange(len(content))
        bit = 1 << rng.randrange(8)
        target.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1:])
        return f"{file}: bit {bit:#04x} of byte {at} of {len(content)} flipped"
    if way == "zero":
        at = rng.randrange(len(content)) // 4096 * 4096
        zeroed = content[:at] + bytes(min(4096, len(content) - at)) + content[at + 4096:]
        if zeroed == content:
            return None
        target.write_bytes(zeroed)
        return f"{file}: 4 KiB at {at} of {len(content)} zeroed"
    if way == "cut at an edge":
        edges = record_edges(content) if group_of(file) in ("log", "MANIFEST") else list(range(4096, len(content), 4096))
        at = rng.choice(edges) if edges else 0
    else:
        at = rng.randrange(1, len(content)) if len(content) > 1 else 0
    target.write_bytes(content[:at])
    return f"{file} cut at {at} of {len(content)}"


def names(file, words, done):
    """Whether the words name the damaged file, or, for a swap, the other one."""
    candidates = [pathlib.Path(file).name] + [pathlib.Path(part).name for part in done.split() if "/" in part]
    return any(candidate in words for candidate in candidates)


async def judge(server, site, file, done, rng):
    """What the server makes of it: the outcome, and what is wrong with it."""
    ledger = copy.copy(site.trial.ledger)
    ledger.contradictions = []
    server.start()
    try:
        await server.ready(listening=True)
    except Refusal as refusal:
        words = str(refusal)
        if server.process.returncode < 0:
            return "refused", [f"ended by signal {-server.process.returncode}: {words[-600:]}"]
        if names(file, words, done):
            return "refused", []
        # A file that is gone or cut is known by those that witness it.
        if "END" in words and ("lacks commits" in words or "is not the one" in words or "missing" in words):
            return "refused by its witness", []
        return "refused", [f"refused without the file's name: {words[-600:]}"]
    try:
        wrong, _ = await read_everything(server, site.trial.world, ledger)
        writers = Writers(server, site.trial.world, ledger, rng)
        await writers.retry(rng.sample(ledger.of(ACKED), 40))
        wrong += ledger.contradictions
        if wrong:
            return "silent", wrong[:3]
    except (wire_client.Refused, *GONE) as error:
        words = server.words()
        if server.process.poll() is not None:
            return "at reading", [f"ended with {server.process.returncode}: {words[-600:]}"]
        if names(file, words, done):
            return "at reading", []
        return "at reading", [f"{type(error).__name__} {error}, and the log does not name the file: {words[-600:]}"]
    code = await server.stop()
    if code != 0:
        return "harmless", [f"exit {code} after reading: {server.words()[-600:]}"]
    try:
        server.verify()
        return "harmless", []
    except Refusal as refusal:
        if names(file, str(refusal) + server.words(), done) or "row" in str(refusal):
            return "verified", []
        return "verified", [f"verify does not name the file: {refusal}"]


async def run(ground):
    count = ground.count(40, 2000)
    tally, wrong, made = {}, [], 0
    left = count
    while left > 0 and len(wrong) < 20:
        site = await Site().make(ground)
        rng = site.trial.rng
        for file, way in plan(site, rng, min(left, 200)):
            folder = site.trial.folder / f"copy-{made}"
            server = Server(ground.build, folder)
            shutil.copytree(site.data, server.data, ignore=shutil.ignore_patterns("ballast"))
            done = damage(site, server.data, file, way, rng)
            if done is None:
                done = damage(site, server.data, file, "flip", rng)
            if done is None:
                shutil.rmtree(folder)
                left -= 1
                continue
            made, left = made + 1, left - 1
            try:
                outcome, findings = await asyncio.wait_for(judge(server, site, file, done, rng), 120)
            except Exception as error:
                outcome, findings = "unjudged", [f"{type(error).__name__}: {error}: {server.words()[-600:]}"]
            server.kill()
            Server.running.discard(server.process)
            tally[outcome] = tally.get(outcome, 0) + 1
            wrong += [f"{done}: {outcome}: {finding}" for finding in findings]
            if not findings:
                shutil.rmtree(folder)
        site.trial.wrong = wrong
        site.trial.close()
    silent = sum(": silent:" in w for w in wrong)
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in sorted(tally.items()))
    return [Result("I15", f"{made} damaged files: {outcomes}; {silent} silent", wrong)]
