"""The environment, read once into one frozen object. Nothing else reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PREFIX = "GAMEHALL_"
DEFAULT_DATABASE = "sqlite:///data/gamehall.db"


@dataclass(frozen=True)
class Settings:
    """How a deployment runs. Every field is GAMEHALL_<NAME> in the environment."""

    host: str = "127.0.0.1"
    http_port: int = 8080
    grpc_port: int = 50051
    database_url: str = DEFAULT_DATABASE
    sandbox: bool = False
    grpc_engine: str = "auto"
    # Who signs access tokens: their `iss` and `aud`. Where it is this deployment's public address, such as https://game.example, clients
    # find everything they need to sign people in at /.well-known/oauth-authorization-server of it (RFC 8414).
    issuer: str = "gamehall"
    admin_username: str = "admin"
    admin_password: str = ""
    admin_email: str = "admin@localhost.localdomain"
    # What seals secrets in the database: 32 random bytes or more in base64; of several, comma separated, the first seals and all open.
    # Left out, it is kept in a file, which is made at the first start.
    root_key: str = ""
    # That file; beside the SQLite file, or data/gamehall.key, unless told.
    root_key_file: str = ""
    # Origins that browsers may call from, comma separated; "*" is any. Tokens travel in headers, never in cookies.
    cors_origins: str = "*"
    # Addresses and networks of the proxies in front, comma separated: what they say in X-Forwarded-For is believed.
    trusted_proxies: str = ""
    most_in_flight: int = 1000
    # Streams that may be open at once, over all doors. They mostly wait, so they do not count as calls in flight.
    most_streams: int = 10_000
    # Seconds that calls under way get to end when the server is told to stop.
    grace_seconds: float = 10.0
    # Seconds that a node told to stop goes on taking calls while its readiness says no: what balancers in front need to notice.
    drain_seconds: float = 0.0
    # host:port of /metrics and the probes, for operators alone; empty: none.
    ops_address: str = ""
    # Log lines for people (text) or for machines (json).
    log_format: str = "text"
    # Calls that took longer are logged; 0: none.
    slow_call_seconds: float = 1.0
    # Spans for OpenTelemetry; where to and how many is told by its own OTEL_ variables. Needs gamehall[otel].
    otel: bool = False
    # Passes of argon2id; 0 means as measured when the deployment first starts.
    password_passes: int = 0
    # Processes that share the ports. More than one needs PostgreSQL.
    workers: int = 1
    # Networks that requests to other servers may reach though they are not public, comma separated: 127.0.0.0/8. Also in HTTP.
    egress_allow: str = ""
    # Ports of the public internet that such requests may reach, by https.
    egress_ports: str = "443,8443"
    # Seconds that another server's answer may take.
    egress_seconds: float = 10.0
    # Where sign-in providers are: Facebook's Graph API with its version, Google's token endpoint and certificates.
    facebook_url: str = "https://graph.facebook.com/v24.0"
    google_token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105  # An address.
    google_certs_url: str = "https://www.googleapis.com/oauth2/v1/certs"
    # Failed tries to sign in, and codes asked for, that one address has free; then it is slowed. More where many share an address.
    network_tries: int = 100
    # Days that events are kept after everybody has taken them.
    events_kept_days: int = 3
    # Seconds before each further try of a post to another server, comma separated; after the last one it is given up.
    post_pauses: str = "5,300,1800,7200,18000,36000,50400,72000,86400"
    # Seconds that the answer to such a post may take.
    post_seconds: float = 15.0
    # Seconds after which another process takes over a post that one has begun and not ended. More than an answer may take.
    post_lease_seconds: float = 60.0
    # Days after which a webhook is disabled whose every try has failed.
    webhook_days: float = 5.0
    # Where mail goes: smtp://user:password@host:port, smtps:// for TLS from the start. Empty: files in a folder.
    smtp_url: str = ""
    # The sender of mail; the config email.out_address comes first.
    mail_from: str = "gamehall@localhost.localdomain"
    # Where mail is written without an SMTP server; empty: the folder mail beside the file of the root key.
    mail_folder: str = ""
    # Templates of mail that come before the built-in ones, in files of the same names.
    mail_templates: str = ""
    # Where files are: a store that is compatible with S3, such as https://s3.eu-west-1.amazonaws.com, and its key. Empty: a folder.
    s3_url: str = ""
    s3_bucket: str = "gamehall"
    s3_region: str = "us-east-1"
    s3_key_id: str = ""
    s3_secret: str = ""
    # Where everybody reads files, where that is not the store.
    cdn_url: str = ""
    # The folder for files without such a store; empty: the folder files beside the file of the root key. Several nodes must share it.
    files_folder: str = ""
    # Seconds after which views of articles, which are counted in memory, are written.
    views_seconds: float = 5.0
    # How large a file in it may be, and which types may be sent, comma separated: image/*,video/mp4. Empty: any.
    upload_bytes: int = 100 * 1024 * 1024
    upload_types: str = ""
    # TLS for both doors: files in PEM. With a client CA, only clients with a certificate of it get in.
    tls_certificate: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        passwords = [urlsplit(url).password or "" for url in (self.database_url, self.smtp_url)]
        kept = (self.admin_password, self.s3_secret, *passwords, *map(unquote, passwords), *self.root_key.split(","))
        return tuple(secret for secret in kept if secret)

    @property
    def mail_path(self) -> Path:
        """Where mail is written while no server takes it."""
        return Path(self.mail_folder) if self.mail_folder else self.key_file.with_name("mail")

    @property
    def files_path(self) -> Path:
        """Where files are while no store has them."""
        return Path(self.files_folder) if self.files_folder else self.key_file.with_name("files")

    @property
    def public_url(self) -> str:
        """This deployment's own address: the issuer where it is one."""
        return self.issuer.rstrip("/") if "://" in self.issuer else f"http://{self.host}:{self.http_port}"

    @property
    def key_file(self) -> Path:
        """Where the root key is kept, unless it is told."""
        if self.root_key_file:
            return Path(self.root_key_file)
        url = self.database_url if self.database_url.startswith("sqlite:///") else DEFAULT_DATABASE
        return Path(url.removeprefix("sqlite:///")).with_suffix(".key")

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ, **given: Any) -> "Settings":
        """Settings of the environment; what is given and not None comes first. Raises ValueError for a value of the wrong kind."""
        settings = cls()
        for name, default in vars(settings).items():
            text = environment.get(PREFIX + name.upper())
            if text is not None:
                settings = replace(settings, **{name: _converted(name, text, type(default))})
        return replace(settings, **{name: value for name, value in given.items() if value is not None})


def _converted(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() not in ("0", "1", "false", "true", "no", "yes"):
            raise ValueError(f"{PREFIX}{name.upper()} must be true or false")
        return text.lower() in ("1", "true", "yes")
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{PREFIX}{name.upper()} must be of type {kind.__name__}") from None
