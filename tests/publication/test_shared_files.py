"""A file that several cuts share is one inode: what harms it in one harms it in all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.intake.receive import receive
from prep_console.problems import Refused
from prep_console.publication import actions, repair
from prep_console.publication.repair import compare_and_repair
from prep_console.publication.station import Station
from tests.cuts import deliveries as d
from tests.publication.three_cuts import FIRST, PERSON, SECOND, THIRD
from tests.stations import Sandbox, sandbox

PAGE = "index.html"


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    """Three cuts with one page, which only the first and the last one share."""
    made = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})
    for stamp, page in ((FIRST, b"good"), (SECOND, b"other"), (THIRD, b"good")):
        files = {**d.cut_files(stamp=stamp), PAGE: page}
        receive(made.station, d.put(tmp_path / f"{stamp}_PREP", files), actor=PERSON)
    third = page_of(made, THIRD)
    if not third.samefile(page_of(made, FIRST)):  # links come from the cut before
        third.parent.chmod(0o755)
        third.unlink()
        third.hardlink_to(page_of(made, FIRST))
        third.parent.chmod(0o555)
    harm(third)
    return made


def page_of(box: Sandbox, cut: str) -> Path:
    return box.station.cuts / cut / "site" / PAGE


def harm(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"evil")
    path.chmod(0o444)


def damaged(box: Sandbox) -> dict[str, tuple[str, ...]]:
    return {cut.id: cut.damaged for cut in box.station.whole_state().cuts.values() if cut.damaged}


def test_a_repair_puts_the_good_copy_in_every_cut_that_shares_the_file(
    box: Sandbox, tmp_path: Path
) -> None:
    found = compare_and_repair(box.station, THIRD, [tmp_path / f"{THIRD}_PREP"], PERSON)
    assert (found.repaired, [one.cut for one in found.others]) == ((PAGE,), [FIRST])
    assert page_of(box, THIRD).samefile(page_of(box, FIRST))
    assert page_of(box, SECOND).read_bytes() == b"other"
    assert damaged(box) == {}
    for cut in (FIRST, THIRD):
        again = compare_and_repair(box.station, cut, [], PERSON)
        assert (again.repaired, again.lost) == ((), ())
    actions.rollback(box.station, to=None, actor=PERSON)
    actions.rollback(box.station, to=None, actor=PERSON)
    assert box.station.live().cut == FIRST
    assert page_of(box, FIRST).read_bytes() == b"good"


def test_without_a_good_copy_no_rollback_goes_to_a_cut_that_shares_it(box: Sandbox) -> None:
    compare_and_repair(box.station, THIRD, [], PERSON)
    assert damaged(box) == {FIRST: (PAGE,), THIRD: (PAGE,)}
    actions.rollback(box.station, actor=PERSON)
    assert box.station.live().cut == SECOND
    with pytest.raises(Refused):
        actions.rollback(box.station, actor=PERSON)


def test_a_repair_that_is_cut_short_is_completed_by_the_next_one(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [tmp_path / f"{THIRD}_PREP"]
    put, left = repair._put, 1

    def dies(station: Station, cut: str, path: str, copy: Path) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        put(station, cut, path, copy)

    with monkeypatch.context() as patched:
        patched.setattr(repair, "_put", dies)
        with pytest.raises(KeyboardInterrupt):
            compare_and_repair(box.station, THIRD, good, PERSON)
    compare_and_repair(box.station, THIRD, good, PERSON)
    assert page_of(box, THIRD).read_bytes() == page_of(box, FIRST).read_bytes() == b"good"
