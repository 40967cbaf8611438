"""Mutation testing of what decides about security in a service: `make mutants`."""
