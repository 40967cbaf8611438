"""Which test files run in trees that vary another one by a choice of several values.

Every subset of such a choice is a tree: three login providers make eight of each. What they add is
tested in every tree; what they leave as it was is tested whole in the tree without them, and again,
file by file, so that each file meets each subset in one tree. `make test-all` runs all everywhere.
"""

from collections.abc import Iterator, Sequence

from tests.matrix.questions import Answers
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


def base(answers: Answers) -> Answers:
    """Return the combination that these answers vary: no value of a choice of several."""
    return {name: () if isinstance(v, tuple) else v for name, v in answers.items()}


def values_chosen(answers: Answers) -> int:
    """Return how many values of choices of several these answers hold."""
    return sum(len(v) for v in answers.values() if isinstance(v, tuple))


def shares(trees: Sequence[Rendering]) -> Iterator[tuple[Rendering, list[str]]]:
    """Yield each tree with the test files it runs; an empty list stands for all of them.

    Args:
        trees: the distinct trees of a run. A variation whose base is not there runs whole.
    """
    wholes = [tree for tree in trees if tree.answers == base(tree.answers)]
    kinds: list[Answers] = []
    for tree in trees:
        whole = next((each for each in wholes if each.answers == base(tree.answers)), None)
        if whole is None or whole is tree:
            yield tree, []
            continue
        kind = {name: v for name, v in tree.answers.items() if isinstance(v, tuple)}
        if kind not in kinds:
            kinds.append(kind)
        yield tree, _share(tree, whole, wholes, kinds.index(kind))


def _share(tree: Rendering, whole: Rendering, wholes: Sequence[Rendering], kind: int) -> list[str]:
    known = sorted({path for each in wholes for path in each.files})
    files = [path for path in tree.files if _is_test(path)]
    same = {path for path in files if whole.files.get(path) == tree.files[path]} - {*COMPOSITION}
    dealt = set()
    for path in same:
        # Of the trees that have the file, another one's variation for each file and each kind.
        homes = [each for each in wholes if path in each.files]
        if homes[(known.index(path) + kind) % len(homes)] is whole:
            dealt.add(path)
    return [path for path in files if path not in same or path in dealt]


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return path.startswith("tests/") and name.startswith("test_") and name.endswith(".py")
