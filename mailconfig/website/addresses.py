"""The addresses and names under which a browser reaches a site on this machine."""

import socket
from contextlib import suppress


def url(host: str, port: int) -> str:
    """What to open in a browser of this machine."""
    wildcards = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    name = wildcards.get(host, host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def own_names(host: str) -> list[str]:
    """The host that was asked for, this machine's name, and its address."""
    names = {host, socket.gethostname(), socket.getfqdn()}
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; the system only chooses which of its addresses it would use
        names.add(probe.getsockname()[0])
    names -= {"", "0.0.0.0", "::"}  # noqa: S104
    return sorted(f"[{name}]" if ":" in name else name.lower() for name in names)
