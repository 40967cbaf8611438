# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The app where a machine is otherwise than usual: all workers' numbers, no priorities, no key."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from starlette.types import Message

from app.auth import create_app
from app.auth.derived_keys import DerivedKeys
from app.auth.passwords import NICENESS, Passwords
from app.auth.settings import BaseAuthSettings
from app.core.settings import ConfigurationError
from tests.auth.support.answers import UNAUTHENTICATED, problem
from tests.auth.support.core_app import METRICS_TOKEN, core_app, core_client, core_settings
from tests.auth.support.credentials import PASSWORD
from tests.auth.support.service import Service
from tests.auth.support.settings import SECRET_KEY, build_settings, settings_values


async def test_a_server_starts_and_stops_it_through_all_middleware(tmp_path: Path) -> None:
    asked: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    answered: list[str] = []

    async def receive() -> Message:
        return asked.pop(0)

    async def send(message: Message) -> None:
        answered.append(message["type"])

    await core_app(tmp_path)({"type": "lifespan", "state": {}}, receive, send)
    assert answered == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_the_numbers_of_all_workers_are_given_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    async with core_client(tmp_path) as client:
        response = await client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert "process_" not in response.text  # of this one process


@pytest.mark.parametrize("value", [5, {"10.0.0.0/8": 1}])
def test_proxies_that_are_no_list_are_a_mistake(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValidationError):
        core_settings(tmp_path, trusted_proxies=value)


async def test_passwords_are_hashed_where_priorities_cannot_be_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def refuse(*arguments: int) -> None:
        asked.append(1)
        raise PermissionError

    async def require_working() -> None:
        values = {"secret_key": SECRET_KEY, "argon2_memory_kib": 8, "argon2_passes": 1}
        passwords = Passwords(BaseAuthSettings.model_validate(values))
        assert (await passwords.verify(PASSWORD, await passwords.hash(PASSWORD)))[0]
        passwords.close()

    monkeypatch.setattr(os, "setpriority", refuse)
    await require_working()
    assert asked
    monkeypatch.delattr(os, "setpriority")  # as on Windows
    await require_working()


async def test_passwords_come_after_requests_however_low_the_process_itself_ranks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Started with `nice -n 7`; "5" would put the passwords before the requests.
    set_to: list[int] = []
    monkeypatch.setattr(os, "getpriority", lambda which, who: 7)
    monkeypatch.setattr(os, "setpriority", lambda which, who, value: set_to.append(value))
    values = {"secret_key": SECRET_KEY, "argon2_memory_kib": 8, "argon2_passes": 1}
    passwords = Passwords(BaseAuthSettings.model_validate(values))
    await passwords.hash(PASSWORD)
    passwords.close()
    assert set_to == [7 + NICENESS]


async def test_an_app_on_an_empty_database_says_what_it_lacks(empty_database_url: str) -> None:
    settings = build_settings(settings_values(empty_database_url))
    app = create_app(settings, title="Test", protected=[])
    with pytest.raises(ConfigurationError, match="python -m app db upgrade"):
        async with app.router.lifespan_context(app):
            pass


async def test_another_scheme_than_bearer_is_no_credential(service: Service) -> None:
    headers = {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}
    assert problem(await service.client.get("/auth/me", headers=headers)) == UNAUTHENTICATED


def test_keys_are_derived_from_a_secret_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="SECRET_KEY"):
        DerivedKeys([])
