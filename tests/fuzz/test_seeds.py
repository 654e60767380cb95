"""The kept seeds and the tests' own deliveries through every target, without a fuzzer."""

from __future__ import annotations

import pytest

from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_passes(target: str) -> None:
    kept, first = seeds.kept(target), tuple(seeds.first(target))
    assert kept
    assert first
    for seed in (*first, *kept):
        TARGETS[target](seed)


def test_a_reader_that_breaks_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets are no ornament: a reader that loses bytes fails its second witness."""
    from prep_console.cuts import zips

    monkeypatch.setattr(zips._Zip, "chunks", lambda self, entry: iter([b""]))
    with pytest.raises(AssertionError):
        TARGETS["zip"](next(seeds.first("zip")))
