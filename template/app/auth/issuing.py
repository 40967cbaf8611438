# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Signing what a login or a refresh gives."""

from dataclasses import dataclass
from datetime import datetime

from app.auth.derived_keys import new_secret
from app.auth.models import AuthSession
from app.auth.runtime import Auth
from app.auth.security import AccessClaims, sign_access_token


@dataclass(frozen=True)
class IssuedTokens:
    """What a login or a refresh gives."""

    access_token: str
    expires_in: int
    refresh_token: str
    scope: str
    session_expires_at: datetime


def issue_tokens(auth: Auth, row: AuthSession, refresh_token: str, now: datetime) -> IssuedTokens:
    """Sign an access token for a session, after its transaction has been committed.

    Args:
        auth: the parts of the running app.
        row: the session.
        refresh_token: goes to the client beside the access token.
        now: a time from before the transaction's first write: a worker that was paused since then
            cannot sign a token that outlives the denial of its session.
    """
    claims = AccessClaims(
        issuer=auth.settings.issuer,
        subject=row.account_id,
        audience=auth.settings.audience,
        client_id=row.client_id,
        issued_at=now,
        expires_at=now + auth.settings.access_lifetime,
        token_id=new_secret(),
        session_id=row.id,
        version=row.token_version,
        auth_time=row.auth_time,
        scope=row.scope,
    )
    return IssuedTokens(
        access_token=sign_access_token(claims, auth.keyring.signer()),
        expires_in=auth.settings.access_token_lifetime,
        refresh_token=refresh_token,
        scope=row.scope,
        session_expires_at=row.absolute_expires_at,
    )
