# SPDX-License-Identifier: AGPL-3.0-or-later
"""I16: the disk is full. Posts are refused with a clear code, reading and live delivery go on, nothing aborts, and it comes
back by itself within 30 s; a start on the full disk works.

    floor     a small disk is filled up to below storage.free_space_floor_mib
    brim      the same with no floor: RocksDB meets ENOSPC itself
    start     stopped and started while it is full
    shrink    a tmpfs is remounted smaller than what it holds, as a quota would
    inodes    no inode is left, so that no new file can be made
    limit     RLIMIT_FSIZE of the running process: its files may not grow
"""

import asyncio
import contextlib
import os
import resource
import time

import volumes
import wire_client
from trial import Result, Skipped, Trial
from server import Refusal

BACK_SECONDS = 30   # what the promise allows
PATIENCE = 120      # bound on waiting for what must come, for a machine that is busy with other things
CLEAR = {"NO_SPACE", "UNAVAILABLE", "RATE_LIMITED", "CONFLICT", "NOT_FOUND"}   # the last two: edits of what was deleted meanwhile


async def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        await asyncio.sleep(0.01)   # waits for what the server does with a disk, which has no event


def refusals(trial):
    total = {}
    for member in trial.writers.members:
        for name, number in member.refusals.items():
            total[name] = total.get(name, 0) + number
    return total


async def reads_and_hears(trial):
    """History and catching up from 0 work; a signal reaches a live connection. (Nothing is committed, so no event can.)"""
    world = trial.world
    club, room = world.clubs[0], world.rooms[world.clubs[0]][0]
    listener = wire_client.Client(trial.server.url, capabilities=1)
    await listener.connect(world.tokens[1])
    stream = wire_client.Stream(world.stream(club))
    await listener.subscribe(stream)
    typist = await wire_client.Client(trial.server.url).connect(world.tokens[0])
    await typist.ask(get_history={"stream": world.stream(club), "room_id": room, "before": 50})
    await typist.ask(set_typing={"stream": world.stream(club), "room_id": room})
    await listener.until(lambda: any(s.HasField("typing") for s in listener.signals))
    for client in (listener, typist):
        client.socket.transport.abort()
        await client.reader
    await trial.reader.close()
    await trial.reader.connect()
    if not await trial.reader.catch_up():
        trial.wrong += trial.reader.problems


async def comes_back(trial, tally):
    """Posting works again without a restart."""
    started, before = time.monotonic(), trial.acked()
    while trial.acked() < before + 20:
        if time.monotonic() - started > trial.ground.within(BACK_SECONDS):
            trial.wrong.append(f"posting did not come back within {trial.ground.within(BACK_SECONDS)} s: {refusals(trial)}")
            return
        await trial.writers.start()
        await trial.writers.until_acked(20, seconds=0.5)
        await trial.writers.finish()
    tally["slowest"] = max(tally["slowest"], time.monotonic() - started)


async def is_refused(trial, way):
    """Waits until posts are refused for want of space; meanwhile only clear codes are answered."""
    before = refusals(trial)
    await until(lambda: refusals(trial).get("NO_SPACE", 0) > before.get("NO_SPACE", 0) + 20 or
                all(t.done() for t in trial.writers.tasks), f"{way}: NO_SPACE; refused so far: {refusals(trial)}")
    await trial.writers.finish()
    unclear = set(refusals(trial)) - CLEAR
    if unclear:
        trial.wrong.append(f"{way}: refused with {unclear}")


