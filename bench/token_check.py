"""What the check of a token that is known adds to a call: `python -m bench.token_check`. The bar is 10 microseconds.

Timed is what authentication adds to the path of a call: finding the caller of a token that was verified before, in this process."""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from gamehall_server.admin import opened
from gamehall_server.kit.clock import SECOND, real_seconds
from gamehall_server.kit.storage import Handle
from gamehall_server.migrate import migrate
from gamehall_server.modules.auth.sessions import open_session
from gamehall_server.modules.auth.tables import SessionRow
from gamehall_server.settings import Settings

from bench import dataset

CALLS, ROUNDS, BAR_MICROSECONDS = 20_000, 15, 10.0


async def measured(url: str) -> float:
    """Microseconds for one check, the median of the rounds."""
    async with opened(Settings(database_url=url, root_key=dataset.ROOT_KEY, password_passes=1)) as product:

        async def work(db: Handle) -> SessionRow:
            now = real_seconds() * SECOND
            return await open_session(db, "web", 1, now, 3600 * SECOND)

        session = await product.database.write(work)
        verifier = product.verifier
        token = verifier.issue(session, 3600)
        await verifier.verify(token, product.database.reader())
        # As where other processes revoke as well: it looks at the clock.
        verifier.trusted_until = time.perf_counter() + 3600
        rounds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(CALLS):
                if verifier.known(token) is None:
                    raise RuntimeError("the token is not known")
            rounds.append((time.perf_counter() - began) / CALLS * 1e6)
        return statistics.median(rounds)


def main() -> None:
    """Prints the figure; ends with 1 where it is over the bar."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'gamehall.db'}"
        migrate(url)
        micros = asyncio.run(measured(url))
    print(f"a known token costs {micros:.2f} us (bar: {BAR_MICROSECONDS:.0f} us)")
    sys.exit(micros > BAR_MICROSECONDS)


if __name__ == "__main__":
    main()
