"""Any valid cut, packed in any of the ways seen and told in any of the forms seen, reads back."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prep_console.cuts import elections as codes
from prep_console.cuts.delivery import examine
from prep_console.cuts.model import Expectations, Figures, Limits
from prep_console.cuts.site_json import looks_like_site_json, read_site_json
from prep_console.cuts.stamps import Stamp
from prep_console.values import replace
from tests.cuts import deliveries as d
from tests.cuts import varied
from tests.cuts.writing import HEADER, Election, Style, write_results

ALIASES = {
    "DIPUTACIONES LOCALES": ("DIP_LOC", "DIP"),
    "ELECCIÓN DE AYUNTAMIENTOS": ("AYUN",),
    "GUBERNATURA": ("GUB", "GOB"),
}
DAYS = (
    "{0.day} de {month} de {0.year}",
    "{0.day:02} DE {month} DEL {0.year}",
    "{0.day:02}/{0.month:02}/{0.year}",
    "{0.year}-{0.month:02}-{0.day:02}",
)
MONTHS = [
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
]
JSON_KEYS = (
    ("expected", "totalActas"),
    ("registered", "actasRegistradas"),
    ("out_of_catalogue", "actasFueraCatalogo"),
    ("captured", "actasCapturadas"),
    ("counted", "actasContabilizadas"),
    ("not_counted", "actasNoContabilizadas"),
    ("nominal_list", "listaNominal"),
    ("votes_with_special", "totalVotos"),
)
stamps = st.datetimes(
    min_value=Stamp.of("20120101_0010").wall, max_value=Stamp.of("20391231_2349").wall
).map(Stamp)


@dataclass(frozen=True)
class Product:
    """One election of the cut as it is to be delivered."""

    election: Election
    alias: str
    style: Style
    other: str
    """Delimiter of the candidates' file."""

    @property
    def code(self) -> str:
        return codes.from_title(self.election.title)

    def name(self, state: str) -> str:
        return f"{self.election.stamp}_PREP_{self.alias}{state and '_' + state}"

    def files(self, folder: str) -> dict[str, bytes]:
        year = self.election.stamp.wall.year
        named = ("PARTIDO_CI", "CANDIDATURA_PROPIETARIA"), ("PAN", "ANA LÓPEZ RUIZ")
        candidates = "\r\n".join(self.other.join(("22", *line)) for line in named)
        return {
            f"{folder}QRO_{self.alias}_{year}.csv": write_results(self.election, self.style),
            f"{folder}QRO_{self.alias}_CANDIDATURAS_{year}.csv": candidates.encode("cp1252"),
            f"{folder}LEEME.txt": b"Instructivo\n",
        }


@st.composite
def cuts(draw: st.DrawFn) -> list[Product]:
    """One to three elections whose times may straddle a minute."""
    base = draw(stamps)
    made = []
    for title in draw(st.lists(st.sampled_from(sorted(ALIASES)), min_size=1, unique=True)):
        stamp = Stamp(base.wall + timedelta(minutes=draw(st.integers(0, 1))))
        election = replace(draw(varied.elections), title=title, stamp=stamp)
        alias = draw(st.sampled_from(ALIASES[title]))
        made.append(Product(election, alias, draw(varied.styles), draw(st.sampled_from(",|"))))
    return made


@st.composite
def site_jsons(draw: st.DrawFn, stamp: Stamp, figures: Figures) -> bytes:
    """The totals of a site, in one of its two shapes and any form of date and number."""
    day = draw(st.sampled_from(DAYS)).format(stamp.wall, month=MONTHS[stamp.wall.month - 1])
    time = f"{stamp.wall:%H:%M}" + draw(st.sampled_from(["", " h", ":31", " (UTC-6)"]))
    said: dict[str, object] = {}
    for name, key in JSON_KEYS:
        count = getattr(figures, name)
        if count is not None:
            said[key] = draw(st.sampled_from([count, f"{count:,}", str(count), {"total": count}]))
    if figures.turnout is not None:
        share = figures.turnout
        forms = [share, f"{share:.4f}", f"{share:.4f}%"]
        said["porcentajeParticipacionCiudadana"] = draw(st.sampled_from(forms))
    if draw(st.booleans()):
        said = {"totales": said}
    if draw(st.booleans()):
        said["ultimoCorte"] = {"fecha": day, "hora": time}
    else:
        said |= {"fechaCorte": day, "horaCorte": time, "cortePrueba": False}
        said |= draw(st.sampled_from([{}, {"archivoCorte": f"{stamp}_PREP.zip"}]))
    written = json.dumps(
        said, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1))
    )
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + written.encode()


figures = st.builds(
    Figures,
    **{name: st.none() | st.integers(0, 10**9) for name, _ in JSON_KEYS},
    turnout=st.none() | st.integers(0, 100_0000).map(lambda share: share / 10_000),
)


