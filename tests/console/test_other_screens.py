"""The screens of instruments, graphs and alarms in a headless terminal, by their keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.widgets import Input

from prep_console.console.alarm_screen import AlarmScreen
from prep_console.console.app import ConsoleApp
from prep_console.console.graph_screen import GraphScreen
from prep_console.console.main_screen import MainScreen
from prep_console.console.shelve_screen import ShelveScreen
from prep_console.manual.layout import title
from prep_console.manual.shelf import PAGES
from prep_console.problems import Refused
from prep_console.values import replace
from prep_console.wording import Language, sentence, use
from tests.console.headless import console, focused, see, shown, until
from tests.console.nights import NOW, FakeStation, night
from tests.console.stations import bad_night, equipped
from tests.console.test_graphs import WINDOW, samples

pytestmark = pytest.mark.usefixtures("in_english")


async def test_acknowledging_the_worst_alarm_takes_two_keys() -> None:
    station = FakeStation(bad_night())
    async with console(station) as pilot:
        await see(pilot, "a alarms (3)")
        await pilot.press("a")
        await see(pilot, "▸✖ 02:34 UPS servidor")
        await see(pilot, "what to do")
        await pilot.press("a")
        await see(pilot, "Acknowledged.")
        (order,) = station.minded
        assert (order.kind, order.alarm.key) == ("acknowledge", "power.ups:servidor")
        await see(pilot, "seen by jperez at 02:37:12")
        await pilot.press("a")
        await see(pilot, "It is acknowledged already.")
        assert len(station.minded) == 1
        await pilot.press("escape")
        await see(pilot, "a alarms (2)")
        assert isinstance(pilot.app.screen, MainScreen)


async def test_any_alarm_can_be_chosen_and_stays_chosen_when_others_come() -> None:
    station = FakeStation(bad_night())
    async with console(station, (80, 30)) as pilot:
        await pilot.press("a", "down")
        await see(pilot, "▸✖ 02:31 Apache is not running.")
        newer = replace(
            bad_night().alarms[0], id="engine.stopped", subject="", since=NOW, consequences=()
        )
        station.snapshot = replace(bad_night(), alarms=(newer, *bad_night().alarms))
        await see(pilot, "ALARMS (6)")
        assert "▸✖ 02:31 Apache is not running." in shown(pilot)
        await pilot.press("up", "up", "up", "a")
        await until(pilot, lambda: station.minded)
        assert station.minded[0].alarm.id == "engine.stopped"


async def test_shelving_asks_for_minutes_and_a_reason_and_cancel_is_in_focus() -> None:
    station = FakeStation(bad_night())
    async with console(station) as pilot:
        await pilot.press("a", "down", "down", "s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ShelveScreen))
        await see(pilot, "AYUN was carried over")
        assert focused(pilot) == "cancel"
        await pilot.press("y", "s", "2", "y")
        await see(pilot, "For how long: 20 minutes")
        assert focused(pilot) == "cancel"
        assert station.minded == []
        await pilot.press("4")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press(*"[b]y", "enter")
        await see(pilot, "Reason: [b]y")
        assert focused(pilot) == "cancel"
        await pilot.press("y")
        await see(pilot, "Shelved.")
        (order,) = station.minded
        assert (order.kind, order.minutes, order.reason) == ("shelve", 20, "[b]y")
        await see(pilot, "shelved until 02:57, by jperez: “[b]y”")
        await pilot.press("u")
        await see(pilot, "Back among the alarms.")
        assert station.minded[-1].kind == "unshelve"


@pytest.mark.parametrize(("language", "named"), [("es", "s  sí, aplazarla"), ("en", "y  yes,")])
async def test_the_key_that_the_button_names_shelves(language: Language, named: str) -> None:
    use(language)
    station = FakeStation(bad_night())
    async with console(station) as pilot:
        await pilot.press("a", "down", "down", "s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ShelveScreen))
        await pilot.press("s", "2", "s")  # a key that is held down decides nothing
        await pilot.press("1")
        await see(pilot, " ".join(named.split()))
        assert station.minded == []
        await pilot.press(named[0])
        await until(pilot, lambda: station.minded)


@pytest.mark.parametrize("keys", [("enter",), ("escape",), ("1", "enter"), ("1", "1", "escape")])
async def test_shelving_is_left_without_a_trace(keys: tuple[str, ...]) -> None:
    station = FakeStation(bad_night())
    async with console(station) as pilot:
        await pilot.press("a", "down", "down", "s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ShelveScreen))
        await pilot.press(*keys)
        await until(pilot, lambda: isinstance(pilot.app.screen, AlarmScreen))
        assert station.minded == []


async def test_what_must_not_be_shelved_says_so_before_any_dialog() -> None:
    late = replace(bad_night().alarms[0], id="cut.late", subject="", values={"minutes": 11})
    station = FakeStation(replace(bad_night(), alarms=(late,)))
    async with console(station) as pilot:
        await pilot.press("a", "s")
        await see(pilot, "This alarm cannot be shelved; acknowledge it with a.")
        assert isinstance(pilot.app.screen, AlarmScreen)


async def test_a_refusal_is_told_on_the_screen() -> None:
    refused = Refused(sentence("the alarm is over"), sentence("nothing needs to be done"))
    station = FakeStation(bad_night(), fails=refused)
    async with console(station) as pilot:
        await pilot.press("a", "a")
        await see(pilot, "The alarm is over. Nothing needs to be done.")
        station.fails = ValueError("[bold]boom\x1b[2J")
        await pilot.press("a")
        await see(pilot, "It failed: ValueError: [bold]boom")
        assert "\x1b" not in shown(pilot)


async def test_an_order_that_hangs_does_not_stop_the_screen() -> None:
    station = FakeStation(bad_night())
    station.gate.clear()
    async with console(station) as pilot:
        await pilot.press("a", "a", "down", "down")
        await see(pilot, "▸▲ 02:35 AYUN was carried over")
        station.gate.set()
        await see(pilot, "Acknowledged.")


async def test_read_only_sees_the_alarms_and_touches_none() -> None:
    station = FakeStation(bad_night())
    async with console(station, read_only=True) as pilot:
        await pilot.press("a")
        await see(pilot, "what to do")
        assert "acknowledge" not in shown(pilot)
        await pilot.press("a", "s", "u", "down", "a")
        await see(pilot, "▸✖ 02:31")
        assert station.minded == []


async def test_no_alarm_takes_no_key() -> None:
    station = FakeStation()
    async with console(station) as pilot:
        await pilot.press("a")
        await see(pilot, "no alarms")
        await pilot.press("a", "s", "u", "down", "pagedown")
        assert station.minded == []


async def test_every_reading_in_full_is_one_key_away() -> None:
    async with console(FakeStation(bad_night()), (100, 40)) as pilot:
        await pilot.press("i")
        await see(pilot, "INSTRUMENTS")
        await see(pilot, "status on battery, discharging (OB DISCHRG)")
        await pilot.press("end")
        await see(pilot, "web application firewall missing")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_graphs_by_keys_another_reading_another_time() -> None:
    station = FakeStation(equipped(), kept=samples([0.01, 0.02] * 60, window=WINDOW))
    async with console(station) as pilot:
        await pilot.press("g")
        await see(pilot, "against the time servers")
        await see(pilot, "clock.offset")
        assert station.asked[-1] == ("clock.offset", 1800.0)
        await pilot.press("2")
        await until(pilot, lambda: station.asked[-1] == ("clock.offset", 6 * 3600.0))
        await see(pilot, "+50 ms")
        await pilot.press("3", "right")
        await until(pilot, lambda: station.asked[-1] == ("clock.step", 24 * 3600.0))
        await pilot.press("left", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        await pilot.press("g")
        await see(pilot, "clock.offset")
        assert station.asked[-1] == ("clock.offset", 24 * 3600.0)


async def test_a_graph_without_telemetry_shows_the_last_minutes() -> None:
    station = FakeStation(night())
    async with console(station) as pilot:
        await pilot.press("g")
        await see(pilot, "host.cpu")
        await see(pilot, "100 %")
        await see(pilot, "highest 20 %")


async def test_a_graph_opened_as_an_engine_starts_shows_the_clock_once_it_is_looked_at() -> None:
    """Its first readings come one by one; the first of them need not be a number."""
    whole = equipped()
    early = {name: one for name, one in whole.readings.items() if name.startswith("host.")}
    station = FakeStation(replace(whole, readings=early))
    async with console(station) as pilot:
        await pilot.press("g")
        await see(pilot, f"1/{len(early)} {min(early)}")
        station.snapshot = replace(whole, observed_at=NOW + timedelta(seconds=1))
        await see(pilot, "clock.offset")
        assert station.asked[-1][0] == "clock.offset"
        station.snapshot = replace(whole, readings={}, observed_at=NOW + timedelta(seconds=2))
        await see(pilot, "0/0 clock.offset")  # another engine starts: the graph stays
        station.snapshot = replace(whole, observed_at=NOW + timedelta(seconds=3))
        await see(pilot, f"{len(whole.readings)} clock.offset")
        await pilot.press("right", "escape", "g")
        await see(pilot, "clock.step")


async def test_the_history_is_read_again_only_now_and_then() -> None:
    station = FakeStation(equipped())
    async with console(station) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: len(station.asked) == 1)
        for seconds in (3, 6, 9):
            station.snapshot = replace(equipped(), observed_at=NOW + timedelta(seconds=seconds))
            await see(pilot, f"02:37:{12 + seconds}")
        assert len(station.asked) == 1
        station.snapshot = replace(equipped(), observed_at=NOW + timedelta(seconds=11))
        await until(pilot, lambda: len(station.asked) == 2)


async def test_no_reading_at_all_leaves_a_graph_that_says_so() -> None:
    async with console(FakeStation(replace(night(), readings={}, history={}))) as pilot:
        await pilot.press("g", "right", "left", "2")
        await see(pilot, "no reading")
        assert isinstance(pilot.app.screen, GraphScreen)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (240, 70)])
async def test_every_screen_at_every_size(size: tuple[int, int]) -> None:
    station = FakeStation(bad_night(), kept=samples([0.01, 0.02] * 60, window=WINDOW))
    async with console(station, size) as pilot:
        for keys in (("a",), ("i",), ("g",), ("a", "s"), ("question_mark",)):
            await pilot.press(*keys)
            await pilot.pause(0.05)
            rows = [strip.text for strip in pilot.app.screen._compositor.render_strips()]
            assert len(rows) == size[1]
            assert rows[0].strip()
            for _ in keys:
                await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_the_bell_rings_once_for_a_new_critical_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(ConsoleApp, "bell", lambda self: rung.append(1))
    station = FakeStation(night())
    async with console(station) as pilot:
        await see(pilot, "no alarms")
        assert rung == []
        station.snapshot = bad_night()
        await see(pilot, "ALARMS (5)")
        await pilot.press("a", "a")
        await see(pilot, "Acknowledged.")
        assert rung == [1]


async def test_d_opens_what_changed_against_the_cut_before() -> None:
    async with console(FakeStation(night())) as pilot:
        newest, before = (cut.id for cut in night().cuts[:2])
        await pilot.press("d")
        await see(pilot, "DIFFERENCES")
        await see(pilot, f"{before} → {newest}")
        await see(pilot, "▲ counted: 2,031 → 2,030")
        await see(pilot, "[red]acta[/red]")
        await pilot.press("escape", "down", "down", "d")
        await until(pilot, lambda: "DIFFERENCES" in shown(pilot))
        assert f"→ {newest}" not in shown(pilot)


async def test_the_first_cut_has_nothing_before_it() -> None:
    alone = night()
    station = FakeStation(replace(alone, cuts=alone.cuts[:1], refused=()))
    async with console(station) as pilot:
        await pilot.press("d")
        await see(pilot, "There is no cut before this one.")


async def test_an_alarm_opens_its_page_of_the_manual() -> None:
    station = FakeStation(bad_night())
    async with console(station) as pilot:
        await pilot.press("a")
        await see(pilot, "▸✖ 02:34 UPS servidor")
        await pilot.press("question_mark")
        await see(pilot, "MANUAL 5 · Power: mains, UPS or generator")
        await see(pilot, "Whom to call")
        assert "more lines" not in shown(pilot)
        await pilot.press("escape", "down", "question_mark")
        await see(pilot, "MANUAL 4 · The site fails or shows something else")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, AlarmScreen))


async def test_help_leads_to_every_page_of_the_manual_by_its_number() -> None:
    use("es")
    station = FakeStation(bad_night())
    async with console(station, read_only=True) as pilot:
        await pilot.press("question_mark")
        await see(pilot, "Qué hacer cuando… (pulse el número) 1 No llega corte")
        await pilot.press("3")
        await see(pilot, "MANUAL 3 · Regresar un corte a mano")
        await see(pilot, "1. [b]. Lea de qué corte a qué corte.")
        for page in PAGES:
            await pilot.press(page.key)
            await see(pilot, f"MANUAL {page.key} · {title(page.text('es'))}")
            assert "líneas más" not in shown(pilot), "a page is one screenful"
        await pilot.press("escape")
        await see(pilot, "AYUDA")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_whom_to_call_stands_in_help_on_the_manual_and_with_each_alarm() -> None:
    calls = {"instituto": "Mesa PREP, 442 000 0001", "electricista": "ext. 4040"}
    station = FakeStation(replace(bad_night(), contacts=calls))
    async with console(station, (80, 30)) as pilot:
        await pilot.press("question_mark")
        await see(pilot, "Whom to call")
        await see(pilot, "electricista ext. 4040")
        await pilot.press("5")
        await see(pilot, "MANUAL 5")
        await see(pilot, "instituto Mesa PREP, 442 000 0001")
        await pilot.press("escape", "escape", "a")
        await see(pilot, "what to do")
        await see(pilot, "electricista: ext. 4040")
