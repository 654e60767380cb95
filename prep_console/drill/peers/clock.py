"""A time server for rehearsals: the real chronyd where it is installed, else a small one of ours.

Neither touches this machine's clock; both can be wrong on purpose.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from prep_console.drill.children import child, free_port, wait_for
from prep_console.problems import Failed
from prep_console.wording import N_, Sentence, sentence

_ADDRESS = "127.0.0.1"
_PACKET = struct.Struct("!B B b b I I 4s Q Q Q Q")
_NTP_TO_UNIX_S = 2_208_988_800
_CLIENT, _SERVER = 3, 4
_TRANSMIT_AT = 40
_NO_LEAP_KNOWN = 3
_SETTLED = int(0.02 * 2**16)
"""Root dispersion (16.16 fixed point): chronyd says a second at first, and soon much less."""
_PATH = "/usr/local/sbin:/usr/sbin:/sbin:" + os.defpath
_SOCKET_PATH_MOST = 100
"""A Unix socket's path has room for 107 bytes."""
_READY_S = 10.0


@dataclass(frozen=True, slots=True)
class TimeServer:
    address: str
    """host:port, for ``clock.servers``."""
    told: Sentence
    real: bool
    chrony: str
    """Its socket, for ``clock.chrony``; '' where there is none."""
    pid: int | None
    """Of the real one."""


@contextmanager
def time_server(
    folder: Path, offset_s: float = 0.0, *, synchronised: bool = True, port: int = 0
) -> Iterator[TimeServer]:
    """A server whose time is ours + ``offset_s``, on loopback until the block ends.

    A skewed chronyd follows a small server of ours that is wrong by so much: started under
    faketime it would mix its false time with the kernel's true stamps of arrival.
    ``folder`` is made where it is missing; ``synchronised=False``: it says that it has no time.
    ``port`` 0 is a free one. Raises Failed when chronyd is installed and does not run.
    """
    chronyd = shutil.which("chronyd", path=_PATH)
    if chronyd is None:
        with _embedded(offset_s, synchronised, port) as bound:
            yield TimeServer(
                f"{_ADDRESS}:{bound}",
                sentence(N_("time server: a small one of our own (chrony is not installed)")),
                real=False,
                chrony="",
                pid=None,
            )
        return
    port = port or free_port(socket.SOCK_DGRAM)
    control = folder / "chronyd.sock"
    if len(os.fsencode(control)) > _SOCKET_PATH_MOST:
        raise Failed(
            sentence(N_("{path} is too long a path for chronyd's socket"), path=str(control)),
            sentence(N_("choose a folder with a shorter path")),
        )
    with ExitStack() as ending:
        source = "local stratum 2" if synchronised else ""
        if synchronised and offset_s:
            follows = ending.enter_context(_embedded(offset_s, True, 0))
            source = f"server {_ADDRESS} port {follows} iburst minpoll -4 maxpoll 0"
        _write_settings(folder, control, port, source)
        # -x: never touches the clock; -U: does not ask to be root; -u: stays who we are
        user = pwd.getpwuid(os.geteuid()).pw_name
        command = [chronyd, "-x", "-d", "-U", "-u", user, "-f", str(folder / "chrony.conf")]
        process = child(command, ending, log=folder / "chronyd.log")
        wait_for(
            lambda: (
                process.poll() is not None or (control.exists() and _answers(port, synchronised))
            ),
            _READY_S,
            sentence(N_("chronyd does not answer")),
        )
        if process.poll() is not None:
            raise Failed(
                sentence(N_("chronyd ended at once")),
                sentence(N_("read {path}"), path=str(folder / "chronyd.log")),
            )
        yield TimeServer(
            f"{_ADDRESS}:{port}",
            sentence(N_("time server: the real chronyd, on loopback, which sets no clock")),
            real=True,
            chrony=str(control),
            pid=process.pid,
        )


@contextmanager
def drifting_server() -> Iterator[tuple[TimeServer, Callable[[float], None]]]:
    """A small server of ours, and how to make its time differ from ours by so many seconds."""
    with _serving(_Small(0.0, True, 0)) as server:

        def drift(offset_s: float) -> None:
            server.offset_s = offset_s

        address = f"{_ADDRESS}:{server.server_address[1]}"
        told = sentence(N_("time server: a small one of our own, which can drift"))
        yield TimeServer(address, told, real=False, chrony="", pid=None), drift


def _write_settings(folder: Path, control: Path, port: int, source: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o750)  # chronyd makes no control socket in a folder that others may enter
    lines = [
        f"port {port}",
        f"bindaddress {_ADDRESS}",
        f"allow {_ADDRESS}",
        "cmdport 0",
        f"bindcmdaddress {control}",
        f"pidfile {folder / 'chronyd.pid'}",
        source,
    ]
    (folder / "chrony.conf").write_text("\n".join(lines) + "\n", "utf-8")


def _answers(port: int, synchronised: bool) -> bool:
    """Whether the server on that port answers; a synchronised one, with its error settled."""
    question = _PACKET.pack(4 << 3 | _CLIENT, 0, 0, 0, 0, 0, bytes(4), 0, 0, 0, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(0.2)
        try:
            line.connect((_ADDRESS, port))
            line.send(question)
            head, *_, dispersion = _PACKET.unpack(line.recv(_PACKET.size))[:6]
        except (OSError, struct.error):
            return False
    return not synchronised or (head >> 6 != _NO_LEAP_KNOWN and dispersion < _SETTLED)


class _Small(socketserver.UDPServer):
    """Answers questions of mode 3 and nothing else."""

    def __init__(self, offset_s: float, synchronised: bool, port: int) -> None:
        super().__init__((_ADDRESS, port), _Answer)
        self.offset_s = offset_s
        self.synchronised = synchronised

    def handle_error(self, request: object, client_address: object) -> None:
        """An asker that left is no news."""


class _Answer(socketserver.BaseRequestHandler):
    server: _Small

    def handle(self) -> None:
        data, line = self.request
        received = self._stamp()
        if len(data) < _PACKET.size or data[0] & 7 != _CLIENT:
            return
        version, known = data[0] >> 3 & 7, self.server.synchronised
        leap, stratum = (0, 2) if known else (3, 16)
        originate = struct.unpack_from("!Q", data, _TRANSMIT_AT)[0]
        head = (leap << 6 | version << 3 | _SERVER, stratum, 6, -20, 0, 66, b"\x7f\x7f\x01\x01")
        line.sendto(
            _PACKET.pack(*head, received, originate, received, self._stamp()), self.client_address
        )

    def _stamp(self) -> int:
        """Our time + offset in 32.32 bits since 1900."""
        seconds = time.time() + self.server.offset_s + _NTP_TO_UNIX_S
        return int(seconds * 2**32) & (2**64 - 1)


@contextmanager
def _embedded(offset_s: float, synchronised: bool, port: int) -> Iterator[int]:
    with _serving(_Small(offset_s, synchronised, port)) as server:
        yield int(server.server_address[1])


@contextmanager
def _serving(made: _Small) -> Iterator[_Small]:
    with made as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="time server"
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
