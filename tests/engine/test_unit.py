"""The systemd unit: the engine may write where its settings make it write, and nowhere else.

systemd starts nothing at all while a folder without a "-" before it is missing.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prep_console.engine.unit import systemd_unit
from tests.stations import sandbox


@pytest.mark.parametrize(
    ("textfile", "more"),
    [("", []), ("/var/lib/prometheus/node/prep.prom", ["-/var/lib/prometheus/node"])],
)
def test_the_engine_may_write_where_its_settings_say(
    tmp_path: Path, textfile: str, more: list[str]
) -> None:
    box = sandbox(tmp_path, {"telemetry": {"textfile": textfile}})
    unit = systemd_unit(box.settings, box.file)
    (writable,) = re.findall(r"^ReadWritePaths=(.*)$", unit, re.M)
    assert writable.split(" ") == [str(box.settings.root), f"-{box.settings.drop_folder}", *more]
