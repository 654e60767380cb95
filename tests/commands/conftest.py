"""The station that commands are tried on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import nights
from tests.commands.night import FIRST, SECOND
from tests.stations import Sandbox, sandbox


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = sandbox(tmp_path)
    for stamp in (FIRST, SECOND):
        folder = tmp_path / stamp
        folder.mkdir()
        nights.two_archives(folder, stamp=stamp, actas=5)
        assert made.run("receive", folder).code == 0
    return made
