# SPDX-License-Identifier: AGPL-3.0-or-later
"""I3: after a write or a sync has failed nothing more is acknowledged until the folder was opened again.

Each run arms one fault under load. What the server then may do depends on the fault:

    fatal       EIO (or EFBIG) on writing or syncing: no command sent after it is acknowledged; /readyz is not 200; reading goes on
    full        ENOSPC: refused until there is room, then accepted again without a restart
    harmless    SHORT, EINTR on writing, a slow disk: nobody notices
    undetected  LIE, then kill -9: nothing is lost, because the page cache outlives the process; no program can see this lie
                without a power cut (power.py shows what happens with one)

The end mark is synced by a thread of its own, at most each second, beside commits that are durable without it: for that one
case "after the fault" begins with the first refusal that a client has in hand, and the n-th call is one of the first two.
"""

import asyncio
import time

from ledger import ACKED
from trial import Result, Skipped, Trial

CASES = [   # mode, call, pieces, for ever, what follows
    ("EIO", "sync", ".log", False, "fatal"),
    ("EIO", "sync", ".log", True, "fatal"),
    ("EIO", "write", ".log", False, "fatal"),
    ("EIO", "write", ".log", True, "fatal"),
    ("EIO", "write", "/END", False, "fatal"),
    ("EIO", "sync", "/END", True, "fatal"),
    ("EINTR", "sync", ".log", False, "fatal"),
    ("ENOSPC", "sync", ".log", False, "full"),
    ("ENOSPC", "write", ".log", False, "full"),
    ("ENOSPC", "write", ".log", True, "full"),
    ("SHORT", "write", ".log", True, "harmless"),
    ("EINTR", "write", ".log", False, "harmless"),
    ("SLEEP", "sync", ".log", False, "harmless"),
    ("LIE", "sync", ".log", True, "undetected"),
]
PATIENCE = 60   # bound on waiting, for a machine that is busy with other things
OWN_FAULT = {"CONFLICT", "NOT_FOUND"}   # edits of what was deleted meanwhile


async def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        await asyncio.sleep(0.005)   # the shared page has no event


def refused(writers):
    """How many commands the server would not do for its own reasons."""
    return sum(number for member in writers.members for name, number in member.refusals.items() if name not in OWN_FAULT)


def noticed_ns(trial, beside):
    """From when on no command that is sent may be acknowledged; nothing while that has not begun."""
    if not beside:
        return trial.faults.fired_ns
    return min((member.unavailable_ns for member in trial.writers.members if member.unavailable_ns), default=None)


def sent_after(trial, instant_ns, known):
    return sum(entry.sent_ns > instant_ns for entry in list(trial.ledger.entries.values())[known:])


async def meet_fault(trial, case, tally):
    mode, call, pieces, forever, follows = case
    faults, writers = trial.faults, trial.writers
    beside = (call, pieces) == ("sync", "/END")
    await writers.start()
    await writers.until_acked(trial.rng.randrange(10, 60))
    faults.arm(mode, [call], trial.rng.randrange(1, 3 if beside else 12), forever, pieces, sleep_ms=300)
    refused_before = refused(writers)
    await until(lambda: faults.fired > 0, f"{mode} on {call} of {pieces}")
    known = len(trial.ledger.entries)
    if follows in ("harmless", "undetected"):
        await writers.until_acked(100)
        if trial.acked() == 0 or refused(writers) > refused_before:
            trial.wrong.append(f"{mode} on {call}: noticed by clients")
        return
    await until(lambda: noticed_ns(trial, beside) or all(t.done() for t in writers.tasks), "a refusal")
    # Enough commands that were sent after that to know what becomes of them.
    after_ns = noticed_ns(trial, beside) or faults.fired_ns
    await until(lambda: sent_after(trial, after_ns, known) > 50 or all(t.done() for t in writers.tasks),
                "commands after the fault")
    if follows == "fatal":
        if await trial.server.get("/readyz") == 200:
            trial.wrong.append(f"{mode} on {call} of {pieces}: /readyz still says 200")
        reader = trial.reader
        await reader.history(trial.world.clubs[0], trial.world.rooms[trial.world.clubs[0]][0])
        await writers.finish()
        for entry in trial.ledger.entries.values():
            if entry.state == ACKED and entry.sent_ns > after_ns:
                trial.wrong.append(f"FALSE ACK {(entry.sent_ns - after_ns) / 1e6:.2f} ms after {mode} on {call} of {pieces}: {entry}")
                tally["false"] += 1
        if mode == "EIO" and trial.server.process.poll() is not None:
            trial.wrong.append("the process ended by itself")
    else:
        trial.faults.disarm()
        await writers.finish()
        before = trial.acked()
        # Room again, without a restart: sending has to succeed within 30 s.
        deadline = time.monotonic() + trial.ground.within(30)
        while trial.acked() == before and time.monotonic() < deadline:
            await writers.start()
            await writers.until_acked(10, seconds=0.5)
            await writers.finish()
        if trial.acked() == before:
            trial.wrong.append(f"{mode} on {call} of {pieces}: posting did not come back by itself")
    tally["refused"] += refused(writers) - refused_before


async def one_run(ground, case, tally):
    trial = Trial(ground, f"errors-{case[0]}-{case[1]}")
    try:
        await trial.open()
        await meet_fault(trial, case, tally)
        if trial.rng.random() < 0.5 or case[4] == "undetected":
            await trial.crash()
        else:
            await trial.writers.finish()
            await trial.reader.close()
            await trial.server.stop()
        if ground.long:
            trial.faults.disarm()
            trial.server.verify()
        await trial.recover()
        await trial.retry()
        await trial.read_everything()
        await trial.server.stop()
        tally["acked"] += trial.acked()
        tally[case[4]] += 1
    except Exception as error:
        trial.wrong.append(f"{case[0]} on {case[1]} of {case[2]}: {type(error).__name__}: {error}")
    finally:
        wrong = trial.wrong
        trial.close()
    return wrong


async def run(ground):
    if not ground.library:
        raise Skipped("no C compiler for faults.c")
    runs = ground.count(len(CASES), 500)
    tally = dict.fromkeys(("false", "refused", "acked", "fatal", "full", "harmless", "undetected"), 0)
    wrong = []
    for number in range(runs):
        wrong += await one_run(ground, CASES[number % len(CASES)], tally)
        if len(wrong) > 20:
            break
    return [Result("I3", f"{runs} runs: {tally['fatal']} with a fatal error, {tally['full']} with a full disk, {tally['harmless']} "
                   f"harmless, {tally['refused']} commands refused, {tally['acked']} acknowledged: {tally['false']} false; "
                   f"{tally['undetected']} lies about fsync with kill -9: undetectable, and nothing lost", wrong)]
