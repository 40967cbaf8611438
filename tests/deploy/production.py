"""Whether a service would start in production with the settings that a deployment gives it."""

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What an operator puts into the secret store, made anew each time: no secret lies here.
PASSWORD = secrets.token_urlsafe(24)
SECRETS = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "SECRET_KEY_PREVIOUS": secrets.token_urlsafe(48),
    "DATABASE_URL": f"postgresql+asyncpg://app:{PASSWORD}@10.30.0.10/app?ssl=verify-full",
    "REDIS_URL": f"rediss://:{PASSWORD}@10.30.0.11:6379",
    "SMTP_PASSWORD": PASSWORD,
    "METRICS_TOKEN": secrets.token_urlsafe(48),
}
_ASK = """
import json
from app.settings import Settings

settings = Settings(_env_file=None)
print(json.dumps({"findings": settings.findings(), "hosts": settings.allowed_hosts,
    "secrets": settings.master_secrets, "hops": settings.trusted_proxy_hops,
    "proxies": [str(network) for network in settings.trusted_proxies],
    "unknown": [name for name in NAMES if name.lower() not in type(settings).model_fields]}))
"""


def ask_settings(
    service: Path, variables: Mapping[str, str], files: Mapping[str, str], directory: Path
) -> dict[str, Any]:
    """Return what the settings of a service come to, and what is wrong with them.

    Args:
        service: a rendered service.
        variables: what its container has in its environment, SECRETS_DIR aside.
        files: the content of the files in SECRETS_DIR, by their name.
        directory: an empty one, for those files.
    """
    for name, content in files.items():
        (directory / name).write_text(f"{content}\n", "utf-8")
    names = [*variables, *files]
    done = subprocess.run(
        [sys.executable, "-c", _ASK.replace("NAMES", repr(names))],
        cwd=service,
        env={**variables, "SECRETS_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
