"""Every combination renders to exactly the files its answers ask for, the same bytes each time."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.expectations import expected, optional
from tests.matrix.questions import Answers, combinations, defaults, pairwise, spell, title
from tests.matrix.rendering import (
    Rendering,
    copy_template,
    digests,
    render,
    render_all,
)
from tools.ownership import sources

# `${{` is an expression of GitHub's workflow language.
JINJA = re.compile(r"{%|%}|(?<!\$){{\s*[a-z_]|{#")


def each_distinct_file(renderings: list[Rendering]) -> list[tuple[str, Path]]:
    """Return each path with each content it has in some combination, once."""
    found = {
        (path, digest): rendering.directory / path
        for rendering in renderings
        for path, digest in rendering.files.items()
    }
    return [(path, file) for (path, _), file in found.items()]


def test_every_combination_is_rendered(renderings: list[Rendering]) -> None:
    assert [rendering.answers for rendering in renderings] == combinations()


def test_a_combination_has_exactly_the_files_of_its_answers(renderings: list[Rendering]) -> None:
    everywhere = {path for path, _ in sources()} - optional()
    for rendering in renderings:
        wanted = everywhere | expected(rendering.answers)
        assert set(rendering.files) == wanted, title(rendering.answers)


def test_no_combination_has_an_empty_folder(renderings: list[Rendering]) -> None:
    for rendering in renderings:
        folders = [path for path in rendering.directory.rglob("*") if path.is_dir()]
        assert not [folder for folder in folders if not any(folder.iterdir())]


def test_no_jinja_is_left_in_rendered_files(renderings: list[Rendering]) -> None:
    templates = {path for path, source in sources() if source.suffix == ".jinja"}
    for path, file in each_distinct_file(renderings):
        if path in templates:
            left = JINJA.search(file.read_text("utf-8"))
            assert not left, f"{path}: {left}"


def test_every_file_parses(renderings: list[Rendering]) -> None:
    parsers: dict[str, Callable[[str], object]] = {
        ".py": ast.parse,
        ".toml": tomllib.loads,
        ".lock": tomllib.loads,
        ".yml": yaml.safe_load,
        ".yaml": yaml.safe_load,
    }
    for path, file in each_distinct_file(renderings):
        if parse := parsers.get(file.suffix):
            assert parse(file.read_text("utf-8")) is not None or file.suffix == ".py", path


def test_rendering_twice_gives_the_same_bytes(renderings: list[Rendering], tmp_path: Path) -> None:
    first = {title(each.answers): each.files for each in renderings}
    for again in render_all(pairwise(), tmp_path / "again"):
        assert again.files == first[title(again.answers)], title(again.answers)


def test_nothing_of_the_rendering_machine_is_rendered(
    renderings: list[Rendering], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    template = copy_template(tmp_path / "elsewhere")
    rendered = render(defaults(), tmp_path / "service", template)
    # The answers file must say where the template lies: copier update reads it there.
    differing = {p for p, digest in rendered.files.items() if renderings[0].files[p] != digest}
    assert differing == {".copier-answers.yml"}


@pytest.mark.parametrize("answers", combinations()[:: max(1, len(combinations()) // 3)], ids=title)
def test_the_fast_renderer_gives_the_bytes_of_the_command_line(
    answers: Answers, tmp_path: Path
) -> None:
    template = copy_template(tmp_path / "template")
    # A choice of several is YAML there: [google, github].
    spelled = {
        n: f"[{', '.join(v)}]" if isinstance(v, tuple) else spell(v) for n, v in answers.items()
    }
    data = [f"--data={name}={value}" for name, value in spelled.items()]
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", *data]
    stock = tmp_path / "stock"
    (tmp_path / "settings.yml").write_text("{}\n")
    settings = {**os.environ, "COPIER_SETTINGS_PATH": str(tmp_path / "settings.yml")}
    subprocess.run([*command, str(template), str(stock)], check=True, env=settings)
    assert digests(stock) == render(answers, tmp_path / "fast", template).files


def test_one_answer_changes_no_file_of_another_but_the_few_that_meet_them(
    renderings: list[Rendering],
) -> None:
    # More distinct files mean a slower matrix and a harder review.
    versions: dict[str, set[str]] = {}
    for rendering in renderings:
        for path, digest in rendering.files.items():
            versions.setdefault(path, set()).add(digest)
    varying = {path for path, found in versions.items() if len(found) > 1}
    meeting = {
        ".copier-answers.yml",
        ".env.example",
        "AGENTS.md",
        "README.md",
        "app/auth/wiring.py",
        # A deployment has a Redis, or none.
        "deploy/cloud-run/manifests/*.yaml",
        "deploy/*/settings.env",
        "deploy/docker-compose/compose.yaml",
        "deploy/kubernetes/overlays/*/allow-stores-and-mail.yaml",
        "deploy/kubernetes/overlays/*/secrets.yaml",
        "ownership.toml",
        "pyproject.toml",
    }
    assert [each for each in varying if not any(fnmatch(each, one) for one in meeting)] == []
