"""Proofs that need a disk of their own: left out, loudly, where none can be mounted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof import disks, table
from tests.proof.disks import Disk, Quota

_left_out: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests on ``ground`` out where nothing can be mounted; in CI it must be possible."""
    _without_quota(config, items)
    needing = [item for item in items if "ground" in getattr(item, "fixturenames", ())]
    if not needing or disks.why_none() is None:
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"CI=true needs a real small file system: {disks.why_none()}")
    items[:] = [item for item in items if item not in set(needing)]
    config.hook.pytest_deselected(items=needing)
    _left_out.extend(item.nodeid for item in needing)
    table.not_run.extend(_left_out)


def _without_quota(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A kernel may lack btrfs, in CI too: that is told, and no failure."""
    needing = [item for item in items if "quota" in getattr(item, "fixturenames", ())]
    if not needing or (reason := disks.why_no_quota()) is None:
        return
    items[:] = [item for item in items if item not in set(needing)]
    config.hook.pytest_deselected(items=needing)
    table.not_run.extend(f"{item.nodeid} ({reason})" for item in needing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _left_out:
        terminalreporter.write_line(
            f"{len(_left_out)} proofs on a real small file system did NOT run: {disks.why_none()}",
            yellow=True,
            bold=True,
        )


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that other uids may pass, to mount disks under."""
    with tempfile.TemporaryDirectory(prefix="prep-disk-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def disk(ground: Path) -> Iterator[Disk]:
    """A real ext4 of 64 MB."""
    with disks.mounted(ground) as made:
        yield made


@pytest.fixture
def quota(ground: Path) -> Iterator[Quota]:
    """A folder of 24 MiB and no more."""
    with disks.quota(ground) as made:
        yield made
