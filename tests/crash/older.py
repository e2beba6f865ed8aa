# SPDX-License-Identifier: AGPL-3.0-or-later
"""Data folders of older releases, kept in older/ with what their clients knew: each opens under this release, holds what was
acknowledged then, and goes on. `run --write-older FILE` makes one of the release that is being replaced."""

import json
import pathlib
import tarfile

from ledger import ACKED, Entry
from server import World
from trial import Trial
from writers import read_everything

KEPT = pathlib.Path(__file__).resolve().parent / "older"


async def write(ground, file):
    """A killed site, so that its write-ahead file is part of what has to be understood."""
    trial = Trial(ground, "older", faults=False, largest=300)
    await trial.open()
    for part in ("flushed", "live"):
        await trial.writers.start()
        await trial.writers.until_acked(20)
        await trial.writers.finish()
        await trial.reader.close()
        if part == "flushed":
            assert await trial.server.stop() == 0
            trial.server.start()
            await trial.server.ready()
    trial.server.kill()
    (trial.server.data / "ballast").unlink(missing_ok=True)
    world = trial.world
    facts = {"clubs": world.clubs, "rooms": {str(club): rooms for club, rooms in world.rooms.items()}, "accounts": world.accounts,
             "tokens": [token.hex() for token in world.tokens], "owner": world.owner_token.hex(),
             "entries": [[e.id.hex(), e.kind, e.actor, e.club, e.room, e.number, e.body, e.state, e.seq, e.object]
                         for e in trial.ledger.entries.values()]}
    (trial.folder / "facts.json").write_text(json.dumps(facts))
    with tarfile.open(file, "w:gz") as packed:
        packed.add(trial.server.data, "data")
        packed.add(trial.folder / "facts.json", "facts.json")
    trial.close()


def unpack(trial, file):
    """Puts the folder in the place of the trial's own, and its ledger and world too."""
    with tarfile.open(file) as packed:
        packed.extractall(trial.folder / "unpacked")
    trial.server.data.rename(trial.folder / "fresh")
    (trial.folder / "unpacked/data").rename(trial.server.data)
    facts = json.loads((trial.folder / "unpacked/facts.json").read_text())
    world = World()
    world.clubs, world.accounts = facts["clubs"], facts["accounts"]
    world.rooms = {int(club): rooms for club, rooms in facts["rooms"].items()}
    world.tokens, world.owner_token = [bytes.fromhex(token) for token in facts["tokens"]], bytes.fromhex(facts["owner"])
    for known in facts["entries"]:
        entry = Entry(bytes.fromhex(known[0]), *known[1:7], 0)
        entry.state, entry.seq, entry.object = known[7:10]
        trial.ledger.entries[entry.id] = entry
    trial.world = trial.writers.world = trial.reader.world = world
    for member in trial.writers.members:
        member.world = world
    trial.reader.__init__(trial.server, world)


async def check(ground, file):
    """Opens it, reads it back, repeats some of it, writes, and verifies."""
    trial = Trial(ground, f"older-{file.name}", faults=False)
    try:
        unpack(trial, file)
        await trial.open()
        wrong, _ = await read_everything(trial.server, trial.world, trial.ledger)
        trial.wrong += wrong
        await trial.retry(share=1)
        await trial.writers.start()
        await trial.writers.until_acked(30)
        await trial.writers.finish()
        await trial.read_everything()
        assert await trial.server.stop() == 0
        trial.prove_rebuild()
    except Exception as error:
        trial.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        wrong = [f"{file.name}: {w}" for w in trial.wrong]
        acked = trial.ledger.count(ACKED)
        trial.close()
    return wrong, acked
