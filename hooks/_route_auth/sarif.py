"""SARIF 2.1.0 (OASIS), the report that code hosts show beside a change."""

from __future__ import annotations

from .rules import RULES, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .findings import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION = "1.0.0"


def as_sarif(findings: list[Finding]) -> str:
    """Return the findings as one SARIF run."""
    import json

    codes = sorted({one.code for one in findings})
    driver = {
        "name": "route-auth",
        "rules": [_rule(RULES[code]) for code in codes],
        "version": VERSION,
    }
    run = {"results": [_result(one) for one in findings], "tool": {"driver": driver}}
    return json.dumps({"$schema": SCHEMA, "runs": [run], "version": "2.1.0"}, indent=2)


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "defaultConfiguration": {"enabled": True, "level": "error"},
        "fullDescription": {"text": rule.text},
        "help": {"text": rule.summary},
        "id": rule.code,
        "properties": {
            "id": rule.code, "kind": "route-auth", "name": rule.name, "problem.severity": "error",
        },
        "shortDescription": {"text": rule.summary},
    }  # fmt: skip


def _result(finding: Finding) -> dict[str, object]:
    from urllib.parse import quote

    region = {
        "endColumn": finding.end_column, "endLine": finding.end_line,
        "startColumn": finding.column, "startLine": finding.line,
    }  # fmt: skip
    location = {"artifactLocation": {"uri": "file://" + quote(finding.path)}, "region": region}
    return {
        "level": "error",
        "locations": [{"physicalLocation": location}],
        "message": {"text": finding.message},
        "ruleId": finding.code,
    }
