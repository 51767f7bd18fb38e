"""Keeps what libraries log for their own developers, tokens and codes among it, out of every log (S-2)."""

import logging
from typing import Final

TALKATIVE: Final = (
    "requests_oauthlib.oauth2_session",  # whole requests and answers
    "msal.token_cache",  # the code and its verifier
)


def keep_quiet() -> None:
    """A filter holds whatever level the project gives these loggers, now or later."""
    for name in TALKATIVE:
        logging.getLogger(name).addFilter(_is_no_debugging)


def _is_no_debugging(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG
