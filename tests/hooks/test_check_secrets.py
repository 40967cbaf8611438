"""check_secrets finds what must not be committed, and never says it aloud."""

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.hooks.secret_cases import api_key, fill_in, run_check
from tests.hooks.services import git

KEYS: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
FORMATS = {
    "pkcs8": PrivateFormat.PKCS8,
    "pkcs1": PrivateFormat.TraditionalOpenSSL,
    "openssh": PrivateFormat.OpenSSH,
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty git repository."""
    git(tmp_path, "init", "--quiet")
    return tmp_path


def found(repository: Path, path: str, content: str | bytes) -> list[tuple[str, int]]:
    """Stage one file; return the rules and lines of what is found in it."""
    file = repository / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(fill_in(content) if isinstance(content, str) else content)
    git(repository, "add", "--force", "--", path)
    code, findings = run_check(repository)
    assert code == (1 if findings else 0)
    assert all(one["path"] == path for one in findings)
    return [(one["rule"], one["line"]) for one in findings]


@pytest.mark.parametrize(
    ("kind", "form"),
    # PKCS #1 is older than Ed25519.
    [(kind, form) for kind in KEYS for form in FORMATS if (kind, form) != ("ed25519", "pkcs1")],
)
@pytest.mark.parametrize("locked", [False, True], ids=["plain", "locked"])
def test_a_private_key_is_found(repository: Path, kind: str, form: str, locked: bool) -> None:
    lock: serialization.KeySerializationEncryption = NoEncryption()
    if locked:
        lock = BestAvailableEncryption(b"a password")
    pem = KEYS[kind].private_bytes(Encoding.PEM, FORMATS[form], lock).decode()
    assert found(repository, "deploy/key.txt", f"# a key\n\n{pem}") == [("private-key", 3)]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda pem: json.dumps({"private_key": pem}),
        lambda pem: "KEY = (\n" + "".join(f'    "{line}\\n"\n' for line in pem.split("\n")) + ")\n",
        lambda pem: "key: |\n" + "".join(f"  {line}\n" for line in pem.split("\n")),
        lambda pem: pem.replace("\n", "\r\n"),
    ],
    ids=["json", "python", "yaml", "windows"],
)
def test_a_private_key_inside_another_format_is_found(
    repository: Path, wrap: Callable[[str], str]
) -> None:
    pem = KEYS["ec"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert [rule for rule, _ in found(repository, "key.txt", wrap(pem))] == ["private-key"]


def number(value: int) -> str:
    """Return a number as JWK members hold it."""
    raw = value.to_bytes((value.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("indent", [None, 2])
def test_a_private_jwk_is_found_and_a_public_one_is_not(
    repository: Path, indent: int | None
) -> None:
    key = KEYS["rsa"]
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    public = {"kty": "RSA", "kid": "1", "n": number(numbers.public_numbers.n), "e": "AQAB"}
    assert found(repository, "jwks.json", json.dumps({"keys": [public]}, indent=indent)) == []
    private = {**public, "d": number(numbers.d)}
    rules = found(repository, "jwks.json", json.dumps({"keys": [public, private]}, indent=indent))
    assert [rule for rule, _ in rules] == ["private-key"]


def test_a_symmetric_jwk_is_found(repository: Path) -> None:
    text = json.dumps({"kty": "oct", "k": secrets.token_urlsafe(32)})
    assert [rule for rule, _ in found(repository, "key.json", text)] == ["private-key"]


@pytest.mark.parametrize("kind", ["user", "svc"])
def test_an_api_key_is_found_by_its_checksum(repository: Path, kind: str) -> None:
    key = api_key(kind)
    assert found(repository, "notes.md", f"curl -H 'X-API-Key: {key}'\n") == [("api-key", 1)]
    other = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert found(repository, "notes.md", f"curl -H 'X-API-Key: {other}'\n") == []


def test_an_access_token_is_found_and_other_tokens_are_not(repository: Path) -> None:
    signing = secrets.token_bytes(32)
    token = jwt.encode({"sub": "1"}, signing, "HS256", headers={"typ": "at+jwt"})
    assert found(repository, "notes.md", f"\nBearer {token}\n") == [("access-token", 2)]
    assert found(repository, "notes.md", jwt.encode({"sub": "1"}, signing, "HS256")) == []


@pytest.mark.parametrize(
    "path", [".env", "services/a/.env", ".env.production", ".env.local", ".env.example.local"]
)
def test_a_committed_env_file_is_found_by_its_name(repository: Path, path: str) -> None:
    expected = [] if "example" in path else [("env-file", 0)]
    assert found(repository, path, "ENVIRONMENT=local\n") == expected


@pytest.mark.parametrize("path", ["server.p12", "a/trust.jks"])
def test_a_store_of_keys_is_found_by_its_name(repository: Path, path: str) -> None:
    assert found(repository, path, b"\x30\x82\x00\x00") == [("key-store", 0)]


def test_a_database_is_found_by_its_content(repository: Path) -> None:
    assert found(repository, "fixture.bin", b"SQLite format 3\0\0\0") == [("database", 0)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".env.example", "SECRET_KEY=@SECRET@\n"),
        (".env.example", "SECRET_KEY=changeme\n"),
        ("compose.yaml", "environment:\n  SMTP_PASSWORD: @SECRET@\n"),
        ("compose.yaml", "environment:\n  - METRICS_TOKEN='@SECRET@'\n"),
        ("compose.yaml", "  POSTGRES_PASSWORD: @SECRET@\n"),
        ("compose.yaml", "  url: postgresql+asyncpg://app:@SECRET@@db/app\n"),
        ("k8s/env.yaml", "- name: SECRET_KEY\n  value: @SECRET@\n"),
        ("settings.json", '{"GOOGLE_CLIENT_SECRET": "@SECRET@"}\n'),
        ("pyproject.toml", 'SECRET_KEY = "@SECRET@"\n'),
        ("Dockerfile", "ENV SECRET_KEY=@SECRET@\n"),
        ("run.sh", "export SECRET_KEY=@SECRET@\n"),
        ("app/settings.py", '    secret_key: SecretStr = SecretStr("@SECRET@")\n'),
        ("app/settings.py", 'SECRET_KEY = "@SECRET@"\n'),
        ("app/db.py", 'URL = "redis://:@SECRET@@cache:6379/0"\n'),
    ],
)
def test_a_secret_with_a_value_is_found(repository: Path, path: str, text: str) -> None:
    assert [rule for rule, _ in found(repository, path, text)] == ["secret-value"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", "@KNOWN@\n"),
        ("tests/test_x.py", 'key = "@KNOWN@"\n'),
        ("x.txt", "key=@KNOWN@\n"),
    ],
)
def test_a_published_example_is_found_anywhere(repository: Path, path: str, text: str) -> None:
    assert [rule for rule, _ in found(repository, path, text)] == ["known-secret"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".env.example", "SECRET_KEY=\n# SECRET_KEY=\nSMTP_PORT=587\n"),
        (".env.example", "ACCESS_TOKEN_LIFETIME=900\nPASSWORD_QUEUE=50\nPASSWORD_THREADS=1\n"),
        (".env.example", "# postgresql+asyncpg://user:password@host/name\n"),
        ("compose.yaml", "  SECRET_KEY: ${SECRET_KEY:?run bootstrap}\n"),
        ("compose.yaml", "  POSTGRES_PASSWORD: postgres\n"),
        ("compose.yaml", "  POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password\n"),
        ("compose.yaml", "  SECRET_KEY: /run/secrets/secret_key\n"),
        ("ci.yml", "  GH_TOKEN: ${{ secrets.DEPLOY_TOKEN }}\n"),
        ("ci.yml", "permissions:\n  id-token: write\n"),
        ("env.yaml", "- name: SECRET_KEY\n  valueFrom:\n    secretKeyRef: {name: a, key: b}\n"),
        ("app/x.py", 'secret_key = os.environ["SECRET_KEY"]\nsecret_key: SecretStr\n'),
        ("app/x.py", 'ACCESS_TOKEN = "access_token"\nSECRET_KEY_BYTES = 32\n'),
        ("tests/test_x.py", 'secret_key = "0123456789abcdef"\n'),
        ("x.py", 'if "-----BEGIN PRIVATE KEY-----" in text:\n    raise ValueError\n'),
        ("x.md", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n"),
        ("x.md", "A key is `gate_user_<id>_<secret><checksum>`.\n"),
        ("x.md", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl\n"),
        ("uv.lock", 'SECRET_KEY = "@SECRET@"\n'),
        ("x.json", '{"d": "0123456789012345678901234567890123456789abc"}\n'),
        ("x.bin", b"\0\0-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(
    repository: Path, path: str, text: str | bytes
) -> None:
    assert found(repository, path, text) == []
