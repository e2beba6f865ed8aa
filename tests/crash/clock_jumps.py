# SPDX-License-Identifier: AGPL-3.0-or-later
"""I24: the time of day jumps under load: an hour, ten years, back, to 1970, to 2038, over a leap second. No order changes,
nothing is lost, nothing ends; what lasts a while lasts by the monotonic clock, and what is revoked stays so."""

import asyncio
import calendar
import os
import time

import wire_client
from clock import Clock
from trial import Result, Skipped, Trial
from writers import GONE

HOUR, YEAR = 3600, 31557600
DEAD_MS = 1500


def instants():
    """Offsets, in the order in which the clock jumps. Absolute ones are made relative to now."""
    now = time.time()
    at = lambda text: calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")) - now   # noqa: E731
    return [("an hour on", HOUR), ("an hour back", -HOUR), ("ten years on", 10 * YEAR), ("ten years back", -10 * YEAR),
            ("1970", at("1970-01-01 00:00:02")), ("2038", at("2038-01-19 03:14:06")),
            ("a leap second", at("2016-12-31 23:59:59")), ("now", 0)]


async def jump(trial, clock, name, seconds):
    """The clock jumps in the middle of writing; thirty more commands must be acknowledged after it."""
    await trial.writers.until_acked(30)
    clock.move(seconds)
    before = trial.acked()
    await trial.writers.until_acked(60)
    if trial.server.process.poll() is not None:
        raise AssertionError(f"{name}: the server ended: {trial.server.words()[-600:]}")
    if trial.acked() < before + 30:
        trial.wrong.append(f"{name}: only {trial.acked() - before} commands were acknowledged after the jump")
    if all(task.done() for task in trial.writers.tasks):
        trial.wrong.append(f"{name}: the writers' connections ended")


async def sessions_end(trial, clock):
    """A silent connection is closed after dead_ms, whatever the clock says; a busy one is not; a revoked one stays out."""
    world, error = trial.world, wire_client.error_pb2
    silent = await wire_client.Client(trial.server.url).connect(world.tokens[0])
    busy = await wire_client.Client(trial.server.url).connect(world.tokens[1])
    started = time.monotonic()
    clock.move(-10 * YEAR)
    while not silent.reader.done():
        await busy.ask(heartbeat={})
        if time.monotonic() - started > trial.ground.within(10 * DEAD_MS / 1000):
            trial.wrong.append("a silent connection became immortal when the clock went back")
            break
        await asyncio.sleep(0.05)   # a heart beats in time
    clock.move(10 * YEAR)
    await busy.ask(heartbeat={})
    if silent.reader.done() and silent.socket.close_code != error.CLOSE_CODE_IDLE:
        trial.wrong.append(f"a silent connection was closed with {silent.socket.close_code}")
    victim = await wire_client.Client(trial.server.url).connect(world.tokens[2])
    clock.move(-HOUR)
    owner = await wire_client.Client(trial.server.url).connect(world.owner_token)
    await owner.ask(revoke_token={"token_id": victim.me.token_id, "account_id": world.accounts[2],
                                  "client_msg_id": os.urandom(16)})
    revoked = time.monotonic()
    if await victim.closed() != error.CLOSE_CODE_REVOKED or time.monotonic() - revoked > trial.ground.within(1.5):
        trial.wrong.append(f"a revoked session was closed with {victim.socket.close_code} after {time.monotonic() - revoked:.1f} s")
    for _, seconds in instants():
        clock.move(seconds)
        try:
            await wire_client.Client(trial.server.url).connect(world.tokens[2])
            trial.wrong.append("a revoked token was accepted after a jump")
        except wire_client.Refused:
            pass
        except GONE:
            pass
    for client in (busy, owner):
        client.socket.transport.abort()
        await client.reader


async def rates_hold(ground, tally):
    """A member's allowance is by the monotonic clock: no jump gives more than the time that really passed."""
    per_10s = 30
    trial = Trial(ground, "rates", posts=per_10s)
    clock = Clock(ground, trial.server)
    try:
        trial.server.start(more=clock.environment())
        await trial.server.ready()
        world = trial.world
        member = await wire_client.Client(trial.server.url).connect(world.tokens[0])
        club, accepted, refused = world.clubs[0], 0, 0
        started = time.monotonic()

        async def post():
            nonlocal accepted, refused
            try:
                await member.ask(post_message={"stream": world.stream(club), "room_id": world.rooms[club][0], "body": "tic",
                                               "client_msg_id": os.urandom(16)})
                accepted += 1
            except wire_client.Refused:
                refused += 1
        for _, seconds in [("begin", 0), *instants()]:
            clock.move(seconds)
            for _ in range(per_10s + 10 if seconds == 0 else 10):
                await post()
        allowed = per_10s + (time.monotonic() - started) * per_10s / 10 + 1
        tally["rate"] = f"{accepted} posts of {allowed:.0f} allowed"
        if accepted > allowed or accepted < per_10s or refused == 0:
            trial.wrong.append(f"rate limit under jumps: {accepted} accepted, {allowed:.1f} allowed, {refused} refused")
        member.socket.transport.abort()
        await member.reader
        assert await trial.server.stop() == 0
    except Exception as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        wrong = trial.wrong
        trial.close()
    return wrong


async def one_site(ground, tally):
    trial = Trial(ground, "clock")
    if not ground.has_faketime() and not ground.library:
        raise Skipped("neither libfaketime nor a C compiler")
    clock = Clock(ground, trial.server)
    tally["clock"] = clock.name
    try:
        trial.server.start(more=clock.environment())
        await trial.server.ready()
        await trial.reader.connect()
        await trial.reader.catch_up()
        trial.writers.set(pause=0.002)
        await trial.writers.start()
        for name, seconds in instants() * ground.count(1, 5):
            await jump(trial, clock, name, seconds)
            tally["jumps"] += 1
        await trial.writers.finish()
        await trial.reader.close()
        # A start in another time, over data of all times.
        for name, seconds in trial.rng.sample(instants(), ground.count(2, 8)):
            trial.server.kill()
            clock.move(seconds)
            await trial.recover_with(clock)
            await trial.writers.start()
            await trial.writers.until_acked(20)
            await trial.writers.finish()
            await trial.reader.close()
            tally["starts"] += 1
        await trial.reader.connect()
        await trial.retry()
        await trial.read_everything()
        assert await trial.server.stop() == 0
        trial.prove_rebuild()
    except Exception as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        wrong = trial.wrong
        tally["acked"] += trial.acked()
        trial.close()
    return wrong


async def mortal_sessions(ground):
    trial = Trial(ground, "sessions", limits=f"heartbeat_ms = 500\ndead_ms = {DEAD_MS}")
    clock = Clock(ground, trial.server)
    try:
        trial.server.start(more=clock.environment())
        await trial.server.ready()
        await sessions_end(trial, clock)
        assert await trial.server.stop() == 0
    except Exception as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        wrong = trial.wrong
        trial.close()
    return wrong


async def run(ground):
    tally = dict.fromkeys(("jumps", "starts", "acked"), 0)
    tally["clock"] = tally["rate"] = ""
    wrong = await one_site(ground, tally)
    wrong += await mortal_sessions(ground)
    wrong += await rates_hold(ground, tally)
    back = sum("time goes back" in w for w in wrong)
    return [Result("I24", f"{tally['jumps']} jumps under load by {tally['clock']}, {tally['starts']} starts in another time, "
                   f"{tally['acked']} acknowledged: {back} inversions; silent and revoked sessions ended; {tally['rate']}", wrong)]
