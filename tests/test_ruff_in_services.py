"""Ruff itself, as a service configures it: raw routers are refused, FastAPI's own rules hold."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.matrix.questions import ROOT, defaults
from tests.matrix.rendering import render

RUFF = str(Path(sys.executable).with_name("ruff"))
MATCHERS = ROOT / "template" / ".github" / "problem-matchers.json"

REFUSED = {
    "a router": "from fastapi import APIRouter\n\nrouter = APIRouter()\n",
    "an alias": "from fastapi import APIRouter as Harmless\n\nrouter = Harmless()\n",
    "the module": "import fastapi\n\nrouter = fastapi.APIRouter()\n",
    "an alias of the module": "import fastapi as web\n\nrouter = web.APIRouter()\n",
    "a subclass": "import fastapi\n\n\nclass Mine(fastapi.APIRouter):\n    pass\n",
    "an app": "from fastapi import FastAPI\n\napp = FastAPI()\n",
    "an app by module": "import fastapi\n\napp = fastapi.FastAPI()\n",
    "where the app lies": "from fastapi.applications import FastAPI\n\napp = FastAPI()\n",
    "where the router lies": "from fastapi.routing import APIRouter\n\nrouter = APIRouter()\n",
    "a route class": "import fastapi.routing\n\nroute = fastapi.routing.APIRoute\n",
    "the module that routes": "from fastapi import routing\n\nrouter = routing.APIRouter()\n",
    "a Starlette route": "from starlette.routing import Route\n\nroute = Route('/', print)\n",
    "a mount": "import starlette.routing as paths\n\nmount = paths.Mount('/', print)\n",
    "a Starlette app": "from starlette.applications import Starlette\n\napp = Starlette()\n",
    "inside a function": (
        "def make() -> object:\n    from fastapi import APIRouter\n\n    return APIRouter()\n"
    ),
    "for types only": (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from fastapi import APIRouter\n"
    ),
}
ALLOWED = (
    "from fastapi import Depends, HTTPException, Query\n\nfrom app.auth import APIRouter\n\n"
    "router = APIRouter()\n__all__ = ['Depends', 'HTTPException', 'Query']\n"
)
ADVICE = """\
from {source} import APIRouter{alias}
from fastapi import Depends

router = {name}()


@router.get("/{{key}}", response_model=int)
async def show() -> int:
    return 1


@router.get("/other")
async def other(found: int = Depends(int)) -> None:
    return None
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered service."""
    folder = tmp_path_factory.mktemp("ruff") / "service"
    render(defaults(), folder)
    return folder


def ruff(service: Path, text: str, *arguments: str, path: str = "app/api/planted.py") -> list[str]:
    """Plant a module, check it as the service does, and return the codes."""
    planted = service / path
    planted.write_text(text)
    command = [RUFF, "check", "--no-cache", "--output-format", "json", *arguments, str(planted)]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=False)
    planted.unlink()
    return [each["code"] for each in json.loads(done.stdout)]


@pytest.mark.parametrize("name", REFUSED)
def test_raw_tools_are_refused_whatever_they_are_called(service: Path, name: str) -> None:
    assert "TID251" in ruff(service, REFUSED[name])


def test_what_a_service_writes_is_not_refused(service: Path) -> None:
    assert ruff(service, ALLOWED) == []


def test_a_comment_does_not_bring_a_raw_router_back(service: Path) -> None:
    text = "from fastapi import APIRouter  # noqa: TID251\n\nrouter = APIRouter()\n"
    assert ruff(service, text) == []
    assert set(ruff(service, text, "--select", "TID251", "--ignore-noqa")) == {"TID251"}
    ci = (service / ".github/workflows/ci.yml").read_text()
    assert "ruff check --select TID251 --ignore-noqa" in ci


def test_the_ban_holds_beside_the_wiring_of_the_template(service: Path) -> None:
    for path in (
        "app/planted.py",
        "app/core/planted.py",
        "app/auth/planted.py",
        "tests/planted.py",
    ):
        assert "TID251" in ruff(service, REFUSED["a router"], path=path), path


def test_the_refusal_names_what_to_use(service: Path) -> None:
    planted = service / "app/api/planted.py"
    planted.write_text(REFUSED["a router"] + REFUSED["an app"])
    command = [RUFF, "check", "--no-cache", "--output-format", "concise", str(planted)]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=False)
    planted.unlink()
    assert "from app.auth import APIRouter" in done.stdout
    assert "from app.auth import Service, create_app" in done.stdout


def test_a_comment_for_the_checker_is_not_called_unused(service: Path) -> None:
    assert ruff(service, "value = 1  # noqa: AUTH001\n") == []
    assert ruff(service, "value = 1  # noqa: FAST002\n") == []
    assert ruff(service, "value = 1  # noqa: E711\n") == ["RUF100"]


def fastapi_rules(service: Path, text: str) -> list[tuple[str, int, int]]:
    """Plant a module, run FastAPI's rules as `poe lint` does; code, line and column of each."""
    planted = service / "app/api/planted.py"
    planted.write_text(text)
    command = [sys.executable, "hooks/fastapi_rules.py", "--output-format", "json"]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=False)
    planted.unlink()
    found = json.loads(done.stdout)
    assert done.returncode == bool(found), done.stderr
    assert {each["filename"] for each in found} <= {str(planted)}
    return [(one["code"], one["location"]["row"], one["location"]["column"]) for one in found]


