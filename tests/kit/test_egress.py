"""The one way out: which addresses it reaches, and what it takes for an answer. Everything here goes over real sockets."""

import asyncio
import contextlib
import ipaddress
import itertools
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from functools import cache

import pytest
from gamehall_server.kit.addresses import is_public, networks
from gamehall_server.kit.egress import Egress, Refused, Unanswered, library
from hypothesis import example, given
from hypothesis import strategies as st

from prove.targets import spellings, wrapped

LOOPBACK = "127.0.0.0/8,::1"
OWN = ipaddress.IPv4Address("127.0.0.1")
V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address) | st.integers(2**125, 2**126 - 1).map(ipaddress.IPv6Address)
PRIVATE = st.sampled_from(
    ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "0.0.0.0/8", "224.0.0.0/3")
).flatmap(lambda text: st.integers(0, ipaddress.ip_network(text).num_addresses - 1).map(ipaddress.ip_network(text).__getitem__))


def v6(prefix, v4, shift=0):
    return ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(v4) << shift)


@given(V4 | V6)
@example(ipaddress.ip_address("8.8.8.8"))
@example(ipaddress.ip_address("2606:4700::1111"))
def test_what_is_public_is_what_python_calls_global_and_one_host(address):
    if is_public(address):
        real = getattr(address, "ipv4_mapped", None) or address
        assert real.is_global or real in ipaddress.ip_network("64:ff9b::/96")
        assert not real.is_multicast
        assert not real.is_loopback


@given(V4)
def test_nearly_all_that_python_calls_global_is_public(address):
    special = ipaddress.ip_address("192.88.99.0"), ipaddress.ip_address("192.88.99.255")
    if address.is_global and not address.is_multicast and not special[0] <= address <= special[1]:
        # Python counts two hosts of 192.0.0.0/24 as global; neither serves anything.
        assert is_public(address) or address in ipaddress.ip_network("192.0.0.0/24")


@given(PRIVATE)
def test_a_private_address_is_private_however_it_is_wrapped(address):
    wrapped = [
        address,
        v6("::ffff:0:0", address),
        v6("64:ff9b::", address),
        v6("64:ff9b:1::", address),
        v6("2002::", address, 80),
        v6("2001::", int(address) ^ 0xFFFFFFFF),
        v6("::", address),
        v6("::ffff:0:0:0", address),
        v6("fe80::5efe:0:0", address),
    ]

    assert [each for each in wrapped if is_public(each)] == []


@given(V4.filter(is_public))
def test_a_public_address_is_public_behind_a_translator(address):
    assert is_public(v6("::ffff:0:0", address))
    assert is_public(v6("64:ff9b::", address))


@pytest.mark.parametrize(
    "text",
    ["::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "2002:808:808::1", "3fff::1", "2606:4700::1%eth0", "100::1"],
)
def test_these_are_no_hosts_of_the_internet(text):
    assert not is_public(ipaddress.ip_address(text))


def test_networks_are_read_or_refused():
    assert [str(each) for each in networks(" 10.0.0.0/8, ::1 ")] == ["10.0.0.0/8", "::1/128"]
    for wrong in ("10.0.0.1/8", "localhost", "10.0.0.0/8;::1"):
        with pytest.raises(ValueError, match="GAMEHALL_EGRESS_ALLOW must be"):
            Egress(wrong)
    for wrong in ("", "https", "0", "65536", "443,,80"):
        with pytest.raises(ValueError, match="GAMEHALL_EGRESS_PORTS must be"):
            Egress(ports=wrong)


def test_networks_that_are_not_public_are_told_of_at_start(caplog):
    Egress(LOOPBACK)
    assert "127.0.0.0/8" in caplog.text
    caplog.clear()
    Egress()
    assert caplog.text == ""


@contextlib.asynccontextmanager
async def listening(serve, context=None) -> AsyncIterator[int]:
    """A server on the loopback address; gives its port. It ends when every caller has gone."""
    under_way = set()

    async def served(reader, writer):
        under_way.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*under_way)


