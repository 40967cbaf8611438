# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Mail that a committed change owes: written in its transaction, sent afterwards, tried again.

A request never waits for a mail server and never tells by its time whether a mail was due.
"""

import asyncio
import json
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import delete, event, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.derived_keys import DerivedKeys, UnsealError
from app.auth.models import OutboxMessage
from app.core.clock import Clock
from app.core.database import Database
from app.core.mail import Mail, MailSender

SEAL_PURPOSE = "outbox"
BATCH = 20  # messages in one round
FIRST_RETRY = timedelta(seconds=30)  # doubled with each attempt
MAX_ATTEMPTS = 10  # about 8 hours; the secrets inside live 24 hours at most
# Longer than any attempt takes: a worker that dies in the middle leaves the message to another.
CLAIM = timedelta(minutes=2)

log = structlog.get_logger()


class Outbox:
    """Queues and sends mail.

    Args:
        database: where the messages are.
        derived_keys: seals them, because they hold single-use secrets.
        clock: the service's clock.
        sender: the mail port.
    """

    def __init__(
        self, database: Database, derived_keys: DerivedKeys, clock: Clock, sender: MailSender
    ) -> None:
        self.sender = sender
        self._database = database
        self._derived_keys = derived_keys
        self._clock = clock
        self.due = asyncio.Event()
        self._one_round = asyncio.Lock()

    def put(self, session: AsyncSession, mail: Mail, now: datetime) -> None:
        """Queue a mail in the transaction of the change that it tells of.

        A mail to nobody (`to` is empty) is queued and dropped, so that a request does the same work
        whether or not a mail is due.
        """
        message_id = uuid4()
        content = json.dumps([mail.to, mail.subject, mail.text]).encode()
        sealed = self._derived_keys.seal(SEAL_PURPOSE, content, message_id.bytes)
        session.add(
            OutboxMessage(id=message_id, sealed=sealed, created_at=now, next_attempt_at=now)
        )
        # After the commit: a worker that looked before would see nothing and sleep on.
        event.listen(session.sync_session, "after_commit", lambda _: self.due.set(), once=True)

    async def deliver_due(self) -> int:
        """Send what is due, one round at a time in this worker; return how many were sent."""
        sent = 0
        async with self._one_round:
            while messages := await self._claim():
                for message in messages:
                    sent += await self._deliver(message)
        return sent

    async def _claim(self) -> list[OutboxMessage]:
        """Take messages for this worker: of many that try, one moves a message's time."""
        now = self._clock.now()
        async with self._database.transaction() as session:
            candidates = select(OutboxMessage.id).where(OutboxMessage.next_attempt_at <= now)
            claimed = await session.scalars(
                update(OutboxMessage)
                .where(
                    OutboxMessage.id.in_(candidates.limit(BATCH).with_for_update(skip_locked=True)),
                    OutboxMessage.next_attempt_at <= now,
                )
                .values(next_attempt_at=now + CLAIM, attempts=OutboxMessage.attempts + 1)
                .returning(OutboxMessage)
                .execution_options(synchronize_session=False)
            )
            return list(claimed.all())

    async def _deliver(self, message: OutboxMessage) -> bool:
        try:
            content = self._derived_keys.unseal(SEAL_PURPOSE, message.sealed, message.id.bytes)
            mail = Mail(*json.loads(content))
            if mail.to:
                await self.sender.send(mail)
        except UnsealError:
            log.error("mail_dropped", reason="SECRET_KEY was replaced")
        except Exception as error:  # whatever the mail port raises, the mail is not lost
            if message.attempts < MAX_ATTEMPTS:
                await self._postpone(message)
                log.warning("mail_failed", attempt=message.attempts, error=type(error).__name__)
                return False
            log.error("mail_dropped", reason="too many attempts")
        async with self._database.transaction() as session:
            await session.execute(delete(OutboxMessage).where(OutboxMessage.id == message.id))
        return True

    async def _postpone(self, message: OutboxMessage) -> None:
        wait = FIRST_RETRY * 2 ** (message.attempts - 1)
        async with self._database.transaction() as session:
            await session.execute(
                update(OutboxMessage)
                .where(OutboxMessage.id == message.id)
                .values(next_attempt_at=self._clock.now() + wait)
            )
