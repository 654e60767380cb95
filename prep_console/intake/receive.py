"""Take a delivery: stage, check, decide, put together, seal; live if the mode says so.

The one way for data. The drop folder, the command line and the demo all come through here. The
same code runs in the engine's worker and in ``prep-console receive``: it needs no engine.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prep_console.cuts.checks import finding, overridable
from prep_console.cuts.model import Examination, Finding, Severity, Verdict
from prep_console.intake import staging
from prep_console.intake.deciding import (
    REMEMBERED_LINES,
    Coming,
    decide,
    decide_overridden,
    fresh,
    only_ahead,
    park,
)
from prep_console.intake.examining import called, examined, expectations, limits_of
from prep_console.intake.lists_beside import lists_beside, with_lists_beside
from prep_console.intake.receipt import Override, Receipt
from prep_console.intake.sealing import PATIENCE_S, drop_lost, judged, told_alike, unwritable
from prep_console.intake.staging import Delivery, Staged, Unpacked
from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.journal.state import State
from prep_console.problems import Failed, Problem, Refused
from prep_console.publication import lock, rules, store
from prep_console.publication.repair import compare_and_repair
from prep_console.publication.settle import settle_if_open
from prep_console.publication.station import Station
from prep_console.values import replace
from prep_console.wording import N_, sentence, visible

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def receive(
    station: Station,
    path: Path,
    *,
    actor: Actor,
    at_once: bool = False,
    source: str = "receive",
    received_at: datetime | None = None,
    dropped: bool = False,
    standing: str = "",
    clock_known: bool = False,
    override: Override | None = None,
) -> Receipt:
    """Take the delivery at ``path``; it is copied and left where it is.

    Problem when the station or the delivery cannot be read or written; whatever is wrong *in* the
    delivery is in the receipt. ``received_at``: when it was seen whole, if that was earlier.
    ``dropped``: others may still be writing it, so what only looks unfinished is not refused yet.
    ``standing``: the shape in which a mirrored tree was found whole; no other one is taken.
    ``clock_known``: our own clock is known to be right, so a stamp in the future is refused;
    otherwise it may be we who are wrong, and the delivery is parked.
    ``override``: stops that a person may set aside become warnings. Such a delivery is not
    published here, and not quarantined once more if other stops remain.
    """
    station.prepare()
    _refuse_what_holds_us(station, path)
    settle_if_open(station)
    staging.clear_leftovers(station)
    state = station.state()
    newest = rules.newest_eligible(state)
    received_at = received_at or datetime.now(UTC)
    name = called(path) if override is None else override.name
    try:
        staged = staging.stage(
            station,
            path,
            limits_of(station.settings),
            newest.id if newest else None,
            base=station.settings.drop_folder if dropped else None,
        )
    except OSError as error:
        if dropped and not os.path.lexists(path):  # it was renamed or taken away: no failure
            return _coming(())
        failed = _unreadable(station, path, error)
        _record_failure(station, name, source, failed, actor)
        raise failed from error
    try:
        if dropped and _moved(staged, standing):  # it may hold files of two cuts
            return _coming(staged.findings)
        examination, unpacked = _examine(station, staged, name, state, override, actor)
        beside = lists_beside(path)
        examination = with_lists_beside(examination, path, staged.content)
        delivery = Delivery(
            staged.folder.name,
            visible(name),
            source,
            received_at,
            datetime.now(UTC),
            examination,
            path.is_dir(),
            staged.linked,
            unpacked,
        )
        with lock.held(station.intake_lock, "receive", patience_s=PATIENCE_S):
            _refuse_what_was_put_away(staged)
            drop_lost(station, actor)
            if newest is not None and staged.tampered:
                files = staged.folder / staging.FILES
                compare_and_repair(station, newest.id, [files], actor, only=staged.tampered)
            moved = lists_beside(path) != beside  # while we waited for our turn
            coming = Coming(dropped, dropped and (moved or fresh(station, path)))
            if not clock_known and only_ahead(examination):
                return park(station, delivery, actor)
            if override is not None:
                return decide_overridden(station, delivery, actor, override)
            return judged(lambda: decide(station, staged, delivery, actor, at_once, coming))
    except OSError as error:
        failed = unwritable(station, error)
        _record_failure(station, name, source, failed, actor)
        raise failed from error
    finally:
        if staged.folder.name not in {w.delivery for w in station.state().waiting}:
            store.discard(staged.folder)


def _refuse_what_was_put_away(staged: Staged) -> None:
    """``station new`` moved it away with the night before; what was examined is no longer here."""
    if not staged.folder.is_dir():
        raise Failed(
            sentence(N_("the station was put away while this delivery was read")),
            sentence(N_("receive it again, if it belongs to the new one")),
        )


def _refuse_what_holds_us(station: Station, path: Path) -> None:
    """A folder around our own would be copied into itself, and the machine with it."""
    if Path(os.path.realpath(station.staging)).is_relative_to(os.path.realpath(path)):
        raise Refused(
            sentence(
                N_("{path} is no delivery: this station's own folder lies in it"), path=str(path)
            ),
            sentence(N_("name the delivered file or folder itself")),
        )


def _moved(staged: Staged, standing: str) -> bool:
    """A tree that was written while it was copied, or since it was found whole."""
    if not staged.shape:
        return False
    changed = any(found.check == "delivery.changed" for found in staged.findings)
    return changed or (bool(standing) and staged.shape != standing)


def _coming(findings: tuple[Finding, ...]) -> Receipt:
    """Nothing is said of it yet."""
    return Receipt("refused", Examination(None, (), (), (), findings), None, (), still_coming=True)


def _record_failure(station: Station, name: str, source: str, failed: Failed, actor: Actor) -> None:
    """A line of what could not be taken, if the disk lets us; the same one is said once."""
    data = {"name": visible(name), "source": source, "error": visible(failed.what.in_("en"))}
    with suppress(OSError, Problem):
        lines = journal.tail(station.journal, REMEMBERED_LINES)
        if not any(line.kind == "failed" and dict(line.data) == data for line in lines):
            with station.acting("fail") as ledger:
                ledger.append([("failed", data)], actor)


def _examine(
    station: Station,
    staged: Staged,
    name: str,
    state: State,
    override: Override | None,
    actor: Actor,
) -> tuple[Examination, tuple[Unpacked, ...]]:
    """What the staged delivery holds, and its unpacked site where the settings want one."""
    from prep_console.cuts.members import Unsafe

    settings = station.settings
    examination = examined(
        staged.content,
        name=name,
        expected=expectations(settings, state, datetime.now(UTC)),
        limits=limits_of(settings),
        scratch=staged.folder,
        known=staged.known,
        already=staged.findings,
    )
    if override is not None:
        waived = (*map(_as_warning, examination.findings), _waiver(override, actor))
        examination = replace(examination, findings=waived)
    if not settings.publication.unpack or examination.verdict is Verdict.STOPPED:
        return examination, ()
    try:
        return examination, staging.unpack(staged, limits_of(settings))
    except Unsafe as unsafe:
        return replace(examination, findings=(*examination.findings, unsafe.finding)), ()


def _waiver(override: Override, actor: Actor) -> Finding:
    reason, name = visible(override.reason), visible(actor.name)
    return finding("delivery.overridden", override.quarantined, name=name, reason=reason)


def _as_warning(found: Finding) -> Finding:
    """A stop that a person set aside."""
    return replace(found, severity=Severity.WARNING) if overridable(found) else found


def _unreadable(station: Station, path: Path, error: OSError) -> Failed:
    """A full disk is ours, whichever file was being copied."""
    place = error.filename or (station.staging if error.errno in _FULL else path)
    return Failed(
        sentence(
            N_("the delivery cannot be read or staged: {error}"),
            error=f"{error.strerror}: {told_alike(station, place)}",
        ),
        sentence(N_("it was left where it is; check the file and the station's disk")),
    )
