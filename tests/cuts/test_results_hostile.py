"""Hostile and damaged results: a clear finding or Unreadable; no crash, no wrong number."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_console.cuts.checks import OF_ONE, describe
from prep_console.cuts.lines import MAX_LINE_BYTES, Unreadable
from prep_console.cuts.model import Finding, Results, Severity
from prep_console.cuts.results import looks_like_results, read_results
from prep_console.values import replace
from prep_console.wording import Language, Value
from tests.cuts.writing import Election, Style, acta, write_results

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ELECTION = Election(actas=tuple(acta(n) for n in range(1, 6)))
GOOD = write_results(ELECTION)
MIB = 1024 * 1024


class Endless(io.RawIOBase):
    """A stream made while it is read, so that a test can be larger than its memory."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        if not self._left:
            self._left = next(self._chunks, b"")
        chunk, self._left = self._left[: len(view)], self._left[len(view) :]
        view[: len(chunk)] = chunk
        return len(chunk)


def read(data: bytes) -> tuple[Results, tuple[Finding, ...]]:
    return read_results(io.BytesIO(data), "X.csv")


def found(data: bytes) -> dict[str, Finding]:
    findings = {f.check: f for f in read(data)[1]}
    for one in findings.values():
        assert describe(one).in_("en")
        assert describe(one).in_("es")
    return findings


