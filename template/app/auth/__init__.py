# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Authentication. Use these names and nothing deeper: the rest may change with an update."""

from app.auth.application import create_app
from app.auth.dependencies import (
    CurrentAccount,
    CurrentUser,
    get_current_user,
    get_current_user_from_db,
    require_recent_login,
)
from app.auth.models import Account
from app.auth.principal import Principal
from app.auth.requirements import requires
from app.auth.routing import APIRouter
from app.auth.wiring import AuthSettings
from app.core.application import Service
from app.core.public import public

__all__ = [
    "APIRouter",
    "Account",
    "AuthSettings",
    "CurrentAccount",
    "CurrentUser",
    "Principal",
    "Service",
    "create_app",
    "get_current_user",
    "get_current_user_from_db",
    "public",
    "require_recent_login",
    "requires",
]
