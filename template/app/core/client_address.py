# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Who is at the other end: the one place that reads X-Forwarded-For.

A header that any client can send is believed only as far as proxies we named wrote it. Start
uvicorn with ``--no-proxy-headers``: its own reading of the header would run first, under other
rules.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from starlette.requests import HTTPConnection

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What a connection without an address (a Unix socket) is called.
UNKNOWN = "unknown"

# A customer's line is a /64 (RFC 6177): counting single IPv6 addresses would count nothing.
IPV6_RATE_LIMIT_PREFIX = 64


class ProxySettings(Protocol):
    """The two ways to say which proxies are ours; the settings refuse both at once."""

    @property
    def trusted_proxies(self) -> list[Network]:
        """Networks our proxies connect from."""

    @property
    def trusted_proxy_hops(self) -> int:
        """Number of proxies in front of the service, where their addresses are not known."""


def client_address(connection: HTTPConnection, settings: ProxySettings) -> str:
    """Return the client's address in canonical form, or "unknown" without one.

    By networks: the right-most entry that none of our proxies has, as far as our proxies wrote the
    list. By hops: the entry so many places before the peer; a shorter list did not come through our
    proxies and is not believed.
    """
    peer = _parse(connection.client.host) if connection.client else None
    if settings.trusted_proxy_hops:
        address = _before_hops(peer, _forwarded(connection), settings.trusted_proxy_hops)
    else:
        address = _before_networks(peer, _forwarded(connection), settings.trusted_proxies)
    return UNKNOWN if address is None else str(address)


def rate_limit_network(address: str) -> str:
    """Return what a limit per address counts by: the /64 of an IPv6 address, any other as it is."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, IPV6_RATE_LIMIT_PREFIX), strict=False))
    return address


def _forwarded(connection: HTTPConnection) -> list[str]:
    """Return all entries of all X-Forwarded-For headers, the nearest proxy's last."""
    return ",".join(connection.headers.getlist("x-forwarded-for")).split(",")


def _before_networks(
    peer: Address | None, forwarded: list[str], trusted: list[Network]
) -> Address | None:
    address = peer
    while address is not None and forwarded and any(address in network for network in trusted):
        # Garbage ends the list: whoever wrote it, the proxy that passed it on is the last we know.
        parsed = _parse(forwarded.pop())
        if parsed is None:
            break
        address = parsed
    return address


def _before_hops(peer: Address | None, forwarded: list[str], hops: int) -> Address | None:
    if len(forwarded) < hops:
        return peer
    return _parse(forwarded[-hops]) or peer


def _parse(text: str) -> Address | None:
    """Return the bare address, IPv4 for IPv4-mapped IPv6; None for garbage."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
