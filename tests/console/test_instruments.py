"""The instruments as views: the panel at every size, each reading in full, whose side it is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from prep_console.console import wording_of
from prep_console.snapshot import Detail, Reading, Snapshot
from prep_console.values import replace
from prep_console.widgets import main_page, sides, standing, wall
from prep_console.widgets.instruments import clock, details, instruments
from prep_console.widgets.instruments.panel import compact, panel
from prep_console.widgets.lines import plain, text_of
from prep_console.widgets.look import Look
from prep_console.wording import Language, use
from tests.console.drawn import HOSTILE, frame, screen
from tests.console.nights import NOW, night
from tests.console.stations import EQUIPPED, all_well, bad_night, equipped, late_equipped

pytestmark = pytest.mark.usefixtures("in_english")

SIZES = [(40, 12), (60, 20), (80, 24), (100, 30), (120, 40), (160, 45), (240, 70)]
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ODD: tuple[Detail, ...] = (
    None, True, "", HOSTILE, "x" * 5000, 1e308, float("nan"), float("inf"), -1e300, 10**400, 0, -5,
)  # fmt: skip


def with_readings(**readings: Reading) -> Snapshot:
    """All is well but for these (names with ``__`` for the dot)."""
    named = {name.replace("__", "."): one for name, one in readings.items()}
    return replace(equipped(), readings={**all_well(), **named})


def shown(snapshot: Snapshot) -> dict[str, Any]:
    return {one.label: one for one in instruments(snapshot)}


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", EQUIPPED)
def test_every_size_is_filled_exactly(
    state: str, size: tuple[int, int], language: Language
) -> None:
    use(language)
    snapshot = EQUIPPED[state]
    there = frame(snapshot, *size)
    lines = main_page.page(snapshot, snapshot, there).lines(there)
    assert len(lines) == size[1]
    assert [text_of(spans) for spans in lines if cell_len(text_of(spans)) > size[0]] == []
    lines = wall.wall(snapshot, *size, beat=1, stale_s=None, wording=wording_of.alarm)
    assert {cell_len(text_of(spans)) for spans in lines} == {size[0]}
    assert len(lines) == size[1]


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_calm_panel_shows_every_instrument_whole(
    size: tuple[int, int], language: Language
) -> None:
    use(language)
    text = screen(equipped(), *size)
    assert [one for one in text.splitlines() if "…" in one and "✖ 02:21" not in one] == []
    for one in instruments(equipped()):
        assert one.label in text or one.short == ""


def test_the_same_answers_at_both_sizes() -> None:
    """Where power comes from, the clock's side, what lacks: the small screen says it too."""
    for size in ((80, 24), (120, 40)):
        calm = " ".join(screen(equipped(), *size).split())
        for answer in ("power mains", "3 ms slow", "no session", "automatic", "fuel 87 %"):
            assert answer in calm
        bad = " ".join(screen(bad_night(), *size).split())
        for answer in ("battery", "11 min", "our clock is 62 ms slow", "NOT in automatic"):
            assert answer in bad


def test_the_worst_stay_where_room_is_short_and_the_rest_is_counted() -> None:
    snapshot = bad_night()
    total = len(instruments(snapshot))
    for width, height in ((50, 8), (50, 4), (80, 3)):
        draw = panel if width == 50 else compact
        lines = [text_of(spans) for spans in draw(snapshot, width, height)]
        assert len(lines) <= height
        counted = re.search(r"and (\d+) more: press i", " ".join(lines))
        assert counted is not None
        signs = [sign for one in lines for sign in re.findall("[✖▲✓?](?= )", one)]
        assert "✖" in signs
        assert "✓" not in signs
        assert int(counted[1]) < total
    assert "more" not in plain(panel(snapshot, 50, 60))
    assert "press i" not in plain(panel(snapshot, 50, 8, keys=False))


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (0.012, "our clock is 12 ms slow"),
        (-0.012, "our clock is 12 ms fast"),
        (-2.5, "our clock is 2.5 s fast"),
    ],
)
def test_the_clocks_sign_is_said_in_words(offset: float, words: str) -> None:
    """The offset is server minus ours: plus means that ours lags."""
    reading = Reading(offset, "s", "critical", NOW)
    assert clock.sentence(reading) == words
    assert words in screen(with_readings(clock__offset=reading), 120, 40)


