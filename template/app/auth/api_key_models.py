# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The tables of API keys and service principals; the same for all answers.

No key is stored: what the table holds of one is its public id and a SHA-256 that contains 256
random bits, so that a stolen database opens nothing.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, UTCDateTime


class ServicePrincipal(Base):
    """A program with an account of its own, which has no address and no password.

    The account row beside it says what it may do and whether it is active, so that everything that
    belongs to an account can belong to a program too.
    """

    __tablename__ = "service_principal"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(63), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ApiKey(Base):
    """A key of an account or of a service principal; scope and kind never change once it exists."""

    __tablename__ = "api_key"

    # The public half, also in logs and lists.
    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    # "user" or "svc", as in the key itself.
    kind: Mapped[str] = mapped_column(String(8))
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str] = mapped_column(String(100))
    # Space-delimited; what a caller may do is this and what the account holds at that moment.
    scope: Mapped[str] = mapped_column(Text)
    # Of the whole key, kind and id included: none of its parts can be exchanged.
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    # Written by the one statement that may make a successor.
    rotated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Unique: a key has at most one successor, whatever the code above does.
    rotated_from: Mapped[str | None] = mapped_column(
        ForeignKey("api_key.id", ondelete="SET NULL"), unique=True
    )
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoke_reason: Mapped[str | None] = mapped_column(String(64))
    # Written at most once a minute.
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used_ip: Mapped[str | None] = mapped_column(String(64))
