"""What the apps of this folder share: addresses from the environment, and printed headers."""

import json
import os
import sys

TOKENS = int(os.environ.get("BENCH_TOKENS", "64"))
DATABASE_URL = os.environ.get("BENCH_DATABASE_URL", "")
REDIS_URL = os.environ.get("BENCH_REDIS_URL", "")


def print_headers(values: list[str], name: str = "Authorization") -> None:
    """Print one request header for each caller, as the benchmark reads them."""
    json.dump([[name, value] for value in values], sys.stdout)
