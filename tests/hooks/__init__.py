"""Tests of the checks in hooks/, each run as a service runs it: as a script, in a folder."""
