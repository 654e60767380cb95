"""Fetching over SFTP. Runs in the child; the connection is kept between two looks.

A frozen peer answers nothing, and a transfer that waits for it does not even end when it is
cancelled: every answer moves a clock, and when that stands for ``stall_seconds`` the connection
is aborted first.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import asyncssh
from asyncssh.sftp import start_sftp_client

from prep_console import reasons
from prep_console.config.model import Source
from prep_console.cuts.manifests import LARGEST
from prep_console.intake.pull import lists, tree
from prep_console.intake.pull.choice import choose
from prep_console.intake.pull.flow import Flow
from prep_console.intake.pull.job import Job, Pulled, PullFailed, Told
from prep_console.intake.pull.parts import PartFile, fetched_before
from prep_console.intake.pull.pieces import WINDOW, block_size, windows
from prep_console.intake.whole import End, end_of
from prep_console.wording import visible

_PORT = 22
_MOST_ENTRIES = 20_000
"""Of one remote folder of archives."""
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
_LARGEST_ANSWER = 256 << 10
"""Bytes of one answer, as OpenSSH has it: of the shortest names it holds 20,000."""
_HANDED = 32 << 10
"""Bytes of answers that are worked on in one turn of the loop: some 250 names."""
_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr"
"""The first is the quickest where the processor knows AES."""


@dataclass(frozen=True, slots=True)
class _Session:
    source: Source
    connection: asyncssh.SSHClientConnection
    sftp: asyncssh.SFTPClient


_kept: list[_Session] = []
"""The connection of the last job, at most one: a child serves one source."""


async def fetch(job: Job, told: Told) -> Pulled:
    """The newest cut under the source's folder. PullFailed."""
    flow = Flow(told)
    flow.begin()
    session = await _connected(job.source)
    async with _guarded(session, flow):
        if job.source.layout == "tree":
            return await tree.mirror(job, session.sftp, flow)
        return await _archives(job, session.sftp, flow)


async def _archives(job: Job, sftp: asyncssh.SFTPClient, flow: Flow) -> Pulled:
    there = await _listing(sftp, job.source.path, flow)
    known = fetched_before(job.into)
    states = lists.states({name: validator for name, (_, validator) in there.items()})
    choice = await flow.beside(  # of 20,000 names it takes a second
        partial(
            choose,
            there,
            job.marks,
            again=job.again,
            fetched=lambda name: known.get(name) == states[name],
        )
    )
    flow.total_bytes = sum(there[name][0] for name in choice.names)
    flow.files_total = len(choice.names)
    paths: list[Path] = []
    failed: PullFailed | None = None
    for name in choice.names:
        try:
            path = await _with_lists(job, sftp, name, there, states[name], flow)
        except PullFailed as trouble:
            failed = failed or trouble
            continue
        flow.files += 1
        if path is not None:
            paths.append(path)
    if failed is not None and not paths:
        raise failed
    state = "new" if paths else "nothing" if choice.state == "new" else choice.state
    return Pulled(state, tuple(paths), choice.stamp, failed.trouble if failed else None)


async def _with_lists(
    job: Job,
    sftp: asyncssh.SFTPClient,
    name: str,
    there: Mapping[str, tuple[int, str]],
    state: str,
    flow: Flow,
) -> Path | None:
    """One file and the lists of hashes beside it, as _file. PullFailed when it alone cannot be had:
    the next one is asked for all the same."""
    size, validator = there[name]
    if size > job.source.max_bytes:
        raise PullFailed("damaged", reasons.TOO_LARGE.format(name=visible(name), size=size))
    beside = lists.lists_of(name, there)
    lists.drop_stale(job.into, name, beside)
    try:
        for listing in beside:
            lists.put(job.into, listing, await _small(sftp, f"{job.source.path}/{listing}", flow))
        return await _file(
            sftp,
            f"{job.source.path}/{name}",
            PartFile(job.into, name, validator),
            size,
            validator,
            state,
            flow,
        )
    except _LOST:
        raise
    except asyncssh.SFTPError as error:
        reason = reasons.FILE_REFUSED.format(name=visible(name), error=error)
        raise PullFailed("refused", reason) from error


