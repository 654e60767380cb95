"""``verify`` and ``receive``: what a delivery holds, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from prep_console import dates
from prep_console.cuts.checks import describe
from prep_console.cuts.model import Examination, Finding, Results
from prep_console.cuts.stamps import Stamp
from prep_console.intake.receipt import Receipt
from prep_console.reports.decisions import outcome_json, outcome_line
from prep_console.reports.document import SCHEMA
from prep_console.values import fields_of
from prep_console.wording import N_, say, say_n, visible


def examination_json(examination: Examination, zone: ZoneInfo) -> dict[str, Any]:
    """``verify --json``, and the common part of ``receive --json``."""
    stamp = examination.stamp
    return {
        "schema": SCHEMA,
        "verdict": str(examination.verdict),
        "id": str(stamp) if stamp else None,
        "stamp": _stamp(stamp, zone),
        "files": len(examination.files),
        "bytes": examination.bytes,
        "elections": [_results_json(r, zone) for r in examination.elections],
        "images": _images_json(examination),
        "findings": [finding_json(f) for f in examination.findings],
    }


def _stamp(stamp: Stamp | None, zone: ZoneInfo) -> str | None:
    return stamp.at(zone).isoformat() if stamp else None


def _results_json(results: Results, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "code": results.code,
        "state": results.state,
        "title": results.title,
        "stamp": _stamp(results.stamp, zone),
        "path": results.path,
        "encoding": results.encoding,
        "delimiter": results.delimiter,
        "rows": results.rows,
        "figures": fields_of(results.figures),
    }


def _images_json(examination: Examination) -> dict[str, Any]:
    """All elections together, and each by itself."""
    images = examination.images
    named = [name for i in images for name in i.algorithm.split(",") if name]
    return {
        "matched": sum(i.matched for i in images),
        "pending": sum(i.pending for i in images),
        "mismatched": sum(i.mismatched for i in images),
        "orphan": sum(i.orphan for i in images),
        "algorithm": ",".join(dict.fromkeys(named)),
        "elections": [fields_of(i) for i in images],
    }


def finding_json(found: Finding) -> dict[str, Any]:
    """One finding, its text in English."""
    return {
        "check": found.check,
        "severity": str(found.severity),
        "text": describe(found).in_("en"),
        "where": found.where,
    }


def examination_lines(examination: Examination, zone: ZoneInfo) -> Iterable[str]:
    """``verify`` for a person."""
    verdicts = {
        "good": N_("✓ good: nothing to remark"),
        "odd": N_("▲ odd: would be published with these warnings"),
        "stopped": N_("✖ stopped: would not be published"),
    }
    yield say(verdicts[str(examination.verdict)])
    if examination.stamp is not None:
        yield say_n(
            "cut of {time}, {n} file, {bytes} bytes",
            "cut of {time}, {n} files, {bytes} bytes",
            len(examination.files),
            time=dates.minute(examination.stamp.at(zone)),
            bytes=examination.bytes,
        )
    for results in examination.elections:
        figures = results.figures
        yield say(
            N_(
                "  {code} {state} {title}: expected {expected}, captured {captured}, "
                "counted {counted}, rows {rows}"
            ),
            code=results.code or "?",
            state=results.state,
            title=results.title,
            expected=_shown(figures.expected),
            captured=_shown(figures.captured),
            counted=_shown(figures.counted),
            rows=results.rows,
        )
    for images in examination.images:
        if images.matched or images.mismatched or images.orphan:
            yield say(
                N_(
                    "  images {election} by {algorithm}: matched {matched}, pending {pending}, "
                    "mismatched {mismatched}, orphans {orphan}"
                ),
                election=images.election or "-",
                algorithm=images.algorithm or "-",
                matched=images.matched,
                pending=images.pending,
                mismatched=images.mismatched,
                orphan=images.orphan,
            )
    yield from map(_finding_line, examination.findings)


def _finding_line(found: Finding) -> str:
    sign = "✖" if str(found.severity) == "stop" else "▲"
    where = f" [{visible(found.where)}]" if found.where else ""
    return f"  {sign} {found.check}: {describe(found)}{where}"


def _shown(value: int | None) -> str:
    return "-" if value is None else str(value)


def receipt_json(receipt: Receipt, zone: ZoneInfo, live: str | None) -> dict[str, Any]:
    """``receive --json``; ``live`` is the cut that is public now."""
    published = receipt.published
    return {
        **examination_json(receipt.examination, zone),
        "result": receipt.result,
        "id": receipt.cut or (str(s) if (s := receipt.examination.stamp) else None),
        "cut": receipt.cut,
        "waiting_for": list(receipt.waiting_for),
        "quarantine": receipt.quarantined,
        "waits": None if receipt.waits is None else receipt.waits.in_("en"),
        "live": receipt.cut is not None and receipt.cut == live,
        "published": None if published is None else outcome_json(published),
    }


def receipt_lines(
    receipt: Receipt, zone: ZoneInfo, of_cut: Iterable[Finding] = ()
) -> Iterable[str]:
    """``receive`` for a person, unless it was refused.

    ``of_cut`` are the warnings in the sealed cut's manifest: those that only the cut as a whole
    has (against the cut before it, or the hour) are in no delivery's examination.
    """
    if receipt.result == "had":
        yield say(N_("already had: nothing was done"))
    elif receipt.result == "waiting":
        yield say(
            N_("accepted; the cut waits for {elections}"),
            elections=", ".join(receipt.waiting_for) or "-",
        )
    elif receipt.cut is not None:
        yield say(N_("sealed as cut {cut}"), cut=receipt.cut)
    yield from examination_lines(receipt.examination, zone)
    known = [(found.check, found.values) for found in receipt.examination.findings]
    more = [found for found in of_cut if (found.check, found.values) not in known]
    if more:
        yield say(N_("▲ the cut as a whole:"))
        yield from map(_finding_line, more)
    if receipt.published is not None:
        yield outcome_line(receipt.published)
    elif receipt.waits is not None:
        yield str(receipt.waits)
