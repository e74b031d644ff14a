"""Whose address a call came from: the peer's, or the one that a trusted proxy tells of in X-Forwarded-For.

Anybody can write that header. So it counts only where the peer itself is trusted, and is read from its end, where each proxy adds the
address it was called from: the first one that is not trusted is the caller's.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote

HEADER = "x-forwarded-for"
Address = IPv4Address | IPv6Address


class Proxies:
    """The proxies in front of a deployment. `trusted`: addresses and networks, comma separated. Raises ValueError for another text."""

    def __init__(self, trusted: str = "") -> None:
        try:
            self._networks = [ip_network(part.strip()) for part in trusted.split(",") if part.strip()]
        except ValueError as problem:
            raise ValueError(f"GAMEHALL_TRUSTED_PROXIES must be addresses and networks, comma separated: {problem}") from None

    def caller(self, peer: str, forwarded: str) -> str:
        """The caller's address, from the peer's and the header that came with the call."""
        told = reversed(forwarded.split(","))
        address = parsed(peer)
        while address is not None and self._trusts(address):
            peer = str(address)
            address = parsed(next(told, ""))
        return peer if address is None else str(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def parsed(text: str) -> Address | None:
    """An address, also one with a port, or an IPv4 address written as IPv6; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def of_peer(peer: str) -> str:
    """The address in gRPC's name of a peer: ipv4:192.0.2.1:50000, ipv6:[2001:db8::1]:50000 (the brackets may be percent codes)."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")