async def one_cycle(trial, volume, way, tally):
    rng, server = trial.rng, trial.server
    trial.writers.set(heavy=rng.random() < 0.5)
    await trial.writers.start()
    await trial.writers.until_acked(rng.randrange(5, 200))
    if way == "limit":
        await under_limit(trial, tally)
    elif way == "inodes":
        volume.fill_inodes()
        # The open write-ahead file still takes posts; when it is time to flush, which makes files, they are refused.
        trial.writers.set(heavy=True)
        await is_refused(trial, way)
        await reads_and_hears(trial)
    else:
        if way == "shrink":
            volumes.run("mount", "-o", f"remount,size={max(1, used_bytes(volume) >> 10)}k", volume.folder)
        else:
            volume.fill(leave=rng.choice([0, 0, 300_000, 900_000]) if way != "brim" else 0)
        await is_refused(trial, way)
        await reads_and_hears(trial)
        if way == "start":
            await trial.reader.close()
            if rng.random() < 0.5:
                server.kill()
            elif await server.stop() != 0:
                trial.wrong.append(f"SIGTERM on the full disk: exit {server.process.returncode}")
            volume.fill()
            server.start()
            await server.ready(listening=True)
            tally["starts on a full disk"] += 1
            await trial.writers.start()
            await is_refused(trial, "after a start")
            await reads_and_hears(trial)
    if server.process.poll() is not None:
        trial.wrong.append(f"{way}: the process ended with {server.process.returncode}: {server.words()[-600:]}")
        return
    trial.writers.set()
    if way == "shrink":
        volumes.run("mount", "-o", f"remount,size={volume.megabytes}m", volume.folder)
    volume.make_room()
    await comes_back(trial, tally)
    # And all of it is there after a crash.
    await trial.crash()
    await trial.recover()
    await trial.retry(most=50)


def used_bytes(volume):
    facts = os.statvfs(volume.folder)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


def sizes_below(folder):
    """Of the files there; compaction may take one away under the look."""
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path.stat().st_size


async def under_limit(trial, tally):
    """No file may grow beyond what the largest one has now."""
    pid = trial.server.process.pid
    largest = max(sizes_below(trial.server.data))
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + 20000, hard))
    trial.writers.set(heavy=True)
    await until(lambda: sum(refusals(trial).values()) > 30 or all(t.done() for t in trial.writers.tasks),
                f"refusals under RLIMIT_FSIZE; so far {refusals(trial)}")
    await trial.writers.finish()
    if unclear := set(refusals(trial)) - CLEAR:
        trial.wrong.append(f"limit: refused with {unclear}")
    await reads_and_hears(trial)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    tally["limits"] += 1


WAYS = [("ext4", "floor"), ("tmpfs", "brim"), ("ext4", "start"), ("tmpfs", "shrink"), ("ext4", "inodes"), ("tmpfs", "limit"),
        ("ext4", "brim"), ("tmpfs", "start")]


async def one_site(ground, kind, way, cycles, tally):
    few_inodes = ("-N", "256") if way == "inodes" and kind == "ext4" else ()
    volume = volumes.Volume(ground.workspace / f"full-{way}-{ground.trials}", kind, 200 if way == "inodes" else 40,
                            format_options=few_inodes)
    floor = 0 if way in ("brim", "limit", "inodes") else 4
    trial = Trial(ground, f"full-{way}", data=volume.folder / "data", faults=False, largest=15000 if way == "inodes" else 6000, floor=floor, ballast=2)
    try:
        await trial.open()
        for _ in range(cycles):
            await one_cycle(trial, volume, way, tally)
            tally["cycles"] += 1
        await trial.read_everything()
        assert await trial.server.stop() == 0
        trial.prove_rebuild()
    except (Exception, Refusal) as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        tally["acked"] += trial.acked()
        wrong = [f"{kind}, {way}: {w}" for w in trial.wrong]
        trial.close()
        volume.close()
    return wrong


async def run(ground):
    missing = [why for kind in ("ext4", "tmpfs") if (why := volumes.why_not(kind, ground.workspace))]
    if missing:
        raise Skipped("; ".join(missing))
    tally = dict.fromkeys(("cycles", "acked", "starts on a full disk", "limits", "slowest"), 0)
    wrong = []
    for kind, way in WAYS if ground.long else WAYS[:6]:
        wrong += await one_site(ground, kind, way, ground.count(1, 7), tally)
    lost = sum("LOST" in w for w in wrong)
    return [Result("I16", f"{tally['cycles']} full disks on ext4 and tmpfs (floor, brim, shrinking, inodes, RLIMIT_FSIZE), "
                   f"{tally['starts on a full disk']} starts on one, {tally['acked']} acknowledged: {lost} lost, back after at most "
                   f"{tally['slowest']:.1f} s", wrong)]
