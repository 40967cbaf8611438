"""Clients that go on asking: each request has to be answered well."""

import threading
import time
from collections import Counter
from types import TracebackType

import httpx2

# Seconds; a new version may take the place of the old one while a request waits.
PATIENCE = 60
# A proxy older than the one of compose.yaml lets only GET wait while no service is ready, and
# answers others itself. Such a request reached nobody, so nothing was lost; the report counts them.
TURNED_AWAY = "503 of the proxy"


class Load:
    """Threads that read and write items through the proxy until the block ends.

    Args:
        base_url: of the proxy.
        token: an access token.
        threads: how many clients.
    """

    def __init__(self, base_url: str, token: str, threads: int = 4) -> None:
        self.statuses: Counter[str] = Counter()
        self.slowest = 0.0
        self._stop = threading.Event()
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx2.Client(
            base_url=base_url, headers=headers, timeout=PATIENCE, trust_env=False
        )
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    @property
    def failed(self) -> Counter[str]:
        """What was not answered as it should."""
        return Counter(
            {k: n for k, n in self.statuses.items() if k not in {"200", "201", TURNED_AWAY}}
        )

    def _ask(self, number: int) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.statuses[self._once(number)] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.02)

    def _once(self, number: int) -> str:
        try:
            # One of them writes: such a request cannot be sent again by the proxy.
            if number:
                return str(self._client.get("/items").status_code)
            answer = self._client.post("/items", json={"name": "load"})
            proxys_own = answer.status_code == 503 and not answer.content
            return TURNED_AWAY if proxys_own else str(answer.status_code)
        except httpx2.TransportError as error:
            return type(error).__name__
