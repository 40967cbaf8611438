# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Prometheus numbers, for whoever holds their own token."""

import os
import secrets

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.core.errors import InvalidToken, NotFound, Unauthenticated
from app.core.public import public
from app.core.settings import CoreSettings


def metrics_router(settings: CoreSettings) -> APIRouter:
    """Return `GET /metrics`; there is no such page until METRICS_TOKEN is set."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    @public(reason="it has a token of its own, METRICS_TOKEN, that opens nothing else")
    def metrics(request: Request) -> Response:
        """Return all numbers of the service in Prometheus' text format."""
        if settings.metrics_token is None:
            raise NotFound
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
        expected = settings.metrics_token.get_secret_value()
        if not secrets.compare_digest(token.encode(), expected.encode()):
            raise InvalidToken
        return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)

    return router


def _registry() -> CollectorRegistry:
    """Return this process' numbers, or all workers' when they share PROMETHEUS_MULTIPROC_DIR."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    # prometheus_client's multiprocess module has no types.
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
