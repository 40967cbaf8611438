# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app` does what it says, says what it refuses, and prints no secret it need not."""

import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread
import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from app.auth.models import Account, SigningKey
from app.cli import main
from app.scopes import SCOPES
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import PASSWORD, User, new_email
from tests.auth.support.kit import Kit
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import SECRET_KEY, USES_REDIS, settings_values

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_as_it_was: None) -> Run:
    """Runs a command in an empty folder, with these settings in the environment and no others."""
    monkeypatch.chdir(tmp_path)

    async def invoke(*words: str, settings: dict[str, object], answers: str = "") -> Result:
        environment = {name.upper(): str(value) for name, value in settings.items()}
        runner = CliRunner(env=environment)
        return await anyio.to_thread.run_sync(lambda: runner.invoke(main, words, input=answers))

    return invoke


def settings_of(service: Service) -> dict[str, object]:
    """Return the settings with which a command works on the data of a running service."""
    values = settings_values(service.settings.database_url)
    shared = ("redis_url", "redis_key_prefix")
    return values | {
        name: getattr(service.settings, name) for name in shared if hasattr(service.settings, name)
    }


async def succeed(run: Run, *words: str, settings: dict[str, object], answers: str = "") -> str:
    """Run a command that must succeed and return what it printed."""
    result = await run(*words, settings=settings, answers=answers)
    assert result.exit_code == 0, result.output
    assert SECRET_KEY not in result.output
    return result.output


async def fail(run: Run, *words: str, settings: dict[str, object], answers: str = "") -> str:
    """Run a command that must fail with a sentence and return what it printed."""
    result = await run(*words, settings=settings, answers=answers)
    assert result.exit_code != 0, result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def env_file() -> tuple[int, list[str]]:
    """Return the permissions and the lines of the file that bootstrap writes."""
    file = Path(".env")
    return stat.S_IMODE(file.stat().st_mode), file.read_text().splitlines()


def write_env_file(content: str) -> None:
    """Write the file that bootstrap finds."""
    Path(".env").write_text(content)


async def account_of(service: Service, email: str) -> Account:
    """Return an account as it is stored."""
    async with service.database() as session:
        return (await session.scalars(select(Account).where(Account.email == email))).one()


async def test_bootstrap_makes_secrets_that_only_the_owner_can_read(run: Run) -> None:
    output = await succeed(run, "bootstrap", settings={})
    mode, lines = env_file()
    assert mode == 0o600
    written = dict(line.split("=", 1) for line in lines)
    assert written.keys() == {"SECRET_KEY", "METRICS_TOKEN"}
    assert len(set(written.values())) == 2
    assert all(len(secret) >= 43 and secret not in output for secret in written.values())


async def test_bootstrap_replaces_nothing_that_is_there(run: Run) -> None:
    write_env_file("SECRET_KEY=mine\nOTHER=1\n")
    await succeed(run, "bootstrap", settings={})
    _, lines = env_file()
    assert lines[:2] == ["SECRET_KEY=mine", "OTHER=1"]
    assert [line.split("=")[0] for line in lines[2:]] == ["METRICS_TOKEN"]
    await succeed(run, "bootstrap", settings={})
    assert env_file()[1] == lines


@pytest.mark.both_databases
async def test_a_first_service_comes_up_from_nothing(
    run: Run, empty_database_url: str, kit: Kit
) -> None:
    settings = settings_values(empty_database_url)
    assert "lacks migrations" in await fail(run, "check", settings=settings)
    await succeed(run, "db", "upgrade", settings=settings)
    email = new_email()
    await succeed(run, "users", "create", email, settings=settings, answers=f"{PASSWORD}\n")
    async with kit.running(database_url=empty_database_url) as service:
        user = User((await account_of(service, email)).id, email)
        assert (await service.login(user)).claims["sub"] == str(user.id)
    assert "No findings" in await succeed(run, "check", settings=settings)


async def test_check_prints_every_finding_at_once(run: Run, database_url: str) -> None:
    settings = settings_values(database_url) | {"environment": "production", "secret_key": "x" * 40}
    output = await fail(run, "check", settings=settings)
    for name in ("SECRET_KEY", "DATABASE_URL", "SMTP_HOST", "ARGON2_MEMORY_KIB"):
        assert name in output
    assert "x" * 40 not in output


async def test_check_says_when_the_database_does_not_answer(run: Run, tmp_path: Path) -> None:
    settings = settings_values(f"postgresql+asyncpg://nobody@/service?host={tmp_path}")
    assert "DATABASE_URL" in await fail(run, "check", settings=settings)


@pytest.mark.skipif(not USES_REDIS, reason="there is no Redis here")
async def test_check_says_when_redis_does_not_answer(
    run: Run, fresh_service: FreshService, tmp_path: Path
) -> None:
    settings = settings_of(await fresh_service()) | {"redis_url": f"unix://{tmp_path}/nothing"}
    assert "REDIS_URL: Redis does not answer" in await fail(run, "check", settings=settings)


async def test_a_setting_of_the_wrong_kind_is_named_without_its_value(
    run: Run, database_url: str
) -> None:
    settings = settings_values(database_url) | {"access_token_lifetime": "a-secret-by-mistake"}
    for command in (("check",), ("keys", "list")):
        output = await fail(run, *command, settings=settings)
        assert "ACCESS_TOKEN_LIFETIME" in output
        assert "a-secret-by-mistake" not in output


