# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What every service needs and that knows no user; it imports neither ``auth`` nor ``api``."""
