"""Logins over real components: a certified OpenID provider, a GitHub on a port, a real browser."""
