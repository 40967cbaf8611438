"""Which test files run in which tree, where running all of them in each would take hours.

Trees in which every two answers meet run whole, and so does the fullest of the others. Every other
tree runs what sees how a service is put together, and its share of the rest, dealt so that

- what is the same in the trees that run whole runs in a third of those that only combine otherwise;
- what a choice of several values adds, such as login providers, meets each subset of them in a
  quarter of the trees that it varies;
- what such a choice leaves as it was runs in two trees that it varies.

`make test-all` runs all everywhere.
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

EVERY_BASE, EVERY_ADDED = 3, 4


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
        self._rest = [tree for tree in trees if tree not in wholes]

    def share(self, tree: Rendering, of: Rendering) -> Iterator[str]:
        """Yield the test files that a tree runs, which may vary another one."""
        for path in filter(_is_test, tree.files):
            homes, every = self._homes(path, tree, of)
            if (homes.index(tree) + self._known.index(path)) % min(every, len(homes)) == 0:
                yield path

    def _homes(self, path: str, tree: Rendering, of: Rendering) -> tuple[list[Rendering], int]:
        """Return among which trees a file is dealt, and that every so many runs it."""
        there = [each for each in self._rest if path in each.files]
        alike = [each for each in there if _chosen(each) == _chosen(tree)]
        if path in COMPOSITION:
            return alike, 1
        if tree is of:
            return alike, EVERY_BASE if (path, tree.files[path]) in self._tested else 1
        if path not in of.files:
            return alike, EVERY_ADDED
        varied = [each for each in there if any(_chosen(each))]
        if of.files[path] != tree.files[path]:
            return varied, 1
        # Less than half: two that are half of all apart vary the choice in the same way.
        return varied, max(len(varied) // 2 - 1, 1)


def _chosen(tree: Rendering) -> list[Answer]:
    return [value for value in tree.answers.values() if isinstance(value, tuple)]


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return path.startswith("tests/") and name.startswith("test_") and name.endswith(".py")
