"""UPSes and transfer switches of a rehearsal: the real upsd with dummy-ups, else an embedded one.

    with ups_server(folder, {"servidor": {"ups.status": "OL", "battery.charge": 100}}) as peer:
        settings: nut = peer.address("servidor")
        peer.set("servidor", **{"ups.status": "OB DISCHRG", "battery.charge": 80})

Everything runs as child processes of this one on a free port of 127.0.0.1; nothing under /etc is
touched. dummy-ups looks at its file every second: a change is seen within two.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from prep_console.drill.children import free_port
from prep_console.drill.peers.nut_embedded import EmbeddedUpsd
from prep_console.problems import Failed
from prep_console.wording import N_, Sentence, sentence

_FOLDERS = (
    "/lib/nut",
    "/usr/lib/nut",
    "/usr/libexec/nut",
    "/usr/local/ups/bin",
    "/usr/local/ups/sbin",
    "/usr/sbin",
)
"""Debian's /usr/sbin/upsd is a script that obeys /etc/nut/nut.conf; its upsd lies in /lib/nut."""
_PR_SET_PDEATHSIG = 1
_READY_S = 20.0
_ENDED_S = 3.0
_ANSWER_S = 2.0
_PORTS_TRIED = 3
"""A free port may be taken by another program before upsd has it."""


class UpsServer(Protocol):
    """One upsd with its UPSes, and what can befall them."""

    @property
    def real(self) -> bool:
        """True for NUT's own programs."""

    @property
    def told(self) -> Sentence:
        """Which one it is, for the person who rehearses."""

    @property
    def port(self) -> int: ...

    def address(self, ups: str) -> str:
        """As a setting: ``UPS@HOST:PORT``."""

    def set(self, ups: str, **variables: object) -> None:
        """Change variables of a UPS; the others stay."""

    def lose(self, ups: str) -> None:
        """Its driver dies."""

    def stall(self, ups: str) -> None:
        """Its driver hangs: what it said gets stale."""

    def restore(self, ups: str) -> None:
        """The driver runs again."""

    def freeze(self) -> None:
        """upsd hangs."""

    def thaw(self) -> None:
        """upsd goes on."""

    def stop(self) -> None:
        """upsd is killed."""

    def start(self) -> None:
        """upsd is started again."""


def installed() -> bool:
    """Whether NUT's server and its dummy driver are here."""
    return _program("upsd") is not None and _program("dummy-ups") is not None


@contextmanager
def ups_server(
    folder: Path,
    upses: Mapping[str, Mapping[str, object]],
    *,
    real: bool | None = None,
    max_age_s: int = 15,
) -> Iterator[UpsServer]:
    """A running upsd with these UPSes and their variables, its files in ``folder``.

    ``real``: None takes NUT where it is installed. ``max_age_s``: after that long without news
    from a driver upsd says DATA-STALE.
    """
    server = _server(folder, upses, real, max_age_s)
    try:
        yield server
    finally:
        server.close()


def _server(
    folder: Path, upses: Mapping[str, Mapping[str, object]], real: bool | None, max_age_s: int
) -> EmbeddedUpsd | RealUpsd:
    if real is False or (real is None and not installed()):
        return EmbeddedUpsd(upses)
    try:
        return RealUpsd(folder, upses, max_age_s)
    except Failed:
        if real:
            raise
        return EmbeddedUpsd(upses)  # NUT 2.7 knows other options; told says which one it is


