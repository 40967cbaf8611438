"""What earlier runs of this working copy saw: a mutant that died stays dead.

A verdict is kept while the mutated file and the test that failed are what they were; a survivor is
always tried again. The file is no part of the repository.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tools.faults import source_of
from tools.mutation.making import Mutant
from tools.ownership import ROOT

KEPT = ROOT / "reports" / "mutants.json"


def kept() -> dict[str, Any]:
    """Return the deaths that were seen, by the mutant's id."""
    found: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    return found


def still_dead(mutants: Iterable[Mutant], before: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the verdicts that hold for what is written now."""
    return {
        mutant.id: {"verdict": "killed", "by": entry["by"]}
        for mutant in mutants
        if (entry := before.get(mutant.id)) and entry["of"] == _digest(mutant, entry["by"])
    }


def keep(mutants: Iterable[Mutant], verdicts: Mapping[str, Mapping[str, Any]]) -> None:
    """Note who died of which test."""
    entries = kept()
    for mutant in mutants:
        verdict = verdicts.get(mutant.id, {"verdict": ""})
        if verdict["verdict"] == "killed":
            entries[mutant.id] = {"by": verdict["by"], "of": _digest(mutant, verdict["by"])}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(entries, indent=0, sort_keys=True), "utf-8")


def _digest(mutant: Mutant, test: str) -> str:
    text = source_of(test.partition("[")[0]) if "::" in test else ""
    return hashlib.sha256(f"{mutant.source}\n{text}".encode()).hexdigest()[:16]
