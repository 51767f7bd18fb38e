#!/usr/bin/env python
"""Django's command line for the ready site."""

import sys


def main() -> None:
    # Every line of this file is one that Python 3.6 can parse: an old Python gets a sentence, not a SyntaxError.
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(
            "Mailconfig needs Python 3.11 or newer, but this is Python {}.{}. "
            'Start with "pip install uv && uv run manage.py quickstart": uv fetches a Python that fits.'.format(
                *sys.version_info
            )
        )
    try:
        # Here and not above, because an old Python can't parse it.
        from mailconfig.website import command_line
    except ModuleNotFoundError as error:
        if error.name not in ("django", "environ"):
            raise
        sys.exit(
            f"The package {error.name!r} isn't installed for the Python that runs this. "
            'Start with "uv run manage.py": uv installs what is needed.'
        )
    command_line.run(sys.argv)


if __name__ == "__main__":
    main()
