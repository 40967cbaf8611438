"""Every deployment file of every combination is read by the validators of its kind, once each."""

import shutil
from pathlib import Path

import pytest

from tests.deploy.validators import VALIDATORS, Validator
from tests.matrix.questions import title
from tests.matrix.rendering import Rendering


def name_of(validator: Validator) -> str:
    """Name a validator in test results."""
    return validator.name


@pytest.mark.parametrize("validator", VALIDATORS, ids=name_of)
def test_it_finds_nothing(validator: Validator, deploys: list[Rendering]) -> None:
    read: set[tuple[tuple[str, str], ...]] = set()
    for rendering in deploys:
        files = validator.files(rendering)
        content = tuple((path, rendering.files[path]) for path in files)
        if not files or content in read:
            continue
        read.add(content)
        complaints = validator.complaints(rendering.directory, files)
        assert not complaints, f"{title(rendering.answers)}\n{complaints}"
    assert read, f"{validator.name} has nothing to read"


@pytest.mark.parametrize("validator", VALIDATORS, ids=name_of)
def test_it_finds_a_planted_fault(
    validator: Validator, deploys: list[Rendering], tmp_path: Path
) -> None:
    path, good, bad = validator.fault
    rendering = next(each for each in deploys if path in validator.files(each))
    service = tmp_path / "service"
    shutil.copytree(rendering.directory, service)
    text = (service / path).read_text("utf-8")
    assert good in text
    (service / path).write_text(text.replace(good, bad), "utf-8")
    assert validator.complaints(service, validator.files(rendering)) != ""
