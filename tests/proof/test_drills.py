"""Scenarios at 120 times to their end in a real terminal, with an operator who acts."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.drill.rehearsing import points, rehearse

RUN = (
    *("corrupt-zip", "delivered-twice", "guerrero-2021", "half-arrived", "late-cuts"),
    *("mains-lost", "one-election-late", "wrong-election"),
)
"""Those that an alarm announces and that were run to their end."""


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_an_awake_operator_scores_in(name: str) -> None:
    with tempfile.TemporaryDirectory(prefix="drill-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        report = rehearse(name, folder, awake=True)
        told = (report / "simulacro.txt").read_text("utf-8")
        print(told)
        assert "announced by the station: after" in told
        assert points(report) >= 50, told
