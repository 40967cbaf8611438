"""What a reader does in a browser, done by a real one."""
