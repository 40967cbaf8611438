"""Runs mutants inside one pytest process of a rendered service.

python -m tools.mutation.running PLAN RESULTS SURVEY SECONDS      in the service's folder

The tests are collected once. A first child runs them all under coverage and notes which test comes
by which line; then each mutant gets a child of its own, forked from the collected session, in which
the code of its file is swapped and the tests that come by its line run until one fails. A mutant
outside of functions is written to the file, for a fresh process.
"""

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import coverage
import pytest

from tools.mutation.covering import Lines, tests_at
from tools.mutation.forking import TIME_IS_UP, adopt_orphans, forked, imported, swap

SHARES = (0.05, 0.25)  # of the time of all tests: for each mutant, then for what survived that
SURVEY_SECONDS = 3000
LEFT_OUT = {"test_code_habits.py", "test_state_machine.py", "test_api_key_state_machine.py"}


class Mutation:
    """The plugin: takes over once the tests are collected.

    Args:
        mutants: what to run.
        results: takes one line of JSON for each.
        survey: keeps which test comes by which line, for the next run over the same service.
        seconds: when to stop, from now on; the rest is left.
    """

    def __init__(
        self, mutants: Sequence[Mapping[str, Any]], results: Path, survey: Path, seconds: float
    ) -> None:
        self._mutants = mutants
        self._results = results
        self._kept = survey
        self._until = time.monotonic() + seconds
        self._failed: list[str] = []
        self._items: dict[str, pytest.Item] = {}
        self._lines: Lines = {}
        self._seconds: dict[str, float] = {}
        self._kills: dict[str, Counter[str]] = defaultdict(Counter)
        self._trusted: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self._failed.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Survey the tests, then run every mutant."""
        adopt_orphans()
        self._items = {i.nodeid: i for i in session.items if "[postgres" not in i.nodeid}
        if not self._kept.exists():
            answer = forked(self._survey, SURVEY_SECONDS)
            if "lines" not in answer:
                raise pytest.UsageError(f"the survey of the tests failed: {answer}")
            self._kept.write_text(json.dumps(answer), "utf-8")
        answer = json.loads(self._kept.read_text("utf-8"))
        self._lines, self._seconds = answer["lines"], answer["seconds"]
        _say(f"{len(self._seconds)} tests, {sum(self._seconds.values()):.0f} s")
        with self._results.open("a") as results:
            for number, mutant in enumerate(self._mutants, 1):
                if time.monotonic() > self._until:
                    break
                if verdict := self._judge(mutant):
                    results.write(json.dumps({"id": mutant["id"], **verdict}) + "\n")
                    results.flush()
                if number % 20 == 0:
                    _say(f"{number} of {len(self._mutants)}")
        return True

    def _survey(self) -> dict[str, Any]:
        """Run everything under coverage; return the tests of each line, and seconds."""
        # The tracer follows greenlets, in which SQLAlchemy does a session's work.
        measured = coverage.Coverage(
            data_file=None,
            include=[str(Path.cwd() / "app" / "*")],
            concurrency=["greenlet", "thread"],
            config_file=False,
        )
        measured.start()
        seconds = dict(self._run(self._items.values(), measured.switch_context))
        measured.stop()
        good = seconds.keys() - set(self._failed)
        data = measured.get_data()
        lines = {
            str(Path(file).relative_to(Path.cwd())): {
                line: sorted(good.intersection(contexts))
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        return {"lines": lines, "seconds": {name: seconds[name] for name in good}}

    def _judge(self, mutant: Mapping[str, Any]) -> dict[str, object]:
        """Try a mutant until no test is left that it could fail; {} when the machine is too slow.

        A mutant may make its tests hang, which is a death; but on a busy machine all tests do.
        """
        began, names, by = time.monotonic(), list[str](), ""
        for share in SHARES[: 1 if mutant["explained"] else None]:
            names += (more := [each for each in self._choose(mutant, share) if each not in names])
            by = self._try(mutant, more)
            if by in TIME_IS_UP and "end" in forked(lambda: self._first_failure(more)):
                return {}
            while by in self._items and not self._is_trusted(by):
                more.remove(by)
                by = self._try(mutant, more)
            if by:
                break
        if by:
            self._kills[mutant["file"]][by] += 1
        verdict = "untouched" if not names else "killed" if by else "survived"
        seconds = round(time.monotonic() - began, 1)
        return {"verdict": verdict, "by": by, "tests": len(names), "seconds": seconds}

    def _choose(self, mutant: Mapping[str, Any], share: float) -> list[str]:
        """Return the tests that come by a mutant, those that killed most in its file first."""
        found = tests_at(mutant, self._lines, self._seconds)
        kills, word = self._kills[mutant["file"]], Path(mutant["file"]).stem.partition("_")[0]

        def order(name: str) -> tuple[int, bool, float]:
            return -kills[name], word not in name, self._seconds.get(name, 0)

        chosen, total = [], 0.0
        for name in sorted(self._items.keys() & set(found), key=order):
            chosen.append(name)
            total += self._seconds.get(name, 0)
            if total > share * sum(self._seconds.values()):
                break
        return chosen

    def _try(self, mutant: Mapping[str, Any], names: Sequence[str]) -> str:
        """Return the test that failed first, how the process ended, or "" when all passed."""
        file = Path.cwd() / mutant["file"]
        if mutant["apart"] and names:
            return imported(file, mutant["source"], names)

        def run() -> dict[str, str]:
            swap(file, mutant["source"])
            return self._first_failure(names)

        answer = forked(run) if names else {"by": ""}
        if "Traceback" in answer.get("end", ""):  # of this program: a mutant's stay in its tests
            raise pytest.UsageError(answer["end"])
        return str(answer.get("end") or answer["by"])

    def _is_trusted(self, name: str) -> bool:
        """Tell whether a test passes alone, without a mutant: else it kills nothing, this time."""
        alone = (forked(lambda: self._first_failure([name])) for _ in range(2))
        if name in self._trusted or {"by": ""} in alone:
            self._trusted.add(name)
        return name in self._trusted

    def _first_failure(self, names: Sequence[str]) -> dict[str, str]:
        self._failed.clear()
        items = [self._items[name] for name in names]
        next((name for name, _ in self._run(items, lambda name: None) if self._failed), None)
        return {"by": self._failed[0] if self._failed else ""}

    def _run(
        self, items: Iterable[pytest.Item], enter: Callable[[str], object]
    ) -> Iterator[tuple[str, float]]:
        """Run tests; say after each which one it was, and its seconds."""
        tests = [*items]
        # Never the last: what lives as long as the session dies with the process.
        another = next(each for each in self._items.values() if each is not tests[-1])
        for item, following in zip(tests, [*tests[1:], another], strict=True):
            enter(item.nodeid)
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            yield item.nodeid, time.process_time() - began


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.__stderr__, flush=True)


def main() -> int:
    """Run the plan."""
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    plugin = Mutation(plan, Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
    files = [str(p) for p in sorted(Path("tests").rglob("test_*.py")) if p.name not in LEFT_OUT]
    options = ["-q", "-p", "no:cacheprovider", "-m", "not slow", "--tb=no"]
    return pytest.main([*options, "-o", "faulthandler_timeout=0", *files], plugins=[plugin])


if __name__ == "__main__":
    sys.exit(main())
