"""The actas' images are matched with their actas by hash, whatever the files are called."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from prep_console.cuts.archived_images import ArchivedImages
from prep_console.cuts.delivery import examine
from prep_console.cuts.images import Image, reconcile
from prep_console.cuts.members import Member, Unsafe
from prep_console.cuts.model import Examination, Images, Limits, Verdict
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication import store
from prep_console.reports.deliveries import examination_json
from prep_console.values import replace
from tests.cuts import deliveries as d
from tests.cuts import writing as w
from tests.cuts.test_delivery import EXPECTS, NAME, ZONE, look
from tests.stations import sandbox

PERSON = Actor(1000, "ana")


def picture(number: int) -> bytes:
    return b"\xff\xd8\xff" + b"image of an acta %d" % number


def results(count: int = 4, algorithm: str = "sha256", *, upper: bool = False) -> bytes:
    """Actas 1, 2, ... each with the hash of its picture."""
    actas = []
    for number in range(1, count + 1):
        said = hashlib.new(algorithm, picture(number)).hexdigest()
        actas.append(replace(w.acta(number), integrity=said.upper() if upper else said))
    return w.write_results(w.Election(actas=tuple(actas)))


def tree(folder: Path, csv: bytes, images: dict[str, bytes]) -> Path:
    return d.put(folder / "20240602_2005_PREP", {"datos/QRO_DIP_LOC_2024.csv": csv, **images})


def found_in(examination: Examination) -> list[tuple[str, str]]:
    return [(f.check, f.where) for f in examination.findings if f.check.startswith("images")]


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_matched_and_pending(tmp_path: Path, algorithm: str, upper: bool) -> None:
    images = {f"actas/{n}.jpg": picture(n) for n in (1, 3)}
    found = look(tree(tmp_path, results(4, algorithm, upper=upper), images))
    assert found.images == (Images("DIP_LOC", 2, 2, 0, 0, algorithm),)
    assert found_in(found) == []
    assert found.verdict is not Verdict.STOPPED


def test_mismatched_and_orphan(tmp_path: Path) -> None:
    """The key of the acta in its image's name, and a picture that nobody knows."""
    images = {
        "actas/acta_1.jpg": picture(1),
        "actas/220002B010002.jpg": b"another picture",
        "actas/acta_99.jpg": picture(99),
        "static/logo.png": b"the institute",
    }
    found = look(tree(tmp_path, results(), images))
    assert found.images == (Images("DIP_LOC", 1, 2, 1, 1, "sha256"),)
    assert sorted(found_in(found)) == [
        ("images.mismatch", "actas/220002B010002.jpg"),
        ("images.orphan", "actas/acta_99.jpg"),
    ]
    assert found.verdict is Verdict.ODD
    said = examination_json(found, ZONE)["images"]
    assert {k: said[k] for k in ("matched", "pending", "mismatched", "orphan", "algorithm")} == {
        "matched": 1,
        "pending": 2,
        "mismatched": 1,
        "orphan": 1,
        "algorithm": "sha256",
    }


def test_two_actas_may_say_one_image_and_one_row_another_algorithm(tmp_path: Path) -> None:
    same, other = hashlib.sha256(picture(1)).hexdigest(), hashlib.sha1(picture(2)).hexdigest()
    said = (same, same, other, "-", "", "not a hash but as long as one is........")
    actas = tuple(replace(w.acta(n), integrity=text) for n, text in enumerate(said))
    csv = w.write_results(w.Election(actas=actas))
    found = look(tree(tmp_path, csv, {f"actas/{n}.jpg": picture(n) for n in (1, 2)}))
    assert found.images == (Images("DIP_LOC", 3, 0, 0, 0, "sha256,sha1"),)


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_images_in_the_archive(tmp_path: Path, algorithm: str) -> None:
    files = {"QRO_DIP_LOC_2024.csv": results(3, algorithm), "actas/x.jpg": picture(2)}
    path = tmp_path / NAME
    path.write_bytes(d.zipped(files))
    assert look(path).images == (Images("DIP_LOC", 1, 2, 0, 0, algorithm),)


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_images_in_archives_of_archives_keep_their_names(tmp_path: Path, algorithm: str) -> None:
    """Another hash than SHA-256 is made in a second reading: each image's own, wherever it lies."""
    inner = d.zipped({"actas/z1.jpg": picture(3), "actas/stray.jpg": b"in the inner one"})
    first = {"actas/a.jpg": picture(1), "m.zip": inner, "actas/220002B010002.jpg": b"not as said"}
    put = d.put(
        tmp_path / "20240602_2005_PREP",
        {
            "20240602_2005_PREP_DIP_LOC_QRO.zip": d.zipped(
                {**first, "QRO_DIP_LOC_2024.csv": results(5, algorithm)}
            ),
            "actas/loose.jpg": picture(4),
            "imagenes.tar": d.tarred({"actas/t.jpg": picture(5), "actas/odd.jpg": b"in the tar"}),
        },
    )
    found = look(put)
    assert found.images == (Images("DIP_LOC", 4, 0, 1, 2, algorithm),)
    archive = "20240602_2005_PREP_DIP_LOC_QRO.zip!/"
    assert sorted(found_in(found)) == [
        ("images.mismatch", f"{archive}actas/220002B010002.jpg"),
        ("images.orphan", f"{archive}m.zip!/actas/stray.jpg"),
        ("images.orphan", "imagenes.tar!/actas/odd.jpg"),
    ]


