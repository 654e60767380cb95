"""What went wrong with an order, in one sentence for the foot of a screen."""

from __future__ import annotations

from prep_console.problems import Problem
from prep_console.wording import N_, say


def told(problem: BaseException) -> str:
    """What happened and what to do; of an error that nobody foresaw its own words."""
    if isinstance(problem, Problem):
        return f"{problem.what}. {sentence_text(str(problem.todo))}"
    return say(N_("It failed: {error}"), error=f"{type(problem).__name__}: {problem}")


def sentence_text(text: str) -> str:
    """A problem's or outcome's phrase as a sentence."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