class Listener:
    """A server that keeps what it hears and says what it is told to say; nothing: it waits until the caller goes."""

    def __init__(self, say=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
        self.say = say
        self.heard = []
        self._open = contextlib.AsyncExitStack()

    async def _serve(self, reader, writer):
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        for part in self.say if isinstance(self.say, list) else [self.say]:
            writer.write(part)
            await writer.drain()
        if not self.say:
            await reader.read()

    async def __aenter__(self):
        self.port = await self._open.enter_async_context(listening(self._serve))
        return self

    async def __aexit__(self, *_):
        await self._open.aclose()


@contextlib.asynccontextmanager
async def way_out(*arguments, **named) -> AsyncIterator[Egress]:
    egress = Egress(*arguments, **named)
    try:
        yield egress
    finally:
        await egress.close()


def names(**answers):
    """A name service: each name has a list of answers, the last of which stays."""
    left = {name: itertools.chain(lists, itertools.repeat(lists[-1])) for name, lists in answers.items()}

    async def look_up(host, port):
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in next(left[host])]

    return look_up


def test_what_the_first_request_needs_is_loaded_where_nobody_waits_for_it(monkeypatch):
    loading = []

    def load(name):
        loading.append((name, threading.current_thread() is threading.main_thread()))

    monkeypatch.setattr("gamehall_server.kit.egress.library", cache(library.__wrapped__))
    monkeypatch.setattr("gamehall_server.kit.egress.import_module", load)

    async def save_and_ask():
        async with Listener() as there, way_out(LOOPBACK) as egress:
            egress.checked(f"http://127.0.0.1:{there.port}/")
            await egress.fetch("GET", f"http://127.0.0.1:{there.port}/")

    asyncio.run(save_and_ask())

    assert loading == [("aiohttp", False)]


def test_an_answer_is_handed_on_whole():
    async def ask():
        async with Listener() as there, way_out(LOOPBACK) as egress:
            answer = await egress.fetch("POST", f"http://127.0.0.1:{there.port}/a?b=c", query={"d": "e f"}, form={"x": "ä&"})
            return answer, there.heard[0].decode()

    answer, heard = asyncio.run(ask())

    assert (answer.status, answer.body) == (200, b"ok")
    assert heard.startswith("POST /a?b=c&d=e+f HTTP/1.1\r\n")
    assert "accept-encoding: identity" in heard.lower()
    assert "content-type: application/x-www-form-urlencoded" in heard.lower()


WAYS_TO_SAY_LOOPBACK = (*spellings("127.0.0.1"), "0", "localhost", "LOCALHOST.", "[::1]", *(f"[{each}]" for _, each in wrapped(OWN)))


@pytest.mark.parametrize("host", WAYS_TO_SAY_LOOPBACK)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_own_machine_is_never_reached(scheme, host):
    async def ask():
        async with Listener() as there, way_out(ports=f"443,{there.port}") as egress:
            with pytest.raises((Refused, Unanswered)):
                await egress.fetch("GET", f"{scheme}://{host}:{there.port}/")
            return there.heard

    assert asyncio.run(ask()) == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["::ffff:127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["2606:4700::1111", "::1"]])
def test_every_answer_of_a_name_must_be_public(addresses):
    async def ask():
        async with way_out(look_up=names(**{"rebound.test": [addresses]})) as egress:
            await egress.fetch("GET", "https://rebound.test/")

    with pytest.raises(Refused, match="not public"):
        asyncio.run(ask())


def test_a_name_that_turns_private_is_refused_when_it_does():
    """DNS rebinding: the first look-up, when the URL is saved, is no promise for the next. Each connection looks up once and connects to
    the very addresses that were judged."""

    async def ask():
        async with Listener() as there:
            asked = []
            inner = names(**{"rebound.test": [["127.0.0.2"], ["127.0.0.1"]]})

            async def look_up(host, port):
                asked.append(host)
                return await inner(host, port)

            # Of these two, one is allowed here: so what differs is the answer alone.
            async with way_out("127.0.0.2", look_up=look_up) as egress:
                url = f"http://rebound.test:{there.port}/"
                with pytest.raises(Unanswered):
                    await egress.fetch("GET", url)
                with pytest.raises(Refused):
                    await egress.fetch("GET", url)
            return there.heard, len(asked)

    assert asyncio.run(ask()) == ([], 2)


def test_the_last_wall_stands_where_the_first_was_passed(monkeypatch):
    """Even where something hands an address past the look-up, the socket to it is never made."""

    async def ask():
        async with Listener() as there, way_out(ports=f"{there.port}") as egress:
            monkeypatch.setattr(egress, "checked", __import__("yarl").URL)
            for scheme in ("http", "https"):
                with pytest.raises(Refused, match="not public"):
                    await egress.fetch("GET", f"{scheme}://127.0.0.1:{there.port}/")
            return there.heard

    assert asyncio.run(ask()) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://example.com:80/",
        "https://example.com:22/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user@example.com/",
        "https://a:b@example.com/",
        "https:///path",
        "//example.com",
        "example.com",
        "",
        "https://[::1",
        "https://8.8.8.8:8080/",
        "http://8.8.8.8/",
        "https://example.com/" + "x" * 5000,
    ],
)
def test_a_url_of_another_kind_is_refused_before_anything_is_looked_up(url):
    async def ask():
        async with way_out(look_up=names()) as egress:
            await egress.fetch("GET", url)

    with pytest.raises(Refused, match=r"^The URL "):
        asyncio.run(ask())


