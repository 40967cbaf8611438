"""Secrets that stand as values in settings, and published examples anywhere."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH100, PTH113, PTH118, PTH120, PTH123
from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

from .keys import Found

# The secrets that a service reads; any value for one of them is one too many.
OWN = rb"SECRET_KEY|SECRET_KEY_PREVIOUS|METRICS_TOKEN|SMTP_PASSWORD|[A-Z0-9]+_CLIENT_SECRET"
# Those of its neighbours, by the ends that their names have.
FOREIGN = rb"[A-Z][A-Z0-9_]*_(?:PASSWORD|SECRET|TOKEN|API_KEY|SECRET_KEY|PRIVATE_KEY)|PGPASSWORD"
_VALUE = rb"""(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s#"',;][^\s"',;]*)"""
# NAME=value, NAME: value, "NAME": "value"; and name: NAME, value: value on two lines.
_SETTING = re.compile(
    rb"""(?<![\w$.{-])["']?(?P<name>""" + OWN + rb"|" + FOREIGN + rb""")["']?"""
    rb"""[ \t]*[:=](?!=)[ \t]*""" + _VALUE
)  # fmt: skip
_PAIR = re.compile(
    rb"""\bname:[ \t]*["']?(?P<name>""" + OWN + rb"|" + FOREIGN + rb""")["']?[ \t]*\r?\n"""
    rb"""[ \t]*value:[ \t]*""" + _VALUE
)
# In Python only what the service itself calls a secret, with a text as its value.
_PYTHON = re.compile(
    rb"""^[ \t]*(?P<name>(?i:secret_key|secret_key_previous|metrics_token|smtp_password"""
    rb"""|[a-z0-9]+_client_secret))\b[^=\n]{0,60}=[ \t]*(?:[\w.]+\()?"""
    rb"""(?P<value>"[^"\n]+"|'[^'\n]+')""",
    re.MULTILINE,
)
_URL = re.compile(
    rb"\b(?:postgres(?:ql)?|redis|rediss|mysql|amqps?|mongodb|smtps?)(?:\+[a-z]+)?://"
    rb"""(?P<user>[^\s:/@"']*):(?P<value>[^\s/@"']+)@""",
)
# The words that people write where a value belongs; they open nothing.
_PLACEHOLDER = re.compile(
    rb"(?i)(?:pass(?:word|wd)?|pw|secret|token|user|test(?:ing)?|postgres|redis|example|dummy|fake"
    rb"|null|none|true|false|change[-_ ]?(?:me|this|it)|your[-_ ].*|replace[-_ ].*|x+|\*+|\.+|-+)\Z"
)
# What is put in when the service is started or deployed: variables, templates, paths, functions.
_REFERENCE = re.compile(rb"[$<%{\[(!&*|>]|/[\w.-]+/[\w./-]+\Z|[\w.]+\(|secrets?[.:/]|vault:|env:")
_CANDIDATE = re.compile(rb"""[^\s"'`<>]{32,160}""")
CONFIG = (
    *(".env", ".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".json", ".sh"),
    *(".tf", ".tfvars", ".example", ".sample", ".jinja", ".service"),
)
_LISTS = ("app/core/known_weak_secrets.txt", "template/app/core/known_weak_secrets.txt")


def find_values(path: str, content: bytes) -> Iterator[Found]:
    """Yield every secret that stands as a value in a file."""
    name = path.rpartition("/")[2]
    if name.endswith((".lock", "lock.json", ".min.js")):
        return  # written by tools, and long
    if name.endswith(CONFIG) or name.startswith((".env", "Dockerfile", "Containerfile")):
        for pattern in (_SETTING, _PAIR):
            yield from _settings(pattern, content)
        yield from _urls(content)
    elif name.endswith(".py") and "tests" not in path.split("/"):
        yield from _settings(_PYTHON, content)
        yield from _urls(content)
    known = known_digests()
    for match in _CANDIDATE.finditer(content):
        for text in (match[0], match[0].partition(b"=")[2], match[0].partition(b":")[2]):
            if len(text) >= 32 and sha256(text.rstrip(b",;)")).hexdigest()[:16] in known:
                yield match.start(), "known-secret", ""


def _settings(pattern: re.Pattern[bytes], content: bytes) -> Iterator[Found]:
    for match in pattern.finditer(content):
        name, value = match["name"], match["value"].strip(b"\"'")
        own = re.fullmatch(OWN, name, re.IGNORECASE)
        if not value or _REFERENCE.match(value) or (_commented(content, match.start()) and not own):
            continue
        if own or (len(value) >= 8 and not _PLACEHOLDER.match(value)):
            yield match.start("name"), "secret-value", name.decode("ascii", "replace")


def _commented(content: bytes, position: int) -> bool:
    line = content[content.rfind(b"\n", 0, position) + 1 : position]
    return line.lstrip().startswith((b"#", b"//", b";"))


def _urls(content: bytes) -> Iterator[Found]:
    for match in _URL.finditer(content):
        value = match["value"]
        if not (_REFERENCE.match(value) or _PLACEHOLDER.match(value) or value == match["user"]):
            yield match.start(), "secret-value", "a password in a URL"


@cache
def known_digests() -> frozenset[str]:
    """Return the first 16 hex digits of the SHA-256 of published secrets, where a list is found."""
    above = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for path in _LISTS:
        if os.path.isfile(found := os.path.join(above, path)):
            with open(found, encoding="ascii") as file:
                return frozenset(line.strip() for line in file if not line.startswith("#"))
    return frozenset()
