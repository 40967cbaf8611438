"""How findings are said: for people, as JSON, and as annotations of GitHub Actions."""

from __future__ import annotations

from .rules import Finding

FORMATS = ("concise", "json", "github")


def render(findings: list[Finding], files: int, form: str) -> str:
    """Return the whole report in one of the formats; no secret is in it."""
    if form == "json":
        import json

        return json.dumps([_object(one) for one in findings], indent=2) + "\n"
    if form == "github":
        return "".join(map(_github, findings))
    text = "".join(f"{_place(one)}: {one.rule}: {one.message}\n" for one in findings)
    for rule in sorted({one.rule for one in findings}):
        text += f"help: {rule}: {next(one.help for one in findings if one.rule == rule)}\n"
    return text + f"{len(findings) or 'no'} secrets found in {files} files\n"


def _place(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}" if finding.line else finding.path


def _object(finding: Finding) -> dict[str, object]:
    return {
        "path": finding.path,
        "line": finding.line,
        "rule": finding.rule,
        "message": finding.message,
        "help": finding.help,
    }


def _github(finding: Finding) -> str:
    words = f"{finding.message}. {finding.help}"
    words = words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    path = finding.path.replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
    line = f",line={finding.line}" if finding.line else ""
    return f"::error title=check-secrets ({finding.rule}),file={path}{line}::{words}\n"
