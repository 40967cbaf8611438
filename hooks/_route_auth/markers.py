"""What FastAPI reads from a signature: `Depends`, `Security`, `Annotated`; and the public mark."""

from __future__ import annotations

from .values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arguments import Site


class Depends(Value):
    """`Depends(target)` or `Security(target)`; no target means the annotated type."""

    __slots__ = ("site", "target")

    def __init__(self, target: Value | None, site: Site) -> None:
        super().__init__()
        self.target = target
        self.site = site


class Annotated(Value):
    """`Annotated[base, *metadata]`."""

    __slots__ = ("base", "metadata")

    def __init__(self, base: Value, metadata: list[Value]) -> None:
        super().__init__()
        self.base = base
        self.metadata = metadata


class Public(Value):
    """The marker made by a configured `public(reason=...)`, and whether it gave a reason."""

    __slots__ = ("has_reason", "site", "used")

    def __init__(self, site: Site, *, has_reason: bool) -> None:
        super().__init__()
        self.site = site
        self.has_reason = has_reason
        self.used = False
