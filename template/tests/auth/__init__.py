# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The guarantees of this service, one file each."""
