"""Reading the results of a national election, against the standard library's csv.reader.

Each reader runs in a process of its own, so that neither memory nor a warm heap of one counts for
the other; times are the best of three. Then an engine takes such results while a console is used:
neither may stand still meanwhile.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from tests import nights
from tests.bench.bench_console import key_to_paint, opened, painted
from tests.bench.figure import Figure, spread
from tests.bench.grounds import fill, scratch
from tests.processes import ended
from tests.stations import sandbox
from tests.waiting import wait_until

ROWS = 157_000
COLUMNS = 80
STAMPS = ("20240602_2340", "20240602_2345", "20240602_2350", "20240602_2355")
"""Of the deliveries that an engine takes while a console is used."""
_TOLD = b"23:55 (UTC-6)"
"""What the file says itself."""
_TAKES_S = 300
_PARTIES = 44
_IDENTIFICATION = (
    "CLAVE_CASILLA|CLAVE_ACTA|ID_ENTIDAD|ENTIDAD|ID_DISTRITO_FEDERAL|DISTRITO_FEDERAL|SECCION|"
    "ID_CASILLA|TIPO_CASILLA|EXT_CONTIGUA|UBICACION_CASILLA|TIPO_ACTA|TOTAL_BOLETAS_SOBRANTES|"
    "TOTAL_PERSONAS_VOTARON|TOTAL_REP_PARTIDO_CI_VOTARON|TOTAL_VOTOS_SACADOS"
)
_CLOSING = (
    "NO_REGISTRADAS|NULOS|TOTAL_VOTOS_ASENTADO|TOTAL_VOTOS_CALCULADO|LISTA_NOMINAL|"
    "REPRESENTANTES_PP_CI|OBSERVACIONES|CONTABILIZADA|MECANISMOS_TRASLADO|CODIGO_INTEGRIDAD|"
    "FECHA_HORA_ACOPIO|FECHA_HORA_CAPTURA|FECHA_HORA_VERIFICACION|ORIGEN|DIGITALIZACION|"
    "TIPO_DOCUMENTO|COTEJADA|ID_MUNICIPIO|CIRCUNSCRIPCION|RUTA"
)
_HEADER = (
    "ACTAS_ESPERADAS|ACTAS_REGISTRADAS|ACTAS_FUERA_CATALOGO|ACTAS_CAPTURADAS|"
    "ACTAS_CONTABILIZADAS|ACTAS_NO_CONTABILIZADAS|LISTA_NOMINAL_ACTAS_CONTABILIZADAS|"
    "TOTAL_VOTOS_C_CS|TOTAL_VOTOS_S_CS"
)

_MEASURE = """
import sys, time
def memory():
    return next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM"))
import csv
from prep_console.cuts.results import read_results
def ours(path):
    with open(path, "rb") as stream:
        results, findings = read_results(stream, "", hashes={})
    assert results.rows == int(sys.argv[3]), results
    assert not findings, findings
def theirs(path):
    with open(path, newline="", encoding="utf-8") as stream:
        for row in csv.reader(stream, delimiter="|"):
            pass
read = {"ours": ours, "theirs": theirs}[sys.argv[1]]
idle, times = memory(), []
for _ in range(3):
    start = time.perf_counter()
    read(sys.argv[2])
    times.append(time.perf_counter() - start)
