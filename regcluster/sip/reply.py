"""From a decided reply to the bytes on the wire (RFC 3261 §8.2.6).

A reply echoes what the request said: every Via in order, From, To, Call-ID and CSeq, each value
byte for byte, save for what ``received``, ``rport`` and the To tag add. The tag is a hash of the
request, so that a retransmission gets the same one from any worker. A request that lacked one of
these headers is answered with those it had.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from regcluster import __version__
from regcluster.errors import MalformedHeader
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

_ECHOED: Final = (("from", "From"), ("to", "To"), ("call-id", "Call-ID"), ("cseq", "CSeq"))

_END: Final = f"Server: regcluster/{__version__}\r\nContent-Length: 0\r\n\r\n"


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
    own = [f"SIP/2.0 {reply.status} {reply.reason}"]
    own += [f"{name}: {value}" for name, value in reply.headers]
    ours = "\r\n".join(own)
    ends = len(own) - 1
    if ours.count("\r") != ends or ours.count("\n") != ends or "\0" in ours:
        raise ValueError("a reply cannot hold a line end or NUL in its reason or a header")
    own[1:1] = _echo(request, reply.status, source)
    return "\r\n".join([*own, _END]).encode("utf-8", "surrogateescape")


def to_tag(request: Request) -> str:
    """The tag that we add to the To of ``request`` (RFC 3261 §8.2.6.2, §19.3).

    Equal for equal requests on whichever worker, and else unlike: what the client made unique is in
    it, its branch, Call-ID, CSeq and From tag.
    """
    parts = [request.first(name) or "" for name in ("via", "from", "call-id", "cseq")]
    seed = "\n".join(parts).encode("utf-8", "surrogateescape")
    return blake2b(seed, digest_size=8).hexdigest()


def _echo(request: Request, status: int, source: Hop) -> list[str]:
    """The rows that go back as they came (RFC 3261 §8.2.6.2)."""
    top = request.via
    vias = request.all("via")
    vias[0] = stamp_via(vias[0], top, source)
    rows = [f"Via: {via}" for via in vias]
    values = request.by_name
    for name, spelled in _ECHOED:
        if name in values:
            rows.append(f"{spelled}: {values[name]}")
            if name == "to" and status != 100 and not _has_tag(request, values[name]):
                rows[-1] += f";tag={to_tag(request)}"
    return rows


def _has_tag(request: Request, to: str) -> bool:
    if "tag" not in to.lower():
        return False
    try:
        return "tag" in request.to.params
    except MalformedHeader:
        # Nobody can say what a tag added to such a value would belong to.
        return True
