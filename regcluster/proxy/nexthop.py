"""Where a request goes next: a branch, a route or a URI, as a hop (RFC 3261 §16.6 step 7, §19.1.5).

Names are left as names: looking them up is the edge's work. What is wrong with a branch is no fault
of the caller's, so it leads nowhere and raises nothing.
"""

from ipaddress import ip_address
from typing import Final

from regcluster.errors import MalformedHeader
from regcluster.proxy.forward import first_route, fits_a_row
from regcluster.registrar.branch import Branch
from regcluster.registrar.path import uris
from regcluster.sip.hop import Hop, default_port
from regcluster.sip.message import Request
from regcluster.sip.uri import SipUri, Uri, parse_host, parse_port, parse_uri, split_hostport

TRANSPORTS: Final = {"udp": "UDP", "tcp": "TCP"}
"""The transports we speak, by their name in a URI. TLS is not among them yet."""

_NAMED: Final = ("udp", "tcp", "tls", "sctp", "ws", "wss")
"""What may stand before a socket's host."""


def next_hop(uri: SipUri, *, is_secure: bool = False) -> Hop | None:
    """The hop a SIP URI names; None if it asks for a transport we do not speak.

    ``sips`` means TLS whatever the transport parameter says, and so does ``is_secure``: ``uri`` is
    a route and the Request-URI is ``sips`` (RFC 3261 §16.6 step 7). ``maddr`` is ignored: a contact
    could send our traffic to a multicast group with it.
    """
    asked = (uri.params.get("transport") or "udp").lower()
    transport = TRANSPORTS.get("tls" if is_secure or uri.scheme == "sips" else asked)
    if transport is None:
        return None
    return Hop(transport, uri.host.strip("[]"), uri.port or default_port(transport))


def target_of(branch: Branch) -> SipUri | None:
    """What becomes the Request-URI on the way along ``branch``; None if SIP cannot go there."""
    return _sip_uri(branch.uri)


def first_hop(request: Request, branch: Branch) -> Hop | None:
    """The first hop of ``request`` on its way along ``branch``; None if it leads nowhere.

    The branch's next hop comes first. It is that of its Path, or what else a script has made of
    it; where there is none, the Path itself says where to go (RFC 3327 §5.4), then the request's
    own Route, then the target. Raises ``MalformedHeader`` for a Route that nobody could follow.
    """
    target = target_of(branch)
    entry = _first_of(branch.path)
    if target is None or (branch.path and entry is None):
        return None
    uri = _sip_uri(branch.next_hop) if branch.next_hop else entry or first_route(request) or target
    return next_hop(uri, is_secure=target.scheme == "sips") if uri else None


def parse_socket(text: str) -> Hop | None:
    """``udp:192.0.2.1:5060`` as a hop, its transport empty and its port 0 where they are left out.

    None if it is no socket.
    """
    name, colon, rest = text.partition(":")
    is_named = colon != "" and name.lower() in _NAMED
    host, port = split_hostport(rest if is_named else text)
    try:
        number = 0 if port is None else parse_port(port)
        return Hop(name.upper() if is_named else "", _bare(parse_host(host)), number)
    except MalformedHeader:
        return None


def _first_of(path: str) -> SipUri | None:
    """The first URI of a Path, if all of it can be read and SIP can get there."""
    if not path or not fits_a_row(path):
        return None
    try:
        return _sip(uris(path)[0])
    except MalformedHeader:
        return None


def _sip_uri(text: str) -> SipUri | None:
    try:
        return _sip(parse_uri(text))
    except MalformedHeader:
        return None


def _sip(uri: Uri) -> SipUri | None:
    return uri if isinstance(uri, SipUri) else None


def _bare(host: str) -> str:
    """A host as sockets spell it: an IPv6 address without brackets, in its short form."""
    return str(ip_address(host[1:-1])) if host.startswith("[") else host
