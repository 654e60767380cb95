"""Rule sets loaded into a real nftables in a network of its own, and what becomes of strangers."""

from __future__ import annotations

import json
import subprocess

import pytest

from prep_console.probes.protection.networks import Allowed
from prep_console.probes.protection.nftables import Fate, Stranger, fate, rules_of
from prep_console.probes.protection.rate import limits_web

ALLOWED = Allowed.of(["200.1.2.0/24", "2806:10::/32"])


def listed(rules: str) -> str:
    """``rules`` as a real nft lists them, once the kernel has taken them."""
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", "nft -f - && nft -j list ruleset"],
        input=rules,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def chain(body: str, policy: str = "drop", *, family: str = "inet", more: str = "") -> str:
    head = f"type filter hook input priority 0; policy {policy};"
    lines = body.replace(";", "\n  ")
    return f"table {family} t {{\n{more}\nchain in {{\n  {head}\n  {lines}\n}}\n}}\n"


SETS = """
set institute { type ipv4_addr; flags interval; elements = { 200.1.2.0/25, 200.1.2.200 }; }
set everyone { type ipv4_addr; flags interval; elements = { 200.1.2.0/24, 189.0.0.0/8 }; }
set known { type ipv4_addr; size 9; flags dynamic; }
set lately { type ipv4_addr; flags dynamic,timeout; timeout 1h; }
chain ssh {
  ip saddr @institute accept
  ip6 saddr 2806:10:1::/48 accept
}
chain anyone {
  counter accept
}
"""

CASES: list[tuple[str, str, Fate, Fate]] = [
    ("tcp dport 22 accept", "drop", "open", "open"),
    ("tcp dport { 80, 443 } accept", "drop", "closed", "closed"),
    ("tcp dport 20-30 accept", "drop", "open", "open"),
    ("accept", "drop", "open", "open"),
    ("", "accept", "open", "open"),
    ("", "drop", "closed", "closed"),
    ("tcp dport 22 drop", "accept", "closed", "closed"),
    ("tcp dport 22 reject with tcp reset", "accept", "closed", "closed"),
    ("udp dport 22 accept", "drop", "closed", "closed"),
    ("iif lo accept; ct state established,related accept", "drop", "closed", "closed"),
    ("ct state new tcp dport 22 accept", "drop", "open", "open"),
    ("ct state vmap { invalid : drop, established : accept }", "drop", "closed", "closed"),
    ("ct state vmap { new : accept }", "drop", "open", "open"),
    ("ip saddr @institute tcp dport 22 accept", "drop", "closed", "closed"),
    ("ip saddr @everyone tcp dport 22 accept", "drop", "open", "closed"),
    ("ip saddr 10.0.0.0/8 tcp dport 22 accept", "drop", "closed", "closed"),
    ("ip saddr 0.0.0.0/0 tcp dport 22 accept", "drop", "open", "closed"),
    ("ip saddr 189.1.1.1 tcp dport 22 accept", "drop", "open", "closed"),
    ("ip saddr 200.1.2.4-200.1.2.9 tcp dport 22 accept", "drop", "closed", "closed"),
    ("ip saddr 200.1.2.4-200.1.3.9 tcp dport 22 accept", "drop", "open", "closed"),
    ("tcp dport 22 ip saddr != 200.1.2.9 drop", "accept", "closed", "open"),
    ("tcp dport 22 ip saddr != 200.0.0.0/8 drop", "accept", "open", "open"),
    ("tcp dport 22 ip6 saddr != 2806:10::/32 drop", "accept", "open", "closed"),
    ("tcp dport 22 jump ssh", "drop", "closed", "closed"),
    ("tcp dport 22 jump anyone", "drop", "open", "open"),
    ("tcp dport vmap { 22 : jump ssh, 80 : accept }", "drop", "closed", "closed"),
    ("tcp dport vmap { 22 : goto anyone }", "drop", "open", "open"),
    ("ip saddr vmap { 189.1.1.1 : accept }", "drop", "open", "closed"),
    ("meta nfproto ipv6 drop; tcp dport 22 accept", "drop", "open", "closed"),
    ("meta l4proto tcp tcp dport 22 accept", "drop", "open", "open"),
    ("meta l4proto icmp accept; ip protocol igmp accept", "drop", "closed", "closed"),
    ("tcp dport 22 limit rate 3/minute accept", "drop", "open", "open"),
    ("tcp dport 22 limit rate over 3/minute drop; tcp dport 22 accept", "drop", "open", "open"),
    ("tcp dport 22 limit rate over 3/minute drop", "accept", "open", "open"),
    ('iifname "eth1" tcp dport 22 accept', "drop", "unsure", "unsure"),
    ('iifname != "lo" tcp dport 22 drop', "accept", "closed", "closed"),
    ("ip saddr @lately tcp dport 22 accept", "drop", "unsure", "closed"),
    ("ip saddr . tcp dport { 189.1.1.1 . 22 } accept", "drop", "unsure", "unsure"),
    ("tcp dport 22 return; drop", "accept", "open", "open"),
    ("ip saddr 189.0.0.0/8 return; drop", "accept", "unsure", "closed"),
    ("tcp dport 443 add @known { ip saddr }; ip saddr @known accept", "drop", "unsure", "closed"),
    ("udp dport != 53 drop", "accept", "open", "open"),
    ("tcp dport vmap { 22 : return }; drop", "accept", "unsure", "unsure"),
    ('tcp dport 22 log prefix "ssh" counter', "drop", "closed", "closed"),
]


