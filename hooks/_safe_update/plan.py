"""What an update would do, known before anything is touched."""

from dataclasses import dataclass

from . import changelog, switches, versions
from .changelog import Release, SecurityEntry
from .manifest import ANSWERS, paths_in
from .options import Options
from .processes import Refusal
from .repository import Repository
from .template import Template

CHANGELOG = "CHANGELOG.md"
SWITCHES = "switches.toml"
NEW_MANIFEST = "template/ownership.toml.jinja"


@dataclass(frozen=True)
class Plan:
    """From where to where, and what lies between.

    Attributes:
        source: the template's address.
        moved: whether the answers name another one.
        begin: the commit or tag that the answers record.
        reference: the tag or commit to update to.
        data: the answers to change.
        releases: those between, newest first.
        notes: what the changed answers mean.
        incoming: the paths that the template may bring.
    """

    source: str
    moved: bool
    begin: str
    reference: str
    data: dict[str, str]
    releases: list[Release]
    notes: list[switches.Note]
    incoming: list[str]

    @property
    def end(self) -> str:
        """The release to update to, as people name it."""
        return versions.release_of(self.reference) or self.reference

    @property
    def nothing_to_do(self) -> bool:
        """Whether the service is there already."""
        return not self.data and not self.moved and self.begin == self.reference

    @property
    def security(self) -> list[SecurityEntry]:
        """The weaknesses that the update closes, those that this service has first."""
        entries = [entry for release in self.releases for entry in release.security]
        return sorted(entries, key=lambda entry: not self.concerns(entry))

    def concerns(self, entry: SecurityEntry) -> bool:
        """Tell whether the release that the service is at has a weakness."""
        release = versions.release_of(self.begin)
        return not release or entry.concerns(release)


def make(repository: Repository, answers: dict[str, str], options: Options) -> Plan:
    """Ask the template what lies ahead.

    Raises:
        Refusal: it cannot be asked, or has no such release, or the way leads back.
    """
    recorded = answers.get("_src_path", "")
    begin = answers.get("_commit", "")
    if not recorded or not begin:
        raise Refusal(f"{ANSWERS} records no release of a template: was it rendered from a copy?")
    source = options.moved_to or options.source or recorded
    template = Template(source, repository.project)
    reference = template.choose(options.to)
    before, after = versions.release_of(begin), versions.release_of(reference)
    if before and after and versions.key(before) > versions.key(after):
        raise Refusal(f"{after} is older than {before}: a release is taken back with git")
    changed = {name: v for name, v in options.data.items() if _differs(answers.get(name), v)}
    with template.files(reference) as files:
        if not files.exists():
            raise Refusal(f"the template has no commit {reference}")
        log = changelog.parse(files.read(CHANGELOG))
        notes = switches.notes(files.read(SWITCHES), answers, changed)
        incoming = paths_in(files.read(NEW_MANIFEST))
    between = changelog.between(log, before, after)
    moved = bool(options.moved_to) and options.moved_to != recorded
    return Plan(template.address, moved, begin, reference, changed, between, notes, incoming)


def _differs(before: str | None, after: str) -> bool:
    return before is None or switches.values(before) != switches.values(after)
