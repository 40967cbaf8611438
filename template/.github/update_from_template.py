# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Brings a new release of the template to this repository as a pull request.

Two steps for two jobs: `prepare FOLDER` updates and runs the checks, without any right to write;
`propose FOLDER` pushes what came of it and opens the pull request, without running any of it.
Between them goes FOLDER: the commit as a git bundle, and what to say about it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What hooks/safe_update.py exits with, and the first words of the pull request.
NEEDS: dict[int, str] = {
    0: "The service's checks passed.",
    1: "**Not ready: the service's checks fail.** The log of the workflow shows them.",
    4: "**Not ready: files have conflicts.** They are committed with their markers, so that the"
    " branch can be resolved: look for `<<<<<<<` and `*.rej` in the files below.",
    6: "**Not ready: something of the release does not reach this service**, see below.",
}
BOT = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
STATUS = "template-update"  # the commit status that makes the pull request red
MAX_BODY = 60_000  # characters; GitHub takes 65,536
RESOLVE = (
    "```\ngit switch {branch}        # after git fetch\n"
    "uv sync && uv run poe check   # resolve what is named here, then this must pass\n```\n"
)


def run(*command: str | Path) -> str:
    """Run a command; return what it printed.

    Raises:
        SystemExit: it failed; says what it said.
    """
    done = execute(*map(str, command))
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:3]))} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def execute(*words: str, quiet: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command without a shell and return what became of it, whatever that is."""
    return subprocess.run(words, check=False, capture_output=quiet, text=True)  # noqa: S603 - no shell


def output(name: str, value: str) -> None:
    """Hand a value to later jobs."""
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{name}={value}\n")
    sys.stdout.write(f"{name}: {value}\n")


def prepare(folder: Path) -> None:
    """Update on a commit of its own, run the checks, and write all about it into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    base = run("git", "rev-parse", "HEAD")
    summary, text = folder / "summary.json", folder / "summary.md"
    words = ("hooks/safe_update.py", "--json", str(summary), "--markdown", str(text))
    code = execute(sys.executable, *words, quiet=False).returncode
    if code not in NEEDS:
        sys.exit(code)  # refused or failed: nothing was changed, and it said why
    if not summary.exists():
        output("proposal", "false")
        return
    run("git", "add", "--all")
    release = str(json.loads(summary.read_text("utf-8"))["to"])
    author = ("-c", f"user.name={BOT[0]}", "-c", f"user.email={BOT[1]}")
    message = f"Update the template to {release}"
    # The update is to be looked at as it is: conflicts stop a commit hook, and not a pull request.
    run("git", *author, "commit", "--quiet", "--no-verify", "--message", message)
    head = run("git", "rev-parse", "HEAD")
    run("git", "bundle", "create", "--quiet", folder / "update.bundle", f"{base}..HEAD")
    plan = {"base": base, "head": head, "exit": code}
    (folder / "plan.json").write_text(json.dumps(plan), "utf-8")
    output("proposal", "true")


def propose(folder: Path) -> None:
    """Push the prepared commit to a branch of its own and open a pull request for it."""
    plan = json.loads((folder / "plan.json").read_text("utf-8"))
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    base, head, code = str(plan["base"]), str(plan["head"]), int(plan["exit"])
    branch = f"template-update/{summary['to']}"
    run("git", "check-ref-format", "--branch", branch)
    run("git", "fetch", "--quiet", folder / "update.bundle", "HEAD")
    # The first job ran code of the update: take its one commit, on what lies here, or nothing.
    if run("git", "rev-list", "--parents", "-1", "FETCH_HEAD").split() != [head, base]:
        sys.exit("the prepared update is not one commit on its base")
    run("git", "merge-base", "--is-ancestor", base, "HEAD")
    if run("git", "ls-remote", "--heads", "origin", branch):
        sys.stdout.write(f"{branch} exists: what people did there is left alone\n")
        return
    push(head, branch)
    body = folder / "body.md"
    body.write_text(describe(summary, code, (folder / "summary.md").read_text("utf-8"), branch))
    state = "failure" if code else "success"
    status = f"repos/{{owner}}/{{repo}}/statuses/{head}"
    said = NEEDS[code].partition(".")[0].replace("*", "")
    fields = (f"state={state}", f"context={STATUS}", f"description={said}")
    gh("api", "--method", "POST", status, *(word for field in fields for word in ("-f", field)))
    target = os.environ.get("BASE_BRANCH", "main")
    heads = ("--base", target, "--head", branch)
    gh("pr", "create", *heads, "--title", title(summary), "--body-file", str(body))


def push(head: str, branch: str) -> None:
    """Push one commit to a new branch, with the token that gh has; it is written nowhere."""
    helper = ("-c", "credential.helper=", "-c", "credential.helper=!gh auth git-credential")
    done = execute("git", *helper, "push", "--quiet", "origin", f"{head}:refs/heads/{branch}")
    if done.returncode:
        hint = ""
        if "workflow" in done.stderr:
            hint = (
                "\nThis release changes workflows, which the workflow's own token may not push:"
                " make a fine-grained token with the rights contents, pull requests, commit"
                " statuses and workflows, and store it as the secret TEMPLATE_UPDATE_TOKEN."
            )
        sys.exit(f"the branch could not be pushed: {done.stderr.strip()}{hint}")


def gh(*words: str) -> None:
    """Run GitHub's command line."""
    sys.stdout.write(run(shutil.which("gh") or "gh", *words) + "\n")


def weaknesses(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the security entries of the update that concern this service."""
    return [entry for entry in summary["security"] if entry["concerns_this_service"]]


def title(summary: dict[str, Any]) -> str:
    """Return the title: a security fix is told from any other update at a glance."""
    kind = "Security: update" if weaknesses(summary) else "Update"
    return f"{kind} the template from {summary['from']} to {summary['to']}"


def describe(summary: dict[str, Any], code: int, text: str, branch: str) -> str:
    """Return the text of the pull request: why it matters, what it needs, then the summary."""
    parts = [NEEDS[code], RESOLVE.format(branch=branch)] if code else [NEEDS[code]]
    if found := weaknesses(summary):
        count = "a weakness" if len(found) == 1 else f"{len(found)} weaknesses"
        why = [f"**This service has {count} that the release closes. Do not let it wait.**", ""]
        why += [f"- {entry['title']} (releases {entry['affected']})" for entry in found]
        why += ["", "Whoever reads the template's changelog knows how to look for it."]
        parts.insert(0, "\n".join(why))
    return "\n\n".join([*parts, text])[:MAX_BODY]


def main(words: Sequence[str]) -> None:
    """Run one of the two steps."""
    steps = {"prepare": prepare, "propose": propose}
    if len(words) != 2 or words[0] not in steps:
        sys.exit("usage: update_from_template.py prepare|propose FOLDER")
    steps[words[0]](Path(words[1]).resolve())


if __name__ == "__main__":
    main(sys.argv[1:])
