"""Every output format has the shape that ruff gives it: measured by letting ruff speak first."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .checking import FORMATS, Finding, Module, output, sarif

RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
SAMPLE = """\
import os
from fastapi import FastAPI

app = FastAPI()

CALL = dict(
    a=1,
    b=2,
)


@app.get("/x/{y}")
def handler(z: int) -> int:
\tif z:
\t\tif CALL:
\t\t\treturn 1
    # ünïcode before ünïcode
\treturn eval("1") + len("é") + eval("2")
""".replace("    # ünï", "\t# ünï")
RULES = "F401,FAST003,C408,SIM102,S307,W191,PLR2004"


def ruff(folder: Path, form: str) -> str:
    assert RUFF is not None
    command = [RUFF, "check", "--no-cache", "--isolated", "--select", RULES]
    done = subprocess.run(
        [*command, "--output-format", form, "sample.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.fixture
def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[Finding]]:
    """What ruff finds in the sample, as findings of ours."""
    file = tmp_path / "sample.py"
    file.write_text(SAMPLE)
    monkeypatch.chdir(tmp_path)
    module = Module(str(file), "sample", "sample.py")
    module.source = file.read_bytes()
    return tmp_path, [_as_ours(module, one) for one in json.loads(ruff(tmp_path, "json"))]


def _as_ours(module: Module, one: dict[str, Any]) -> Finding:
    finding = Finding(one["code"], module, ast.Pass(), one["message"])
    finding.line, finding.column = one["location"]["row"], one["location"]["column"]
    finding.end_line, finding.end_column = one["end_location"]["row"], one["end_location"]["column"]
    finding.noqa_lines = (finding.line,)
    return finding


def without_fixes(text: str) -> str:
    """Drop the parts of a report that ruff adds for its fixes, which ours never has."""
    blocks = text.replace(" [*]", "").split("\n\n")
    kept = [block.split("\nhelp: ")[0] for block in blocks[:-1]]
    return "\n\n".join(kept)


def test_the_sample_has_findings_on_one_line_and_on_several(
    spoken: tuple[Path, list[Finding]],
) -> None:
    lines = {one.end_line - one.line for one in spoken[1]}
    assert 0 in lines
    assert max(lines) >= 2


def test_full_draws_the_source_frame_as_ruff_does(spoken: tuple[Path, list[Finding]]) -> None:
    folder, findings = spoken
    assert without_fixes(output.render(findings, "full")) == without_fixes(ruff(folder, "full"))


def test_concise_writes_lines_as_ruff_does(spoken: tuple[Path, list[Finding]]) -> None:
    folder, findings = spoken
    theirs = ruff(folder, "concise").replace(" [*]", "").splitlines()
    ours = output.render(findings, "concise").splitlines()
    assert ours == [line for line in theirs if not line.startswith("[*]") and "fixable" not in line]


def test_github_writes_commands_as_ruff_does(spoken: tuple[Path, list[Finding]]) -> None:
    folder, findings = spoken
    theirs = ruff(folder, "github").splitlines()
    ours = output.render(findings, "github").replace("title=route-auth", "title=ruff").splitlines()
    assert ours == [line.split("%0A  help:")[0] for line in theirs]


def test_json_has_the_keys_of_ruff_with_values_of_the_same_types(
    spoken: tuple[Path, list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, findings = spoken
    named = {one["code"]: one["name"] for one in json.loads(ruff(folder, "json"))}
    rules = {code: type("Rule", (), {"name": name}) for code, name in named.items()}
    monkeypatch.setattr(output, "RULES", rules)
    theirs = json.loads(ruff(folder, "json"))
    ours = json.loads(output.render(findings, "json"))
    for one in theirs:
        one.update(fix=None, url=None)
    assert ours == theirs


def shape(value: object) -> object:
    """Return the keys and types of a document, without its values."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_sarif_has_the_shape_of_ruff(
    spoken: tuple[Path, list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, findings = spoken
    rule = type("Rule", (), {"text": "x", "summary": "x", "code": "x", "name": "x"})
    monkeypatch.setattr(sarif, "RULES", {one.code: rule for one in findings})
    theirs, ours = json.loads(ruff(folder, "sarif")), json.loads(output.render(findings, "sarif"))
    for result in theirs["runs"][0]["results"]:
        result.pop("fixes", None)
    driver = theirs["runs"][0]["tool"]["driver"]
    driver.pop("informationUri")  # a vendored checker has no page on the web to link to
    for one in driver["rules"]:
        one.pop("helpUri")
    assert shape(ours) == shape(theirs)
    assert [one["locations"] for one in ours["runs"][0]["results"]] == [
        one["locations"] for one in theirs["runs"][0]["results"]
    ]


def test_sarif_obeys_the_rules_of_the_schema(spoken: tuple[Path, list[Finding]]) -> None:
    findings = spoken[1][:1]
    findings[0].code = "AUTH001"
    run = json.loads(output.render(findings, "sarif"))["runs"][0]
    known = {one["id"] for one in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        assert result["ruleId"] in known
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"].startswith("file:///")
        assert all(number >= 1 for number in place["region"].values())


@pytest.mark.parametrize("form", FORMATS)
def test_a_clean_report_says_what_ruff_says(form: str, tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text("x = 1\n")
    theirs, ours = ruff(tmp_path, form), output.render([], form)
    if form == "sarif":
        assert json.loads(ours)["runs"][0]["results"] == []
        assert shape(json.loads(theirs)).keys() == json.loads(ours).keys()  # type: ignore[attr-defined]
    else:
        assert ours == theirs
