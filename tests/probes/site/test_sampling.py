"""Turns of the files of a cut: bytes and number bounded, none forgotten, whatever their sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prep_console.probes.site.sampling import MOST, TURN_LOOKS, Sampling
from prep_console.publication.manifest import SealedFile

BUDGET = 1000


def sized(size: int) -> SealedFile:
    return SealedFile(f"{size:064x}", size)


def paths(sampling: Sampling, wrong: tuple[str, ...] = ()) -> list[str]:
    return [sample.path for sample in sampling.look(wrong)]


def large_cut() -> dict[str, SealedFile]:
    images = {f"actas/{i:04}.jpg": sized(9) for i in range(6190)}
    data = {f"datos/{i:02}.csv": sized(5) for i in range(59)}
    return {"index.html": sized(3), **data, **images}


def test_each_page_and_data_file_has_its_turn_within_three_looks() -> None:
    sampling = Sampling(8, BUDGET)
    cut = large_cut()
    sampling.go_live(cut)
    wanted = {path for path in cut if not path.endswith(".jpg")}
    looks = [paths(sampling) for _ in range(30)]
    for start in range(len(looks) - TURN_LOOKS):
        seen = {path for look in looks[start : start + TURN_LOOKS] for path in look}
        assert wanted <= seen
    for look in looks:
        assert look[0] == "index.html"
        assert len(look) == MOST


def test_what_is_wrong_comes_first_and_each_time() -> None:
    sampling = Sampling(8, BUDGET)
    sampling.go_live(large_cut())
    for _ in range(5):
        look = paths(sampling, ("actas/0077.jpg",))
        assert look[:2] == ["actas/0077.jpg", "index.html"]


def test_a_whole_pass_through_the_images_takes_no_longer_than_their_share() -> None:
    sampling = Sampling(8, BUDGET)
    sampling.go_live(large_cut())
    looks = 0
    while not sampling.passes:
        assert len(paths(sampling)) <= MOST
        looks += 1
    assert looks <= 6250 / (MOST - 21) + 60


def test_what_a_look_had_no_time_for_comes_at_the_next() -> None:
    sampling = Sampling(8, BUDGET)
    sampling.go_live(large_cut())
    seen: set[str] = set()
    for _ in range(40):
        look = sampling.look()
        seen.update(next(look).path for _ in range(5))
    assert {path for path in large_cut() if path.endswith(".csv")} <= seen


def test_a_new_cut_goes_on_where_the_one_before_was() -> None:
    sampling = Sampling(8, BUDGET)
    cut = large_cut()
    seen: set[str] = set()
    for night in range(120):
        sampling.go_live({**cut, "datos/00.csv": sized(night)})
        seen.update(*(paths(sampling) for _ in range(5)))
    assert seen == set(cut)


@given(
    st.lists(st.integers(0, BUDGET), min_size=1, max_size=30),
    st.lists(st.integers(0, BUDGET), max_size=30),
    st.integers(0, BUDGET),
    st.integers(0, 60),
)
def test_no_file_waits_for_ever_and_no_look_is_too_large(
    data: list[int], images: list[int], front: int, least: int
) -> None:
    cut = {
        "index.html": sized(front),
        **{f"{i}.zip": sized(size) for i, size in enumerate(data)},
        **{f"{i}.png": sized(size) for i, size in enumerate(images)},
    }
    sampling = Sampling(least, BUDGET)
    sampling.go_live(cut)
    seen: set[str] = set()
    for _ in range(4 * len(cut)):
        look = paths(sampling)
        assert sum(cut[path].size for path in look) <= BUDGET
        assert len(look) <= max(MOST, least)
        seen.update(look)
    assert seen == set(cut)
    assert sampling.passes > 0


def test_a_file_above_the_budget_is_none_of_them() -> None:
    sampling = Sampling(8, BUDGET)
    sampling.go_live({"index.html": sized(1), "large.zip": sized(BUDGET + 1)})
    assert paths(sampling) == ["index.html"]
    assert len(sampling) == 1


def test_an_empty_cut_has_no_turns() -> None:
    sampling = Sampling(8, BUDGET)
    sampling.go_live({})
    assert paths(sampling, ("gone.html",)) == []
