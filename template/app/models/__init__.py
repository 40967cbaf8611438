"""The tables of this service; import each module here, so that Alembic sees it."""

from app.models.item import Item

__all__ = ["Item"]
