# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the service promises about sessions and tokens, in as few lines as it can be said.

The state machine drives the service and this model side by side. Nothing here is taken from
`app/auth`: the numbers are those of the documentation.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from tests.auth.support.credentials import Tokens, User
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS, ROTATES

LEEWAY = timedelta(seconds=30)
ACCESS_LIFETIME = timedelta(minutes=15)
GRACE = timedelta(seconds=30)
IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=90)
RESET_LIFETIME = timedelta(hours=1)
MAX_REPEATS = 3


class Outcome(Enum):
    """What presenting a refresh token must lead to."""

    RENEWED = 200, None
    REPEATED = 200, "the same again"
    STALE = 409, "stale_refresh_token"
    THEFT = 400, "invalid_grant, and the session ends"
    REFUSED = 400, "invalid_grant"

    @property
    def status(self) -> int:
        """The status of the answer."""
        status: int = self.value[0]
        return status


@dataclass(eq=False)
class Owner:
    """An account and what its owner and administrator have done to it."""

    user: User
    password: str
    scope: str
    active: bool = True
    version: int = 0
    sessions: list["Login"] = field(default_factory=list)
    resets: dict[str, datetime] = field(default_factory=dict)
    # Held below the limits, which have tests of their own.
    failed_logins: int = 0
    asked_for_mail: int = 0

    def refuse_all_before(self) -> None:
        """End every session, every open reset and every access token issued so far."""
        self.version += 1
        self.resets.clear()
        for login in self.sessions:
            login.ended = True


@dataclass(eq=False)
class RefreshToken:
    """One generation of a session's refresh token."""

    text: str
    # Whether the answer that brought it got lost on the way to the client.
    lost: bool = False
    used_at: datetime | None = None
    repeats: int = 0


@dataclass(eq=False)
class Login:
    """A session."""

    owner: Owner
    id: str
    version: int
    scope: str
    idle_until: datetime
    ends_at: datetime
    ended: bool = False
    chain: list[RefreshToken] = field(default_factory=list)


@dataclass(eq=False)
class Access:
    """An access token that was issued."""

    tokens: Tokens
    login: Login
    version: int
    kid: str
    expires_at: datetime


class Model:
    """The state of the world, and the promises as functions of it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.owners: list[Owner] = []
        self.accesses: list[Access] = []
        self.revoked_kids: set[str] = set()

    @property
    def logins(self) -> list[Login]:
        """Every session there ever was."""
        return [login for owner in self.owners for login in owner.sessions]

    def log_in(self, owner: Owner, tokens: Tokens) -> Login:
        """Note a session that began now."""
        login = Login(
            owner,
            tokens.claims["sid"],
            owner.version,
            tokens.scope,
            self.now + IDLE,
            self.now + ABSOLUTE,
            chain=[RefreshToken(tokens.refresh_token)],
        )
        owner.sessions.append(login)
        self.issued(login, tokens)
        return login

    def issued(self, login: Login, tokens: Tokens) -> None:
        """Note an access token, and check that it says what it must."""
        assert tokens.claims["sid"] == login.id
        assert tokens.claims["ver"] == login.version
        assert tokens.scope == login.scope
        assert tokens.header["kid"] not in self.revoked_kids
        expires_at = self.now + ACCESS_LIFETIME
        kid = tokens.header["kid"]
        self.accesses.append(Access(tokens, login, login.version, kid, expires_at))

    def alive(self, login: Login) -> bool:
        """Tell whether a session can still be refreshed."""
        owner = login.owner
        in_time = self.now < login.idle_until and self.now < login.ends_at
        return in_time and not login.ended and owner.active and owner.version == login.version

    def accepts(self, access: Access) -> bool:
        """Tell whether a route lets this access token in."""
        if self.now >= access.expires_at + LEEWAY or access.kid in self.revoked_kids:
            return False
        denied = access.login.ended or access.version < access.login.owner.version
        return not (denied and REVOKES_ACCESS_TOKENS)

    def accepts_with_account(self, access: Access) -> bool:
        """Tell whether a route that loads the account lets this access token in."""
        owner = access.login.owner
        return self.accepts(access) and owner.active and access.version >= owner.version

    def refresh(self, login: Login, token: RefreshToken) -> Outcome:
        """Say what presenting a refresh token must lead to, and note its effect."""
        if not self.alive(login):
            return Outcome.REFUSED
        if not ROTATES:
            login.idle_until = self.now + IDLE
            return Outcome.RENEWED
        if token.used_at is None:
            token.used_at = self.now
            login.idle_until = self.now + IDLE
            return Outcome.RENEWED
        if self.now - token.used_at > GRACE:
            login.ended = True
            return Outcome.THEFT
        successor = login.chain[login.chain.index(token) + 1]
        if successor.used_at is not None or token.repeats == MAX_REPEATS:
            return Outcome.STALE
        token.repeats += 1
        return Outcome.REPEATED
