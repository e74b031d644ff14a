"""Which addresses the product may connect to: those of the public internet, and the networks that the operator named.

It is a list of what is allowed. Lists of what is forbidden have been got round by every new way to write a private address.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What IANA's special-purpose registries keep from the internet, multicast, and the relays of 6to4.
_SPECIAL_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_UNICAST_6 = IPv6Network("2000::/3")
# Teredo, ORCHID and their like, documentation, 6to4, documentation again.
_SPECIAL_6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for on the wire (mapped, or behind NAT64), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether an address belongs to one host of the public internet."""
    address = unwrapped(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    return address.scope_id is None and address in _UNICAST_6 and not any(address in network for network in _SPECIAL_6)


def networks(text: str) -> tuple[Network, ...]:
    """Networks and single addresses, comma separated. Raises ValueError for another text."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def literal(host: str) -> Address | None:
    """The address that a host's name is written as; None for any other name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
