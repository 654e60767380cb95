"""A drill in a real terminal, and an operator who acts from another one by command."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

from prep_console.drill.scenario import Reaction, Scenario, load

PROGRAM = (sys.executable, "-m", "prep_console")


def points(report: Path) -> int:
    """What the kept report says."""
    found = re.search(r"score: (\d+) of 100", (report / "simulacro.txt").read_text("utf-8"))
    assert found
    return int(found[1])


def faults(report: Path) -> int:
    """How many faults the kept report says began and ended."""
    text = (report / "simulacro.txt").read_text("utf-8")
    return len(re.findall(r"^fault \d+, [\w -]+: [\d:]+ to [\d:]+ UTC$", text, re.M))


def rehearse(
    name: str, folder: Path, *, awake: bool, timeout_s: float = 800.0, source: Path | None = None
) -> Path:
    """Run it to its end at 60 times; the folder of its report. ``source``: a real final cut."""
    report, station = folder / "report", folder / "station"
    main, terminal = pty.openpty()
    command = [*PROGRAM, "--lang", "en", "drill", name, "--speed", "60", "--operator", "robot"]
    command += ["--report", str(report), "--folder", str(station)]
    command += ["--from", str(source)] if source is not None else []
    with subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
    ) as process:
        os.close(terminal)
        shown = bytearray()
        reader = threading.Thread(target=_drain, args=(main, shown), daemon=True)
        reader.start()
        try:
            if awake:
                _operate(process, station / "config.toml", load(name))
            code = process.wait(timeout_s)
        finally:
            process.terminate()
    reader.join(10)
    os.close(main)
    assert code == 0, shown.decode("utf-8", "replace")[-3000:]
    return report


def _drain(main: int, shown: bytearray) -> None:
    """What the terminal was told, the last of it kept."""
    try:
        while told := os.read(main, 65536):
            shown += told
            del shown[:-65536]
    except OSError:
        return


def _operate(process: subprocess.Popen[bytes], config: Path, scenario: Scenario) -> None:
    """Each reaction once, as soon as there is something to react to: acknowledge, then decide."""
    pause = threading.Event()
    waiting = list(scenario.reaction)
    while process.poll() is None and waiting:
        for reaction in list(waiting):
            if _seen(config, reaction):
                waiting.remove(reaction)
                _decide(config, scenario, reaction)
        pause.wait(0.5)


def _seen(config: Path, reaction: Reaction) -> bool:
    """Whether its alarm was acknowledged; of what no alarm tells, whether a cut looks wrong."""
    if not reaction.alarms:
        return _public_is_a_test(config)
    for key in _listed(config):
        if key.partition(":")[0] in reaction.alarms:
            return _call(config, "acknowledge", key).returncode == 0
    return False


def _decide(config: Path, scenario: Scenario, reaction: Reaction) -> None:
    for decision in reaction.decisions[:1]:
        cut = [_newest(config)] if decision == "publish" else []
        _call(config, decision, *cut, "--reason", "drill", "--yes")
    if scenario.fault[reaction.fault - 1].kind == "web-server-dies":
        (config.parent / "web").write_text("on\n", "utf-8")  # as its advice says


def _newest(config: Path) -> str:
    """Id of the newest cut, which is the one that waits for a person's word."""
    return str(json.loads(_call(config, "cuts", "--json").stdout)["cuts"][0]["id"])


def _public_is_a_test(config: Path) -> bool:
    """What a person reads on the cut's page: its file says that it is a test."""
    try:
        public = json.loads(_call(config, "status", "--json").stdout)["live"]
        lines = json.loads(_call(config, "journal", "--json").stdout)["lines"]
    except (ValueError, KeyError):
        return False
    sealed = [one["data"] for one in lines if one["kind"] == "sealed"]
    return public is not None and any(
        one["cut"] == public["id"] and "phase.test" in one.get("checks", ()) for one in sealed
    )


def _listed(config: Path) -> set[str]:
    said = _call(config, "alarms", "--json").stdout
    try:
        return {str(alarm["key"]) for alarm in json.loads(said)["alarms"]}
    except (ValueError, KeyError):
        return set()


def _call(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "--config", str(config), "--lang", "en", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
