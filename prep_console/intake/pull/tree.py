"""Mirroring a remote folder tree: what changed is fetched, what is gone goes, and then it must have
stood still for a while: a tree that is being written may hold two cuts."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from pathlib import Path

import asyncssh
import msgspec

from prep_console import reasons
from prep_console.cuts.entry_names import NameGuard
from prep_console.cuts.members import Unsafe
from prep_console.intake.pull import rest
from prep_console.intake.pull.flow import Flow
from prep_console.intake.pull.job import Job, Pulled, PullFailed
from prep_console.intake.pull.pieces import WINDOW, block_size, piece, windows
from prep_console.wording import visible

_AT_ONCE = 64
"""Files under way: 10,000 small ones took 1.3 times as long as OpenSSH's sftp by sixteen, 1.1 by
sixty-four (an idle line costs asyncssh a second packet for each request)."""
_DEEPEST = 32
_MOST = 200_000
"""Names that are listed, folders and all."""
_TRIES = 3
_SECOND_NS = 1_000_000_000
FOLDER = "tree"
_TEMPORARY = "."


class _There(msgspec.Struct, frozen=True, gc=False):
    """One file. Python's collector need not look at 200,000 of them, which takes it long."""

    size: int
    mtime_ns: int


async def mirror(job: Job, sftp: asyncssh.SFTPClient, flow: Flow) -> Pulled:
    """Make ``into/tree`` what the remote folder is; ``resting`` until it has long stood still.

    ``job.again`` waits for that. PullFailed when it does not stand still.
    """
    target = job.into / FOLDER
    target.mkdir(mode=0o700, exist_ok=True)
    there = await _alike(job, sftp, target, flow)
    known = rest.seen(job.into, await _shape(there, flow))
    while left_s := known.left_s(job.rest_s):
        if not job.again:
            return Pulled("resting", (), "")
        flow.busy()
        await asyncio.sleep(min(left_s, 0.5))
    if not known.handed:
        # Dates count seconds: what was written in the newest one may have been written once more
        # while it was fetched.
        newest, late = 0, list[str]()
        async for path, file in flow.in_turns(there.items()):
            second = file.mtime_ns // _SECOND_NS
            if second > newest:
                newest, late = second, []
            if second == newest:
                late.append(path)
        await _fetch(sftp, job, there, late, target, flow)
        if await _lacking(target, there, late, flow):
            raise PullFailed("damaged", reasons.TREE_WRITTEN)
    if (not known.handed or job.again) and await _listing(sftp, job, flow) != there:
        raise PullFailed("damaged", reasons.TREE_WRITTEN)
    if known.handed and not job.again:
        return Pulled("nothing", (), "")
    known.handed = True
    rest.keep(job.into, known)
    return Pulled("new", (target,), "")


async def _alike(
    job: Job, sftp: asyncssh.SFTPClient, target: Path, flow: Flow
) -> dict[str, _There]:
    """Fetch and remove until both sides are the same; the listing. PullFailed when they never are.

    What is changed here is no longer what was handed over.
    """
    there = await _listing(sftp, job, flow)
    for _ in range(_TRIES):
        await _remove(target, there, flow)
        lacking = await _lacking(target, there, there, flow)
        await _fetch(sftp, job, there, lacking, target, flow)
        before, there = there, await _listing(sftp, job, flow)
        lacking = await _lacking(target, there, there, flow)
        if there == before and not lacking:
            return there
    if there == before:
        raise PullFailed("damaged", reasons.FEWER_BYTES.format(name=visible(lacking[0])[:200]))
    raise PullFailed("damaged", reasons.TREE_ALWAYS_WRITTEN)


async def _shape(there: dict[str, _There], flow: Flow) -> str:
    """The same for the same files, in whatever order they were listed: added up, for sorting them
    is one long step."""
    added = 0
    async for path, file in flow.in_turns(there.items()):
        one = f"{file.size} {file.mtime_ns} {path}".encode()
        added += int.from_bytes(hashlib.sha256(one).digest(), "big")
    return f"{len(there)} {added:x}"


async def _lacking(
    target: Path, there: dict[str, _There], paths: Iterable[str], flow: Flow
) -> list[str]:
    """Which of ``paths`` are not here as they are there."""
    return [path async for path in flow.in_turns(paths) if _here(target / path) != there[path]]


