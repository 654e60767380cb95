"""docs/alarms.md, written from the table of alarms: part of ``make texts``."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

from prep_console.alarms.table import TABLE, Cause, Rule
from prep_console.wording import say_in
from tests.wording.catalogue import CHECKOUT

PAGE = CHECKOUT / "docs" / "alarms.md"

_HEAD = """# Alarms

Written from `prep_console/alarms/table.py` (`make texts`); what the console says in Spanish is in
italics. An alarm's *key* is its id, with its subject after a colon where a rule can hold for
several (`power.ups:servidor`).

- **Announced within**: so long a fault holds before it is raised; longer than that it is never
  kept back, unless another listed alarm explains it. A fault that only an instrument can tell
  begins when that instrument reads it. The same time must pass before it is called critical.
- **Over after**: so long it must be gone. One that is raised three times in ten minutes is marked
  as coming and going, and stays until ten minutes were quiet; one that is raised twelve times in a
  day, until an hour was. What cannot be read is not over.
- **Stands under**: while one of these is listed, it is listed there as a consequence and not by
  itself. When that one goes and the fault stays, it is raised after its own delay.
- **Can be put aside**: with a reason, for 30 minutes at most; it stays listed, comes back by
  itself, and at once when it gets worse. `no` where hiding it would do harm.

Acknowledging (`prep-console acknowledge KEY`) says who has seen it. It ends with the alarm, when
the alarm gets worse, and when the same thing happens anew. Everything is a line of the journal:
`raised`, `escalated`, `eased`, `cleared`, `acknowledged`, `shelved`, `unshelved`.
"""


def page() -> str:
    """The page as the table says."""
    return _HEAD + "".join(f"\n{section}" for section in map(_section, TABLE.values()))


def _section(rule: Rule) -> str:
    return "\n".join((f"## {rule.id}", "", *_lines(rule), ""))


def _lines(rule: Rule) -> Iterator[str]:
    yield f"{_shown(rule.text)}  "
    yield f"*{_spanish(rule.text)}*"
    yield ""
    for name, text in (
        ("Why", rule.cause),
        ("It means", rule.consequence),
        ("To do", rule.to_do),
    ):
        yield f"- {name}: {text} *{_spanish(text)}*"
    yield f"- Announced within: {_seconds(rule.delay_s)}. Over after: {_seconds(rule.clear_s)}."
    shelved = "yes" if rule.shelvable else "no"
    under = "; ".join(map(_cause, rule.explained_by)) or "none"
    yield f"- Can be put aside: {shelved}. Stands under: {under}."


def _cause(cause: Cause) -> str:
    subjects = ", ".join(f"`{start}…`" for start in cause.of if start)
    return f"`{cause.id}`" + (f" (for {subjects})" if subjects else "")


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds else "at once"


def _names(text: str) -> dict[str, str]:
    return {name: f"‹{name}›" for _, name, _, _ in Formatter().parse(text) if name}


def _shown(text: str) -> str:
    return text.format(**_names(text))


def _spanish(text: str) -> str:
    return say_in("es", text, **_names(text))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
