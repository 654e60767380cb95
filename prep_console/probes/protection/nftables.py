"""What nftables does with a stranger's connection: rules as ``nft -j list ruleset`` gives them.

Read as a stranger meets them: a new TCP connection to one port, from some public address that is
not the institute's. Only what shuts *every* such one out counts as closed. A rule that is not
understood never shuts a door and may open one, so the answer errs towards *open* or *unsure*.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from prep_console.probes.protection.networks import Allowed, Family, Network, family_of, network

Fate = Literal["open", "closed", "unsure"]
_Way = Literal["open", "closed", "unsure", "through"]
_Expr = Mapping[str, Any]

_DEEPEST = 16
_NEUTRAL = frozenset({"counter", "log", "comment", "mangle", "set", "notrack", "ct helper", "map"})
_SOMETIMES = frozenset({"limit", "meter", "quota", "ct count"})
_OTHER_PROTOCOLS = frozenset({"udp", "udplite", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah"})
_TCP = frozenset({"tcp", 6})


class Who(Enum):
    """Which strangers a condition is true of."""

    ALL = 3
    SOME = 2
    MAYBE = 1
    """Not understood."""
    NONE = 0

    def and_(self, other: Who) -> Who:
        if self is Who.SOME and other is Who.SOME:
            return Who.MAYBE
        return min(self, other, key=lambda who: who.value)

    def not_(self) -> Who:
        return {Who.ALL: Who.NONE, Who.NONE: Who.ALL}.get(self, self)


@dataclass(frozen=True, slots=True)
class Rules:
    """A rule set, by table: (family, table) and chain."""

    base: Sequence[_Expr]
    rules: Mapping[tuple[str, str, str], Sequence[Sequence[_Expr]]]
    sets: Mapping[tuple[str, str, str], _Expr]


@dataclass(frozen=True, slots=True)
class Stranger:
    """A new TCP connection to ``port`` from outside."""

    family: Family
    port: int
    allowed: Allowed = field(default_factory=lambda: Allowed(()))


def rules_of(text: str) -> Rules:
    """ValueError for anything that is not nft's JSON."""
    base: list[_Expr] = []
    rules: dict[tuple[str, str, str], list[Sequence[_Expr]]] = {}
    sets: dict[tuple[str, str, str], _Expr] = {}
    filled: set[str] = set()  # by packets: what these hold changes at every moment
    try:
        for item in json.loads(text)["nftables"]:
            if chain := item.get("chain"):
                if chain.get("type") == "filter" and chain.get("hook") in {"prerouting", "input"}:
                    base.append(chain)
            elif rule := item.get("rule"):
                key = (rule["family"], rule["table"], rule["chain"])
                rules.setdefault(key, []).append(rule["expr"])
                filled |= {expr["set"]["set"][1:] for expr in rule["expr"] if "set" in expr}
            elif (found := item.get("set") or item.get("map")) is not None:
                sets[(found["family"], found["table"], found["name"])] = found
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("nft gave something that is not a rule set") from error
    return Rules(base, rules, {k: v for k, v in sets.items() if k[2] not in filled})