def test_a_liar_is_named_and_a_leap_second_too() -> None:
    one = shown(bad_night())["clock"]
    assert one.value == "62 ms slow ± 12 ms"
    assert "cronos.cenam.mx" in one.note
    assert "left out as wrong: ntp.malo.example" in one.note
    assert "leap second" in one.note


def test_the_header_speaks_of_the_clock_only_when_it_is_wrong() -> None:
    assert "our clock" not in screen(equipped(), 120, 40).splitlines()[0]
    assert "▲ our clock is 62 ms slow" in screen(bad_night(), 120, 40).splitlines()[0]
    silent = Reading(None, "s", "unknown", NOW, "no server answers")
    first = screen(with_readings(clock__offset=silent), 80, 24).splitlines()[0]
    assert "▲ clock unknown" in first


def test_a_lost_ups_stays_critical_and_says_what_was_seen_last() -> None:
    one = shown(bad_night())["UPS enlace"]
    assert one.state == "critical"
    assert one.value == "lost; last seen on battery, discharging"
    assert one.note == "no answer within 5 s"


def test_the_source_of_power_in_one_line() -> None:
    assert shown(equipped())["power"].value == "mains"
    one = shown(bad_night())["power"]
    assert (one.value, one.state) == ("battery", "critical")
    assert one.note == "lasts 11 min (servidor) · generator failed · since 02:31"


def test_quiet_instruments_speak_only_when_they_are_wrong() -> None:
    calm, bad = shown(equipped()), shown(bad_night())
    for label in ("swap", "services", "certificate", "files", "cdn"):
        assert label not in calm
        assert label in bad
    assert bad["services"].value == "stopped: ntp"
    assert bad["files"].value == "altered: index.html, js/app.js"
    assert "inodes free: only 3 %" in bad["disk"].note


def test_protection_in_one_line_and_unknown_is_never_well() -> None:
    one = shown(equipped())["protection"]
    assert (one.value, one.state) == ("1 configured · 4 seen working", "ok")
    one = shown(bad_night())["protection"]
    assert one.value == "1 missing · 1 unknown · 3 seen working"
    assert one.state == "warning"
    hidden = Reading(None, "", "unknown", NOW, "needs root")
    assert shown(with_readings(protection__ssh=hidden))["protection"].state == "unknown"
    odd = Reading("verified from outside", "", "ok", NOW)
    one = shown(with_readings(protection__ssh=odd))["protection"]
    assert "1 unknown" in one.value
    assert one.state == "unknown"


def test_with_nothing_known_nothing_is_told_as_well() -> None:
    snapshot = EQUIPPED["nothing_known"]
    assert {one.state for one in instruments(snapshot)} == {"unknown"}
    page = plain(details.page(snapshot, 100))
    assert "✓" not in page
    assert page.count("no answer within 5 s") == len(snapshot.readings)


def test_seldom_looked_at_readings_do_not_age_in_seconds() -> None:
    slow = replace(equipped(), observed_at=NOW + timedelta(seconds=100))
    states = {one.label: one.state for one in instruments(slow)}
    assert states["protection"] == "ok"
    assert states["CPU"] == "unknown"
    hours = replace(equipped(), observed_at=NOW + timedelta(hours=9))
    assert {one.state for one in instruments(hours)} == {"unknown"}


def test_the_page_holds_every_reading_with_its_details_age_and_error() -> None:
    snapshot = bad_night()
    page = " ".join(plain(details.page(snapshot, 100)).split())
    for part in (
        "power source battery critical · read just now",
        "status on battery, discharging (OB DISCHRG)",
        "on battery since",
        "no answer within 5 s",
        "our clock is 62 ms slow",
        "left out as wrong ntp.malo.example",
        "SSH from the institute only unknown",
        "web application firewall missing",
        "limit of requests seen working",
        "budget an hour 3.0 GB",
    ):
        assert part in page
    old = replace(snapshot, observed_at=NOW + timedelta(seconds=47))
    assert "read 45 s ago" in plain(details.page(old, 100))
    dead = replace(snapshot, engine=replace(snapshot.engine, alive=False))
    assert "No engine is running" in plain(details.page(dead, 100))
    assert "Nothing was read yet" in plain(details.page(replace(snapshot, readings={}), 100))


