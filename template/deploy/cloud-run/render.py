# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Fill manifests/ with what settings.env says; needs nothing but Python.

    python deploy/cloud-run/render.py IMAGE DIRECTORY

A name of settings.env that the manifests use as ${NAME} is put there. Every other one becomes a
variable of the service and of its jobs: a reference to Secret Manager when its value reads
secret:NAME:VERSION, else the value.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

HERE = Path(__file__).parent
# By its digest: a tag could mean another image by the time that an instance starts.
IMAGE = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}", re.ASCII)
LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>\S.*)")
# What stands in a manifest without quotes, so that no value can be read as more than a value.
PLAIN = re.compile(r"[\w.:/@-]+", re.ASCII)
# A number: "latest" would change under a revision that was tested with another one.
SECRET = re.compile(r"secret:(?P<name>[\w-]+):(?P<version>[1-9][0-9]*)", re.ASCII)
MARK = re.compile(
    r"^(?P<indent> *)# The rest of settings\.env comes here: render\.py\.\n", re.MULTILINE
)


def main() -> None:
    """Write the manifests for one image into a directory."""
    if len(sys.argv) != 3 or not IMAGE.fullmatch(sys.argv[1]):
        sys.exit("usage: render.py REGION-docker.pkg.dev/…@sha256:… DIRECTORY")
    values = {**settings(HERE / "settings.env"), "IMAGE": sys.argv[1]}
    manifests = {
        path.name: path.read_text("utf-8") for path in sorted(HERE.glob("manifests/*.yaml"))
    }
    used = {name for text in manifests.values() for name in Template(text).get_identifiers()}
    if wrong := [name for name in sorted(used) if not PLAIN.fullmatch(values.get(name, ""))]:
        sys.exit(f"settings.env: missing, or not one plain word: {', '.join(wrong)}")
    variables = {name: value for name, value in values.items() if name not in used}
    directory = Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in manifests.items():
        filled = MARK.sub(lambda mark: environment(variables, mark["indent"]), text)
        (directory / name).write_text(Template(filled).substitute(values), "utf-8")


def settings(file: Path) -> dict[str, str]:
    """Return the names and values of settings.env; any other line is an error."""
    found: dict[str, str] = {}
    for number, text in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        line = LINE.fullmatch(text.rstrip())
        if not line or line["name"] in found:
            sys.exit(f"settings.env:{number}: not NAME=value, or the second of that name")
        found[line["name"]] = line["value"]
    return found


def environment(variables: Mapping[str, str], indent: str) -> str:
    """Return the entries of a container's env, each line indented."""
    lines: list[str] = []
    for name, value in variables.items():
        lines.append(f"- name: {name}")
        if secret := SECRET.fullmatch(value):
            lines += ["  valueFrom:", "    secretKeyRef:", f"      name: {secret['name']}"]
            lines.append(f'      key: "{secret["version"]}"')
        elif value.startswith("secret:"):
            sys.exit(f"settings.env: {name} is not secret:NAME:VERSION, with a number as version")
        else:
            # A text of JSON is one of YAML; "$$" is how Template writes "$".
            lines.append(f"  value: {json.dumps(value, ensure_ascii=False)}".replace("$", "$$"))
    return "".join(f"{indent}{line}\n" for line in lines)


if __name__ == "__main__":
    main()
