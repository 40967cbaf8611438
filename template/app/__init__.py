# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The service: ``api`` (yours) on ``auth`` (who is calling) on ``core`` (knows no user)."""
