# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The commands of `python -m app`."""
