"""The table of cuts: which stand in it, and what is said of those that wait."""

from __future__ import annotations

import pytest

from prep_console.values import replace
from prep_console.widgets import (
    cuts_table,
    standing,
)
from tests.console.drawn import screen
from tests.console.nights import cut, night

pytestmark = pytest.mark.usefixtures("in_english")


def test_refused_deliveries_stand_between_the_cuts() -> None:
    order = [cuts_table.key_of(row) for row in cuts_table.rows(night())]
    assert order.index("cut 20240603_0225") < order.index("refused 20240603_082044_1")
    assert order.index("refused 20240603_082044_1") < order.index("cut 20240603_0220")


def test_the_table_scrolls_to_its_cursor() -> None:
    snapshot = night()
    last = cuts_table.key_of(cuts_table.rows(snapshot)[-1])
    shown = screen(snapshot, cursor=last)
    assert "▸  01:40" in shown
    assert "● 02:35" not in shown


@pytest.mark.parametrize("height", [2, 3, 5, 40])
def test_the_public_cut_is_in_view_however_many_were_withdrawn(height: int) -> None:
    """After several rollbacks the newest rows are all withdrawn."""
    snapshot = night()
    live = snapshot.cuts[8]
    gone = (replace(one, state="withdrawn") for one in snapshot.cuts[:8])
    before = replace(snapshot.cuts[9], state="previous")
    cuts = (*gone, replace(live, state="live"), before, *snapshot.cuts[10:])
    assert snapshot.live is not None
    public = replace(snapshot.live, cut=live)
    rolled_back = replace(snapshot, cuts=cuts, live=public, refused=())
    shown = cuts_table.table(rolled_back, 78, height, cursor=None, explain=lambda _: "")
    text = [" ".join("".join(span.text for span in one).split()) for one in shown]
    assert len(text) == min(height, len(cuts))
    assert any(one.startswith("● ") and "public" in one for one in text)
    assert any(one.startswith("○ ") for one in text)


def test_a_corrected_cut_waits_for_a_person() -> None:
    waiting = cut(0, revision_of="corrected", waits=True)
    snapshot = night()
    snapshot = replace(snapshot, cuts=(waiting, *snapshot.cuts))
    shown = " ".join(screen(snapshot).split())
    assert "CORRECTED CUT WAITS" in shown
    assert "▲ 02:35 you decide" in shown


def test_a_withdrawn_cut_that_came_again_is_not_told_as_a_correction() -> None:
    again = cut(0, revision_of="completed", waits=True)
    snapshot = night()
    shown = screen(replace(snapshot, cuts=(again, *snapshot.cuts)))
    assert "WITHDRAWN CUT AGAIN" in shown
    assert "CORRECTED" not in shown


def test_a_cut_whose_figures_are_zero_is_not_told_as_a_correction() -> None:
    """Of one that is both, too: who obeys the band must not publish zeros unaware."""
    for why in (None, "corrected"):
        zero = replace(cut(0, counted=0, revision_of=why, waits=True), questioned=True)
        snapshot = replace(night(), cuts=(zero, *night().cuts))
        (found,) = standing.notices(snapshot)
        assert found.word == "CUT WITH ZEROS WAITS"
        assert zero.id in found.text
        assert "fell to zero" in found.text
        assert "again" not in found.text
        assert "press p" not in found.text
