# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The routes of authentication, all under /auth but the JWKS."""
