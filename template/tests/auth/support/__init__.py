# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the tests of authentication stand on: servers, databases, a clock, the service itself."""
