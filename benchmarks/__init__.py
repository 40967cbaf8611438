"""Measurements of Gatehouse, each a command of the Makefile."""