async def _file(
    sftp: asyncssh.SFTPClient,
    remote: str,
    part: PartFile,
    size: int,
    validator: str,
    state: str,
    flow: Flow,
) -> Path | None:
    """One file, from where an earlier try broke off; None while it is still being written there.

    ``state`` is what is remembered of it once it is here.
    """
    name = remote.rpartition("/")[2]
    try:
        if part.size > size:
            part.begin_again()
        flow.bytes += part.size
        async with sftp.open(remote, "rb", block_size=block_size(sftp)) as file:
            async for came in windows(file, part.size, size):
                await flow.beside(partial(part.extend, came))
                flow.answer(name, sum(map(len, came)))
            after = await file.stat()
        flow.answer()
        if part.size != size or validator_of(after) != validator:
            return None  # it changed meanwhile: the next look begins it again
        if end_of(part.path) is End.MISSING:
            return None  # its upload there is not done
        if await flow.beside(partial(lists.doubtful, part.into, name, part.path, state)):
            return None
        return await flow.beside(partial(part.finish, state))
    finally:
        part.close()


async def _small(sftp: asyncssh.SFTPClient, remote: str, flow: Flow) -> bytes:
    """A list of hashes; of one that is too long as much as shows it."""
    async with sftp.open(remote, "rb", block_size=WINDOW) as file:
        data: bytes = await file.read(LARGEST + 1)
    flow.answer()
    return data


async def _listing(sftp: asyncssh.SFTPClient, path: str, flow: Flow) -> dict[str, tuple[int, str]]:
    """Name to (size, validator) of the plain files in a remote folder."""
    found: dict[str, tuple[int, str]] = {}
    named = 0
    async for entry in sftp.scandir(path):
        flow.listed(path, len(found))
        named += 1
        if named > _MOST_ENTRIES:
            raise PullFailed("damaged", reasons.FOLDER_NAMES.format(count=_MOST_ENTRIES))
        name, attributes = str(entry.filename), entry.attrs
        if not is_plain(attributes):
            continue
        found[name] = (attributes.size or 0, validator_of(attributes))
    return found


def is_plain(attributes: asyncssh.SFTPAttrs) -> bool:
    """A plain file: no link, folder or device."""
    return attributes.permissions is None or stat.S_ISREG(attributes.permissions)


def validator_of(attributes: asyncssh.SFTPAttrs) -> str:
    """Tells two states of one remote file apart."""
    return f"{attributes.size} {attributes.mtime} {attributes.mtime_ns or 0}"


async def _connected(source: Source) -> _Session:
    while _kept:
        session = _kept.pop()
        if session.source == source and not session.connection.is_closed():
            _kept.append(session)
            return session
        session.connection.abort()
    _private(Path(source.key_file))
    host, port = _address(source.host)
    alive_s = max(0.3, source.stall_seconds / 3)
    try:
        async with asyncio.timeout(source.stall_seconds):
            connection = await asyncssh.connect(
                host,
                port,
                username=source.user,
                client_keys=[source.key_file],
                known_hosts=source.known_hosts,
                config=None,
                agent_path=None,
                preferred_auth=["publickey"],
                encryption_algs=_CIPHERS.split(","),
                compression_algs=["none"],
                keepalive_interval=alive_s,
                keepalive_count_max=2,
            )
            try:
                sftp = await _client(connection)
            except BaseException:
                connection.abort()
                raise
    except TimeoutError as error:
        raise PullFailed(
            "unreachable", reasons.NO_ANSWER.format(seconds=f"{source.stall_seconds:g}")
        ) from error
    except asyncssh.HostKeyNotVerifiable as error:
        raise PullFailed("refused", reasons.WRONG_HOST_KEY.format(words=error)) from error
    except (asyncssh.KeyImportError, asyncssh.PermissionDenied) as error:
        raise PullFailed("refused", reasons.NOT_LET_IN.format(words=error)) from error
    except (OSError, asyncssh.Error, ValueError) as error:
        raise PullFailed("unreachable", str(error) or type(error).__name__) from error
    session = _Session(source, connection, sftp)
    _kept.append(session)
    return session


