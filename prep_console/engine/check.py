"""One line for Nagios and its kin: OK, WARNING, CRITICAL or UNKNOWN, and figures.

After the Monitoring Plugins' guidelines: text, a bar, then ``'label'=value[UOM];warn;crit`` with
ranges outside of which it would be an alarm, and ``U`` where nothing is known.
"""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from prep_console.config import Settings
from prep_console.problems import Problem
from prep_console.publication.lock import process_start
from prep_console.snapshot import Reading, Snapshot

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_CRITICAL, _UNKNOWN = 2, 3
_PATIENCE_S = 8.0
"""After the start of this process: Nagios itself gives up after 10 s, and then says less."""
_LEAST_S = 1.0
"""However long the start took."""
_UNITS = {"s": "s", "%": "%", "bytes": "B"}
"""Units that the guidelines know; others go without."""
_TEXT = 1000
_LINE = 8000
"""Nagios reads no more of a plugin than 8 KiB."""


def check(settings: Callable[[], Settings]) -> tuple[str, int]:
    """The line and the exit code. What cannot be read, settings too, is UNKNOWN, never OK."""
    return _in_time(lambda: _look(settings()), _PATIENCE_S)


def line_of(settings: Settings, snapshot: Snapshot) -> tuple[str, int]:
    """What a snapshot comes to. Shelved alarms are told and do not count: a person said so."""
    figures = " ".join(_figures(settings, snapshot))
    if snapshot.read_error is not None:
        return _line(_UNKNOWN, snapshot.read_error, figures), _UNKNOWN
    loud = [alarm for alarm in snapshot.alarms if alarm.shelved_until is None]
    severities = {alarm.severity for alarm in loud}
    code = 2 if "critical" in severities else 1 if "warning" in severities else 0
    texts = [alarm.text for alarm in sorted(loud, key=lambda a: a.severity != "critical")[:3]]
    if not snapshot.engine.alive:
        code = _CRITICAL
        if not any(alarm.id.startswith("engine") for alarm in loud):
            texts.insert(0, "no engine is running")
    if len(loud) > 3:
        texts.append(f"{len(loud) - 3} more")
    if quiet := len(snapshot.alarms) - len(loud):
        texts.append(f"{quiet} shelved")
    live = snapshot.live.cut.id if snapshot.live else "none"
    told = "; ".join(texts)
    text = f"cut {live}, {snapshot.mode}{': ' + told if told else ''}"
    return _line(code, text, figures), code


def _look(settings: Settings) -> tuple[str, int]:
    from prep_console.engine.view import read_snapshot

    return line_of(settings, read_snapshot(settings))


def _in_time(look: Callable[[], tuple[str, int]], seconds: float) -> tuple[str, int]:
    """What ``look`` finds, or UNKNOWN when this process is so many seconds old.

    In a child that is left behind when it hangs: a read from a dead disk or file server can be
    neither interrupted nor killed, and a thread in one holds up the end of its process.
    """
    patience_s = max(_LEAST_S, seconds - max(0.0, _age_s()))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):  # who waits for the end of our output must not wait for this
                os.dup2(silence, stream)
            line, code = look()
            os.write(writing, f"{code}{line}".encode("utf-8", "replace"))
        except BaseException as error:
            named = "" if isinstance(error, Problem) else f"{type(error).__name__}: "
            told = _line(_UNKNOWN, f"{named}{error}", "")
            os.write(writing, f"{_UNKNOWN}{told}".encode("utf-8", "replace"))
        finally:
            os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], patience_s)
        said = os.read(reading, 2 * _LINE) if ready else b""
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(child, os.WNOHANG)
    if not said:
        late = f"the station did not answer in {patience_s:.0f} s"
        reason = "the look ended early" if ready else late
        return _line(_UNKNOWN, reason, ""), _UNKNOWN
    return said[1:].decode("utf-8", "replace"), int(said[:1])


def _age_s() -> float:
    """How long ago this process began: on a busy machine the start alone takes seconds."""
    ticks = process_start(os.getpid())
    if ticks is None:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _figures(settings: Settings, snapshot: Snapshot) -> Iterator[str]:
    yield _figure("late", snapshot.late_s, "s")
    yield _figure("cuts", len(snapshot.cuts))
    yield _figure("alarms", len(snapshot.alarms))
    yield _figure("heartbeat", snapshot.engine.heartbeat_age_s, "s")
    for name, reading in sorted(snapshot.readings.items()):
        if reading.unit or isinstance(reading.value, int | float):
            yield _reading(settings, name, reading)


def _reading(settings: Settings, name: str, reading: Reading) -> str:
    value = reading.value if isinstance(reading.value, int | float) else None
    ranges = _ranges(settings, name, reading)
    return _figure(name, value, _UNITS.get(reading.unit, ""), *ranges)


def _ranges(settings: Settings, name: str, reading: Reading) -> tuple[str, str]:
    """What would be a warning and what critical, where one number says it."""
    if name == "clock.offset":
        warning, critical = settings.clock.warning_ms / 1000, settings.clock.critical_ms / 1000
        return f"-{warning:g}:{warning:g}", f"-{critical:g}:{critical:g}"
    if name == "host.disk":
        least = settings.host.min_free_bytes
        return f"{least}:", f"{least // 4}:"
    if name == "site.certificate":
        return f"{settings.site.certificate_days}:", "3:"
    if name == "site.visitor":
        return f"{settings.site.slow_ms / 1000:g}", ""
    if reading.detail.get("role") == "ups":
        return "", f"{settings.power.low_charge_percent}:"
    return "", ""


def _figure(
    label: str, value: float | None, unit: str = "", warning: str = "", critical: str = ""
) -> str:
    plain = re.fullmatch(r"[\w.]+", label, re.ASCII) is not None
    quoted = label if plain else "'" + re.sub(r"['=|\s]", "_", label) + "'"
    told = "U" if value is None else f"{value:.12g}{unit}"
    return f"{quoted}={told};{warning};{critical}".rstrip(";")


def _line(code: int, text: str, figures: str) -> str:
    """One line, one bar, whatever somebody was called or answered."""
    shown = re.sub(r"\s+", " ", text.replace("|", "/"))[:_TEXT].strip()
    shown = "".join(c if c.isprintable() else "?" for c in shown)
    line = f"PREP {_WORDS[code]} - {shown}"
    room = _LINE - len(line.encode("utf-8", "replace")) - 3
    while len(figures.encode("utf-8", "replace")) > room:
        figures = figures.rpartition(" ")[0]
    return f"{line} | {figures}" if figures else line
