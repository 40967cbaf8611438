# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Several processes of the service on real ports, behind one round-robin client."""

import email
import email.policy
import functools
import http.client
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import httpx2
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.core.mail import Mail
from tests.auth.support.clock import FileClock
from tests.auth.support.forked import Worker
from tests.auth.support.mails import KeptMails
from tests.auth.support.processes import Server
from tests.auth.support.service import Deployment
from tests.auth.support.settings import ORIGIN, as_environment, build_settings
from tests.auth.support.worker import CLOCK_VARIABLE

LOOPBACK = "127.0.0.1"
# Plain HTTP needs no certificate authorities, and loading them takes longer than many a test. This
# holds none, and so trusts nobody.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# uvicorn closes what was idle for 5 seconds; whoever closes first sends nothing into a closed end.
LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2.0)
ANSWER_SECONDS = 5.0  # a loaded machine; an answer takes a millisecond


class RoundRobin(httpx2.AsyncBaseTransport):
    """Sends each request to the next worker, as a load balancer does."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = cycle(ports)
        self._transport = httpx2.AsyncHTTPTransport(verify=NO_TLS, limits=LIMITS)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to the next worker; the Host header stays the public one."""
        request.url = request.url.copy_with(scheme="http", host=LOOPBACK, port=next(self._ports))
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections to all workers."""
        await self._transport.aclose()


class Workers(Deployment):
    """Processes that share a database, a Redis, a mail server and a clock.

    Args:
        values: the settings that they run with, by name.
        clock: the clock file that they read.
        mails: where the mail server puts what it gets.
        servers: the processes.
        ports: where they listen, in the same order.
    """

    def __init__(
        self,
        values: dict[str, Any],
        clock: FileClock,
        mails: KeptMails,
        servers: Sequence[Server],
        ports: Sequence[int],
    ) -> None:
        self.servers = servers
        self.clients = [_client([port]) for port in ports]
        super().__init__(build_settings(values), clock, mails, _client(ports))


@asynccontextmanager
async def running_workers(
    values: dict[str, Any], count: int, directory: Path
) -> AsyncIterator[Workers]:
    """Run worker processes until the end of the block.

    Args:
        values: settings by name, database and Redis among them.
        count: how many processes.
        directory: takes the clock file and the logs.
    """
    mails, clock_file = KeptMails(), directory / "clock"
    with ExitStack() as running:
        values = values | running.enter_context(_mail_server(mails))
        environment = as_environment(values) | {CLOCK_VARIABLE: str(clock_file)}
        clock, ports = FileClock(clock_file), _free_ports(count)
        servers = [_worker(port, directory, environment) for port in ports]
        for server in servers:
            running.callback(server.kill)
            server.launch()
        for server in servers:
            server.wait_until_ready()
        workers = Workers(values, clock, mails, servers, ports)
        yield workers
        for client in (workers.client, *workers.clients):
            await client.aclose()


class _Sink:
    """Hands what the mail server receives to the tests."""

    def __init__(self, mails: KeptMails) -> None:
        self._mails = mails

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one mail."""
        content = cast(bytes, envelope.content)
        message = email.message_from_bytes(content, policy=email.policy.default)
        await self._mails.send(
            Mail(str(message["To"]), str(message["Subject"]), message.get_content())
        )
        return "250 kept"


@contextmanager
def _mail_server(mails: KeptMails) -> Iterator[dict[str, Any]]:
    controller = Controller(_Sink(mails), hostname=LOOPBACK, port=_free_ports(1)[0])
    controller.start()
    try:
        yield {
            "smtp_host": LOOPBACK,
            "smtp_port": controller.port,
            "smtp_security": "none",
            "mail_from": "service@example.com",
        }
    finally:
        controller.stop()


def _client(ports: Sequence[int]) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=RoundRobin(ports), base_url=ORIGIN, trust_env=False)


def _worker(port: int, directory: Path, environment: dict[str, str]) -> Worker:
    log = directory / f"worker-{port}.log"
    return Worker(LOOPBACK, port, functools.partial(_answers, port), log, environment)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
