"""Addresses that may reach SSH: the institute's, and such as no visitor can come from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Family = Literal["IPv4", "IPv6"]
FAMILIES: tuple[Family, ...] = ("IPv4", "IPv6")

_SAMPLES = {
    "IPv4": ("8.8.8.8", "9.9.9.9", "1.1.1.1", "200.23.1.1"),
    "IPv6": ("2001:4860::1", "2620:fe::1", "2606:4700::1", "2806:1::1"),
}
"""Public addresses; nothing is ever sent to them."""


def network(text: str) -> Network:
    """ValueError when it is neither an address nor a network."""
    return ipaddress.ip_network(text.strip("[]"), strict=False)


def family_of(net: Network) -> Family:
    return "IPv4" if net.version == 4 else "IPv6"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The institute's networks. Private addresses are let in as well: they are not outside."""

    institute: tuple[Network, ...]

    @classmethod
    def of(cls, addresses: Iterable[str]) -> Allowed:
        """ValueError names the one that is no address."""
        return cls(tuple(network(text) for text in addresses))

    def holds(self, net: Network) -> bool:
        """Whether nobody outside is in ``net``."""
        return (net.is_private and net.prefixlen > 0) or any(
            net.version == ours.version
            and int(ours.network_address) <= int(net.network_address)
            and int(net.broadcast_address) <= int(ours.broadcast_address)
            for ours in self.institute
        )

    def outsider(self, family: Family) -> str:
        """A public address that is not the institute's."""
        for sample in _SAMPLES[family]:
            if not self.holds(network(sample)):
                return sample
        raise ValueError(f"institute.addresses hold the whole of {family}")

    def holds_pattern(self, pattern: str) -> bool:
        """The same for an address, a network, or the beginning of one: ``192.0.2.*``.

        Names and other patterns are nobody's in particular: False.
        """
        begin = pattern.removesuffix("*")
        if begin.endswith(".") and begin.count(".") <= 3:
            octets = [*begin.split(".")[:-1], "0", "0", "0"][:4]
            pattern = f"{'.'.join(octets)}/{8 * begin.count('.')}"
        try:
            return self.holds(network(pattern.replace("]/", "/")))
        except ValueError:
            return False
