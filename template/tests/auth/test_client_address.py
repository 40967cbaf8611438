# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The client's address comes from proxies that were named, and from nobody else (semantics 9)."""

from typing import Any

import pytest
from starlette.requests import HTTPConnection

from app.core.client_address import client_address, rate_limit_network
from app.core.settings import CoreSettings

PROXY = "10.1.2.3"
CLIENT = "203.0.113.9"


def address(peer: str | None, *forwarded: str, proxies: tuple[str, ...] = (), hops: int = 0) -> str:
    """Return what the service believes of a connection with these X-Forwarded-For headers."""
    connection = HTTPConnection(
        {
            "type": "http",
            "client": (peer, 1234) if peer else None,
            "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
        }
    )
    values: dict[str, Any] = {"trusted_proxies": ",".join(proxies), "trusted_proxy_hops": hops}
    return client_address(connection, CoreSettings(**values))


def test_nobody_is_believed_when_no_proxy_is_trusted() -> None:
    assert address(CLIENT, "192.0.2.1") == CLIENT


def test_a_client_that_is_no_proxy_is_not_believed() -> None:
    assert address(CLIENT, "192.0.2.1", proxies=("10.0.0.0/8",)) == CLIENT


@pytest.mark.parametrize(
    "forwarded",
    [
        (CLIENT,),
        (f"192.0.2.1, {CLIENT}",),  # the client sent an address of its own
        (f"10.9.9.9, {CLIENT}",),  # and one that looks like a proxy's
        (f"{CLIENT}, 10.7.7.7",),  # two of our proxies
        ("192.0.2.1", CLIENT),  # the client sent a header of its own, the proxy added another
        ("192.0.2.1", f"{CLIENT}, 10.7.7.7"),
        (f"garbage, {CLIENT}",),
        (f"{CLIENT}:4711",),
        (f"::ffff:{CLIENT}",),
        (f"[::ffff:{CLIENT}]:4711",),
        (f"  {CLIENT}  ",),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours_is_the_client(
    forwarded: tuple[str, ...],
) -> None:
    assert address(PROXY, *forwarded, proxies=("10.0.0.0/8",)) == CLIENT


@pytest.mark.parametrize(
    "forwarded",
    [
        "garbage",
        "",
        f"{CLIENT}, garbage",
        f"{CLIENT}, unknown",
        f"{CLIENT},",
        "1.2.3.4.5",
        "٣.٣.٣.٣",
    ],
)
def test_what_is_no_address_ends_the_list_at_the_proxy_that_passed_it_on(forwarded: str) -> None:
    assert address(PROXY, forwarded, proxies=("10.0.0.0/8",)) == PROXY


def test_without_the_header_the_proxy_itself_is_the_client() -> None:
    assert address(PROXY, proxies=("10.0.0.0/8",)) == PROXY


def test_the_outermost_proxy_is_the_client_when_all_are_proxies() -> None:
    assert address(PROXY, "10.0.0.1, 10.0.0.2", proxies=("10.0.0.0/8",)) == "10.0.0.1"


def test_a_proxy_that_connects_by_ipv6_mapped_ipv4_is_recognised() -> None:
    assert address(f"::ffff:{PROXY}", CLIENT, proxies=("10.0.0.0/8",)) == CLIENT


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (1, (f"192.0.2.1, {CLIENT}",), CLIENT),
        (2, (f"192.0.2.1, {CLIENT}, 10.7.7.7",), CLIENT),
        (2, ("192.0.2.1", CLIENT, "10.7.7.7"), CLIENT),
        (2, ("192.0.2.1",), PROXY),  # came past a proxy: the list is the client's own
        (1, ("garbage",), PROXY),
        (1, (), PROXY),
    ],
)
def test_hops_count_from_the_nearest_proxy(
    hops: int, forwarded: tuple[str, ...], expected: str
) -> None:
    assert address(PROXY, *forwarded, hops=hops) == expected


def test_a_connection_without_an_address_is_unknown() -> None:
    assert address(None, CLIENT, proxies=("10.0.0.0/8",)) == "unknown"


def test_an_ipv6_address_has_one_spelling() -> None:
    assert address("2001:DB8:0:0:0:0:0:1") == "2001:db8::1"


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_limits_count_ipv6_by_the_line_and_ipv4_by_the_address(client: str, network: str) -> None:
    assert rate_limit_network(client) == network
