"""Retention: old cuts give back their bytes, never their manifests.

What is live, frozen, waiting, or where a rollback would go is never touched, whatever the budget;
nor, until ``retain_until``, the cut that was the final one and was thawed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from prep_console.config import Settings
from prep_console.config.model import Publication
from prep_console.journal.actor import program
from prep_console.journal.records import CutRecord
from prep_console.journal.state import State
from prep_console.publication import rules, store
from prep_console.publication.settle import settle
from prep_console.publication.station import Station


def must_retain(settings: Settings, now: datetime) -> bool:
    """Whether the results have to stay up: the day of ``retain_until`` is not over."""
    until = settings.election.retain_until
    return until is not None and now.astimezone(settings.zone).date() <= until


def within_budget(state: State, settings: Settings) -> bool:
    """Whether number and bytes of the kept cuts are within the settings; no time changes that."""
    return not _too_much(rules.stored(state), settings.publication)


def over_budget(state: State, settings: Settings, now: datetime) -> list[CutRecord]:
    """Cuts to prune, oldest first, until number and bytes are within the settings."""
    publication = settings.publication
    kept = list(rules.stored(state))
    if not _too_much(kept, publication):
        return []
    protected = rules.protected(state)
    if state.final is not None and must_retain(settings, now):
        protected.add(state.final)
    chosen: list[CutRecord] = []
    for cut in list(kept):
        if not _too_much(kept, publication):
            break
        if cut.id not in protected:
            chosen.append(cut)
            kept.remove(cut)
    return chosen


def _too_much(kept: Sequence[CutRecord], publication: Publication) -> bool:
    """``kept``, oldest first, is more than the settings allow: in number, or in bytes."""
    if len(kept) > publication.keep_cuts:
        return True
    return 0 < publication.keep_bytes < _held(kept)


def _held(kept: Sequence[CutRecord]) -> int:
    """Bytes on the disk: the oldest cut whole, because what it shares with cuts that were pruned
    is there for its sake, and of each later one what no earlier cut had."""
    return kept[0].bytes + sum(cut.new_bytes for cut in kept[1:]) if kept else 0


def is_due(station: Station) -> bool:
    """Whether a prune would give something back: cheap when the budget holds."""
    return bool(over_budget(station.state(), station.settings, datetime.now(UTC)))


def prune_if_needed(station: Station) -> list[str]:
    """What every receive ends with."""
    return prune(station) if is_due(station) else []


def prune(station: Station, *, dry_run: bool = False) -> list[str]:
    """Prune to the budget; the ids. The decision is journalled before a byte goes."""
    now = datetime.now(UTC)
    if dry_run:
        return [cut.id for cut in over_budget(station.state(), station.settings, now)]
    station.prepare()
    with station.acting("prune", decides=True) as ledger:
        state = settle(ledger)
        chosen = [cut.id for cut in over_budget(state, station.settings, now)]
        if chosen:
            ledger.append([("pruned", {"cuts": chosen})], program("retention"))
        state = ledger.state
    for cut in state.cuts.values():  # an earlier prune may have been cut short
        if cut.pruned:
            _give_back(station, cut.id)
    return chosen


def _give_back(station: Station, cut: str) -> None:
    site = station.cuts / cut / store.SITE
    if site.is_dir():
        store.discard(site)
