"""A fleet of phones, and what they send: the same bytes for whoever is measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_REGISTER = """\
REGISTER sip:example.test SIP/2.0\r
Via: SIP/2.0/{transport} 127.0.0.1:{port};branch=z9hG4bK-{round}-{number};rport\r
Max-Forwards: 70\r
From: "Extension {number}" <sip:{number}@example.test>;tag=3ab1c{number}\r
To: "Extension {number}" <sip:{number}@example.test>\r
Call-ID: 6f1d0c{number}@127.0.0.1\r
CSeq: {cseq} REGISTER\r
Contact: <sip:{number}@{contact};line=b{number}>;q=0.5\r
Expires: 3600\r
User-Agent: Example Desk Phone 12.1\r
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r
Content-Length: 0\r
\r
"""

_REQUEST = """\
{method} sip:{number}@example.test SIP/2.0\r
Via: SIP/2.0/{transport} 127.0.0.1:{port};branch=z9hG4bK-i{round}-{number};rport\r
Max-Forwards: 70\r
From: <sip:caller@example.test>;tag=3ab1d{number}\r
To: <sip:{number}@example.test>\r
Call-ID: 7a2e{round}{number}@127.0.0.1\r
CSeq: 1 {method}\r
Contact: <sip:caller@127.0.0.1:{port}>\r
Content-Length: 0\r
\r
"""

_FIRST = 100_000
"""Number of the first extension: all have six digits, so all messages have one size."""

FIRST_OF_MILLIONS = 1_000_000
"""The same where there are more than six digits have room for: all have seven."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """``size`` phones behind one socket, whose port stands in their Vias."""

    size: int
    port: int
    first: int = _FIRST
    transport: str = "UDP"
    at_home: bool = False
    """Whether they can be reached: at the socket; otherwise at addresses where nobody is."""

    def registers(self, round_: int) -> Sequence[bytes]:
        """One REGISTER of each phone: new in round 1, a refresh in every later one."""
        return self.some_registers(range(self.size), round_)

    def some_registers(self, indexes: Iterable[int], round_: int) -> list[bytes]:
        """Those of some phones alone."""
        return [self._register(self.first + index, round_) for index in indexes]

    def calls(self, indexes: Iterable[int], round_: int) -> list[bytes]:
        """A call to each of some phones."""
        return self._requests("INVITE", indexes, round_)

    def messages(self, indexes: Iterable[int], round_: int) -> list[bytes]:
        """A text to each of some phones."""
        return self._requests("MESSAGE", indexes, round_)

    def _requests(self, method: str, indexes: Iterable[int], round_: int) -> list[bytes]:
        return [
            _REQUEST.format(
                method=method,
                transport=self.transport,
                port=self.port,
                round=round_,
                number=self.first + index,
            ).encode()
            for index in indexes
        ]

    def _register(self, number: int, round_: int) -> bytes:
        contact = f"127.0.0.1:{self.port}" if self.at_home else f"192.0.2.{number % 250 + 1}:5060"
        return _REGISTER.format(
            transport=self.transport,
            port=self.port,
            round=round_,
            number=number,
            cseq=round_,
            contact=contact,
        ).encode()
