"""The address inside "Name <user@domain>", as SMTP commands want it (RFC 5321 section 4.1.2)."""

import re
from email.headerregistry import Address, AddressHeader
from typing import Final

from django.utils.encoding import force_str, punycode

from .wire import one_line

PLAIN: Final = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
"""Almost every address, and nothing that Python's parser, a hundred times slower, would change or refuse."""

_ALLOWED_DEFECT: Final = "addr-spec local part with no domain"  # "webmaster" is a local mailbox


def addr_spec(address: object) -> str:
    """The bare address in ASCII, an international domain as IDNA.

    Raises ValueError for anything but one valid address; a line break in it can't reach the wire (S-19).
    """
    text = force_str(address)
    return text if PLAIN.fullmatch(text) else parsed(text)


def parsed(text: str) -> str:
    try:
        found = AddressHeader.value_parser(one_line(text))
    except Exception as error:  # Python's parser stumbles in many ways over beginnings such as "a@["
        raise ValueError(f"Invalid address {text!r}") from error
    defects = {str(defect) for defect in found.all_defects} - {_ALLOWED_DEFECT}
    if defects:
        raise ValueError(f"Invalid address {text!r}: {'; '.join(sorted(defects))}")
    if len(found.all_mailboxes) != 1:
        raise ValueError(f"Invalid address {text!r}: must be a single address")
    mailbox = found.all_mailboxes[0]
    if mailbox.domain and not mailbox.domain.isascii():
        return str(Address(username=mailbox.local_part, domain=punycode(mailbox.domain)).addr_spec)
    return str(mailbox.addr_spec)
