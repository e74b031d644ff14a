"""`python -m gamehall_server` is the command `gamehall`."""

from gamehall_server.cli import app

app()
