# SPDX-License-Identifier: AGPL-3.0-or-later
"""I1, I4, I14: kill -9 at random instants and at the n-th system call, running or starting; repeats; rebuild equals state."""

import asyncio

from clock import Clock
from newcomers import Newcomers
from trial import Result, Trial

PER_LIFE = 25   # kills before a new site begins, so that each whole comparison stays short
DATA = "/rows/|/END"
SIX_DAYS = 6 * 86400


class Plan:
    """Which kill comes next: a third at random instants, a third at the n-th call under load, a third at a start's n-th."""

    def __init__(self, rng, flushes):
        self.rng, self.next_n, self.flushes = rng, {}, flushes

    def nth(self, what, step):
        self.next_n[what] = self.next_n.get(what, 0) + step
        return self.next_n[what]

    def running(self, large):
        if large and self.flushes > 0 and self.rng.random() < 0.5:
            self.flushes -= 1   # each takes as many writes as fill a buffer
            # Flushing and compaction: new files, the manifest, old files' end.
            return ["write", "sync", "rename", "open", "unlink"], ".sst|MANIFEST|.dbtmp", self.nth("files", self.rng.randrange(1, 6))
        call = self.rng.choice(["write", "sync", "write", "sync", "any"])
        pieces = self.rng.choice([DATA, ".log", "/END"]) if call != "any" else DATA
        calls = ["sync", "rename", "open", "truncate", "unlink", "allocate"] if call == "any" else [call]
        return calls, pieces, self.nth((call, pieces), self.rng.randrange(1, 4))

    def starting(self):
        return ["write", "sync", "rename", "open", "truncate", "unlink", "allocate"], DATA, self.nth("start", 1)


async def one_life(ground, trial, plan, kills, tally):
    await trial.open()
    newcomers = Newcomers(trial.server, trial.world)
    await newcomers.prepare()
    for number in range(kills):
        how = ("random", "call", "start")[number % 3]
        await trial.writers.start()
        coming = asyncio.create_task(newcomers.come(trial.writers.stop))
        if how == "call":
            calls, pieces, n = plan.running(trial.large)
            trial.writers.set(heavy=".sst" in pieces)
            trial.faults.arm(trial.rng.choice(["KILL", "KILL_AFTER", "KILL_TORN"]), calls, n, pieces=pieces)
            await trial.writers.until_acked(5000 if ".sst" in pieces else 500, seconds=3 if ".sst" in pieces else 1.5)
            trial.writers.set()
            tally["at the n-th call"] += trial.faults.fired > 0
            tally["in a flush"] += trial.faults.fired > 0 and ".sst" in pieces
            tally["at random"] += trial.faults.fired == 0
        else:
            await trial.writers.until_acked(trial.rng.randrange(1, 60))
            await asyncio.sleep(trial.rng.random() * 0.02)   # the instant is meant to be random
            tally["at random"] += how == "random"
        await trial.crash()
        await coming
        if how == "start":
            # The crash before leaves a log to recover; the next process dies while it does that.
            calls, pieces, n = plan.starting()
            trial.faults.arm(trial.rng.choice(["KILL", "KILL_AFTER", "KILL_TORN"]), calls, n, pieces=pieces)
            trial.server.start()
            try:
                await trial.server.ready()
                plan.next_n["start"] = 0   # a start has fewer calls: begin again
                tally["at random"] += 1
            except AssertionError:
                raise
            except Exception:
                tally["while starting"] += 1
            trial.server.kill()
        trial.faults.disarm()
        if ground.long or number % 8 == 7:
            trial.server.verify()
            tally["verified"] += 1
        await trial.recover()
        await trial.retry(most=ground.count(60, 200))
        await newcomers.again()
    await trial.read_everything()
    trial.wrong += await newcomers.compare()
    tally["newcomers"] += len(newcomers.people)
    assert await trial.server.stop() == 0
    trial.prove_rebuild()
    tally["rebuilt"] += 1


async def six_days_later(ground, trial, tally):
    """The same repeats with the clock six days further, and once more when it is right again."""
    clock = Clock(ground, trial.server)
    clock.move(SIX_DAYS)
    await trial.recover_with(clock)
    await trial.retry(share=ground.count(1, 1), most=ground.count(500, 2000))
    await trial.read_everything()
    assert await trial.server.stop() == 0
    tally["clock"] = clock.name


async def run(ground):
    kills = ground.count(51, 1000)
    tally = dict.fromkeys(("at random", "at the n-th call", "in a flush", "while starting", "verified", "rebuilt", "newcomers"), 0)
    tally["clock"] = "not moved"
    plan = Plan(ground.rng, flushes=ground.count(2, 1000))
    acked = retries = 0
    wrong = []
    left = kills
    while left > 0 and not wrong:
        # Every third site has large messages, so that buffers are flushed and files written while it is killed.
        large = (kills - left) // PER_LIFE % 3 == 1
        trial = Trial(ground, "kills", largest=15000 if large else 1500)
        trial.large = large
        try:
            await one_life(ground, trial, plan, min(left, PER_LIFE), tally)
            if left == kills or ground.long:
                await six_days_later(ground, trial, tally)
        except Exception as error:
            trial.wrong.append(f"{type(error).__name__}: {error}")
        finally:
            wrong += trial.wrong
            acked, retries = acked + trial.acked(), retries + trial.retries
            trial.close()
        left -= PER_LIFE
    lost = sum(w.startswith("LOST") for w in wrong)
    twice = sum("twice" in w or "repeat" in w for w in wrong)
    state = [w for w in wrong if "rebuilding" in w or "Refusal" in w]
    where = f"{tally['at random']} at random, {tally['at the n-th call']} at the n-th call "
    where += f"({tally['in a flush']} of a flush), {tally['while starting']} while starting"
    return [
        Result("I1", f"{kills} kills ({where}), {acked} commands and {tally['newcomers']} newcomers acknowledged: {lost} "
               f"lost, {twice} twice", wrong),
        Result("I4", f"{retries} repeats after faults and six days later ({tally['clock']}): {twice} duplicates",
               [w for w in wrong if "twice" in w or "repeat" in w]),
        Result("I14", f"{tally['verified']} crashed sites verified, {tally['rebuilt']} rebuilt with the same hash", state),
    ]
