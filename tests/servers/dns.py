"""A name server for the zones that a test writes down; it can be slow, refuse, cut answers short and say nothing."""

import contextlib
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

from mailconfig.resolver import NameServers, Server

Fault = Literal["silent", "refused", "servfail", "truncated", "garbage"] | float
"""What happens to questions for a name; a number is the seconds that its answer takes."""

LONGEST_CHAIN: Final = 20
CODES: Final = {"refused": dns.rcode.REFUSED, "servfail": dns.rcode.SERVFAIL}


@dataclass
class DnsServer:
    """Answers on a free port of 127.0.0.1, over UDP and TCP, while it is used as a context.

    `zone` is a zone file whose names are absolute or under the root: `example.test. MX 10 mail.example.test.`
    """

    zone: str = ""
    faults: Mapping[str, Fault] = field(default_factory=dict)
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    over_tcp: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._records = dns.zone.from_text("$TTL 60\n" + self.zone, origin=".", check_origin=False, relativize=False)
        self._stopping = threading.Event()
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        with contextlib.suppress(OSError):  # a late question has done it already
            self._udp.sendto(b"", ("127.0.0.1", self.port))  # wakes the thread that waits for one

    @property
    def resolver(self) -> NameServers:
        return NameServers((Server("127.0.0.1", self.port),))

    @property
    def setting(self) -> str:
        """As DNS_RESOLVER has it."""
        return f"127.0.0.1:{self.port}"

    # --- the wires ---

    def _serve_udp(self) -> None:
        with self._udp:
            while not self._stopping.is_set():
                question, client = self._udp.recvfrom(4096)
                threading.Thread(target=self._answer_udp, args=[question, client], daemon=True).start()

    def _answer_udp(self, question: bytes, client: tuple[str, int]) -> None:
        answer = self._answer(question, tcp=False)
        if answer and not self._stopping.is_set():
            with contextlib.suppress(OSError):
                self._udp.sendto(answer, client)

    def _serve_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _client = self._tcp.accept()
                threading.Thread(target=self._answer_tcp, args=[sock], daemon=True).start()

    def _answer_tcp(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            (length,) = struct.unpack("!H", sock.recv(2, socket.MSG_WAITALL))
            answer = self._answer(sock.recv(length, socket.MSG_WAITALL), tcp=True)
            if answer:
                sock.sendall(struct.pack("!H", len(answer)) + answer)

    # --- the answers ---

    def _answer(self, wire: bytes, tcp: bool) -> bytes | None:
        if not wire:
            return None
        question = dns.message.from_wire(wire)
        name, kind = question.question[0].name, question.question[0].rdtype
        asked = (name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(kind))
        (self.over_tcp if tcp else self.asked).append(asked)
        fault = self.faults.get(asked[0])
        if fault == "silent" or (isinstance(fault, float | int) and self._stopping.wait(fault)):
            return None
        if fault == "garbage":
            return wire[:2] + b"\xff" * 40
        answer = self._message(question, name, kind)
        if isinstance(fault, str) and fault in CODES:
            answer = dns.message.make_response(question)
            answer.set_rcode(CODES[fault])
        if fault == "truncated" and not tcp:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
        return answer.to_wire(max_size=65535)

    def _message(
        self, question: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        for _hop in range(LONGEST_CHAIN):
            found = self._find(name, kind)
            if found:
                answer.answer.append(found)
                return answer
            alias = self._find(name, dns.rdatatype.CNAME)
            if not alias:
                break
            answer.answer.append(alias)
            name = alias[0].target
        if not self._exists(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

    def _find(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        return self._records.get_rrset(name, kind)

    def _exists(self, name: dns.name.Name) -> bool:
        """Also of a name that only has others below it (an empty non-terminal)."""
        return any(known.is_subdomain(name) for known in self._records.nodes)
