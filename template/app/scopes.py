"""The scopes that this service knows: what a token may be allowed to do, and in which words."""

# Name: the sentence that the docs page shows.
SCOPES: dict[str, str] = {
    "items:read": "See your items.",
    "items:write": "Make, change and delete your items.",
}

# What a new account holds.
NEW_ACCOUNT_SCOPES: tuple[str, ...] = ("items:read", "items:write")
