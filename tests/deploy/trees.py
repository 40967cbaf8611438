"""The renderings that differ in their deployment files, each once."""

import hashlib
from collections.abc import Iterable

from tests.matrix.rendering import Rendering

# What a deployment is made of.
FILES = ("Dockerfile", ".dockerignore", ".github/", "deploy/")


def deploy_files(rendering: Rendering) -> dict[str, str]:
    """Return the SHA-256 of each deployment file of a rendering, by its path."""
    return {path: hash_ for path, hash_ in rendering.files.items() if path.startswith(FILES)}


def distinct_deploys(renderings: Iterable[Rendering]) -> list[Rendering]:
    """Return the first rendering of each distinct set of deployment files."""
    first: dict[str, Rendering] = {}
    for rendering in renderings:
        listing = "\n".join(map(" ".join, deploy_files(rendering).items()))
        first.setdefault(hashlib.sha256(listing.encode()).hexdigest(), rendering)
    return list(first.values())