async def test_a_weak_password_makes_no_account(run: Run, database_url: str) -> None:
    settings = settings_values(database_url)
    await fail(run, "users", "create", new_email(), settings=settings, answers="passwordpassword\n")
    assert "@example.com" not in await succeed(run, "users", "list", settings=settings)


async def test_a_generated_password_is_printed_once_and_works(
    run: Run, fresh_service: FreshService
) -> None:
    service = await fresh_service()
    email = new_email()
    output = await succeed(
        run, "users", "create", email, "--generate", settings=settings_of(service)
    )
    password = output.split("Password: ")[1].split()[0]
    user = User((await account_of(service, email)).id, email, password)
    await service.login(user)
    listed = await succeed(run, "users", "list", settings=settings_of(service))
    assert email in listed
    assert password not in listed


async def test_a_disabled_account_is_refused_at_once_until_it_is_enabled(
    run: Run, fresh_service: FreshService
) -> None:
    service = await fresh_service()
    user = await service.account()
    tokens = await service.login(user)
    await succeed(run, "users", "disable", user.email, settings=settings_of(service))
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    refused = await service.client.get("/auth/me", headers=tokens.bearer)
    assert refused.status_code == 401
    form = {"username": user.email, "password": user.password}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT
    await succeed(run, "users", "enable", user.email, settings=settings_of(service))
    await service.login(user)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


async def test_a_scope_that_is_taken_away_ends_what_held_it(
    run: Run, fresh_service: FreshService
) -> None:
    service = await fresh_service()
    user = await service.account(" ".join(SCOPES))
    tokens = await service.login(user)
    await succeed(run, "users", "scopes", user.email, "", settings=settings_of(service))
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    assert (await service.login(user)).claims["scope"] == ""
    unknown = ("users", "scopes", user.email, "no:such:scope")
    await fail(run, *unknown, settings=settings_of(service))
    assert (await account_of(service, user.email)).scope == ""


async def test_an_administrator_sees_and_ends_sessions(
    run: Run, fresh_service: FreshService
) -> None:
    service = await fresh_service()
    user = await service.account()
    first, second = await service.login(user), await service.login(user)
    settings = settings_of(service)
    listed = await succeed(run, "sessions", "list", user.email, settings=settings)
    assert all(each.claims["sid"] in listed for each in (first, second))
    await succeed(run, "sessions", "end", first.claims["sid"], settings=settings)
    assert problem(await service.try_refresh(first.refresh_token)) == INVALID_GRANT
    assert (await service.try_refresh(second.refresh_token)).status_code == 200
    await succeed(run, "sessions", "end-all", user.email, settings=settings)
    assert problem(await service.try_refresh(second.refresh_token)) == INVALID_GRANT
    await fail(run, "sessions", "end-all", settings=settings)


async def test_ending_everything_reaches_every_account(
    run: Run, fresh_service: FreshService
) -> None:
    service = await fresh_service()
    everybody = [await service.login(await service.account()) for _ in range(2)]
    for command in (("sessions", "end-all", "--everyone"), ("db", "after-restore")):
        await succeed(run, *command, settings=settings_of(service))
        for tokens in everybody:
            assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
            refused = await service.client.get("/auth/me", headers=tokens.bearer)
            assert refused.status_code == 401


async def test_keys_are_listed_rotated_and_revoked(run: Run, fresh_service: FreshService) -> None:
    service = await fresh_service()
    settings = settings_of(service)
    async with service.database() as session:
        statement = select(SigningKey.kid).order_by(SigningKey.sign_from)
        active, pending = (await session.scalars(statement)).all()
    listed = (await succeed(run, "keys", "list", settings=settings)).splitlines()
    assert [line.split()[0] for line in listed] == [active, pending]
    assert "active" in listed[0]
    assert "pending" in listed[1]
    assert "Nothing was due" in await succeed(run, "keys", "rotate", "--if-due", settings=settings)
    assert pending in await succeed(run, "keys", "rotate", settings=settings)
    await succeed(run, "keys", "revoke", active, settings=settings)
    listed = (await succeed(run, "keys", "list", settings=settings)).splitlines()
    assert "revoked" in next(line for line in listed if line.startswith(active))
    await succeed(run, "keys", "revoke", "--all", settings=settings)
    await service.auth.keyring.reload()
    assert service.auth.keyring.find(pending) is None
    await succeed(run, "keys", "reseal", settings=settings)
    for wrong in ((), ("unknown",), (active, "--all")):
        await fail(run, "keys", "revoke", *wrong, settings=settings)


async def test_unknown_accounts_are_a_sentence_and_not_a_traceback(
    run: Run, database_url: str
) -> None:
    settings = settings_values(database_url)
    for command in (("users", "disable"), ("users", "enable"), ("sessions", "list")):
        await fail(run, *command, new_email(), settings=settings)
        await fail(run, *command, "no-address", settings=settings)


async def test_old_rows_are_deleted_on_demand(run: Run, fresh_service: FreshService) -> None:
    service = await fresh_service()
    await service.login(await service.account())
    await service.sql("UPDATE auth_session SET idle_expires_at = '2020-01-01 00:00:00+00:00'")
    output = await succeed(run, "db", "clean", settings=settings_of(service))
    assert "Deleted 1 " in output
    assert await service.sql("SELECT id FROM refresh_token") == []
