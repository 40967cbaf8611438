# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The shapes of requests and answers about logins with providers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.auth.oauth.settings import MAX_RETURN_ADDRESS_CHARACTERS

ReturnAddress = Annotated[str, Field(max_length=MAX_RETURN_ADDRESS_CHARACTERS)]


class LinkRequest(BaseModel):
    """Where the browser goes once the provider is linked, of OAUTH_RETURN_TO."""

    model_config = ConfigDict(extra="forbid")

    return_to: ReturnAddress


class AuthorizationAddress(BaseModel):
    """Where the page sends its browser next."""

    authorization_url: str


class IdentityView(BaseModel):
    """A login with a provider as the account's owner sees it."""

    id: UUID
    provider: str
    issuer: str
    created_at: datetime
