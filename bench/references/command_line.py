"""How the references are started: `python -m bench.references.<name> --port N --database-url URL`."""

import argparse
import os

import uvicorn
from uvicorn._types import ASGIApplication


def database_url() -> str:
    """`sqlite:////path` or `postgresql://…`, handed over in the environment as such programs do."""
    return os.environ["DATABASE_URL"]


def port() -> int:
    """The port from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    return int(parser.parse_args().port)


def serve(app: ASGIApplication) -> None:
    """One process of uvicorn with its fastest parts, and nothing logged per request."""
    uvicorn.run(app, host="127.0.0.1", port=port(), loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning")
