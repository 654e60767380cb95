"""A person lets a delivery out of quarantine, with a reason: what is unsafe stays there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from prep_console.cuts.checks import overridable, reasons
from prep_console.cuts.model import Finding, Severity
from prep_console.cuts.stamps import CutId
from prep_console.intake import staging
from prep_console.intake.receipt import Override, Receipt
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.problems import Refused, WrongUsage
from prep_console.publication import actions, plans
from prep_console.publication.station import Station
from prep_console.values import replace
from prep_console.wording import N_, sentence

_IDENTITY = re.compile(r"\d{8}T\d{6}Z(-\d{1,6})?")


class _Kept(msgspec.Struct, frozen=True):
    """A delivery in quarantine."""

    name: str
    content: Path
    """Its one file, or the folder of its tree."""
    stops: tuple[Finding, ...]


def override(
    station: Station, identity: str, *, actor: Actor, reason: str, take_over: bool = False
) -> Receipt:
    """Take a quarantined delivery once more and publish its cut as this person's decision.

    The stops that may be set aside (``Check.overridable``) become warnings, in the cut's manifest
    and in the journal. Refused when others remain, when its bytes are gone, without a reason,
    or while a cut is frozen.
    """
    if not reason.strip():
        raise Refused(
            sentence(N_("a delivery is let through only with a reason; nothing was done")),
            sentence(N_("say why with --reason TEXT")),
        )
    plans.refuse_if_frozen(station.state())  # asked again under the lock
    kept = _kept(station, identity)
    _refuse_unsafe(identity, kept.stops)
    receipt = receive(
        station,
        kept.content,
        actor=actor,
        source="quarantine",
        clock_known=True,
        override=Override(identity, kept.name, reason),
    )
    if receipt.result == "refused":
        stops = [f for f in receipt.examination.findings if f.severity is Severity.STOP]
        _refuse_unsafe(identity, stops)
    if receipt.result not in {"sealed", "had"} or receipt.cut is None:
        return receipt  # had: a crash came between sealing it and publishing it
    cut = CutId.of(receipt.cut)
    try:
        published = actions.publish(station, cut, actor=actor, reason=reason, take_over=take_over)
    except Refused as refused:  # somebody froze meanwhile, or holds the lock
        raise Refused(
            sentence(
                N_("it is stored as cut {cut} and not public: {why}"),
                cut=receipt.cut,
                why=str(refused.what),
            ),
            refused.todo,
        ) from refused
    return replace(receipt, published=published, waits=None)


def _kept(station: Station, identity: str) -> _Kept:
    folder = station.quarantine / identity
    if not _IDENTITY.fullmatch(identity) or not folder.is_dir():
        raise WrongUsage(
            sentence(N_("there is no delivery {id} in quarantine"), id=identity),
            sentence(N_("journal names each refused delivery with its id")),
        )
    files = folder / staging.FILES
    try:
        reason = json.loads((folder / "reason.json").read_bytes())
        name = str(reason["name"])
        stops = tuple(
            Finding(str(f["check"]), Severity(f["severity"]), str(f["where"]), dict(f["values"]))
            for f in reason["findings"]
        )
        inside = sorted(files.iterdir())
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(
            sentence(N_("the bytes of {id} are no longer in quarantine"), id=identity),
            sentence(N_("ask the institute to deliver it again")),
        ) from error
    alone = len(inside) == 1 and inside[0].name == name and inside[0].is_file()
    return _Kept(name, inside[0] if alone else files, stops)


def _refuse_unsafe(identity: str, stops: tuple[Finding, ...] | list[Finding]) -> None:
    unsafe = [f for f in stops if not overridable(f)]
    if unsafe and all(f.check == "stamp.older" for f in unsafe):
        raise Refused(
            sentence(
                N_("{id} cannot be let through: {reasons}"), id=identity, reasons=reasons(unsafe)
            ),
            sentence(N_("if it must be: accept-from STAMP with a reason, then receive it again")),
        )
    if unsafe:
        raise Refused(
            sentence(
                N_("{id} cannot be let through: {reasons}"), id=identity, reasons=reasons(unsafe)
            ),
            sentence(N_("it stays in quarantine; ask the institute for a good one")),
        )
