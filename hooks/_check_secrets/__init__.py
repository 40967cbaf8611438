"""What hooks/check_secrets.py is made of; it imports nothing but the standard library."""
