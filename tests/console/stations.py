"""A made-up station with every instrument: all well, on a bad night, and with nothing known."""

from __future__ import annotations

from datetime import datetime, timedelta

from prep_console.probes.protection.ssh import NEEDS_ROOT
from prep_console.snapshot import AlarmView, Detail, Reading, ReadingState, Snapshot
from prep_console.values import replace
from tests.console.nights import NOW, late, night


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _reading(
    now: datetime, value: float | str, unit: str, state: ReadingState, **detail: Detail
) -> Reading:
    return Reading(value, unit, state, now - timedelta(seconds=2), detail=detail)


def all_well(now: datetime = NOW) -> dict[str, Reading]:
    """Every reading that a fully configured station has, and each as it should be."""

    def ok(value: float | str, unit: str, **detail: Detail) -> Reading:
        return Reading(value, unit, "ok", now - timedelta(seconds=2), detail=detail)

    return {
        "clock.offset": ok(
            0.003, "s", bound_s=0.009, server="cronos.cenam.mx", stratum=1, delay_s=0.018,
            asked=3, answered=3, agree=3, liars="", leap="",
        ),
        "clock.tracking": ok(
            0.0002, "s", daemon="chrony", synchronised=True, stratum=2, reference="CENAM", leap=""
        ),
        "clock.step": ok(0.0, "s"),
        "power.servidor": ok(
            100.0, "%", role="ups", feeds="server", status="OL CHRG", on_battery=False,
            low_battery=False, charging=True, runtime_s=2520.0, load_percent=34.0,
            input_voltage_v=127.4, self_test="Done and passed",
            self_test_at="2024-05-30T12:00:00+00:00", model="Smart-UPS 1500", lost=False,
        ),
        "power.enlace": ok(
            98.0, "%", role="ups", feeds="communications", status="OL", on_battery=False,
            runtime_s=4700.0, load_percent=11.0, lost=False,
        ),
        "power.planta": ok(
            "standby", "", role="generator", automatic=True, mode="auto", fuel_percent=87.0,
            battery_v=13.6, coolant_c=38.0, hours=412.3, mains_available=True, alarms="",
        ),
        "power.transferencia": ok(
            "mains", "", role="transfer-switch", preferred="mains", input_1_voltage_v=127.0,
            input_2_voltage_v=0.0,
        ),
        "power.source": ok(
            "mains", "", lasts_s=None, generator="standby", weakest="servidor", mains=True,
            since=_iso(now - timedelta(hours=9)),
        ),
        "host.cpu": ok(12.0, "%", cpus=4, min_cpus=4, load=0.41),
        "host.memory": ok(31.0, "%", total_bytes=16_000_000_000, available_bytes=11_040_000_000),
        "host.disk": ok(
            41e9, "bytes", total_bytes=200_000_000_000, min_free_bytes=21_474_836_480,
            inodes_free_percent=96.4, lasts_s=31 * 3600.0, medium="SSD",
        ),
        "host.network": ok(
            2.2e5, "bytes/s", hourly_bytes=0.8e9, hourly_budget_bytes=3_000_000_000,
            received_bytes_per_s=1200.0,
        ),
        "host.load": ok(0.41, "", load5=0.5, load15=0.4, cpus=4),
        "host.swap": ok(0.0, "%"),
        "host.pressure": ok(0.3, "%", cpu=0.3, io=0.1, memory=0.0),
        "host.apache": ok(
            12.0, "", workers=150, requests_per_s=61.0, processes=4, running=True,
            uptime_s=91000.0, memory_bytes=310_000_000,
        ),
        "host.services": ok(4.0, "", apache="running", ssh="running", ntp="running",
                            nut="running", demanded="apache ssh ntp nut", missing=""),
        "site.visitor": ok(
            0.038, "s", certificate_days=61, tls_version="TLSv1.3", redirects=0, frames_ok=True,
            login=False,
        ),
        "site.certificate": ok(
            61.0, "days", issuer="Let's Encrypt", not_after=_iso(now + timedelta(days=61)),
            chain=True, error="", tls_version="TLSv1.3",
        ),
        "site.time": ok("2024-06-03 02:35", "", agree=True, live="20240603_0235"),
        "site.files": ok(8.0, "files", checked=8, wrong="", missing="", pass_s=640.0, bytes=3.1e6),
        "site.vantage.cdn": ok(0.061, "s", cut="20240603_0235", status=200, same=True),
        "link.institute": ok(
            0.0, "sessions", sessions=0, last_session_at=_iso(now - timedelta(minutes=2)),
            last_byte_at=_iso(now - timedelta(seconds=91)), **{"from": "203.0.113.7"},
        ),
        "link.interface": ok("up", "", name="eth0", speed_mbit=1000),
        "link.dns": ok(0.004, "s", name="prep.example.mx"),
        "link.route": ok("192.0.2.1", "", interface="eth0"),
        "protection.ssh": ok("configured", "", how="sshd -T, nftables", evidence="1 address"),
        "protection.waf": ok("seen", "", how="a harmless attack was asked for", evidence="403"),
        "protection.rate": ok("seen", "", how="mod_evasive", evidence="loaded"),
        "protection.updates": ok("seen", "", how="apt", evidence="0 pending"),
        "protection.address": ok("seen", "", how="DNS", evidence="203.0.113.20"),
    }  # fmt: skip


def equipped(now: datetime = NOW) -> Snapshot:
    """Every instrument is there, and all is well."""
    history = {**night(now).history, "clock.offset": tuple(0.002 + n % 5 / 1000 for n in range(60))}
    return replace(night(now), readings=all_well(now), history=history)


