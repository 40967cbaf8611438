# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app services` and `api-keys` do what they say, and print a key once, alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio.to_thread
import pytest
from typer.testing import CliRunner, Result

from app.auth.api_key_format import read_key
from app.cli import main
from tests.auth.support.api_keys import Key, Owner, probed, use
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service
from tests.auth.support.settings import settings_values

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def probe(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service with the probe."""
    async with probed(kit, monkeypatch) as service:
        yield service


@pytest.fixture
def run(
    probe: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_as_it_was: None
) -> Run:
    """Runs a command on the data of the service, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    values = settings_values(probe.settings.database_url)
    for name in ("redis_url", "redis_key_prefix"):
        if hasattr(probe.settings, name):
            values[name] = getattr(probe.settings, name)
    environment = {name.upper(): str(value) for name, value in values.items()}

    async def invoke(*words: str) -> Result:
        runner = CliRunner(env=environment)
        return await anyio.to_thread.run_sync(lambda: runner.invoke(main, words))

    return invoke


def key_in(result: Result) -> Key:
    """Return the key that is the whole of standard output."""
    assert result.exit_code == 0, result.output
    text = result.stdout.strip()
    parts = read_key(text)
    assert parts is not None, text
    assert text not in result.stderr
    return Key(parts.id, text)


async def test_a_service_gets_a_key_which_is_rotated_and_revoked(probe: Service, run: Run) -> None:
    result = await run("services", "create", "billing", "--scope", "probe:read probe:write")
    assert "its sub is svc:" in result.stdout
    made = await run("api-keys", "create", "svc:billing", "--label", "night", "--days", "30")
    key = key_in(made)
    assert key.text.startswith("gate_svc_")
    assert await use(probe.client, key, "/probe/write") == 200
    successor = key_in(await run("api-keys", "rotate", key.id))
    assert [await use(probe.client, each) for each in (key, successor)] == [200, 200]
    assert (await run("api-keys", "revoke", key.id)).exit_code == 0
    probe.clock.advance(seconds=30)
    assert [await use(probe.client, each) for each in (key, successor)] == [401, 200]
    listed = (await run("api-keys", "list", "svc:billing")).stdout
    assert [line.split()[:2] for line in sorted(listed.splitlines())] == sorted(
        [[key.id, "revoked"], [successor.id, "living"]]
    )
    assert "gate_" not in listed


async def test_a_person_gets_a_key_with_fewer_scopes(probe: Service, run: Run) -> None:
    owner = await Owner.on(probe)
    words = ("api-keys", "create", owner.user.email.upper(), "--label", "x", "--scope")
    key = key_in(await run(*words, "probe:read"))
    assert key.text.startswith("gate_user_")
    assert await use(probe.client, key, "/probe/read") == 200
    assert await use(probe.client, key, "/probe/write") == 403
    refused = await run(*words, "probe:read probe:admin")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "does not hold all these scopes" in refused.stderr
    assert (await run("api-keys", "revoke-all", owner.user.email)).stdout.startswith("Revoked 1;")


async def test_a_disabled_service_has_no_keys_and_gets_none(probe: Service, run: Run) -> None:
    await run("services", "create", "robot", "--scope", "probe:read")
    key = key_in(await run("api-keys", "create", "svc:robot", "--label", "x"))
    assert (await run("services", "disable", "robot")).exit_code == 0
    assert await use(probe.client, key) == 401
    assert "disabled" in (await run("services", "list")).stdout
    refused = await run("api-keys", "create", "svc:robot", "--label", "x")
    assert refused.exit_code == 1
    assert "disabled" in refused.stderr
    await run("services", "enable", "robot")
    probe.clock.advance(seconds=30)
    assert await use(probe.client, key) == 401
    fresh = key_in(await run("api-keys", "create", "svc:robot", "--label", "x"))
    await run("services", "scopes", "robot", "")
    assert await use(probe.client, fresh, "/probe/read") == 403


async def test_what_cannot_be_done_is_said_in_one_sentence(probe: Service, run: Run) -> None:
    owner = await Owner.on(probe)
    key = await owner.make()
    await owner.rotate(key)
    make = ("api-keys", "create", owner.user.email)
    await run("services", "create", "twice", "--scope", "")
    for words, sentence in {
        ("services", "create", "twice", "--scope", ""): "already",
        ("services", "create", "Not A Name", "--scope", ""): "begins with a letter",
        ("services", "create", "other", "--scope", "probe:admin"): "does not declare",
        ("services", "disable", "nobody"): "No service is called nobody",
        ("api-keys", "create", "svc:nobody", "--label", "x"): "No service is called nobody",
        ("api-keys", "list", "nobody@example.com"): "No account has the address",
        (*make, "--label", "a\nb"): "printable",
        (*make, "--label", "x" * 101): "at most 100",
        (*make, "--label", "x", "--days", "366"): "API_KEY_MAX_LIFETIME",
        ("api-keys", "rotate", key.id): "ended or was rotated before",
        ("api-keys", "rotate", "000000000000"): "No API key has the id",
        ("api-keys", "revoke", "000000000000"): "No API key has the id",
    }.items():
        result = await run(*words)
        assert (result.exit_code, result.stdout) == (1, ""), words
        assert sentence in result.stderr, words
        assert "Traceback" not in result.stderr


async def test_the_end_of_all_sessions_leaves_keys_and_another_command_ends_everybodys(
    probe: Service, run: Run
) -> None:
    owners = [await Owner.on(probe) for _ in range(2)]
    keys = [await owner.make() for owner in owners]
    assert (await run("sessions", "end-all", "--everyone")).exit_code == 0
    probe.clock.advance(seconds=31)
    # Machines work on: a key is no session, and says so in the help of that command.
    assert [await use(probe.client, key) for key in keys] == [200, 200]
    assert (await run("api-keys", "revoke-all")).exit_code == 1
    assert (await run("api-keys", "revoke-all", "x@example.com", "--everyone")).exit_code == 1
    ended = await run("api-keys", "revoke-all", "--everyone")
    assert ended.stdout.startswith("Revoked 2;")
    probe.clock.advance(seconds=31)
    assert [await use(probe.client, key) for key in keys] == [401, 401]


async def test_after_a_restored_backup_every_key_is_refused(probe: Service, run: Run) -> None:
    # The backup does not know which keys were revoked since it was made.
    key = await (await Owner.on(probe)).make()
    result = await run("db", "after-restore")
    assert "1 API keys" in result.stdout
    assert await use(probe.client, key) == 401
