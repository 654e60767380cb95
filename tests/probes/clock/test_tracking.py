"""What chronyc and ntpq say, and what is no tracking."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.config.instruments import Clock
from prep_console.probes.clock.tracking import (
    NoTrackingError,
    TrackingProbe,
    chrony_tracking,
    ntpd_tracking,
)
from prep_console.snapshot import Reading
from tests import hostile

CHRONY = (
    "C0A80001,192.168.0.1,3,1795471838.315078631,{offset},-0.000000409,0.000000631,-0.050,"
    "-0.011,0.742,0.000016295,0.001008898,1.1,{leap}\n"
)
NTPD = """associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)",
processor="x86_64", system="Linux/5.10.0", leap={leap}, stratum=3,
precision=-24, rootdelay=12.402, rootdisp=22.117, refid=192.0.2.7,
reftime=e64a0e12.5a1b7f3c  Sun, Jun  5 2022 20:15:46.351,
clock=e64a10d5.0f61a2b1  Sun, Jun  5 2022 20:27:33.060, peer=41245, tc=9,
mintc=3, offset={offset}, frequency=-12.914, sys_jitter=0.412,
clk_jitter=0.218, clk_wander=0.031
"""

NTPSEC = """associd=0 status=c016 leap_alarm, sync_unspec, 1 event, restart,
leap=11, stratum=16, precision=-24, rootdelay=0.0, rootdisp=0.09, refid=INIT,
reftime=00000000.00000000 2036-02-07T06:28:16.000Z, tc=0, peer=0, offset=0.0,
frequency=0.0, sys_jitter=0.0, clk_jitter=6e-05,
clock=eeaf3c75.f50a92a8 2026-11-23T22:28:05.957Z, processor="x86_64",
system="Linux/6.18.44", version="ntpd ntpsec-1.2.2", clk_wander=0.0,
mintc=0
"""
"""As ntpsec 1.2.2 of Debian 12 said, a few seconds after its start."""


def test_ntpsec() -> None:
    told = ntpd_tracking(NTPSEC)
    assert (told.synchronised, told.stratum, told.offset_s) == (False, 16, 0.0)


def test_chrony() -> None:
    told = chrony_tracking(CHRONY.format(offset="0.080003977", leap="Insert second"))
    assert (told.synchronised, told.offset_s, told.stratum) == (True, 0.080003977, 3)
    assert (told.reference, told.leap, told.daemon) == ("192.168.0.1", "insert", "chrony")
    assert chrony_tracking(CHRONY.format(offset="-1", leap="Delete second")).leap == "delete"
    assert not chrony_tracking(CHRONY.format(offset="0", leap="Not synchronised")).synchronised
    clock = "47505300,,1,1.0,0.0,0,0,0,0,0,0,0,1.1,Normal"
    assert chrony_tracking(clock).reference == "GPS"


def test_ntpd_says_milliseconds() -> None:
    told = ntpd_tracking(NTPD.format(leap="00", offset="80.25"))
    assert (told.synchronised, told.stratum, told.reference) == (True, 3, "192.0.2.7")
    assert told.offset_s == pytest.approx(0.08025)
    assert ntpd_tracking(NTPD.format(leap="01", offset="-0.2")).leap == "insert"
    assert not ntpd_tracking(NTPD.format(leap="11", offset="0.0")).synchronised


@pytest.mark.parametrize(
    "said",
    ["", "\n", "506 Cannot talk to daemon", "a,b,c", '"', "\0", "x" * 60_000,
     CHRONY.format(offset="nan", leap="Normal"), CHRONY.format(offset="inf", leap="Normal"),
     CHRONY.format(offset="1e9999", leap="Normal"), CHRONY.format(offset="9" * 400, leap="Normal"),
     CHRONY.format(offset="", leap="Normal"), CHRONY.format(offset="0", leap="\x1b[2J"),
     CHRONY.replace(",3,", ",many,").format(offset="0", leap="Normal"),
     '"' + "," * 200_000],
)  # fmt: skip
def test_what_is_no_tracking_of_chrony(said: str) -> None:
    with pytest.raises(NoTrackingError) as refused:
        chrony_tracking(said)
    assert len(str(refused.value)) < 300
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "said",
    ["", "ntpq: read: Connection refused", "offset=1", NTPD.format(leap="7", offset="0"),
     NTPD.format(leap="00", offset="nan"), NTPD.format(leap="00", offset=""), "=" * 60_000],
)  # fmt: skip
def test_what_is_no_tracking_of_ntpd(said: str) -> None:
    with pytest.raises(NoTrackingError):
        ntpd_tracking(said)


def program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


async def look(probe: TrackingProbe) -> Reading:
    return (await probe.read())["clock.tracking"]


async def test_auto_asks_ntpd_where_chrony_does_not_answer(tmp_path: Path) -> None:
    broken = program(tmp_path / "chronyc", "echo '506 Cannot talk to daemon'; exit 1")
    said = NTPD.format(leap="00", offset="-80.25")
    ntpq = program(tmp_path / "ntpq", f"cat <<'END'\n{said}END")
    read = await look(TrackingProbe(Clock(), chronyc=broken, ntpq=ntpq))
    assert (read.state, read.detail["daemon"]) == ("warning", "ntpd")
    assert read.value == pytest.approx(-0.08025)
    both = await look(TrackingProbe(Clock(), chronyc=broken, ntpq=broken))
    assert both.state == "unknown"
    assert "Cannot talk to daemon" in str(both.error)


async def test_neither_is_installed(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    read = await look(TrackingProbe(Clock(), chronyc=missing, ntpq=missing))
    assert (read.state, read.error) == ("unknown", "neither chronyc nor ntpq is installed")
    one = await look(TrackingProbe(Clock(daemon="chrony"), chronyc=missing))
    assert "not installed" in str(one.error)


@pytest.mark.parametrize(
    "body",
    ["exit 3", "exec sleep 60", "yes", "head -c 2000000 /dev/zero", "echo garbage",
     "printf '7F7F0101,,2,17954'", "kill -9 $$", "head -c 4000 /dev/urandom"],
)  # fmt: skip
async def test_a_bad_program_is_unknown_in_time_and_leaves_nothing(
    tmp_path: Path, body: str
) -> None:
    bad = program(tmp_path / "chronyc", body)
    probe = TrackingProbe(Clock(daemon="chrony"), chronyc=bad)
    assert probe.period_s * 1.1 + probe.deadline_s < 15
    before = hostile.descriptors()
    for _ in range(1 if "sleep" in body else 5):
        read = await look(probe)
        assert (read.state, read.value) == ("unknown", None)
        assert read.error
        assert len(read.error) < 300
    assert hostile.descriptors() <= before


async def test_a_hanging_chronyc_leaves_ntpd_its_turn(tmp_path: Path) -> None:
    hung = program(tmp_path / "chronyc", "exec sleep 60")
    ntpq = program(tmp_path / "ntpq", f"cat <<'END'\n{NTPD.format(leap='00', offset='1.0')}END")
    assert (await look(TrackingProbe(Clock(), chronyc=hung, ntpq=ntpq))).state == "ok"
