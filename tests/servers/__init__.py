"""Real servers for tests to talk to, one file a kind; conftest.py starts and stops them."""