@settings(max_examples=300)
@given(st.data(), stamps, figures)
def test_a_sites_json_reads_back(data: st.DataObject, stamp: Stamp, said: Figures) -> None:
    written = data.draw(site_jsons(stamp, said))
    cut = read_site_json(written)
    assert looks_like_site_json(written)
    assert cut is not None
    assert (cut.stamp, cut.figures, cut.test) == (stamp, said, False)
    assert cut.archive in (None, stamp)


def _packed(draw: st.DrawFn, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """One archive of these files: how its name ends, and its bytes."""
    kind = draw(st.sampled_from([".zip", ".zip", ".ZIP", ".tar", ".tar.gz", ".tgz"]))
    if kind.lower() == ".zip":
        method = draw(st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED]))
        return kind, d.zipped(files, method=method)
    return kind, d.tarred(files, packed=kind != ".tar")


def _with_list(draw: st.DrawFn, files: dict[str, bytes]) -> dict[str, bytes]:
    """With a list of their hashes, or without."""
    name, algorithm = draw(
        st.sampled_from(
            [("", ""), ("SHA256SUMS", "sha256"), ("SHA512SUMS", "sha512"), ("MD5SUMS", "md5")]
        )
    )
    if not name:
        return files
    form = draw(st.sampled_from(["{0}  {1}", "{0} *{1}", "{2} ({1}) = {0}"]))
    lines = [
        form.format(hashlib.new(algorithm, content).hexdigest(), path, algorithm.upper())
        for path, content in files.items()
    ]
    return {**files, name: "\n".join([*lines, ""]).encode()}


@st.composite
def deliveries(draw: st.DrawFn, cut: list[Product]) -> tuple[str, bytes | dict[str, bytes]]:
    """Name and content of the delivery: one archive, an archive of archives, or a tree."""
    state = draw(st.sampled_from(["QRO", ""]))
    newest = max(product.election.stamp for product in cut)
    outer = f"{newest}_PREP{state and '_' + state}"
    top = draw(st.sampled_from(["", "", "PREP/"]))
    shapes = ["archive", "tree of archives", "loose tree"]
    shape = draw(st.sampled_from(shapes))
    if shape == "loose tree":
        files: dict[str, bytes] = {}
        for product in cut:
            files |= product.files(draw(st.sampled_from([top, f"{product.alias}/"])))
        return outer, _with_site(draw, _with_list(draw, files), cut)
    archives: dict[str, bytes] = {}
    for product in cut:
        ending, packed = _packed(draw, _with_list(draw, product.files(top)))
        archives[product.name(state) + ending] = packed
    if shape == "tree of archives":
        return outer, _with_site(draw, _with_list(draw, archives), cut)
    if len(archives) == 1 and draw(st.booleans()):
        return next(iter(archives.items()))
    ending, packed = _packed(draw, archives)
    return outer + ending, packed


def _with_site(draw: st.DrawFn, files: dict[str, bytes], cut: list[Product]) -> dict[str, bytes]:
    """A tree may hold the site's JSON beside the data; it tells the time of one of the parts."""
    if draw(st.booleans()):
        files["sitio/assets/totales.json"] = draw(site_jsons(cut[0].election.stamp, Figures()))
        files["sitio/index.html"] = b"<!doctype html>"
    return files


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), cuts())
def test_a_cut_reads_back_however_it_is_delivered(data: st.DataObject, cut: list[Product]) -> None:
    name, content = data.draw(deliveries(cut))
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        if isinstance(content, bytes):
            path.write_bytes(content)
            delivered = {name: content}
        else:
            d.put(path, content)
            delivered = content
        expects = Expectations(state="QRO", elections=tuple(product.code for product in cut))
        found = examine(path, expectations=expects, limits=Limits(), scratch=Path(folder))

    stamped = {product.code: product.election.stamp for product in cut}
    apart = len(set(stamped.values())) > 1
    told = {f.check for f in found.findings}
    assert told <= ({"stamp.differ"} if apart else set()), found.findings
    assert {part.election: part.stamp for part in found.parts} == stamped
    assert found.stamp == max(stamped.values())
    assert {f.path: f.sha256 for f in found.files} == {
        place: hashlib.sha256(bytes_).hexdigest() for place, bytes_ in delivered.items()
    }
    by_code = {results.code: results for results in found.elections}
    for product in cut:
        read, election = by_code[product.code], product.election
        assert (read.title, read.stamp, read.state) == (election.title, election.stamp, "QRO")
        assert (read.rows, read.delimiter) == (len(election.actas), product.style.delimiter)
        for column, key in HEADER:
            if key and column not in product.style.drop_header:
                assert getattr(read.figures, key) == getattr(election.header, key), column
