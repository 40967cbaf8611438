"""Renders combinations of answers and runs each rendered service's own tests."""
