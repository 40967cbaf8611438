"""Writes the generated pages of docs/reference from the template: `make reference`."""
