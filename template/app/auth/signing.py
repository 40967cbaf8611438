# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a signing strategy is, and a signing key as the checks see it."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class SigningMaterial:
    """The key objects of one signing key."""

    signing: Any
    verifying: Any


class SigningAlgorithm(Protocol):
    """What a signing strategy offers; one file each."""

    name: str

    def generate(self) -> bytes: ...

    def load(self, private: bytes) -> SigningMaterial: ...

    def public_jwk(self, material: SigningMaterial) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class TokenKey:
    """A signing key as the checks see it: its id, its only algorithm, its key objects."""

    kid: str
    alg: str
    material: SigningMaterial
