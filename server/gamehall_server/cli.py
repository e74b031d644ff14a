"""The command `gamehall`."""

import asyncio
import gc
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gamehall_server import __version__
from gamehall_server.settings import Settings

if TYPE_CHECKING:
    from gamehall_server.beside import Order
    from gamehall_server.serve import Running
    from gamehall_server.workers import Doors

T = TypeVar("T")
log = logging.getLogger("gamehall.cli")
# Addresses that stand for this machine in the banner.
EVERYWHERE = ("0.0.0.0", "::", "127.0.0.1")  # noqa: S104  # Shown, not bound.
app = typer.Typer(no_args_is_help=True, add_completion=False, help="Gamehall: an open game backend.", pretty_exceptions_enable=False)
user_app = typer.Typer(no_args_is_help=True, help="Users.")
client_app = typer.Typer(no_args_is_help=True, help="API clients.")
app.add_typer(user_app, name="user")
app.add_typer(client_app, name="client")

DatabaseUrl = Annotated[str | None, typer.Option(help="sqlite:///path or postgresql://user@host/name", envvar="GAMEHALL_DATABASE_URL")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(envvar="GAMEHALL_HOST", help="Address to listen on.")] = None,
    http_port: Annotated[int | None, typer.Option(envvar="GAMEHALL_HTTP_PORT", help="Port of HTTP/JSON.", min=0, max=65535)] = None,
    grpc_port: Annotated[int | None, typer.Option(envvar="GAMEHALL_GRPC_PORT", help="Port of gRPC.", min=0, max=65535)] = None,
    database_url: DatabaseUrl = None,
    sandbox: Annotated[bool | None, typer.Option("--sandbox", envvar="GAMEHALL_SANDBOX", help="Let testers set the clock.")] = None,
    workers: Annotated[int | None, typer.Option(envvar="GAMEHALL_WORKERS", help="Processes, over one PostgreSQL.", min=1)] = None,
) -> None:
    """Serve gRPC and HTTP/JSON. Makes and migrates the database where needed."""
    settings = _about_to_serve(
        host=host, http_port=http_port, grpc_port=grpc_port, database_url=database_url, sandbox=sandbox, workers=workers
    )

    def banner(server: "Running | Doors") -> None:
        from gamehall_server.consumers import told_of_mail

        if settings.log_format == "json":
            told = {
                "version": __version__,
                "sandbox": settings.sandbox,
                "engine": server.engine,
                "workers": settings.workers,
                "tls": bool(settings.tls_certificate),
                "mail": told_of_mail(settings),
                "database": _without_password(settings.database_url),
            }
            ports = {"http_port": server.http_port, "grpc_port": server.grpc_port, "ops_port": server.ops_port}
            log.info("serving", extra={"told": {**told, "host": settings.host, **ports}})
            if server.admin_password:
                # Not the log's business, which goes to stderr.
                typer.echo(f"admin {settings.admin_username} / {server.admin_password} (shown this once)")
            return
        host = "localhost" if settings.host in EVERYWHERE else settings.host
        lines = [_named() + (typer.style("  sandbox: testers may set the clock", fg="yellow") if settings.sandbox else "")]
        lines.append(f"  HTTP/JSON  {_scheme(settings)}://{host}:{server.http_port}")
        lines.append(f"  gRPC       {host}:{server.grpc_port}  ({server.engine}, reflection on)")
        if server.ops_port is not None:
            whose = "  (the first worker's)" if settings.workers > 1 else ""
            lines.append(f"  operators  http://{settings.ops_address.rpartition(':')[0]}:{server.ops_port}/metrics{whose}")
        if settings.workers > 1:
            lines.append(f"  workers    {settings.workers}")
        lines.append(f"  database   {_without_password(settings.database_url)}")
        lines.append(f"  mail       {told_of_mail(settings)}")
        if server.admin_password:
            signs_in = f"  admin      {settings.admin_username} / {server.admin_password}"
            lines.append(typer.style(signs_in, bold=True) + "  (shown this once)")
        # At once: whoever waits for a line finds the others.
        typer.echo("\n".join(lines), err=True)

    if settings.workers > 1:
        from gamehall_server.workers import supervise

        raise typer.Exit(_explained(lambda: supervise(settings, banner, before=lambda: _migrated_apart(settings))))
    from gamehall_server.serve import serve as run

    _explained(lambda: _migrated_apart(settings))
    _explained(lambda: run(settings, banner))


