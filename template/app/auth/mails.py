# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The mails this service sends. Each says what happened and what to do; none holds a link.

A secret travels as a code to paste, because an address with a secret in it ends in logs.
"""

from app.core.mail import Mail

_NOT_YOU = "If this was not you, set a new password now and end all your sessions."


def verify_address(to: str, secret: str) -> Mail:
    """Ask a new user to prove the address."""
    text = (
        "Somebody, hopefully you, registered with this address.\n\n"
        f"Your code, valid for 24 hours:\n\n{secret}\n\n"
        "Enter it together with the password you chose. If this was not you, do nothing."
    )
    return Mail(to, "Confirm your registration", text)


def already_registered(to: str) -> Mail:
    """Tell the owner of an account that somebody registered with the address again."""
    text = (
        "Somebody, perhaps you, tried to register with this address or to move an account to\n"
        "it.\n\n"
        "You have an account already: log in, or ask for a new password. If this was not you,\n"
        "do nothing."
    )
    return Mail(to, "You have an account already", text)


def reset_password(to: str, secret: str) -> Mail:
    """Send the code that sets a new password."""
    text = (
        "Somebody, hopefully you, asked for a new password.\n\n"
        f"Your code, valid for 1 hour:\n\n{secret}\n\n"
        "If this was not you, do nothing: your password stays as it is."
    )
    return Mail(to, "Set a new password", text)


def password_changed(to: str) -> Mail:
    """Tell the owner that the password was changed."""
    text = f"Your password was changed and all sessions were ended.\n\n{_NOT_YOU}"
    return Mail(to, "Your password was changed", text)


def confirm_new_email(to: str, secret: str) -> Mail:
    """Ask for proof of a new address."""
    text = (
        "Somebody, hopefully you, wants to use this address for their account.\n\n"
        f"Your code, valid for 1 hour:\n\n{secret}\n\n"
        "Enter it together with your password. If this was not you, do nothing."
    )
    return Mail(to, "Confirm your new address", text)


def email_change_requested(to: str) -> Mail:
    """Tell the old address that a change was asked for."""
    text = f"Somebody, hopefully you, asked to change the address of your account.\n\n{_NOT_YOU}"
    return Mail(to, "A new address for your account", text)


def email_changed(to: str) -> Mail:
    """Tell the old address that it is no longer the account's."""
    text = "The address of your account was changed; this one is no longer used for it."
    return Mail(to, "The address of your account was changed", text)


def session_stolen(to: str) -> Mail:
    """Tell the owner that a session was ended because its token was used twice."""
    text = (
        "A session of yours was used from two places and has been ended.\n\n"
        "Somebody may have had a copy of it. Log in again; if you do not know why this\n"
        "happened, set a new password."
    )
    return Mail(to, "A session of yours was ended", text)


def api_key_made(to: str, label: str) -> Mail:
    """Tell the owner that there is a new API key; it outlives the session that made it."""
    text = (
        "An API key was made for your account. You called it:\n\n"
        f"{label}\n\n"
        "If this was not you, revoke it, set a new password and end all your sessions."
    )
    return Mail(to, "A new API key for your account", text)


def account_deleted(to: str) -> Mail:
    """Tell the owner that the account is gone."""
    return Mail(to, "Your account was deleted", "Your account was deleted and all sessions ended.")