def test_protection_is_never_said_to_be_seen_from_outside() -> None:
    for language in ("es", "en"):
        use("es" if language == "es" else "en")
        page = plain(details.page(equipped(), 100)).lower()
        assert "verified" not in page
        assert "outside" not in page


@pytest.mark.parametrize("odd", ODD, ids=[repr(one)[:20] for one in ODD])
@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40)])
def test_odd_details_break_nothing_and_reach_no_screen_unescaped(
    odd: Detail, size: tuple[int, int]
) -> None:
    """What a broken or hostile probe may put into any detail, and into the value itself."""
    readings = {
        name: replace(one, detail=dict.fromkeys(one.detail, odd) | {"role": one.detail.get("role")})
        for name, one in all_well().items()
    }
    value = odd if isinstance(odd, str | float) else "x"
    wild = {
        name: Reading(value, HOSTILE, "warning", NOW, HOSTILE, {HOSTILE: odd, "role": odd})
        for name in (*readings, "power." + HOSTILE, "site.vantage." + HOSTILE, HOSTILE)
    }
    for snapshot in (replace(equipped(), readings=readings), replace(equipped(), readings=wild)):
        there = frame(snapshot, *size)
        lines = main_page.page(snapshot, snapshot, there).lines(there)
        assert [one for one in lines if cell_len(text_of(one)) > size[0]] == []
        lines += wall.wall(snapshot, *size, beat=1, stale_s=None, wording=wording_of.alarm)
        lines += details.page(snapshot, size[0])
        assert CONTROL.findall("".join(map(text_of, lines))) == []
        assert sides.whose_side(snapshot)


@pytest.mark.parametrize("state", EQUIPPED)
def test_twins_for_terminals_without_signs(state: str) -> None:
    use("es")
    look = Look(signs=False, letters="ascii")
    snapshot = EQUIPPED[state]
    there = frame(snapshot, 120, 40, halves=False)
    lines = main_page.page(snapshot, snapshot, there).lines(there) + details.page(snapshot, 120)
    for spans in lines:
        told = look.shown(text_of(spans))
        assert told.isascii()
        assert len(told) == cell_len(text_of(spans))


def test_a_delay_on_the_institutes_side_says_how_it_is_known() -> None:
    told = " ".join(standing.notices(late_equipped())[0].text.split())
    assert told.startswith("11 min 00 s: no cut since 02:35. On the institute's side.")
    assert "SSH session of the institute: none, the last at 02:36. Last byte at 02:37." in told
    assert "Ours is well: engine, disk, Apache, services, network, route, DNS, clock" in told


def test_what_is_not_known_is_said_and_lays_no_blame() -> None:
    base = late_equipped()
    silent = Reading(None, "", "unknown", base.observed_at, "the look before still hangs")
    readings = {**base.readings, "host.disk": silent, "link.institute": silent}
    told = standing.notices(replace(base, readings=readings))[0].text
    assert "On the institute's side" not in told
    assert "Not known: disk." in told
    assert "SSH session of the institute: not known (the look before still hangs)." in told


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("link.route", "none", "route"),
        ("link.interface", "down", "network"),
        ("host.apache", 150.0, "Apache"),
        ("clock.offset", 90.0, "clock"),
        ("power.source", "none", "power"),
    ],
)
def test_what_is_ill_of_ours_is_looked_at_first(name: str, value: str | float, part: str) -> None:
    base = late_equipped()
    ill = Reading(value, "", "critical", base.observed_at)
    told = standing.notices(replace(base, readings={**base.readings, name: ill}))[0].text
    assert f"Look at our side first: {part}." in told
    assert "On the institute's side" not in told


@pytest.mark.parametrize(
    ("language", "told"), [("es", "interfaz caída"), ("en", "interface is down")]
)
def test_an_interface_that_is_down_is_not_told_like_a_key(language: Language, told: str) -> None:
    use(language)
    gone = Reading("down", "", "critical", NOW, detail={"name": "eth0"})
    snapshot = replace(night(), readings={"link.interface": gone})
    (shown,) = [one for one in instruments(snapshot) if one.note == "eth0"]
    assert f"{shown.label} {shown.value}" == told
    assert told in " ".join(plain(details.page(snapshot, 80)).split())