@app.command()
def worker(database_url: DatabaseUrl = None) -> None:
    """Do what servers do beside answering, and answer nobody: rules, webhooks, mail. As many as are wanted, over one PostgreSQL."""
    settings = _about_to_serve(database_url=database_url)
    from gamehall_server.serve import work_alone

    def banner() -> None:
        if settings.log_format == "json":
            log.info("working", extra={"told": {"version": __version__, "database": _without_password(settings.database_url)}})
            return
        typer.echo(f"{_named()}  a worker", err=True)
        typer.echo(f"  database   {_without_password(settings.database_url)}", err=True)

    _explained(lambda: work_alone(settings, banner, before=lambda: _migrated_apart(settings)))


@app.command("serve-worker", hidden=True)
def serve_worker() -> None:
    """One of the processes of `serve --workers`. Everything it is told stands in the environment."""
    settings = _about_to_serve()
    from gamehall_server.workers import work

    _explained(lambda: work(settings))


@app.command()
def bridge(
    target: Annotated[str, typer.Option(envvar="GAMEHALL_TARGET", help="host:port of a Gamehall server's gRPC.")],
    host: Annotated[str | None, typer.Option(envvar="GAMEHALL_HOST", help="Address to listen on.")] = None,
    http_port: Annotated[int | None, typer.Option(envvar="GAMEHALL_HTTP_PORT", help="Port of HTTP/JSON.", min=0, max=65535)] = None,
    sandbox: Annotated[bool | None, typer.Option("--sandbox", envvar="GAMEHALL_SANDBOX", help="The server is a sandbox.")] = None,
) -> None:
    """Serve HTTP/JSON alone, in front of a gRPC server elsewhere. Needs no database.

    The server believes callers' addresses where this machine's is among its GAMEHALL_TRUSTED_PROXIES.
    """
    settings = _about_to_serve(host=host, http_port=http_port, sandbox=sandbox)
    from gamehall_server.serve import HttpDoor
    from gamehall_server.serve import bridge as run

    def banner(door: HttpDoor) -> None:
        if settings.log_format == "json":
            log.info("serving", extra={"told": {"version": __version__, "target": target, "host": settings.host, "http_port": door.port}})
            return
        host = "localhost" if settings.host in EVERYWHERE else settings.host
        typer.echo(f"{_named()}  the bridge alone", err=True)
        typer.echo(f"  HTTP/JSON  {_scheme(settings)}://{host}:{door.port}", err=True)
        typer.echo(f"  target     {target}", err=True)

    _explained(lambda: run(settings, target, banner))


@app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the database to the schema of this version."""
    done = _explained(lambda: _migrated(_settings(database_url=database_url)))
    typer.echo("migrated" if done else "nothing to do")


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="A new file.")], database_url: DatabaseUrl = None) -> None:
    """Copy the database to a file, also while servers use it. PostgreSQL's pg_dump must be on the PATH for its databases."""
    from gamehall_server.backup import back_up
    from gamehall_server.beside import BackUp, ask

    url, target = _settings(database_url=database_url).database_url, file.absolute()
    typer.echo(_explained(lambda: ask(url, BackUp(str(target))) or back_up(url, target)))


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A backup.")], database_url: DatabaseUrl = None) -> None:
    """Make the database from a backup. It must not exist yet; one of PostgreSQL must be empty."""
    from gamehall_server.backup import restore as run

    url = _settings(database_url=database_url).database_url
    typer.echo(_explained(lambda: run(url, file)))


