"""A mail server on this machine that delivers nothing and shows what it was given."""