def test_the_internet_is_spoken_to_in_https_even_where_a_network_is_allowed():
    async def ask(url):
        async with way_out(LOOPBACK, look_up=names(**{"public.test": [["8.8.8.8"]]})) as egress:
            await egress.fetch("GET", url)

    for url in ("http://public.test/", "http://public.test:443/", "https://public.test:8080/"):
        with pytest.raises(Refused, match="https"):
            asyncio.run(ask(url))


def test_nobody_follows_a_redirect_or_keeps_a_cookie():
    async def ask():
        async with Listener() as inner, Listener() as there, way_out(LOOPBACK) as egress:
            there.say = (
                f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner.port}/\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n".encode()
            )
            answers = [await egress.fetch("GET", f"http://127.0.0.1:{there.port}/") for _ in range(2)]
            return [answer.status for answer in answers], inner.heard, there.heard

    statuses, followed, heard = asyncio.run(ask())

    assert (statuses, followed, len(heard)) == ([302, 302], [], 2)
    assert b"cookie" not in heard[1].lower()


def test_no_proxy_of_the_environment_gets_in_between(monkeypatch):
    async def ask():
        async with Listener() as proxy, Listener() as there, way_out(LOOPBACK) as egress:
            for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            await egress.fetch("GET", f"http://127.0.0.1:{there.port}/")
            return len(proxy.heard), len(there.heard)

    assert asyncio.run(ask()) == (0, 1)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "say, told",
    [
        ([OK, b"Content-Length: 70000\r\n\r\n", b"x" * 70000], "no answer that can be read"),
        ([OK, b"\r\n", *[b"x" * 10000] * 8], "no answer that can be read"),
        ([OK, b"Transfer-Encoding: chunked\r\n\r\n", *[b"2710\r\n" + b"x" * 10000 + b"\r\n"] * 8], "no answer that can be read"),
        ([OK, b"X: " + b"y" * 100_000, b"\r\n\r\n"], "no answer that can be read"),
        ([OK, b"Content-Length: 9\r\n\r\n", b"cut"], "no answer that can be read"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "no answer that can be read"),
        (b"", "did not answer within"),
    ],
)
def test_what_is_too_large_too_slow_or_no_answer_is_none(say, told):
    async def ask():
        async with Listener(say) as there, way_out(LOOPBACK) as egress:
            await egress.fetch("GET", f"http://127.0.0.1:{there.port}/", seconds=10 if say else 0.2)

    with pytest.raises(Unanswered, match=told):
        asyncio.run(ask())


def test_an_answer_that_comes_a_letter_at_a_time_is_cut_off():
    async def ask():
        async def serve(reader, writer):
            writer.write(OK + b"\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)

        async with listening(serve) as port, way_out(LOOPBACK) as egress:
            with pytest.raises(Unanswered, match="did not answer within"):
                await egress.fetch("GET", f"http://127.0.0.1:{port}/", seconds=0.3)

    asyncio.run(ask())


def test_nothing_listens_there():
    async def ask():
        async with Listener() as there:
            pass
        async with way_out(LOOPBACK) as egress:
            await egress.fetch("GET", f"http://127.0.0.1:{there.port}/")

    with pytest.raises(Unanswered, match="cannot be reached"):
        asyncio.run(ask())


def test_a_certificate_that_nobody_signed_is_no_server(tmp_path, caplog):
    """The handshake fails before the request is sent."""
    caplog.set_level(logging.CRITICAL, logger="asyncio")

    from tests.modules.providers import self_signed

    async def ask():
        certificate, key = self_signed("localhost")
        (tmp_path / "both.pem").write_bytes(key + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "both.pem")
        heard = []

        async def serve(reader, writer):
            heard.append(await reader.read(1))

        async with listening(serve, context) as port, way_out(LOOPBACK) as egress:
            with pytest.raises(Unanswered, match="cannot be reached"):
                await egress.fetch("GET", f"https://127.0.0.1:{port}/")
        return heard

    assert asyncio.run(ask()) == []
