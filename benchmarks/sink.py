"""An SMTP server that takes everything and keeps nothing, in a process of its own, so that it is never the limit."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import trustme

LINE_END: Final = b"\r\n"
MESSAGE_END: Final = b"\r\n.\r\n"
REPLIES: Final = {
    b"EHLO": b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 10485760\r\n250 AUTH PLAIN\r\n",
    b"AUTH": b"235 2.7.0 Welcome\r\n",
    b"DATA": b"354 Go ahead\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
OK: Final = b"250 2.0.0 OK\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._received = bytearray()
        self._awaited = LINE_END

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 sink.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(self._awaited)) >= 0:
            verb = b"" if self._awaited == MESSAGE_END else bytes(self._received[:4]).upper()
            del self._received[: end + len(self._awaited)]
            self._answer(verb)

    def _answer(self, verb: bytes) -> None:
        self.transport.write(REPLIES.get(verb, OK))
        self._awaited = MESSAGE_END if verb == b"DATA" else LINE_END
        if verb == b"QUIT":
            self.transport.close()


class Ports(NamedTuple):
    plain: int
    tls: int


@contextmanager
def running(folder: Path) -> Iterator[Ports]:
    """A sink for 127.0.0.1; the certificate of its authority is `ca.pem` in the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = folder / "sink.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    command = [sys.executable, "-m", "benchmarks.sink", str(certificate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield Ports(*map(int, process.stdout.readline().split()))
        finally:
            process.terminate()


async def serve(certificate: str) -> None:
    """Print the two ports, then serve until the end."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Sink, "127.0.0.1", 0, ssl=tls) for tls in (None, context)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
