"""Path: the proxies between a phone and us, which requests to it have to pass (RFC 3327).

A vector is text: its values joined by commas, topmost first, which is the way from here to the
phone. It is checked whole when a REGISTER brings it, because it comes back as a Route of ours.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

from regcluster.config import RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.plan import Refusal
from regcluster.sip.grammar import split_list
from regcluster.sip.headers import NameAddr, parse_name_addr
from regcluster.sip.message import Request
from regcluster.sip.uri import SipUri, Uri, parse_uri

MAX_PATH: Final = 510
"""Longest vector, octets (Kamailio's limit)."""


def read_path(request: Request, settings: RegistrarSettings) -> str:
    """The vector to keep with the contacts of ``request``; empty: none (``use_path``).

    Its first URI must be a loose router's. Raises ``MalformedHeader``.
    """
    rows = request.all("path") if settings.use_path else ()
    if not rows:
        return ""
    path = ",".join(rows)
    first = short_uris(path)[0]
    is_loose = isinstance(first, SipUri) and "lr" in first.params
    # A display name may hold a NUL, a reply may not.
    if not is_loose or "\0" in path:
        raise _broken()
    return path


def hops(path: str) -> list[str]:
    """The values of a vector, topmost first."""
    return split_list(path)


def uris(path: str) -> list[Uri]:
    """The URIs of a vector. Raises ``MalformedHeader`` if one of its values breaks the grammar."""
    try:
        values = split_list(path)
        # A Route value has angle brackets (RFC 3261 §20.34), and no bare URI can hold one.
        if all("<" in value for value in values):
            return [parse_name_addr(value).parsed for value in values]
    except MalformedHeader as broken:
        raise _broken() from broken
    raise _broken()


def short_uris(path: str) -> list[Uri]:
    """``uris`` of a vector that a request brings, refused if it is longer than ``MAX_PATH``."""
    # Asked first: to read five thousand hops takes longer than three hundred usual requests.
    if len(path.encode("utf-8", "surrogateescape")) > MAX_PATH:
        raise _broken()
    return uris(path)


def first_uri(path: str) -> str:
    """Where a request that is to follow ``path`` goes first."""
    return _first(path).uri


def received_of(path: str) -> str:
    """What ``received`` of the first URI says, its escapes undone (``path_use_received``).

    Empty if it says nothing, or no SIP URI: whatever it is, calls are going to be sent there.
    """
    first = _first(path).parsed
    value = first.params.get("received") if isinstance(first, SipUri) else None
    if not value:
        return ""
    received = unquote_to_bytes(value).decode("utf-8", "surrogateescape")
    try:
        return received if isinstance(parse_uri(received), SipUri) else ""
    except MalformedHeader:
        return ""


def refuse_path(path: str) -> Refusal:
    """The 420 to a phone that does not know of the ``path`` it came by (``path_mode`` 2)."""
    return Refusal(
        420,
        "Bad Extension",
        "No support for found Path indicated",
        [("Unsupported", "path"), ("Path", path)],
    )


def local_stripped(path: str, is_ours: Callable[[SipUri], bool]) -> tuple[str, str]:
    """The next hop's URI and the vector that begins with it, without the hops that are ours.

    All leading ones go (``path_check_local``); both are empty when nothing is left.
    """
    values = hops(path)
    for index, value in enumerate(values):
        hop = parse_name_addr(value)
        uri = hop.parsed
        if not (isinstance(uri, SipUri) and is_ours(uri)):
            return hop.uri, ",".join(values[index:]) if index else path
    return "", ""


def _first(path: str) -> NameAddr:
    return parse_name_addr(split_list(path)[0])


def _broken() -> MalformedHeader:
    return MalformedHeader("Path parse error")
