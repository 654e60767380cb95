"""The evidence bundle, checked as a notary does: the steps of README.txt, run by sh."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console.publication.bundle import sums
from tests import nights
from tests.proof import disks
from tests.stations import Sandbox, sandbox

FIRST, SECOND, THIRD = "20240602_2005", "20240602_2010", "20240602_2015"
ODD = ("-", "-n.txt", "--help", 'quo"te.txt', " lead.txt", "año 1.html", "é/-")
WHOLE = {1: 2, 2: 1, 3: 1, 4: 2, 5: 1, 6: 1}
"""Step to the number of lines ending in OK that it says when it holds."""


def brought(box: Sandbox, *stamps: str) -> Sandbox:
    for stamp in stamps:
        folder = box.file.parent / stamp
        folder.mkdir()
        nights.two_archives(folder, stamp, actas=5)
        assert box.run("receive", folder).code == 0
    return box


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return brought(sandbox(tmp_path), FIRST, SECOND)


def prove(box: Sandbox, *arguments: str | Path, out: str = "bundle") -> Path:
    folder = box.file.parent / out
    ran = box.run("prove", *arguments, "--out", folder)
    assert ran.code == 0, ran.err
    return folder


def steps(bundle: Path, readme: str = "README.txt") -> dict[int, str]:
    """The indented lines of each step, as somebody copies them."""
    text = (bundle / readme).read_text("utf-8").partition("\n1. ")[2]
    blocks = re.split(r"^\d\. ", text, flags=re.MULTILINE)
    commands = {
        number: "\n".join(line[4:] for line in block.splitlines() if line.startswith("    "))
        for number, block in enumerate(blocks, 1)
    }
    return {number: command for number, command in commands.items() if command}


def holding(bundle: Path, files: Path | None = None, readme: str = "README.txt") -> dict[int, int]:
    """Step to its number of lines that end in OK; a step that says so and fails counts none."""
    before = {"FILES": str(files)} if files is not None else {}
    held = {}
    for number, command in steps(bundle, readme).items():
        ran = subprocess.run(
            ["sh", "-c", command],
            cwd=bundle,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **before},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = ran.stdout.splitlines()
        other = [line for line in lines if not line.endswith("OK")]
        held[number] = 0 if other else len(lines)
    return held


def whole(bundle: Path) -> dict[int, int]:
    return {**WHOLE, 7: len(list((bundle / "estado").iterdir()))}


def plain(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def again(bundle: Path) -> None:
    """A new SHA256SUMS over what lies there now, as a forger makes it."""
    names = [path.relative_to(bundle).as_posix() for path in plain(bundle)]
    names.remove("SHA256SUMS")
    made = subprocess.run(
        ["sha256sum", "--", *names], cwd=bundle, capture_output=True, timeout=60, check=True
    )
    (bundle / "SHA256SUMS").chmod(0o644)
    (bundle / "SHA256SUMS").write_bytes(made.stdout)


def tampered(path: Path, at: int | None = None) -> bytes:
    """One byte of it is another; the bytes before."""
    before = path.read_bytes()
    place = len(before) // 2 if at is None else at
    path.chmod(0o644)
    path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
    return before


@pytest.mark.parametrize("readme", ["README.txt", "LEEME.txt"])
def test_a_notary_s_steps_hold(box: Sandbox, readme: str) -> None:
    bundle = prove(box, "--files")
    assert whole(bundle)[7] >= 1
    assert holding(bundle, readme=readme) == whole(bundle)
    archives = {path.name for path in (bundle / "site").iterdir()}
    sent = {path.name: path for path in (box.file.parent / SECOND).iterdir()}
    assert archives == set(sent)
    for name, path in sent.items():
        assert (bundle / "site" / name).read_bytes() == path.read_bytes()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert digest in (bundle / "cut-journal.jsonl").read_text("utf-8")
        assert digest in (bundle / readme).read_text("utf-8")


def test_without_the_files_they_may_lie_anywhere(box: Sandbox) -> None:
    bundle = prove(box)
    assert not (bundle / "site").exists()
    assert holding(bundle) == {**whole(bundle), 4: 0}
    assert holding(bundle, box.settings.root / "cuts" / SECOND / "site") == whole(bundle)
    assert holding(bundle, box.settings.root / "cuts" / FIRST / "site") == {**whole(bundle), 4: 0}


def test_one_byte_of_any_file_is_seen(box: Sandbox) -> None:
    bundle = prove(box, "--files")
    due = whole(bundle)
    for path in plain(bundle):
        before = tampered(path)
        if path.name in {"README.txt", "LEEME.txt"}:
            other = "LEEME.txt" if path.name == "README.txt" else "README.txt"
            assert holding(bundle, readme=other) != due, path
        else:
            assert holding(bundle) != due, path
        path.write_bytes(before)
    assert holding(bundle) == due


def test_a_file_more_or_less_is_seen(box: Sandbox) -> None:
    bundle = prove(box, "--files")
    more = bundle / "site" / "more.txt"
    more.touch()
    held = holding(bundle)
    assert (held[1], held[4]) == (1, 1)
    more.unlink()
    assert holding(bundle) == whole(bundle)
    (bundle / "made-at.txt").unlink()
    assert holding(bundle)[1] == 0


def test_a_new_list_of_sums_does_not_hide_a_changed_journal(box: Sandbox) -> None:
    bundle = prove(box, "--files")
    journal = bundle / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.chmod(0o644)
    for at, line in enumerate(lines):
        changed = line.replace(b'"time":"2', b'"time":"1')
        assert changed != line
        journal.write_bytes(b"".join([*lines[:at], changed, *lines[at + 1 :]]))
        again(bundle)
        held = holding(bundle)
        assert (held[1], held[5]) == (2, 0)
        if at + 1 < len(lines):  # the last one: only the heads that left can tell
            journal.write_bytes(b"".join([*lines[:at], *lines[at + 1 :]]))
            again(bundle)
            held = holding(bundle)
            assert (held[1], held[5]) == (2, 0)


def test_a_new_list_of_sums_does_not_hide_other_changes(box: Sandbox) -> None:
    kept = prove(box, "--files")
    archive = f"site/{SECOND}_PREP_AYUN_QRO.zip"
    for name, step in (
        ("cut.json", 2),
        ("site.sha256", 3),
        (archive, 4),
        ("cut-journal.jsonl", 6),
    ):
        bundle = kept.with_name("forged")
        shutil.copytree(kept, bundle)
        tampered(bundle / name)
        again(bundle)
        held = holding(bundle)
        assert held[1] == 2
        assert held[step] < WHOLE[step]
        shutil.rmtree(bundle)


def test_a_page_of_another_journal_is_seen(box: Sandbox) -> None:
    bundle = prove(box)
    page = next((bundle / "estado").iterdir())
    head = re.search(rb'"hash": "([0-9a-f]{64})"', page.read_bytes())
    assert head is not None
    other = hashlib.sha256(b"another").hexdigest().encode()
    page.chmod(0o644)
    page.write_bytes(page.read_bytes().replace(head[1], other))
    assert holding(bundle)[7] == 0


def test_two_runs_differ_only_in_when(box: Sandbox) -> None:
    first, second = prove(box, "--files", out="one"), prove(box, "--files", out="two")
    names = [path.relative_to(first) for path in plain(first)]
    assert names == [path.relative_to(second) for path in plain(second)]
    other = {n.name for n in names if (first / n).read_bytes() != (second / n).read_bytes()}
    assert other <= {"made-at.txt", "SHA256SUMS"}
    lists = [
        {line for line in (b / "SHA256SUMS").read_text().splitlines() if "made-at" not in line}
        for b in (first, second)
    ]
    assert lists[0] == lists[1]


def test_the_command_says_what_stands_for_the_bundle(box: Sandbox, tmp_path: Path) -> None:
    ran = box.run("prove", FIRST, "--out", tmp_path / "one", "--json")
    assert ran.code == 0, ran.err
    said = ran.json
    digest = hashlib.sha256((tmp_path / "one" / "SHA256SUMS").read_bytes()).hexdigest()
    assert (said["schema"], said["ok"], said["cut"]) == (1, True, FIRST)
    assert (said["sha256"], said["out"]) == (digest, str(tmp_path / "one"))
    assert said["journal"]["breaks"] == []
    people = box.run("prove", FIRST, "--out", tmp_path / "two", lang="es")
    assert "anote este número" in people.out
    assert "se publicó, y ya no lo está" in (tmp_path / "two" / "LEEME.txt").read_text("utf-8")
    assert "not any more" in (tmp_path / "two" / "README.txt").read_text("utf-8")


@pytest.mark.parametrize("damage", ["changed", "missing", "a link", "more"])
def test_damage_is_named_and_exits_one(box: Sandbox, tmp_path: Path, damage: str) -> None:
    site = box.settings.root / "cuts" / SECOND / "site"
    path = site / f"{SECOND}_PREP_AYUN_QRO.zip"
    if damage == "changed":
        tampered(path)
    elif damage == "more":
        path = site / "more.txt"
        path.touch()
    else:
        path.rename(tmp_path / "away.zip")
        if damage == "a link":
            path.symlink_to(tmp_path / "away.zip")
    out = tmp_path / "bundle"
    ran = box.run("prove", "--files", "--out", out)
    assert ran.code == 1
    assert path.name in ran.out
    assert f": {path.name}\n" in (out / "README.txt").read_text("utf-8")
    held = holding(out)
    assert held[1] == 2
    assert (held[4] == 2) == (damage == "more")
    said = box.run("prove", "--out", tmp_path / "json", "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert [path.name] == said.json["strange" if damage == "more" else "changed"]


def test_a_broken_chain_is_told_and_still_proved(box: Sandbox, tmp_path: Path) -> None:
    journal = box.settings.root / "journal" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[0] = lines[0].replace(b'"time":"2', b'"time":"1')
    journal.write_bytes(b"".join(lines))
    ran = box.run("prove", "--files", "--out", tmp_path / "bundle")
    assert ran.code == 1
    assert "broken at line 1" in ran.out
    held = holding(tmp_path / "bundle")
    assert (held[1], held[5]) == (2, 0)


def test_a_journal_whose_end_was_cut_off_is_told(box: Sandbox, tmp_path: Path) -> None:
    journal = box.settings.root / "journal" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    at = max(n for n, line in enumerate(lines) if b'"kind":"intent"' in line)
    journal.write_bytes(b"".join(lines[:at]))
    ran = box.run("prove", FIRST, "--out", tmp_path / "bundle")
    assert ran.code == 1
    assert f"line {at + 1} of the journal, which is not there" in ran.out


def test_a_manifest_that_was_not_sealed_proves_nothing(box: Sandbox, tmp_path: Path) -> None:
    tampered(box.settings.root / "cuts" / SECOND / "cut.json")
    ran = box.run("prove", "--out", tmp_path / "bundle")
    assert ran.code == 1
    assert "not the one that was sealed" in ran.err
    assert not (tmp_path / "bundle").exists()


def test_nothing_is_overwritten_and_nothing_left_behind(box: Sandbox, tmp_path: Path) -> None:
    taken, empty, file = tmp_path / "taken", tmp_path / "empty", tmp_path / "file"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    empty.mkdir()
    file.write_text("mine")
    before = sorted(box.settings.root.rglob("*"))
    root = box.settings.root
    for out in (taken, file, root / "bundle", root / "cuts" / "x", root, tmp_path / "no" / "b"):
        ran = box.run("prove", "--out", out)
        assert ran.code == 1, out
    assert box.run("prove", "--out", box.settings.drop_folder / "x").code == 1
    assert box.run("prove", "20990101_0000", "--out", tmp_path / "x").code == 1
    assert box.run("prove", "../../etc", "--out", tmp_path / "x").code == 2
    assert box.run("prove").code == 2
    assert (taken / "mine").read_text() == file.read_text() == "mine"
    assert sorted(box.settings.root.rglob("*")) == before
    assert not (tmp_path / "x").exists()
    assert list(tmp_path.glob(".prove-*")) == []
    assert box.run("prove", "--out", empty).code == 0
    assert holding(empty)[1] == 2


def test_nothing_live(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    ran = box.run("prove", "--out", tmp_path / "bundle")
    assert ran.code == 1
    assert "nothing is live" in ran.err
    brought(box, FIRST)
    assert box.run("suspend", "--reason", "x", "--yes").code == 0
    assert box.run("prove", "--out", tmp_path / "bundle").code == 1
    assert box.run("prove", FIRST, "--out", tmp_path / "bundle").code == 0


def test_a_pruned_cut(tmp_path: Path) -> None:
    box = brought(sandbox(tmp_path, {"publication": {"keep_cuts": 2}}), FIRST, SECOND, THIRD)
    assert box.station.state().cuts[FIRST].pruned
    ran = box.run("prove", FIRST, "--out", tmp_path / "bundle")
    assert ran.code == 1
    assert "removed by the clean-up" in ran.err
    assert not (tmp_path / "bundle").exists()


def test_a_withdrawn_cut_tells_who_and_why(box: Sandbox) -> None:
    assert box.run("rollback", "--reason", "wrong district", "--yes").code == 0
    bundle = prove(box, SECOND, "--files")
    assert holding(bundle) == whole(bundle)
    text = (bundle / "README.txt").read_text("utf-8")
    assert "it was withdrawn" in text
    assert "this withdraws the cut" in text
    assert "wrong district" in text


def test_a_carried_election(tmp_path: Path) -> None:
    box = brought(sandbox(tmp_path), FIRST)
    assert box.run("receive", nights.archive(tmp_path, "DIP_LOC", SECOND), "--now").code == 0
    bundle = prove(box, "--files")
    assert holding(bundle) == whole(bundle)
    text = (bundle / "README.txt").read_text("utf-8")
    assert f"CUT {SECOND}" in text
    assert "carried over from the cut before" in text
    carried = hashlib.sha256((tmp_path / FIRST / f"{FIRST}_PREP_AYUN_QRO.zip").read_bytes())
    assert carried.hexdigest() in (bundle / "cut-journal.jsonl").read_text("utf-8")


def test_a_tree_with_odd_names(tmp_path: Path) -> None:
    box = sandbox(tmp_path)
    folder = nights.tree(tmp_path / "tree", FIRST, actas=5)
    for name in ODD:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    said = box.run("receive", folder)
    assert said.code == 0, said.err
    bundle = prove(box, "--files")
    names = {path.relative_to(bundle / "site").as_posix() for path in plain(bundle / "site")}
    assert set(ODD) <= names
    assert holding(bundle) == whole(bundle)
    for name in ODD:
        before = tampered(bundle / "site" / name, 0)
        assert holding(bundle)[4] == 0, name
        (bundle / "site" / name).write_bytes(before)


@pytest.mark.parametrize("name", ["back\\slash.txt", "new\nline.txt"])
def test_names_that_need_escaping_are_never_sealed(tmp_path: Path, name: str) -> None:
    box = sandbox(tmp_path)
    folder = nights.tree(tmp_path / "tree", FIRST, actas=5)
    (folder / name).touch()
    assert box.run("receive", folder).code == 1
    assert box.run("prove", FIRST, "--out", tmp_path / "bundle").code == 1
    assert not (tmp_path / "bundle").exists()


def test_sums_are_read_by_sha256sum_whatever_the_name(tmp_path: Path) -> None:
    names = ["-", "-c", "a\nb", "a\rb", "a\\nb", "\\", " a ", "*a", os.fsdecode(b"\xff")]
    for name in names:
        (tmp_path / name).write_text(name, errors="surrogateescape")
    digests = [(name, hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()) for name in names]
    for at, name in enumerate(names):
        check = ["sha256sum", "--check", "--strict", "--quiet"]
        ran = subprocess.run(check, cwd=tmp_path, input=sums(digests), timeout=60, check=False)
        assert ran.returncode == 0
        wrong = [*digests[:at], (name, "0" * 64), *digests[at + 1 :]]
        ran = subprocess.run(
            check, cwd=tmp_path, input=sums(wrong), capture_output=True, timeout=60, check=False
        )
        assert ran.returncode == 1, name


def test_a_cut_of_a_night_that_was_put_away_is_proved_as_before(box: Sandbox) -> None:
    before = prove(box, FIRST, out="before")
    assert box.run("station", "new", "--yes", "--reason", "next night").code == 0
    brought(box, THIRD)
    bundle = prove(box, FIRST, out="after")
    (files,) = box.station.root.glob(f"archive/*/cuts/{FIRST}/site")
    assert holding(bundle, files) == whole(bundle)
    assert (bundle / "site.sha256").read_bytes() == (before / "site.sha256").read_bytes()
    old = (before / "journal.jsonl").read_bytes()
    assert (bundle / "journal.jsonl").read_bytes().startswith(old)
    lives = box.station.live().cut
    assert lives == THIRD


def test_a_disk_that_fills_leaves_nothing_of_the_bundle(box: Sandbox, tmp_path: Path) -> None:
    assert disks.why_none() is None
    (tmp_path / "disk").mkdir()
    with disks.mounted(tmp_path / "disk") as disk:
        disk.fill()
        before = sorted(p.name for p in disk.folder.iterdir())
        with (disk.folder / "filling").open("r+b") as file:
            file.truncate(disk.folder.joinpath("filling").stat().st_size - 8192)
        ran = box.run("prove", FIRST, "--out", disk.folder / "bundle")
        assert (ran.code, "No space left" in ran.err) == (3, True), ran
        assert "nothing was left there" in ran.err
        assert sorted(p.name for p in disk.folder.iterdir()) == before
