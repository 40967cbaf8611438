"""The steps of an update, one after the other."""

import sys
from collections.abc import Sequence
from pathlib import Path

from . import guarantees, options, plan, snapshot, summary
from .copier import Copier, find, source_from
from .judge import bring_floors, exit_code, judge
from .manifest import ANSWERS, ejected, parse_answers, read_manifest
from .options import Options
from .plan import Plan
from .processes import Refusal, UpdateFailure
from .repository import Repository
from .snapshot import Snapshot
from .summary import Summary
from .takeback import take_back

HANDED_ON = ("end", "source", "security", "releases")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    wanted = options.parse(words)
    repository = Repository(wanted.project)
    try:
        return _dispatch(repository, wanted)
    except Refusal as reason:
        sys.stderr.write(f"Refused, and nothing was touched: {reason}\n")
        return options.REFUSED
    except UpdateFailure as reason:
        sys.stderr.write(f"Failed: {reason}\n")
        return options.FAILED


def _dispatch(repository: Repository, wanted: Options) -> int:
    answers = _answers(repository.project)
    if wanted.restore:
        snapshot.restore(repository, snapshot.load(repository))
        sys.stdout.write("The service is as it was before the update.\n")
        return options.PASSED
    if wanted.resume:
        return _conclude(repository, snapshot.load(repository), wanted)
    if wanted.take_back:
        command = Copier(repository, find(wanted.copier))
        take_back(command, answers, wanted.source, wanted.take_back)
        return options.PASSED
    ahead = plan.make(repository, answers, wanted)
    _announce(ahead)
    if ahead.nothing_to_do or wanted.show:
        return _only_say(ahead, wanted)
    return _update(repository, ahead, answers, wanted)


def _answers(project: Path) -> dict[str, str]:
    try:
        return parse_answers((project / ANSWERS).read_text("utf-8"))
    except OSError:
        raise Refusal(f"{project} has no {ANSWERS}: it was not made by Copier") from None


def _announce(ahead: Plan) -> None:
    """Say what the update would bring: security first, then the releases, then what is lost."""
    say = sys.stdout.write
    if ahead.nothing_to_do:
        say(f"At {ahead.end}, the newest release of {ahead.source}. Nothing to do.\n")
        return
    say(f"From {ahead.begin} to {ahead.end}, template {ahead.source}\n")
    for line in summary.security_lines(summary.entries(ahead)):
        say(f"  {line}\n")
    for release in ahead.releases:
        say(f"{release.version} {release.date}\n".replace(" \n", "\n"))
        for line in release.other:
            say(f"  {line}\n")
    for note in ahead.notes:
        say(f"{note.change}\n  loses: {note.loses or 'nothing'}\n  then: {note.then}\n")


def _only_say(ahead: Plan, wanted: Options) -> int:
    """Answer whether something waits, without doing anything."""
    if ahead.nothing_to_do:
        return options.PASSED  # and no summary: its absence tells a workflow that nothing waits
    result = _begin(ahead)
    mine = any(ahead.concerns(entry) for entry in ahead.security)
    result.exit = options.WAITING_SECURITY if mine else options.WAITING
    _write(result, wanted)
    return result.exit


def _begin(ahead: Plan) -> Summary:
    releases = [release.version for release in ahead.releases]
    return Summary(ahead.begin, ahead.end, ahead.source, summary.entries(ahead), releases)


def _update(repository: Repository, ahead: Plan, answers: dict[str, str], wanted: Options) -> int:
    command = Copier(repository, find(wanted.copier))
    repository.require_clean()
    _require_safe(repository, ahead, wanted)
    before = _photograph(repository, ahead, answers)
    before.save(repository)
    source, kept = wanted.moved_to or wanted.source, list(before.ejected)
    try:
        with source_from(repository, source, keep=bool(wanted.moved_to)):
            done = command.update(ahead.reference, ahead.data, kept)
        if not done.ok:
            raise UpdateFailure(f"Copier: {done.errors.strip() or done.reason}; nothing is changed")
        before.added = repository.added()
        before.save(repository)
    except BaseException:
        snapshot.restore(repository, before)
        raise
    return _conclude(repository, before, wanted)


def _require_safe(repository: Repository, ahead: Plan, wanted: Options) -> None:
    """Refuse what would lose something that git cannot give back, or that nobody agreed to."""
    known = [*read_manifest(repository.project).template, *ahead.incoming]
    if hidden := repository.untracked(sorted(set(known))):
        raise Refusal(
            "git does not know these files, so an update would write over them unseen; commit or "
            f"move them: {', '.join(hidden)}"
        )
    losses = [note for note in ahead.notes if note.loses]
    if losses and not wanted.accept:
        changes = "; ".join(note.change for note in losses)
        raise Refusal(f"{changes} cannot keep everything, see above; --accept goes on")


def _photograph(repository: Repository, ahead: Plan, answers: dict[str, str]) -> Snapshot:
    manifest = read_manifest(repository.project)
    result = _begin(ahead)
    return Snapshot(
        head=repository.head(),
        begin=ahead.begin,
        end=ahead.end,
        answers=answers,
        switched=ahead.data,
        edited=manifest.edited(repository.project),
        ejected=ejected(repository.project),
        rejects=repository.rejects(),
        notes={
            "manifest": dict(manifest.template),
            **{name: getattr(result, name) for name in HANDED_ON},
        },
    )


def _conclude(repository: Repository, before: Snapshot, wanted: Options) -> int:
    """Look at what came out, run the guarantees, and say it all once."""
    result = Summary(before.begin, **{name: before.notes[name] for name in HANDED_ON})
    judge(repository, before, result)
    if result.conflicts or result.answers:
        result.tests = "not run: first the files above, then --continue"
    else:
        bring_floors(repository, before, result)
        result.tests = "not run: --no-tests"
        if not wanted.no_tests:
            result.tests = guarantees.check(repository.project, wanted.tests)
    result.exit = exit_code(result)
    sys.stdout.write(summary.as_text(result))
    if result.exit:
        sys.stdout.write("--restore takes everything back.\n")
    _write(result, wanted)
    return result.exit


def _write(result: Summary, wanted: Options) -> None:
    """Write the summary to the files that were asked for."""
    if wanted.json:
        wanted.json.write_text(summary.as_json(result), "utf-8")
    if wanted.markdown:
        wanted.markdown.write_text(summary.as_markdown(result), "utf-8")
