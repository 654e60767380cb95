"""Reading the results of a national election, against the standard library's csv.reader.

``rows()`` measures and returns ``(name, measured, bound, unit)`` for each figure; a figure is
held when ``measured <= bound``. Each reader runs in a process of its own, so that neither
memory nor a warm heap of one counts for the other; times are the best of three.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS = 157_000
COLUMNS = 80
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


def rows() -> list[tuple[str, float, float, str]]:
    """The figures: how long, as a ratio, and how much memory above idle."""
    with tempfile.TemporaryDirectory(prefix="bench-csv-") as folder:
        path = Path(folder) / "PRES_2024.csv"
        write_national(path)
        ours, memory = _measure("ours", path)
        theirs, _ = _measure("theirs", path)
    name = f"results CSV, {ROWS:,} rows x {COLUMNS} columns"
    return [
        (f"{name}: time", ours / theirs, 3.0, "x csv.reader"),
        (f"{name}: memory above idle", memory, 150.0, "MiB"),
    ]


if __name__ == "__main__":
    for figure in rows():
        print(*figure)