def test_bytes_that_came_just_now_are_told() -> None:
    base = late_equipped()
    fresh = (base.observed_at - timedelta(seconds=5)).isoformat()
    link = Reading(1.0, "sessions", "ok", base.observed_at, detail={"last_byte_at": fresh})
    told = sides.whose_side(replace(base, readings={**base.readings, "link.institute": link}))
    assert "SSH sessions of the institute: 1." in told
    assert "a delivery may be under way" in told


def test_nothing_configured_is_no_fault_and_nothing_of_it_is_told_as_well() -> None:
    told = sides.whose_side(night())
    assert "DNS" not in told
    assert "clock" not in told


def test_a_daemon_that_differs_is_told_from_one_that_is_not_synchronised() -> None:
    for synchronised, words in ((True, "our clock is 62 ms slow"), (False, "not synchronised")):
        said: dict[str, Detail] = {"synchronised": synchronised}
        tracking = Reading(0.062, "s", "warning", NOW, None, said)
        one = shown(with_readings(clock__tracking=tracking))["time daemon"]
        assert (one.state, words in one.value) == ("warning", True)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_source_says_what_arrives_from_it_and_what_stands_still(width: int) -> None:
    coming: dict[str, Detail] = {
        "kind": "drop",
        "file": "20240603_0235_PREP_AYUN.zip",
        "bytes": 12_000_000,
        "total_bytes": 40_000_000,
        "bytes_per_s": 3.1e6,
        "eta_s": 9.0,
    }
    arriving = Reading("arriving", "", "ok", NOW, detail=coming)
    quiet = {**coming, "quiet_s": 95.0}
    stalled = Reading("stalled", "", "warning", NOW, detail=quiet)
    resting = Reading("waiting", "", "ok", NOW, detail={"kind": "drop"})
    asked = Reading("waiting", "", "ok", NOW, detail={"kind": "sftp", "stamp": "20240603_0235"})
    lost = Reading(None, "", "unknown", NOW, error="unreachable: refused")
    both = with_readings(source__drop=arriving, source__ieeq=asked)
    drop = shown(both)["drop"]
    assert "MB/s" in drop.note
    assert drop.note.endswith("20240603_0235_PREP_AYUN.zip")
    assert "20240603_0235" in shown(both)["ieeq"].note
    assert "no byte for" in shown(with_readings(source__drop=stalled))["drop"].note
    assert "drop" not in shown(with_readings(source__drop=resting))
    gone = shown(with_readings(source__ieeq=lost))["ieeq"]
    assert (gone.state, "unreachable" in gone.note) == ("unknown", True)
    full = {"kind": "sftp", "reason": "our disk: No space left on device"}
    unwritable = Reading("unwritable", "", "warning", NOW, detail=full)
    assert "No space left" in shown(with_readings(source__ieeq=unwritable))["ieeq"].note
    for snapshot in (both, with_readings(source__drop=stalled)):
        assert all(cell_len(text_of(line)) == width for line in panel(snapshot, width, 30))


def test_a_resync_that_runs_stands_among_the_sources() -> None:
    detail: dict[str, Detail] = {"source": "uno", "file": "a.zip", "bytes": 5e6, "eta_s": 9.0}
    one = shown(with_readings(resync=Reading("fetching", "", "ok", NOW, detail=detail)))["resync"]
    assert one.value == "fetching"
    assert "uno" in one.note
    assert one.note.endswith("a.zip")


@pytest.mark.parametrize("value", ODD)
def test_whatever_a_source_says_of_itself_is_harmless(value: Detail) -> None:
    keys = ("kind", "file", "bytes", "total_bytes", "bytes_per_s", "eta_s", "quiet_s", "stamp")
    odd = Reading(HOSTILE, "", "warning", NOW, detail=dict.fromkeys(keys, value))
    for line in panel(with_readings(source__drop=odd), 120, 30):
        assert not CONTROL.search(text_of(line))
