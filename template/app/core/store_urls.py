# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Which addresses of a store are taken; in production encrypted, without a well-known password."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

# Nothing between a process and these can listen: this machine, or a socket file.
THIS_MACHINE = frozenset({"", "localhost", "127.0.0.1", "::1"})

DRIVERS = frozenset({"postgresql+asyncpg", "sqlite+aiosqlite"})  # those that are installed

# What images, tutorials and compose files of PostgreSQL and Redis come with (ASVS 13.2.3).
_KNOWN_PASSWORDS = frozenset(
    """
    123456 12345678 admin app changeit changeme default example foobared guest letmein mypassword
    mysecretpassword p@ssw0rd pass passw0rd password postgres postgresql qwerty redis root secret
    service test toor user
    """.split()  # noqa: SIM905 - a list of 28 strings reads worse
)

OR_PRIVATE = "or set STORES_NETWORK_IS_PRIVATE=true when nobody else can listen there"


def _checked(text: str) -> str:
    try:
        driver = make_url(text).drivername
    except (ArgumentError, ValueError):
        driver = ""
    if driver not in DRIVERS:
        raise ValueError(
            "must be an address that begins with postgresql+asyncpg:// or sqlite+aiosqlite:///"
        )
    return text


# An address of a database that the service can speak to. An error never repeats it, it may hold a
# password.
DatabaseUrl = Annotated[str, AfterValidator(_checked)]


def database_url_findings(text: str, *, private_network: bool) -> Iterator[str]:
    """Yield what is wrong with the address of a PostgreSQL in production."""
    url = make_url(text)
    yield from password_findings("DATABASE_URL", url.password, url.username)
    checked = url.query.get("ssl") in {"verify-full", "verify-ca"}
    if not (checked or private_network or _host(url) in THIS_MACHINE):
        yield (
            "DATABASE_URL does not ask for TLS with a checked certificate:"
            f" add ?ssl=verify-full, {OR_PRIVATE}"
        )


def password_findings(name: str, password: object, username: str | None) -> Iterator[str]:
    """Yield that a password is one that everybody tries first."""
    if password is not None and str(password).lower() in {*_KNOWN_PASSWORDS, username}:
        yield f"{name} has a well-known password, or the user's name as one: make a random one"


def _host(url: URL) -> str:
    host = url.host or url.query.get("host", "")
    # asyncpg takes a directory as the place of a socket file.
    return "" if isinstance(host, str) and host.startswith("/") else str(host)
