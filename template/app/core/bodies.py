# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a request's body may be: so long, and of one meaning."""

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.strict_json import UnambiguousBodiesMiddleware

# In the scope of a request of which it is known that no body follows.
WITHOUT_BODY = "gatehouse.without_body"


class BodiesMiddleware:
    """Refuses bodies that are too long or ambiguous; a request that has none passes by.

    Args:
        app: What runs inside.
        max_body_size: Bytes; a route may set its own.
    """

    def __init__(self, app: ASGIApp, *, max_body_size: int) -> None:
        self._app = app
        limited = RequestBodyLimitMiddleware(app, max_body_size=max_body_size)
        self._checking = UnambiguousBodiesMiddleware(limited)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, with or without a look at what it receives."""
        checked_or_not = self._app if scope.get(WITHOUT_BODY) else self._checking
        await checked_or_not(scope, receive, send)
