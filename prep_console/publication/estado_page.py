"""The page a visitor or a portal's frame shows: which cut is public, in words, and nothing else.

Without script, image or anything from elsewhere; its own policy (CSP) forbids them, whatever
headers a proxy leaves. Spanish first. The same dress serves the notice that nothing is public.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from prep_console.config import Settings
from prep_console.dates import MONTHS
from prep_console.wording import N_, Language, Value, say_in, visible

REASON_SHOWN = 240
"""Characters of a rollback's reason that the public reads: the page must fit its spare file."""

# Every pair of colours is at least 4.5:1 (tests/browser measures them as Chromium draws them).
_STYLE = (
    ":root{color-scheme:light dark;--ink:#16181d;--soft:#4a4f59;--paper:#fff;--mark:#8a1c00;"
    "--on-mark:#fff;--line:#c9ccd3}"
    "@media(prefers-color-scheme:dark){:root{--ink:#f1f2f4;--soft:#b6bac3;--paper:#16181d;"
    "--mark:#ffb38a;--on-mark:#16181d;--line:#4a4f59}}"
    "body{margin:0;padding:1rem;background:var(--paper);color:var(--ink);"
    "font:1.05rem/1.45 system-ui,sans-serif;text-align:center;overflow-wrap:anywhere}"
    "h1{font-size:1.15rem;margin:0 0 .5rem}p{margin:.35rem 0}"
    ".mark{background:var(--mark);color:var(--on-mark);font-weight:700;padding:.4rem .6rem;"
    "border-radius:.25rem}"
    "time{display:block;font-weight:700;font-variant-numeric:tabular-nums;font-size:1.35rem}"
    ".hour{display:block;font-size:clamp(3.2rem,18vw,6.5rem);line-height:1.05}"
    "footer{margin-top:1rem;padding-top:.75rem;border-top:1px solid var(--line);"
    "color:var(--soft);font-size:.9rem}footer h2{font-size:1em;margin:0}"
    "footer time{display:inline;font-size:1em}footer .mark{display:inline-block}"
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"


def page(document: Mapping[str, Any], reason: str | None, reason_language: Language) -> str:
    """The page that says what ``document`` (estado.json) says, and a rollback's ``reason``."""
    moment = datetime.fromisoformat(document["stamp"]) if document["cut"] else None
    name = str(document["title"] or document["station"])
    hour = f"{moment:%H:%M} h, {_day(moment, 'es')} · " if moment is not None else ""
    spanish = _lines(document, moment, reason, reason_language, "es")
    english = _lines(document, moment, reason, reason_language, "en")
    return _dressed(f"PREP · {hour}{document['station']}", name, spanish, english)


def nothing_live(settings: Settings) -> str:
    """The notice in the place of results (503): plain, ASCII, without a double quote.

    So it can stand between quotes in the web server's settings, and be read under any charset.
    """
    station, election = settings.station, settings.election
    document = {"phase": station.phase, "cut": None}
    bodies = (
        [
            *_lines(document, None, None, "es", language),
            _paragraph(language, N_("Please come back later.")),
        ]
        for language in _LANGUAGES
    )
    made = _dressed(f"PREP · {station.name}", election.title or station.name, *bodies)
    return made.replace('"', "'").replace("\n", "").encode("ascii", "xmlcharrefreplace").decode()


_LANGUAGES: tuple[Language, Language] = ("es", "en")


def _dressed(title: str, heading: str, spanish: Iterable[str], english: Iterable[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="es"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{_escaped(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>\n<h1>{_escaped(heading)}</h1>\n"
        + "\n".join(spanish)
        + '\n</main>\n<footer lang="en">\n<h2>In English</h2>\n'
        + "\n".join(english)
        + "\n</footer></body></html>\n"
    )


def _lines(
    document: Mapping[str, Any],
    moment: datetime | None,
    reason: str | None,
    reason_language: Language,
    language: Language,
) -> Iterator[str]:
    if document["phase"] == "simulacro":
        rehearsal = _text(language, N_("REHEARSAL - these are not results"))
        yield f'<p class="mark"><strong>{rehearsal}</strong></p>'
    if moment is None:
        yield _paragraph(language, N_("No cut is published at this moment."))
        return
    yield _paragraph(language, N_("Preliminary results as of"))
    yield _time(document["stamp"], moment, language)
    for part in document["parts"]:
        if part["carried"]:
            hour = f"{datetime.fromisoformat(part['stamp']):%H:%M}"
            since = N_("{election}: as of {hour}")
            yield _paragraph(language, since, election=part["election"], hour=hour)
    if document["final"]:
        yield _paragraph(language, N_("Final cut."))
    if not document["restored"]:
        if not document["final"]:
            yield _paragraph(language, N_("It is the last cut published here."))
        return
    yield _paragraph(language, N_("An earlier cut was restored."))
    if reason:
        given = reason if len(reason) <= REASON_SHOWN else f"{reason[:REASON_SHOWN]}…"
        label = _text(language, N_("Reason:"))
        yield f'<p>{label} <q lang="{reason_language}">{_escaped(given)}</q></p>'


def _time(stamp: str, moment: datetime, language: Language) -> str:
    day = html.escape(_day(moment, language))
    hour = _text(language, N_("{hour} h"), hour=f"{moment:%H:%M}")
    zone = html.escape(_zone(moment))
    shown = f'<span class="hour">{hour}</span> ' if language == "es" else f"{hour}, "
    return f'<time datetime="{html.escape(stamp)}">{shown}{day} ({zone})</time>'


def _day(moment: datetime, language: Language) -> str:
    """``2 de junio de 2024``: in full, for readers who need not know how dates are shortened."""
    month = say_in(language, MONTHS[moment.month - 1])
    told = N_("{day} {month} {year}")
    return say_in(language, told, day=moment.day, month=month, year=moment.year)


def _zone(moment: datetime) -> str:
    """``UTC-6`` as the institutes write it; minutes only where a zone has them."""
    minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}:{rest:02}" if rest else f"UTC{sign}{hours}" if minutes else "UTC"


def _paragraph(language: Language, msgid: str, **values: Value) -> str:
    return f"<p>{_text(language, msgid, **values)}</p>"


def _text(language: Language, msgid: str, **values: Value) -> str:
    return html.escape(say_in(language, msgid, **values))


def _escaped(text: str) -> str:
    return html.escape(visible(text))
