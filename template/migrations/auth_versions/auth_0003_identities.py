# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Identities at providers, logins under way, and the codes that they end in."""

import sqlalchemy as sa
from alembic import op

revision = "auth_0003"
down_revision = "auth_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_identities()
    _make_flows()
    _make_codes()


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("oauth_code")
    op.drop_table("oauth_flow")
    op.drop_table("account_identity")


def _make_identities() -> None:
    op.create_table(
        "account_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_account_identity_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_account_identity_issuer")),
    )
    op.create_index(
        op.f("ix_account_identity_account_id"), "account_identity", ["account_id"], unique=False
    )


def _make_flows() -> None:
    op.create_table(
        "oauth_flow",
        sa.Column("state_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("return_to", sa.String(length=2048), nullable=False),
        sa.Column("response_type", sa.String(length=16), nullable=False),
        sa.Column("code_challenge", sa.String(length=128), nullable=True),
        sa.Column("client_state", sa.String(length=512), nullable=True),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["auth_session.id"],
            name=op.f("fk_oauth_flow_session_id_auth_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oauth_flow")),
    )
    op.create_index(op.f("ix_oauth_flow_session_id"), "oauth_flow", ["session_id"], unique=False)
    op.create_index(op.f("ix_oauth_flow_expires_at"), "oauth_flow", ["expires_at"], unique=False)


def _make_codes() -> None:
    op.create_table(
        "oauth_code",
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("code_challenge", sa.String(length=128), nullable=True),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_oauth_code_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_oauth_code")),
    )
    op.create_index(op.f("ix_oauth_code_account_id"), "oauth_code", ["account_id"], unique=False)
    op.create_index(op.f("ix_oauth_code_expires_at"), "oauth_code", ["expires_at"], unique=False)
