# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The tables of logins with providers; the same for all answers, empty where nobody chose any.

Nothing here can be used by who reads it: state, code and what the browser holds are stored as
SHA-256 of 256 random bits, and the provider's own tokens are not stored at all.
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, UTCDateTime


class AccountIdentity(Base):
    """Somebody as a provider knows them: issuer and subject, never an e-mail address."""

    __tablename__ = "account_identity"
    # One login cannot open two accounts, whatever the code above does.
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    provider: Mapped[str] = mapped_column(String(32))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class OAuthFlow(Base):
    """A login that is under way at a provider; deleted by the statement that uses it."""

    __tablename__ = "oauth_flow"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    provider: Mapped[str] = mapped_column(String(32))
    # "login", or "link": the identity is added to the account of the session that asked for it.
    purpose: Mapped[str] = mapped_column(String(16))
    # The session that asks for a link, or that a login in the same browser replaces.
    session_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("auth_session.id", ondelete="CASCADE"), index=True
    )
    return_to: Mapped[str] = mapped_column(String(2048))
    # "cookie" or "code": how the result reaches the client.
    response_type: Mapped[str] = mapped_column(String(16))
    code_challenge: Mapped[str | None] = mapped_column(String(128))
    client_state: Mapped[str | None] = mapped_column(String(512))
    scope: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class OAuthCode(Base):
    """A finished login that waits for its client; deleted by the statement that uses it."""

    __tablename__ = "oauth_code"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    # Whatever ends the account's sessions ends the code too.
    token_version: Mapped[int]
    # One of both: whose browser it is, or who knows the verifier (RFC 7636).
    browser_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    code_challenge: Mapped[str | None] = mapped_column(String(128))
    scope: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
