# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The tables of accounts, sessions, tokens, keys and denials; the same for all answers.

Nothing here is a secret in clear: passwords are argon2id, single-use secrets and refresh tokens
are SHA-256 hashes of 256 random bits, private keys and queued mail are sealed (derived_keys.py).
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, UTCDateTime


class Account(Base):
    """Someone or something that can be authenticated; your own columns go into a table of yours."""

    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    # NULL for a deleted account and for one that has no address.
    email: Mapped[str | None] = mapped_column(String(320), unique=True)
    email_verified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # NULL: no password login, for example an account made by an identity provider.
    password_hash: Mapped[str | None] = mapped_column(String(512))
    # Space-delimited, as in RFC 6749 section 3.3.
    scope: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)
    # Raised to refuse every access token and session issued before.
    token_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class PendingRegistration(Base):
    """A registration that nobody has confirmed; one address may have several, each for 24 hours."""

    __tablename__ = "pending_registration"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(String(320), index=True)
    password_hash: Mapped[str] = mapped_column(String(512))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class SingleUseSecret(Base):
    """A mailed secret (password reset, change of e-mail); deleted by the statement that uses it."""

    __tablename__ = "single_use_secret"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    # NULL: asked for an unknown address, where the same work is done as for a known one.
    account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    new_email: Mapped[str | None] = mapped_column(String(320))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class AuthSession(Base):
    """One login on one device; liveness belongs here, never to a refresh token."""

    __tablename__ = "auth_session"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    client_id: Mapped[str] = mapped_column(String(255))
    scope: Mapped[str] = mapped_column(Text)
    auth_time: Mapped[datetime] = mapped_column(UTCDateTime)
    token_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_refreshed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    idle_expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    absolute_expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoke_reason: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str] = mapped_column(String(256))
    ip: Mapped[str] = mapped_column(String(64))


class RefreshToken(Base):
    """One generation of a session's refresh token; `consumed_at` means used and nothing else."""

    __tablename__ = "refresh_token"
    # Two successors of one token are impossible, whatever the code above does.
    __table_args__ = (UniqueConstraint("session_id", "generation"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("auth_session.id", ondelete="CASCADE"))
    generation: Mapped[int]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    consumed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Which derived key made the successor, written with consumed_at: a retry recomputes it.
    successor_key_id: Mapped[str | None] = mapped_column(String(16))
    retries: Mapped[int] = mapped_column(default=0)


class SigningKey(Base):
    """A key that signs access tokens; its state follows from these times and the clock alone."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    alg: Mapped[str] = mapped_column(String(16))
    # NULL for HMAC keys, which have no public half.
    public_jwk: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    private_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sign_from: Mapped[datetime] = mapped_column(UTCDateTime)
    sign_until: Mapped[datetime] = mapped_column(UTCDateTime)
    verify_until: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Revocation(Base):
    """A denial: the truth that every deny-list is a copy of."""

    __tablename__ = "revocation"
    __table_args__ = (
        Index("ix_revocation_kind_value", "kind", "value"),
        Index(
            "ix_revocation_undelivered",
            "expires_at",
            sqlite_where=text("delivered_at IS NULL"),
            postgresql_where=text("delivered_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(String(8))
    value: Mapped[str] = mapped_column(String(64))
    # With kind "sub": tokens of the account below this version are denied. 0 otherwise.
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    delivered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class OutboxMessage(Base):
    """A mail that a committed change owes; sealed, because it may hold a single-use secret."""

    __tablename__ = "outbox_message"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    next_attempt_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
