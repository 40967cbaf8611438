"""How the result is said: for people, as JSON, and as annotations of GitHub Actions."""

from __future__ import annotations

from itertools import groupby

from .findings import Finding
from .service import Service

MOST_PATHS = 40  # of one kind, for people; JSON has them all


def as_text(service: Service, findings: list[Finding]) -> str:
    """Return the result for people: by kind, the worst first, with what to do."""
    text = ""
    for fails in (True, False):
        some = [one for one in findings if one.fails is fails]
        for kind, group in groupby(some, key=lambda one: one.kind):
            listed = list(group)
            text += f"{'' if fails else 'note: '}{kind}: {listed[0].head}\n"
            text += "".join(f"  {one.path}: {one.message}\n" for one in listed[:MOST_PATHS])
            if len(listed) > MOST_PATHS:
                text += f"  and {len(listed) - MOST_PATHS} more; --json lists all\n"
            text += f"  help: {listed[0].help}\n\n"
    failures = sum(one.fails for one in findings)
    release = service.release or "an unrecorded release"
    files = f"{len(service.hashes)} files of the template, {release}"
    return text + (f"{failures} findings; {files}\n" if failures else f"no drift; {files}\n")


def as_json(service: Service, findings: list[Finding], *, deep: bool) -> str:
    """Return the result as one JSON object; its keys are documented and only ever added to."""
    import json

    failing = [one for one in findings if one.fails]
    result = {
        "version": 1,
        "status": "drift" if failing else "clean",
        "deep": deep,
        "template": service.template,
        "release": service.release,
        "files": len(service.hashes),
        "findings": [_object(one) for one in failing],
        "notes": [_object(one) for one in findings if not one.fails],
    }
    return json.dumps(result, indent=2) + "\n"


def as_broken_json(reason: str) -> str:
    """Return the JSON of a check that could not be made."""
    import json

    return json.dumps({"version": 1, "status": "unchecked", "reason": reason}, indent=2) + "\n"


def _object(finding: Finding) -> dict[str, str]:
    return {
        "kind": finding.kind,
        "path": finding.path,
        "message": finding.message,
        "help": finding.help,
    }


def as_github(findings: list[Finding]) -> str:
    """Return the result as annotations of GitHub Actions."""
    text = ""
    for one in findings:
        level = "error" if one.fails else "notice"
        words = f"{one.message}: {one.head}. {one.help}"
        words = words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        path = one.path.replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
        text += f"::{level} title=template-drift ({one.kind}),file={path}::{words}\n"
    return text
