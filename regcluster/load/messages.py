"""The requests of a load, put together from pieces that are prepared once a socket.

The fields and their sizes are those of an ordinary desk phone's messages. ``branch`` comes back in
the answer's topmost Via and says which request it answers.
"""

from dataclasses import dataclass

from regcluster.load.plan import Load

COOKIE = b"z9hG4bK"
"""What every branch begins with (RFC 3261 §8.1.1.7)."""

_REGISTER = """\
REGISTER sip:{domain} SIP/2.0\r
Via: SIP/2.0/{transport} {host}:{port};branch=%b;rport\r
Max-Forwards: 70\r
From: "Extension %b" <sip:u%b@{domain}>;tag=3ab1c%b\r
To: "Extension %b" <sip:u%b@{domain}>\r
Call-ID: {call_ids}%b@{host}\r
CSeq: %b REGISTER\r
Contact: <sip:u%b@{contact};line=b%b>\r
Expires: {expires}\r
User-Agent: Example Desk Phone 12.1\r
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r
Content-Length: 0\r
\r
"""

_UNREGISTER = """\
REGISTER sip:{domain} SIP/2.0\r
Via: SIP/2.0/{transport} {host}:{port};branch=%b;rport\r
Max-Forwards: 70\r
From: <sip:u%b@{domain}>;tag=3ab1c%b\r
To: <sip:u%b@{domain}>\r
Call-ID: {call_ids}%b@{host}\r
CSeq: %b REGISTER\r
Contact: *\r
Expires: 0\r
Content-Length: 0\r
\r
"""

_CALL = """\
{method} sip:u%b@{domain} SIP/2.0\r
Via: SIP/2.0/{transport} {host}:{port};branch=%b;rport\r
Max-Forwards: 70\r
From: <sip:caller@{domain}>;tag=%b\r
To: <sip:u%b@{domain}>\r
Call-ID: %b@{host}\r
CSeq: 1 {method}\r
Contact: <sip:caller@{host}:{port}>\r
Content-Length: 0\r
\r
"""

_ACK = """\
ACK sip:u%b@{domain} SIP/2.0\r
Via: SIP/2.0/{transport} {host}:{port};branch=%b;rport\r
Max-Forwards: 70\r
From: <sip:caller@{domain}>;tag=%b\r
%b\r
Call-ID: %b@{host}\r
CSeq: 1 ACK\r
Content-Length: 0\r
\r
"""

ELSEWHERE = "192.0.2.10:5060"
"""Where phones are that nobody sends to: an address of RFC 5737."""


@dataclass(frozen=True, slots=True)
class Place:
    """A socket as others see it."""

    host: str
    port: int

    @property
    def shown(self) -> str:
        """The host as a Via has it."""
        return f"[{self.host}]" if ":" in self.host else self.host


class Texts:
    """The requests that leave from one socket."""

    __slots__ = ("_ack", "_call", "_register", "_unregister")

    def __init__(self, load: Load, local: Place, contact: str) -> None:
        fields = {
            "domain": load.domain,
            "transport": load.transport.upper(),
            # The texts are patterns, and an address may hold a scope: fe80::1%2.
            "host": local.shown.replace("%", "%%"),
            "port": local.port,
            "call_ids": load.call_ids,
            "contact": contact,
            "expires": load.expires,
            "method": load.method,
        }
        self._register = _REGISTER.format(**fields).encode()
        self._unregister = _UNREGISTER.format(**fields).encode()
        self._call = _CALL.format(**fields).encode()
        self._ack = _ACK.format(**fields).encode()

    def register(self, branch: bytes, number: int, cseq: int) -> bytes:
        """A REGISTER of phone ``number``."""
        n = b"%08d" % number
        return self._register % (branch, n, n, n, n, n, n, b"%d" % cseq, n, n)

    def unregister(self, branch: bytes, number: int, cseq: int) -> bytes:
        """A REGISTER that ends all bindings of phone ``number`` (RFC 3261 §10.2.2)."""
        n = b"%08d" % number
        return self._unregister % (branch, n, n, n, n, b"%d" % cseq)

    def call(self, branch: bytes, number: int) -> bytes:
        """A request to phone ``number``."""
        n = b"%08d" % number
        return self._call % (n, branch, branch, n, branch)

    def ack(self, branch: bytes, number: int, answer: bytes) -> bytes:
        """The ACK for the refusal or redirection ``answer``, whose To it repeats (§17.1.1.3)."""
        return self._ack % (b"%08d" % number, branch, branch, to_line(answer), branch)


def to_line(message: bytes) -> bytes:
    """The To field of a message, name and all; empty if there is none."""
    start = message.find(b"\r\nTo:")
    if start < 0:
        lower = message.lower()
        start = max(lower.find(b"\r\nto:"), lower.find(b"\r\nt:"))
    if start < 0:
        return b""
    return message[start + 2 : message.find(b"\r\n", start + 2)]


def picked_up(request: bytes) -> bytes:
    """The 200 of a phone to a request that was forwarded to it.

    It keeps the request's fields: those that mean nothing in an answer do no harm there.
    """
    field = to_line(request)
    _, _, rest = request.partition(b"\r\n")
    return b"SIP/2.0 200 OK\r\n" + rest.replace(field, field + b";tag=callee", 1)


def retry_after(answer: bytes) -> float | None:
    """The seconds that a Retry-After asks to wait; None: there is none that can be read."""
    start = answer.lower().find(b"\r\nretry-after:")
    if start < 0:
        return None
    digits = answer[start + 14 : answer.find(b"\r\n", start + 14)].split(b"(")[0].split(b";")[0]
    try:
        return float(int(digits))
    except ValueError:
        return None
