"""Which test files run in which tree, where running all of them in each would take hours.

Trees in which every two answers meet run whole, and so does the fullest of the others. Every other
tree runs what sees how a service is put together, and its share of the rest, dealt so that

- what is the same in the trees that run whole runs in half of those that only combine otherwise;
- what a choice of several values adds, such as login providers, meets each subset of them in every
  third of the trees that it varies;
- what such a choice leaves as it was meets each subset in one of them.

`make test-all` runs all everywhere.
"""

from collections.abc import Iterator, Sequence

from tests.matrix.questions import Answers, pairwise, title
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

EVERY_BASE, EVERY_ADDED = 2, 3


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
    bases = {title(tree.answers): tree for tree in trees if tree.answers == base(tree.answers)}
    paired = pairwise([tree.answers for tree in bases.values()]) if bases else []
    deal = _Deal([tree for tree in trees if tree.answers in paired], trees)
    for tree in trees:
        of = bases.get(title(base(tree.answers)))
        whole = of is None or tree in deal.wholes
        yield tree, [] if whole or of is None else [*deal.share(tree, of)]


class _Deal:
    """What is dealt among the trees that do not run whole."""

    def __init__(self, wholes: Sequence[Rendering], trees: Sequence[Rendering]) -> None:
        self.wholes = wholes
        self._tested = {item for tree in wholes for item in tree.files.items()}
        self._known = sorted({path for tree in trees for path in tree.files})
        self._alike: dict[str, list[Rendering]] = {}
        for tree in trees:
            if tree not in wholes:
                self._alike.setdefault(_kind(tree), []).append(tree)

    def share(self, tree: Rendering, of: Rendering) -> Iterator[str]:
        """Yield the test files that a tree runs, which may vary another one."""
        alike, kind = self._alike[_kind(tree)], [*self._alike].index(_kind(tree))
        for path in filter(_is_test, tree.files):
            homes = [each for each in alike if path in each.files]
            turn = homes.index(tree) + self._known.index(path) + kind
            if turn % min(self._every(path, tree, of) or len(homes), len(homes)) == 0:
                yield path

    def _every(self, path: str, tree: Rendering, of: Rendering) -> int:
        """Return of how many trees alike one runs a file; 0: of all."""
        if path in COMPOSITION:
            return 1
        if tree is of:
            return EVERY_BASE if (path, tree.files[path]) in self._tested else 1
        if path not in of.files:
            return EVERY_ADDED
        return 0 if of.files[path] == tree.files[path] else 1


def _kind(tree: Rendering) -> str:
    return str([value for value in tree.answers.values() if isinstance(value, tuple)])


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return path.startswith("tests/") and name.startswith("test_") and name.endswith(".py")
