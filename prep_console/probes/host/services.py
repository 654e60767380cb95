"""The servers that must run here: Apache, SSH, NTP, NUT, and others by the name of their process.

A process that is stopped or a zombie does not run. For SSH the listening port decides as well:
sessions outlive their server, and under systemd's socket there may be no server until one comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from prep_console.config import Settings
from prep_console.probes import tcp
from prep_console.probes.host import apache
from prep_console.probes.host.processes import (
    COMM_LENGTH,
    PROC,
    Process,
    others_hidden,
    process,
    processes,
)
from prep_console.probes.probe import Clock, OwnThread, reading, utc_now
from prep_console.snapshot import Detail, Reading
from prep_console.values import replace
from prep_console.wording import N_

Service = Literal["running", "stopped", "unknown"]

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "apache": apache.COMMANDS,
    "ssh": ("sshd",),
    "ntp": ("chronyd", "ntpd", "systemd-timesyncd"),
    "nut": ("upsd",),
}
"""Names of the processes that each known service may have; any other is its own."""

HIDDEN = N_("other users' processes are hidden from this one (/proc is mounted with hidepid)")


class ServicesProbe:
    """``host.services``: how many run. Critical when a demanded one does not."""

    names = ("host.services",)
    period_s = 5.0
    deadline_s = 4.0

    def __init__(self, settings: Settings, *, now: Clock = utc_now, proc: Path = PROC) -> None:
        self._demanded = tuple(dict.fromkeys(settings.host.services))
        self._told = (*COMMANDS, *(name for name in self._demanded if name not in COMMANDS))
        self._pid_file = Path(settings.host.apache_pid_file)
        self._ssh_port = settings.institute.ssh_port
        self._now = now
        self._proc = proc
        self._thread: OwnThread[Mapping[str, Reading]] = OwnThread()
        self._last: dict[str, Process] = {}
        """Where each service was seen running: looked at first, before all the others."""

    async def read(self) -> Mapping[str, Reading]:
        return await self._thread.run(self._look)

    async def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> Mapping[str, Reading]:
        found = self._states()
        running = sum(state == "running" for state in found.values())
        missing = [name for name in self._demanded if found[name] == "stopped"]
        unseen = [name for name in self._demanded if found[name] == "unknown"]
        detail: dict[str, Detail] = {
            **found,
            "demanded": " ".join(self._demanded),
            "missing": " ".join(missing),
        }
        if unseen and not missing:
            told = Reading(None, "", "unknown", self._now(), error=HIDDEN)
        else:
            told = reading(running, "", self._now(), critical=bool(missing))
        return {"host.services": replace(told, detail=detail)}

    def _states(self) -> dict[str, Service]:
        self._last = {
            name: now
            for name, before in self._last.items()
            if (now := process(before.pid, self._proc)) is not None
            and now.running
            and now.started == before.started
        }
        if set(self._told) - set(self._last):
            self._search(set(self._told) - set(self._last))
        absent: Service = "unknown" if others_hidden(self._proc) else "stopped"
        found: dict[str, Service] = {
            name: "running" if name in self._last else absent for name in self._told
        }
        return {**found, "apache": self._apache(found["apache"]), "ssh": self._ssh(found["ssh"])}

    def _search(self, names: Iterable[str]) -> None:
        wanted = {
            command[:COMM_LENGTH]: name for name in names for command in COMMANDS.get(name, (name,))
        }
        for seen in processes(self._proc):
            name = wanted.get(seen.comm)
            if name is not None and seen.running:
                self._last.setdefault(name, seen)

    def _apache(self, by_name: Service) -> Service:
        """Its pid file decides where it can be read: children outlive a killed master."""
        state, _ = apache.master(self._pid_file)
        if state == "unseen":
            return by_name
        return "running" if state == "running" else "stopped"

    def _ssh(self, by_name: Service) -> Service:
        try:
            heard = tcp.far_ends(self._ssh_port, "listening", self._proc)
        except OSError:  # the kernel does not tell
            return by_name
        if not heard:
            return "stopped"
        return "stopped" if by_name == "stopped" and self._frozen("ssh") else "running"

    def _frozen(self, name: str) -> bool:
        """Its processes are there and every one of them is stopped: the port answers nobody."""
        there = [p for p in processes(self._proc) if p.comm in COMMANDS[name]]
        return bool(there) and not any(p.running for p in there)
