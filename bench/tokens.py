"""Access tokens of the references: one per user, so that 1,000 different ones arrive."""

import time

import jwt

from bench import dataset

SECRET = "the references' signing key, known to the tool"
ALGORITHM = "HS256"
LIFETIME = 24 * 3600


def reference_tokens(count: int = dataset.USERS) -> list[str]:
    """Tokens of the users 1 to `count`: HS256, as FastAPI's documentation teaches."""
    issued = int(time.time())
    return [jwt.encode({"sub": str(user), "iat": issued, "exp": issued + LIFETIME}, SECRET, ALGORITHM) for user in range(1, count + 1)]
