"""Where nobody's URL may lead: every block of addresses that is not one host of the public internet, and every way to write one."""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import product
from typing import Any, NamedTuple

Address = IPv4Address | IPv6Address
# IANA's registries of special-purpose addresses, of multicast, and what was one before; no list of the product's.
SPECIAL_4 = [
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "169.254.169.254/32", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/31", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "224.0.0.0/24", "232.0.0.0/8", "233.252.0.0/24",
    "239.0.0.0/8", "240.0.0.0/4", "255.255.255.255/32",
]  # fmt: skip
SPECIAL_6 = [
    "::/128", "::1/128", "::/8", "100::/64", "100:0:0:1::/64", "200::/7", "400::/6", "800::/5", "1000::/4", "64:ff9b:1::/48",
    "2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/3", "5f00::/16",
    "6000::/3", "8000::/3", "a000::/3", "c000::/3", "e000::/4", "f000::/5", "f800::/6", "fc00::/7", "fd00:ec2::254/128", "fe00::/9",
    "fe80::/10", "fec0::/10", "ff00::/8", "ff02::/16", "ff05::/16",
]  # fmt: skip
_BLOCKS = tuple(ip_network(block) for block in (*SPECIAL_4, *SPECIAL_6))
# These two are addresses of IPv4 on the wire: what they stand for is what counts.
MAPPED, NAT64 = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
PUBLIC = ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")
OWN = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "172.16.0.1", "100.64.0.1", "0.0.0.0")
# What stands around an IPv4 address in IPv6: the prefix, and how far from the end it stands there.
AROUND = {
    "mapped": ("::ffff:0:0", 0),
    "compatible": ("::", 0),
    "translated": ("::ffff:0:0:0", 0),
    "NAT64": ("64:ff9b::", 0),
    "local NAT64": ("64:ff9b:1::", 0),
    "6to4": ("2002::", 80),
    "ISATAP": ("fe80::5efe:0:0", 0),
    "site-local": ("fec0::", 0),
}


class Target(NamedTuple):
    """A URL that must lead nowhere. `kind`: what is tried; `answers`: what the name service says of its host, one after the other."""

    kind: str
    url: str
    answers: tuple[tuple[str, ...], ...] = ()
    canonical: str = ""


