"""A damaged journal is named to the line, raised as an alarm, and stops nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.journal import chain, journal, reading
from prep_console.journal.actor import Actor
from prep_console.publication import actions
from prep_console.publication.settle import settle_if_open
from tests.proof import table, whole
from tests.proof.stations import STAMPS, Place, deliveries, place, put_back, receive_cuts

FIRST, SECOND, THIRD, FOURTH, *_ = STAMPS
Damage = Callable[[list[bytes]], list[bytes]]


_BY_HAND = "journal: torn, forged, cut off, broken twice"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Three cuts, a rollback and a release: every kind of line that carries weight."""
    folder = tmp_path_factory.mktemp("base")
    made = place(folder / "at")
    receive_cuts(made, folder / "deliveries", [FIRST, SECOND])
    assert made.call("rollback", "--reason", "a reason").code == 0
    assert made.call("release").code == 0
    receive_cuts(made, folder / "deliveries", [THIRD])
    return made


@pytest.fixture
def at(base: Place, tmp_path: Path) -> Place:
    made = place(tmp_path / "at")
    put_back(base.root, made.root)
    return made


def lines_of(at: Place) -> list[bytes]:
    return at.station.journal.read_bytes().splitlines(keepends=True)


def first_broken(path: Path, content: bytes) -> int | None:
    path.write_bytes(content)
    verdict = reading.verify(path)
    assert verdict.ok == (verdict.first_broken_line is None)
    return verdict.first_broken_line


def test_a_flipped_bit_anywhere_is_named_to_the_line(base: Place, tmp_path: Path) -> None:
    content = b"".join(lines_of(base)[:6])
    path = tmp_path / "journal.jsonl"
    wrong: list[tuple[int, int, int, int | None]] = []
    line, tried = 1, 0
    for offset, byte in enumerate(content[:-1]):
        for bit in {offset % 8, 6}:
            flipped = content[:offset] + bytes([byte ^ 1 << bit]) + content[offset + 1 :]
            named = first_broken(path, flipped)
            tried += 1
            if named != line:
                wrong.append((offset, bit, line, named))
        line += byte == ord("\n")
    named_so = tried - len(wrong)
    table.record("journal: a bit or two flipped at each byte", tried=tried, fired=named_so)
    assert wrong == []


def test_a_lost_last_line_end_makes_the_line_torn_and_the_head_tells(
    base: Place, tmp_path: Path
) -> None:
    content = b"".join(lines_of(base)[:8])
    last = journal.read(base.station.journal).lines[7]
    path = tmp_path / "journal.jsonl"
    for ending in (b"", b"\x0b", b"J"):
        path.write_bytes(content[:-1] + ending)
        assert reading.verify(path).torn_bytes > 0
        assert reading.verify(path, f"{last.seq}:{last.hash}").first_broken_line == 8
        table.record(_BY_HAND, tried=1, fired=1)


def test_lines_taken_out_swapped_doubled_or_cut_short_are_named(
    base: Place, tmp_path: Path
) -> None:
    lines = lines_of(base)
    path = tmp_path / "journal.jsonl"
    for n in range(len(lines) - 1):  # the last line gone is for the head to find
        before, line, after = lines[:n], lines[n], lines[n + 1 :]
        for damaged in (
            [*before, *after],
            [*before, after[0], line, *after[1:]],
            [*before, b"\n", line, *after],
            [*before, line[:-40] + b"\n", *after],
            [*before, b"", line[:-1], *after],
        ):
            assert first_broken(path, b"".join(damaged)) == n + 1
        assert first_broken(path, b"".join([*before, line, line, *after])) == n + 2
        table.record("journal: lines out, swapped, doubled, cut short", tried=6, fired=6)


def test_a_line_made_anew_breaks_the_next(base: Place, tmp_path: Path) -> None:
    """Somebody who knows the format changes a reason and computes the line's own hash again."""
    lines = lines_of(base)
    old = journal.read(base.station.journal).lines
    n = next(i for i, line in enumerate(old) if line.data.get("reason") == "a reason")
    line, forged = chain.compose(
        old[n].seq,
        old[n].time,
        old[n].actor,
        old[n].kind,
        {**old[n].data, "reason": "another"},
        old[n].prev,
    )
    assert line.hash != old[n].hash
    content = b"".join([*lines[:n], forged, *lines[n + 1 :]])
    assert first_broken(tmp_path / "journal.jsonl", content) == n + 2
    table.record(_BY_HAND, tried=1, fired=1)


