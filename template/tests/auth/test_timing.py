# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How long a refused login takes does not tell whether there is an account.

200 samples of each kind, taken in turn so that a busy machine slows both alike, are compared by the
Mann-Whitney test. Where there is no difference it fails by chance once in 10,000 runs (two-sided,
alpha = 0.0001), and then only when the medians also differ by more than a tenth: a difference that
small cannot be told apart over a network, and a missing dummy hash is ten times as large.
"""

import math
import time
from itertools import count
from statistics import median

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import update

from app.auth.models import Account
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import PASSWORD, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

pytestmark = pytest.mark.slow

SAMPLES = 200
# Much of a login's time, yet 400 of them in some seconds.
ARGON2_MEMORY_KIB, ARGON2_PASSES = 4096, 2
CRITICAL_Z = 3.89  # two-sided alpha of 0.0001
CRITICAL_SHARE = 0.1
_addresses = count(1)


async def refusal_seconds(service: Service, email: str) -> float:
    """Return how long a refused login takes, from an address that no limit knows."""
    number = next(_addresses)
    form = {"username": email, "password": "wrong-Falcon-12-pencil"}
    async with service.new_client(f"203.0.{number // 250}.{number % 250}") as client:
        started = time.perf_counter()
        response = await client.post("/auth/token", data=form)
        seconds = time.perf_counter() - started
    assert problem(response) == INVALID_GRANT
    return seconds


def mann_whitney_z(first: list[float], second: list[float]) -> float:
    """Return the normal approximation of U, which 200 samples of each allow."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    rank_sum = sum(rank for rank, (_, sample) in enumerate(ranked, start=1) if sample == 0)
    n, m = len(first), len(second)
    u = rank_sum - n * (n + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def differ(first: list[float], second: list[float]) -> bool:
    """Tell whether two samples come from different times, and by enough to be of use."""
    share = abs(median(first) - median(second)) / median(first + second)
    return abs(mann_whitney_z(first, second)) > CRITICAL_Z and share > CRITICAL_SHARE


async def test_an_unknown_account_takes_as_long_as_a_wrong_password(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service(argon2_memory_kib=ARGON2_MEMORY_KIB, argon2_passes=ARGON2_PASSES)
    stored = Argon2Hasher(ARGON2_PASSES, ARGON2_MEMORY_KIB, parallelism=1).hash(PASSWORD)
    # Eight failures for each account: its limit of ten is not what is measured.
    emails = [(await service.account()).email for _ in range(SAMPLES // 8)]
    async with service.database() as session:
        await session.execute(update(Account).values(password_hash=stored))
    known: list[float] = []
    unknown: list[float] = []
    for number in range(SAMPLES):
        known.append(await refusal_seconds(service, emails[number % len(emails)]))
        unknown.append(await refusal_seconds(service, new_email()))
    assert not differ(known, unknown), (median(known), median(unknown))


def test_the_comparison_sees_a_difference_where_there_is_one() -> None:
    same = [1 + number % 7 / 100 for number in range(SAMPLES)]
    assert not differ(same, same)
    assert differ(same, [value * 1.2 for value in same])
