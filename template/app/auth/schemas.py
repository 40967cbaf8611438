# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The shapes of requests and answers; unknown fields are refused."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    TypeAdapter,
    ValidationError,
)

from app.auth.passwords import MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS

MAX_EMAIL_CHARACTERS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
MAX_SECRET_CHARACTERS = 128  # ours have 43; a bound for what is hashed


def normalise_email(email: str) -> str:
    """Return the one form under which an address is stored and looked up."""
    return email.lower()


Email = Annotated[EmailStr, Field(max_length=MAX_EMAIL_CHARACTERS), AfterValidator(normalise_email)]
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


def parse_email(text: str) -> str:
    """Return an address in the one form of `Email`, or "", which no account has."""
    try:
        return _EMAIL.validate_python(text.strip())
    except ValidationError:
        return ""


# A password to check: only bounded, so that an old, shorter one still logs in.
Password = Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)]
NewPassword = Annotated[
    str, Field(min_length=MIN_PASSWORD_CHARACTERS, max_length=MAX_PASSWORD_CHARACTERS)
]
Secret = Annotated[str, Field(min_length=1, max_length=MAX_SECRET_CHARACTERS)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Registration(_Request):
    """A wish for an account."""

    email: Email
    password: NewPassword


class Login(_Request):
    """A login that is answered with a cookie."""

    email: Email
    password: Password
    scope: str | None = Field(default=None, max_length=2000)


class RefreshRequest(_Request):
    """A refresh token outside a cookie."""

    refresh_token: Secret


class EmailVerification(_Request):
    """The mailed secret, and the password of that registration or account."""

    token: Secret
    password: Password


class EmailChange(_Request):
    """The address that the account shall have."""

    email: Email


class PasswordChange(_Request):
    """The current password and the new one."""

    current_password: Password
    password: NewPassword


class PasswordForgotten(_Request):
    """The address of an account whose password is forgotten."""

    email: Email


class PasswordReset(_Request):
    """The mailed secret and the new password."""

    token: Secret
    password: NewPassword


class Accepted(BaseModel):
    """The answer that is the same whether or not there is an account."""

    status: Literal["accepted"] = "accepted"


class AccessToken(BaseModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="Seconds.")
    scope: str


class TokenPair(AccessToken):
    """An access token and the refresh token that renews it."""

    refresh_token: str


class AccountView(BaseModel):
    """An account as its owner sees it."""

    id: UUID
    email: str | None
    email_verified: bool
    scope: str
    created_at: datetime


class SessionView(BaseModel):
    """A session as its owner sees it."""

    id: UUID
    current: bool
    created_at: datetime
    last_refreshed_at: datetime
    expires_at: datetime
    user_agent: str
    ip: str
