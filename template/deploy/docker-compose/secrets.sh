#!/bin/sh
# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
