"""Writes template/ownership.toml.jinja: who owns which file, its SHA-256, and the answers.

It is a template because a service lists only the files that its answers gave it, the hash that a
file with Jinja in it has there, and its own answers.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from tools.ownership import (
    OWNERS,
    ROOT,
    TEMPLATE,
    Block,
    exclude_table,
    owner_of,
    questions,
    sources,
)

MANIFEST = TEMPLATE / "ownership.toml.jinja"
# These hold the answers and where the template lies, so they cannot be known in advance.
WITHOUT_HASH = (".copier-answers.yml", "ownership.toml")
_VENDORED = re.compile(r'(?P<marker>.*\n){% include "(?P<path>hooks/[a-z_/]+\.py)" %}')
HEAD = """\
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Who owns which file of this service. Written by the template; nothing here is yours to edit:
# `python hooks/template_drift.py` holds the service against it.

[yours]
# Written once when the service began, then never touched, like every file not named here.
paths = [
{yours}]

[shared]
# Merged by copier update: the template's lines above a "yours below" comment, yours below it.
paths = [
{shared}]

[folders]
# Folders where every file is the template's. What you add there meets the next update.
template = [
{folders}]

[answers]
# What this service was rendered from and with; .copier-answers.yml must say the same.
_commit = {{{{ _copier_answers.get("_commit", "") | to_json(ensure_ascii=False) }}}}
{answers}
[template]
# Merged by copier update; edits here meet every update. The value is the SHA-256 of the file as
# the template gives it to these answers, or "rendered" where a file cannot be known in advance.
"""


def manifest() -> str:
    """Return what the manifest must say about the files that lie in template/ now."""
    blocks = [block for block in exclude_table()[0] if not block.seeds]
    entries = {path: source for path, source in sources() if owner_of(path) == "template"}
    # The manifest lists itself even before it is first written.
    entries.setdefault("ownership.toml", MANIFEST)
    always = [path for path in sorted(entries) if not any(block.holds(path) for block in blocks)]
    folders = (pattern for pattern in OWNERS["template"] if pattern.endswith("/**"))
    text = HEAD.format(
        yours=_items(OWNERS["yours"]),
        shared=_items(OWNERS["shared"]),
        folders=_items(pattern.removesuffix("/**") for pattern in folders),
        answers="".join(map(_answer, questions())),
    )
    text += "".join(_entry(path, entries[path]) for path in always)
    return text + "".join(
        _conditional(block, _not_named(entries, blocks, block)) for block in blocks
    )


def _items(patterns: Iterable[str]) -> str:
    return "".join(f'  "{pattern}",\n' for pattern in patterns)


def _answer(name: str) -> str:
    return f"{name} = {{{{ {name} | to_json(ensure_ascii=False) }}}}\n"


def _not_named(entries: dict[str, Path], blocks: list[Block], block: Block) -> dict[str, Path]:
    """Return the files that no other block names more closely: one belongs to that block alone."""

    def closest(path: str, named: Iterable[str]) -> int:
        return max((len(one) for one in named if f"/{path}/".startswith(f"{one}/")), default=0)

    others = [path for other in blocks if other is not block for path in other.paths]
    return {
        path: source
        for path, source in entries.items()
        if closest(path, block.paths) >= closest(path, others)
    }


def _conditional(block: Block, entries: dict[str, Path]) -> str:
    lines = "".join(_entry(path, entries[path]) for path in sorted(entries) if block.holds(path))
    return f"{{%- if not ({block.condition}) %}}\n{lines}{{%- endif %}}\n" if lines else ""


def _entry(path: str, source: Path) -> str:
    """Return the line of one file: its hash, or the Jinja that finds it out when rendering."""
    if path in WITHOUT_HASH:
        return f'"{path}" = "rendered"\n'
    content = source.read_bytes()
    if source.suffix == ".jinja":
        vendored = _VENDORED.fullmatch(content.decode())
        if not vendored:
            name = source.relative_to(ROOT).as_posix()
            return (
                f'{{% set content %}}{{% include "{name}" %}}{{% endset -%}}\n'
                f'"{path}" = "{{{{ content | hash("sha256") }}}}"\n'
            )
        content = vendored["marker"].encode() + (ROOT / vendored["path"]).read_bytes()
    return f'"{path}" = "{hashlib.sha256(content).hexdigest()}"\n'


def main() -> None:
    """Write the manifest; say whether it changed."""
    wanted = manifest()
    stale = not MANIFEST.exists() or MANIFEST.read_text("utf-8") != wanted
    MANIFEST.write_text(wanted, "utf-8")
    print(f"{MANIFEST.relative_to(TEMPLATE.parent)}: {'written anew' if stale else 'up to date'}")


if __name__ == "__main__":
    main()