@pytest.mark.parametrize(("body", "policy", "by_4", "by_6"), CASES)
def test_what_becomes_of_a_stranger(body: str, policy: str, by_4: Fate, by_6: Fate) -> None:
    rules = rules_of(listed(chain(body, policy, more=SETS)))
    assert fate(rules, Stranger("IPv4", 22, ALLOWED)) == by_4
    assert fate(rules, Stranger("IPv6", 22, ALLOWED)) == by_6


def test_every_base_chain_has_a_say() -> None:
    opens = chain("tcp dport 22 accept").replace("table inet t", "table inet a")
    shuts = chain("tcp dport 22 drop", "accept").replace("table inet t", "table inet b")
    rules = rules_of(listed(opens + shuts))
    assert fate(rules, Stranger("IPv4", 22, ALLOWED)) == "closed"
    only_4 = rules_of(listed(chain("", "drop", family="ip")))
    assert fate(only_4, Stranger("IPv4", 22, ALLOWED)) == "closed"
    assert fate(only_4, Stranger("IPv6", 22, ALLOWED)) == "open"


def test_without_rules_everybody_comes_in() -> None:
    assert fate(rules_of(listed("")), Stranger("IPv4", 22, ALLOWED)) == "open"


def test_chains_that_go_round_end() -> None:
    jump = {"rule": {"family": "ip", "table": "t", "chain": "in", "expr": [{"jump": None}]}}
    jump["rule"]["expr"] = [{"jump": {"target": "in"}}]
    base = {
        "chain": {
            "family": "ip",
            "table": "t",
            "name": "in",
            "type": "filter",
            "hook": "input",
            "policy": "drop",
        }
    }
    rules = rules_of(json.dumps({"nftables": [base, jump]}))
    assert fate(rules, Stranger("IPv4", 22, ALLOWED)) == "unsure"


@pytest.mark.parametrize("said", ["", "{}", "[]", '{"nftables": [1]}', '{"nftables": 7}', "\0"])
def test_what_is_no_rule_set_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"rule set|Expecting|Invalid"):
        rules_of(said)


@pytest.mark.parametrize(
    ("body", "limited"),
    [
        ("tcp dport { 80, 443 } meter http { ip saddr limit rate over 20/second } drop", True),
        ("tcp dport 443 ct state new limit rate 500/second accept", True),
        ("tcp dport 443 accept", False),
        ("tcp dport 22 limit rate 3/minute accept", False),
    ],
)
def test_a_limit_on_the_web_ports_is_recognised(body: str, limited: bool) -> None:
    assert limits_web(listed(chain(body))) is limited
