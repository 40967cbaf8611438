"""The options are data: a value that nobody covered fails here."""

import itertools

from tests import expectations
from tests.expectations import ADDED
from tests.matrix import questions
from tests.matrix.plan import pairwise_trees
from tests.matrix.rendering import Rendering, distinct_trees
from tools.ownership import exclude_table, sources


def test_every_value_that_copier_offers_is_covered() -> None:
    offered = {
        name: {
            questions.spell(value)
            for answer in values
            for value in (answer if isinstance(answer, tuple) else (answer,))
        }
        for name, values in questions.options().items()
    }
    assert offered == {name: set(values) for name, values in ADDED.items()}


def test_every_value_names_the_tests_that_prove_it_or_says_why_it_needs_none() -> None:
    for name, values in ADDED.items():
        for value, entry in values.items():
            assert bool(entry.get("tests")) != bool(entry.get("why")), f"{name}={value}"


def test_every_file_that_the_exclude_table_names_is_an_option_file_and_exists() -> None:
    named = {path for block in exclude_table()[0] if not block.seeds for path in block.paths}
    named.remove("/deploy")  # the folder alone, which would be left empty
    assert named == {f"/{path}".rstrip("/") for path in expectations.named()}
    existing = {path for path, _ in sources()}
    gone = [p for p in named if not any(f"/{path}/".startswith(f"{p}/") for path in existing)]
    assert gone == []


def test_no_path_in_the_exclude_table_ends_with_a_slash() -> None:
    # Copier would leave out the files and make the empty folder.
    blocks, always = exclude_table()
    assert not [p for block in blocks for p in block.paths if p.endswith("/")]
    assert not [p for p in always if p.endswith("/")]


def factors(answers: questions.Answers) -> dict[str, questions.Answer]:
    """Each answer, and of a choice of several whether each value is chosen."""
    found: dict[str, questions.Answer] = {}
    for name, value in answers.items():
        if isinstance(value, tuple):
            found |= {f"{name}: {each}": each in value for each in questions.several(name)}
        else:
            found[name] = value
    return found


def test_pairwise_combinations_hold_every_pair_of_answers() -> None:
    chosen = questions.pairwise()
    assert chosen[0] == questions.defaults()
    assert pairs(chosen) == pairs(questions.combinations())


def pairs(those: list[questions.Answers]) -> set[tuple[object, object]]:
    """Return every two answers that occur together."""
    each = (itertools.combinations(factors(answers).items(), 2) for answers in those)
    return set(itertools.chain.from_iterable(each))


def test_environments_of_their_own_hold_every_pair_of_answers(renderings: list[Rendering]) -> None:
    trees = distinct_trees(renderings)
    own = pairwise_trees(renderings)
    assert own[0].answers == questions.defaults()
    assert pairs([tree.answers for tree in own]) == pairs([tree.answers for tree in trees])
    assert len(own) <= 12


def test_pairwise_stays_small_when_options_grow() -> None:
    # All that the design foresees: 2 x 3 x 2 x 4, and three providers, each chosen or not.
    sizes = {"a": 2, "b": 3, "c": 2, "d": 4, "google": 2, "github": 2, "oidc": 2}
    everything = [
        dict(zip(sizes, map(str, values), strict=True))
        for values in itertools.product(*(range(size) for size in sizes.values()))
    ]
    assert len(everything) == 384
    assert len(questions.pairwise(everything)) <= 16
