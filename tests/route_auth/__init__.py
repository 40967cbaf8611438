"""Tests of the route checker."""
