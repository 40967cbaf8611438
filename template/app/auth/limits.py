# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How often credentials may be tried; every count is taken before any work is done for it."""

from app.core.rate_limits import Limit

FIVE_MINUTES = 300  # seconds
HOUR = 3600  # seconds

# Guessing one account's password: 2,880 tries a day at most.
LOGIN_ACCOUNT = Limit("login_account", 10, FIVE_MINUTES)
# One address trying many accounts.
LOGIN_ADDRESS = Limit("login_address", 10, FIVE_MINUTES)
# Many addresses trying many accounts; also what the password threads can bear.
LOGIN_SERVICE = Limit("login_service", 1000, FIVE_MINUTES)
# A device that logged in before has its own count, so that strangers cannot lock its owner out.
LOGIN_DEVICE = Limit("login_device", 10, FIVE_MINUTES)

# Registrations and requests for mail, by address of the caller.
REGISTER_ADDRESS = Limit("register_address", 10, FIVE_MINUTES)
FORGOT_ADDRESS = Limit("forgot_address", 10, FIVE_MINUTES)
# Mailed secrets cannot be guessed (256 bits); this bounds the work that trying makes.
SECRET_ADDRESS = Limit("secret_address", 30, FIVE_MINUTES)
# Refreshing: an office behind one address renews often, so this is wide.
REFRESH_ADDRESS = Limit("refresh_address", 600, FIVE_MINUTES)
# Changing a password asks for the current one, which a stolen access token could try to guess.
PASSWORD_CHANGE = Limit("password_change", 10, FIVE_MINUTES)
# Asking for another address: a stolen session must not mail the world through us.
EMAIL_CHANGE = Limit("email_change", 5, HOUR)
# Making and rotating API keys: a program that goes wrong must not fill the table.
API_KEY_CREATE = Limit("api_key_create", 20, HOUR)
# Mail to one recipient: nobody's inbox is flooded through us.
MAIL_RECIPIENT = Limit("mail_recipient", 3, HOUR)

# Not refused but reported: a client refreshes each quarter of an hour, not each few seconds.
REFRESH_SESSION_VOLUME = Limit("refresh_session", 30, FIVE_MINUTES)
