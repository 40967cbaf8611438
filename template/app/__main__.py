# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app`: the command line."""

from app.cli import main

main()
