"""What is compared: each variant as one row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

BARE = "bare"
# Tokens of a run, and how many of them a worker with a small memory remembers: asked in turn, the
# one that comes next has always just been forgotten.
TOKENS, FEW_REMEMBERED = 64, 32

Group = Literal["main", "cache", "single", "workers", "logging"]
PEER_PACKAGES: Mapping[str, Sequence[str]] = {
    "fastapi-users": ("fastapi-users[sqlalchemy,redis]==15.0.5", "asyncpg==0.32.0"),
    "authx": ("authx==1.7.1", "redis==8.1.0"),
}
PEER_SERVER = ("uvicorn==0.54.0", "httptools", "uvloop", "hiredis")


@dataclass(frozen=True)
class Variant:
    """One thing that is measured.

    Attributes:
        name: in the figures.
        title: in the table.
        app: module and attribute of the app, below `apps`.
        environment: what its process gets besides the addresses of the stores.
        answers: of the service that is rendered for it; empty: it is no service.
        peer: whose environment it runs in; empty: the template's own.
        hits: the share of requests whose token the worker remembers.
        connections: open at once.
        workers: processes of the server.
        logs: whether both it and what it is compared with write an access log.
        caller: "token", "key" or "nobody".
    """

    name: str
    title: str
    app: str
    environment: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    peer: str = ""
    hits: float = 1
    connections: int = 32
    workers: int = 1
    logs: bool = False
    caller: str = "token"

    @property
    def server(self) -> tuple[object, ...]:
        """What two variants must have in common to be measured on one server."""
        small = self.hits < 1
        settings = tuple(sorted(self.environment.items()))
        return self.app, settings, self.answers, self.workers, small, self.logs

    @property
    def baseline(self) -> str:
        """The bare route that it is compared with."""
        return baseline_name(self.connections, self.workers, logs=self.logs)


def baseline_name(connections: int, workers: int, *, logs: bool) -> str:
    """Return the name of a bare route under these circumstances."""
    parts = [BARE]
    parts += [f"{connections} connection"] if connections != 32 else []
    parts += [f"{workers} workers"] if workers != 1 else []
    parts += ["with logs"] if logs else []
    return ", ".join(parts)


def bare(connections: int = 32, workers: int = 1, *, logs: bool = False) -> Variant:
    """Return the route without authentication."""
    return Variant(
        baseline_name(connections, workers, logs=logs),
        "bare FastAPI",
        "bare:app",
        connections=connections,
        workers=workers,
        logs=logs,
        caller="nobody",
    )


# The ways of revocation: the answer that chooses one, and its settings.
REVOCATIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "none": ("none", {}),
    "database": ("database", {}),
    "strict": ("redis", {"REVOCATION_CHECK": "strict"}),
    "replica": ("redis", {"REVOCATION_CHECK": "replica"}),
}


def gatehouse(revocation: str, algorithm: str, **circumstances: object) -> Variant:
    """Return a rendered service."""
    answer, settings = REVOCATIONS[revocation]
    extra = ", ".join(f"{value} {name}" for name, value in circumstances.items())
    name = f"gatehouse {revocation} {algorithm}" + (f", {extra}" if extra else "")
    return Variant(
        name,
        f"Gatehouse, `{revocation}`, {algorithm}",
        "gatehouse_app:create",
        environment=settings,
        answers=(f"token_revocation={answer}", f"jwt_algorithm={algorithm}"),
        **circumstances,  # type: ignore[arg-type]
    )


def others_of_gatehouse() -> Iterator[Variant]:
    """Yield a service that is asked with an API key, and one that asks for nobody."""
    app, answers = "gatehouse_app:create", ("token_revocation=none", "jwt_algorithm=HS256")
    title = "Gatehouse, an API key in memory"
    yield Variant("gatehouse key", title, app, {}, answers, caller="key")
    opened, title = {"BENCH_PUBLIC": "1"}, "Gatehouse, a public route"
    yield Variant("gatehouse public", title, app, opened, answers, caller="nobody")


def tutorials() -> Iterator[Variant]:
    """Yield the common ways, as tutorials and starters write them."""
    yield Variant("sessions ORM", "sessions in PostgreSQL, ORM", "sessions:app")
    core = {"BENCH_CORE": "1"}
    yield Variant("sessions Core", "sessions in PostgreSQL, Core", "sessions:app", core)
    for algorithm in ("HS256", "RS256"):
        settings = {"BENCH_ALGORITHM": algorithm}
        yield Variant(f"jwt {algorithm}", f"JWT, {algorithm}", "jwt_route:app", settings)
    hs256 = {"BENCH_ALGORITHM": "HS256"}
    yield Variant("jwt redis", "JWT and a GET of Redis", "jwt_redis:app", hs256)
    yield Variant("jwt row", "JWT and the user's row", "row_per_request:app", hs256)


def peers() -> Iterator[Variant]:
    """Yield the libraries, each in an environment of its own."""
    for strategy in ("jwt", "redis", "database"):
        settings = {"BENCH_STRATEGY": strategy}
        name = f"fastapi-users {strategy}"
        yield Variant(name, name, "fastapi_users_app:app", settings, peer="fastapi-users")
    yield Variant("authx", "authx", "authx_app:app", peer="authx")
    blocks = {"BENCH_BLOCKLIST": "1"}
    title = "authx with a blocklist in Redis"
    yield Variant("authx blocklist", title, "authx_app:app", blocks, peer="authx")


def of_group(group: Group) -> list[Variant]:
    """Return the variants that are measured under the same circumstances."""
    if group == "main":
        services = [gatehouse(each, "HS256") for each in REVOCATIONS]
        services += [gatehouse(each, "RS256") for each in REVOCATIONS]
        return [*services, *others_of_gatehouse(), *tutorials(), *peers()]
    if group == "cache":
        pairs = [("replica", "HS256"), ("replica", "RS256"), ("strict", "RS256")]
        return [gatehouse(*pair, hits=hits) for pair in pairs for hits in (0, 0.5)]
    if group == "single":
        services = [gatehouse(each, "RS256", connections=1) for each in REVOCATIONS]
        settings = {"BENCH_ALGORITHM": "HS256"}
        return [
            *services,
            Variant(
                "jwt HS256, 1 connections", "JWT, HS256", "jwt_route:app", settings, connections=1
            ),
        ]
    if group == "workers":
        return [gatehouse(each, "RS256", workers=2) for each in ("strict", "replica")]
    return [gatehouse(each, "RS256", logs=True) for each in ("strict", "replica")]
