"""Sending a response back along the Vias (RFC 3261 §16.7 step 3, §16.11, §18.2.2).

Ours is taken off and the next one says where to go. A response whose top Via is not ours is not
for us, one without a second Via ends here, and so does one that would go where no request of ours
has come from: our own Via has to bear the seal of that way. Who asks from an address that belongs
to no single host gets nothing either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from regcluster.errors import MalformedHeader
from regcluster.proxy.forward import DEFAULT_MAX_FORWARDS, FLOW_PARAM, shown_seal, without_first
from regcluster.proxy.nexthop import TRANSPORTS
from regcluster.proxy.reach import is_one_host
from regcluster.proxy.seal import is_sealed
from regcluster.sip.headers import Via, parse_via
from regcluster.sip.hop import Hop, via_hop
from regcluster.sip.message import Response

MAX_VIAS: Final = DEFAULT_MAX_FORWARDS
"""Vias of an honest response: one for each hop its request may have gone. A datagram full of ours,
which we would send to ourselves Via by Via, cost seven seconds (62 kB, 2,700 Vias)."""


@dataclass(slots=True)
class Forwarded:
    """A response on its way: its bytes, the hop it goes to, the flow it has to leave by."""

    data: bytes
    hop: Hop
    flow: str
    """Token of the stream connection the request came in on, or of the UDP socket; empty: any will
    do."""


def pop_via(response: Response, wrote: Callable[[Via], bool], secret: bytes) -> Forwarded | None:
    """``response`` without its top Via, if that one is ours and the next is where it was sealed.

    ``wrote`` tells a Via of ours. ``secret`` is that of ``Outgoing``; an empty one seals nothing.
    """
    if not wrote(response.via):
        return None
    hop = _next_via_hop(response)
    if hop is None or hop.transport.lower() not in TRANSPORTS or not is_one_host(hop.host):
        return None
    flow = response.via.params.get(FLOW_PARAM) or ""
    if not is_sealed(shown_seal(response.via), secret, hop, flow):
        return None
    _, lines = without_first(response, "via")
    # A datagram ends with its body, a stream goes on (RFC 3261 §18.3).
    if (flow or hop.transport != "UDP") and response.first("content-length") is None:
        lines.append(f"Content-Length: {len(response.body)}")
    head = "\r\n".join([f"SIP/2.0 {response.status} {response.reason}", *lines, "", ""])
    data = head.encode("utf-8", "surrogateescape") + response.body
    return Forwarded(data, hop, flow)


def _next_via_hop(response: Response) -> Hop | None:
    """Where the second Via points, if there is one that can be read."""
    vias = response.values("via")
    if not 1 < len(vias) <= MAX_VIAS:
        return None
    try:
        return via_hop(parse_via(vias[1]))
    except MalformedHeader:
        return None
