"""The settings of this service; add yours here, they are read from the environment and .env."""

from app.auth import AuthSettings


class Settings(AuthSettings):
    """Everything that a deployment decides."""
