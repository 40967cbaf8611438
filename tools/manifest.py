"""Writes template/ownership.toml.jinja: who owns which file, and the SHA-256 of plain ones.

It is a template because a service lists only the files that its answers gave it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tools.ownership import OWNERS, TEMPLATE, Block, exclude_table, owner_of, sources

MANIFEST = TEMPLATE / "ownership.toml.jinja"
HEAD = """\
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
# Who owns which file of this service. Written by the template; nothing here is yours to edit.

[yours]
# Written once when the service began, then never touched, like every file not named here.
paths = [
{yours}]

[shared]
# Merged by copier update: the template's lines above a "yours below" comment, yours below it.
paths = [
{shared}]

[template]
# Merged by copier update; edits here meet every update. The value is the SHA-256 of the file as
# the template gives it, or "rendered" where the file depends on the answers.
"""


def manifest() -> str:
    """Return what the manifest must say about the files that lie in template/ now."""
    blocks = [block for block in exclude_table()[0] if not block.seeds]
    entries = {path: source for path, source in sources() if owner_of(path) == "template"}
    # The manifest lists itself even before it is first written.
    entries.setdefault("ownership.toml", MANIFEST)
    always = [path for path in sorted(entries) if not any(block.holds(path) for block in blocks)]
    text = HEAD.format(
        yours=_items(OWNERS["yours"]),
        shared=_items(OWNERS["shared"]),
    )
    text += "".join(_entry(path, entries[path]) for path in always)
    return text + "".join(_conditional(block, entries) for block in blocks)


def _items(patterns: Iterable[str]) -> str:
    return "".join(f'  "{pattern}",\n' for pattern in patterns)


def _conditional(block: Block, entries: dict[str, Path]) -> str:
    lines = "".join(_entry(path, entries[path]) for path in sorted(entries) if block.holds(path))
    return f"{{%- if not ({block.condition}) %}}\n{lines}{{%- endif %}}\n" if lines else ""


def _entry(path: str, source: Path) -> str:
    plain = source.suffix != ".jinja"
    value = hashlib.sha256(source.read_bytes()).hexdigest() if plain else "rendered"
    return f'"{path}" = "{value}"\n'


def main() -> None:
    """Write the manifest; say whether it changed."""
    wanted = manifest()
    stale = not MANIFEST.exists() or MANIFEST.read_text("utf-8") != wanted
    MANIFEST.write_text(wanted, "utf-8")
    print(f"{MANIFEST.relative_to(TEMPLATE.parent)}: {'written anew' if stale else 'up to date'}")


if __name__ == "__main__":
    main()
