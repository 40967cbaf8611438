# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The word that opens a route; a route with neither it nor authentication stops the start."""

from collections.abc import Callable
from typing import TypeVar

Target = TypeVar("Target")

_ATTRIBUTE = "__public_reason__"


def public(*, reason: str) -> Callable[[Target], Target]:
    """Mark an endpoint, or an ASGI app that will be mounted, as reachable without authentication.

    Args:
        reason: Why anyone may call it, in words a reviewer can judge.

    Raises:
        ValueError: The reason is empty.
    """
    if not reason.strip():
        raise ValueError("public() needs a reason: say why anyone may call this route")

    def mark(target: Target) -> Target:
        setattr(target, _ATTRIBUTE, reason)
        return target

    return mark


def public_reason(target: object) -> str | None:
    """Return the reason given to `public`, or None for a target that was never opened."""
    reason = getattr(target, _ATTRIBUTE, None)
    return reason if isinstance(reason, str) else None
