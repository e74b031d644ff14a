"""TLS for both doors. A certificate that was renewed on disk is taken up by the next connection; nothing needs a restart."""

import logging
import ssl
from pathlib import Path
from threading import Lock
from typing import Any, final

import grpc

from gamehall_server.settings import Settings

log = logging.getLogger("gamehall.tls")


def tls_of(settings: Settings) -> "Tls | None":
    """TLS as the settings say; None when they name no certificate. Raises ValueError for files that are none or do not belong together."""
    named = {
        "GAMEHALL_TLS_CERTIFICATE": settings.tls_certificate,
        "GAMEHALL_TLS_KEY": settings.tls_key,
        "GAMEHALL_TLS_CLIENT_CA": settings.tls_client_ca,
    }
    if not any(named.values()):
        return None
    for variable in ("GAMEHALL_TLS_CERTIFICATE", "GAMEHALL_TLS_KEY"):
        if not named[variable]:
            raise ValueError(f"{variable} is missing: TLS takes a certificate and its key")
    return Tls(named)


@final
class Tls:
    """A certificate with its key, and whose certificates clients must show, if any. `named`: the files, by variable."""

    def __init__(self, named: dict[str, str]) -> None:
        self._files = {variable: Path(name) for variable, name in named.items() if name}
        self._lock = Lock()
        self._problem = ""
        self._seen = self._state()
        self._context, self._configuration = self._read()
        self._told = self._configuration

    def for_http(self) -> ssl.SSLContext:
        """What a listener takes. Each connection moves on to the newest files before it is shown a certificate."""
        first = self._context

        def move(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
            self._renew()
            if self._context is not first:
                connection.context = self._context

        first.sni_callback = move
        return first

    def for_grpc(self) -> grpc.ServerCredentials:
        """What grpcio takes. It asks at every handshake."""
        return grpc.dynamic_ssl_server_credentials(self._configuration, self._newer, "GAMEHALL_TLS_CLIENT_CA" in self._files)

    def _newer(self) -> Any:
        # None stands for what grpcio has already.
        self._renew()
        if self._told is self._configuration:
            return None
        self._told = self._configuration
        return self._told

    def _state(self) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = []
        for variable, path in self._files.items():
            try:
                status = path.stat()
            except OSError as error:
                raise ValueError(f"{variable}: {path}: {error.strerror}") from None
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return found

    def _renew(self) -> None:
        """Reads the files again when they have changed. While they do not belong together, as half-way through a renewal, the old ones
        stay."""
        with self._lock:
            try:
                state = self._state()
                if state == self._seen:
                    return
                self._seen = state
                self._context, self._configuration = self._read()
            except ValueError as problem:
                if str(problem) != self._problem:
                    log.warning("the certificate was not renewed: %s", problem)
                self._problem = str(problem)
                return
            self._problem = ""
        log.info("the certificate was renewed")

    def _read(self) -> tuple[ssl.SSLContext, Any]:
        texts = {}
        for variable, path in self._files.items():
            try:
                texts[variable] = path.read_bytes()
            except OSError as error:
                raise ValueError(f"{variable}: {path}: {error.strerror}") from None
        certificate, key, *others = self._files.values()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Without a password given, an encrypted key would ask for it at the terminal.
            context.load_cert_chain(certificate, key, password=lambda: b"")
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(f"{certificate} and {key} are not a certificate and its key, unencrypted, as PEM ({error})") from None
        roots = texts.get("GAMEHALL_TLS_CLIENT_CA")
        if roots is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(others[0])
            except ssl.SSLError as error:
                raise ValueError(f"GAMEHALL_TLS_CLIENT_CA: {others[0]} holds no certificate as PEM ({error})") from None
        pair = (texts["GAMEHALL_TLS_KEY"], texts["GAMEHALL_TLS_CERTIFICATE"])
        return context, grpc.ssl_server_certificate_configuration([pair], roots)
