"""From bytes to messages (RFC 3261 §7, §18.3). ``parse`` raises nothing but ``SipError``.

What breaks a rule is refused with ``BadRequest`` if it can be answered, which takes a request line
and a Via that can be read. Its ``request`` holds what else could be read, ill-formed values too: a
reply copies From, To, Call-ID and CSeq without understanding them, and leaves out one that is
missing. All else (responses, other protocols, noise) is a plain ``MalformedMessage``, to be
counted and dropped.
"""

from typing import Final

from regcluster.errors import MalformedHeader, MalformedMessage, SipError
from regcluster.sip.grammar import drop_strays, is_token, parse_number
from regcluster.sip.head import parse_rows, salvage_head, split_lines, usual_rows
from regcluster.sip.headers import parse_name_addr
from regcluster.sip.message import Request, Response, Rows

MAX_MESSAGE: Final = 65535
"""Octets of a message: what a UDP datagram can hold, and as much on a stream (§18.1.1)."""

MAX_URI: Final = 2048
"""Characters of a Request-URI: ten times what phones send, and still one line of a log."""

_SINGLE: Final = {
    "from": "From",
    "to": "To",
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "max-forwards": "Max-Forwards",
    "content-length": "Content-Length",
}
"""Headers that, given twice, would let two readers see two messages (RFC 4475 §3.3.8, §3.3.9)."""


class BadRequest(MalformedMessage):
    """A request that is refused and can be answered: ``request`` is what could be read of it."""

    def __init__(self, status: int, reason: str, request: Request) -> None:
        super().__init__(status, reason)
        self.request = request


def is_keepalive(data: bytes) -> bool:
    """Whether a datagram is a keep-alive and no message: line ends only, or four NULs."""
    return not data.lstrip(b"\r\n") or data == b"\0\0\0\0"


def parse(data: bytes, *, stream: bool = False) -> Request | Response:
    """Read one message: a datagram, or what ``StreamFramer`` cut from a stream.

    A datagram may begin with empty lines, may lack Content-Length and may hold more than it says;
    the rest is dropped (RFC 3261 §18.3). A request that is returned has a Via that can be read,
    one From, To and Call-ID each, and a CSeq that agrees with its method.
    """
    try:
        return _parse(data, stream)
    except SipError as broken:
        raise answerable(data, broken) from None


def answerable(data: bytes, broken: SipError) -> MalformedMessage:
    """The error to raise for ``data``: a ``BadRequest`` if there is anybody to answer."""
    request = _salvage(data)
    if request is None:
        return MalformedMessage(broken.status, broken.reason)
    return BadRequest(broken.status, broken.reason, request)


def _parse(data: bytes, stream: bool) -> Request | Response:
    if data.startswith(b"\r\n"):
        data = data.lstrip(b"\r\n")
    head, empty_line, rest = data.partition(b"\r\n\r\n")
    if not empty_line:
        raise MalformedMessage(400, "No empty line behind the header section")
    lines = split_lines(head.decode("utf-8", "surrogateescape"))
    start = lines.pop(0)
    headers: Rows | dict[str, str] | None = usual_rows(lines)
    if headers is None:
        headers, lines = parse_rows(lines)
    message = _begin(start, headers, lines)
    _check_headers(message)
    message.body = _cut_body(message.first("content-length"), rest, stream)
    return message


def _begin(start: str, headers: Rows | dict[str, str], lines: list[str]) -> Request | Response:
    """The message without its body, its start line understood (RFC 3261 §7.1, §7.2)."""
    if start[:4].upper() == "SIP/":
        status, reason = _parse_status_line(start)
        return Response(status, reason, headers, lines, b"")
    method, uri = _parse_request_line(start)
    return Request(method, uri, headers, lines, b"")


