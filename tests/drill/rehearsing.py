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

from prep_console.drill.scenario import Scenario, load

PROGRAM = (sys.executable, "-m", "prep_console")


def points(report: Path) -> int:
    """What the kept report says."""
    found = re.search(r"score: (\d+) of 100", (report / "simulacro.txt").read_text("utf-8"))
    assert found
    return int(found[1])


def rehearse(name: str, folder: Path, *, awake: bool, timeout_s: float = 400.0) -> Path:
    """Run it to its end at 120 times; the folder of its report."""
    report, station = folder / "report", folder / "station"
    main, terminal = pty.openpty()
    command = [*PROGRAM, "--lang", "en", "drill", name, "--speed", "120", "--operator", "robot"]
    command += ["--report", str(report), "--folder", str(station)]
    with subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
    ) as process:
        os.close(terminal)
        reader = threading.Thread(target=_drain, args=(main,), daemon=True)
        reader.start()
        try:
            if awake:
                _operate(process, station / "config.toml", load(name))
            code = process.wait(timeout_s)
        finally:
            process.terminate()
    reader.join(10)
    os.close(main)
    assert code == 0
    return report


def _drain(main: int) -> None:
    try:
        while os.read(main, 65536):
            pass
    except OSError:
        return


def _operate(process: subprocess.Popen[bytes], config: Path, scenario: Scenario) -> None:
    """Acknowledge what the scenario is about as soon as it is listed, then decide, once."""
    wanted = {alarm for reaction in scenario.reaction for alarm in reaction.alarms}
    seen: set[str] = set()
    pause = threading.Event()
    while process.poll() is None and wanted:
        for key in _listed(config) - seen:
            if key.partition(":")[0] in wanted:
                done = _call(config, "acknowledge", key)
                seen |= {key} if done.returncode == 0 else set()
        if seen:
            break
        pause.wait(0.5)
    for reaction in scenario.reaction:
        for decision in reaction.decisions[:1]:
            target = ("rollback",) if decision == "rollback" else ("hold",)
            _call(config, *target, "--reason", "drill", "--yes")


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
