"""--deep renders the recorded release again: then nothing that was rendered can be hidden."""

from pathlib import Path

import pytest

from tests.hooks.services import Service
from tests.hooks.test_template_drift import kinds

pytestmark = pytest.mark.heavy  # each renders or updates a whole service


def test_an_untouched_service_is_what_its_release_renders(service: Service) -> None:
    found = service.drift("--deep")
    assert found["deep"] is True
    assert found["findings"] == []
    assert found["notes"] == []


def test_a_manifest_that_was_edited_to_hide_a_change_is_found(service: Service) -> None:
    service.append("app/auth/guard.py", "# mine\n")
    lines = service.read("ownership.toml").splitlines(keepends=True)
    hidden = [line for line in lines if not line.startswith('"app/auth/guard.py"')]
    service.write("ownership.toml", "".join(hidden))
    assert kinds(service.drift()) == set()
    assert kinds(service.drift("--deep")) == {
        ("changed", "app/auth/guard.py"),
        ("manifest", "ownership.toml"),
    }


def test_answers_that_were_edited_are_told_once(service: Service) -> None:
    service.replace(".copier-answers.yml", "jwt_algorithm: RS256", "jwt_algorithm: HS256")
    found = kinds(service.drift("--deep"))
    assert ("answers", ".copier-answers.yml") in found
    assert ("manifest", "ownership.toml") not in found
    assert ("missing", "app/auth/signing_hs256.py") in found


def test_changed_lines_of_shared_files_are_told(service: Service) -> None:
    service.replace("pyproject.toml", '  "pyjwt[crypto]>=2.15",\n', '  "pyjwt[crypto]",\n')
    service.append(".gitignore", "mine\n")
    found = service.drift("--deep")
    assert found["findings"] == []
    (note,) = found["notes"]
    assert (note["kind"], note["path"]) == ("shared", "pyproject.toml")
    assert "pyjwt[crypto]>=2.15" in note["message"]


def test_the_difference_can_be_seen(service: Service) -> None:
    service.append("app/auth/guard.py", "# mine\n")
    text = service.run("template_drift", "--deep", "--diff").stdout
    assert "--- template/app/auth/guard.py" in text
    assert "\n+# mine\n" in text


def test_what_was_lost_can_be_brought_back(service: Service, pristine: Path) -> None:
    (service.root / "app/auth/guard.py").unlink()
    service.append("app/auth/wiring.py", "# mine\n")
    service.append("app/core/errors.py", "# mine, and stays\n")
    done = service.run("template_drift", "--restore", "app/auth/guard.py", "app/auth/wiring.py")
    assert done.returncode == 1, "the third file is still changed"
    for path in ("app/auth/guard.py", "app/auth/wiring.py"):
        assert service.read(path) == (pristine / path).read_text("utf-8")
    assert kinds(service.drift()) == {("changed", "app/core/errors.py")}


@pytest.mark.parametrize("path", ["app/main.py", "../escape.py", ".copier-answers.yml"])
def test_only_files_of_the_template_are_restored(service: Service, path: str) -> None:
    service.append("app/main.py", "# mine\n")
    done = service.run("template_drift", "--restore", "app/auth/guard.py", path)
    assert done.returncode == 2
    assert service.read("app/main.py").endswith("# mine\n")


def test_restoring_replaces_a_link_and_not_what_it_points_to(service: Service) -> None:
    path = service.root / "app/auth/guard.py"
    path.unlink()
    service.write("elsewhere.py", "# mine\n")
    path.symlink_to(service.root / "elsewhere.py")
    assert service.run("template_drift", "--restore", "app/auth/guard.py").returncode == 0
    assert not path.is_symlink()
    assert service.read("elsewhere.py") == "# mine\n"


def test_a_developers_own_answers_change_nothing(service: Service, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults:\n  jwt_algorithm: HS256\n")
    done = service.run("template_drift", "--deep", env={"COPIER_SETTINGS_PATH": str(settings)})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_commit: 0.9.0", "_commit: 0.8.0"),
        ("_commit: 0.9.0\n", ""),
        ("_src_path: /", "_src_path: /no"),
    ],
    ids=["unknown release", "no release", "a template that is gone"],
)
def test_what_cannot_be_rendered_again_is_not_called_clean(
    service: Service, old: str, new: str
) -> None:
    service.replace(".copier-answers.yml", old, new)
    assert service.drift("--deep")["status"] == "unchecked"


def test_a_release_that_wants_to_run_code_is_refused(
    service: Service, released: Path, tmp_path: Path
) -> None:
    import shutil

    from tests.hooks.services import git

    evil = tmp_path / "evil"
    shutil.copytree(released, evil)
    (evil / "copier.yml").write_text(
        (evil / "copier.yml").read_text("utf-8") + f'\n_tasks: ["touch {tmp_path}/ran"]\n'
    )
    git(evil, "commit", "--all", "--quiet", "--message", "evil")
    git(evil, "tag", "--force", "0.9.0")
    service.replace(".copier-answers.yml", str(released), str(evil))
    assert service.drift("--deep")["status"] == "unchecked"
    assert not (tmp_path / "ran").exists()
