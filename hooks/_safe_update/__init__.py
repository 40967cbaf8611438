"""`copier update` with everything around it that Copier leaves to you; standard library only."""
