"""Command lines behind the Makefile: the demo, the ownership manifest, the seed lock."""
