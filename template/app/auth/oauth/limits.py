# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How often logins with providers may be tried, beside the limits of app/auth/limits.py."""

from app.auth.limits import FIVE_MINUTES
from app.core.rate_limits import Limit

# Each start stores a row for ten minutes; an office behind one address starts several.
OAUTH_START_ADDRESS = Limit("oauth_start_address", 60, FIVE_MINUTES)
# And all addresses together: bounds the rows, and what providers hear from us.
OAUTH_START_SERVICE = Limit("oauth_start_service", 1000, FIVE_MINUTES)
# State and codes cannot be guessed (256 bits); this bounds the work that trying makes.
OAUTH_FINISH_ADDRESS = Limit("oauth_finish_address", 60, FIVE_MINUTES)
