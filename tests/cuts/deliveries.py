"""Deliveries built in memory, byte by byte where a hostile one needs it. All of it synthetic."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random

TITLES = {
    "DIP_LOC": "DIPUTACIONES LOCALES",
    "AYUN": "AYUNTAMIENTOS",
    "GOB": "GUBERNATURA",
    "JUNTAS": "JUNTAS MUNICIPALES",
}
_HEADER = (
    "ACTAS_ESPERADAS,ACTAS_REGISTRADAS,ACTAS_FUERA_CATALOGO,ACTAS_CAPTURADAS,"
    "PORCENTAJE_ACTAS_CAPTURADAS,ACTAS_CONTABILIZADAS,PORCENTAJE_ACTAS_CONTABILIZADAS,"
    "PORCENTAJE_ACTAS_INCONSISTENCIAS,ACTAS_NO_CONTABILIZADAS,"
    "LISTA_NOMINAL_ACTAS_CONTABILIZADAS,TOTAL_VOTOS_C_CS,TOTAL_VOTOS_S_CS,"
    "PORCENTAJE_PARTICIPACION_CIUDADANA"
)
_COLUMNS = (
    "CLAVE_CASILLA,CLAVE_ACTA,ID_ENTIDAD,ENTIDAD,SECCION,ID_CASILLA,TIPO_CASILLA,EXT_CONTIGUA,"
    "TIPO_ACTA,PAN,PRI,NO_REGISTRADAS,NULOS,TOTAL_VOTOS_ASENTADO,TOTAL_VOTOS_CALCULADO,"
    "LISTA_NOMINAL,OBSERVACIONES,CONTABILIZADA,CODIGO_INTEGRIDAD"
)


def results_csv(
    election: str = "DIP_LOC",
    stamp: str = "20240602_2005",
    *,
    title: str | None = None,
    rows: int = 4,
    votes: int = 10,
) -> bytes:
    """A results file whose figures add up: every acta is counted and says ``votes`` for each."""
    day, time = stamp.split("_")
    when = f"{day[6:]}/{day[4:6]}/{day[:4]} {time[:2]}:{time[2:]} (UTC-6)"
    total = 2 * votes * rows
    turnout = int(total * 10**6 / (1000 * rows)) / 10**4 if rows else 0
    lines = [
        title if title is not None else TITLES[election],
        when,
        _HEADER,
        f"{rows},{rows},0,{rows},100.0000,{rows},100.0000,0.0000,0,{1000 * rows},{total},{total},"
        f"{turnout:.4f}",
        "",
        _COLUMNS,
    ]
    for n in range(rows):
        key = f"22{n:04}B0100"
        lines.append(
            f"'{key},'{key}01,22,QUERETARO,{n},1,B,0,1,{votes},{votes},0,0,{2 * votes},"
            f"{2 * votes},1000,,1,-"
        )
    return ("\n".join(lines) + "\n").encode()


def cut_files(
    election: str = "DIP_LOC", stamp: str = "20240602_2005", *, state: str = "QRO"
) -> dict[str, bytes]:
    """What lies in one election's archive."""
    year = stamp[:4]
    return {
        f"{state}_{election}_{year}.csv": results_csv(election, stamp),
        f"{state}_{election}_CANDIDATURAS_{year}.csv": (
            b"ID_ENTIDAD,ID_DISTRITO_LOCAL,PARTIDO_CI,CANDIDATURA_PROPIETARIA\n"
            b"22,1,PAN,ANA LOPEZ RUIZ\n"
        ),
        "LEEME.txt": b"Instructivo\n",
    }


def zipped(files: Mapping[str, bytes] | Iterable[tuple[str, bytes]], **odd: int) -> bytes:
    """A zip of these files, in this order; a name may come twice.

    ``mode``: Unix mode of each entry. ``method``: how they are packed.
    """
    pairs = files.items() if isinstance(files, Mapping) else files
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in pairs:
            info = zipfile.ZipInfo("placeholder", (2024, 6, 2, 20, 5, 0))
            info.filename = name  # as given: ZipInfo() would tidy backslashes and NULs away
            info.compress_type = odd.get("method", zipfile.ZIP_DEFLATED)
            info.create_system = 3
            info.external_attr = odd.get("mode", stat.S_IFREG | 0o644) << 16
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that a name comes twice
                archive.writestr(info, data)
    return out.getvalue()


