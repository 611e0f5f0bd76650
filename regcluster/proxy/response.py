"""Sending a response back along the Vias (RFC 3261 §16.7 step 3, §16.11, §18.2.2).

Ours is taken off and the next one says where to go. A response whose top Via is not ours is not
for us, one without a second Via ends here, and an address that belongs to no single host gets
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from regcluster.errors import MalformedHeader
from regcluster.proxy.forward import FLOW_PARAM
from regcluster.sip.grammar import split_list
from regcluster.sip.headers import Via, parse_via
from regcluster.sip.hop import Hop, via_hop
from regcluster.sip.message import Response

BROADCAST = "255.255.255.255"


@dataclass(slots=True)
class Forwarded:
    """A response on its way: its bytes, the hop it goes to, the flow it has to leave by."""

    data: bytes
    hop: Hop
    flow: str
    """Token of the stream connection the request came in on; empty if it came over UDP."""


def pop_via(response: Response, wrote: Callable[[Via], bool]) -> Forwarded | None:
    """``response`` without its top Via, if that one is ours (``wrote``) and another follows."""
    if not wrote(response.via):
        return None
    lines = _without_top_via(response)
    try:
        vias = response.values("via")
        hop = via_hop(parse_via(vias[1])) if len(vias) > 1 else None
    except MalformedHeader:
        return None
    if hop is None or not _is_one_host(hop.host):
        return None
    head = "\r\n".join([f"SIP/2.0 {response.status} {response.reason}", *lines, "", ""])
    data = head.encode("utf-8", "surrogateescape") + response.body
    return Forwarded(data, hop, response.via.params.get(FLOW_PARAM) or "")


def _without_top_via(response: Response) -> list[str]:
    lines = list(response.lines)
    index = [name for name, _ in response.headers].index("via")
    rest = split_list(response.headers[index][1])[1:]
    lines[index : index + 1] = [f"Via: {', '.join(rest)}"] if rest else []
    return lines


def _is_one_host(host: str) -> bool:
    # Our own stamp has made every honest Via an address; looking up a name would be a service to
    # whoever forged this one.
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified or host == BROADCAST)
