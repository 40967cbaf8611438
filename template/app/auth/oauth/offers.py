# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the docs page offers: its Authorize dialog logs in with a provider, too."""

from collections.abc import Iterable
from typing import Any

from app.core.application import Service
from app.scopes import SCOPES


def offer_on_docs_page(app: Service, providers: Iterable[str]) -> None:
    """Describe each provider as a way to get the token that the protected routes ask for."""
    describe, names = app.openapi, list(providers)

    def describe_with_providers() -> dict[str, Any]:
        document = describe()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        added = {f"login_with_{name}": _scheme(name) for name in names}
        if not added.keys() <= schemes.keys():
            schemes |= added
            operations = [each for path in document["paths"].values() for each in path.values()]
            for asked in (each["security"] for each in operations if each.get("security")):
                scopes = next(iter(asked[0].values()))
                asked += [{name: scopes} for name in added]
        return document

    app.openapi = describe_with_providers  # type: ignore[method-assign]


def _scheme(name: str) -> dict[str, Any]:
    flow = {
        "authorizationUrl": f"/auth/oauth/{name}/login",
        "tokenUrl": "/auth/oauth/exchange",
        "scopes": dict(SCOPES),
    }
    return {"type": "oauth2", "flows": {"authorizationCode": flow}}
