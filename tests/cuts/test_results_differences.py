"""What changed between two cuts, and nothing else, is told."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_console.cuts.differences import ChangedActa, Side, compare, read_side
from prep_console.cuts.inside import opened
from prep_console.values import replace
from tests.cuts.writing import PARTIES, Acta, Election, Style, acta, figures_of, write_results

NOTHING = (None,) * (len(PARTIES) + 2)


def side(actas: tuple[Acta, ...], style: Style | None = None) -> Side:
    data = write_results(Election(actas=actas), style or Style())
    return read_side(io.BytesIO(data), "X.csv")


def test_an_acta_that_comes_in_is_added() -> None:
    waiting = replace(acta(2, NOTHING), contabilizada="-")
    told = compare(side((acta(1), waiting)), side((acta(1), acta(2), acta(3))))
    assert told.added == ("220002B010002", "220003B010002")
    assert (told.changed, told.gone, told.fell) == ((), (), ())
    deltas = {f.name: (f.before, f.after) for f in told.figures}
    assert deltas["counted"] == (1, 3)
    assert deltas["votes_with_special"] == (70, 210)


def test_an_acta_that_changes_or_goes_is_told() -> None:
    moved = acta(1, (20, 10, 5, 30, 1, 0, 0, 4))
    old = side((acta(1), acta(2), acta(3), acta(4)))
    told = compare(old, side((moved, acta(2, (1,) * 8), acta(3, NOTHING))))
    assert told.added == ()
    assert told.changed == (
        ChangedActa("220001B010002", 70, 70),
        ChangedActa("220002B010002", 70, 8),
    )
    assert told.gone == ("220003B010002", "220004B010002")
    assert "votes_with_special" in {figure.name for figure in told.fell}


def test_being_counted_no_more_is_a_change() -> None:
    told = compare(side((acta(1),)), side((replace(acta(1), contabilizada="0"),)))
    assert [c.key for c in told.changed] == ["220001B010002"]


@settings(max_examples=50)
@given(
    st.permutations(range(38)),
    st.sampled_from(["{}", "'{}", '="{}"']),
    st.sampled_from(["", "-", "Sin dato"]),
)
def test_writing_it_differently_is_no_difference(
    order: list[int], key: str, no_number: str
) -> None:
    actas = (acta(1), acta(2, (None, 1, 2, 3, 4, 5, 6, 7)), replace(acta(3), key="-"))
    other = Style(delimiter=",", key=key, no_number=no_number, order=tuple(order), trailing=1)
    told = compare(side(actas), side(actas, other))
    assert told == compare(side(actas), side(actas))
    assert not any((told.added, told.changed, told.gone, told.figures, told.columns_gone))


def test_columns_that_come_and_go_are_told() -> None:
    renamed = side((acta(1),), Style(renamed=(("PAN", "PVEM"),)))
    told = compare(side((acta(1),)), renamed)
    assert (told.columns_added, told.columns_gone) == (("PVEM",), ("PAN",))


def test_a_files_place_in_a_sealed_cut_is_opened(tmp_path: Path) -> None:
    data = write_results(Election(actas=(acta(1),)))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/X.csv", data)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", inner.getvalue())
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("X.csv")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    (tmp_path / "X.csv").write_bytes(data)
    for where in ("X.csv", "outer.zip!/inner.zip!/a/X.csv", "packed.tar.gz!/X.csv"):
        with opened(tmp_path, where) as stream:
            assert read_side(stream, where).results.figures == figures_of((acta(1),))
    with pytest.raises(KeyError), opened(tmp_path, "outer.zip!/none.csv"):
        pass
