# SPDX-License-Identifier: AGPL-3.0-or-later
"""The time of day that a server sees: by libfaketime's file where the build survives it, else by faults.c."""

from trial import FAKETIME


class Clock:
    def __init__(self, ground, server):
        self.server, self.by_faketime = server, ground.has_faketime()
        self.file = server.folder / "time"
        self.name = "libfaketime" if self.by_faketime else "faults.c's clock"
        if not self.by_faketime and server.faults is None:
            raise AssertionError("without libfaketime the clock needs faults.c")
        self.move(0)

    def environment(self):
        if not self.by_faketime:
            return {}
        return {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def move(self, seconds):
        """So far from now on; takes effect at the server's next look."""
        self.seconds = seconds
        if self.by_faketime:
            fresh = self.file.with_suffix(".new")
            fresh.write_text(f"{int(seconds):+d}\n")
            fresh.rename(self.file)
        else:
            self.server.faults.move_clock(seconds)
