"""Good answers render, bad answers get one clear sentence, and old services can go on updating."""

import tomllib
from pathlib import Path

import pytest
import yaml

from tests.matrix.questions import configuration, defaults, questions
from tests.matrix.rendering import render

EMPTY = "The project name must not be empty."
CONTROL = "The project name must be one line of text without control characters."
QUOTES = "The project name must not contain quotes or backslashes."
SHAPE = "The project name must be at most 80 characters and must not begin or end with a space."
LABEL = (
    "The slug must be a DNS label: 1 to 63 lower-case letters, digits and hyphens, "
    "beginning with a letter and not ending with a hyphen."
)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", EMPTY),
        ("  ", EMPTY),
        ("\n", EMPTY),
        ("two\nlines", CONTROL),
        ("line\n", CONTROL),
        ("carriage\rreturn", CONTROL),
        ("separator\u2028", CONTROL),
        ("null\x00", CONTROL),
        ("delete\x7f", CONTROL),
        ("surrogate\ud800", CONTROL),
        ('say "hello"', QUOTES),
        ("it's", QUOTES),
        ("tick`s", QUOTES),
        ("back\\slash", QUOTES),
        (" space", SHAPE),
        ("space ", SHAPE),
        ("x" * 81, SHAPE),
    ],
)
def test_a_bad_project_name_gets_one_sentence(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="project_name") as caught:
        render(defaults(), tmp_path / "service", project_name=name)
    assert str(caught.value) == f"Validation error for question 'project_name': {sentence}"
    assert not (tmp_path / "service").exists()


@pytest.mark.parametrize(
    "slug",
    ["", "Orders", "orders_api", "-orders", "orders-", "9lives", "a.b", "orders\n", "é", "x" * 64],
)
def test_a_slug_that_is_no_dns_label_gets_one_sentence(slug: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="project_slug") as caught:
        render(defaults(), tmp_path / "service", project_slug=slug)
    assert str(caught.value) == f"Validation error for question 'project_slug': {LABEL}"


@pytest.mark.parametrize("question", ["jwt_algorithm", "token_revocation", "deploy_target"])
def test_an_unknown_choice_gets_a_sentence_with_the_known_ones(
    question: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"Invalid choice for '{question}': 'x' is not in"):
        render({**defaults(), question: "x"}, tmp_path / "service")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Parcel Tracking", "parcel-tracking"),
        ("🚀 Rocket 🚀", "rocket"),
        ("🚀", "service"),
        ("Ünïcode & <tags> {{ braces }} %", "unicode-tags-braces"),
        ("Café Straße", "cafe-strasse"),
        ("Цех 9", "service"),
        ("9 lives", "lives"),
        ("redis", "redis"),
        ("x" * 62 + " y", "x" * 62),
        ("#: !yaml", "yaml"),
        ("null", "null"),
        ("x" * 80, "x" * 63),
    ],
)
def test_a_good_project_name_gives_a_slug_and_valid_files(
    name: str, slug: str, tmp_path: Path
) -> None:
    service = render(defaults(), tmp_path / "service", project_name=name)
    answers = yaml.safe_load(service.read(".copier-answers.yml"))
    assert (answers["project_name"], answers["project_slug"]) == (name, slug)
    project = tomllib.loads(service.read("pyproject.toml"))["project"]
    assert (project["description"], project["name"]) == (name, f"{slug}-app")


def test_every_question_says_what_it_is_about_and_has_a_default() -> None:
    for name, question in questions().items():
        assert question["help"], name
        assert "default" in question, name
        assert "when" not in question, f"{name}: an answer that is not asked for decides nothing"


def test_validators_match_to_the_very_end() -> None:
    # `$` also matches before a final newline, which a YAML file or a shell line then gets.
    for name, question in questions().items():
        validator = question.get("validator", "")
        assert "$" not in validator, name
        assert r"\Z" in validator or question["type"] != "str" or "choices" in question, name


def test_the_values_of_choices_are_only_ever_appended_to() -> None:
    # An old service whose answer vanished would silently get the default.
    released = {
        "jwt_algorithm": ["RS256", "HS256"],
        "token_revocation": ["redis", "database", "none"],
        "oauth_providers": ["google", "github", "oidc"],
        "deploy_target": ["none"],
    }
    for name, values in released.items():
        offered = list(questions()[name]["choices"].values())
        assert set(values) <= set(offered), name


def test_the_template_never_asks_for_trust() -> None:
    asked_for = {"_tasks", "_migrations", "_jinja_extensions"} & set(configuration())
    assert asked_for == set()


def test_a_mistyped_name_in_a_condition_is_an_error() -> None:
    assert configuration()["_envops"]["undefined"] == "jinja2.StrictUndefined"
    assert configuration()["_min_copier_version"] == "9.19.1"


def test_the_message_after_copying_names_the_next_commands() -> None:
    message = configuration()["_message_after_copy"]
    for command in ("uv sync", "python -m app bootstrap", "python -m app db upgrade", "uvicorn"):
        assert command in message
