"""What the tests of publication begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.publication.station import Station
from tests.publication.three_cuts import (
    FIRST,
    SECOND,
    THIRD,
    deliver,
)
from tests.stations import sandbox


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """Three cuts, the third one live, in auto."""
    made = sandbox(tmp_path).station
    for stamp in (FIRST, SECOND, THIRD):
        deliver(made, tmp_path, stamp)
    return made
