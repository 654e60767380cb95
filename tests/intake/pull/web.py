"""Web servers that cuts are pulled from: a real Apache over TLS, and one that says anything."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

from prep_console.drill.children import free_port
from prep_console.publication.apache import find_apache
from tests.processes import listens, serves, stands_still
from tests.waiting import wait_until

_MODULES = ("mpm_event", "authz_core", "ssl", "socache_shmcb")
_MODULE_FOLDER = Path("/usr/lib/apache2/modules")


@dataclass(slots=True)
class Web:
    """A real Apache that serves ``root``."""

    folder: Path
    root: Path
    port: int
    ca: Path
    certificate: bytes
    """DER, as a visitor is shown it."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        apache = find_apache()
        assert apache is not None
        (self.folder / "pid").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [str(apache), "-f", str(self.folder / "httpd.conf"), "-D", "FOREGROUND"],
            stdin=subprocess.DEVNULL,
            stderr=(self.folder / "stderr").open("ab"),
            start_new_session=True,
        )
        serves(self.process, self.port, complaints=(self.folder / "stderr").read_text)

    def kill(self) -> None:
        """As a crash would, with all of its children."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()
        wait_until(lambda: not listens(self.port), 10)

    def freeze(self) -> None:
        assert self.process is not None
        process = self.process
        self._signal(signal.SIGSTOP)
        wait_until(lambda: stands_still(process.pid), what="it stands still")

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):  # the group: a child forked just now is in it too
            os.killpg(self.process.pid, number)


@contextmanager
def web(folder: Path, root: Path) -> Iterator[Web]:
    """One with a certificate of its own authority, which lies at ``ca``."""
    folder.mkdir(parents=True)
    root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.gettempdir())
    for path in (folder, *folder.parents, root, *root.parents):
        if scratch in path.parents:  # www-data passes through; pytest closes what it makes
            path.chmod(0o755)
    ca_file, key, der = certificate(folder)
    port = free_port()
    (folder / "httpd.conf").write_text(
        "\n".join(
            (
                f"ServerRoot {folder}",
                "ServerName 127.0.0.1",
                f"Listen 127.0.0.1:{port}",
                f"PidFile {folder}/pid",
                f"DefaultRuntimeDir {folder}",
                f"Mutex file:{folder}",
                f"ErrorLog {folder}/error.log",
                *(f"LoadModule {m}_module {_MODULE_FOLDER}/mod_{m}.so" for m in _MODULES),
                "User www-data",
                "Group www-data",
                "SSLEngine on",
                f"SSLCertificateFile {key}",
                f"DocumentRoot {root}",
                f"<Directory {root}>",
                "Require all granted",
                "</Directory>",
                "",
            )
        )
    )
    server = Web(folder, root, port, ca_file, der)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def certificate(folder: Path) -> tuple[Path, Path, bytes]:
    """(authority's PEM, key and chain PEM, DER) for 127.0.0.1."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    ca_file, key = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    issued.private_key_and_cert_chain_pem.write_to_path(str(key))
    der = ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())
    return ca_file, key, der


Script = Callable[[bytes, asyncio.StreamWriter], object]


@dataclass(frozen=True, slots=True)
class Liar:
    port: int
    ca: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@asynccontextmanager
async def liar(folder: Path, script: Script) -> AsyncIterator[Liar]:
    """Answers each request with whatever ``script`` writes, over TLS."""
    folder.mkdir(parents=True)
    ca_file, key, _ = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                said = script(request, writer)
                if asyncio.iscoroutine(said):
                    await said
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield Liar(server.sockets[0].getsockname()[1], ca_file)
    finally:
        server.close()
