"""What others may want to know of sending. Each is sent once, whichever of many processes found out."""

from typing import Final

from django.dispatch import Signal

sending_stopped: Final = Signal()
"""Mail fails that went out before: `server` is the MailServer, `error` the reason in the server's words."""

sending_resumed: Final = Signal()
"""Mail goes out again after that: `server` is the MailServer."""
