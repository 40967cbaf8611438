# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Login with Google, GitHub and any OpenID Connect provider: one flow, one file per provider."""
