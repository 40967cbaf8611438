"""Builds the image of the default service without a Docker daemon, and runs it: `make image`."""
