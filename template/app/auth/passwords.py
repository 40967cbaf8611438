# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Passwords: what is accepted, how they are hashed, and where that work runs."""

import asyncio
import os
import re
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from math import prod
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from zxcvbn import zxcvbn
from zxcvbn.matching import L33T_TABLE

from app.auth.derived_keys import new_secret
from app.auth.settings import BaseAuthSettings
from app.core.errors import ServiceUnavailable, UnprocessableContent

MIN_PASSWORD_CHARACTERS = 15  # NIST SP 800-63B-4 section 3.1.1.2, where it is the only factor
MAX_PASSWORD_CHARACTERS = 256  # at least 64 must be allowed (ASVS 6.2.9); bounded work
ZXCVBN_MAX_CHARACTERS = 72  # zxcvbn refuses longer input; its lists hold nothing as long
MAX_READINGS = 16  # of a password with signs for letters; each costs zxcvbn about 10 ms
MIN_ZXCVBN_SCORE = 3  # of 4: more than 10^8 guesses with its lists of known passwords and words
NICENESS = 5  # other requests keep the processor while passwords are hashed

TURN_WITHIN = 10  # seconds, of which fifty logins need about two
# Besides those whose passwords are compared: one that looks up its account, one that is stored.
LOGINS_BESIDE = 2

T = TypeVar("T")


class _Places:
    """So many may be inside at a time; one more is refused."""

    def __init__(self, number: int) -> None:
        self._free = number

    def __enter__(self) -> None:
        if self._free == 0:
            raise ServiceUnavailable(retry_after=1)
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1


class Passwords:
    """Hashes and verifies in threads of its own, with a bounded queue.

    Args:
        settings: cost of argon2id, number of threads, length of the queue.
    """

    def __init__(self, settings: BaseAuthSettings) -> None:
        argon2 = Argon2Hasher(settings.argon2_passes, settings.argon2_memory_kib, parallelism=1)
        # bcrypt only verifies: hashes of a migrated user base become argon2id at the next login.
        self._hash = PasswordHash((argon2, BcryptHasher()))
        # Made with the live parameters, so that an unknown account takes as long as a known one.
        self._dummy = self._hash.hash(new_secret())
        most = settings.password_threads + settings.password_queue
        self._in_queue, self._at_the_door = _Places(most), _Places(most)
        self._door = asyncio.Semaphore(settings.password_threads + LOGINS_BESIDE)
        self._pool = ThreadPoolExecutor(settings.password_threads, "password", _lower_priority)

    async def hash(self, password: str) -> str:
        """Return the argon2id hash of a password.

        Raises:
            ServiceUnavailable: the queue is full.
        """
        return await self._run(lambda: self._hash.hash(password))

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Compare a password with a stored hash, in the same time when there is none.

        Args:
            password: as received, neither cut nor normalised (ASVS 6.2.8).
            stored: the account's hash; None for no account or none with a password.

        Returns:
            Whether it is right, and a new hash when the stored one has other parameters.

        Raises:
            ServiceUnavailable: the queue is full.
        """
        return await self._run(lambda: self._verify(password, stored))

    async def require_strong(self, password: str, own_words: Iterable[str]) -> None:
        """Refuse a password that is a known one, or made of known words or the account's own.

        Raises:
            UnprocessableContent: it is (ASVS 6.2.4, 6.2.11, 6.2.12).
        """
        words = [
            word for own in own_words for word in (own, *own.split("@"), *re.split(r"\W", own))
        ]
        if await self._run(lambda: _is_weak(password, words)):
            raise UnprocessableContent([{"loc": ["body", "password"], "type": "password_weak"}])

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """Let few logins in at a time: forty that begin at once would hold up every other request.

        Raises:
            ServiceUnavailable: too many are waiting, or for too long.
        """
        with self._at_the_door:
            try:
                async with asyncio.timeout(TURN_WITHIN):
                    await self._door.acquire()
            except TimeoutError as error:
                raise ServiceUnavailable(retry_after=1) from error
            try:
                yield
            finally:
                self._door.release()

    def close(self) -> None:
        """End the threads; hashes under way are finished, waiting ones dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        try:
            right, updated = self._hash.verify_and_update(password, stored or self._dummy)
        except (PwdlibError, ValueError):  # a stored hash of no known kind; a lone surrogate
            self._hash.verify("", self._dummy)
            return False, None
        return (right, updated) if stored else (False, None)

    async def _run(self, work: Callable[[], T]) -> T:
        with self._in_queue:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _is_weak(password: str, own_words: list[str]) -> bool:
    text = _bounded(password[:ZXCVBN_MAX_CHARACTERS])
    # zxcvbn sees no repetition in "Dragondragondragon" until it is in one case.
    scores = [zxcvbn(spelling, user_inputs=own_words)["score"] for spelling in (text, text.lower())]
    return min(map(int, scores)) < MIN_ZXCVBN_SCORE


def _bounded(password: str) -> str:
    """Drop signs that stand for letters where zxcvbn would try too many readings: 7 s were seen."""
    present = set(password)
    readings = prod(max(1, len(present.intersection(signs))) for signs in L33T_TABLE.values())
    if readings <= MAX_READINGS:
        return password
    return "".join(character for character in password if character.isalnum())


def _lower_priority() -> None:
    if hasattr(os, "setpriority"):
        try:
            thread = threading.get_native_id()
            own = os.getpriority(os.PRIO_PROCESS, thread)  # a process may have been started nicer
            os.setpriority(os.PRIO_PROCESS, thread, own + NICENESS)
        except OSError:
            return  # not allowed here: latency under many logins suffers, nothing else
