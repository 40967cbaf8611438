"""Waiting for something that starts, and not for ever."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable

START_SECONDS = 60


def until(ready: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> float:
    """Wait until something is so; return after how many seconds.

    Raises:
        SystemExit: it was not so in time.
    """
    began = time.monotonic()
    while not ready():
        if time.monotonic() > began + seconds:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return time.monotonic() - began


def answers(address: str) -> bool:
    """Tell whether an address of this machine answers with success."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except urllib.error.HTTPError as answer:
        answer.close()  # an answer, and so an open socket
        return False
    except OSError:
        return False
