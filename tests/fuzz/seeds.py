"""Where fuzzing starts: deliveries that the tests write, and what earlier runs found worth keeping.

Kept seeds are one stored zip a target, names and dates fixed, so that the same seeds are the same
bytes. ``make test`` reads each of them through its target without a fuzzer.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.corpus.cases import HOSTILE
from tests.corpus.lies import LIES
from tests.cuts import deliveries as d
from tests.cuts.writing import Acta, Election, Style, write_results

KEPT = Path(__file__).parent / "seeds"
LARGEST = 6 << 10
"""Bytes above which an input is not kept: what it shows, a smaller one shows as well."""
_HEX = "ab" * 32
_DATE = (2024, 6, 2, 20, 5, 0)


def first(target: str) -> Iterator[bytes]:
    """Good and hostile inputs of one target, written by the tests' own writers."""
    match target:
        case "results":
            yield from _results()
        case "candidates":
            yield from (data for name, data in d.cut_files().items() if "CANDID" in name)
            yield b"PARTIDO_CI|CANDIDATURA\r\nPAN|Nombre Apellido Apellido\r\n"
        case "site_json":
            yield from _site_jsons()
        case "hash_list":
            yield f"{_HEX}  a/b.zip\n\\{_HEX} *a\\nb\nSHA256 (c.csv) = {_HEX}\n".encode()
            yield f"{_HEX[:32]}\n".encode()
        case "names":
            yield b"20190603_0547_PREP_DIP_QROO.zip"
            yield b"20180702_2000_PREP_GOB_PUE_ext"
            yield b"20240602_2005.12"
            yield b"SIMULACRO/QRO_DIP_CANDIDATURAS_2019.csv/..\\C:"
        case "zip":
            yield d.cut_zip()
            yield d.zipped(d.cut_files(), method=zipfile.ZIP_STORED)
            yield from _written(b"PK")
        case "tar":
            yield d.tarred(d.cut_files())
            yield d.tarred(d.cut_files(), packed=False)
            yield from _written(b"\x1f\x8b")
        case "delivery":
            yield from _deliveries()


def _results() -> Iterator[bytes]:
    election = Election(actas=(Acta("220001B0100", (1,) * 8), Acta("-", (None, 2) * 4)))
    for style in (
        Style(),
        Style(delimiter="|", newline=("\r",), percent="'{}%", key="'{}"),
        Style(encoding="cp1252", newline=("\r\n",), thousands=True, quote_all=True),
        Style(encoding="utf-8-sig", sep_line=True, trailing=1, key='="{}"', no_number="Ilegible"),
    ):
        yield write_results(election, style)


def _site_jsons() -> Iterator[bytes]:
    yield (
        b'{"horaCorte":"21:04","fechaCorte":"01 de julio de 2018","cortePrueba":false,'
        b'"archivoCorte":"20180701_2104_PREP.zip","nivelNodo":"NACIONAL","totalActas":"7,672",'
        b'"actasCapturadas":{"total":12},"porcentajeParticipacionCiudadana":"62.6903%"}'
    )
    yield b'{"ultimoCorte":{"fecha":"02/06/2024","hora":"20:05"},"totales":{"actasEsperadas":9}}'


def _written(magic: bytes) -> Iterator[bytes]:
    """The corpus's archives of one kind."""
    with TemporaryDirectory() as name:
        for number, case in enumerate({**HOSTILE, **LIES}.values()):
            folder = Path(name, str(number))
            folder.mkdir()
            path = case.write(folder)
            if path.is_file() and path.stat().st_size <= LARGEST:
                data = path.read_bytes()
                if data.startswith(magic):
                    yield data


def _deliveries() -> Iterator[bytes]:
    """As targets.py takes them: how it is packed, then the pieces."""
    yield b"\0" + d.cut_zip()
    yield b"\1" + b"\0\0".join(d.cut_files().values())
    yield b"\2" + d.tarred(d.cut_files())
    yield from (b"\3" + data for data in _results())
    yield from (b"\4" + data for data in _site_jsons())
    yield b"\5" + b"\0\0".join([d.results_csv(), next(_site_jsons()), d.cut_zip()])


def kept(target: str) -> tuple[bytes, ...]:
    """The seeds that earlier runs left."""
    path = KEPT / f"{target}.zip"
    if not path.exists():
        return ()
    with zipfile.ZipFile(path) as packed:
        return tuple(packed.read(name) for name in packed.namelist())


def keep(target: str, seeds: Iterable[bytes]) -> None:
    """Write the seeds of one target anew."""
    by_hash = {hashlib.sha256(seed).hexdigest()[:16]: seed for seed in seeds}
    KEPT.mkdir(exist_ok=True)
    with zipfile.ZipFile(KEPT / f"{target}.zip", "w") as packed:
        for name, seed in sorted(by_hash.items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, seed, compresslevel=9)
