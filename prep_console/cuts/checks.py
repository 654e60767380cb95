"""Every check of a delivery: its stable id, whether it stops the delivery, and its sentence.

What stops a cut is provenance and safety: not whole, unsafe, older than what was accepted, of
another state or election, another product, a test cut. What the institute says about the votes
only ever warns: its data is published as delivered.

The ids are a contract (``verify --json``, the journal, quarantine's reason.json). A finding's
``values`` fill its sentence; ``where`` is shown beside it and stands in no sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from prep_console.cuts.model import Finding, Severity
from prep_console.wording import N_, Sentence, Value, say_n, visible

_NAMED: Final = 3
"""Of the places where one check fails this many are named in a line."""


class Check(msgspec.Struct, frozen=True):
    """One row of the table."""

    severity: Severity
    text: str
    """Template marked for the catalogue; its placeholders are what ``finding`` must be given."""
    overridable: bool = False
    """Whether a person may let a delivery through that it stopped: nothing that is unsafe, not
    whole or cannot be read, and nothing that names no election or time."""


def _stop(text: str) -> Check:
    return Check(Severity.STOP, text)


def _provenance(text: str) -> Check:
    """A stop that a person who knows better may set aside, with a reason."""
    return Check(Severity.STOP, text, overridable=True)


def _warning(text: str) -> Check:
    return Check(Severity.WARNING, text)


_ARCHIVE: Final = {
    "archive.damaged": _stop(N_("The archive is damaged; what it says of itself does not hold.")),
    "archive.truncated": _stop(
        N_("The archive is not whole: its end is missing, as when an upload breaks off.")
    ),
    "archive.checksum": _stop(N_("A file in the archive does not match its own checksum.")),
    "archive.encrypted": _stop(N_("A file in the archive is encrypted; nobody could read it.")),
    "archive.method": _stop(
        N_("A file in the archive is packed in a way that cannot be read here (method {method}).")
    ),
    "archive.path": _stop(
        N_("A name in the archive leads out of its folder or is no plain relative path.")
    ),
    "archive.link": _stop(N_("The delivery holds a link; only plain files and folders may come.")),
    "archive.device": _stop(
        N_("The delivery holds a device, pipe or socket; only plain files and folders may come.")
    ),
    "archive.duplicate": _stop(
        N_("The same name comes twice in the archive: two files would claim one place.")
    ),
    "archive.case": _stop(
        N_("Two names differ only in upper and lower case or in how an accent is written: {other}")
    ),
    "archive.collision": _stop(N_("One name is both a file and a folder.")),
    "archive.name": _stop(
        N_("A name holds control characters, is no valid UTF-8, or is longer than 255 bytes.")
    ),
    "archive.size": _stop(N_("It unpacks to more than the {limit} bytes that are allowed.")),
    "archive.entries": _stop(N_("It holds more than the {limit} files that are allowed.")),
    "archive.ratio": _stop(
        N_("It unpacks to more than {limit} times its own size, as only a bomb does.")
    ),
    "archive.nesting": _stop(N_("Archives lie inside archives more than {limit} deep.")),
    "archive.overlap": _stop(
        N_("Two files in the archive claim the same bytes, as only a bomb does.")
    ),
    "archive.header": _stop(
        N_("The archive names one file in its table and another one in front of the bytes.")
    ),
    "archive.trailing": _warning(
        N_("{n} bytes that belong to nothing stand around the archive's own content.")
    ),
    "name.collision": _warning(N_("This name differs from {other} only in upper and lower case.")),
    "name.reserved": _warning(
        N_("This name is hidden or reserved, and the web server may not serve it.")
    ),
}

_DELIVERY: Final = {
    "delivery.empty": _stop(N_("The delivery holds no files.")),
    "delivery.unreadable": _stop(N_("A file of the delivery cannot be read: {reason}.")),
    "delivery.changed": _stop(N_("A file changed while it was read; it was still being written.")),
    "delivery.overridden": _warning(
        N_("{name} let this delivery through, though a check had stopped it: {reason}")
    ),
    "delivery.type": _stop(N_("This is neither an archive, nor a folder, nor a site's JSON.")),
    "results.missing": _stop(N_("No results were found: no results CSV and no JSON of a cut.")),
    "results.unrecognised": _stop(
        N_("The file is named as results are, but it holds none: no line names columns of actas.")
    ),
    "site.unreadable": _stop(
        N_("The JSON of the site cannot be read, or does not tell the time of its cut.")
    ),
    "results.unreadable": _stop(N_("The results file cannot be read.")),
    "product.computos": _provenance(
        N_("This holds the final district counts (cómputos), which are no PREP cut.")
    ),
    "product.test": _provenance(N_("This says that it is a test, and today is election day.")),
    "phase.test": _warning(N_("This says that it is a test, as it may in a simulacro.")),
    "stamp.missing": _stop(N_("Nothing says the date and time of this cut.")),
    "stamp.name": _warning(
        N_("The date and time in this name are no moment that can be; those inside count.")
    ),
    "stamp.older": _stop(
        N_("The cut of {election} is from {stamp}, older than the {mark} already accepted.")
    ),
    "stamp.future": _provenance(
        N_("The cut is from {stamp}, which is {minutes} minutes ahead of this station's clock.")
    ),
    "stamp.disagree": _provenance(
        N_("The delivery says {stamp} in one place and {other} in another, {minutes} minutes off.")
    ),
    "stamp.differ": _warning(
        N_("The delivery says {stamp} in one place and {other} in another; the first one counts.")
    ),
    "stamp.window": _warning(
        N_("The cut is from {stamp}, outside the hours of publication that the settings name.")
    ),
    "stamp.corrected": _warning(
        N_("The institute delivered {election} of {stamp} again, with other content.")
    ),
    "state.wrong": _provenance(N_("This is from {state}, and this station publishes {expected}.")),
    "state.differ": _warning(
        N_("A name says {named}, but the results are from {state}; the results count.")
    ),
    "election.wrong": _stop(N_("This is {election}, and this station publishes {expected}.")),
    "election.unknown": _stop(N_("Nothing says which election these results belong to.")),
    "election.twice": _provenance(
        N_("{election} comes twice in this delivery, with different figures or times.")
    ),
    "election.disagree": _provenance(
        N_("The delivery says {election} in one place and {other} in another.")
    ),
    "election.several": _warning(
        N_("{n} results files of {election} lie here; the one with most rows counts.")
    ),
    "election.missing": _warning(N_("{election} did not come; the one before is carried over.")),
    "election.absent": _warning(
        N_("{election} never came; a person published the first cut without it.")
    ),
    "election.lags": _warning(N_("{election} is still from {stamp}, older than the cut.")),
}

_MANIFEST: Final = {
    "manifest.mismatch": _stop(
        N_("The file does not have the {algorithm} that {manifest} gives for it.")
    ),
    "manifest.missing": _provenance(
        N_("{manifest} lists this file, but it did not come: the delivery is not whole.")
    ),
    "manifest.malformed": _warning(
        N_("{n} lines of this list of hashes cannot be read; the first one is line {line}.")
    ),
    "manifest.too_long": _warning(
        N_("This list of hashes is too long to be read; nothing was compared with it.")
    ),
}

_RESULTS: Final = {
    "results.binary": _stop(N_("The results file holds NUL bytes, as only damaged files do.")),
    "results.long_line": _stop(N_("The results file has a line longer than 1 MiB.")),
    "results.utf16": _stop(N_("The results file is written in UTF-16, as no institute does.")),
    "results.no_columns": _stop(
        N_("The results file ends, or goes on too long, before the names of the columns.")
    ),
    "results.too_many_rows": _stop(
        N_("The results file has more rows than the country has polling stations.")
    ),
    "results.cut_off": _stop(
        N_("The results file is not whole: it ends in the middle of line {line}.")
    ),
    "results.no_time": _warning(N_("The results file does not say the time of the cut.")),
    "results.time": _warning(N_("A time in the results file makes no sense: {value}")),
    "results.no_figures": _warning(N_("No header with figures stands in front of the actas.")),
    "results.header_fields": _warning(
        N_("The header has {names} names but {values} values; none of them is used.")
    ),
    "results.header_value": _warning(N_("{name} in the header is no number: {value}")),
    "results.header_twice": _warning(N_("The header comes more than once; the first one counts.")),
    "site.value": _warning(N_("{name} in the site's JSON is no number that can be: {value}")),
    "results.columns": _warning(
        N_("The actas have no column {value}, so not everything could be checked.")
    ),
    "results.column_twice": _warning(N_("Columns have the same name: {value}")),
    "results.vote": _warning(
        N_("{n} numbers of votes cannot be read, as the first one in line {line}: {value}")
    ),
    "results.counted": _warning(
        N_("{n} actas do not say whether they are counted, as in line {line}: {value}")
    ),
    "results.duplicate": _warning(
        N_("{n} rows repeat an acta that came before, as the first one in line {line}: {value}")
    ),
    "results.quote": _warning(
        N_("{n} rows open a quote that never closes, as the first one in line {line}: {value}")
    ),
    "results.row": _warning(
        N_("{n} rows have another number of fields than the columns; first in line {line}.")
    ),
    "results.hash_form": _warning(
        N_("{n} acta hashes are no SHA-256, as the first one in line {line}: {value}")
    ),
    "arithmetic.registered": _warning(
        N_("{stated} actas registered, but captured and out of catalogue make {found}.")
    ),
    "arithmetic.rows": _warning(
        N_("{found} rows, but expected and out of catalogue make {stated}.")
    ),
    "arithmetic.counted": _warning(
        N_("{stated} actas counted, but {found} rows say that they are counted.")
    ),
    "arithmetic.votes_with_special": _warning(
        N_("{stated} votes with special polling stations, but the rows add up to {found}.")
    ),
    "arithmetic.votes_without_special": _warning(
        N_("{stated} votes without special polling stations, but the rows add up to {found}.")
    ),
    "arithmetic.percentage": _warning(
        N_("{name} is stated as {stated}, but the figures give {found}.")
    ),
    "arithmetic.not_counted": _warning(
        N_("{stated} actas captured, but counted and not counted make {found}.")
    ),
    "arithmetic.exceeds_expected": _warning(
        N_("{name} is {found}, but only {stated} actas are expected.")
    ),
    "arithmetic.over_100": _warning(N_("{name} is {stated}, more than 100 %.")),
    "arithmetic.row_sum": _warning(
        N_("{n} actas add up to another total than they state; first in line {line}.")
    ),
    "arithmetic.over_nominal": _warning(
        N_("{n} counted actas have more votes than voters; first in line {line}.")
    ),
    "results.columns_changed": _warning(
        N_("The columns of {election} changed since the cut before ({what}), as at {value}.")
    ),
    "cut.zero": _warning(
        N_("{election} is zero after the opening, and the cut before was not: a person decides.")
    ),
    "cut.still_zero": _warning(N_("{election} is zero, though publication has opened.")),
    "images.mismatch": _warning(
        N_("The image is named after an acta of {election} that says another {algorithm}.")
    ),
    "images.orphan": _warning(N_("The image belongs to no acta of this delivery.")),
    "figures.fell": _warning(N_("{name} of {election} fell from {before} to {after}.")),
    "candidates.unreadable": _warning(
        N_("The candidates' file is no text that can be read; it is published as delivered.")
    ),
    "candidates.placeholder": _warning(
        N_("{n} candidates have no real name, as the first one: {value}")
    ),
}

CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {**_ARCHIVE, **_DELIVERY, **_MANIFEST, **_RESULTS}
)


OF_ONE: Final[Mapping[str, str]] = {
    "manifest.malformed": N_("Line {line} of this list of hashes cannot be read."),
    "results.vote": N_("A number of votes in line {line} cannot be read: {value}"),
    "results.counted": N_("The acta in line {line} does not say whether it is counted: {value}"),
    "results.duplicate": N_("Line {line} repeats an acta that came before: {value}"),
    "results.quote": N_("Line {line} opens a quote that never closes: {value}"),
    "results.row": N_("Line {line} has another number of fields than the columns."),
    "results.hash_form": N_("The hash of the acta in line {line} is no SHA-256: {value}"),
    "arithmetic.row_sum": N_("The acta in line {line} adds up to another total than it states."),
    "arithmetic.over_nominal": N_("The counted acta in line {line} has more votes than voters."),
    "candidates.placeholder": N_("One candidate has no real name: {value}"),
}
"""What is said of a single one, where the table speaks of several (``n``)."""


def finding(check_id: str, where: str = "", **values: Value) -> Finding:
    """A finding of one check. KeyError for an id that is not in the table."""
    return Finding(check_id, CHECKS[check_id].severity, where, values)


def overridable(found: Finding) -> bool:
    """Whether a person may let a delivery through in spite of it; an unknown check never."""
    known = CHECKS.get(found.check)
    return found.severity is not Severity.STOP or (known is not None and known.overridable)


def may_stop(found: Finding) -> bool:
    """Whether its check stops a delivery unless a person lets it through."""
    known = CHECKS.get(found.check)
    return known is not None and known.severity is Severity.STOP


def describe(found: Finding) -> Sentence:
    """What a person reads about a finding; an id of a newer version shows itself."""
    known = CHECKS.get(found.check)
    if known is None:
        return Sentence(N_("Check {check}."), {"check": found.check})
    one = OF_ONE.get(found.check) if found.values.get("n") == 1 else None
    return Sentence(one or known.text, found.values)


def recorded(found: Mapping[str, Any]) -> Finding:
    """A finding as a line of the journal has it; one of a newer version may lack parts."""
    return Finding(
        str(found.get("check")),
        Severity(found.get("severity", Severity.STOP)),
        str(found.get("where", "")),
        found.get("values", {}),
    )


def reasons(stops: Iterable[Finding]) -> str:
    """Findings as one line in the chosen language: each sentence once, with where it holds."""
    places: dict[str, list[str]] = {}
    for found in stops:
        where = places.setdefault(str(describe(found)), [])
        if found.where and found.where not in where:
            where.append(found.where)
    return " ".join(text + _named(where) for text, where in places.items())


def _named(places: Sequence[str]) -> str:
    if not places:
        return ""
    more = len(places) - _NAMED
    rest = say_n(" and {n} more", " and {n} more", more) if more > 0 else ""
    return f" [{', '.join(map(visible, places[:_NAMED]))}{rest}]"
