# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The shapes of requests and answers about API keys; unknown fields are refused."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_LABEL_CHARACTERS = 100
MAX_SCOPE_CHARACTERS = 2000
MAX_LIFETIME_DAYS = 3650  # what the shape takes; API_KEY_MAX_LIFETIME is the limit of a deployment


def check_label(label: str) -> str:
    """Return a label without blanks around it.

    Raises:
        ValueError: nothing is left, or a character that does not print, as in a forged log line.
    """
    label = label.strip()
    if not label or not label.isprintable():
        raise ValueError("a label is a line of printable text")
    return label


Label = Annotated[
    str, Field(min_length=1, max_length=MAX_LABEL_CHARACTERS), AfterValidator(check_label)
]


class ApiKeyRequest(BaseModel):
    """A wish for an API key."""

    model_config = ConfigDict(extra="forbid")

    label: Label
    scope: str = Field(
        max_length=MAX_SCOPE_CHARACTERS, description="Space-delimited; at most what you hold."
    )
    expires_in_days: int | None = Field(
        default=None, ge=1, le=MAX_LIFETIME_DAYS, description="90 when left out."
    )


class ApiKeyView(BaseModel):
    """An API key as its owner sees it."""

    id: str
    label: str
    scope: str
    state: Literal["living", "rotated", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_ip: str | None


class NewApiKey(ApiKeyView):
    """A key that was just made, with the one look at the key itself."""

    api_key: str = Field(description="Shown this once; keep it like a password.")