def test_a_cut_off_tail_is_found_by_each_head_beyond_it(base: Place, tmp_path: Path) -> None:
    lines, read = lines_of(base), journal.read(base.station.journal).lines
    path = tmp_path / "journal.jsonl"
    for kept in range(len(lines)):
        path.write_bytes(b"".join(lines[:kept]))
        assert reading.verify(path).ok
        for n, line in enumerate(read):
            verdict = reading.verify(path, f"{line.seq}:{line.hash}")
            assert verdict.ok == (n < kept)
    table.record("journal: cut off at each line", tried=len(lines), fired=len(lines))


def test_the_estado_page_is_a_head_that_finds_it(at: Place) -> None:
    page = json.loads((at.root / f"public/estado/{whole.live(at.root)[1]}.json").read_bytes())
    head = f"{page['journal']['seq']}:{page['journal']['hash']}"
    assert at.run("journal", "--verify", "--head", head).code == 0
    at.station.journal.write_bytes(b"".join(lines_of(at)[: page["journal"]["seq"] - 1]))
    assert at.run("journal", "--verify").code == 1  # the public page knows the line
    said = at.run("journal", "--verify", "--head", head)
    assert said.code == 1
    assert "cut off" in said.out + said.err
    table.record(_BY_HAND, tried=1, fired=1)


@pytest.mark.parametrize("torn", [1, 40, -1])
def test_an_append_that_a_crash_cut_short_is_recovered_and_said(at: Place, torn: int) -> None:
    _, raw = chain.compose(
        99, journal.read(at.station.journal).lines[-1].time, Actor(0, "x"), "hold", {}, ""
    )
    with at.station.journal.open("ab") as file:
        file.write(raw[:torn])
    assert whole.faults(at) == []
    assert at.run("hold").code == 0
    assert at.run("journal", "--verify").code == 0
    recovered = journal.read(at.station.journal).lines[-2:]
    assert [line.kind for line in recovered] == ["recovered", "hold"]
    table.record("journal: an append that was cut short", tried=1, fired=1)
    assert recovered[0].data["torn_bytes"] == len(raw[:torn])


@pytest.mark.parametrize(
    "command", [["rollback"], ["publish", SECOND], ["suspend"], ["freeze"], ["station", "new"]]
)
def test_the_decision_after_a_torn_append_is_carried_out_at_once(
    at: Place, command: list[str]
) -> None:
    with at.station.journal.open("ab") as file:
        file.write(b'{"torn')
    said = at.run(*command, "--reason", "x", "--yes")
    assert said.code == 0, said.err
    assert whole.faults(at) == []
    assert at.run("journal", "--verify").code == 0
    table.record("journal: a decision after a torn append", tried=1, fired=_told(at))


