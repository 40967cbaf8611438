"""Every deployment file of every combination is read by the validators of its kind, once each."""

import shutil
from pathlib import Path

import pytest

from tests.deploy.validators import HEAVY_VALIDATORS, VALIDATORS, Validator
from tests.matrix.questions import title
from tests.matrix.rendering import Rendering

HEAVY = (pytest.mark.heavy, pytest.mark.every_combination)
EACH = pytest.mark.parametrize(
    "validator",
    [
        *(pytest.param(each, id=each.name) for each in VALIDATORS),
        *(pytest.param(each, id=each.name, marks=HEAVY) for each in HEAVY_VALIDATORS),
    ],
)


@EACH
def test_it_finds_nothing(validator: Validator, deploys: list[Rendering]) -> None:
    read: set[tuple[str, str]] = set()
    for rendering in deploys:
        found = {(path, rendering.files[path]) for path in validator.files(rendering)}
        if not found - read:
            continue
        complaints = validator.complaints(
            rendering.directory, sorted(path for path, _ in found - read)
        )
        read |= found
        assert not complaints, f"{title(rendering.answers)}\n{complaints}"
    assert read, f"{validator.name} has nothing to read"


@EACH
def test_it_finds_a_planted_fault(
    validator: Validator, deploys: list[Rendering], tmp_path: Path
) -> None:
    fault = validator.fault
    rendering = next(each for each in deploys if fault.path in validator.files(each))
    service = tmp_path / "service"
    shutil.copytree(rendering.directory, service)
    text = (service / fault.path).read_text("utf-8")
    assert fault.good in text
    (service / fault.path).write_text(text.replace(fault.good, fault.bad), "utf-8")
    assert validator.complaints(service, validator.files(rendering)) != ""