def is_special(text: str) -> bool:
    """Whether an address, as a socket is given it, is not one host of the public internet."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and (address in MAPPED or address in NAT64):
        address = IPv4Address(int(address) & 0xFFFFFFFF)
    elif isinstance(address, IPv6Address) and address.scope_id is not None:
        return True
    return any(address in block for block in _BLOCKS if block.version == address.version)


def wrapped(address: IPv4Address) -> Iterator[tuple[str, IPv6Address]]:
    """An IPv4 address in each that stands around it."""
    for kind, (prefix, shift) in AROUND.items():
        yield kind, IPv6Address(int(IPv6Address(prefix)) | int(address) << shift)
    yield "Teredo", IPv6Address(int(IPv6Address("2001::")) | (int(address) ^ 0xFFFFFFFF))


def spellings(text: str) -> tuple[str, ...]:
    """The ways to write an IPv4 address as the host of a URL."""
    a, b, c, d = text.split(".")
    number = int(IPv4Address(text))
    return (
        text,
        f"{text}.",
        str(number),
        f"{number:#x}",
        f"{number:#o}".replace("o", ""),
        f"{int(a):#x}.{int(b):#x}.{int(c):#x}.{int(d):#x}",
        ".".join(f"{int(part):04o}" for part in (a, b, c, d)),
        f"{a}.{b}.{(int(c) << 8) + int(d)}",
        f"{a}.{number & 0xFFFFFF}",
        f"0{int(a):o}.{b}.{c}.{d}",
        ".".join(part.zfill(3) for part in (a, b, c, d)),
        f"{int(a) + 256}.{b}.{c}.{d}",
        str(number + 2**32),
        text.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"}),
        text.replace(".", "。"),
        text.replace(".", "．"),
        text.replace(".", "｡"),
        text.replace("1", "①"),
        text.replace("1", "¹"),
        "".join(f"%{ord(letter):02x}" for letter in text),
        text.replace(".", "%2e"),
        f"{text}%00.public.test",
        f"{text}%0a",
        f"{text}%20",
        text.replace(".", ".\u200b"),
        text.replace(".", "\u00ad."),
        text.replace("1", "１"),
    )


def _blocks() -> Iterator[Target]:
    for block in _BLOCKS:
        assert isinstance(block, IPv4Network | IPv6Network)
        for address in dict.fromkeys((block[0], block[block.num_addresses // 2], block[-1])):
            host = f"[{address}]" if block.version == 6 else str(address)
            yield Target(f"IPv{block.version} blocks", f"https://{host}/")


def _wrapped() -> Iterator[Target]:
    for text in dict.fromkeys((*OWN, *(str(IPv4Network(block)[-1]) for block in SPECIAL_4))):
        for kind, address in wrapped(IPv4Address(text)):
            yield Target(kind, f"https://[{address}]/")
            yield Target("names of wrapped addresses", "https://inner.test/", ((str(address),),))
        yield Target("mapped", f"https://[::ffff:{text}]/")
    for text in PUBLIC:
        if ":" not in text:
            yield from (Target(kind, f"https://[{each}]/") for kind, each in wrapped(IPv4Address(text)) if kind not in ("mapped", "NAT64"))


def _written() -> Iterator[Target]:
    for text, scheme in product(OWN, ("https", "http")):
        yield from (Target("spellings", f"{scheme}://{host}/") for host in spellings(text))
        for public in ("8.8.8.8", "public.test"):
            yield Target("userinfo", f"{scheme}://{public}@{text}/")
            yield Target("userinfo", f"{scheme}://{public}:443@{text}/")
            yield Target("userinfo", f"{scheme}://{public}%40@{text}/")
            for sign in ("#@", "?@", "\\@", "/@", ";@", "%23@", "\t@", "\n@", " @"):
                yield Target("parsers that differ", f"{scheme}://{text}{sign}{public}/")
    zones = ("%1", "%251", "%lo", "%25lo", "%eth0", "%25eth0", "%", "%25", "%2525lo", "%25..", "%25@8.8.8.8")
    for address, zone in product(("fe80::1", "::1", "ff02::1", "fd00::1", "2606:4700::1111"), zones):
        yield Target("zone ids", f"https://[{address}{zone}]/")
    for host in (
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ℓocalhost",
        "ｌｏｃａｌｈｏｓｔ",
        "loc\u00adalhost",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "xn--localhost-",
        "ſtore.test",
        "xn--e1afmkfd.test",
        "пример.test",
        "a..test",
        "*",
        "-",
        "_",
        "xn--",
        "\u202elocalhost",
    ):
        yield Target("IDNA", f"https://{host}/", (("127.0.0.1", "::1"),))
    for url in (
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/_",
        "unix:///run/a",
        "//127.0.0.1",
        "https:127.0.0.1",
        "https:/127.0.0.1",
        "https:///127.0.0.1",
        "https://:443",
        "https://[::1",
        "https://::1/",
        "ftp://10.0.0.1/",
        "data:,a",
        "jar:https://10.0.0.1!/",
        "https://127.0.0.1:0/",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1:443:80/",
        "https://[127.0.0.1]/",
        "ws://10.0.0.1",
    ):
        yield Target("other schemes", url)


def _named() -> Iterator[Target]:
    inner = (*OWN, "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1")
    for address in inner:
        yield Target("names", "https://inner.test/", ((address,),))
        yield Target("CNAME chains", "https://inner.test/", ((address,),), "metadata.internal.test")
        for public in ("8.8.8.8", "2606:4700::1111"):
            yield Target("A and AAAA mixed", "https://mixed.test/", ((public, address),))
            yield Target("A and AAAA mixed", "https://mixed.test/", ((address, public),))
            yield Target("A and AAAA mixed", "https://mixed.test/", ((public, public, public, address, public),))
            yield Target("rebinding", "https://rebound.test/", ((public,), (address,)))
            yield Target("rebinding", "https://rebound.test/", ((public,), (public,), (public, address)))
    yield Target("names", "https://nothing.test/", ((),))


def targets() -> list[Target]:
    """All of them, each once."""
    return list(dict.fromkeys((*_blocks(), *_wrapped(), *_written(), *_named())))


def found(addresses: tuple[str, ...], port: int, canonical: str = "") -> list[tuple[Any, ...]]:
    """Addresses as the system tells them of a name."""
    return [
        (
            socket.AF_INET6 if ":" in each else socket.AF_INET,
            socket.SOCK_STREAM,
            6,
            canonical,
            (each, port, 0, 0) if ":" in each else (each, port),
        )
        for each in addresses
    ]
