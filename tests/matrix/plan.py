"""Which jobs a matrix run has: the template's own tests, every tree's suite, own environments."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.jobs import Job
from tests.matrix.questions import ROOT, command_words, pairwise, title
from tests.matrix.rendering import Rendering, distinct_trees

QUICK = ("-m", "not slow")
# A script, not a module: it runs in a service, which has a package `tests` of its own.
ENVIRONMENT = Path(__file__).with_name("environment.py")


@dataclass(frozen=True)
class Shard:
    """One machine's part of the jobs; together the parts hold each job once."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the part that "2/4" means.

        Raises:
            ValueError: There is no such part.
        """
        number, _, count = text.partition("/")
        shard = cls(int(number), int(count))
        if not 1 <= shard.number <= shard.count:
            raise ValueError(f"a shard is 1/4 to 4/4, not {text}")
        return shard

    def of(self, jobs: Sequence[Job]) -> list[Job]:
        """Return this part: every fourth job of four, since neighbours are alike in length."""
        return list(jobs[self.number - 1 :: self.count])


WHOLE = Shard()


@dataclass(frozen=True)
class Plan:
    """What all jobs of one run share.

    Attributes:
        uv: the uv program.
        environment: variables for every suite.
        everything: run the slow promises in every tree.
    """

    uv: str
    environment: Mapping[str, str]
    everything: bool = False

    def own_tests(self) -> Job:
        """The template's own tests; they render for themselves, since suites leave files behind."""
        return Job(
            "template",
            "questions, rendering, budgets, static checks",
            "make test-fast",
            Path(sys.executable),
            ROOT,
            ["-m", "not heavy"],
            self.environment,
        )

    def updates(self) -> Job:
        """Updates of changed services, and whatever else would make the quick tests slow."""
        return Job(
            "updates",
            "updates from every release to this tree",
            "make test-updates",
            Path(sys.executable),
            ROOT,
            ["-m", "heavy", "--ignore=tests/docs"],
            self.environment,
        )

    def stories(self) -> Job:
        """The commands of the documentation, page by page, each in a real service."""
        return Job(
            "documentation",
            "every page's commands",
            "make test-docs",
            Path(sys.executable),
            ROOT,
            ["-m", "heavy", "tests/docs"],
            self.environment,
        )

    def suites(self, trees: Iterable[tuple[Rendering, Sequence[str]]]) -> Iterator[Job]:
        """Each tree's own suite in the environment that holds the union of all dependencies."""
        for tree, files in trees:
            yield self.suite(tree, () if self.everything else (*QUICK, *files))

    def suite(self, tree: Rendering, arguments: Sequence[str]) -> Job:
        """One tree's own suite in this environment."""
        return Job(
            "suite",
            title(tree.answers),
            _reproduce(tree, "ALL=1" if self.everything else ""),
            Path(sys.executable),
            tree.directory,
            arguments,
            self.environment,
        )

    def own_environment(self, tree: Rendering, python: str = "") -> Job:
        """One tree's whole suite in an environment made from its own pyproject and seed lock.

        The union of all dependencies could hide that a service does not declare what it imports.
        """
        wanted = python or "{}.{}".format(*sys.version_info)
        folder = f".venv-{wanted}"
        return Job(
            f"own env {wanted}",
            title(tree.answers),
            _reproduce(tree, f"OWN={wanted}"),
            tree.directory / folder / "bin" / "python",
            tree.directory,
            environment={**self.environment, "UV_PROJECT_ENVIRONMENT": folder},
            prepare=[sys.executable, str(ENVIRONMENT), self.uv, wanted],
        )


def _reproduce(tree: Rendering, *flags: str) -> str:
    words = [*filter(None, flags), f'ANSWERS="{command_words(tree.answers)}"']
    return " ".join(["make test-one", *words])


def pairwise_trees(renderings: Sequence[Rendering]) -> list[Rendering]:
    """Return the distinct trees of the pairwise combinations, the defaults first."""
    chosen = pairwise()
    return distinct_trees(each for each in renderings if each.answers in chosen)


def has_python(uv: str, version: str) -> bool:
    """Tell whether uv finds this Python version on the machine, or can get it."""
    command = [uv, "python", "find", "--quiet", version]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return True
    install = [uv, "python", "install", "--quiet", version]
    return subprocess.run(install, capture_output=True, check=False).returncode == 0
