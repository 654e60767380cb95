"""A planned cut becomes a folder: links to staged and sealed bytes, and its manifest."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from prep_console.cuts.checks import finding
from prep_console.cuts.model import DeliveredFile, Finding, Part
from prep_console.cuts.stamps import Stamp
from prep_console.intake import staging
from prep_console.intake.assembly import CutPlan, Piece
from prep_console.intake.examining import reserved_folder
from prep_console.intake.staging import Delivery
from prep_console.intake.succession import since
from prep_console.journal.state import State
from prep_console.problems import Failed
from prep_console.publication import rules, store
from prep_console.publication.manifest import Manifest, SealedFile, SealedPart
from prep_console.publication.station import Station
from prep_console.values import fields_of, replace
from prep_console.wording import N_, sentence


class NoGoodCopy(Failed):
    """A cut cannot be put together: what one of its parts should be made of is not here."""


def build(
    station: Station, state: State, plan: CutPlan, deliveries: Mapping[str, Delivery]
) -> tuple[Path, Manifest]:
    """Put the cut together under staging/. OSError when the disk refuses.

    NoGoodCopy when a file that it carries over from an earlier cut was tampered with.
    """
    folder = staging.new_folder(station, "c")
    try:
        builder = _Builder(station, state, plan, folder / store.SITE)
        for piece in plan.pieces:
            builder.add(piece, deliveries)
        for delivery in plan.deliveries:
            builder.share(deliveries[delivery])
        if not plan.deliveries and plan.before is not None:
            builder.share_earlier(plan.before)
        return folder, builder.manifest(deliveries)
    except (KeyError, StopIteration) as error:
        store.discard(folder)
        raise NoGoodCopy(
            sentence(
                N_("cut {cut} cannot be put together: its parts are not all here"), cut=str(plan.id)
            ),
            sentence(N_("ask the institute to deliver that election again")),
        ) from error
    except BaseException:
        store.discard(folder)
        raise


class _Builder:
    def __init__(self, station: Station, state: State, plan: CutPlan, site: Path) -> None:
        self._station = station
        self._state = state
        self._plan = plan
        self._site = site
        self._files: dict[str, SealedFile] = {}
        self._parts: list[SealedPart] = []
        self._findings: list[Finding] = []
        self._earlier: dict[str, Manifest] = {}
        self._new_bytes = 0
        self._delivered_files: dict[str, dict[str, DeliveredFile]] = {}
        newest = max((cut.mtime_us for cut in state.cuts.values()), default=0)
        self._mtime_us = max(time.time_ns() // 1000, newest + 1)
        self._folders: set[str] = {""}
        site.mkdir(mode=0o755)

    def add(self, piece: Piece, deliveries: Mapping[str, Delivery]) -> None:
        """The files of one election, from the delivery or from the earlier cut."""
        if piece.delivery is not None:
            self._add_delivered(piece, deliveries[piece.delivery])
        else:
            self._add_earlier(piece)

    def share(self, delivery: Delivery) -> None:
        """What a delivery holds beside its parts: the site around the results."""
        for file in delivery.examination.files:
            if file.path not in self._files:
                self._place_staged(delivery, file.path, file.path)
        for inner in delivery.unpacked:
            there = self._files.get(inner.path)
            if there is not None and there.sha256 == inner.sha256:
                continue
            try:
                self._place_new(delivery, inner.source, inner.path, inner.sha256, inner.size)
            except (
                FileExistsError,
                NotADirectoryError,
            ):  # ``x`` here, ``x/y`` there
                self._findings.append(finding("name.collision", inner.path, other=inner.path))
                continue
            if self._is_hidden(inner.path):
                self._findings.append(finding("name.reserved", inner.path))

    def share_earlier(self, cut: str) -> None:
        """What an earlier cut holds beside its parts, where no delivery brings it."""
        sealed = self._manifest_of(cut)
        of_parts = {path for part in sealed.parts for path in part.files}
        for path in sealed.files:
            if path not in of_parts and path not in self._files:
                self._place_earlier(sealed, path, "")

    def _is_hidden(self, path: str) -> bool:
        """Whether the web server does not serve it (what lies loose was told when examined)."""
        hidden = any(part.startswith(".") for part in path.split("/"))
        return hidden or path.startswith(reserved_folder(self._station.settings))

    def _add_delivered(self, piece: Piece, delivery: Delivery) -> None:
        part = next(p for p in delivery.examination.parts if p.election == piece.part.election)
        placed = tuple(self._place_part_file(delivery, p, part.election) for p in part.files)
        self._parts.append(
            SealedPart(
                part.election,
                str(part.stamp),
                part.sha256,
                False,
                placed,
                part.figures,
                delivery.name,
                delivery.received_at,
                _results_in(delivery, part, placed),
                next(
                    (r.columns for r in delivery.examination.elections if r.code == part.election),
                    (),
                ),
            )
        )
        if Stamp.of(piece.part.stamp) != self._plan.id.stamp:
            half = self._station.settings.election.cadence_minutes / 2
            behind = self._plan.id.stamp - Stamp.of(piece.part.stamp)
            if behind.total_seconds() / 60 > half:
                self._findings.append(
                    finding("election.lags", election=part.election, stamp=piece.part.stamp)
                )

    def _place_part_file(self, delivery: Delivery, path: str, election: str) -> str:
        """Two archives of one name for two elections: the later one goes under its election."""
        sha256 = self._delivered(delivery)[path].sha256
        there = self._files.get(path)
        if there is None:
            self._place_staged(delivery, path, path)
            return path
        if there.sha256 == sha256:
            return path
        beside = f"{election}/{path}"
        self._place_staged(delivery, path, beside)
        self._findings.append(finding("name.collision", beside, other=path))
        return beside

    def _delivered(self, delivery: Delivery) -> Mapping[str, DeliveredFile]:
        if delivery.id not in self._delivered_files:
            files = delivery.examination.files
            self._delivered_files[delivery.id] = {file.path: file for file in files}
        return self._delivered_files[delivery.id]

    def _place_staged(self, delivery: Delivery, source: str, path: str) -> None:
        file = self._delivered(delivery)[source]
        within = f"{staging.FILES}/{source}"
        if source in delivery.linked:
            self._link(delivery, within, path)
            self._files[path] = SealedFile(file.sha256, file.size)
        else:
            self._place_new(delivery, within, path, file.sha256, file.size)

    def _place_new(
        self, delivery: Delivery, source: str, path: str, sha256: str, size: int
    ) -> None:
        """A file that no earlier cut has: a new inode, and so a strictly later mtime."""
        self._link(delivery, source, path)
        os.utime(self._site / path, ns=(self._mtime_us * 1000, self._mtime_us * 1000))
        self._new_bytes += size
        self._files[path] = SealedFile(sha256, size)

    def _link(self, delivery: Delivery, source: str, path: str) -> None:
        staged = f"{self._station.staging}/{delivery.id}/{source}"
        os.link(staged, self._target(path), follow_symlinks=False)

    def _target(self, path: str) -> str:
        """Where a file of the cut goes; its folder is made once, not once a file."""
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            (self._site / folder).mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        return f"{self._site}/{path}"

    def _add_earlier(self, piece: Piece) -> None:
        sealed = self._manifest_of(piece.cut or "")
        part = next(p for p in sealed.parts if p.election == piece.part.election)
        placed = tuple(self._place_earlier(sealed, path, part.election) for path in part.files)
        results = part.results
        for was, now in zip(part.files, placed, strict=True):
            if results == was or results.startswith(f"{was}!/"):
                results = now + results[len(was) :]
                break
        self._parts.append(replace(part, carried=piece.part.carried, files=placed, results=results))
        if piece.part.carried:
            self._findings.append(finding("election.missing", election=part.election))
            self._findings.append(
                finding("election.lags", election=part.election, stamp=part.stamp)
            )

    def _place_earlier(self, sealed: Manifest, path: str, election: str) -> str:
        """Where it is now: under its election where another one brought that name."""
        file = sealed.files[path]
        there = self._files.get(path)
        place = path if there is None else f"{election}/{path}"
        if there is not None and there.sha256 == file.sha256:
            return path
        if not store.link_known(self._station, sealed.id, path, file.sha256, self._target(place)):
            raise NoGoodCopy(
                sentence(
                    N_("{path} of cut {cut} is not what was sealed; no good copy is here"),
                    path=path,
                    cut=sealed.id,
                ),
                sentence(N_("ask the institute to deliver that election again")),
            )
        self._files[place] = file
        if place != path:
            self._findings.append(finding("name.collision", place, other=path))
        return place

    def _manifest_of(self, cut: str) -> Manifest:
        if cut not in self._earlier:
            self._earlier[cut], _ = store.load(self._station, cut)
        return self._earlier[cut]

    def manifest(self, deliveries: Mapping[str, Delivery]) -> Manifest:
        plan = self._plan
        used = [deliveries[name] for name in plan.deliveries]
        joined = [] if used else [*self._earlier.values()]
        sources: list[Delivery | Manifest] = [*used, *joined]
        findings = [f for d in used for f in d.examination.findings] + self._findings
        findings += [finding("election.absent", election=e) for e in plan.missing]
        findings += self._since_before()
        findings += [
            finding("stamp.corrected", election=p.part.election, stamp=p.part.stamp)
            for p in plan.pieces
            if (p.delivery is not None or (not used and p.cut != plan.before)) and self._corrects(p)
        ]
        return Manifest(
            id=str(plan.id),
            stamp=str(plan.id.stamp),
            revision=plan.id.revision,
            why=plan.why,
            parts=tuple(self._parts),
            missing=plan.missing,
            files=dict(sorted(self._files.items())),
            findings=tuple(findings),
            received_at=max(one.received_at for one in sources),
            verified_at=max(one.verified_at for one in sources),
            mtime_us=self._mtime_us,
            new_bytes=self._new_bytes,
            extra={
                "deliveries": list(plan.deliveries),
                "new": [p.part.election for p in plan.pieces if p.delivery is not None],
                "images": [fields_of(i) for d in used for i in d.examination.images]
                + [image for sealed in joined for image in sealed.extra.get("images", ())],
            },
        )

    def _corrects(self, piece: Piece) -> bool:
        part = piece.part
        return rules.was_sealed_otherwise(self._state, part.election, part.stamp, part.sha256)

    def _since_before(self) -> list[Finding]:
        """What the cut before says of this one's parts."""
        earlier: dict[str, SealedPart] = {}
        if self._plan.before is not None:
            with suppress(OSError, ValueError):
                before = self._manifest_of(self._plan.before)
                earlier = {p.election: p for p in before.parts}
        opens = self._station.settings.election.opens
        zone = self._station.settings.zone
        opening = None if opens is None else opens.astimezone(zone).replace(tzinfo=None)
        return [
            found
            for part in self._parts
            for found in since(earlier.get(part.election), part, opening)
        ]


def _results_in(delivery: Delivery, part: Part, placed: tuple[str, ...]) -> str:
    """Where the part's results lie in the cut: their delivered file may bear another name there."""
    for results in delivery.examination.elections:
        outer, inside, inner = results.path.partition("!/")
        if results.code == part.election and outer in part.files:
            return f"{placed[part.files.index(outer)]}{inside}{inner}"
    return ""
