"""Which jobs a matrix run has: the template's own tests, every tree's suite, own environments."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.jobs import Job
from tests.matrix.questions import ROOT, command_words, pairwise, title
from tests.matrix.rendering import RENDERED, Rendering, distinct_trees
from tests.matrix.variations import base, fullest, is_test, shares, values_chosen

QUICK = ("-m", "not slow")
BROWSERS = ("tests/browser", "tests/providers")
# A script, not a module: it runs in a service, which has a package `tests` of its own.
ENVIRONMENT = Path(__file__).with_name("environment.py")


@dataclass(frozen=True)
class Plan:
    """What all jobs of one run share.

    Attributes:
        uv: the uv program.
        environment: variables for every suite.
        rendered: where every combination lies, untouched by any suite.
        everything: run the slow promises in every tree.
    """

    uv: str
    environment: Mapping[str, str]
    rendered: Path
    everything: bool = False

    def own_tests(self) -> Job:
        """The template's own tests, which read every combination as it was rendered."""
        return Job(
            "template",
            "questions, rendering, budgets, static checks",
            "make test-fast",
            Path(sys.executable),
            ROOT,
            ["-m", "not heavy or every_combination"],
            {**self.environment, RENDERED: str(self.rendered)},
        )

    def updates(self) -> Job:
        """Updates of changed services, and whatever else would make the quick tests slow."""
        return Job(
            "updates",
            "updates from every release to this tree",
            "make test-updates",
            Path(sys.executable),
            ROOT,
            [
                "-m",
                "heavy and not every_combination",
                *(f"--ignore={folder}" for folder in ("tests/docs", *BROWSERS)),
            ],
            self.environment,
        )

    def browsers(self) -> Iterator[Job]:
        """Real browsers: each holds the event loop of its process, where nothing else can run."""
        for folder in BROWSERS:
            command = f".venv/bin/pytest {folder}"
            yield Job(
                "browser", folder, command, Path(sys.executable), ROOT, [folder], self.environment
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

    def suites(self, renderings: Sequence[Rendering]) -> Iterator[Job]:
        """Each distinct tree's own suite once, the longest first.

        The pairwise trees run theirs in environments of their own, to which the union of all
        dependencies, where the others run, has nothing to add. The defaults run the slow promises
        too, and the fullest tree those that the defaults lack.
        """
        trees = distinct_trees(renderings)
        files = {tree.tree: share for tree, share in shares(trees)}
        own = pairwise_trees(renderings)
        usual, full = own[0], fullest(own)
        yield self.own_environment(usual)
        for tree in own[1:]:
            yield self.own_environment(tree, arguments=(*QUICK, *files[tree.tree]))
        if not self.everything:
            yield self.slow_promises(full, beside=usual)
        done = {tree.tree for tree in own}
        rest = [tree for tree in trees if tree.tree not in done]
        # The longest first: no core waits for a long suite then.
        for tree in sorted(rest, key=lambda tree: values_chosen(tree.answers)):
            yield self.suite(tree, files[tree.tree])

    def slow_promises(self, tree: Rendering, beside: Rendering) -> Job:
        """The slow promises of test files that one tree has beside another."""
        files = [path for path in tree.files if is_test(path) and path not in beside.files]
        return Job(
            "slow promises",
            f"{title(tree.answers)}: what the defaults lack",
            _reproduce(tree, "ALL=1"),
            Path(sys.executable),
            tree.directory,
            ("-m", "slow", *files),
            self.environment,
        )

    def suite(self, tree: Rendering, files: Sequence[str] = ()) -> Job:
        """One tree's own suite, or these files of it, where all dependencies are."""
        return Job(
            "suite",
            title(tree.answers),
            _reproduce(tree, "ALL=1" if self.everything else ""),
            Path(sys.executable),
            tree.directory,
            () if self.everything else (*QUICK, *files),
            self.environment,
        )

    def own_environment(
        self, tree: Rendering, python: str = "", arguments: Sequence[str] = ()
    ) -> Job:
        """One tree's suite in an environment made from its own pyproject and seed lock.

        The union of all dependencies could hide that a service does not declare what it imports.

        Args:
            tree: the service.
            python: the version; this process's own when left out.
            arguments: what pytest gets; everything runs when left out.
        """
        wanted = python or "{}.{}".format(*sys.version_info)
        folder = f".venv-{wanted}"
        return Job(
            f"own env {wanted}",
            title(tree.answers),
            _reproduce(tree, f"OWN={wanted}"),
            tree.directory / folder / "bin" / "python",
            tree.directory,
            () if self.everything else arguments,
            environment={**self.environment, "UV_PROJECT_ENVIRONMENT": folder},
            prepare=[sys.executable, str(ENVIRONMENT), self.uv, wanted],
        )


def _reproduce(tree: Rendering, *flags: str) -> str:
    words = [*filter(None, flags), f'ANSWERS="{command_words(tree.answers)}"']
    return " ".join(["make test-one", *words])


def pairwise_trees(renderings: Sequence[Rendering]) -> list[Rendering]:
    """Return the trees whose environments are their own, the defaults first.

    Every pair of answers occurs; the trees that vary no other are a pairwise set of their own.
    """
    trees = distinct_trees(renderings)
    answers = [tree.answers for tree in trees]
    chosen = pairwise([each for each in answers if each == base(each)])
    chosen += [each for each in pairwise(answers) if each != base(each)]
    return sorted(
        (tree for tree in trees if tree.answers in chosen), key=lambda t: chosen.index(t.answers)
    )


def has_python(uv: str, version: str) -> bool:
    """Tell whether uv finds this Python version on the machine, or can get it."""
    command = [uv, "python", "find", "--quiet", version]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return True
    install = [uv, "python", "install", "--quiet", version]
    return subprocess.run(install, capture_output=True, check=False).returncode == 0
