"""The documents that people keep, in a real Chromium: on a screen, on a phone, on paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from prep_console.drill.drill_report import Rehearsed, html
from prep_console.drill.rehearsal import Public, Told
from prep_console.drill.scenario import load
from prep_console.drill.score import score
from prep_console.journal.actor import Actor
from prep_console.journal.chain import Line
from prep_console.journal.reading import Verdict
from prep_console.reports.minutes import minutes, minutes_html
from prep_console.values import replace
from prep_console.wording import sentence, use
from tests.browser.chromium import Chromium
from tests.browser.seeing import seen_well
from tests.console.nights import night

pytestmark = pytest.mark.server

BEGINS = datetime(2024, 6, 2, 20, 0, tzinfo=ZoneInfo("America/Mexico_City"))
REASON = "lo pidió el instituto por teléfono; " * 8
FINDING = {
    "check": "stamp.older",
    "severity": "stop",
    "where": f"{'x' * 120}.zip",
    "values": {"election": "AYUN", "stamp": "20240602_1955", "mark": "20240602_2015"},
}


def lines_told() -> list[Line]:
    """A decision, a refusal and a repair, each with something very long in it."""
    actor = Actor(1000, "coordinacion.nocturna")
    told: list[tuple[str, Mapping[str, object]]] = [
        ("hold", {"reason": REASON}),
        ("refused", {"id": "x", "name": f"{'y' * 90}.zip", "findings": [FINDING]}),
        ("repaired", {"cut": "20240602_2005", "repaired": ["z" * 150], "lost": []}),
    ]
    return [
        Line(n + 1, BEGINS + timedelta(minutes=n), actor, kind, data, "0" * 64, "1" * 64)
        for n, (kind, data) in enumerate(told)
    ]


def minutes_document() -> str:
    """The minutes of 80 cuts with two gaps, long names and a line of each kind of table."""
    snapshot = night()
    cut = snapshot.cuts[0]
    at, cuts = BEGINS, []
    for n in range(80):
        at += timedelta(minutes=13 if n in (20, 50) else 5)
        after = [at + timedelta(seconds=s) for s in (2, 3, 4)]
        cuts.append(
            replace(
                cut, id=f"20240602_{2000 + n}", received_at=at, verified_at=after[0],
                sealed_at=after[1], served_at=after[2],
            )
        )  # fmt: skip
    verdict = Verdict(True, sentence("{head}", head=f"cabeza 19:{'a' * 64}"), 19, 19, "a" * 64)
    return minutes_html(
        minutes(replace(snapshot, cuts=tuple(cuts)), lines_told(), verdict, BEGINS, at)
    )


def drill_report() -> str:
    """The report of a rehearsal in which the public saw every state there is."""
    minute = timedelta(minutes=1)
    began = BEGINS.astimezone(UTC)
    states: list[Public] = ["none", "fresh", "stale", "wrong", "down", "fresh"]
    scenario = load("corrupt-zip")
    told = Told(
        began,
        {n: (began + (10 * n) * minute, began + (10 * n + 8) * minute) for n in (1,)},
        [(began + 5 * n * minute, f"20240602_{2000 + 5 * n}") for n in range(12)],
        [(began + 10 * n * minute, state) for n, state in enumerate(states)],
    )
    lines = lines_told()
    ended = began + 60 * minute
    return html(
        Rehearsed(scenario, told, ended, lines, score(scenario, told, lines), "ana", 15, "")
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


@pytest.mark.parametrize("made", [minutes_document, drill_report])
def test_a_document_is_readable_on_a_desk_on_a_phone_and_on_paper(
    browser: Chromium, made: Callable[[], str], tmp_path: Path
) -> None:
    use("es")
    file = tmp_path / "document.html"
    file.write_text(made(), encoding="utf-8")
    with browser.page() as page:
        for width, height in ((1280, 1600), (360, 800)):
            page.resize(width, height)
            page.open(file.as_uri())
            seen = seen_well(page, smallest=10, scrolls=True)
            assert seen["seen"] == width
            page.picture(tmp_path / f"{made.__name__}-{width}.png")
        assert page.complaints == []
        assert set(page.asked) == {file.as_uri()}
        names = "[...document.querySelectorAll('td:nth-child(3)')].map(c => c.offsetWidth)"
        assert min(page.evaluate(names)) > 60, "a name is not broken into letters"
        page.printed(tmp_path / f"{made.__name__}.pdf")
    pages = re.findall(rb"/Type\s*/Page\b", (tmp_path / f"{made.__name__}.pdf").read_bytes())
    assert 1 <= len(pages) <= 4