def fate(rules: Rules, stranger: Stranger) -> Fate:
    """What becomes of the stranger: every base chain has a say, one that drops is enough."""
    mine = {"inet", "ip" if stranger.family == "IPv4" else "ip6"}
    fates = [
        _Walk(rules, stranger, chain["family"], chain["table"]).base(chain)
        for chain in rules.base
        if chain.get("family") in mine
    ]
    if "closed" in fates:
        return "closed"
    return "unsure" if "unsure" in fates else "open"


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way through the chains of one table."""

    rules: Rules
    stranger: Stranger
    family: str
    table: str

    def base(self, chain: _Expr) -> Fate:
        way = self._chain(chain["name"], _DEEPEST)
        accepts: Fate = "closed" if chain.get("policy") == "drop" else "open"
        return accepts if way == "through" else way

    def _chain(self, name: str, depth: int) -> _Way:
        """Where the chain leads every stranger; ``unsure`` when perhaps not every one."""
        perhaps = False
        if depth == 0:
            return "unsure"
        for rule in self.rules.rules.get((self.family, self.table, name), ()):
            who = Who.ALL
            for expr in rule:
                kind = next(iter(expr), "")
                way = self._verdict(kind, expr.get(kind), depth)
                if way is None:
                    who = who.and_(self._condition(kind, expr.get(kind)))
                    continue
                if who is Who.NONE:
                    continue
                if way == "through":
                    leaves = kind in {"return", "goto"}
                    if leaves and who is Who.ALL:
                        return "unsure" if perhaps else "through"
                    perhaps = perhaps or leaves
                    continue
                if way == "open" and (who is Who.ALL or (who is Who.SOME and kind == "accept")):
                    return "open"
                if way == "closed" and who is Who.ALL:
                    return "unsure" if perhaps else "closed"
                perhaps = perhaps or way != "closed"
        return "unsure" if perhaps else "through"

    def _verdict(self, kind: str, said: Any, depth: int) -> _Way | None:
        """Where a statement sends those that reach it; None when it is no verdict."""
        match kind:
            case "accept":
                return "open"
            case "drop" | "reject":
                return "closed"
            case "return" | "continue":
                return "through"
            case "jump" | "goto":
                return self._chain(str(said["target"]), depth - 1)
            case "vmap":
                return self._by_map(said, depth)
            case "queue" | "tproxy":
                return "unsure"
        return None

    def _by_map(self, said: _Expr, depth: int) -> _Way:
        """A verdict map: the first entry that is true of every stranger, else no way is sure."""
        data = said.get("data")
        if isinstance(data, str):
            held = self.rules.sets.get((self.family, self.table, data.removeprefix("@")), {})
            entries = held.get("elem", [])
        else:
            entries = data.get("set", []) if isinstance(data, Mapping) else []
        perhaps = False
        for value, verdict in entries:
            who = self._match({"op": "==", "left": said.get("key"), "right": value})
            if who is Who.NONE:
                continue
            kind = next(iter(verdict), "")
            way = self._verdict(kind, verdict.get(kind), depth)
            if who is Who.SOME and kind == "accept":
                return "open"
            if way == "through" and kind in {"jump", "continue"}:
                continue
            if who is Who.ALL and way is not None and way != "through":
                return "unsure" if perhaps and way != "open" else way
            perhaps = perhaps or way != "closed"
        return "unsure" if perhaps else "through"

    def _condition(self, kind: str, said: Any) -> Who:
        if kind == "match":
            return self._match(said)
        if kind in _NEUTRAL:
            return Who.ALL
        return Who.SOME if kind in _SOMETIMES else Who.MAYBE

    def _match(self, said: _Expr) -> Who:
        values = self._values(said.get("right"))
        op, (kind, field_) = said.get("op"), _left(said.get("left"))
        if kind in self._strange():
            return Who.NONE  # of another protocol: true of no stranger, however it is compared
        if values is None or op not in {"==", "!=", "in"}:
            return Who.MAYBE
        who = self._compare(kind, field_, values)
        return who.not_() if op == "!=" else who

    def _strange(self) -> frozenset[str]:
        other = "ip6" if self.stranger.family == "IPv4" else "ip"
        return _OTHER_PROTOCOLS | {other}

    def _compare(self, kind: str, field_: str, values: Sequence[Any]) -> Who:
        """Whether the stranger's ``field_`` is one of ``values``."""
        stranger = self.stranger
        version = "ip" if stranger.family == "IPv4" else "ip6"
        match kind, field_:
            case ("tcp" | "th", "dport"):
                return _any(_holds_port(value, stranger.port) for value in values)
            case ("ip" | "ip6", "saddr"):
                return self._from(values)
            case ("ip", "protocol") | ("ip6", "nexthdr") | ("meta", "l4proto"):
                return _any(value in _TCP for value in values)
            case ("meta", "nfproto" | "protocol"):
                names = {version, f"ipv{stranger.family[-1]}"}
                return _any(value in names for value in values)
            case ("meta", "iif" | "iifname"):
                return Who.NONE if all(value == "lo" for value in values) else Who.MAYBE
            case ("ct", "state"):
                return _any(value == "new" for value in values)
        return Who.MAYBE

    def _from(self, values: Sequence[Any]) -> Who:
        nets: list[Network] = []
        for value in values:
            found = _networks(value)
            if found is None:
                return Who.MAYBE
            nets += found
        mine = [net for net in nets if family_of(net) == self.stranger.family]
        if any(net.prefixlen == 0 for net in mine):
            return Who.ALL
        outside = [net for net in mine if not self.stranger.allowed.holds(net)]
        return Who.SOME if outside else Who.NONE

    def _values(self, right: Any) -> Sequence[Any] | None:
        """What is compared with, as a list; None when it is not known before a packet comes."""
        if isinstance(right, str) and right.startswith("@"):
            held = self.rules.sets.get((self.family, self.table, right[1:]))
            if held is None or {"dynamic", "timeout"} & set(held.get("flags", ())):
                return None
            return list(held.get("elem", []))
        if isinstance(right, Mapping) and "set" in right:
            return list(right["set"])
        return list(right) if isinstance(right, list) else [right]


def _any(found: Any) -> Who:
    return Who.ALL if any(found) else Who.NONE


def _left(left: Any) -> tuple[str, str]:
    """What is compared: ("tcp", "dport"), ("meta", "iifname"); ("", "") for anything else."""
    if isinstance(left, Mapping):
        if isinstance(payload := left.get("payload"), Mapping) and "field" in payload:
            return str(payload.get("protocol")), str(payload["field"])
        for kind in ("meta", "ct"):
            if isinstance(said := left.get(kind), Mapping):
                return kind, str(said.get("key"))
    return "", ""


def _holds_port(value: Any, port: int) -> bool:
    if isinstance(value, Mapping) and "range" in value:
        first, last = value["range"]
        return bool(first <= port <= last)
    return bool(value == port or value == "*")


def _networks(value: Any) -> list[Network] | None:
    """An address, prefix, range or set element as networks; None when it is none of them."""
    try:
        if isinstance(value, Mapping):
            if "elem" in value:  # with a timeout or comment of its own
                return _networks(value["elem"]["val"])
            if "prefix" in value:
                prefix = value["prefix"]
                return [network(f"{prefix['addr']}/{prefix['len']}")]
            first, last = (ipaddress.ip_address(end) for end in value["range"])
            return list(ipaddress.summarize_address_range(first, last))
        return [network(str(value))]
    except (ValueError, KeyError, TypeError):
        return None