@pytest.mark.parametrize("alias", ["", " as Router"])
def test_fastapi_rules_speak_on_the_routers_of_the_service(service: Path, alias: str) -> None:
    name = alias.removeprefix(" as ") or "APIRouter"
    text = ADVICE.format(source="app.auth", alias=alias, name=name)
    expected = ["FAST001", "FAST002", "FAST003"]
    # Ruff alone is silent behind another name; this is why the second run exists.
    assert ruff(service, text, "--select", "FAST") == []
    found = fastapi_rules(service, text)
    assert sorted(code for code, *_ in found) == expected
    plain = ADVICE.format(source="fastapi", alias=alias, name=name)
    assert sorted(ruff(service, plain, "--select", "FAST")) == expected
    # The places are those of the file, although ruff read a copy.
    assert [place for code, *place in found if code == "FAST001"] == [[7, 23]]


def test_fastapi_rules_honour_comments_and_survive_broken_files(service: Path) -> None:
    text = ADVICE.format(source="app.auth", alias="", name="APIRouter")
    silenced = text.replace("=int)\n", "=int)  # noqa: FAST001, FAST003\n")
    assert [code for code, *_ in fastapi_rules(service, silenced)] == ["FAST002"]
    assert fastapi_rules(service, "from app.auth import APIRouter\ndef (\n") == []
    assert fastapi_rules(service, "from app.auth import (\n    APIRouter,\n)\n") == []


def test_the_problem_matcher_reads_what_ruff_and_the_checker_print(service: Path) -> None:
    matchers = {one["owner"]: one for one in json.loads(MATCHERS.read_text())["problemMatcher"]}
    (pattern,) = matchers["route-auth"]["pattern"]
    copied = service.with_name("open")
    shutil.copytree(service, copied)
    text = (copied / "app/main.py").read_text()
    (copied / "app/main.py").write_text(text.replace("protected=[items.router]", "protected=[]"))
    (copied / "app/api/items.py").write_text(
        "from app.auth import APIRouter\n\nrouter = APIRouter()\n\n\n"
        '@router.get("/")\nasync def show() -> int:\n    return 1\n'
    )
    text = (copied / "app/main.py").read_text().replace("public=[]", "public=[items.router]")
    (copied / "app/main.py").write_text(text)
    command = [sys.executable, "hooks/route_auth.py", "--output-format", "concise"]
    done = subprocess.run(command, cwd=copied, capture_output=True, text=True, check=False)
    found = [re.match(pattern["regexp"], line) for line in done.stdout.splitlines()]
    (match,) = [one for one in found if one]
    assert match[pattern["file"]] == "app/api/items.py"
    assert (match[pattern["line"]], match[pattern["column"]]) == ("6", "2")
    assert match[pattern["code"]] == "AUTH001"
    (of_mypy,) = matchers["mypy"]["pattern"]
    line = 'app/x.py:3:5: error: Name "y" is not defined  [name-defined]'
    assert re.match(of_mypy["regexp"], line).groups()[-1] == "name-defined"  # type: ignore[union-attr]