@app.command("rotate-keys")
def rotate_keys(
    after: Annotated[int | None, typer.Option(help="Seconds until it signs; a day unless told.", min=0)] = None,
    compromised: Annotated[bool, typer.Option("--compromised", help="It signs now, and no other key is good any more.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Announce a new key that signs access tokens. What the old ones signed stays good until it expires."""
    from gamehall_server.beside import RotateKeys

    typer.echo(_carried_out(_settings(database_url=database_url), RotateKeys(after, compromised)))


@app.command("verify-audit")
def verify_audit(
    known: Annotated[str, typer.Option(help="An end that this command told before: nothing up to it may be missing.")] = "",
    database_url: DatabaseUrl = None,
) -> None:
    """Look whether every row of the audit log is as it was written. Tells the end of its chain: keep it elsewhere, for --known."""
    from gamehall_server.beside import VerifyAudit

    typer.echo(_carried_out(_settings(database_url=database_url), VerifyAudit(known)))


@app.command()
def routes() -> None:
    """List every HTTP route with its RPC and who may call it."""
    from gamehall_server.contract import bindings
    from gamehall_server.servicers import SERVICERS

    for binding in bindings([servicer.service for servicer in SERVICERS]):
        typer.echo(f"{binding.verb:7}{binding.path:50} {binding.rpc:52} {binding.policy}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@user_app.command("create")
def create_user(
    username: str,
    email: Annotated[str, typer.Option(prompt=True)],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="GAMEHALL_USER_PASSWORD")],
    role: Annotated[list[str] | None, typer.Option(help="Further roles; may be repeated.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add a user. The password is asked for, or taken from GAMEHALL_USER_PASSWORD."""
    from gamehall_server.beside import AddUser

    number = _carried_out(_settings(database_url=database_url), AddUser(username, email, password, role or []))
    typer.echo(f"user {number}")


@client_app.command("create")
def create_client(
    client_key: str,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    public: Annotated[bool, typer.Option("--public", help="No secret: for apps that cannot keep one.")] = False,
    role: Annotated[list[str] | None, typer.Option(help="Roles of the client's own tokens; may be repeated.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add an API client and print its secret, this once."""
    from gamehall_server.beside import AddClient

    secret = _carried_out(_settings(database_url=database_url), AddClient(client_key, name or client_key, public, role or []))
    typer.echo(f"client {client_key}" + (f"\nsecret {secret}" if secret else "  (public)"))


def _about_to_serve(**given: Any) -> Settings:
    # Until the server runs nothing is garbage: looking for it is a sixth of a start. `spare_the_collector` switches it on.
    gc.disable()
    settings = _settings(**given)
    from gamehall_server.kit.logs import log_to

    _explained(lambda: log_to(sys.stderr, settings.log_format, settings.secrets))
    return settings


def _scheme(settings: Settings) -> str:
    return "https" if settings.tls_certificate else "http"


def _settings(**given: Any) -> Settings:
    return _explained(lambda: Settings.read(**given))


def _carried_out(settings: Settings, order: "Order") -> str:
    """An order's answer: of the server that has the database, or else of this process."""
    from gamehall_server.beside import ask

    def work() -> str:
        told = ask(settings.database_url, order)
        if told is not None:
            return told
        from gamehall_server.admin import perform_alone

        _migrated(settings)
        return asyncio.run(perform_alone(settings, order))

    return _explained(work)


def _migrated(settings: Settings) -> bool:
    from gamehall_server.migrate import migrate as run

    return run(settings.database_url)


def _migrated_apart(settings: Settings) -> None:
    """Migrates in a process of its own where there is something to do: what alembic loads would stay with the server for good."""
    from gamehall_server.migrate import is_current

    if is_current(settings.database_url):
        return
    # The URL may hold a password, so it travels in the environment, where other users cannot see it.
    environment = {**os.environ, "GAMEHALL_DATABASE_URL": settings.database_url}
    done = subprocess.run([sys.executable, "-m", "gamehall_server", "migrate"], env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _named() -> str:
    return typer.style(f"Gamehall {__version__}", bold=True)


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.rpartition(':')[0]}:***@{after}" if at and before.count(":") > 1 else url


def _explained(work: Callable[[], T]) -> T:
    """Runs a command's work; what a person can mend is told in a sentence, without a stack trace."""
    from gamehall_server.kit.errors import Fault
    from gamehall_server.kit.storage import DatabaseInUse, UnsafeDatabase
    from gamehall_server.kit.storage.sqlite_copy import CopyFailed
    from gamehall_server.migrate import Unusable

    try:
        return work()
    except (Fault, DatabaseInUse, UnsafeDatabase, CopyFailed, Unusable, OSError, ValueError) as problem:
        typer.echo(f"{typer.style('gamehall:', fg='red')} {problem}", err=True)
        raise typer.Exit(1) from None
