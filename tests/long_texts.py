"""What doesn't fit, for the tests that look at every page."""

from typing import Final

LONG: Final = "a.rather.long.mailbox.of.the.accounting.department@mail.subsidiary.example.com"
LONG_ANSWER: Final = f"550 5.1.1 <{LONG}>: no such mailbox https://support.example.com/{'x' * 60}"
