"""What this app tells those who use its accounts."""

from django.dispatch import Signal

account_authenticated = Signal()
"""Somebody signed in, or signed in again. Arguments: `account` (the sender is its class), `request`, `reference` (as
given to `flow.begin()`)."""

account_lost = Signal()
"""An account works no longer until somebody authenticates it again; sent once. Arguments: `account`."""
