# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A front end is served to everybody, so an app with one does not start unless somebody said so."""

from pathlib import Path

import pytest

from app.auth import create_app
from app.auth.guard import UnguardedRoutes, require_guarded_routes
from tests.auth.support.settings import build_settings, settings_values


def test_a_forgotten_front_end_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>hello")
    settings = build_settings(settings_values("sqlite+aiosqlite:///never-opened.db"))
    app = create_app(settings, title="Test", protected=[])
    require_guarded_routes(app)
    app.frontend("/", directory=tmp_path)
    with pytest.raises(UnguardedRoutes, match="front end"):
        require_guarded_routes(app)
