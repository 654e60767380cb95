"""Placeholder names among the candidates, whatever the file's form."""

from __future__ import annotations

import io

import pytest

from prep_console.cuts.candidates import read_candidates

HEAD = "ID_ESTADO,ID_DISTRITO_LOCAL,PARTIDO_CI,CANDIDATURA_PROPIETARIA,CANDIDATURA_SUPLENTE\n"
ROWS = (
    "22,1,PAN,MARIA PEREZ NUÑEZ,JUANA TESTAS LOPEZ\n"
    "22,1,PRI,Nombre Apellido Apellido,Nombre Apellido Apellido\n"
    "22,1,PRD,PEDRO DEL CANDIDATO,NOMBRE APELLIDO PATERNO APELLIDO MATERNO\n"
    "22,1,MC,,\n"
    "22,1,NULOS,Votos nulos,\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "|"])
def test_they_are_counted_by_candidate(encoding: str, newline: str, delimiter: str) -> None:
    text = (HEAD + ROWS).replace("\n", newline).replace(",", delimiter)
    (found,) = read_candidates(io.BytesIO(text.encode(encoding)), "c.csv")
    assert (found.check, found.where) == ("candidates.placeholder", "c.csv")
    assert dict(found.values) == {"n": 2, "value": "Nombre Apellido Apellido"}


def test_real_names_and_other_files_have_none() -> None:
    assert read_candidates(io.BytesIO((HEAD + ROWS.splitlines(True)[0]).encode()), "c.csv") == ()
    assert read_candidates(io.BytesIO(b""), "c.csv") == ()
    assert read_candidates(io.BytesIO(b"Nombre Apellido\n" * 100), "c.csv") == ()


def test_what_is_no_text_is_told() -> None:
    (found,) = read_candidates(io.BytesIO(b"\0" * 100), "c.csv")
    assert found.check == "candidates.unreadable"
