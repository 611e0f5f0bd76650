"""Stateless forwarding of a request (RFC 3261 §16.3 to §16.6, §16.11).

Everything is a function of the request and of where it goes, so that a retransmission leaves as the
same bytes from any worker. Our branch has three parts, none of which the target has a say in: the
first tells requests apart and is the same for an INVITE, its CANCEL and its ACK; the second seals
the way back for the response (``seal``); the third is the same whenever a request comes back
unchanged, which is a loop. What is not ours to change is passed on byte for byte.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from regcluster.proxy.seal import seal
from regcluster.sip.grammar import is_token, parse_tags, split_list
from regcluster.sip.headers import Via, parse_max_forwards, parse_name_addr, parse_via
from regcluster.sip.hop import Hop, stamp_via, via_hop
from regcluster.sip.message import Headers, Request
from regcluster.sip.reply import REASONS, Reply
from regcluster.sip.uri import SipUri, parse_uri

COOKIE: Final = "z9hG4bK"
DEFAULT_MAX_FORWARDS: Final = 70

FLOW_PARAM: Final = "rc-flow"
"""Via parameter of ours: the stream connection the request came in on, or the UDP socket."""


@dataclass(slots=True)
class Outgoing:
    """How a request leaves: what our Via says, where it came from, and what it gets on its way."""

    transport: str
    sent_by: str
    source: Hop
    flow: str
    """Token of the stream connection it came in on, or of the UDP socket; empty: what goes back may
    leave from any."""
    secret: bytes = field(repr=False)
    """What all nodes of the cluster know and nobody else; never empty."""
    path: str = ""
    """Route values that go before its own, joined by commas (RFC 3327 §5.3)."""
    added: Sequence[tuple[str, str]] = ()
    """Rows that a script adds to it."""


def check(request: Request, wrote: Callable[[Via], bool]) -> Reply | None:
    """Why ``request`` may not be forwarded, if so (RFC 3261 §16.3 steps 3, 4 and 5).

    ``wrote`` tells a Via of ours. Raises ``MalformedHeader`` for headers a proxy has to read.
    """
    hops = request.first("max-forwards")
    if hops is not None and parse_max_forwards(hops) == 0:
        return Reply(483, REASONS[483], [])
    # Neither can be refused, so neither can require anything (§8.2.2.3).
    if request.method not in ("ACK", "CANCEL"):
        tags = parse_tags(request.all("proxy-require"))
        if tags:
            return Reply(420, REASONS[420], [("Unsupported", ", ".join(tags))])
    return Reply(482, REASONS[482], []) if _has_looped(request, wrote) else None


def strip_route(request: Request, is_ours: Callable[[SipUri], bool]) -> Request:
    """``request`` without the Route values at the front that name us (RFC 3261 §16.4).

    For each but the first we would send it to ourselves. A phone writes two if we are its outbound
    proxy and its Service-Route as well.
    """
    count = 0
    for value in request.values("route"):
        uri = _route_uri(value)
        if uri is None or not is_ours(uri):
            break
        count += 1
    if not count:
        return request
    rows = without_first(request, "route", count)
    return Request(request.method, request.uri, *rows, request.body)


def first_route(request: Request) -> SipUri | None:
    """The URI of the first Route value, if there is one that SIP can reach."""
    routes = request.values("route")
    return _route_uri(routes[0]) if routes else None


def without_first(
    message: Headers, name: str, count: int = 1
) -> tuple[list[tuple[str, str]], list[str]]:
    """Headers and lines of ``message`` without ``count`` elements of the list header ``name``."""
    headers: list[tuple[str, str]] = []
    lines: list[str] = []
    for (key, value), line in zip(message.headers, message.lines, strict=True):
        if key != name or not count:
            headers.append((key, value))
            lines.append(line)
            continue
        elements = split_list(value)
        if left := ", ".join(elements[count:]):
            headers.append((key, left))
            lines.append(f"{name.capitalize()}: {left}")
        count -= min(count, len(elements))
    return headers, lines


def shown_seal(via: Via) -> str:
    """The seal in the branch of a Via of ours; empty if the branch cannot be ours."""
    parts = via.branch.split(".")
    return parts[1] if len(parts) == 3 else ""


def fits_a_row(value: str) -> bool:
    """Whether ``value`` stays one header row when it is written into a message."""
    return not any(end in value for end in "\r\n\0")


def forward(request: Request, target: SipUri, outgoing: Outgoing) -> bytes:
    """The bytes of ``request`` as it goes on to ``target`` (RFC 3261 §16.6 steps 1 to 9).

    Raises ``ValueError`` for a Path or an added row that would be more than one row, which is a
    script's mistake.
    """
    stamped = stamp_via(request.all("via")[0], request.via, outgoing.source)
    via = _own_via(request, stamped, outgoing)
    uri = _request_uri(target)
    if outgoing.path:
        request = _with_path(request, outgoing.path)
    router = first_route(request)
    if router is not None and "lr" not in router.params:
        request, uri = _for_strict_router(request, uri), _request_uri(router)
    lines = [
        f"{request.method} {uri} SIP/2.0",
        f"Via: {via}",
        *_passed_on(request, stamped),
        *[_row(name, value) for name, value in outgoing.added],
    ]
    if request.first("max-forwards") is None:
        lines.append(f"Max-Forwards: {DEFAULT_MAX_FORWARDS}")
    if outgoing.transport != "UDP" and request.first("content-length") is None:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join([*lines, "", ""])
    return head.encode("utf-8", "surrogateescape") + request.body


def _route_uri(value: str) -> SipUri | None:
    uri = parse_uri(parse_name_addr(value).uri)
    return uri if isinstance(uri, SipUri) else None


def _has_looped(request: Request, wrote: Callable[[Via], bool]) -> bool:
    """Whether a Via of ours says that the same request went through here before."""
    loop = _loop_hash(request)
    for value in request.values("via"):
        # What others wrote is theirs to read: a proxy checks what it needs (§16.3).
        if loop in value:
            via = parse_via(value)
            if via.branch.endswith(loop) and wrote(via):
                return True
    return False


def _with_path(request: Request, path: str) -> Request:
    """``request`` with ``path`` as its first Route row: in front of its own, else below the Vias.

    It came without them, so what our Via says of the request is said of it as it came.
    """
    headers, lines = list(request.headers), list(request.lines)
    names = [name for name, _ in headers]
    at = names.index("route") if "route" in names else len(names) - names[::-1].index("via")
    headers.insert(at, ("route", path))
    lines.insert(at, _row("Route", path))
    return Request(request.method, request.uri, headers, lines, request.body)


def _row(name: str, value: str) -> str:
    """A header row. Raises ``ValueError`` if it would be none, or more than one."""
    if not (is_token(name) and fits_a_row(value)):
        raise ValueError(f"not one header row: {name!r}")
    return f"{name}: {value}"


def _for_strict_router(request: Request, uri: str) -> Request:
    """``request`` without its first route, which takes the place of ``uri``, now the last one.

    A router without ``lr`` goes by the Request-URI alone, as in RFC 2543 (§16.6 step 6).
    """
    headers, lines = without_first(request, "route")
    headers.append(("route", f"<{uri}>"))
    lines.append(f"Route: <{uri}>")
    return Request(request.method, request.uri, headers, lines, request.body)


def _request_uri(target: SipUri) -> str:
    """A contact as Request-URI: without what may not stand in one (§19.1.1 table 1)."""
    params = {name: value for name, value in target.params.items() if name != "method"}
    return SipUri(
        target.scheme, target.user, target.password, target.host, target.port, params, ""
    ).render()


def _passed_on(request: Request, stamped: str) -> list[str]:
    """The header lines: ``stamped`` as top Via, Max-Forwards one less, all others as they came."""
    lines = list(request.lines)
    is_stamped = False
    for index, (name, value) in enumerate(request.headers):
        if name == "via" and not is_stamped:
            lines[index] = f"Via: {stamped}"
            is_stamped = True
        elif name == "max-forwards":
            lines[index] = f"Max-Forwards: {parse_max_forwards(value) - 1}"
    return lines


def _own_via(request: Request, stamped: str, outgoing: Outgoing) -> str:
    """The Via that goes on top of ``stamped``, which says where the response will be sent."""
    identity = _identity_hash(request, outgoing.source)
    way_back = via_hop(parse_via(split_list(stamped)[0]))
    sealed = seal(outgoing.secret, way_back, outgoing.flow)
    branch = f"{COOKIE}{identity}.{sealed}.{_loop_hash(request)}"
    flow = f";{FLOW_PARAM}={outgoing.flow}" if outgoing.flow else ""
    return f"SIP/2.0/{outgoing.transport} {outgoing.sent_by};rport;branch={branch}{flow}"


def _identity_hash(request: Request, source: Hop) -> str:
    """Tells one request from another: by the branch received, and its sender, as two may use one.

    Where there is no branch, as in RFC 2543, the loop hash next to this one tells the rest of what
    §16.11 asks for. Only its To tag is left out: an ACK has one that its INVITE had not, and has
    to leave with the same branch (§17.1.1.3).
    """
    via = request.via
    return _digest([via.branch, via.host, str(via.port), source.host])


def _loop_hash(request: Request) -> str:
    """The same for a request that has come back with nothing changed that routing looks at.

    Credentials are nothing that we look at, and CANCELs often come without those of their INVITE.
    """
    from_tag = parse_name_addr(request.first("from") or "").params.get("tag") or ""
    call_id = request.first("call-id") or ""
    cseq = str(request.cseq.number)
    return _digest([request.uri, from_tag, call_id, cseq, *request.all("route")])


def _digest(fields: list[str]) -> str:
    seed = "\n".join(fields).encode("utf-8", "surrogateescape")
    return blake2b(seed, digest_size=10).hexdigest()