print(min(times), (memory() - idle) / 1024)
"""


def write_national(path: Path) -> None:
    """157,000 actas with 46 vote columns; the header agrees with them, so nothing is found."""
    chance = random.Random(2024)
    names = [_IDENTIFICATION, *(f"C_{n}" for n in range(_PARTIES)), _CLOSING]
    columns = "|".join(names)
    assert columns.count("|") + 1 == COLUMNS
    rows: list[str] = []
    total = 0
    for n in range(ROWS):
        votes = [int(chance.expovariate(0.05)) for _ in range(10)]
        votes += [chance.choice((0, 0, 0, 0, 1, 2, 7)) for _ in range(_PARTIES + 2 - 10)]
        cast = sum(votes)
        total += cast
        digest = hashlib.sha256(b"%d" % n).hexdigest()
        when = "2024-06-02 21:00:00"
        rows.append(
            f'="{n:06}B0100"|{n:06}B010001|9|CIUDAD DE MÉXICO|1|DISTRITO 1|85|1|B|0|1|1|120|'
            f"{cast}|6|{cast}|{'|'.join(map(str, votes))}|{cast}|{cast}|{cast + 750}|6||1|D|"
            f"{digest}|{when}|{when}|{when}|CATD|ESCANER|ACTA PREP||1|4|"
        )
    nominal = total + 750 * ROWS
    values = (ROWS, ROWS, 0, ROWS, ROWS, 0, nominal, total, total)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"sep=|\nPRESIDENCIA\n02/06/2024 23:55 (UTC-6)\n{_HEADER}\n")
        file.write("|".join(map(str, values)) + f"\n\n{columns}\n")
        file.write("\n".join(rows) + "\n")


def _measure(reader: str, path: Path) -> tuple[float, float]:
    """Seconds (best of three) and MiB above idle of one reader in its own process."""
    child = subprocess.run(
        [sys.executable, "-c", _MEASURE, reader, str(path), str(ROWS)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, mib = child.stdout.split()
    return float(seconds), float(mib)


def rows() -> Iterator[Figure]:
    """How long, as a ratio; how much memory above idle; what else stands still meanwhile."""
    with scratch() as folder:
        path = folder / "PRES_2024.csv"
        write_national(path)
        ours, memory = _measure("ours", path)
        theirs, _ = _measure("theirs", path)
        name = f"results CSV, {ROWS:,} rows x {COLUMNS} columns"
        yield Figure(f"{name}: time", ours / theirs, 3.0, "x csv.reader")
        yield Figure(f"{name}: memory above idle", memory, 150.0, "MiB")
        deliveries = [_zipped(folder, path, stamp) for stamp in STAMPS]
        yield from _meanwhile(name, folder, deliveries)


def _zipped(folder: Path, results: Path, stamp: str) -> Path:
    """The same results as of another minute."""
    first, told, rest = results.read_bytes().partition(_TOLD)
    own = f"{stamp[9:11]}:{stamp[11:13]} (UTC-6)".encode()
    assert (told, len(own)) == (_TOLD, len(_TOLD))
    delivery = folder / f"{stamp}_PREP_PRES.zip"
    with zipfile.ZipFile(delivery, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(results.name, first + own + rest)
    return delivery


def _meanwhile(name: str, folder: Path, deliveries: Sequence[Path]) -> Iterator[Figure]:
    """The engine's heartbeats and the console's keys from each arrival until it is live.

    A heartbeat comes each second: 1.5 s between two of them is one that came late.
    """
    ground = folder / "station"
    ground.mkdir()
    box = sandbox(ground, {"election": {"state": "", "elections": []}})
    fill(box, folder, nights.stamps(count=10))
    engine = box.start("engine")
    began = time.monotonic()
    try:
        now = box.settings.root / "run" / "now.json"
        wait_until(now.exists, 20, "the engine's first heartbeat")
        with opened(box, (120, 40)) as terminal:
            painted(terminal)
            beats: set[float] = {now.stat().st_mtime}
            took: list[float] = []
            for delivery in deliveries:
                delivery.rename(box.settings.drop_folder / delivery.name)
                while box.station.live().cut != delivery.name[: len(STAMPS[0])]:
                    assert time.monotonic() < began + _TAKES_S, "it never went live"
                    took.append(key_to_paint(terminal, b"jk"[len(took) % 2 :][:1]))
                    beats.add(now.stat().st_mtime)
    finally:
        ended(engine)
    gaps = [after - before for before, after in pairwise(sorted(beats))]
    note = f"{len(deliveries)} of them, {len(beats)} heartbeats"
    yield Figure(f"{name}: engine silent while it is taken", max(gaps), 1.5, "s", note)
    note = f"{spread(took)}, {len(took)} keys"
    yield Figure(f"{name}: key to paint meanwhile", statistics.median(took), 50, "ms", note)
