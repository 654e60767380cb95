"""The majority against one liar, as a pure function and over servers side by side."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console.config.instruments import Clock
from prep_console.probes.clock.majority import Claim, majority
from prep_console.probes.clock.offset import OffsetProbe
from prep_console.snapshot import Reading
from tests import hostile
from tests.probes.clock.packets import answering

ANSWER_S = 1.0
SECONDS = st.floats(-1e6, 1e6, allow_nan=False)
BOUNDS = st.floats(0, 1.5, allow_nan=False)
CLAIMS = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.builds(Claim, SECONDS, BOUNDS), max_size=7
)


def test_one_is_believed_and_nobody_gives_nothing() -> None:
    found = majority({"a": Claim(3.0, 0.1)})
    assert found is not None
    assert (found.believed, found.agreeing, found.liars) == ("a", ("a",), ())
    assert majority({}) is None


def test_of_two_that_disagree_neither_is_believed() -> None:
    assert majority({"a": Claim(0.0, 0.01), "b": Claim(2.5, 0.01)}) is None
    assert majority({"a": Claim(0.0, 0.01), "b": Claim(0.01, 0.01)}) is not None


def test_two_against_two_is_no_majority() -> None:
    near, far = Claim(0.0, 0.01), Claim(2.5, 0.01)
    assert majority({"a": near, "b": near, "c": far, "d": far}) is None
    found = majority({"a": near, "b": near, "c": far, "d": far, "e": near})
    assert found is not None
    assert found.liars == ("c", "d")


def test_in_a_chain_the_middle_is_believed_and_nobody_is_called_a_liar() -> None:
    found = majority({"a": Claim(0.0, 0.1), "b": Claim(0.15, 0.1), "c": Claim(0.3, 0.1)})
    assert found is not None
    assert (found.believed, found.liars) == ("b", ())


@given(
    truth=SECONDS,
    honest=st.lists(st.tuples(st.floats(-1, 1), BOUNDS), min_size=1, max_size=6),
    lies=st.lists(st.floats(10, 1e6), max_size=5),
)
def test_honest_servers_in_the_majority_are_believed(
    truth: float, honest: list[tuple[float, float]], lies: list[float]
) -> None:
    """Each honest one errs by less than its bound; the liars are far off, each elsewhere."""
    claims = {
        f"honest{n}": Claim(truth + error * bound, bound + 1e-6)
        for n, (error, bound) in enumerate(honest)
    }
    liars = {f"liar{n}": Claim(truth + 100 * (n + 1) + lie, 0.1) for n, lie in enumerate(lies)}
    if len(liars) >= len(claims):
        return
    found = majority({**liars, **claims})
    assert found is not None
    assert set(found.agreeing) == set(claims)
    assert set(found.liars) == set(liars)
    assert found.believed in claims
    assert abs(claims[found.believed].offset_s - truth) <= claims[found.believed].bound_s + 1e-6


@given(CLAIMS)
def test_whoever_is_believed_meets_more_than_half_of_all(claims: dict[str, Claim]) -> None:
    found = majority(claims)
    if found is None:
        return
    chosen = claims[found.believed]
    meeting = [c for c in claims.values() if c.low_s <= chosen.high_s and chosen.low_s <= c.high_s]
    assert 2 * len(meeting) > len(claims)
    assert set(found.agreeing) | set(found.liars) == set(claims)
    assert not set(found.agreeing) & set(found.liars)


@given(CLAIMS)
def test_the_order_of_the_servers_does_not_matter(claims: dict[str, Claim]) -> None:
    turned = dict(reversed(claims.items()))
    one, other = majority(claims), majority(turned)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert set(one.agreeing) == set(other.agreeing)
        assert claims[one.believed].bound_s == claims[other.believed].bound_s


async def look(*offsets_s: float | None) -> tuple[Reading, list[str]]:
    """Servers side by side with these offsets (None: silent)."""
    with ExitStack() as open_until:
        peers = [
            open_until.enter_context(
                hostile.udp("hang")
                if offset_s is None
                else hostile.udp("answers", answering(offset_s=offset_s))
            )
            for offset_s in offsets_s
        ]
        names = [f"127.0.0.1:{peer.port}" for peer in peers]
        read = await OffsetProbe(Clock(servers=names), answer_s=ANSWER_S).read()
        return read["clock.offset"], names


@pytest.mark.parametrize("lie_s", [0.5, 2.5, 86_400.0, -3600.0, 4e8])
async def test_one_liar_among_three_is_named_and_not_believed(lie_s: float) -> None:
    read, names = await look(0.0, lie_s, 0.002)
    assert read.state == "ok"
    assert isinstance(read.value, float)
    bound_s = read.detail["bound_s"]
    assert isinstance(bound_s, float)
    assert abs(read.value) <= 0.002 + bound_s
    assert (read.detail["agree"], read.detail["liars"]) == (2, names[1])


async def test_three_that_agree_that_we_are_wrong_are_believed() -> None:
    read, _ = await look(2.5, 2.501, 2.499)
    assert read.state == "critical"
    assert (read.detail["agree"], read.detail["liars"]) == (3, "")


@pytest.mark.parametrize("offsets_s", [(0.0, 2.5), (0.0, 2.5, None), (0.0, 2.5, 9.0)])
async def test_without_a_majority_nothing_is_claimed(offsets_s: tuple[float | None, ...]) -> None:
    read, names = await look(*offsets_s)
    assert (read.state, read.value) == ("unknown", None)
    assert "disagree" in str(read.error)
    said = dict(one.rsplit(" ", 2)[:2] for one in str(read.detail["said"]).split("; "))
    assert float(said[names[1]]) == pytest.approx(
        2.5, abs=ANSWER_S / 2
    )  # half the way there and back


async def test_what_several_silent_servers_have_in_common_is_said_once() -> None:
    read, names = await look(None, None)
    assert read.error == "the time server does not answer"
    assert all(name in str(read.detail["failed"]) for name in names)