def _parse_request_line(line: str) -> tuple[str, str]:
    """Method and Request-URI (RFC 3261 §7.1)."""
    parts = line.split(" ")
    if len(parts) != 3 or not is_token(parts[0]) or "\t" in line:
        raise MalformedMessage(400, "Bad request line")
    method, uri, version = parts
    if version != "SIP/2.0" and version.upper() != "SIP/2.0":
        raise MalformedMessage(505, "Version Not Supported")
    if len(uri) > MAX_URI:
        raise MalformedMessage(414, "Request-URI Too Long")
    # RFC 3261 §19.1.1 table 1: a Request-URI has no headers; they would be the sender's way to
    # have us write some (RFC 4475 §3.1.2.11).
    if "?" in uri and uri[:3].lower() == "sip" and "?" in uri.rpartition("@")[2]:
        raise MalformedMessage(400, "Headers in the Request-URI")
    return method, uri


def _parse_status_line(line: str) -> tuple[int, str]:
    """Status and reason phrase, which may be empty (RFC 3261 §7.2)."""
    version, _, rest = line.partition(" ")
    code, _, reason = rest.partition(" ")
    status = parse_number(code)
    if version.upper() != "SIP/2.0" or len(code) != 3 or not status or not 100 <= status <= 699:
        raise MalformedMessage(400, "Bad status line")
    return status, reason


def _check_headers(message: Request | Response) -> None:
    """Refuse a message that cannot be routed, matched or answered (RFC 3261 §8.1.1)."""
    if message.is_repetitive:
        _check_repeated(message)
    if not message.read_usual():
        _check_unusual(message)
    _ = message.via
    method = message.cseq.method
    if isinstance(message, Request) and method != message.method:
        raise MalformedMessage(400, "CSeq method is not the request's")


def _check_unusual(message: Request | Response) -> None:
    """Read the five headers that every message has, one by one."""
    rows = message.by_name
    for key in ("via", "from", "to", "call-id", "cseq"):
        if key not in rows:
            raise MalformedMessage(400, f"Missing {_SINGLE.get(key, 'Via')} header field")
    call_id = rows["call-id"]
    if not call_id or " " in call_id or "\t" in call_id:
        raise MalformedMessage(400, "Bad Call-ID")
    name = "From"
    try:
        parse_name_addr(rows["from"])
        name = "To"
        _ = message.to
    except MalformedHeader as broken:
        raise MalformedMessage(400, f"Bad {name}: {broken.reason}") from None


def _check_repeated(message: Request | Response) -> None:
    """Several rows of a name are fine for lists, and for others if they say the same thing."""
    for name, value in message.headers:
        if name in _SINGLE and message.by_name[name] != value:
            raise MalformedMessage(400, f"{_SINGLE[name]} given twice")
    # All Vias go back as they came, so commas that fall between them must be beyond doubt.
    message.values("via")


def _cut_body(length: str | None, rest: bytes, stream: bool) -> bytes:
    """The body in ``rest``, as Content-Length has it (RFC 3261 §18.3, §20.14)."""
    if length is None:
        if stream:
            raise MalformedMessage(400, "Missing Content-Length header field")
        return rest
    octets = parse_number(length)
    if octets is None:
        raise MalformedMessage(400, "Bad Content-Length")
    if octets > len(rest):
        raise MalformedMessage(400, "Body shorter than Content-Length")
    return rest[:octets]


def _salvage(data: bytes) -> Request | None:
    """What can be read of a request that broke a rule; None if it cannot be answered."""
    head, _, _ = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    try:
        start, headers, lines = salvage_head(head.decode("utf-8", "surrogateescape"))
        method, _, rest = start.partition(" ")
        if not is_token(method) or " SIP/" not in start.upper():
            return None
        # Stray commas and semicolons mean nothing (RFC 4475 §3.1.2.1), and do not go back.
        headers = [(n, drop_strays(row) if n == "via" else row) for n, row in headers]
        request = Request(method, rest.split()[0], headers, lines, b"")
        # A reply reads the topmost Via and echoes them all.
        request.values("via")
        _ = request.via
    except SipError:
        return None
    return request
