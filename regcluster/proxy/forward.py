"""Stateless forwarding of a request (RFC 3261 §16.3 to §16.6, §16.11).

Everything is a function of the request, so that a retransmission leaves as the same bytes from any
worker. Our branch has two halves: the first tells requests apart and is the same for an INVITE,
its CANCEL and its ACK; the second is the same whenever a request comes back unchanged, which is a
loop. What is not ours to change is passed on byte for byte.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from regcluster.sip.grammar import parse_tags
from regcluster.sip.headers import Via, parse_cseq, parse_max_forwards, parse_name_addr, parse_via
from regcluster.sip.hop import Hop, stamp_via
from regcluster.sip.message import Request
from regcluster.sip.reply import REASONS, Reply
from regcluster.sip.uri import SipUri, parse_uri

COOKIE = "z9hG4bK"
DEFAULT_MAX_FORWARDS = 70

FLOW_PARAM = "rc-flow"
"""Via parameter of ours: the stream connection the request came in on."""


@dataclass(slots=True)
class Outgoing:
    """How a request leaves: what our Via says, and where the request came from."""

    transport: str
    sent_by: str
    source: Hop
    flow: str
    """Token of the stream connection it came in on; empty for UDP."""


def check(request: Request, wrote: Callable[[Via], bool]) -> Reply | None:
    """Why ``request`` may not be forwarded, if so (RFC 3261 §16.3 steps 3, 4 and 5).

    ``wrote`` tells a Via of ours. Raises ``MalformedHeader`` for headers a proxy has to read.
    """
    hops = request.first("max-forwards")
    if hops is not None and parse_max_forwards(hops) == 0:
        return Reply(483, REASONS[483], [])
    tags = parse_tags(request.all("proxy-require"))
    if tags:
        return Reply(420, REASONS[420], [("Unsupported", ", ".join(tags))])
    loop = _loop_hash(request)
    for value in request.values("via"):
        via = parse_via(value)
        if via.branch.endswith(loop) and wrote(via):
            return Reply(482, REASONS[482], [])
    return None


def strip_route(request: Request, is_ours: Callable[[SipUri], bool]) -> Request:
    """``request`` without the first Route value if that one names us (RFC 3261 §16.4)."""
    routes = request.values("route")
    first = parse_uri(parse_name_addr(routes[0]).uri)
    if not isinstance(first, SipUri) or not is_ours(first):
        return request
    kept = [(h, line) for h, line in zip(request.headers, request.lines, strict=True)]
    rows = [(h, line) for h, line in kept if h[0] != "route"]
    rows += [(("route", value), f"Route: {value}") for value in routes[1:]]
    return Request(
        request.method, request.uri, [h for h, _ in rows], [line for _, line in rows], request.body
    )


def first_route(request: Request) -> SipUri | None:
    """The URI of the first Route value, if there is one that SIP can reach."""
    routes = request.values("route")
    uri = parse_uri(parse_name_addr(routes[0]).uri) if routes else None
    return uri if isinstance(uri, SipUri) else None


def forward(request: Request, target: SipUri, outgoing: Outgoing) -> bytes:
    """The bytes of ``request`` as it goes on to ``target`` (RFC 3261 §16.6 steps 1 to 9)."""
    lines = [
        f"{request.method} {_request_uri(target)} SIP/2.0",
        f"Via: {_own_via(request, outgoing)}",
        *_passed_on(request, outgoing.source),
    ]
    if request.first("max-forwards") is None:
        lines.append(f"Max-Forwards: {DEFAULT_MAX_FORWARDS}")
    if outgoing.transport != "UDP" and request.first("content-length") is None:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join([*lines, "", ""])
    return head.encode("utf-8", "surrogateescape") + request.body


def _request_uri(target: SipUri) -> str:
    """A contact as Request-URI: without what may not stand in one (§19.1.1 table 1)."""
    params = {name: value for name, value in target.params.items() if name != "method"}
    return SipUri(
        target.scheme, target.user, target.password, target.host, target.port, params, ""
    ).render()


def _passed_on(request: Request, source: Hop) -> list[str]:
    """The header lines: the top Via stamped, Max-Forwards one less, all others as they came."""
    lines = list(request.lines)
    seen = set()
    for index, (name, value) in enumerate(request.headers):
        if name in seen:
            continue
        seen.add(name)
        if name == "via":
            lines[index] = f"Via: {stamp_via(value, request.via, source)}"
        elif name == "max-forwards":
            lines[index] = f"Max-Forwards: {parse_max_forwards(value) - 1}"
    return lines


def _own_via(request: Request, outgoing: Outgoing) -> str:
    branch = f"{COOKIE}{_identity_hash(request, outgoing.source)}.{_loop_hash(request)}"
    flow = f";{FLOW_PARAM}={outgoing.flow}" if outgoing.flow else ""
    return f"SIP/2.0/{outgoing.transport} {outgoing.sent_by};rport;branch={branch}{flow}"


def _identity_hash(request: Request, source: Hop) -> str:
    """Tells one request from another: the received branch where it is one, else §16.11's fields.

    With the sender mixed in: two of them may use one branch.
    """
    via = request.via
    if via.branch.startswith(COOKIE) and via.branch != COOKIE:
        fields = [via.branch, via.host, str(via.port), source.host]
    else:
        fields = [request.first("via") or "", _tag(request, "to"), source.host, *_dialog(request)]
    return _digest(fields)


def _loop_hash(request: Request) -> str:
    """The same for a request that has come back with nothing changed that routing looks at.

    The To tag is left out: an ACK has one that its INVITE had not, and shares its branch.
    """
    routing = [*request.all("route"), *request.all("proxy-require")]
    return _digest([*_dialog(request), *routing, *request.all("proxy-authorization")])


def _dialog(request: Request) -> list[str]:
    cseq = parse_cseq(request.first("cseq") or "").number
    call_id = request.first("call-id") or ""
    return [request.uri, _tag(request, "from"), call_id, str(cseq)]


def _tag(request: Request, name: str) -> str:
    return parse_name_addr(request.first(name) or "").params.get("tag") or ""


def _digest(fields: list[str]) -> str:
    seed = "\n".join(fields).encode("utf-8", "surrogateescape")
    return blake2b(seed, digest_size=10).hexdigest()
