"""Every rendered file has one owner, says so in its first line, and the manifest is true."""

import hashlib
import tomllib

import pathspec
import pytest
import yaml

from tests.matrix.questions import title
from tests.matrix.rendering import Rendering
from tools.manifest import MANIFEST, WITHOUT_HASH, manifest
from tools.ownership import OWNERS, exclude_table, owner_of, sources

MARKER = "Owned by the Gatehouse template: updated by copier update, see ownership.toml."
SHARED_MARKER = "Shared with the Gatehouse template"
SEPARATOR = "---- yours below ----"
# Files of these kinds can hold a comment; the others (scripts and styles of other projects, data,
# licences) are listed in ownership.toml only.
COMMENTED = (".py", ".toml", ".yml", ".yaml", ".ini", ".mako")


def test_every_file_has_exactly_one_owner() -> None:
    for path, _ in sources():
        owner_of(path)


def test_a_path_without_an_owner_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"app/stray\.py has 0 owners"):
        owner_of("app/stray.py")


def test_the_first_line_says_who_owns_a_file() -> None:
    for path, source in sources():
        text = source.read_text("utf-8") if path.endswith(COMMENTED) else ""
        first = text.partition("\n")[0]
        owner = owner_of(path)
        if owner == "template" and path.endswith(COMMENTED):
            assert first.lstrip("# ") == MARKER, f"{path}: {first!r}"
        else:
            assert MARKER not in first, path


def test_a_shared_file_keeps_the_lines_of_both_sides_apart(renderings: list[Rendering]) -> None:
    for path in OWNERS["shared"]:
        text = renderings[0].read(path)
        assert SHARED_MARKER in text.partition("\n")[0], path
        assert SEPARATOR in text, path


def test_the_manifest_is_fresh() -> None:
    assert MANIFEST.read_text("utf-8") == manifest(), "run `make manifest`"


def test_the_manifest_of_a_service_lists_exactly_its_files(renderings: list[Rendering]) -> None:
    for rendering in renderings:
        listed = tomllib.loads(rendering.read("ownership.toml"))
        patterns = [f"/{p}" for p in (*listed["yours"]["paths"], *listed["shared"]["paths"])]
        others = pathspec.PathSpec.from_lines("gitignore", patterns)
        template = {path for path in rendering.files if not others.match_file(path)}
        assert set(listed["template"]) == template, title(rendering.answers)


def test_the_hashes_of_the_manifest_are_those_of_the_files(renderings: list[Rendering]) -> None:
    for rendering in renderings:
        for path, digest in tomllib.loads(rendering.read("ownership.toml"))["template"].items():
            content = (rendering.directory / path).read_bytes()
            known = "rendered" if path in WITHOUT_HASH else hashlib.sha256(content).hexdigest()
            assert digest == known, path


def test_the_manifest_holds_the_answers_that_the_files_were_rendered_with(
    renderings: list[Rendering],
) -> None:
    for rendering in renderings:
        held = tomllib.loads(rendering.read("ownership.toml"))["answers"]
        recorded = yaml.safe_load(rendering.read(".copier-answers.yml"))
        recorded.pop("_src_path")
        assert held == {"_commit": "", **recorded}, title(rendering.answers)


def test_exactly_your_files_are_left_out_of_an_update() -> None:
    (seeded,) = [block for block in exclude_table()[0] if block.seeds]
    left_out = {path for path, _ in sources() if seeded.holds(path)}
    assert left_out == {path for path, _ in sources() if owner_of(path) == "yours"}
    wanted = {f"/{pattern.removesuffix('/**')}" for pattern in OWNERS["yours"]}
    assert set(seeded.paths) == wanted