def cut_zip(election: str = "DIP_LOC", stamp: str = "20240602_2005", **more: bytes) -> bytes:
    """One election's archive, with more files by name."""
    return zipped({**cut_files(election, stamp), **more})


def with_entry(name: str, data: bytes = b"x", **odd: int) -> bytes:
    """A good archive with one more entry, which may be odd."""
    return zipped([*cut_files().items(), (name, data)], **odd)


def raw_named(name: bytes, *, utf8: bool = True) -> bytes:
    """A good archive with an entry of exactly these name bytes, in both places it stands."""
    placeholder = b"n" * len(name)
    data = zipped([*cut_files().items(), (placeholder.decode(), b"x")])
    data = data.replace(placeholder, name)
    if utf8:
        local = data.index(name) - 30
        central = data.rindex(name) - 46
        data = patched(data, local + 6, "<H", 0x0800)
        data = patched(data, central + 8, "<H", 0x0800)
    return data


def patched(data: bytes, at: int, form: str, value: int) -> bytes:
    """``data`` with one number written over."""
    out = bytearray(data)
    struct.pack_into(form, out, at, value)
    return bytes(out)


def central(data: bytes, name: str) -> int:
    """Where the table's row of an entry begins."""
    return data.rindex(name.encode()) - 46


def local(data: bytes, name: str) -> int:
    """Where the header in front of an entry's bytes begins."""
    return data.index(name.encode()) - 30


def tarred(
    files: Mapping[str, bytes], *, odd: Iterable[tarfile.TarInfo] = (), packed: bool = True
) -> bytes:
    """A tar of these files and then of odd members without content, gzipped unless told."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in odd:
            archive.addfile(info)
    return gzip.compress(out.getvalue(), mtime=0) if packed else out.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A tar member of an odd kind."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def overlapping(copies: int = 3, size: int = 200_000) -> bytes:
    """A zip whose table names the same packed bytes several times under several names."""
    data = zipped({"a0": b"\0" * size})
    end = data.rindex(b"PK\5\6")
    row_at = central(data, "a0")
    row = data[row_at:end]
    rows = b"".join(row.replace(b"a0", f"a{n}".encode()) for n in range(copies))
    tail = bytearray(data[end:])
    struct.pack_into("<HHL", tail, 8, copies, copies, len(rows))
    return data[:row_at] + rows + bytes(tail)


def many_empty_entries(
    n: int, *, long: int = 0, mixed: bool = False, suffix: bytes = b".jpg"
) -> bytes:
    """A zip of ``n`` empty files, with names as images of actas have them.

    ``long``: so many bytes each; ``mixed``: the table's rows are in
    another order than the files.
    """
    front, rows = bytearray(), []
    for i in range(n):
        name = f"Fotos/distrito_{i % 15:02}/acta_{i:06}_AYUN".encode().ljust(long - 4, b"_")
        name += suffix
        row = struct.pack("<5H3L2H", 20, 0, 0, 0, 0x5821, 0, 0, 0, len(name), 0)
        after = struct.pack("<3H2L", 0, 0, 0, 0, len(front)) + name
        rows.append(struct.pack("<4sH", b"PK\1\2", 0x0314) + row + after)
        front += b"PK\3\4" + row + name
    if mixed:
        Random(n).shuffle(rows)
    table = b"".join(rows)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, n, n, len(table), len(front))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(front) + len(table), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(front) + table + wide + locator + end


def site_json(
    stamp: str = "20240602_2005",
    *,
    test: bool = False,
    counted: int = 4,
    level: str = "NACIONAL",
) -> bytes:
    """The totals of a site in the form of 2018."""
    month = {"06": "junio", "07": "julio"}[stamp[4:6]]
    day = f"{stamp[6:8]} de {month} de {stamp[:4]}"
    return (
        f'{{"horaCorte":"{stamp[9:11]}:{stamp[11:]}","fechaCorte":"{day}",'
        f'"cortePrueba":{str(test).lower()},"archivoCorte":"{stamp}_PREP.zip",'
        f'"nivelNodo":"{level}","totalActas":10,"actasContabilizadas":{{"total":{counted}}},'
        f'"actasCapturadas":{{"total":{counted}}}}}'
    ).encode()


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a tree of files; the folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def everything_under(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Each path beneath a folder with its mode, size and time: to see that nothing was written."""
    seen = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        seen[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return seen
