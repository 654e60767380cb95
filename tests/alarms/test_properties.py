"""What holds whatever comes: nothing hidden, nothing twice, nothing forgotten by a restart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_console.alarms import records
from prep_console.alarms.condition import Condition
from prep_console.alarms.lifecycle import Event, Look, Memory, advance, remembered
from prep_console.alarms.table import TABLE
from prep_console.snapshot import AlarmSeverity
from prep_console.wording import visible
from tests.alarms.simulated import EVENING, Sim

FAULTS: list[tuple[str, str]] = [
    ("engine.stopped", ""),
    ("apache.down", ""),
    ("site.unseen", ""),
    ("site.altered", ""),
    ("link.down", ""),
    ("cut.late", ""),
    ("host.disk", ""),
    ("election.stopped", "AYUN"),
    ("cut.carried", "AYUN"),
    ("cut.carried", "DIP_LOC"),
    ("instrument.unknown", "site.files"),
    ("instrument.unknown", "clock.offset"),
    ("power.ups", "a\x1b[31m\u202eservidor{x}"),
]
Here = dict[tuple[str, str], AlarmSeverity]
severities: st.SearchStrategy[AlarmSeverity] = st.sampled_from(["warning", "critical"])
worlds: st.SearchStrategy[Here] = st.dictionaries(st.sampled_from(FAULTS), severities)
"""Which faults there are for a while."""
nights: st.SearchStrategy[list[tuple[int, Here]]] = st.lists(
    st.tuples(st.integers(1, 200), worlds), min_size=1, max_size=6
)


class Played:
    """A night of made-up faults, one step every ten seconds."""

    def __init__(self) -> None:
        self.sim = Sim()
        self.since: dict[tuple[str, str], Condition] = {}
        self.events: list[Event] = []

    def run(self, seconds: int, world: Here) -> None:
        self.since = {fault: c for fault, c in self.since.items() if fault in world}
        for (rule, subject), severity in world.items():
            before = self.since.get((rule, subject))
            since = before.since if before else self.sim.now
            values = dict.fromkeys(
                ("minutes", "error", "what", "figure", "free", "n", "name", "cut"), "x"
            )
            self.since[rule, subject] = Condition(rule, severity, since, values, subject)
        for _ in range(0, seconds, 10):
            self.step()

    def step(self) -> None:
        sim = self.sim
        sim.now += timedelta(seconds=10)
        look = Look(tuple(self.since.values()))
        memory, alarms, events = advance(sim.memory, look, sim.state, sim.now)
        self.events += events
        for event in events:
            for kind, data in records.lines_of(event, sim.state.alarms):
                sim.write(kind, data)
        sim.memory, sim.alarms = memory, alarms
        self.check(look)

    def check(self, look: Look) -> None:
        sim = self.sim
        again = advance(sim.memory, look, sim.state, sim.now)
        assert again == (sim.memory, sim.alarms, ()), "the same look twice changes nothing"
        assert set(sim.state.alarms) == set(sim.keys), "the journal says what is listed"
        shown = {key for alarm in sim.alarms for key in (alarm.key, *alarm.consequences)}
        for condition in look.conditions:
            entry = sim.memory.entries[condition.key]
            began = max(condition.since, entry.freed_at or condition.since)
            if (sim.now - began).total_seconds() >= TABLE[condition.id].delay_s:
                assert condition.key in shown, "past its delay, and neither listed nor explained"


def play(night: Sequence[tuple[int, Here]]) -> Played:
    played = Played()
    for seconds, world in night:
        played.run(seconds, world)
    return played


@settings(max_examples=30)
@given(nights)
def test_nothing_is_hidden_and_the_journal_agrees(night: list[tuple[int, Here]]) -> None:
    played = play(night)
    raised: set[str] = set()
    for event in played.events:
        key = event.alarm.key
        if event.kind == "raised":
            assert key not in raised
            raised.add(key)
        elif event.kind == "cleared":
            assert key in raised
            raised.remove(key)
    assert raised == set(played.sim.keys)


@settings(max_examples=30)
@given(nights)
def test_all_is_over_some_time_after_all_is_well(night: list[tuple[int, Here]]) -> None:
    played = play(night)
    played.run(700, {})
    assert played.sim.alarms == ()
    assert played.sim.state.alarms == {}
    assert played.sim.memory.entries == {}


@settings(max_examples=30)
@given(nights, st.integers(0, 6))
def test_a_restart_between_two_steps_changes_nothing(
    night: list[tuple[int, Here]], at: int
) -> None:
    whole, parted = Played(), Played()
    for number, (seconds, world) in enumerate(night):
        whole.run(seconds, world)
        parted.run(seconds, world)
        if number == at:
            raw = msgspec.json.encode(parted.sim.memory)
            parted.sim.memory = remembered(msgspec.json.decode(raw, type=Memory), parted.sim.state)
    assert whole.sim.alarms == parted.sim.alarms
    assert whole.events == parted.events


@settings(max_examples=200)
@given(st.text(max_size=300), st.text(max_size=300))
def test_hostile_words_never_steer_a_text(subject: str, error: str) -> None:
    condition = Condition("instrument.unknown", "warning", EVENING, {"error": error}, subject)
    now = EVENING + timedelta(minutes=5)
    _, (alarm,), (event,) = advance(Memory(), Look((condition,)), Sim().state, now)
    assert alarm.text == visible(alarm.text)
    ((_, data),) = records.lines_of(event, {})
    sim = Sim()
    sim.write("raised", data)
    (record,) = sim.state.alarms.values()
    assert (record.subject, record.values["error"]) == (subject, error)
