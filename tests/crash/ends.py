# SPDX-License-Identifier: AGPL-3.0-or-later
"""I32: SIGTERM drains: what was acknowledged is durable, clients are told when to come back, the process ends within 5 s; a
second SIGTERM ends it at once; one during recovery does no harm. A folder of a newer format is refused with both numbers,
and is as good as before afterwards."""

import asyncio
import shutil
import signal
import struct
import time

import older
import wire_client
from server import Refusal, Server
from trial import Result, Trial

DRAIN_SECONDS = 5


async def drain(trial, tally):
    """SIGTERM under load, then a start: a rolling restart."""
    await trial.writers.start()
    await trial.writers.until_acked(trial.rng.randrange(20, 150))
    started = time.monotonic()
    code = await trial.server.stop()
    took = time.monotonic() - started
    tally["slowest"] = max(tally["slowest"], took)
    if code != 0 or took > trial.ground.within(DRAIN_SECONDS):
        trial.wrong.append(f"SIGTERM: exit {code} after {took:.1f} s")
    clients = [member.client for member in trial.writers.members] + [trial.reader.client]
    for client in clients:
        await asyncio.wait_for(client.reader, wire_client.PATIENCE)
        goodbye, going = client.goodbye, wire_client.error_pb2.CLOSE_CODE_GOING_AWAY
        if goodbye is None or goodbye.close_code != going or client.socket.close_code != going:
            trial.wrong.append(f"a client was not told: {goodbye}, closed with {client.socket.close_code}")
        elif goodbye.reconnect_after_ms == 0:
            trial.wrong.append("a client was not told when to come back")
        else:
            tally["hints"].add(goodbye.reconnect_after_ms)
    await trial.crash()
    await trial.recover()
    await trial.retry(most=50)
    tally["drains"] += 1


async def twice(trial, tally):
    """A reader that takes nothing keeps the drain waiting; the second signal does not wait for it."""
    stalled = await wire_client.Client(trial.server.url).connect(trial.world.tokens[1])
    stalled.socket.transport.pause_reading()
    await trial.writers.start()
    await trial.writers.until_acked(50)
    trial.server.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(trial.rng.random() * 0.05)   # the second comes at a random instant of the drain
    started = time.monotonic()
    trial.server.process.send_signal(signal.SIGTERM)
    code = await trial.server.ended()
    took = time.monotonic() - started
    # 143: it was cut short; 0: the drain was over already; -15: the signal came before the first was taken up.
    if code not in (0, 143, -15) or took > trial.ground.within(1.5):
        trial.wrong.append(f"SIGTERM twice: exit {code} after {took:.1f} s")
    tally["cut short"] += code == 143
    stalled.socket.transport.abort()
    await trial.crash()
    await trial.recover()
    await trial.retry(most=50)
    tally["twice"] += 1


async def while_starting(trial, tally):
    """kill -9 leaves a log to recover; SIGTERM comes at a random instant of that."""
    await trial.writers.start()
    await trial.writers.until_acked(100)
    await trial.crash()
    trial.server.start()
    await asyncio.sleep(trial.rng.random() * 0.2)   # the instant is meant to be random
    started = time.monotonic()
    code = await trial.server.stop()
    took = time.monotonic() - started
    if code not in (0, -15, 143) or took > trial.ground.within(DRAIN_SECONDS):
        trial.wrong.append(f"SIGTERM while starting: exit {code} after {took:.1f} s: {trial.server.words()[-400:]}")
    await trial.recover()
    await trial.retry(most=50)
    tally["while starting"] += 1


# A record of RocksDB's write-ahead file, by its published format: crc (masked crc32c of type and content), size, type;
# the content is sequence:u64 count:u32 and then one Put of the default family: 1 key-length key value-length value.

def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def append_put(file, key, value):
    """Appends a Put to a write-ahead file, after the highest sequence number in it."""
    content = file.read_bytes()
    at, highest = 0, 0
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        size, kind = struct.unpack_from("<HB", content, at + 4)
        if kind in (1, 2) and size >= 12:   # a whole record, or the first part of one
            sequence, count = struct.unpack_from("<QI", content, at + 7)
            highest = max(highest, sequence + count)
        at += 7 + size
    assert highest > 0 and at == len(content), "the write-ahead file is not as it was described"
    batch = struct.pack("<QI", highest + 1, 1) + bytes([1, len(key)]) + key + bytes([len(value)]) + value
    if 32768 - at % 32768 < 7 + len(batch):
        content += bytes(32768 - at % 32768)
    masked = crc32c(b"\x01" + batch)
    masked = ((masked >> 15 | masked << 17) + 0xA282EAD8) & 0xFFFFFFFF
    file.write_bytes(content + struct.pack("<IHB", masked, len(batch), 1) + batch)


async def newer_format(ground, trial, tally):
    """A copy of the crashed site says that a newer release wrote it."""
    await trial.writers.start()
    await trial.writers.until_acked(50)
    await trial.crash()
    newer = Server(ground.build, trial.folder / "newer")
    shutil.copytree(trial.server.data, newer.data, ignore=shutil.ignore_patterns("ballast"))
    live = max((newer.data / "rows").glob("*.log"), key=lambda p: p.stat().st_size)
    append_put(live, b"format", struct.pack(">I", 77))
    before = sorted((p.relative_to(newer.data), p.read_bytes()) for p in newer.data.rglob("*") if p.is_file())
    newer.start()
    try:
        await newer.ready()
        trial.wrong.append("a folder of format 77 was opened")
    except Refusal as refusal:
        if "77" not in str(refusal) or "reads up to" not in str(refusal):
            trial.wrong.append(f"a newer folder is refused without the numbers: {refusal}")
    newer.kill()
    after = sorted((p.relative_to(newer.data), p.read_bytes()) for p in newer.data.rglob("*") if p.is_file())
    if before != after:
        trial.wrong.append("the refused newer folder was changed")
    tally["newer refused"] += 1
    await trial.recover()
    await trial.retry(most=50)


async def run(ground):
    trial = Trial(ground, "ends")
    older_wrong, older_count = [], 0
    tally = dict.fromkeys(("slowest", "drains", "twice", "cut short", "while starting", "newer refused"), 0)
    tally["hints"] = set()
    try:
        await trial.open()
        for _ in range(ground.count(3, 20)):
            await drain(trial, tally)
        for _ in range(ground.count(2, 20)):
            await twice(trial, tally)
        for _ in range(ground.count(3, 40)):
            await while_starting(trial, tally)
        await newer_format(ground, trial, tally)
        await trial.read_everything()
        assert await trial.server.stop() == 0
        trial.prove_rebuild()
        if len(tally["hints"]) < 3:
            trial.wrong.append(f"the hints are not spread: {sorted(tally['hints'])}")
    except Exception as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        wrong = trial.wrong
        trial.close()
    for file in sorted(older.KEPT.glob("*.tar.gz")):
        found, _ = await older.check(ground, file)
        older_wrong += found
        older_count += 1
    wrong = wrong + older_wrong
    return [Result("I32", f"{tally['drains']} drains under load (slowest {tally['slowest']:.1f} s, all told, {len(tally['hints'])} "
                   f"different hints), {tally['twice']} SIGTERM twice ({tally['cut short']} cut short), {tally['while starting']} while "
                   f"starting, {older_count} folders of older releases opened, a newer format refused; {trial.acked()} acknowledged: {trial.lost()} lost", wrong)]
