# SPDX-License-Identifier: AGPL-3.0-or-later
"""File systems to break: a loop file with ext4 or xfs whose power can be cut, a small tmpfs that can be filled.

A power cut is the file system's own shutdown ioctl (…_IOC_SHUTDOWN, 0x8004587d) with flag 2, "no log flush": what was
synced stays, what was not is gone at the next mount, and every write in between fails with EIO.
"""

import fcntl
import os
import pathlib
import shutil
import struct
import subprocess

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
SMALLEST = {"ext4": 64, "xfs": 320}   # MiB; mkfs.xfs refuses less


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}".strip())
    return done.stdout


def why_not(kind, folder):
    """Why this machine can't have such a volume; nothing when it can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    tool = None if kind == "tmpfs" else f"mkfs.{kind}"
    if tool and not shutil.which(tool):
        return f"{tool} is not installed"
    try:
        Volume(pathlib.Path(folder) / f"trial-{kind}", kind).close()
    except OSError as error:
        return f"no {kind} mount here: {error}"
    return None


class Volume:
    def __init__(self, folder, kind, megabytes=None, options="", format_options=()):
        self.folder, self.kind = pathlib.Path(folder), kind
        self.folder.mkdir(parents=True)
        self.image = self.folder.with_suffix(".image")
        self.megabytes = megabytes or SMALLEST.get(kind, 40)
        self.options = options
        if kind == "tmpfs":
            self.options = ",".join(filter(None, (f"size={self.megabytes}m", options)))
        else:
            with open(self.image, "wb") as image:
                image.truncate(self.megabytes << 20)
            quiet = ["-q", "-F"] if kind == "ext4" else ["-q", "-f"]
            run(f"mkfs.{kind}", *quiet, *format_options, self.image)
        self.mount()

    def mount(self):
        if self.kind == "tmpfs":
            run("mount", "-t", "tmpfs", "-o", self.options, "none", self.folder)
        else:
            run("mount", "-o", ",".join(filter(None, ("loop", self.options))), self.image, self.folder)

    def cut_power(self):
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("=I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def sync(self):
        run("sync", "--file-system", self.folder)

    def unmount(self):
        run("umount", self.folder)

    def close(self):
        try:
            self.unmount()
        except OSError:
            run("umount", "-l", self.folder)
        self.image.unlink(missing_ok=True)
        self.folder.rmdir()

    # Filling.

    def free_bytes(self):
        facts = os.statvfs(self.folder)
        return facts.f_bavail * facts.f_frsize

    def fill(self, leave=0):
        """A file that leaves `leave` bytes of the volume."""
        with open(self.folder / "filler", "ab", buffering=0) as filler:
            try:
                while (room := self.free_bytes() - leave) > 0:
                    size = min(room, 1 << 20)
                    if filler.write(bytes(size)) == 0:
                        break
            except OSError:
                pass   # full, which is what was wanted

    def fill_inodes(self):
        (self.folder / "many").mkdir(exist_ok=True)
        made = 0
        try:
            while True:
                (self.folder / "many" / str(made)).touch()
                made += 1
        except OSError:
            return made

    def make_room(self):
        (self.folder / "filler").unlink(missing_ok=True)
        shutil.rmtree(self.folder / "many", ignore_errors=True)


def unmount_below(folder):
    """Whatever is still mounted under `folder`, deepest first."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        points = [line.split()[1] for line in mounts]
    for point in sorted((p for p in points if p.startswith(str(folder) + "/")), key=len, reverse=True):
        subprocess.run(["umount", "-l", point], check=False)