async def _listing(sftp: asyncssh.SFTPClient, job: Job, flow: Flow) -> dict[str, _There]:
    """Every plain file beneath the source's folder, by relative path."""
    found: dict[str, _There] = {}
    guard = NameGuard("")
    deeper: list[str] = []
    named = 0

    async def look_into(inside: str) -> None:
        nonlocal named
        async for entry in sftp.scandir(f"{job.source.path}/{inside}".rstrip("/")):
            flow.listed(inside, len(found))
            named += 1
            if named > _MOST:
                raise PullFailed("damaged", reasons.TREE_NAMES.format(count=_MOST))
            name = str(entry.filename)
            if name.startswith(_TEMPORARY):  # ``.`` and ``..``, and what is still being written
                continue
            path = f"{inside}/{name}" if inside else name
            mode = entry.attrs.permissions or 0
            try:
                if stat.S_ISDIR(mode):
                    guard.folder(path)
                    if path.count("/") >= _DEEPEST:
                        raise PullFailed("damaged", reasons.TREE_DEEP.format(count=_DEEPEST))
                    deeper.append(path)
                elif stat.S_ISREG(mode):
                    guard.file(path)
                    seconds, nanoseconds = entry.attrs.mtime or 0, entry.attrs.mtime_ns or 0
                    found[path] = _There(
                        entry.attrs.size or 0, seconds * 1_000_000_000 + nanoseconds
                    )
            except Unsafe as unsafe:
                reason = reasons.BAD_NAME.format(name=visible(path)[:200])
                raise PullFailed("damaged", reason) from unsafe

    folders = [""]
    while folders:
        await _each(folders, look_into)
        folders, deeper = deeper, []
    size = sum(file.size for file in found.values())
    if size > job.max_total_bytes:  # it would be refused in the end, when the disk is full of it
        raise PullFailed("damaged", reasons.TREE_LARGE.format(size=size))
    return found


async def _each(items: Collection[str], do: Callable[[str], Awaitable[None]]) -> None:
    """``do`` for every one of them, many under way; the first that fails ends the others."""
    rest = iter(items)

    async def some() -> None:
        for item in rest:
            await do(item)

    workers = [asyncio.create_task(some()) for _ in range(min(_AT_ONCE, len(items)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()


async def _fetch(
    sftp: asyncssh.SFTPClient,
    job: Job,
    there: dict[str, _There],
    paths: Collection[str],
    target: Path,
    flow: Flow,
) -> None:
    flow.files, flow.files_total = 0, len(paths)
    flow.total_bytes = flow.bytes + sum(there[path].size for path in paths)
    made = {target}

    async def fetch(path: str) -> None:
        folder = (target / path).parent
        if folder not in made:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made.add(folder)
        await _one(sftp, job, path, there[path], target / path, flow)
        flow.files += 1

    await _each(paths, fetch)


async def _one(
    sftp: asyncssh.SFTPClient, job: Job, path: str, file: _There, target: Path, flow: Flow
) -> None:
    if file.size > job.source.max_bytes:
        raise PullFailed("damaged", reasons.TOO_LARGE.format(name=visible(path), size=file.size))
    # a name as long as may be has no room for more, and its beginning may be another's as well
    beside = target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()}.part")
    with beside.open("wb") as part:
        remote_path = f"{job.source.path}/{path}"
        async with sftp.open(remote_path, "rb", block_size=block_size(sftp)) as remote:
            if file.size <= WINDOW:
                data = await piece(remote, 0, file.size)
                part.write(data)
                flow.answer(path, len(data))
            else:
                async for came in windows(remote, 0, file.size):
                    await flow.beside(partial(part.writelines, came))
                    flow.answer(path, sum(map(len, came)))
    os.utime(beside, ns=(file.mtime_ns, file.mtime_ns))
    beside.rename(target)  # one that came short has another size, and is fetched again


def _here(path: Path) -> _There | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return _There(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


async def _remove(target: Path, there: dict[str, _There], flow: Flow) -> None:
    """What is gone there goes here; the folders that are empty then as well."""
    folders = [""]
    for inside in folders:  # those within are found on the way
        gone = list[str]()
        with os.scandir(target / inside) as entries:
            async for entry in flow.in_turns(entries):
                path = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif path not in there:
                    gone.append(path)
        async for path in flow.in_turns(gone):
            (target / path).unlink()
    async for inside in flow.in_turns(reversed(folders[1:])):
        with os.scandir(target / inside) as left:
            empty = next(left, None) is None
        if empty:
            (target / inside).rmdir()
