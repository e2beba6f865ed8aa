# SPDX-License-Identifier: AGPL-3.0-or-later
"""I17: a backup under load restores elsewhere to a verified prefix of the log that holds everything acknowledged before it was
asked for; kill -9 during a backup leaves the earlier ones valid, and nothing half-made under a final name."""

import asyncio
import shutil
import time

import wire_client
from ledger import ACKED
from server import Server
from trial import Result, Trial
from writers import GONE, Reader


async def ask_backup(trial, name):
    """Answers the reply, or nothing when the server died of it."""
    owner = await wire_client.Client(trial.server.url).connect(trial.world.owner_token)
    try:
        return await owner.ask(create_backup={"name": name})
    except GONE:
        return None
    finally:
        owner.socket.transport.abort()
        await owner.reader


async def compare_restored(trial, name, promised, truth):
    """Restores one backup into a new folder, serves it, and holds it against the ledger and the live site's log."""
    elsewhere = Server(trial.ground.build, trial.folder / f"restored-{name}")
    elsewhere.offline("restore", trial.server.backups / name, "--data", elsewhere.data)
    elsewhere.verify()
    elsewhere.start()
    await elsewhere.ready()
    try:
        reader = await Reader(elsewhere, trial.world).connect()
        await reader.catch_up()
        wrong = list(reader.problems)
        for club, log in reader.logs.items():
            if log.order != truth.logs[club].order[:len(log.order)]:
                wrong.append(f"backup {name}: club {club} is no prefix of the live log")
            for room in trial.world.rooms[club]:
                wrong += log.compare_history(room, await reader.history(club, room))
            wrong += [f"backup {name}: {w}" for w in log.compare(trial.ledger, promised)]
            # What lies after the copy's instant is not in it; what was acknowledged before, is.
        await reader.close()
        return wrong
    finally:
        elsewhere.kill()
        Server.running.discard(elsewhere.process)
        shutil.rmtree(elsewhere.folder)


async def under_load(trial, count, tally):
    promised = {}
    for number in range(count):
        name = f"charge-{number}"
        await trial.writers.until_acked(trial.rng.randrange(50, 200))
        promised[name] = list(trial.ledger.of(ACKED))
        answer = await ask_backup(trial, name)
        if answer is None:
            trial.wrong.append("the server ended during a backup")
            return promised
        tally["entries"] += answer.entries
        tally["slowest_ms"] = max(tally["slowest_ms"], answer.took_ms)
    return promised


async def killed(trial, number, took_ms, tally):
    """kill -9 at a random instant of a backup's making."""
    name = f"coupe-{number}"
    await trial.writers.start()
    await trial.writers.until_acked(30)
    before = list(trial.ledger.of(ACKED))
    asked = asyncio.create_task(ask_backup(trial, name))
    await asyncio.sleep(trial.rng.random() * took_ms / 1000 * 1.1)   # the instant is meant to be random
    await trial.crash()
    await asked
    await trial.recover()
    await trial.retry(most=50)
    tally["kills"] += 1
    made = (trial.server.backups / name).exists()
    tally["finished before the kill"] += made
    return {name: before} if made else {}


async def run(ground):
    trial = Trial(ground, "backups", faults=False, largest=4000)
    tally = dict.fromkeys(("entries", "slowest_ms", "kills", "finished before the kill", "restored"), 0)
    try:
        await trial.open()
        await trial.writers.start()
        promised = await under_load(trial, ground.count(2, 20), tally)
        await trial.writers.finish()
        for number in range(ground.count(3, 20)):
            promised |= await killed(trial, number, tally["slowest_ms"], tally)
        again = time.monotonic()
        after = await ask_backup(trial, "apres")   # the leftovers of a killed one are in nobody's way
        promised["apres"] = list(trial.ledger.of(ACKED))
        if after is None:
            trial.wrong.append(f"no backup after the kills ({time.monotonic() - again:.1f} s)")
        truth = await trial.read_everything()
        there = {p.name for p in trial.server.backups.iterdir() if not p.name.startswith(".")}
        if there != set(promised):
            trial.wrong.append(f"backups there: {sorted(there)}, expected: {sorted(promised)}")
        for name in sorted(there & set(promised)):
            trial.wrong += await compare_restored(trial, name, promised[name], truth)
            tally["restored"] += 1
        assert await trial.server.stop() == 0
    except Exception as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        wrong = trial.wrong
        trial.close()
    return [Result("I17", f"{tally['restored']} backups made under load restored, verified and found to be a prefix with all that "
                   f"was acknowledged before; {tally['kills']} kills during a backup, {tally['finished before the kill']} of which "
                   f"came after it was complete; slowest {tally['slowest_ms']} ms", wrong)]
