"""The synthetic night: the same bytes for the same seed, and no fault that a check would find."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Examination, Expectations, Limits, Verdict
from prep_console.cuts.stamps import Stamp
from prep_console.drill.catalogue import DISTRICTS, PARTIES, TOWNS
from prep_console.drill.final import cut_at
from prep_console.drill.nights import synthetic_night
from prep_console.drill.synthetic import Dress, elections
from tests import nights

OPENS = datetime.fromisoformat("2024-06-02T20:00:00")
REAL_PARTIES = {"PAN", "PRI", "PRD", "PVEM", "PT", "MC", "MORENA", "QS", "NA", "PES", "RSP", "FXM"}


def examined(path: Path) -> Examination:
    return examine(
        path,
        expectations=Expectations(state="QRO", elections=nights.ELECTIONS, phase="jornada"),
        limits=Limits(),
        scratch=path.parent,
    )


@pytest.mark.parametrize("stamp", ["20240602_1955", "20240602_2230", "20240603_0705"])
@pytest.mark.parametrize("actas", [1, 30, 400])
def test_no_check_finds_anything_at_any_hour(tmp_path: Path, stamp: str, actas: int) -> None:
    for election, path in nights.two_archives(tmp_path, stamp, actas=actas).items():
        found = examined(path)
        assert (found.findings, found.verdict) == ((), Verdict.GOOD)
        assert [(r.code, r.state, str(r.stamp)) for r in found.elections] == [
            (election, "QRO", stamp)
        ]
        assert found.elections[0].figures.expected == actas


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), minutes=st.integers(-10, 800), actas=st.integers(1, 90))
def test_no_seed_breaks_a_rule(
    tmp_path_factory: pytest.TempPathFactory, seed: int, minutes: int, actas: int
) -> None:
    stamp = str(Stamp(OPENS + timedelta(minutes=minutes)))
    folder = tmp_path_factory.mktemp("night")
    for path in nights.two_archives(folder, stamp, actas=actas, seed=seed).values():
        assert examined(path).findings == ()


@pytest.mark.parametrize(
    "dress",
    [
        Dress("|", "cp1252", "\r\n", year_first=True, sep_line=True, key_quote="="),
        Dress("|", "utf-8-sig", "\r", blank_lines=False),
        Dress(key_quote=""),
    ],
    ids=["excel", "carriage-return", "bare"],
)
def test_every_dress_reads_alike(tmp_path: Path, dress: Dress) -> None:
    plain = nights.two_archives(tmp_path / "plain", "20240603_0105")
    dressed = nights.two_archives(tmp_path / "dressed", "20240603_0105", dress=dress)
    for election in nights.ELECTIONS:
        one, other = examined(plain[election]), examined(dressed[election])
        assert other.findings == ()
        assert one.elections[0].figures == other.elections[0].figures
        assert other.elections[0].delimiter == dress.delimiter


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    def delivered(name: str, seed: int) -> list[bytes]:
        night = synthetic_night(OPENS, actas=40, seed=seed)
        stamp = Stamp(OPENS + timedelta(hours=4))
        return [c.archive(stamp) for c in night.contests]

    assert delivered("one", 7) == delivered("two", 7)
    assert delivered("one", 7) != delivered("three", 8)


def test_it_is_as_large_as_queretaro_and_every_place_votes() -> None:
    district, town = elections(OPENS)
    for election in (district, town):
        rows = [row.line.split(",") for row in election.final.rows if row.in_catalogue]
        assert len(rows) == 2_700
        assert len({row[1] for row in rows}) == 2_700, "each acta has its own key"
        assert {row[8] for row in rows} == set("BCES")
        assert 350 <= len({row[6] for row in rows}) <= 450, "sections"
    assert {r.line.split(",")[4] for r in district.final.rows} == {
        str(n + 1) for n in range(DISTRICTS)
    }
    assert {r.line.split(",")[5] for r in town.final.rows} == {name for name, _ in TOWNS}


def test_parties_are_nobodys_and_candidates_have_no_placeholder() -> None:
    assert REAL_PARTIES.isdisjoint(code for code, _ in PARTIES)
    for election in elections(OPENS, actas=30):
        people = {
            name
            for line in election.candidates.decode().splitlines()[1:]
            for name in line.split(",")[3:]
        }
        assert len(people) > 60
        assert all(len(name.split()) == 4 for name in people)


def test_actas_come_in_from_the_opening_until_the_morning() -> None:
    for election in elections(OPENS):
        counted = [
            sum(
                b",1," in line
                for line in cut_at(election.final, OPENS + timedelta(hours=h)).split(b"\n")
            )
            for h in (0, 1, 4, 8, 11)
        ]
        assert counted == sorted(counted)
        times = [row.verified for row in election.final.rows if row.verified]
        assert OPENS < min(times) < OPENS + timedelta(minutes=5)
        assert OPENS + timedelta(hours=8) < max(times) < OPENS + timedelta(hours=11)