async def _client(connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    """As ``start_sftp_client`` makes it, but requests that are made together travel together.

    A name that is no UTF-8 is read all the same: it must hide no other file of its folder.
    """
    writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
    together = cast("asyncssh.SSHWriter[bytes]", _Together(writer))
    in_turns = cast("asyncssh.SSHReader[bytes]", _InTurns(reader))
    loop = asyncio.get_running_loop()
    return await start_sftp_client(
        connection, loop, "strict", in_turns, together, "utf-8", "surrogateescape", 3
    )


class _InTurns:
    """Hands on what came a little at a time, and everything else goes on in between.

    The names of sixty-four folders that came together took all other work a quarter of a second.
    """

    def __init__(self, reader: asyncssh.SSHReader[bytes]) -> None:
        self._reader = reader
        self._handed = 0

    async def readexactly(self, count: int) -> bytes:
        """As much as asked for; SFTPBadMessage for an answer that OpenSSH would not take either."""
        if count > _LARGEST_ANSWER:
            raise asyncssh.SFTPBadMessage(f"an answer of {count} bytes")
        if self._handed >= _HANDED:
            self._handed = 0
            await asyncio.sleep(0)
        data = await self._reader.readexactly(count)
        self._handed += count
        return data

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)


class _Together:
    """Gathers what is written in one turn of the loop into one SSH packet.

    Sixty-four requests in packets of their own, each of them with an empty one before it, cost a
    quarter of the processor's time for a tree of small files.
    """

    def __init__(self, writer: asyncssh.SSHWriter[bytes]) -> None:
        self._writer = writer
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(data)

    def _send(self) -> None:
        gathered = b"".join(self._waiting)
        self._waiting.clear()
        if not self._writer.channel.is_closing():
            self._writer.write(gathered)

    def write_eof(self) -> None:
        if self._waiting:
            self._send()
        self._writer.write_eof()

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)


def _private(key: Path) -> None:
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise PullFailed(
            "refused", reasons.KEY_UNREAD.format(path=key, error=error.strerror)
        ) from error
    if mode & 0o077:
        raise PullFailed("refused", reasons.KEY_OPEN.format(path=key))


def _address(host: str) -> tuple[str, int]:
    """HOST, HOST:PORT or [V6]:PORT."""
    name, colon, port = host.rpartition(":")
    if not colon or (":" in name and not name.endswith("]")):
        return host.strip("[]"), _PORT
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise PullFailed("refused", f"wrong setting host: {visible(host)}")
    return name.strip("[]"), int(port)


@asynccontextmanager
async def _guarded(session: _Session, flow: Flow) -> AsyncIterator[None]:
    """Abort the connection when the peer stops answering; every fault as PullFailed."""
    stalled = False

    async def guard() -> None:
        nonlocal stalled
        limit_s = session.source.stall_seconds
        while flow.silent_s() < limit_s:
            await asyncio.sleep(min(0.5, limit_s / 4))
        stalled = True
        session.connection.abort()

    watching = asyncio.create_task(guard())
    try:
        yield
    except (asyncssh.Error, ConnectionError, EOFError) as error:
        lost = stalled or not isinstance(error, asyncssh.SFTPError)
        lost = lost or isinstance(error, _LOST)
        if lost:
            _forget(session)
        if stalled:
            reason = reasons.NO_BYTE.format(seconds=f"{session.source.stall_seconds:g}")
            raise PullFailed("stalled", reason) from error
        raise PullFailed("unreachable" if lost else "refused", str(error)) from error
    except BaseException:
        _forget(session)
        raise
    finally:
        watching.cancel()


def _forget(session: _Session) -> None:
    session.connection.abort()
    with suppress(ValueError):
        _kept.remove(session)
