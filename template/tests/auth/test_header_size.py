# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A request cannot make the service hold as many headers as it likes."""

from tests.auth.support.service import Service


async def test_too_many_header_bytes_are_refused_as_a_problem(service: Service) -> None:
    headers = {f"X-Filler-{number}": "x" * 1024 for number in range(32)}
    response = await service.client.get("/livez", headers=headers)
    assert response.status_code == 431
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_large_token_and_many_cookies_fit(service: Service) -> None:
    headers = {"Cookie": "; ".join(f"c{number}={'x' * 200}" for number in range(50))}
    assert (await service.client.get("/livez", headers=headers)).status_code == 200
