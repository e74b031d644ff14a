"""Writes the next migration: what the tables have that the migrations before do not make.

python tools/migration.py notes
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from gamehall_server.migrate import FOLDER, migrate, newest, on_connection


def main() -> None:
    """Makes an empty database, migrates it, and compares."""
    name = sys.argv[1]
    number = f"{int(newest()) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'empty.db'}"
        migrate(url)
        config = Config()
        config.set_main_option("script_location", str(FOLDER))

        def compare(connection: object) -> None:
            config.attributes["connection"] = connection
            command.revision(config, message=name, autogenerate=True, rev_id=number)

        on_connection(url, compare)


if __name__ == "__main__":
    main()
