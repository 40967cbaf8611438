"""The deployment files: read by the validators of their formats, built and run."""
