"""Which test files run in which tree, where running all of them in each would take hours.

Trees in which every two answers meet run all their quick tests, and so does the fullest of those
that vary them. Every other tree runs what sees how a service is put together; what a choice of
several values adds, such as login providers, meets each subset of them in a quarter of the trees
that it varies. `make test-all` runs all everywhere.
"""

from collections.abc import Iterator, Sequence

from tests.matrix.questions import Answer, Answers, pairwise, title
from tests.matrix.rendering import Rendering

# These see how a service is put together, so a value more can break them in any tree.
COMPOSITION = (
    "tests/app/test_items.py",
    "tests/auth/test_contract.py",
    "tests/auth/test_docs_page.py",
    "tests/auth/test_guard.py",
    "tests/auth/test_http_surface.py",
    "tests/auth/test_route_agreement.py",
    "tests/auth/test_settings.py",
)

EVERY = 4  # of the trees that a choice varies, one that tests what it adds


def base(answers: Answers) -> Answers:
    """Return the combination that these answers vary: no value of a choice of several."""
    return {name: () if isinstance(v, tuple) else v for name, v in answers.items()}


def values_chosen(answers: Answers) -> int:
    """Return how many values of choices of several these answers hold."""
    return sum(len(v) for v in answers.values() if isinstance(v, tuple))


def fullest(trees: Sequence[Rendering]) -> Rendering:
    """Return what is least like the first tree: of those with most values, one of other answers."""
    usual = trees[0].answers.items()

    def unlike(tree: Rendering) -> tuple[int, int]:
        return values_chosen(tree.answers), len(tree.answers.items() - usual)

    return max(trees, key=unlike)


def shares(trees: Sequence[Rendering]) -> Iterator[tuple[Rendering, list[str]]]:
    """Yield each tree with the test files it runs; an empty list stands for all of them.

    Args:
        trees: the distinct trees of a run. A variation whose base is not there runs whole.
    """
    bases = {title(tree.answers): tree for tree in trees if tree.answers == base(tree.answers)}
    paired = pairwise([tree.answers for tree in bases.values()]) if bases else []
    wholes = [tree for tree in trees if tree.answers in paired]
    tested = {item for tree in wholes for item in tree.files.items()}
    known = sorted({path for tree in trees for path in tree.files})
    for tree in trees:
        of = bases.get(title(base(tree.answers)))
        if of is None or tree in wholes or tree is fullest(trees):
            yield tree, []
            continue
        alike = [each for each in trees if each not in wholes and _chosen(each) == _chosen(tree)]
        added = {path for path in tree.files if path not in of.files}
        dealt = {p for p in added if (alike.index(tree) + known.index(p)) % EVERY == 0}
        changed = {p for p, digest in tree.files.items() if (p, digest) not in tested} - added
        chosen = {*COMPOSITION} | dealt | changed
        yield tree, [path for path in tree.files if is_test(path) and path in chosen]


def _chosen(tree: Rendering) -> list[Answer]:
    return [value for value in tree.answers.values() if isinstance(value, tuple)]


def is_test(path: str) -> bool:
    """Tell whether a path of a service is a file of tests."""
    name = path.rpartition("/")[2]
    return path.startswith("tests/") and name.startswith("test_") and name.endswith(".py")