class RealUpsd:
    """See :class:`UpsServer`."""

    real = True

    def __init__(
        self, folder: Path, upses: Mapping[str, Mapping[str, object]], max_age_s: int
    ) -> None:
        self.upsd = 0
        """Its process id; 0 while stopped."""
        self.drivers: dict[str, int] = {}
        """Process ids by UPS."""
        self.port = 0
        self._version = "upsd"
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._state = Path(tempfile.mkdtemp(prefix="nut-"))  # a unix socket's path is short
        self._max_age_s = max_age_s
        self._mtime = int(time.time())
        self._variables = {ups: dict(held) for ups, held in upses.items()}
        try:
            self._write_settings()
            for ups in upses:
                self._write(ups)
                self.restore(ups)
            self.start()
            self._wait(lambda: all(self._well(ups) for ups in upses), "dummy-ups")
        except BaseException:
            self.close()
            raise

    @property
    def told(self) -> Sentence:
        return sentence(
            N_("UPSes: the real {version} of NUT, with invented UPSes"), version=self._version
        )

    def address(self, ups: str) -> str:
        return f"{ups}@127.0.0.1:{self.port}"

    def set(self, ups: str, **variables: object) -> None:
        self._variables[ups].update(variables)
        self._write(ups)

    def lose(self, ups: str) -> None:
        self._end(self.drivers.pop(ups, 0))
        # the next driver would end the process of this number, whoever has it by then
        (self._state / f"dummy-ups-{ups}.pid").unlink(missing_ok=True)

    def stall(self, ups: str) -> None:
        os.kill(self.drivers[ups], signal.SIGSTOP)

    def restore(self, ups: str) -> None:
        if ups in self.drivers:
            os.kill(self.drivers[ups], signal.SIGCONT)
        else:
            self.drivers[ups] = self._spawn(
                f"driver-{ups}", [str(_program("dummy-ups")), "-a", ups]
            )

    def freeze(self) -> None:
        os.kill(self.upsd, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.upsd, signal.SIGCONT)

    def start(self) -> None:
        for _ in range(_PORTS_TRIED):
            self.port = self.port or free_port()
            (self._folder / "upsd.conf").write_text(
                f"LISTEN 127.0.0.1 {self.port}\nSTATEPATH {self._state}\n"
                f"MAXAGE {self._max_age_s}\n",
                "ascii",
            )
            self.upsd = self._spawn("upsd", [str(_program("upsd"))])
            self._wait(lambda: self._said("VER") or self._ended(self.upsd), "upsd")
            if not self._ended(self.upsd):
                said = self._said("VER").removeprefix("Network UPS Tools ")
                self._version = said.split(" - ")[0].strip() or self._version
                return
            self.stop()
            self.port = 0
        raise self._failure("upsd")

    def stop(self) -> None:
        self._end(self.upsd)
        self.upsd = 0
        (self._state / "upsd.pid").unlink(missing_ok=True)

    def close(self) -> None:
        for pid in list(self._processes):
            self._end(pid)
        shutil.rmtree(self._state, ignore_errors=True)

    def _write_settings(self) -> None:
        sections = [
            f"[{ups}]\n  driver = dummy-ups\n  port = {ups}.dev\n  mode = dummy-once\n"
            '  desc = "rehearsal"\n'
            for ups in self._variables
        ]
        texts = {
            "ups.conf": "pollinterval = 1\n" + "".join(sections),
            "upsd.users": "",
            "nut.conf": "MODE=none\n",
        }
        for name, text in texts.items():
            (self._folder / name).write_text(text, "ascii")

    def _write(self, ups: str) -> None:
        """dummy-ups knows a change by the file's time in whole seconds, so each is a later one."""
        lines = [f"{name}: {value}\n" for name, value in self._variables[ups].items()]
        new = self._folder / f".{ups}.dev"
        new.write_text("".join(lines), "ascii")
        self._mtime = max(self._mtime + 1, int(time.time()))
        os.utime(new, (self._mtime, self._mtime))
        new.replace(self._folder / f"{ups}.dev")

    def _well(self, ups: str) -> bool:
        said = self._said(f"GET VAR {ups} ups.status")
        return said != "" and not said.startswith("ERR DR") and '"WAIT"' not in said

    def _said(self, line: str) -> str:
        """The first line of upsd's answer; '' when there is none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), _ANSWER_S) as there:
                there.sendall(f"{line}\n".encode())
                return there.makefile("r", encoding="ascii", errors="replace").readline()
        except OSError:
            return ""

    def _spawn(self, log: str, argv: list[str]) -> int:
        user = ["-u", "root"] if os.geteuid() == 0 else []  # else both try to become "nut"
        places = {"NUT_CONFPATH": self._folder} | dict.fromkeys(
            ("NUT_STATEPATH", "NUT_ALTPIDPATH", "NUT_PIDPATH"), self._state
        )
        with (self._folder / f"{log}.log").open("ab") as out:
            process = subprocess.Popen(
                [*argv, *user, "-F"],
                env=os.environ | {name: str(place) for name, place in places.items()},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._processes[process.pid] = process
        return process.pid

    def _ended(self, pid: int) -> bool:
        return self._processes[pid].poll() is not None

    def _end(self, pid: int) -> None:
        process = self._processes.pop(pid, None)
        if process is not None:
            process.kill()  # also when it is stopped
            process.wait(_ENDED_S)

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        end_s = time.monotonic() + _READY_S
        pause = threading.Event()
        while not condition():
            if time.monotonic() > end_s:
                raise self._failure(what)
            pause.wait(0.05)

    def _failure(self, what: str) -> Failed:
        logs = sorted(self._folder.glob("*.log"))
        said = " ".join(log.read_text("utf-8", "replace").strip()[-200:] for log in logs)
        return Failed(
            sentence(N_("NUT's {program} does not start: {error}"), program=what, error=said),
            sentence(N_("run the demo with --folder and read the logs that it keeps")),
        )


def _program(name: str) -> Path | None:
    folders = [*map(Path, _FOLDERS), *Path("/usr/lib").glob("*-linux-gnu*/nut")]
    return next((path for folder in folders if (path := folder / name).exists()), None)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
