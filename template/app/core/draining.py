# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Stopping without losing a request: first nobody sends any more, then the server closes.

A server that closes at once resets what is just arriving, and a proxy may not send a POST again.
"""

import asyncio
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from app.core.errors import ServiceUnavailable


@dataclass
class Draining:
    """Whether the service was asked to stop."""

    began: bool = False

    async def check(self) -> None:
        """Be one of the checks of /readyz.

        Raises:
            ServiceUnavailable: The service is about to stop: proxies shall ask others.
        """
        if self.began:
            raise ServiceUnavailable


@contextmanager
def draining(seconds: int) -> Generator[Draining]:
    """Hold the first SIGTERM back for some seconds, in which /readyz refuses and all else goes on.

    Args:
        seconds: 0 changes nothing: the server gets the signal at once, as it does a second one.
    """
    state = Draining()
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield state
        return
    loop = asyncio.get_running_loop()
    servers_own = signal.getsignal(signal.SIGTERM)

    def end() -> None:
        signal.signal(signal.SIGTERM, servers_own)
        signal.raise_signal(signal.SIGTERM)

    def hold(_: int, __: FrameType | None) -> None:
        state.began = True
        signal.signal(signal.SIGTERM, servers_own)
        loop.call_soon_threadsafe(loop.call_later, seconds, end)

    signal.signal(signal.SIGTERM, hold)
    try:
        yield state
    finally:
        signal.signal(signal.SIGTERM, servers_own)
