"""TLS at both doors, with certificates made here and real clients that check them."""

import datetime
import socket
import ssl

import grpc
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gamehall.platform.v1.platform_pb2 import GetVersionRequest
from gamehall.platform.v1.platform_pb2_grpc import PlatformServiceStub
from gamehall_server import __version__
from processes import gamehall, serving

from tests.contract.test_bridge_alone import alone

WHO = x509.NameOID.COMMON_NAME


class Authority:
    """Signs certificates. Its own is `ca.pem` in the folder."""

    def __init__(self, folder, name="Test CA"):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(WHO, name)])
        self.path = folder / f"{name.replace(' ', '-')}.pem"
        self.path.write_bytes(pem(self.signed(self.name, self.key, authority=True)))

    def signed(self, name, key, *, authority=False):
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(start)
        made = made.not_valid_after(start + datetime.timedelta(days=2))
        made = made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        if authority:
            usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False)
            usage |= dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False) | {"key_cert_sign": True, "crl_sign": True}
            made = made.add_extension(x509.KeyUsage(**usage), critical=True)
        return made.sign(self.key, hashes.SHA256())

    def issue(self, name, password=None):
        """A certificate and its key as files, put in place as a renewing tool does; and the certificate's serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.signed(x509.Name([x509.NameAttribute(WHO, name)]), key)
        sealed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
        for suffix, content in (("pem", pem(certificate)), ("key", text)):
            fresh = self.folder / f"{name}.{suffix}.new"
            fresh.write_bytes(content)
            fresh.replace(self.folder / f"{name}.{suffix}")
        return certificate.serial_number


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def named(folder, **more):
    return {"GAMEHALL_TLS_CERTIFICATE": str(folder / "server.pem"), "GAMEHALL_TLS_KEY": str(folder / "server.key"), **more}


def by_http(server, authority, **more):
    return requests.get(server.http + "/version", verify=str(authority.path), **more).json()["version"]


def by_grpc(server, authority, pair=(None, None)):
    credentials = grpc.ssl_channel_credentials(authority.path.read_bytes(), *pair)
    with grpc.secure_channel(server.grpc, credentials) as channel:
        return PlatformServiceStub(channel).GetVersion(GetVersionRequest()).version


def shown_at(address, authority):
    """The serial number of the certificate that a door shows."""
    host, _, port = address.rpartition(":")
    client = ssl.create_default_context(cafile=authority.path)
    client.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((host.removeprefix("https://"), int(port))) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as shown,
    ):
        return x509.load_der_x509_certificate(shown.getpeercert(binary_form=True)).serial_number


def test_both_doors_speak_tls_and_nothing_else(authority, tmp_path):
    authority.issue("server")
    with serving(tmp_path, **named(tmp_path)) as server:
        assert server.http.startswith("https://")
        assert by_http(server, authority) == by_grpc(server, authority) == __version__
        document = requests.get(server.http + "/swagger-doc", verify=str(authority.path)).text
        assert f'"tokenUrl":"{server.http}/' in document

        with pytest.raises(requests.ConnectionError):
            requests.get(server.http.replace("https", "http") + "/version")
        with pytest.raises(requests.exceptions.SSLError):
            by_http(server, Authority(tmp_path, "Another CA"))
        with grpc.insecure_channel(server.grpc) as channel, pytest.raises(grpc.RpcError) as refusal:
            PlatformServiceStub(channel).GetVersion(GetVersionRequest())
        assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
        assert by_http(server, authority) == __version__

    assert "Traceback" not in server.told


def test_a_renewed_certificate_is_shown_to_the_next_connection(authority, tmp_path):
    first = authority.issue("server")
    with serving(tmp_path, **named(tmp_path)) as server:
        doors = (server.http, server.grpc)
        assert [shown_at(door, authority) for door in doors] == [first, first]

        second = authority.issue("server")

        assert [shown_at(door, authority) for door in doors] == [second, second]
        assert by_http(server, authority) == by_grpc(server, authority) == __version__


def test_the_bridge_alone_has_tls_too(authority, tmp_path):
    authority.issue("server")
    with serving(tmp_path) as server, alone(tmp_path, server.grpc, **named(tmp_path)) as bridge:
        bridge.http = bridge.url.replace("127.0.0.1", "localhost")

        assert bridge.http.startswith("https://")
        assert by_http(bridge, authority) == __version__


def test_half_a_renewal_changes_nothing(authority, tmp_path):
    first = authority.issue("server")
    with serving(tmp_path, **named(tmp_path)) as server:
        second = authority.issue("later")
        doors = (server.http, server.grpc)

        (tmp_path / "later.pem").replace(tmp_path / "server.pem")
        half = [shown_at(door, authority) for door in doors * 2]
        (tmp_path / "later.key").replace(tmp_path / "server.key")
        whole = [shown_at(door, authority) for door in doors]

        assert half == [first] * 4
        assert whole == [second, second]
        assert server.told.count("the certificate was not renewed") == 1


def test_only_clients_of_the_authority_get_in_where_one_is_named(authority, tmp_path):
    authority.issue("server")
    authority.issue("game")
    stranger = Authority(tmp_path, "Another CA")
    stranger.issue("stranger")
    with serving(tmp_path, **named(tmp_path, GAMEHALL_TLS_CLIENT_CA=str(authority.path))) as server:
        known, unknown = ([str(tmp_path / f"{name}.{end}") for end in ("pem", "key")] for name in ("game", "stranger"))

        def at_both(pair):
            bytes_of = [(tmp_path / name).read_bytes() for name in reversed(pair)] if pair else (None, None)
            return by_http(server, authority, cert=pair and tuple(pair)), by_grpc(server, authority, bytes_of)

        authority.issue("server")
        assert at_both(known) == (__version__, __version__)
        for pair in (None, unknown):
            with pytest.raises((requests.exceptions.SSLError, requests.ConnectionError)):
                by_http(server, authority, cert=pair and tuple(pair))
            with pytest.raises(grpc.RpcError) as refusal:
                by_grpc(server, authority, [(tmp_path / name).read_bytes() for name in reversed(pair)] if pair else (None, None))
            assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE


def test_the_native_engine_says_that_it_has_no_tls(authority, tmp_path):
    authority.issue("server")

    done = gamehall(tmp_path, "serve", "--http-port", "0", "--grpc-port", "0", **named(tmp_path, GAMEHALL_GRPC_ENGINE="native"))

    assert done.returncode == 1
    assert done.stderr.startswith("gamehall: the native gRPC engine has no TLS")


@pytest.mark.parametrize(
    "given, sentence",
    [
        ({"GAMEHALL_TLS_KEY": ""}, "GAMEHALL_TLS_KEY is missing"),
        ({"GAMEHALL_TLS_CERTIFICATE": ""}, "GAMEHALL_TLS_CERTIFICATE is missing"),
        ({"GAMEHALL_TLS_KEY": "nowhere.key"}, "GAMEHALL_TLS_KEY: nowhere.key: No such file"),
        ({"GAMEHALL_TLS_KEY": "other.key"}, "are not a certificate and its key"),
        ({"GAMEHALL_TLS_CERTIFICATE": "server.key"}, "are not a certificate and its key"),
        ({"GAMEHALL_TLS_CERTIFICATE": "sealed.pem", "GAMEHALL_TLS_KEY": "sealed.key"}, "are not a certificate and its key, unencrypted"),
        ({"GAMEHALL_TLS_CLIENT_CA": "server.key"}, "GAMEHALL_TLS_CLIENT_CA: server.key holds no certificate"),
    ],
    ids=["no key", "no certificate", "a key that is not there", "another's key", "a key in place of both", "a sealed key", "no authority"],
)
def test_files_that_cannot_be_used_are_explained(authority, tmp_path, given, sentence):
    authority.issue("server")
    authority.issue("other")
    authority.issue("sealed", password=b"a password")

    done = gamehall(tmp_path, "serve", "--http-port", "0", "--grpc-port", "0", **named(tmp_path, **given))

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
