"""Waiting for what comes by itself."""

import time


def until(look):
    """What `look` gives as soon as it gives something."""
    for _ in range(1500):
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")