def test_an_archive_that_cannot_be_read_again_is_nobodys_images() -> None:
    """Of what was read the first time nothing is taken for another file's."""
    kept = ArchivedImages(io.BytesIO())
    for file, number in (("a.zip", 1), ("a.zip", 2), ("b.zip", 3)):
        content = iter([picture(number)])
        kept.add(file, file, Member(f"{number}.jpg", "", partial(iter, content)))
    sha1 = {number: hashlib.sha1(picture(number)).digest() for number in (1, 2, 3)}
    again = {"a.zip": [sha1[1]], "b.zip": [sha1[3]]}
    made = [image.digest("sha1") for image in kept.each(lambda file, _: again[file])]
    assert made == [sha1[1].hex(), "00" * 20, sha1[3].hex()]


def test_an_image_that_ends_in_a_stop_gives_its_name_to_no_other() -> None:
    def cut_short() -> Iterator[bytes]:
        yield picture(1)[:5]
        raise Unsafe("archive.checksum", "a.zip!/1.jpg")

    kept = ArchivedImages(io.BytesIO())
    with pytest.raises(Unsafe):
        kept.add("a.zip", "a.zip", Member("1.jpg", "", cut_short))
    kept.add("b.zip", "b.zip", Member("2.jpg", "", partial(iter, [picture(2)])))
    (only,) = kept.each(lambda *_: [])
    assert only.where == "b.zip!/2.jpg"
    assert only.digest("sha256") == hashlib.sha256(picture(2)).hexdigest()


def test_without_hashes_nothing_is_said_of_images(tmp_path: Path) -> None:
    found = look(tree(tmp_path, d.results_csv(), {"actas/1.jpg": picture(1)}))
    assert (found.images, found_in(found)) == ((), [])


def test_sha256_is_never_made_again_and_others_only_where_it_matched_nothing() -> None:
    asked: list[tuple[int, str]] = []

    def image(number: int) -> Image:
        def digest(algorithm: str) -> str:
            asked.append((number, algorithm))
            return hashlib.new(algorithm, picture(number)).hexdigest()

        return Image(f"actas/{number}.jpg", digest)

    actas = {f"K{n}": hashlib.sha256(picture(n)).hexdigest() for n in range(50)}
    reconcile({"AYUN": actas}, map(image, range(60)))
    assert {algorithm for _, algorithm in asked} == {"sha256"}
    asked.clear()
    actas["K50"] = hashlib.md5(picture(50)).hexdigest()
    (counts,), _ = reconcile({"AYUN": actas}, map(image, range(60)))
    assert (counts.matched, counts.orphan) == (51, 9)
    assert sorted(n for n, algorithm in asked if algorithm == "md5") == list(range(50, 60))


def test_the_loose_files_known_hashes_are_believed(tmp_path: Path) -> None:
    """What staging hashed is not read again: here it is not what lies on disk."""
    path = tree(tmp_path, results(1), {"actas/a.jpg": b"not the picture"})
    csv = path / "datos/QRO_DIP_LOC_2024.csv"
    known = {
        "actas/a.jpg": (15, hashlib.sha256(picture(1)).hexdigest()),
        "datos/QRO_DIP_LOC_2024.csv": (
            csv.stat().st_size,
            hashlib.sha256(csv.read_bytes()).hexdigest(),
        ),
    }
    found = examine(path, expectations=EXPECTS, limits=Limits(), known=known)
    assert [i.matched for i in found.images] == [1]


def test_the_manifest_keeps_the_counts(tmp_path: Path) -> None:
    station = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}}).station
    path = tree(tmp_path, results(), {f"actas/{n}.jpg": picture(n) for n in (1, 2, 9)})
    assert receive(station, path, actor=PERSON).cut == "20240602_2005"
    manifest, _ = store.load(station, "20240602_2005")
    assert manifest.extra["images"] == [
        {
            "election": "DIP_LOC",
            "matched": 2,
            "pending": 2,
            "mismatched": 0,
            "orphan": 1,
            "algorithm": "sha256",
        }
    ]
