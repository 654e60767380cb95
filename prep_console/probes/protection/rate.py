"""``protection.rate``: whether something holds back those who ask too often.

mod_evasive and mod_qos count requests; so does a packet filter that limits new connections to the
web server's ports. mod_reqtimeout and mod_ratelimit are told beside them and do not count: they
hold back slow senders and fast answers, not many requests.
"""

from __future__ import annotations

import json

from prep_console.config import Settings
from prep_console.probes import command
from prep_console.probes.probe import Clock, Probe, utc_now
from prep_console.probes.protection.finding import Finding, ProtectionProbe, Unknown
from prep_console.probes.protection.web_server import web_server

NAME = "protection.rate"

_COUNTING = {"evasive20": "mod_evasive", "evasive24": "mod_evasive", "qos": "mod_qos"}
_BESIDE = {"reqtimeout": "mod_reqtimeout", "ratelimit": "mod_ratelimit"}
_WEB_PORTS = (80, 443)
_PERIOD_S = 600.0
_RULES_BYTES = 4 * 1024**2


def probes(settings: Settings, *, now: Clock = utc_now) -> list[Probe]:
    """One; whether it is wanted is the room's to say."""

    async def look() -> Finding:
        return await _look(settings.protection.apache_config)

    return [ProtectionProbe(NAME, look, period_s=_PERIOD_S, now=now)]


async def _look(config: str) -> Finding:
    unread = []
    found: list[str] = []
    beside: list[str] = []
    try:
        modules = (await web_server(config)).modules
        found += [name for module, name in _COUNTING.items() if module in modules]
        beside += [name for module, name in _BESIDE.items() if module in modules]
    except (command.CommandError, Unknown, OSError, ValueError) as problem:
        unread.append(str(problem))
    if not found:
        try:
            found += ["nftables"] if await _limited_by_nftables() else []
        except (command.CommandError, OSError, ValueError) as problem:
            unread.append(str(problem))
    detail = {"beside": " ".join(beside)}
    if found:
        return Finding("configured", "modules, nft", ", ".join(found), detail)
    if unread:
        raise Unknown("; ".join(unread))
    return Finding("missing", "modules, nft", "nothing counts requests", detail)


async def _limited_by_nftables() -> bool:
    try:
        text = await command.output(
            ["nft", "-j", "list", "ruleset"], deadline_s=2.0, limit_bytes=_RULES_BYTES
        )
    except command.NotInstalled:
        return False
    return limits_web(text)


def limits_web(text: str) -> bool:
    """Whether a rule about the web server's ports holds a limit or a meter."""
    try:
        rules = [item["rule"]["expr"] for item in json.loads(text)["nftables"] if "rule" in item]
    except (TypeError, KeyError) as error:
        raise ValueError("nft gave something that is not a rule set") from error
    return any(_is_web(rule) and _counts(json.dumps(rule)) for rule in rules)


def _is_web(rule: list[dict[str, object]]) -> bool:
    for expr in rule:
        match expr.get("match"):
            case {
                "left": {"payload": {"protocol": "tcp" | "th", "field": "dport"}},
                "right": int(port),
            }:
                return port in _WEB_PORTS
            case {
                "left": {"payload": {"protocol": "tcp" | "th", "field": "dport"}},
                "right": {"set": list(ports)},
            }:
                return any(port in _WEB_PORTS for port in ports)
    return False


def _counts(rule: str) -> bool:
    return any(f'"{statement}": {{' in rule for statement in ("limit", "meter", "ct count"))
