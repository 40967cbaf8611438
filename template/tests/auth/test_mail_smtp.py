# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Mails go out over TLS or not at all in production, and nobody can add a header to them."""

import asyncio
from collections.abc import AsyncGenerator
from email import message_from_bytes
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, Envelope

from app.core import mail_smtp
from app.core.mail import LogMailSender, Mail
from app.core.mail_smtp import SmtpMailSender
from app.core.settings import CoreSettings

MAIL = Mail("owner@example.com", "Your link, naïve", "Use it: https://example.com/é\n")


class Inbox:
    """Keeps the mails that a server takes."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802, aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def port(inbox: Inbox) -> AsyncGenerator[int, None]:
    """A mail server without TLS."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, hostname="test"), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def sender(port: int, **values: Any) -> SmtpMailSender:
    address = "service@example.com"
    settings = CoreSettings(smtp_host="127.0.0.1", smtp_port=port, mail_from=address, **values)
    return SmtpMailSender(settings)


async def test_a_mail_arrives_as_it_was_written(inbox: Inbox, port: int) -> None:
    await sender(port, smtp_security="none").send(MAIL)
    (envelope,) = inbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("service@example.com", [MAIL.to])
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content)
    assert message["To"] == MAIL.to
    assert message["Auto-Submitted"] == "auto-generated"
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().strip() == MAIL.text.strip()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_without_tls_gets_no_mail(inbox: Inbox, port: int, security: str) -> None:
    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await sender(port, smtp_security=security).send(MAIL)
    assert inbox.envelopes == []


@pytest.mark.parametrize(
    "mail",
    [
        Mail("owner@example.com", "Hello\r\nBcc: all@example.com", ""),
        Mail("owner@example.com\r\nBcc: all@example.com", "Hello", ""),
    ],
)
async def test_nobody_can_add_a_header(inbox: Inbox, port: int, mail: Mail) -> None:
    with pytest.raises(ValueError, match=r"linefeed|header"):
        await sender(port, smtp_security="none").send(mail)
    assert inbox.envelopes == []


async def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_smtp, "SMTP_TIMEOUT", 0.05)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with asyncio.timeout(2):
        with pytest.raises((aiosmtplib.SMTPException, OSError)):
            await sender(port, smtp_security="none").send(MAIL)
    silent.close()
    await silent.wait_closed()


async def test_in_local_use_a_mail_is_printed_and_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await LogMailSender().send(MAIL)
    output = capsys.readouterr()
    assert MAIL.to in output.err
    assert MAIL.text in output.err
    assert output.out == ""
