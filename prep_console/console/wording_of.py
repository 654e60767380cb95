"""Refusals, alarms and manifests put in the words of the rooms that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec

from prep_console.alarms.table import TABLE, sentence_of, without_values
from prep_console.cuts.checks import describe, recorded
from prep_console.publication.manifest import Manifest
from prep_console.snapshot import AlarmView, RefusedView
from prep_console.widgets.alarm_page import AlarmTexts
from prep_console.widgets.cut_page import CutFacts, ImagesTold
from prep_console.wording import N_, say

_FIGURES = (
    ("expected", N_("expected")),
    ("registered", N_("registered")),
    ("out_of_catalogue", N_("out of catalogue")),
    ("captured", N_("captured")),
    ("counted", N_("counted")),
    ("not_counted", N_("not counted")),
    ("nominal_list", N_("nominal list")),
    ("votes_with_special", N_("votes, special included")),
    ("votes_without_special", N_("votes, special left out")),
    ("turnout", N_("turnout, %")),
)


def refusal(row: RefusedView) -> str:
    """Why a delivery was refused: each finding that stopped it, in the chosen language."""
    return "; ".join(str(describe(recorded(found))) for found in row.findings) or row.reason


def alarm(view: AlarmView) -> str:
    """What an alarm says; in English as it came when an engine of another version raised it."""
    try:
        return str(sentence_of(view))
    except (KeyError, ValueError, IndexError):  # its rule's sentence asks for other values
        return view.text


def alarm_texts(view: AlarmView) -> AlarmTexts:
    """What the rule of an alarm says of its cause, its consequence and what to do."""
    rule = TABLE.get(view.id)
    if rule is None:
        return AlarmTexts("", "", "")
    return AlarmTexts(*(without_values(one) for one in (rule.cause, rule.consequence, rule.to_do)))


def shelvable(view: AlarmView) -> bool:
    """Whether the rule of an alarm lets it be put aside."""
    rule = TABLE.get(view.id)
    return rule is not None and rule.shelvable


def facts(manifest: Manifest, sha256: str) -> CutFacts:
    """A manifest, whose own bytes have that hash, as the cut's page shows it."""
    return CutFacts(
        figures=tuple(
            (
                f"{part.election} · {part.stamp} · {part.delivery}",
                tuple(
                    (say(label), f"{value:,}")
                    for name, label in _FIGURES
                    if (value := getattr(part.figures, name)) is not None
                ),
            )
            for part in manifest.parts
        ),
        warnings=tuple(f"{describe(found)} {found.where}".rstrip() for found in manifest.findings),
        files=tuple((path, file.size, file.sha256) for path, file in manifest.files.items()),
        images=tuple(_images(manifest)),
        deliveries=tuple((part.election, part.delivery, part.sha256) for part in manifest.parts),
        sha256=sha256,
        new_bytes=manifest.new_bytes,
    )


def _images(manifest: Manifest) -> Iterator[ImagesTold]:
    """What the manifest keeps of the images; nothing of a cut sealed before it kept any."""
    kept = manifest.extra.get("images", ())
    for one in kept if isinstance(kept, list) else ():
        with suppress(msgspec.ValidationError):
            yield msgspec.convert(one, ImagesTold)
