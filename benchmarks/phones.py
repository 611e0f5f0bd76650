"""A fleet of phones, and the REGISTERs they send: the same bytes for whoever is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

_REGISTER = """\
REGISTER sip:example.test SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{round}-{number};rport\r
Max-Forwards: 70\r
From: "Extension {number}" <sip:{number}@example.test>;tag=3ab1c{number}\r
To: "Extension {number}" <sip:{number}@example.test>\r
Call-ID: 6f1d0c{number}@127.0.0.1\r
CSeq: {cseq} REGISTER\r
Contact: <sip:{number}@192.0.2.{host}:5060;line=b{number}>;q=0.5\r
Expires: 3600\r
User-Agent: Example Desk Phone 12.1\r
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r
Content-Length: 0\r
\r
"""

_FIRST = 100_000
"""Number of the first extension: all have six digits, so all messages have one size."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """``size`` phones behind one socket, whose port stands in their Vias."""

    size: int
    port: int

    def registers(self, round_: int) -> Sequence[bytes]:
        """One REGISTER of each phone: new in round 1, a refresh in every later one."""
        return [self._register(_FIRST + index, round_) for index in range(self.size)]

    def _register(self, number: int, round_: int) -> bytes:
        return _REGISTER.format(
            port=self.port, round=round_, number=number, cseq=round_, host=number % 250 + 1
        ).encode()
