"""What an API key costs a request: in memory, looked up each time, and not asked for at all.

python -m benchmarks.api_keys; renders a service on SQLite, prints figures, fails when memory saves
too little.
The three routes are asked in turn in one process without a network, so that all see the same
machine; the fastest of several rounds counts.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.matrix.questions import defaults
from tests.matrix.rendering import render

# Of the time that a look-up adds, so that the figure means the same on a busy machine.
CEILING = 0.5

PROGRAM = """
import asyncio, time
from datetime import timedelta

import httpx2
from app.auth import APIRouter, CurrentUser, create_app, public
from app.auth import api_key_administration, service_principals
from app.settings import Settings

ROUNDS, REQUESTS = 15, 100
bare, guarded = APIRouter(), APIRouter()


@bare.get("/bare")
@public(reason="It is what the others are compared with.")
async def nobody() -> str:
    return "ok"


@guarded.get("/key")
async def somebody(user: CurrentUser) -> str:
    return "ok"


async def seconds(client: httpx2.AsyncClient, path: str, key: str, forget: object) -> float:
    headers = {"X-API-Key": key} if key else {}
    began = time.perf_counter()
    for _ in range(REQUESTS):
        if forget:
            forget()
        response = await client.get(path, headers=headers)
        assert response.status_code == 200, response.text
    return (time.perf_counter() - began) / REQUESTS


async def main() -> None:
    app = create_app(Settings(), title="Benchmark", protected=[guarded], public=[bare])
    async with app.router.lifespan_context(app):
        auth = app.state.auth
        account_id = await service_principals.create(auth, "benchmark", "")
        made = await api_key_administration.create_key(
            auth, "svc:benchmark", "benchmark", "", timedelta(days=1)
        )
        rows = {
            "bare": ("/bare", "", None),
            "memory": ("/key", made.text, None),
            "look-up": ("/key", made.text, lambda: auth.api_keys.forget_account(account_id)),
        }
        transport = httpx2.ASGITransport(app)
        best = dict.fromkeys(rows, 1e9)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for _ in range(ROUNDS):
                for name, row in rows.items():
                    best[name] = min(best[name], await seconds(client, *row))
    for name, value in best.items():
        print(name, value * 1000)


asyncio.run(main())
"""


def main() -> int:
    """Measure and print; return 1 when a key in memory costs more than half of a look-up."""
    with tempfile.TemporaryDirectory() as name:
        service = Path(name) / "service"
        render({**defaults(), "token_revocation": "database"}, service)
        figures = measure(service)
    bare = figures["bare"]
    print("a request, in milliseconds        all   the key's part")
    print(f"  bare route                 {bare:8.3f}")
    for name, title in (("memory", "with a key in memory "), ("look-up", "with a look-up each")):
        print(f"  {title}      {figures[name]:8.3f}   {figures[name] - bare:8.3f}")
    added, asked = figures["memory"] - bare, figures["look-up"] - bare
    print(f"  memory costs {added / asked:.0%} of a look-up (ceiling {CEILING:.0%})")
    return int(added > CEILING * asked)


def measure(service: Path) -> dict[str, float]:
    """Return the milliseconds of one request by route."""
    environment = {
        **os.environ,
        "SECRET_KEY": "benchmark-only-Kx3vQm8ZrT1wYb6NcJ5hLd0sGf",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(service),
    }

    def run(*words: str) -> str:
        command = [sys.executable, *words]
        return subprocess.check_output(command, cwd=service, env=environment, text=True)

    run("-m", "app", "db", "upgrade")
    lines = [line.split() for line in run("-c", PROGRAM).splitlines() if not line.startswith("{")]
    return {name: float(value) for name, value in lines}


if __name__ == "__main__":
    sys.exit(main())
