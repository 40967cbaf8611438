"""The generated pages of the reference say what the template says today."""

from tools.reference.__main__ import FOLDER, generated


def test_the_reference_is_current() -> None:
    for name, text in generated().items():
        page = FOLDER / name
        assert page.exists(), f"run `make reference`: {page} is missing"
        assert page.read_text("utf-8") == text, f"run `make reference`: {page} is stale"