def busy(now: datetime) -> Snapshot:
    """A minute in which a cut comes each five seconds and alarms come and go each seven."""
    second = int(now.timestamp())
    there = NOW + timedelta(seconds=300 * (second // 5 % 200) + second % 5)
    alarms = tuple(bad_alarms(there)) if second // 7 % 2 else ()
    cpu = _reading(there, float(second % 17 + 4), "%", "ok", cpus=4, min_cpus=4, load=0.41)
    base = equipped(there)
    return replace(base, alarms=alarms, readings={**base.readings, "host.cpu": cpu})


def bad_night(now: datetime = NOW) -> Snapshot:
    """The mains are gone, the generator did not start, the disk fills, Apache is out of workers."""

    def bad(value: float | str, unit: str, state: ReadingState, **detail: Detail) -> Reading:
        return _reading(now, value, unit, state, **detail)

    readings = {
        **all_well(now),
        "power.source": bad(
            "battery", "", "critical", lasts_s=660.0, generator="failed", weakest="servidor",
            mains=False, since=_iso(now - timedelta(minutes=6)),
        ),
        "power.servidor": bad(
            41.0, "%", "warning", role="ups", status="OB DISCHRG", on_battery=True,
            runtime_s=660.0, on_battery_since=_iso(now - timedelta(minutes=6)), lost=False,
        ),
        "power.enlace": Reading(
            None, "%", "critical", now, "no answer within 5 s",
            {"role": "ups", "lost": True, "last_status": "OB DISCHRG"},
        ),
        "power.planta": bad(
            "failed", "", "critical", role="generator", automatic=False, mode="manual",
            fuel_percent=12.0, alarms="fail to start", mains_available=False,
        ),
        "clock.offset": bad(
            0.062, "s", "warning", bound_s=0.012, server="cronos.cenam.mx",
            liars="ntp.malo.example", leap="insert",
        ),
        "host.disk": bad(
            1.2e9, "bytes", "critical", total_bytes=200_000_000_000, lasts_s=2700.0,
            inodes_free_percent=3.0,
        ),
        "host.swap": bad(88.0, "%", "warning"),
        "host.apache": bad(150.0, "", "critical", workers=150, requests_per_s=410.0),
        "host.services": bad(3.0, "", "critical", missing="ntp", demanded="apache ssh ntp"),
        "site.certificate": bad(-2.0, "days", "critical", error="the certificate has expired"),
        "site.files": bad(6.0, "files", "critical", checked=8, wrong="index.html js/app.js"),
        "site.vantage.cdn": bad(0.2, "s", "critical", cut="20240603_0230", same=False),
        "link.institute": Reading(
            None, "sessions", "unknown", now, "the connections cannot be read: Permission denied"
        ),
        "protection.ssh": Reading(None, "", "unknown", now, NEEDS_ROOT),
        "protection.waf": bad("missing", "", "warning", how="SecRuleEngine", evidence="Off"),
    }  # fmt: skip
    return replace(night(now), readings=readings, alarms=tuple(bad_alarms(now)))


def bad_alarms(now: datetime = NOW) -> list[AlarmView]:
    """One of each kind: new, acknowledged, shelved, coming and going, explaining others."""
    ago = timedelta(minutes=1)
    return [
        AlarmView("power.ups", "critical", now - 3 * ago, None, "UPS servidor: 11 min left",
                  values={"what": "its battery is nearly empty", "figure": ""}, subject="servidor"),
        AlarmView("apache.down", "critical", now - 6 * ago, None, "Apache is not running.",
                  consequences=("site.unseen", "instrument.unknown:site.files")),
        AlarmView("clock.off", "warning", now - 20 * ago, "jperez", "Our clock is 62 ms off.",
                  values={"what": "it differs from the time servers", "figure": " (62 ms)"},
                  acknowledged_at=now - 15 * ago),
        AlarmView("site.certificate", "warning", now - 40 * ago, None, "It ends soon.",
                  values={"what": "it ends soon", "figure": " (6 d)"},
                  shelved_until=now + 11 * ago, shelved_by="mlopez",
                  shelved_reason="el proveedor lo renueva a las 6"),
        AlarmView("cut.carried", "warning", now - 2 * ago, None, "AYUN was carried over.",
                  values={"subject": "AYUN"}, subject="AYUN", flapping=True),
    ]  # fmt: skip


def nothing_known() -> Snapshot:
    """Every reading is unknown: nobody may be told that anything is well."""
    now = NOW
    return replace(
        night(),
        served=None,
        readings={
            name: Reading(None, one.unit, "unknown", now, "no answer within 5 s")
            for name, one in all_well().items()
        },
    )


def late_equipped(minutes: int = 11) -> Snapshot:
    """No cut for ``minutes`` after it was due, while our own side is known to be well."""
    base = late(minutes)
    now = base.observed_at
    link = _reading(
        now, 0.0, "sessions", "ok", sessions=0, last_session_at=_iso(now - timedelta(minutes=15)),
        last_byte_at=_iso(now - timedelta(minutes=14)),
    )  # fmt: skip
    return replace(base, readings={**all_well(now), "link.institute": link})


EQUIPPED = {
    "equipped": equipped(),
    "bad_night": bad_night(),
    "nothing_known": nothing_known(),
    "late_equipped": late_equipped(),
    "bad_drill": replace(bad_night(), phase="simulacro"),
    "read_only_nothing": replace(nothing_known(), alarms=tuple(bad_alarms())),
}
