"""The dialog that puts an alarm aside: which, for how long, why."""

from __future__ import annotations

from dataclasses import dataclass

from prep_console.snapshot import AlarmView
from prep_console.widgets.alarm_list import sign_of
from prep_console.widgets.lines import Line, Span, fit, line, wrap
from prep_console.wording import N_, say, visible

MINUTES = (10, 20, 30)
"""What can be chosen; nothing is put aside for longer than half an hour."""
_REASONS = (
    N_("it is being repaired"),
    N_("planned work"),
    N_("the instrument is wrong, not what it watches"),
)


@dataclass(frozen=True, slots=True)
class Shelving:
    """How far the dialog is."""

    minutes: int | None = None
    reason: str = ""
    typing: bool = False

    @property
    def complete(self) -> bool:
        """Whether it can be done."""
        return self.minutes is not None and bool(self.reason)


def reasons() -> list[str]:
    """The reasons to choose from, in the reader's language."""
    return [say(reason) for reason in _REASONS]


def page(alarm: AlarmView, says: str, shelving: Shelving, width: int) -> list[Line]:
    """The dialog's text."""
    told = f"{sign_of(alarm)} {visible(says)}"
    lines = [line(" ", Span(part, alarm.severity)) for part in wrap(told, width - 2, "  ")]
    effect = say(
        N_("It stays in the list, quiet, and comes back by itself. Everybody sees who shelved it.")
    )
    lines += [(), *(line(" ", part) for part in wrap(effect, width - 2)), ()]
    if shelving.minutes is None:
        lines.append(line(" ", say(N_("For how long? Press a number:"))))
        lines += [
            line("   ", Span(str(y), "key"), "  ", say(N_("{n} minutes"), n=minutes))
            for y, minutes in enumerate(MINUTES, start=1)
        ]
    else:
        lines.append(
            line(
                Span(" " + say(N_("For how long:")) + " ", "dim"),
                say(N_("{n} minutes"), n=shelving.minutes),
            )
        )
        lines += _why(shelving)
    return [fit(one, width) for one in lines]


def _why(shelving: Shelving) -> list[Line]:
    if shelving.reason:
        return [line(Span(" " + say(N_("Reason:")) + " ", "dim"), visible(shelving.reason))]
    asked = [*reasons(), say(N_("another reason, typed"))]
    return [
        line(" ", say(N_("Why? Press a number:"))),
        *(line("   ", Span(str(y), "key"), f"  {one}") for y, one in enumerate(asked, start=1)),
    ]
