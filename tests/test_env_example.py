"""The settings that .env.example shows are the settings that the service reads."""

import json
import os
import re
import subprocess
import sys

from tests.matrix.plan import pairwise_trees
from tests.matrix.questions import title
from tests.matrix.rendering import Rendering

# Prints every setting with its default as text, None where there is none.
_DUMP = """
import json
from app.settings import Settings
fields = Settings.model_fields
print(json.dumps({name.upper(): str(field.default) for name, field in fields.items()}))
"""
LINE = re.compile(r"^(?P<unset># )?(?P<name>[A-Z][A-Z0-9_]+)=(?P<value>.*)$", re.MULTILINE)
WITHOUT_VALUE = {"None", "[]", ""}


def test_every_setting_is_shown_with_its_default(renderings: list[Rendering]) -> None:
    for tree in pairwise_trees(renderings):
        done = subprocess.run(
            [sys.executable, "-c", _DUMP],
            cwd=tree.directory,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
            capture_output=True,
            text=True,
        )
        read = json.loads(done.stdout)
        shown = {match["name"]: match for match in LINE.finditer(tree.read(".env.example"))}
        assert set(shown) == set(read), title(tree.answers)
        for name, match in shown.items():
            assert bool(match["unset"]) == (read[name] in WITHOUT_VALUE), name
            if not match["unset"]:
                assert match["value"].lower() == spelled(read[name]), name


def test_a_new_deployment_with_redis_asks_the_copy_of_the_deny_list(
    renderings: list[Rendering],
) -> None:
    seen = set()
    for tree in renderings:
        for path in (path for path in tree.files if path.endswith("/settings.env")):
            chosen = "\nREVOCATION_CHECK=replica\n" in tree.read(path)
            assert chosen == (tree.answers["token_revocation"] == "redis"), path
            seen.add(path.split("/")[1])
    assert seen == {"cloud-run", "docker-compose", "kubernetes"}


def spelled(default: str) -> str:
    """Return a default as the environment spells it: a list with commas."""
    return (
        ",".join(re.findall(r"'([^']*)'", default)) if default.startswith("[") else default.lower()
    )
