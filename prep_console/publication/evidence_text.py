"""What the bundle's LEEME.txt and README.txt say: the facts, then how a notary checks them.

The second half is the same for every cut and lies beside this file; its indented lines are
commands. Foreign text (names from deliveries, reasons) is shown escaped and never begins a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from prep_console import record, wording
from prep_console.config import Settings
from prep_console.cuts import checks
from prep_console.cuts.model import Figures
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.journal.chain import Line
from prep_console.publication.evidence import Evidence, Files
from prep_console.publication.manifest import SealedPart
from prep_console.values import field_names
from prep_console.wording import N_, Language, known_text, say, say_n, visible


def holds(found: Evidence, files: Files) -> bool:
    """Whether files, chain and public page all agree with the journal."""
    return not (files.changed or files.strange or found.breaks or found.cut_off)


def readme(settings: Settings, found: Evidence, files: Files, language: Language) -> str:
    """The whole document in one language."""
    how = Path(__file__).with_name(f"notary.{language}.txt").read_text("utf-8")
    with _speaking(language):
        return "\n".join([*_facts(settings, found, files), "", how])


@contextmanager
def _speaking(language: Language) -> Iterator[None]:
    before = wording.language()
    wording.use(language)
    try:
        yield
    finally:
        wording.use(before)


def _facts(settings: Settings, found: Evidence, files: Files) -> Iterator[str]:
    zone = settings.zone
    yield say(N_("EVIDENCE ABOUT THE PREP CUT {cut}"), cut=found.record.id)
    yield "- " + say(N_("broadcaster: {name}"), name=settings.station.name)
    if settings.election.title:
        yield "- " + say(N_("election: {title}"), title=settings.election.title)
    if settings.station.phase == "simulacro":
        yield "- " + say(N_("REHEARSAL - these are not results"))
    stamp = CutId.of(found.record.id).stamp
    yield "- " + say(N_("date and time of the cut: {time}"), time=_time(stamp.at(zone), zone))
    yield "- " + _standing(found)
    for other in found.revisions:
        yield "- " + say(
            N_("there is another revision of this hour: {cut} ({why})"),
            cut=other.id,
            why=other.why or say(N_("the first")),
        )
    yield ""
    yield say(N_("WHAT WAS FOUND WHEN THIS WAS MADE"))
    yield from (f"- {text}" for text in found_texts(found, files))
    yield ""
    yield say(N_("FIGURES, AS DELIVERED"))
    for part in found.sealed.parts:
        yield from _part(part, zone)
    for election in found.sealed.missing:
        yield "- " + say(N_("{election}: missing, by a person's decision"), election=election)
    for finding in found.sealed.findings:
        said = visible(str(checks.describe(finding)))
        yield "- " + say(N_("warned on arrival: {text}"), text=f"{finding.where} {said}".strip())
    yield ""
    yield say(N_("WHEN, WHO AND WHY (hours of the broadcaster's clock)"))
    yield f"- {_time(found.record.received_at, zone)}  " + say(N_("received"))
    yield f"- {_time(found.record.verified_at, zone)}  " + say(N_("verified"))
    yield from _story(found, zone)
    yield ""
    yield say(N_("HEADS OF THE JOURNAL THAT LEFT THE STATION"))
    yield from _heads(found)


def found_texts(found: Evidence, files: Files) -> Iterator[str]:
    """What holds and what does not, in the chosen language."""
    number = len(found.sealed.files)
    if not (files.changed or files.strange):
        yield say_n(
            "{n} file, byte for byte as it was sealed",
            "{n} files, each byte for byte as it was sealed",
            number,
        )
    for path in files.changed:
        yield say(N_("NOT AS SEALED (changed, missing or unreadable): {path}"), path=path)
    for path in files.strange:
        yield say(N_("NOT IN THE MANIFEST: {path}"), path=path)
    end = found.position
    if not found.breaks:
        yield say(
            N_("the chain holds: {lines} lines, head {seq}:{hash}"),
            lines=end.lines,
            seq=end.seq,
            hash=end.hash,
        )
    for gap in found.breaks:
        yield say(
            N_("the chain is broken at line {line}: {error}"),
            line=gap.line,
            error=known_text(gap.reason),
        )
    if found.cut_off is not None:
        yield say(
            N_("the public page shows line {seq} of the journal, which is not there: {hash}"),
            seq=found.cut_off[0],
            hash=found.cut_off[1],
        )


def _standing(found: Evidence) -> str:
    if found.live:
        return say(N_("it is what the public gets now"))
    if found.record.withdrawn:
        return say(N_("it was withdrawn"))
    if found.record.published_at is None:
        return say(N_("it was never published"))
    return say(N_("it was published, and is not any more"))


def _part(part: SealedPart, zone: ZoneInfo) -> Iterator[str]:
    hour = _time(Stamp.of(part.stamp).at(zone), zone)
    yield f"- {visible(part.election)}  {hour}"
    if part.carried:
        yield "  " + say(N_("carried over from the cut before"))
    yield "  " + say(N_("delivered as {name}"), name=part.delivery)
    yield f"  sha256 {part.sha256}"
    if part.results:
        yield "  " + say(N_("read in {path}"), path=part.results)
    for name in field_names(Figures):
        value = getattr(part.figures, name)
        if value is not None:
            shown = f"{value:.4f}" if isinstance(value, float) else f"{value}"
            yield f"  {record.figure_name(name)}: {shown}"


def _story(found: Evidence, zone: ZoneInfo) -> Iterator[str]:
    decisions = {line.seq: line for line in found.lines if line.kind == "intent"}
    for line in found.lines:
        words = record.words(line.kind, line.data)
        if line.kind == "done":
            intent = line.data.get("intent")
            decision = decisions.get(intent) if isinstance(intent, int) else None
            if decision is not None:
                words = record.words("switched", decision.data)
        yield f"- {_time(line.time, zone)}  {_who(line)}: {words}  " + say(
            N_("(line {seq})"), seq=line.seq
        )
        withdrawn = line.data.get("withdraws")
        if isinstance(withdrawn, list) and found.record.id in withdrawn:
            yield "  " + say(N_("this withdraws the cut"))


def _who(line: Line) -> str:
    origin = f"@{visible(line.actor.origin)}" if line.actor.origin else ""
    return record.author(line.actor.name) + origin


def _heads(found: Evidence) -> Iterator[str]:
    for line in found.lines:
        number = line.data.get("estado")
        if line.kind == "intent" and line.data.get("to") == found.record.id:
            kept = N_("estado page {number} of this cut: {seq}:{hash} (kept here)")
            gone = N_("estado page {number} of this cut: {seq}:{hash} (no longer kept)")
            known = isinstance(number, int) and number in found.pages
            yield "- " + say(
                kept if known else gone, number=str(number), seq=line.seq, hash=line.hash
            )
    end = found.position
    yield "- " + say(N_("end of this journal: {seq}:{hash}"), seq=end.seq, hash=end.hash)


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds")
