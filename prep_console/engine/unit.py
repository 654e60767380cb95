"""Keeping the engine running: the systemd unit, and a start by hand where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from prep_console.config import Settings

_UNIT = """\
[Unit]
Description=prep-console engine ({name})
After=network-online.target apache2.service
Wants=network-online.target

[Service]
Type=notify
User=prep
Group=prep
ExecStart={program} --config {config} engine
Restart=always
RestartSec=1
WatchdogSec=30
NotifyAccess=main
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ReadWritePaths={writable}

[Install]
WantedBy=multi-user.target
"""


def program() -> Path:
    """Where this installation's command lies, for files that name it."""
    called = Path(sys.argv[0])
    if called.name != "prep-console":
        called = Path(sys.executable).with_name("prep-console")
    return called.absolute()


def systemd_unit(settings: Settings, config: Path) -> str:
    """The unit for this station and this installation."""
    beside = [settings.drop_folder]  # may lie on a file system of its own
    if textfile := settings.telemetry.textfile:
        beside.append(Path(textfile).parent)
    return _UNIT.format(
        name=_one_line(settings.station.name),
        program=program(),
        config=config.absolute(),
        # "-": one that is missing, or not mounted, must not keep the engine from starting
        writable=" ".join([str(settings.root), *(f"-{folder}" for folder in beside)]),
    )


def _one_line(text: str) -> str:
    """No line break or specifier of systemd from a setting."""
    return " ".join(text.split()).replace("%", "%%")


UNIT_NAME = "prep-console.service"


def start_engine(config: Path) -> subprocess.Popen[bytes] | None:
    """Start the engine: through systemd where it has the unit, else as a process of its own.

    The detached one, which is returned, outlives the caller's terminal. OSError when it cannot be
    started.
    """
    if _has_unit():
        started = subprocess.run(
            ["systemctl", "start", UNIT_NAME], capture_output=True, check=False
        )
        if started.returncode == 0:
            return None
    return subprocess.Popen(
        [sys.executable, "-m", "prep_console", "--config", str(config), "engine"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _has_unit() -> bool:
    if shutil.which("systemctl") is None:
        return False
    listed = subprocess.run(["systemctl", "cat", UNIT_NAME], capture_output=True, check=False)
    return listed.returncode == 0
