# SPDX-License-Identifier: AGPL-3.0-or-later
"""I2: the power is cut under load, on ext4 and on xfs; what was acknowledged is there after the next mount.

With a disk that lies about fsync (faults.c: LIE) before the cut, the end mark shows it: the server refuses, by name.
"""

import asyncio
import time

import volumes
from server import Refusal
from trial import Result, Skipped, Trial


async def cut_at_call(trial, volume, tally):
    """At the n-th call, by the process itself, which ends with it: every answer that was sent is held against the disk."""
    mode = trial.rng.choice(["CUT", "CUT_AFTER"])
    call = trial.rng.choice(["sync", "sync", "write", "any"])
    calls = ["sync", "rename", "open", "truncate", "unlink"] if call == "any" else [call]
    trial.faults.arm(mode, calls, trial.rng.randrange(1, 60), pieces="/rows/|/END", volume=volume.folder)
    await trial.writers.start()
    await trial.writers.until_acked(5000, seconds=1.5)
    if not trial.faults.fired:
        return False
    await trial.server.ended()
    await trial.crash()
    tally["at a call"] += 1
    return True


async def cut_at_random(trial, volume, tally):
    """From outside, while the server goes on. The kernel may let an fdatasync that meets the shutdown half-way succeed, so
    what arrives after the cut is not held against the disk."""
    if trial.faults:
        trial.faults.disarm()
    if not trial.writers.tasks or all(t.done() for t in trial.writers.tasks):
        await trial.writers.start()
    await trial.writers.until_acked(trial.rng.randrange(1, 150))
    await asyncio.sleep(trial.rng.random() * 0.05)   # the instant is meant to be random
    trial.reader.take_in()
    instant = time.monotonic_ns()
    volume.cut_power()
    await trial.crash(take_in=False)
    tally["late"] += trial.ledger.forget_after(instant)


async def cut(trial, volume, number, tally):
    if not (trial.faults and number % 2 == 0 and await cut_at_call(trial, volume, tally)):
        await cut_at_random(trial, volume, tally)
    volume.unmount()
    volume.mount()


async def one_site(ground, kind, cuts, tally):
    volume = volumes.Volume(ground.workspace / f"power-{kind}-{ground.trials}", kind)
    trial = Trial(ground, f"power-{kind}", data=volume.folder / "data", largest=6000)
    try:
        volume.sync()   # the copied template is not the server's business
        await trial.open()
        for number in range(cuts):
            await cut(trial, volume, number, tally)
            if ground.long or number == cuts - 1:
                trial.server.verify()
                tally["verified"] += 1
            await trial.recover()
            await trial.retry(most=100)
            tally[kind] += 1
        await trial.read_everything()
        assert await trial.server.stop() == 0
        trial.prove_rebuild()
    except Exception as error:
        trial.wrong.append(f"{kind}: {type(error).__name__}: {error}")
    finally:
        tally["acked"] += trial.acked()
        wrong = trial.wrong
        trial.close()
        volume.close()
    return wrong


async def one_lie(ground, kind, tally):
    """fdatasync of the write-ahead file does nothing, then the power goes: acknowledged commits are gone, and that is said."""
    volume = volumes.Volume(ground.workspace / f"lie-{kind}-{ground.trials}", kind)
    trial = Trial(ground, f"lie-{kind}", data=volume.folder / "data")
    wrong = []
    try:
        volume.sync()
        await trial.open()
        trial.faults.arm("LIE", ["sync"], forever=True, pieces=".log")
        await trial.writers.start()
        await trial.writers.until_acked(300)
        marks, deadline = trial.faults.marks, time.monotonic() + 60
        while trial.faults.marks < marks + 2:   # one may have begun before the lies
            if time.monotonic() > deadline:
                raise AssertionError("the end mark is not made durable")
            await asyncio.sleep(0.02)   # the shared page has no event
        volume.cut_power()
        await trial.crash()
        volume.unmount()
        volume.mount()
        trial.faults.disarm()
        trial.server.start()
        try:
            await trial.server.ready()
            await trial.look_again()
            lost = trial.lost()
            if lost:
                wrong = [f"{kind}: the disk lied, {lost} acknowledged commands are gone, and the server says nothing"]
            tally["lies without loss"] += 1
        except Refusal as refusal:
            if "END" not in str(refusal):
                wrong = [f"{kind}: a lying disk is refused without naming a file: {refusal}"]
            tally["lies refused"] += 1
    finally:
        trial.wrong = wrong
        trial.close()
        volume.close()
    return wrong


async def run(ground):
    cuts = ground.count(5, 100)
    tally = dict.fromkeys(("ext4", "xfs", "at a call", "late", "acked", "verified", "lies refused", "lies without loss"), 0)
    wrong, missing = [], []
    for kind in ("ext4", "xfs"):
        if why := volumes.why_not(kind, ground.workspace):
            missing.append(why)
            continue
        for _ in range(0, cuts, 25):
            wrong += await one_site(ground, kind, min(25, cuts), tally)
        if ground.library:
            wrong += await one_lie(ground, kind, tally)
    if len(missing) == 2:
        raise Skipped("; ".join(missing))
    lost = sum("LOST" in w for w in wrong)
    words = (f"{tally['ext4']} power cuts on ext4, {tally['xfs']} on xfs ({tally['at a call']} at the n-th call), {tally['acked']} "
             f"acknowledged: {lost} lost ({tally['late']} answers that came after the cut not counted), "
             f"{tally['verified']} verified; a disk that lies about fsync: {tally['lies refused']} refused by name, "
             f"{tally['lies without loss']} lost nothing")
    return [Result("I2", "; ".join([words, *(f"skipped: {why}" for why in missing)]), wrong)]
