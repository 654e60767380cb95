"""The institute's results web site of one cut, small: page, JSON with the cut's time, images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from prep_console.cuts.stamps import Stamp
from prep_console.drill.final import Final, figures_at, rows_in
from prep_console.drill.synthetic import image, image_code

_MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre"),
    *("octubre", "noviembre", "diciembre"),
)
_PAGE = """<!doctype html>
<html lang="es"><head><meta charset="utf-8"><title>SIMULACRO PREP</title>
<link rel="stylesheet" href="css/estilo.css"></head>
<body><h1>SIMULACRO: resultados ficticios</h1><p>Corte {day} {time} h</p>
<ul>{links}</ul></body></html>
"""
_STYLE = "body{font-family:sans-serif;margin:2em}h1{color:#7a1f1f}\n"


def site_files(
    finals: Sequence[Final], archives: Mapping[str, bytes], stamp: Stamp
) -> dict[str, bytes]:
    """A tree as institutes push it over SSH: relative path to bytes.

    Page, style, JSON with ``ultimoCorte`` (as in 2024), the downloads, and the images of the
    actas that are in (only the synthetic election's: nobody has those of a real one).
    """
    links = "".join(f'<li><a href="descargas/{name}">{name}</a></li>' for name in archives)
    day, time = f"{stamp.wall:%d/%m/%Y}", f"{stamp.wall:%H:%M}"
    files = {
        "index.html": _PAGE.format(day=day, time=time, links=links).encode(),
        "css/estilo.css": _STYLE.encode(),
        "json/corte.json": _json({"ultimoCorte": {"fecha": day, "hora": time}}),
    }
    for final in finals:
        stem = final.name.removesuffix(".csv")
        figures = figures_at(final, stamp.wall)
        files[f"json/{stem}.json"] = _json(
            {"ultimoCorte": {"fecha": day, "hora": time}, "encabezado": figures}
        )
        for row in rows_in(final, stamp.wall):
            if row.code and image_code(row.acta) == row.code:
                files[f"imagenes/{row.acta[2:6]}/{row.acta}.png"] = image(row.acta)
    return files | {f"descargas/{name}": data for name, data in archives.items()}


def lone_json(final: Final, stamp: Stamp) -> bytes:
    """The totals of one cut as the national site published them in 2018."""
    figures = figures_at(final, stamp.wall)
    count = {name: int(value) for name, value in figures.items() if value.isdecimal()}
    return _json(
        {
            "horaCorte": f"{stamp.wall:%H:%M}",
            "fechaCorte": _long_day(stamp.wall),
            "cortePrueba": False,
            "archivoCorte": f"{stamp}_PREP.zip",
            "nivelNodo": "ESTATAL",
            "totalActas": count["ACTAS_ESPERADAS"],
            "actasContabilizadas": {
                "total": count["ACTAS_CONTABILIZADAS"],
                "porcentaje": float(figures["PORCENTAJE_ACTAS_CONTABILIZADAS"]),
            },
            "actasCapturadas": {
                "total": count["ACTAS_CAPTURADAS"],
                "porcentaje": float(figures["PORCENTAJE_ACTAS_CAPTURADAS"]),
            },
            "listaNominal": count["LISTA_NOMINAL"],
            "porcentajeParticipacionCiudadana": float(figures["PORCENTAJE_PARTICIPACION"]),
            "totalVotos": count["TOTAL_VOTOS_C_CS"],
        }
    )


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _long_day(moment: datetime) -> str:
    return f"{moment.day:02d} de {_MONTHS[moment.month - 1]} de {moment.year}"
