# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Moved to `app.core.strict_json` in 0.2.0; a path never vanishes, or edits to it would be lost."""

from app.core.strict_json import MalformedJson, parse_json_object

__all__ = ["MalformedJson", "parse_json_object"]
