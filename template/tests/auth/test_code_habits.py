# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the template's own code never does, read from its source: the habits that ASVS reviews for.

Your own modules are yours to judge: only `app/core`, `app/auth` and `app/commands` are read.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent
FOLDERS = ("core", "auth", "commands")

# Names of modules, and of functions as they are called; a name stands for all that is below it.
RUNS_COMMANDS = {
    *("subprocess", "pty", "os.system", "os.popen", "os.execv", "os.execvp", "os.posix_spawn"),
    *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
}
RUNS_INPUT = {"eval", "exec", "compile", "__import__", "importlib", "runpy"}
REVIVES_OBJECTS = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "yaml"}
GUESSABLE = {"random", "uuid.uuid1"}
BROKEN_HASHES = {"hashlib.md5", "hashlib.sha1", "hashlib.new"}
CALLS_OTHERS = {"urllib.request", "http.client", "httpx", "httpx2", "requests", "aiohttp", "socket"}
# Where logins with providers are, if this service has them: over one transport with bounds.
PROVIDERS = ("app/auth/oauth/", "app/auth/routes/oauth.py")
TRUSTS_ANYBODY = {"ssl._create_unverified_context", "ssl.CERT_NONE"}

# All cryptography, by module; a new line here is a decision (ASVS 11.1.2, 11.2.1).
CRYPTOGRAPHY = {
    "app/auth/api_key_format.py": {"hashlib", "secrets"},
    "app/auth/api_keys.py": {"hmac"},
    "app/auth/derived_keys.py": {"hashlib", "hmac", "secrets", "cryptography"},
    "app/auth/key_store.py": {"secrets"},
    "app/auth/oauth/discovery.py": {"joserfc"},
    "app/auth/oauth/http.py": {"joserfc"},
    "app/auth/oauth/openid.py": {"joserfc"},
    "app/auth/oauth/provider.py": {"hmac"},
    "app/auth/passwords.py": {"pwdlib"},
    "app/auth/routes/jwks.py": {"hashlib"},
    "app/auth/security.py": {"jwt"},
    "app/auth/signing_hs256.py": {"secrets"},
    "app/auth/signing_rs256.py": {"cryptography", "jwt"},
    "app/commands/bootstrap.py": {"secrets"},
    "app/core/database.py": {"hashlib"},
    "app/core/metrics.py": {"secrets"},
    "app/core/rate_limits.py": {"hashlib"},
    "app/core/weak_secrets.py": {"hashlib"},
}
LIBRARIES = {"hashlib", "hmac", "secrets", "cryptography", "joserfc", "jwt", "pwdlib"}
# The one cipher is authenticated; there is no padding to choose (ASVS 11.3.1 to 11.3.3).
CIPHERS = {"cryptography.hazmat.primitives.ciphers.aead.AESGCM"}

# Statements that are text, where no value of a request can be in it.
OWN_TEXT = {"app/core/database_engine.py": 2}  # PRAGMA and BEGIN from constants

SECRET_NAME = re.compile(r"secret|token|password|signature|digest|fingerprint", re.IGNORECASE)
NO_SECRET = re.compile(r"token_type|token_version|token_id", re.IGNORECASE)
COLUMN = re.compile(r"[A-Z]\w+\.\w+")  # of a model: an expression that becomes SQL


@cache
def modules() -> dict[str, ast.Module]:
    """Return the template's own modules by path."""
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    return {
        file.relative_to(ROOT.parent).as_posix(): ast.parse(file.read_text("utf-8"))
        for file in files
    }


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of everything that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def mentioned(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports, the dotted names it reads and the plain ones it calls."""
    yield from imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def who_mentions(names: set[str]) -> list[str]:
    """Return the places where the code mentions one of these names, or something below it."""
    return [
        f"{path}: {name}"
        for path, tree in modules().items()
        for name in mentioned(tree)
        if name in names or any(name.startswith(f"{each}.") for each in names)
    ]


def test_the_code_that_is_judged_is_all_there() -> None:
    # The control: a judge of nothing would find nothing.
    assert {"app/auth/security.py", "app/core/application.py"} <= modules().keys()
    assert "jwt.encode" in set(mentioned(modules()["app/auth/security.py"]))


@pytest.mark.parametrize(
    "names",
    [RUNS_COMMANDS, RUNS_INPUT, REVIVES_OBJECTS, GUESSABLE, BROKEN_HASHES, TRUSTS_ANYBODY],
    ids=["commands", "input as code", "objects", "guessable numbers", "broken hashes", "no trust"],
)
def test_what_is_never_needed_is_never_mentioned(names: set[str]) -> None:
    assert who_mentions(names) == []


def test_the_service_calls_nobody_over_http_but_the_providers_of_its_settings() -> None:
    # Databases, Redis and the mail server come from the settings; no address comes from a request.
    assert [place for place in who_mentions(CALLS_OTHERS) if not place.startswith(PROVIDERS)] == []


def test_cryptography_comes_from_libraries_and_stands_in_few_modules() -> None:
    for path, tree in modules().items():
        used = {name.split(".")[0] for name in imported(tree)} & LIBRARIES
        assert used <= CRYPTOGRAPHY.get(path, set()), path


def test_the_only_cipher_is_authenticated() -> None:
    named = {name for tree in modules().values() for name in imported(tree)}
    ciphers = {name for name in named if name.startswith("cryptography") and ".ciphers." in name}
    assert ciphers == CIPHERS
    assert not any("padding" in name for name in named)


def test_statements_are_built_from_expressions_and_not_from_text() -> None:
    texts: dict[str, int] = {}
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and takes_text(node):
                texts[path] = texts.get(path, 0) + 1
    assert texts == OWN_TEXT


def takes_text(call: ast.Call) -> bool:
    """Tell whether a call takes a statement as text that is not one constant."""
    name = ast.unparse(call.func).split(".")[-1]
    if not call.args or isinstance(call.args[0], ast.Constant):
        return False
    as_text = isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    takes = name in {"text", "literal_column", "exec_driver_sql"}
    return takes or (name in {"execute", "scalar", "scalars"} and as_text)


def test_secrets_are_never_compared_by_the_operator_that_stops_early() -> None:
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
                assert not compares_a_secret(sides), f"{path}:{node.lineno}: {sides}"


def compares_a_secret(sides: list[str]) -> bool:
    """Tell whether an operand is a secret; hashes of secrets are compared by the database."""
    if any(COLUMN.fullmatch(side) for side in sides):
        return False
    names = [NO_SECRET.sub("", side.rpartition(".")[2]) for side in sides]
    return any(SECRET_NAME.search(name) for name in names)
