"""The checks in hooks/ reach every service by one-line includes, whole and unchanged."""

from tests.matrix.rendering import Rendering
from tests.test_ownership import MARKER
from tools.ownership import ROOT

HOOKS = ROOT / "hooks"


def vendored() -> set[str]:
    """Return the path of every Python file of the checks."""
    return {file.relative_to(ROOT).as_posix() for file in HOOKS.rglob("*.py")}


def test_every_check_is_in_every_service(renderings: list[Rendering]) -> None:
    for rendering in renderings:
        assert {path for path in rendering.files if path.startswith("hooks/")} == vendored()


def test_a_vendored_check_is_the_same_behind_its_first_line(renderings: list[Rendering]) -> None:
    for path in vendored():
        first, _, rest = renderings[0].read(path).partition("\n")
        assert first == f"# {MARKER}", path
        assert rest == (ROOT / path).read_text("utf-8"), path
