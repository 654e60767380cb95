"""The page of one cut."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from prep_console.console import wording_of
from prep_console.publication.manifest import Manifest
from prep_console.widgets import (
    cut_page,
)
from prep_console.widgets.lines import Line, Span, cells, folded, line, plain, text_of
from prep_console.wording import use
from tests.console.nights import NOW, FakeStation, troubled

pytestmark = pytest.mark.usefixtures("in_english")


def test_a_cuts_page_holds_its_clocks_elections_figures_and_files() -> None:
    facts = cut_page.CutFacts(
        figures=(("DIP_LOC", (("expected", "2,136"),)),),
        warnings=("w" * 300,),
        files=(("a.zip", 606_502, "ab" * 32),),
    )
    snapshot = troubled()
    assert snapshot.live is not None
    shown = plain(cut_page.cut_page(snapshot, snapshot.live.cut, 80, facts))
    for part in (
        "20240603_0230",
        "carried over from the cut before",
        "2,136",
        "ab" * 32,
        "607 kB",
        "Jun 3, 2024 02:30:41",
    ):
        assert part in shown
    assert shown.count("w") >= 300
    assert "no acta names an image" in shown


@pytest.mark.parametrize("width", [30, 60, 80, 160])
def test_a_cuts_page_holds_images_source_and_whole_hashes(width: int) -> None:
    facts = FakeStation().facts("20240603_0230")
    snapshot = troubled()
    assert snapshot.live is not None
    lines = folded(cut_page.cut_page(snapshot, snapshot.live.cut, width, facts), width)
    assert [text_of(one) for one in lines if cell_len(text_of(one)) > width] == []
    shown = " ".join(plain(lines).split())
    for part in (
        "2,031 matched",
        "105 pending",
        "▲ 1 mismatched",
        "▲ 3 orphans",
        "new bytes 41 kB",
    ):
        assert part in shown
    joined = shown.replace(" ", "")
    for digest in ("ab" * 32, "cd" * 32, "ef" * 32):
        assert digest in joined
    assert joined.count("20240603_0230_PREP_DIP_QROO.zip") == 2
    use("es")
    spanish = " ".join(plain(cut_page.cut_page(snapshot, snapshot.live.cut, 99, facts)).split())
    assert "105 pendientes · ▲ 1 no coincide · ▲ 3 huérfanas · sha256" in spanish
    assert "hora del corte 3 jun 2024 02:30" in spanish


@pytest.mark.parametrize("width", range(9, 60))
def test_a_folded_line_loses_nothing_but_blanks(width: int) -> None:
    lines = [
        line(" ", Span("hour of the cut  ", "dim"), Span("Jun 3, 2024 02:35", "strong")),
        line(Span("x" * 130, "warning"), "y"),
        line("日本語 " * 9, Span("the end", "note")),
        (),
    ]
    made = folded(lines, width)
    assert [text_of(one) for one in made if cells(one) > width] == []

    def letters(shown: list[Line]) -> list[tuple[str, str]]:
        return [(c, span.tone) for one in shown for span in one for c in span.text if c != " "]

    assert letters(made) == letters(lines)
    assert not any(text_of(one).strip() == "" for one in made[:-1])


def test_images_that_a_manifest_does_not_keep_well_are_left_out() -> None:
    kept = [{"election": "AYUN", "matched": 1, "pending": 2, "mismatched": 0, "orphan": 0}, 7, {}]
    for images, count in ((kept, 1), ("x", 0), ({}, 0)):
        made = Manifest(
            "20240603_0230", "20240603_0230", 1, "", (), (), {}, (), NOW, NOW, 0,
            extra={"images": images},
        )  # fmt: skip
        assert len(wording_of.facts(made, "ab").images) == count