def _told(at: Place) -> int:
    """How many damages the journal itself says it went on from."""
    station = at.root / "archive"
    lines = [
        json.loads(line)
        for path in (at.station.journal, *station.glob("*/journal/journal.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    return sum(line["kind"] in {"segment", "recovered"} for line in lines)


def broken_lines(at: Place) -> list[str]:
    """What is not whole, the journal apart: that is what was damaged."""
    return [fault for fault in whole.faults(at) if not fault.startswith("journal: ")]


def goes_on(at: Place, folder: Path) -> None:
    """Decisions and deliveries work as ever, and the break stays known."""
    public = whole.live(at.root)[0]
    assert at.call("status", "--json").code == 0
    for command in (["hold"], ["publish", FIRST], ["rollback", "--to", FIRST], ["release"]):
        said = at.call(*command)
        assert said.code in {0, 1}, said.err
        assert broken_lines(at) == []
    assert public != whole.NOTHING
    receive_cuts(at, folder, [FOURTH])
    assert at.call("publish", FOURTH).code == 0
    assert whole.live(at.root)[0] == FOURTH
    assert broken_lines(at) == []
    status = json.loads(at.call("status", "--json").out)
    assert status["live"]["id"] == FOURTH
    assert "journal.broken" in {alarm["id"] for alarm in status["alarms"]}
    kinds = [line.kind for line in journal.read(at.station.journal).lines]
    assert kinds.count("segment") == 1
    found = kinds.count("segment")
    table.record("journal: damaged, and the station goes on", tried=1, fired=found)


def _flip(lines: list[bytes], n: int) -> list[bytes]:
    middle = len(lines[n]) // 2
    damaged = bytearray(lines[n])
    damaged[middle] ^= 1
    return [*lines[:n], bytes(damaged), *lines[n + 1 :]]


def _without(lines: list[bytes], n: int) -> list[bytes]:
    return [*lines[:n], *lines[n + 1 :]]


@pytest.mark.parametrize("damage", [_flip, _without], ids=["flipped", "gone"])
def test_whichever_line_is_damaged_the_station_goes_on(
    damage: Callable[[list[bytes], int], list[bytes]], base: Place, tmp_path: Path
) -> None:
    lines = lines_of(base)
    at = place(tmp_path / "at")
    for n in range(len(lines) - 1):
        put_back(base.root, at.root)
        at.station.journal.write_bytes(b"".join(damage(lines, n)))
        (at.root / "run" / "state.json").unlink()
        status = json.loads(at.call("status", "--json").out)
        assert status["live"]["id"] == THIRD, f"line {n + 1}"
        assert "journal.broken" in {alarm["id"] for alarm in status["alarms"]}
        goes_on(at, tmp_path)
        verdict = reading.verify(at.station.journal)
        assert verdict.first_broken_line == n + 1


def test_a_second_break_is_named_too(at: Place) -> None:
    for n in (3, 9):
        at.station.journal.write_bytes(b"".join(_flip(lines_of(at), n)))
        station = at.station
        station.whole_state()
        settle_if_open(station)
    lines = (json.loads(line) for line in lines_of(at))
    segments = [line["data"]["breaks"] for line in lines if line["kind"] == "segment"]
    assert [breaks[0]["line"] for breaks in segments] == [4, 10]
    table.record(_BY_HAND, tried=2, fired=len(segments))


def test_damage_behind_the_checkpoint_is_found_by_the_engine_s_look(
    at: Place, tmp_path: Path
) -> None:
    at.station.journal.write_bytes(b"".join(_flip(lines_of(at), 0)))
    station = at.station
    station.whole_state()  # what the engine does at its start and every hour
    settle_if_open(station)
    goes_on(at, tmp_path)


def test_a_journal_that_became_shorter_than_the_checkpoint_is_an_alarm(
    at: Place, tmp_path: Path
) -> None:
    lines = lines_of(at)
    (at.root / "run" / "state.json").unlink()
    assert at.call("hold").code == 0  # keeps the state beside the journal
    at.station.journal.write_bytes(b"".join(lines[:-3]))
    status = json.loads(at.call("status", "--json").out)
    assert "journal.broken" in {alarm["id"] for alarm in status["alarms"]}
    goes_on(at, tmp_path)


@pytest.mark.parametrize(
    "left", [0, 1, -1], ids=["nothing", "one line", "all before the last switch"]
)
def test_a_cut_off_end_is_told_once_by_who_kept_nothing_of_it(
    left: int, at: Place, tmp_path: Path
) -> None:
    """The public page names the last switch: without it a shorter chain looks whole."""
    settle_if_open(at.station)
    lines = lines_of(at)
    if left == -1:
        left = max(n for n, line in enumerate(lines) if json.loads(line)["kind"] == "intent")
    at.station.journal.write_bytes(b"".join(lines[:left]))
    (at.root / "run" / "state.json").unlink()
    assert at.call("hold").code == 0
    assert at.call("hold", "--reason", "once more").code == 0
    kinds = [json.loads(line)["kind"] for line in lines_of(at)]
    assert kinds.count("segment") == 1
    status = json.loads(at.call("status", "--json").out)
    assert "journal.broken" in {alarm["id"] for alarm in status["alarms"]}
    assert status["live"]["id"] == THIRD
    goes_on(at, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 4096, b"not a journal\n" * 3])
def test_a_journal_that_is_gone_or_something_else_leaves_the_public_cut_up(
    content: bytes, at: Place, tmp_path: Path
) -> None:
    at.station.journal.write_bytes(content)
    status = json.loads(at.call("status", "--json").out)
    assert status["live"]["id"] == THIRD
    assert "journal.broken" in {alarm["id"] for alarm in status["alarms"]}
    goes_on(at, tmp_path)


def test_a_bare_wrong_number_is_named(base: Place, tmp_path: Path) -> None:
    """A line that is bound to the right one but calls itself by another number."""
    lines, read = lines_of(base), journal.read(base.station.journal).lines
    last = read[4]
    _, forged = chain.compose(last.seq + 5, last.time, last.actor, last.kind, last.data, last.prev)
    assert first_broken(tmp_path / "journal.jsonl", b"".join([*lines[:4], forged])) == 5
    table.record(_BY_HAND, tried=1, fired=1)


def test_a_new_cut_still_reaches_the_public_by_itself(at: Place, tmp_path: Path) -> None:
    """Broken in the middle while publishing is automatic: nobody has to do anything."""
    at.station.journal.write_bytes(b"".join(_flip(lines_of(at), 5)))
    (at.root / "run" / "state.json").unlink()
    for path in deliveries(tmp_path, FOURTH):
        assert at.run("receive", str(path)).code == 0
    assert whole.live(at.root)[0] == FOURTH
    assert at.run("journal", "--verify").code == 1
    table.record("journal: damaged, and a cut goes live by itself", tried=1, fired=1)


def _acts(at: Place) -> None:
    """What an engine begins with, and does from then on."""
    station = at.station
    station.whole_state()
    settle_if_open(station)
    actions.advance(station)


def _line_of(at: Place, kind: str) -> int:
    """The last line of this kind, from 0; of ``rollback`` and ``suspend`` their intent."""
    said = [json.loads(line) for line in lines_of(at)]
    mine = [n for n, line in enumerate(said) if kind in {line["kind"], line["data"].get("action")}]
    return mine[-1]


_STOPS = {
    "hold": ["hold"],
    "freeze": ["freeze"],
    "suspend": ["suspend"],
    "rollback": ["rollback", "--to", FIRST],
}


def _decided(at: Place, folder: Path, kind: str) -> None:
    """A person stops publishing, and another cut comes, which waits; nothing is kept of it all."""
    assert at.call(*_STOPS[kind], "--reason", "a person").code == 0
    receive_cuts(at, folder, [FOURTH])
    (at.root / "run" / "state.json").unlink()


@pytest.mark.parametrize("kind", _STOPS)
def test_no_bit_undoes_a_person_s_word_to_publish_nothing(
    kind: str, at: Place, tmp_path: Path
) -> None:
    _decided(at, tmp_path, kind)
    lines, n = lines_of(at), _line_of(at, kind)
    public = whole.live(at.root)[0]
    undone: list[int] = []
    tried = range(0, len(lines[n]) - 1, 1 if table.WHOLE else 7)
    for offset in tried:
        damaged = bytearray(lines[n])
        damaged[offset] ^= 1 << offset % 8
        at.station.journal.write_bytes(b"".join([*lines[:n], bytes(damaged), *lines[n + 1 :]]))
        if at.station.state().mode == "auto":
            undone.append(offset)
    table.record("journal: a bit flipped in a person's stop", tried=len(tried), fired=len(tried))
    assert undone == []
    for damage in (_flip, _without):
        at.station.journal.write_bytes(b"".join(damage(lines, n)))
        _acts(at)
        assert whole.live(at.root)[0] == public
        assert at.station.state().mode == "hold"


def test_a_freeze_that_is_cut_off_holds(at: Place, tmp_path: Path) -> None:
    """The public page was written after it, and knows that something is gone."""
    assert at.call("freeze", "--reason", "a person").code == 0
    at.station.journal.write_bytes(b"".join(lines_of(at)[: _line_of(at, "freeze")]))
    (at.root / "run" / "state.json").unlink()
    settle_if_open(at.station)
    for path in deliveries(tmp_path, FOURTH):
        assert at.call("receive", str(path)).code == 0
    assert (whole.live(at.root)[0], at.station.state().mode) == (THIRD, "hold")
    assert at.call("release").code == 0
    assert whole.live(at.root)[0] == FOURTH


@pytest.mark.parametrize("damage", [_flip, _without], ids=["flipped", "gone"])
@pytest.mark.parametrize("kind", _STOPS)
def test_what_was_decided_is_kept_where_it_was_known_before_the_damage(
    kind: str, damage: Callable[[list[bytes], int], list[bytes]], at: Place, tmp_path: Path
) -> None:
    _decided(at, tmp_path, kind)
    at.call("prune")  # keeps the state beside the journal
    before = at.station.state()
    at.station.journal.write_bytes(b"".join(damage(lines_of(at), _line_of(at, kind))))
    _acts(at)
    (at.root / "run" / "state.json").unlink(missing_ok=True)  # it is in the journal too
    after = at.station.whole_state()
    assert (after.mode, after.final) == (before.mode, before.final)
    assert whole.live(at.root)[0] == (before.live or whole.NOTHING)
    assert [c.withdrawn for c in after.cuts.values()] == [c.withdrawn for c in before.cuts.values()]
