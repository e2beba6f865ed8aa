# SPDX-License-Identifier: AGPL-3.0-or-later
"""Steers faults.c: which system call of the server fails, lies, waits or is its last, and what time of day it sees."""

import mmap
import pathlib
import shutil
import struct
import subprocess

KINDS = {"write": 0, "sync": 1, "rename": 2, "open": 3, "truncate": 4, "unlink": 5, "allocate": 6, "range": 7}
MODES = {"KILL": 1, "KILL_AFTER": 2, "KILL_TORN": 3, "EIO": 4, "ENOSPC": 5, "SHORT": 6, "EINTR": 7, "LIE": 8, "SLEEP": 9,
         "EFBIG": 10, "CUT": 11, "CUT_AFTER": 12}
COUNTS, FIRED, FIRED_NS, OFFSET, PIECES, VOLUME, MARKS = 32, 24, 64, 72, 80, 144, 400


def compile_library(folder):
    """Makes faults.so; nothing when the machine has no C compiler."""
    compiler = shutil.which("cc") or shutil.which("clang-19")
    if not compiler:
        return None
    library = pathlib.Path(folder) / "faults.so"
    source = pathlib.Path(__file__).resolve().parent / "faults.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


class Faults:
    """The shared page of one server. Armed from one moment on, whether the server runs already or not."""

    def __init__(self, library, file):
        self.library, self.file = library, pathlib.Path(file)
        self.file.write_bytes(bytes(4096))
        with open(self.file, "r+b") as opened:
            self.page = mmap.mmap(opened.fileno(), 4096)

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "AMICALE_FAULTS": str(self.file)}

    def arm(self, mode, calls, n=1, forever=False, pieces="", sleep_ms=0, volume=""):
        """From now on: the n-th of these calls (and all later ones, if `forever`) on these paths meets `mode`."""
        self.disarm()
        bits = sum(1 << KINDS[call] for call in calls)
        self.page[COUNTS:COUNTS + 32] = bytes(32)
        self.page[FIRED_NS:FIRED_NS + 8] = bytes(8)
        self.page[PIECES:PIECES + 64] = pieces.encode().ljust(64, b"\0")
        self.page[VOLUME:VOLUME + 256] = str(volume).encode().ljust(256, b"\0")
        struct.pack_into("=6I", self.page, 8, bits, MODES[mode], n, int(forever), 0, sleep_ms)
        struct.pack_into("=I", self.page, 4, 1)

    def disarm(self):
        struct.pack_into("=I", self.page, 4, 0)

    @property
    def fired(self):
        """How many calls met the fault."""
        return struct.unpack_from("=I", self.page, FIRED)[0]

    @property
    def fired_ns(self):
        """When the first did, on the monotonic clock."""
        return struct.unpack_from("=Q", self.page, FIRED_NS)[0]

    @property
    def marks(self):
        """How often the end mark was made durable, since the page was made."""
        return struct.unpack_from("=I", self.page, MARKS)[0]

    def count(self, call):
        return struct.unpack_from("=8I", self.page, COUNTS)[KINDS[call]]

    def move_clock(self, seconds):
        struct.pack_into("=q", self.page, OFFSET, int(seconds))
