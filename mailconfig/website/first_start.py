"""Makes, once, the data folder and the keys in it that the settings need before Django can load."""

import os
import secrets
import tempfile
from pathlib import Path

from .environment import QUICKSTART_FILE, data_folder, read_files

# Its texts are not translatable: Django, which knows the language, isn't loaded yet.


class UnusableFolderError(Exception):
    """The data folder can't be made or written to."""


def prepare() -> None:
    folder = read_files()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        if not (folder / QUICKSTART_FILE).exists():
            write_keys(folder / QUICKSTART_FILE)
        (folder / QUICKSTART_FILE).read_bytes()
    except OSError as error:
        raise UnusableFolderError(
            f"The data folder {folder} can't be used: {error.strerror or error}. "
            "Make it writable, or set DATA_DIR to a folder that is."
        ) from error


def write_keys(path: Path) -> None:
    content = (
        "# Written by quickstart at its first start. Keep it with the database: without it saved passwords are lost.\n"
        f"SECRET_KEY={secrets.token_urlsafe(48)}\n"
        f"FIELD_ENCRYPTION_KEYS={secrets.token_urlsafe(32)}\n"
    )
    # O_EXCL: of two first starts at once, one makes the keys and the other stops.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError:
        path.unlink()  # half a file would be taken for a whole one at the next start
        raise


def keep_catcher_port(port: int) -> None:
    """Use the same port at every later start, for the mail server's settings name it."""
    with (data_folder() / QUICKSTART_FILE).open("a", encoding="utf-8") as file:
        file.write(f"MAIL_CATCHER_PORT={port}\n")
