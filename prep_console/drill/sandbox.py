"""A whole station in a scratch folder: settings, web server, engine, all on loopback.

Every child is ours, dies with us, and is ended by its pid; the folder goes when the block ends
unless it is to be kept.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prep_console.config import Settings, load
from prep_console.drill.authority import LONG_DAYS, Authority
from prep_console.drill.children import child, free_port, wait_for
from prep_console.drill.embedded_server import serving
from prep_console.drill.mains import Mains, mains
from prep_console.drill.peers.clock import TimeServer, drifting_server, time_server
from prep_console.problems import Failed, Problem, Refused
from prep_console.publication import lock
from prep_console.publication.apache import find_apache, standalone
from prep_console.publication.station import Station
from prep_console.wording import N_, Language, Sentence, sentence

_STARTED_WITHIN_S = 60.0
"""A busy machine takes its time; what ended is noticed at once."""
_ENDED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a visitor got."""

    status: int
    cut: str | None
    """X-Prep-Cut."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running station."""

    folder: Path
    config: Path
    settings: Settings
    port: int
    web_server: Sentence
    """Which web server it is: the real one or ours, and why."""
    mains: Mains
    """The power, and the mains to lose."""
    clock: TimeServer
    language: Language
    drift: Callable[[float], None] | None = None
    """Makes the time server wrong by so many seconds; only where that was asked for."""
    web: ExitStack = field(default_factory=ExitStack)
    """Ends the web server when it is closed."""

    authority: Authority | None = None
    """Who signs the site's certificate, when it is served over TLS."""

    @property
    def url(self) -> str:
        """What a visitor opens."""
        return self.settings.site.url

    def renew(self, days: int) -> None:
        """Put a certificate in place that ends after so many days, and have it served."""
        if self.authority is not None:
            into = self.folder / "apache"
            self.authority.issue(into, days)
            if (into / "httpd.conf").exists():
                command = [str(find_apache()), "-f", str(into / "httpd.conf"), "-k", "graceful"]
                subprocess.run(command, capture_output=True, timeout=30, check=False)

    def command(self, *arguments: str) -> list[str]:
        """The command line of prep-console for this station."""
        start = [sys.executable, "-m", "prep_console", "--config", str(self.config)]
        return [*start, "--lang", self.language, *arguments]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run prep-console as a person would; its exit code and what it said."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def status(self) -> Mapping[str, Any]:
        """``status --json``; Failed when it cannot be had."""
        called = self.call("status", "--json")
        try:
            said = json.loads(called.stdout)
        except ValueError:
            said = None
        if called.returncode or not isinstance(said, dict):
            raise Failed(
                sentence(N_("status did not answer: {error}"), error=called.stderr.strip()[-300:]),
                sentence(N_("run it by hand: {command}"), command=" ".join(called.args)),
            )
        return said

    def visit(self, path: str = "/") -> Answer:
        """Ask the site as a visitor does. OSError when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        if self.authority is not None:
            trusts = ssl.create_default_context(cafile=str(self.authority.file))
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=10, context=trusts
            )
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers["X-Prep-Cut"], answer.read())


@contextmanager
def sandbox(
    *,
    folder: Path | None,
    language: Language,
    title: str,
    state: str,
    elections: Sequence[str],
    port: int | None,
    speed: float | None = None,
    cut_every_s: float = 300.0,
    least_free_bytes: int = 2**28,
    tls: bool = False,
) -> Iterator[Sandbox]:
    """A station with its web server and engine until the block ends.

    ``tls``: the site is served over it, with certificates of an authority of its own.
    ``speed``: a rehearsal so many times quicker, with a time server that can drift. Without it
    only the cuts come quicker, ``cut_every_s`` apart, and are expected so.
    A given ``folder`` must be empty or not there, and is kept; else one is made and removed.
    """
    with ExitStack() as ending:
        home = _home(folder, ending)
        port = port or free_port()
        # first, so that they end after the engine that looks at them
        power = ending.enter_context(mains(home))
        drift = None
        if speed is None:
            clock = ending.enter_context(time_server(home / "clock"))
        else:
            clock, drift = ending.enter_context(drifting_server())
        election = {"title": title, "state": state, "elections": list(elections)}
        authority = Authority(home / "authority") if tls else None
        config = _write_settings(
            home,
            language,
            election,
            _site(port, authority),
            power,
            clock,
            speed or min(120.0, max(1.0, 300 / cut_every_s)),
            max(1, round(60 / (speed or 1.0))),
            least_free_bytes,
        )
        settings = load(config)
        Station(settings).prepare()
        web = ending.enter_context(ExitStack())
        web_server = serve(settings, home, port, web, authority)
        made = Sandbox(
            home,
            config,
            settings,
            port,
            web_server,
            power,
            clock,
            language,
            drift,
            web,
            authority,
        )
        ending.callback(_end_engine, settings)
        engine = child(made.command("engine"), ending, log=home / "engine.log")
        wait_for(
            lambda: _alive(engine, home / "engine.log") and made.status()["engine"]["alive"],
            _STARTED_WITHIN_S,
            sentence(N_("the engine did not start")),
        )
        yield made


def _end_engine(settings: Settings) -> None:
    """End the engine that somebody started from the console after ours was gone."""
    leader = Station(settings).leader_lock
    holder = lock.holder_of(leader)
    if holder is None or not holder.alive or not lock.is_held(leader):
        return
    with suppress(ProcessLookupError):
        os.kill(holder.pid, signal.SIGTERM)
    wait_for(
        lambda: not lock.is_held(leader),
        _ENDED_WITHIN_S,
        sentence(N_("the engine of the demo did not end (process {pid})"), pid=holder.pid),
    )


def _alive(process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is None:
        return True
    said = log.read_text(errors="replace").strip()[-500:]
    raise Failed(
        sentence(N_("it ended with code {code}: {error}"), code=process.returncode, error=said),
        sentence(N_("run the demo with --folder and read the logs that it keeps")),
    )


def _home(folder: Path | None, ending: ExitStack) -> Path:
    if folder is None:
        made = Path(tempfile.mkdtemp(prefix="prep-console-demo-"))
        ending.callback(shutil.rmtree, made, onerror=_make_removable)
        return made
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise Refused(
            sentence(N_("the folder {path} is not empty"), path=str(folder)),
            sentence(N_("name an empty or a new one; a demo never touches anything else")),
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _make_removable(remove: Callable[[str], object], path: str, _: object) -> None:
    """Sealed folders are read-only; as any user but root they must be opened to be removed."""
    Path(path).parent.chmod(0o700)
    remove(path)


def _site(port: int, authority: Authority | None) -> Mapping[str, object]:
    if authority is None:
        return {"url": f"http://127.0.0.1:{port}/"}
    return {"url": f"https://127.0.0.1:{port}/", "ca_file": str(authority.file)}


def _write_settings(
    home: Path,
    language: Language,
    election: Mapping[str, object],
    site: Mapping[str, object],
    power: Mains,
    clock: TimeServer,
    speed: float,
    carry_after_s: int,
    least_free_bytes: int,
) -> Path:
    tables: list[tuple[str, Mapping[str, object]]] = [
        (
            "[station]",
            {
                "name": "Demo",
                "root": str(home / "station"),
                "language": language,
                "phase": "simulacro",
                "rehearsal_speed": speed,
            },
        ),
        ("[election]", {**election, "cadence_minutes": 5}),
        ("[intake]", {"carry_after_seconds": carry_after_s}),
        ("[site]", site),
        ("[clock]", {"servers": [clock.address], "chrony": clock.chrony}),
        *(("[[power.device]]", device) for device in power.devices),
        # The call's minima are for a real server; here they would only warn, and prune.
        ("[host]", {"min_free_bytes": least_free_bytes, "min_cpus": 1, "min_memory_bytes": 2**30}),
    ]
    config = home / "config.toml"
    lines = ["# A demo's settings: SIMULACRO, nothing here is a result."]
    for table, values in tables:
        lines += ["", table]
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    config.write_text("\n".join([*lines, ""]), encoding="utf-8")
    config.chmod(0o600)
    return config


def serve(
    settings: Settings,
    home: Path,
    port: int,
    ending: ExitStack,
    authority: Authority | None = None,
) -> Sentence:
    """Apache when it is here and starts, else our own server; says which.

    With ``authority`` over TLS, with a certificate of it that lasts.
    """
    apache = find_apache()
    reason: Sentence | None = None
    if apache is not None:
        try:
            listen = f"127.0.0.1:{port}"
            conf = standalone(settings, home / "apache", listen, tls=authority is not None)
            if authority is not None:
                authority.issue(home / "apache", LONG_DAYS)
            log = home / "apache" / "stderr.log"
            with ExitStack() as trying:
                process = child([str(apache), "-f", str(conf), "-D", "FOREGROUND"], trying, log=log)
                wait_for(
                    lambda: _alive(process, log) and _listens(port),
                    _STARTED_WITHIN_S,
                    sentence(N_("Apache did not start")),
                )
                ending.push(trying.pop_all())
            return sentence(N_("web server: a real Apache ({path})"), path=str(apache))
        except Problem as problem:
            reason = problem.what
    certificate = None
    if authority is not None:
        certificate = home / "apache" / "certificate.pem"
        authority.issue(certificate.parent, LONG_DAYS)
    ending.enter_context(serving(settings, port, certificate=certificate))
    if reason is None:
        return sentence(N_("web server: the small embedded one, NOT Apache: none is installed"))
    return sentence(
        N_("web server: the small embedded one, NOT Apache: {error}"), error=str(reason)
    )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
