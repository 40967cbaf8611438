# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The mails that tell an account's owner about ways in that came and went."""

from app.core.mail import Mail

_NOT_YOU = "If this was not you, set a new password now and end all your sessions."


def login_added(to: str, provider: str) -> Mail:
    """Tell the owner that a provider can now open the account."""
    text = f"A login with {provider} was added to your account.\n\n{_NOT_YOU}"
    return Mail(to, "A login was added to your account", text)


def login_removed(to: str, provider: str) -> Mail:
    """Tell the owner that a provider opens the account no more."""
    text = f"The login with {provider} was removed from your account.\n\n{_NOT_YOU}"
    return Mail(to, "A login was removed from your account", text)
