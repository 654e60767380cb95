"""Real small file systems, mounted from a file: to be filled, remounted and cut off."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import FileIO
from pathlib import Path

from tests.waiting import wait_until

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system of its own, mounted at ``folder``."""

    image: Path
    folder: Path
    kind: str = "ext4"

    def free(self) -> int:
        """Bytes that anybody may still take."""
        seen = os.statvfs(self.folder)
        return seen.f_bavail * seen.f_frsize

    def free_inodes(self) -> int:
        return os.statvfs(self.folder).f_favail

    def fill(self) -> None:
        """Take every block that is left."""
        with (self.folder / "filling").open("ab", buffering=0) as file:
            for size in (_MIB, 4096, 512, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"x" * size)
                os.fsync(file.fileno())
        assert self.free() == 0

    def fill_inodes(self) -> None:
        """Take every inode that is left, with empty files."""
        folder = self.folder / "fillings"
        folder.mkdir()
        with suppress(OSError):
            for number in range(10**6):
                (folder / str(number)).touch()
        assert self.free_inodes() == 0

    def read_only(self) -> None:
        """What the kernel does to a file system when its disk fails."""
        _ran("mount", "-o", "remount,ro", str(self.folder))

    def writable(self) -> None:
        _ran("mount", "-o", "remount,rw", str(self.folder))

    def cut_power(self) -> bool:
        """Everything that is not on the disk at this moment is lost; then it is mounted again.

        Whether something was lost: what was written a moment before, and flushed by nobody.
        """
        unflushed, written = self.folder / "unflushed", os.urandom(4096)
        unflushed.write_bytes(written)
        _ran("xfs_io", "-x", "-c", "shutdown", str(self.folder))
        self._unmount()
        self._mount()
        lost = not unflushed.exists() or unflushed.read_bytes() != written
        unflushed.unlink(missing_ok=True)
        return lost

    def _mount(self) -> None:
        _ran("mount", "-o", "loop", str(self.image), str(self.folder))

    def _unmount(self) -> None:
        """Gone for good: a mount namespace that somebody made meanwhile has it for as long as it
        lasts, and mounting the image again would bring back the disk without power."""
        _ran("umount", str(self.folder))
        wait_until(lambda: not self._is_held(), 120, f"{self.image} is mounted elsewhere too")

    def _is_held(self) -> bool:
        """Whether a loop device has the image still."""
        held = str(self.image)
        for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
            with suppress(OSError):  # let go of at this moment
                if backing.read_text("utf-8").strip() == held:
                    return True
        return False


@contextmanager
def mounted(
    folder: Path, *, kind: str = "ext4", size: int = 64 * _MIB, inodes: int = 4096
) -> Iterator[Disk]:
    """A new disk of ``size`` bytes under ``folder``; gone after the block. Needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = Disk(folder / "image", folder / "mounted", kind)
    with disk.image.open("wb") as image:
        image.truncate(size)
    if kind == "ext4":  # -m 0: no blocks kept back for root, who runs this
        _ran("mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-N", str(inodes), str(disk.image))
    else:
        _ran(f"mkfs.{kind}", "-q", str(disk.image))
    disk.folder.mkdir(exist_ok=True)
    disk._mount()
    try:
        disk.folder.chmod(0o755)
        yield disk
    finally:
        disk._unmount()


@dataclass(frozen=True, slots=True)
class Quota:
    """A folder that may hold only so much, on a disk with plenty of room (btrfs).

    The one quota that Debian's and most other kernels have without asking: ext4 and xfs need
    options that are often left out.
    """

    folder: Path

    def leave(self, rest: int) -> None:
        """Take what the quota allows but for ``rest`` bytes."""
        self.make_room()
        kept = self.folder / "kept"
        kept.write_bytes(b"x" * rest)
        self._settle()
        with self._filling.open("wb", buffering=0) as file:
            for size in (_MIB, 4096, 512, 1):
                self._fill(file, b"x" * size)
        kept.unlink()
        self._settle()

    def _fill(self, file: FileIO, data: bytes) -> None:
        try:
            while True:
                file.write(data)
        except OSError as error:
            if error.errno != errno.EDQUOT:
                raise

    def make_room(self) -> None:
        self._filling.unlink(missing_ok=True)
        self._settle()

    @property
    def _filling(self) -> Path:
        return self.folder / "filling"

    def _settle(self) -> None:
        """What was given back counts from the next commit on."""
        _ran("btrfs", "filesystem", "sync", str(self.folder))


@contextmanager
def quota(folder: Path, *, limit: int = 24 * _MIB) -> Iterator[Quota]:
    """A folder that may hold ``limit`` bytes, under ``folder``; gone after the block. Root only."""
    with mounted(folder, kind="btrfs", size=256 * _MIB) as disk:
        held = disk.folder / "held"
        _ran("btrfs", "quota", "enable", str(disk.folder))
        _ran("btrfs", "subvolume", "create", str(held))
        _ran("btrfs", "qgroup", "limit", str(limit), str(held))
        yield Quota(held)


@cache
def why_no_quota() -> str | None:
    """Why there is no real quota here, or None when there is one."""
    if (reason := why_none()) is not None:
        return reason
    try:
        with tempfile.TemporaryDirectory() as folder, quota(Path(folder)):
            return None
    except (OSError, RuntimeError) as error:
        return str(error)


@cache
def why_none() -> str | None:
    """Why no disk can be mounted here, or None when one can."""
    if os.geteuid() != 0:
        return "only root may mount one"
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            mounted(Path(folder), size=4 * _MIB, inodes=64),
        ):
            return None
    except (OSError, RuntimeError) as error:
        return str(error)


def _ran(program: str, *arguments: str) -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    found = shutil.which(program, path=path)
    if found is None:
        raise RuntimeError(f"{program} is not installed")
    done = subprocess.run([found, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr.strip()}")
