"""``minutes``: the document of a real night, with hostile words in it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from prep_console import dates
from prep_console.engine.view import read_snapshot
from prep_console.journal.reading import read, verify
from prep_console.reports.minutes import minutes, minutes_html
from prep_console.values import replace
from tests.escaping.foreign import FOREIGN, steering
from tests.nights import archive, stamps, two_archives
from tests.stations import Sandbox, sandbox

CUTS = stamps(count=3)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    folder = tmp_path_factory.mktemp("night")
    made = sandbox(folder, {"station": {"root": str(folder / "root"), "name": "<b>Difusor</b>"}})
    for stamp in CUTS:
        for path in two_archives(folder, stamp).values():
            assert made.run("receive", path).code == 0
    older = archive(folder, "DIP_LOC", "20240602_1955")
    assert made.run("receive", older).code == 1
    assert made.run("rollback", "--yes", "--reason", f"<script>x</script>{FOREIGN}").code == 0
    return made


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


def test_it_holds_the_cuts_the_decision_the_refusal_and_the_head(
    box: Sandbox, tmp_path: Path
) -> None:
    out = tmp_path / "acta.html"
    ran = box.run("minutes", "--out", out)
    assert ran.code == 0, ran.err
    text = out.read_text(encoding="utf-8")
    for stamp in CUTS:
        assert text.count(f">{stamp}<") == 1
    assert "stamp.older" in text or "older" in text
    assert "roll back" in text
    head = verify(box.station.journal).hash
    assert head in text
    assert steering(text.replace("\n", "")) == []


def test_the_first_cut_of_the_night_came_before_the_journal_had_a_line(tmp_path: Path) -> None:
    made, delivery, out = sandbox(tmp_path), tmp_path / "delivery", tmp_path / "acta.html"
    two_archives(delivery, CUTS[0])
    assert made.run("receive", delivery).code == 0
    assert made.run("minutes", "--out", out).code == 0
    assert out.read_text(encoding="utf-8").count(f">{CUTS[0]}<") == 1


def test_nothing_from_outside_is_markup_and_nothing_is_fetched(
    box: Sandbox, tmp_path: Path
) -> None:
    out = tmp_path / "acta.html"
    assert box.run("minutes", "--out", out, lang="es").code == 0
    text = out.read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(text)
    assert "script" not in tags.seen
    assert "b" not in tags.seen
    assert '<html lang="es">' in text
    assert "Decisiones" in text
    assert not re.search(r"(?:src|href)=|url\(|@import", text)
    for picture in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(picture)


def test_a_late_cut_is_a_gap_in_words_in_the_table_and_in_the_picture(box: Sandbox) -> None:
    seen = read_snapshot(box.settings)
    newest, *others = seen.cuts
    late = replace(newest, received_at=newest.received_at + timedelta(minutes=9))
    cuts = (late, *others)
    night = minutes(
        replace(seen, cuts=cuts, observed_at=seen.observed_at + timedelta(minutes=10)),
        read(box.station.journal).lines,
        verify(box.station.journal),
        None,
        None,
    )
    text = minutes_html(night)
    assert [gap.minutes for gap in night.gaps] == [9]
    (told,) = re.findall(r"<p>([^<]*\b9 min[^<]*)</p>", text)
    for at in (night.gaps[0].begins, night.gaps[0].ends):
        there = at.astimezone(box.settings.zone)
        assert f"{dates.day(there)} {there:%H:%M:%S}" in told
    assert text.count('<tr class="late">') == 1
    assert text.count('r="3" fill="#b00020"') == 1


def test_a_stretch_leaves_out_what_lies_outside(box: Sandbox, tmp_path: Path) -> None:
    out = tmp_path / "acta.html"
    ran = box.run("minutes", "--out", out, "--from", "2020-01-01 00:00", "--to", "2020-01-02 00:00")
    assert ran.code == 0, ran.err
    text = out.read_text(encoding="utf-8")
    assert CUTS[0] not in text
    assert "nothing" in text


def test_a_stretch_is_named_as_for_a_replay(box: Sandbox, tmp_path: Path) -> None:
    def cuts_from(name: str, *more: str) -> list[str]:
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.html"
        ran = box.run("minutes", "--out", out, "--from", name, *more)
        assert ran.code == 0, ran.err
        text = out.read_text(encoding="utf-8")
        return [stamp for stamp in CUTS if f">{stamp}<" in text]

    zone = box.settings.zone
    first = read(box.station.journal).lines[0].time.astimezone(zone)
    assert cuts_from(f"{first:%H:%M}") == CUTS
    assert cuts_from(f"{first:%Y-%m-%dT%H:%M}") == CUTS
    assert cuts_from(f"{first:%Y-%m-%d %H:%M}") == CUTS
    assert cuts_from("20240602_2005", "--to", "20240602_2010.2") == []
    hours_before = f"{first - timedelta(hours=3):%H:%M}"
    for wrong, told in ((hours_before, "outside the record"), ("25:00", "write 02:35"), ("", "")):
        ran = box.run("minutes", "--out", tmp_path / "x.html", "--from", wrong)
        assert (ran.code, ran.out) == (2, "")
        assert told in ran.err


def test_it_is_never_written_over_and_wrong_usage_is_told(box: Sandbox, tmp_path: Path) -> None:
    there = tmp_path / "there.html"
    there.write_text("mine")
    assert box.run("minutes", "--out", there).code == 1
    assert there.read_text() == "mine"
    assert box.run("minutes", "--out", tmp_path / "no" / "x.html").code == 3
    assert box.run("minutes").code == 2
    late = ("--from", "2024-06-03 00:00", "--to", "2024-06-02 00:00")
    assert box.run("minutes", "--out", tmp_path / "x.html", *late).code == 2
    assert not (tmp_path / "x.html").exists()


def test_a_broken_record_is_said_in_the_document_and_by_the_exit_code(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    for path in two_archives(tmp_path, CUTS[0]).values():
        assert box.run("receive", path).code == 0
    journal = box.station.journal
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], *lines[2:]]))
    ran = box.run("minutes", "--out", tmp_path / "acta.html")
    assert ran.code == 1
    assert "broken" in ran.err
    assert "broken" in (tmp_path / "acta.html").read_text(encoding="utf-8")
