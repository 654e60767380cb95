"""Reasons travel as English and are told in the reader's language."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console import reasons, wording
from prep_console.wording import known_text, sentence

PROJECT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def in_spanish() -> Iterator[None]:
    before = wording.language()
    wording.use("es")
    yield
    wording.use(before)


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("no answer within 5 s", "sin respuesta en 5 s"),
        ("chronyc did not answer within 2.5 s", "chronyc no contestó en 2.5 s"),
        ("upsd cannot be reached: Permission denied", "no se llega a upsd: permiso denegado"),
        ("Permission denied: /srv/prep/run", "permiso denegado: /srv/prep/run"),
        ("[Errno 28] No space left on device", "no queda espacio en el disco"),
        ("[Errno 2] No such file or directory: '/x'", "no existe: '/x'"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "conexión rechazada"),
        (
            "[Errno 111] Connect call failed ('127.0.0.1', 3493)",
            "conexión rechazada ('127.0.0.1', 3493)",
        ),
        (" (no byte for 10 s)", " (ningún byte en 10 s)"),
        ("stalled: no byte for 30 s", "detenido: ningún byte en 30 s"),
        (
            "our disk: OSError: [Errno 28] No space left on device: '/x'",
            "nuestro disco: no queda espacio en el disco: '/x'",
        ),
        ("damaged: a.zip cannot be resumed", "dañado: a.zip no se puede reanudar"),
        ("refused: its host key is not the known one: Host key is not trusted for host x",
         "rechazado: su llave de servidor no es la conocida: Host key is not trusted for host x"),
        ("the process that fetches died: [Errno 5] Input/output error",
         "el proceso que trae los cortes murió: error de lectura o escritura del disco"),
    ],
)  # fmt: skip
def test_what_is_ours_or_the_systems_is_told_in_spanish(english: str, spanish: str) -> None:
    assert known_text(english) == spanish
    assert sentence("{path} cannot be read: {error}", path="x", error=english).in_("es") == (
        f"no se puede leer x: {spanish}"
    )
    wording.use("en")
    assert sentence("{error}", error=english).in_("es") == spanish


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "x",
        "fail to start",
        "UPS on fire: everybody out",
        "no answer within reach of anybody",
        "Connection refused by policy of the neighbour",
        "{error}",
        "no answer within {seconds.__class__} s of it",
        "x" * 100_000,
        ": " * 5_000,
        "ValueError: " * 80,
    ],
)
def test_a_neighbours_own_words_stay_as_they_came(foreign: str) -> None:
    assert known_text(foreign) == foreign


def test_what_is_filled_in_is_no_template_and_no_sentence_of_ours() -> None:
    assert known_text("{name} is not installed") == "{name} no está instalado"
    assert known_text("Permission denied did not answer within 3 s") == (
        "Permission denied no contestó en 3 s"
    )


def test_the_systems_words_are_what_this_system_says() -> None:
    said = {os.strerror(number) for number in errno.errorcode}
    resolver = {"Name or service not known", "Temporary failure in name resolution"}
    assert set(reasons._SYSTEM) - said == resolver


def test_every_reason_with_a_place_in_it_is_among_the_templates() -> None:
    own = {
        value
        for name, value in vars(reasons).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }
    assert {value for value in own if re.search(r"\{\w+\}", value)} == set(reasons._TEMPLATES)


@pytest.mark.parametrize("template", reasons._TEMPLATES)
def test_each_is_found_again_and_no_other_is_taken_for_it(template: str) -> None:
    filled = {name: f"<{name}>" for name in re.findall(r"\{(\w+)\}", template)}
    assert known_text(template.format(**filled)) == wording.say(template, **filled)


def test_reasons_are_used_and_not_written_anew() -> None:
    """Each is made from its template somewhere: a sentence that nobody says is dead."""
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "prep_console").rglob("*.py"))
    names = [name for name in vars(reasons) if re.fullmatch(r"[A-Z][A-Z_]+[A-Z]", name)]
    assert [name for name in names if f"reasons.{name}" not in code] == []
