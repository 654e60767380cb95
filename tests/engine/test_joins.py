"""What the engine does again and again about a cut that cannot be put together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from prep_console.engine.loop import _Engine
from prep_console.intake import sealing
from prep_console.intake.build import build
from prep_console.publication import store
from tests.intake.desk import PERSON, Desk


@pytest.mark.parametrize("waits", [False, True])
async def test_a_join_that_cannot_be_made_is_tried_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    """It links and hashes all of a cut, until a person decides about the one that was changed."""
    desk, now, built = Desk(tmp_path), 1000.0, []
    desk.bring_both("20240602_2000")
    desk.bring("DIP_LOC", "20240602_2005", now=True)
    assert desk.bring("DIP_LOC", "20240602_2005", seed=2).cut == "20240602_2005.2"
    for file in (desk.station.cuts / "20240602_2005.2" / store.SITE).rglob("*DIP_LOC*"):
        file.chmod(0o644)
        file.write_bytes(b"changed by somebody")
    desk.bring("AYUN", "20240602_2005")
    if waits:
        assert desk.bring("DIP_LOC", "20240602_2010").result == "waiting"

    def building(*given: Any) -> Any:
        built.append(now)
        return build(*given)

    class Here:
        async def assemble_due(self, **given: bool) -> list[str]:
            return sealing.assemble_due(desk.station, actor=PERSON, **given)

    engine = _Engine(desk.station.settings, tmp_path / "config.toml")
    monkeypatch.setattr(engine, "_worker", Here())
    monkeypatch.setattr("prep_console.intake.sealing.build", building)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    for second in range(0, 125, 5):
        now = 1000.0 + second
        await engine._assemble()
    assert built == [1000.0, 1060.0, 1120.0]
