"""What hooks/template_drift.py is made of; it imports nothing but the standard library."""
