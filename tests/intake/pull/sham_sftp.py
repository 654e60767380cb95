"""An SFTP server that may say anything, over real SSH: what a broken or hostile institute runs."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from prep_console.config import Settings
from tests.intake.pull.pulling import settings_of
from tests.sshd import make_key

Entry = tuple[bytes, int, int]
"""Name, mode and size."""
PLAIN = stat.S_IFREG | 0o644
FOLDER = stat.S_IFDIR | 0o755


@asynccontextmanager
async def sham(
    tmp_path: Path,
    listed: Callable[[bytes], AsyncIterator[Entry]],
    read: Callable[[bytes, int, int], bytes] = lambda path, at, size: b"",
    **more: object,
) -> AsyncIterator[Settings]:
    """A station whose source lists of a folder what ``listed`` says, and of a file ``read``."""

    class Server(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            async for name, mode, size in listed(path):
                attrs = asyncssh.SFTPAttrs(permissions=mode, size=size, atime=5, mtime=5)
                yield asyncssh.SFTPName(name, attrs=attrs)

        def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
            return asyncssh.SFTPAttrs(permissions=FOLDER, size=0, atime=5, mtime=5)

        stat = lstat

        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            return path

        def read(self, file_obj: object, offset: int, size: int) -> bytes:
            assert isinstance(file_obj, bytes)
            return read(file_obj, offset, size)

        def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
            return asyncssh.SFTPAttrs(permissions=PLAIN, size=5, atime=5, mtime=5)

        def close(self, file_obj: object) -> None:
            pass

    for name in ("host", "key"):
        make_key(tmp_path / name)
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[str(tmp_path / "host")],
        authorized_client_keys=str(tmp_path / "key.pub"),
        sftp_factory=Server,
    )
    port = server.get_port()
    public = " ".join((tmp_path / "host.pub").read_text().split()[:2])
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}\n")
    source = {
        "kind": "sftp",
        "host": f"127.0.0.1:{port}",
        "user": "root",
        "key_file": str(tmp_path / "key"),
        "known_hosts": str(tmp_path / "known_hosts"),
        "path": "/cortes",
        **more,
    }
    try:
        yield settings_of(tmp_path, source)
    finally:
        server.close()
