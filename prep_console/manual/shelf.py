"""Which pages there are, what each is called in either language, and which alarms lead to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prep_console.wording import Language

_FOLDER = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True)
class Page:
    """One situation."""

    key: str
    """What opens it in the console's help."""
    names: Mapping[Language, str]
    """On the command line, and of its file; each name finds the page in either language."""
    alarms: tuple[str, ...] = ()
    """Ids of the alarms that it is about."""

    def text(self, language: Language) -> str:
        """The page as it was written (Markdown). OSError when the program is not whole."""
        return (_FOLDER / language / f"{self.names[language]}.md").read_text("utf-8")


PAGES = (
    Page(
        "1",
        {"es": "corte-tardio", "en": "late-cut"},
        ("cut.late", "election.stopped", "cut.carried", "source.trouble", "cut.unpublished"),
    ),
    Page(
        "2",
        {"es": "corte-malo", "en": "bad-cut"},
        ("cut.doubtful", "cut.refused", "cut.undecided"),
    ),
    Page(
        "3",
        {"es": "regresar", "en": "roll-back"},
        ("hold.long", "pointer.moved"),
    ),
    Page(
        "4",
        {"es": "sitio", "en": "site"},
        (
            "site.differs",
            "site.unseen",
            "site.altered",
            "site.certificate",
            "apache.down",
            "link.down",
            "protection.weak",
        ),
    ),
    Page(
        "5",
        {"es": "energia", "en": "power"},
        ("power.mains", "power.ups", "generator.failed"),
    ),
    Page("6", {"es": "reloj", "en": "clock"}, ("clock.off", "cut.parked")),
    Page(
        "7",
        {"es": "disco", "en": "disk"},
        ("host.disk", "cut.damaged", "cut.tampered", "journal.broken"),
    ),
    Page(
        "8",
        {"es": "sin-motor", "en": "no-engine"},
        ("engine.stopped", "instrument.unknown", "service.down", "host.strained"),
    ),
    Page("9", {"es": "final", "en": "final"}),
    Page("0", {"es": "turno", "en": "shift"}),
)


def page_named(name: str) -> Page | None:
    """The page of that name in either language, or of that key; None when there is none."""
    wanted = _plain(name)
    return next((p for p in PAGES if wanted in {p.key, *map(_plain, p.names.values())}), None)


def page_about(alarm: str) -> Page | None:
    """The page that an alarm's id leads to; None for one of a newer version."""
    return next((page for page in PAGES if alarm in page.alarms), None)


def _plain(name: str) -> str:
    """``Energía`` as ``energia``, ``late cut`` as ``late-cut``."""
    spelt = unicodedata.normalize("NFD", name.strip().lower().replace(" ", "-"))
    return "".join(letter for letter in spelt if not unicodedata.combining(letter))
