"""The drift check reads .copier-answers.yml as Copier does, or not at all."""

import sys

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.matrix.questions import ROOT

sys.path.insert(0, str(ROOT / "hooks"))
from _template_drift.answers import read

sys.path.pop(0)

# Zl and Zp: separators of lines and paragraphs, which are breaks to YAML.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])
TEXTS = st.text(CHARACTERS, max_size=100)
ANSWERS = st.dictionaries(
    st.from_regex(r"\A[a-z_][a-z_0-9]{2,20}\Z").filter(lambda name: name not in {"yes", "off"}),
    st.one_of(st.booleans(), TEXTS, st.lists(TEXTS, max_size=3)),
    min_size=1,
)


# A busy machine is no fault.
@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(ANSWERS)
def test_what_copier_writes_is_read_back(answers: dict[str, bool | str | list[str]]) -> None:
    # The filter to_nice_yaml, with which the answers file is rendered, calls it like this.
    text = yaml.dump(answers, indent=4, allow_unicode=True, default_flow_style=False)
    assert read(f"# a comment\n{text}") == answers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: yes", True),
        ("a: Off # not now", False),
        ("a: 'yes'", "yes"),
        ("a: x#y # why", "x#y"),
        ('a: "x\\ty"', "x\ty"),
        ("a: [x, 'y']", ["x", "y"]),
        ("a: []", []),
        ("a:\n- x\n- y", ["x", "y"]),
        ("a:\n  - x", ["x"]),
        ("a: <<<<", "<<<<"),  # the marker of a conflict begins a line
        ("a: YES", True),
        ("a: oN", "oN"),
        ("a: Null", ""),
        ("a: nULL", "nULL"),
        ("a:", ""),
        ("a: ~", ""),
        ("---\na: x\n...", "x"),
    ],
)
def test_other_spellings_are_read_too(text: str, value: object) -> None:
    assert read(text) == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  x",
        "a: {b: c}",
        "a: &x y",
        "a: 'x",
        "a: [x",
        "- a",
        "a: x\na: y",
        "a:\n- x\n  y",
        "a:\n- x\n  - y",
        "a: 'x\x85    y'",
        "a: 'x\u2028    y'",
        "a: 'x\u2029    y'",
        "<<<<<<< HEAD",
        "{a: b}",
    ],
)
def test_what_it_does_not_know_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"line 1|twice"):
        read(text)