def unreadable(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read(data)
    return caught.value.check


def with_vote(text: str) -> bytes:
    """The good file with this text as the first party's votes in the first row."""
    return GOOD.replace(b"|10|20|", f"|{text}|20|".encode(), 1)


def test_the_good_file_is_good() -> None:
    assert read(GOOD)[1] == ()


@pytest.mark.parametrize(
    ("data", "check"),
    [
        (b"", "results.no_columns"),
        (b"\xef\xbb\xbf", "results.no_columns"),
        (b"\n" * 5000, "results.no_columns"),
        (b"AYUNTAMIENTOS\n02/06/2024 20:05 (UTC-6)\n", "results.no_columns"),
        (GOOD[: GOOD.index(b"CLAVE_CASILLA")], "results.no_columns"),
        (b"hello\n" + b"x,y,z\n" * 100_000, "results.no_columns"),
        (GOOD.decode().encode("utf-16"), "results.utf16"),
        (GOOD[:900] + b"\0" * 4096, "results.binary"),
        (b"x" * (MAX_LINE_BYTES * 2), "results.long_line"),
        (GOOD + b"|" * (MAX_LINE_BYTES * 2), "results.long_line"),
        (b'"' * (MAX_LINE_BYTES * 2), "results.long_line"),
    ],
)
def test_what_is_no_results_csv_says_why(data: bytes, check: str) -> None:
    assert unreadable(data) == check


def test_every_truncation_is_noticed() -> None:
    whole = read(GOOD)[0]
    last_delimiter = GOOD.rindex(b"|")
    for end in range(len(GOOD)):
        try:
            results, findings = read(GOOD[:end])
        except Unreadable:
            continue
        if end > last_delimiter:
            assert results.figures == whole.figures
            continue
        assert findings, f"nothing was noticed in the first {end} bytes"
        stops = {f.check for f in findings if f.severity is Severity.STOP}
        at_row_end = GOOD[end - 1 : end] == b"\n" or GOOD[end : end + 1] == b"\n"
        assert stops == (set() if at_row_end else {"results.cut_off"}) or results.rows == 0


@pytest.mark.parametrize(
    "text",
    ["1_000", "1e5", "-5", "+5", "٣", "9" * 30, "9" * 5000, "12.0", "0x1F", "1,23", "10 20"],
)
def test_votes_that_python_would_guess_at_are_told_and_left_out(text: str) -> None:
    results, findings = read(with_vote(text))
    votes = next(f for f in findings if f.check == "results.vote")
    assert votes.values["n"] == 1
    assert votes.values["line"] == 7
    assert votes.values["value"] == text[:80]
    assert votes.severity is Severity.WARNING
    assert results.figures == ELECTION.header


@pytest.mark.parametrize("text", [" 10 ", "'10", '="10"', "010", "10\t"])
def test_votes_that_mean_a_number_are_that_number(text: str) -> None:
    assert read(with_vote(text))[1] == ()


@pytest.mark.parametrize("text", ["11", "Sin dato", "1,000"])
def test_other_votes_break_the_sums(text: str) -> None:
    assert set(found(with_vote(text))) == {
        "arithmetic.row_sum",
        "arithmetic.votes_with_special",
        "arithmetic.votes_without_special",
        *(["arithmetic.over_nominal"] if text == "1,000" else []),
    }


@pytest.mark.parametrize("text", ["1_190", "1e3", "-1190", "٣", "9" * 40, "12.5", "mil", "1,19"])
def test_a_header_value_that_is_no_number_is_none(text: str) -> None:
    data = write_results(replace(ELECTION, figures=replace(ELECTION.header, expected=424242)))
    results, findings = read(data.replace(b"424242", text.encode()))
    assert results.figures.expected is None
    assert results.figures.captured == 5
    bad = next(f for f in findings if f.check == "results.header_value")
    assert bad.values["name"] == "ACTAS_ESPERADAS"


@pytest.mark.parametrize("text", ["nan", "inf", "1e2", "95,0842", "-3", "1_0"])
def test_a_percentage_that_is_no_number_is_none(text: str) -> None:
    turnout = f"{ELECTION.header.turnout:.4f}".encode()
    results, findings = read(GOOD.replace(turnout, text.encode()))
    assert results.figures.turnout is None
    assert "results.header_value" in {f.check for f in findings}


def test_without_a_header_the_actas_are_read_all_the_same() -> None:
    results, findings = read(GOOD[GOOD.index(b"CLAVE_CASILLA") :])
    assert results.rows == 5
    assert results.figures.expected is None
    assert results.stamp is None
    assert {f.check for f in findings} == {"results.no_figures", "results.no_time"}


def test_a_header_twice_is_told_and_its_first_figures_count() -> None:
    start, end = GOOD.index(b"ACTAS_ESPERADAS"), GOOD.index(b"\n\nCLAVE_CASILLA")
    header = GOOD[start : end + 1]
    other = header.replace(b"\n5|", b"\n9|")
    assert other != header
    assert "results.header_twice" in found(GOOD[: end + 1] + other + GOOD[end + 1 :])
    results, _ = read(GOOD[: end + 1] + other + GOOD[end + 1 :])
    assert results.figures == ELECTION.header


def test_a_file_appended_to_itself_is_told() -> None:
    findings = found(GOOD + GOOD)
    assert findings["results.header_twice"].values["line"] == 14
    assert findings["results.duplicate"].values["n"] == 5
    assert "arithmetic.rows" in findings


def test_a_quote_that_never_closes_swallows_nothing() -> None:
    many = Election(actas=tuple(acta(n) for n in range(1, 400)))
    data = write_results(many).replace(b"|QUER\xc3\x89TARO|", b'|"QUER\xc3\x89TARO|', 1)
    results, findings = read(data)
    assert results.rows == 399
    assert [f.check for f in findings] == ["results.quote"]
    assert findings[0].values["line"] == 7


def test_a_quoted_field_may_go_on_in_the_next_line() -> None:
    text = 'dice:\n"nada"\n\no poco'
    actas = (replace(acta(1), observations=text), acta(2))
    rows: list[str] = []
    data = write_results(Election(actas=actas))
    results, findings = read_results(
        io.BytesIO(data), "X.csv", lambda layout, row: rows.append("\n".join(row))
    )
    assert (results.rows, findings) == (2, ())
    assert text in rows[0]


def test_millions_of_columns_and_of_short_rows_take_no_memory() -> None:
    def chunks() -> Iterator[bytes]:
        yield GOOD
        for _ in range(20):
            yield b"|" * (MIB - 10) + b"x\n"
        for _ in range(20):
            yield b'"a",' * (MIB // 4 - 10) + b"\n"
        for _ in range(30):
            yield b'"\n' * 1000
        row = GOOD[GOOD.index(b"220001B") : GOOD.index(b"220002B")]
        for n in range(100):
            yield row.replace(b"220001B0100", b"%d" % n + b"K" * (MIB // 4))

    tracemalloc.start()
    results, findings = read_results(io.BufferedReader(Endless(chunks())), "X.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "results.row" in {f.check for f in findings}
    assert results.figures == ELECTION.header
    assert peak < 24 * MIB


def test_more_rows_than_polling_stations_end_the_reading() -> None:
    start, row = GOOD[: GOOD.index(b"220001B")], b"|".join([b"1"] * 38) + b"\n"

    def chunks() -> Iterator[bytes]:
        yield start
        while True:
            yield row * 5000

    with pytest.raises(Unreadable) as caught:
        read_results(io.BufferedReader(Endless(chunks())), "X.csv")
    assert caught.value.check == "results.too_many_rows"


def test_columns_without_an_end_are_bounded() -> None:
    names = b"|".join(b"C%d" % n for n in range(100_000))
    assert unreadable(GOOD.replace(b"CLAVE_CASILLA|", names + b"|")) == "results.no_columns"


def test_columns_that_are_missing_or_come_twice_are_told() -> None:
    findings = found(GOOD.replace(b"|CONTABILIZADA|", b"|OTRA_COSA|"))
    assert findings["results.columns"].values["value"] == "CONTABILIZADA"
    assert "arithmetic.counted" not in findings
    assert "results.column_twice" in found(GOOD.replace(b"|PRI|", b"|PAN|"))


def test_odd_rows_are_counted_once_each() -> None:
    data = GOOD.replace(b"|1||" + b"0" * 63 + b"1|", b"|SI||xyz|").replace(b"|22|", b"|", 1)
    findings = found(data + b"fin del archivo\n")
    assert findings["results.row"].values == {"n": 2, "line": 7}
    half = GOOD.replace(b"|1||" + b"0" * 63 + b"2|", b"|SI||" + b"a" * 40 + b"|")
    findings = found(half)
    assert findings["results.counted"].values == {"n": 1, "line": 8, "value": "SI"}
    assert findings["results.hash_form"].values == {"n": 1, "line": 8, "value": "a" * 40}


@pytest.mark.parametrize(
    "line",
    ["31/02/2024 20:05 (UTC-6)", "02/13/2024 20:05", "02/06/2024 25:05", "02/06/0000 20:05"],
)
def test_a_time_that_cannot_be_is_told(line: str) -> None:
    results, findings = read(GOOD.replace(b"02/06/2024 20:05 (UTC-6)", line.encode()))
    assert results.stamp is None
    assert [f.values for f in findings] == [{"value": line}]
    assert results.title == "DIPUTACIONES LOCALES"


def test_thousands_without_quotes_between_commas() -> None:
    figures = replace(
        ELECTION.header, nominal_list=3750, votes_with_special=350, votes_without_special=350
    )
    data = write_results(replace(ELECTION, figures=figures), Style(delimiter=","))
    results, findings = read(data.replace(b",3750,", b",3,750,"))
    assert (results.figures, findings) == (figures, ())
    results, _ = read(data.replace(b"\n5,5,0,5,", b"\n7,548,7,407,0,7,407,"))
    assert (results.figures.expected, results.figures.captured) == (7548, 7407)
    for unclear in (b",3,750,001,350,", b",3750,1,2,3,350,350,"):
        results, findings = read(data.replace(b",3750,350,350,", unclear))
        assert results.figures.expected is None
        assert "results.header_fields" in {f.check for f in findings}


def test_what_does_not_look_like_results() -> None:
    assert looks_like_results(GOOD[:4096])
    assert not looks_like_results(b"ID_ESTADO,PARTIDO_CI,CANDIDATURA_PROPIETARIA\n4,PAN,X\n")
    readme = b"LEEME\n" + b"texto\n" * 40 + GOOD
    assert not looks_like_results(readme)
    assert not looks_like_results(b"")
    assert not looks_like_results(b"\0\xff" * 2000)


@settings(max_examples=300)
@given(st.data())
def test_damage_anywhere_never_crashes(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged)))
        length = data.draw(st.integers(0, 40))
        damaged[at : at + length] = data.draw(
            st.binary(max_size=20)
            | st.sampled_from(
                [b"\n", b"\r", b'"', b"|", b",", b"\xc3", b"sep=,\n", b"\xef\xbb\xbf"]
            )
        )
    try:
        results, findings = read(bytes(damaged))
    except Unreadable:
        return
    for one in findings:
        assert describe(one).in_("es")
    assert results.rows >= 0


@settings(max_examples=200)
@given(st.binary(max_size=600), st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(before: bytes, after: bytes) -> None:
    for data in (before, before + b"\n" + GOOD + after):
        looks_like_results(data)
        with contextlib.suppress(Unreadable):
            read(data)


@pytest.mark.parametrize("check", sorted(OF_ONE))
@pytest.mark.parametrize("language", ["es", "en"])
def test_a_single_one_is_not_told_as_several(check: str, language: Language) -> None:
    values: dict[str, Value] = {"n": 1, "line": 7, "value": "x"}
    one = describe(Finding(check, Severity.WARNING, "", values)).in_(language)
    values["n"] = 3
    several = describe(Finding(check, Severity.WARNING, "", values)).in_(language)
    assert one != several
    assert "3 " in several
    assert "1 " not in one
