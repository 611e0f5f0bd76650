"""From a decided reply to the bytes on the wire (RFC 3261 §8.2.6).

A reply echoes what the request said: every Via in order, From, To, Call-ID and CSeq, each value
byte for byte, save for what ``received``, ``rport`` and the To tag add. The tag is a hash of the
request, so that a retransmission gets the same one from any worker. A request that lacked one of
these headers is answered with those it had.
"""

from dataclasses import dataclass
from typing import Final

from regcluster import __version__
from regcluster.errors import MalformedHeader
from regcluster.sip.digest import digest
from regcluster.sip.hop import Hop, stamp_via
from regcluster.sip.message import Request

REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    430: "Flow Failed",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    555: "Push Notification Service Not Supported",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""The standard phrase of each status (RFC 3261 §21 and the extensions we or our users speak)."""

_END: Final = f"\r\nServer: regcluster/{__version__}\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Reply:
    """A decided answer, not yet bytes: a status, its phrase, the headers it adds."""

    status: int
    reason: str
    headers: list[tuple[str, str]]


def render_reply(request: Request, reply: Reply, source: Hop) -> bytes:
    """The bytes that answer ``request``, which came from ``source``.

    Raises ``ValueError`` if ``reply`` holds a line end or a NUL: whatever a script puts together
    from what a peer sent, it cannot add a header. Raises ``MalformedHeader`` if the topmost Via
    cannot be read; the parser lets no such request pass.
    """
    status = _sound(f"SIP/2.0 {reply.status} {reply.reason}")
    own = [_sound(f"{name}: {value}") for name, value in reply.headers]
    text = _echo(request, reply.status, source)
    text.insert(0, status)
    for line in own:
        _add(text, "\r\n", line)
    text.append(_END)
    return "".join(text).encode("utf-8", "surrogateescape")


def to_tag(request: Request) -> str:
    """The tag that we add to the To of ``request`` (RFC 3261 §8.2.6.2, §19.3).

    Equal for equal requests on whichever worker, and else unlike: what the client made unique is in
    it, its branch, Call-ID, CSeq and From tag.
    """
    rows = request.by_name
    via, from_ = rows.get("via") or "", rows.get("from") or ""
    return digest(f"{via}\n{from_}\n{rows.get('call-id') or ''}\n{rows.get('cseq') or ''}")


def _sound(line: str) -> str:
    """``line``, which has to stay one line. Raises ``ValueError``."""
    if "\n" in line or "\r" in line or "\0" in line:
        raise ValueError("a reply cannot hold a line end or NUL in its reason or a header")
    return line


def _echo(request: Request, status: int, source: Hop) -> list[str]:
    """The rows that go back as they came (RFC 3261 §8.2.6.2), each behind a line end, in pieces."""
    top = request.via
    rows = request.by_name
    text = ["\r\nVia: ", stamp_via(rows["via"], top, source)]
    if request.is_repetitive:
        for via in request.all("via")[1:]:
            _add(text, "\r\nVia: ", via)
    to = rows.get("to")
    _add(text, "\r\nFrom: ", rows.get("from"))
    _add(text, "\r\nTo: ", to)
    if to is not None and status != 100 and not _has_tag(request, to):
        _add(text, ";tag=", to_tag(request))
    _add(text, "\r\nCall-ID: ", rows.get("call-id"))
    _add(text, "\r\nCSeq: ", rows.get("cseq"))
    return text


def _add(text: list[str], start: str, value: str | None) -> None:
    """Add ``start`` and ``value``, or nothing if there is none: all is joined once, at the end."""
    if value is not None:
        text.append(start)
        text.append(value)


def _has_tag(request: Request, to: str) -> bool:
    try:
        return "tag" in request.to.params
    except MalformedHeader:
        # Nobody can say what a tag added to such a value would belong to.
        return "tag" in to.lower()
