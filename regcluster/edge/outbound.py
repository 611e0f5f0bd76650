"""Sending messages on: requests to their next hop, responses back along their Vias.

Knows every way out of a worker: its UDP sockets, its connections, and through the relay those of
the other workers. Decides nothing about a message; that is ``proxy``'s.
"""

from collections.abc import Callable, Sequence

from regcluster import metrics
from regcluster.edge.flow import Flow
from regcluster.edge.identity import Identity
from regcluster.edge.relay import Relay
from regcluster.edge.resolver import Resolver
from regcluster.edge.sockets import address_of, probe_local
from regcluster.edge.stream import Streams
from regcluster.edge.udp import UdpEndpoint
from regcluster.errors import MalformedHeader, StoreUnavailable
from regcluster.proxy.forward import Outgoing, first_route, forward
from regcluster.proxy.nexthop import next_hop
from regcluster.proxy.reach import may_reach
from regcluster.proxy.response import Forwarded, pop_via
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request, Response
from regcluster.sip.uri import SipUri, parse_uri


class Outbound:
    """One worker's ways out.

    ``secret`` gives what all nodes share, to seal the way back of a response with; empty as long as
    it is not known, and until then nothing is sent on in either direction.
    """

    def __init__(
        self,
        identity: Identity,
        endpoints: Sequence[UdpEndpoint],
        streams: Streams,
        relay: Relay,
        resolver: Resolver,
        secret: Callable[[], bytes],
    ) -> None:
        self.identity = identity
        self._endpoints = endpoints
        self._streams = streams
        self._relay = relay
        self._resolver = resolver
        self._secret = secret

    async def forward(self, request: Request, target: str, source: Flow) -> bool:
        """Send ``request``, which came by ``source``, on to ``target``; whether it could be sent.

        Always over the transport its next hop asks for, however large it is: a phone that listens
        on UDP seldom listens on TCP as well (RFC 3261 §18.1.1 would have us try that first). Raises
        ``MalformedHeader`` for a request that nobody could forward, ``StoreUnavailable`` as long
        as there is no secret.
        """
        secret = self._secret()
        if not secret:
            raise StoreUnavailable("the store has not told its secret yet")
        uri = _sip_uri(target)
        hop = _next_hop(request, uri) if uri else None
        flow = await self._flow_to(hop, source.peer.host) if hop else None
        if uri is None or flow is None:
            return False
        sent_by = self.identity.sent_by(flow.local)
        outgoing = Outgoing(flow.transport, sent_by, source.peer, source.token, secret)
        if not flow.send(forward(request, uri, outgoing)):
            return False
        metrics.count_forwarded("request", flow.transport)
        return True

    def respond(self, response: Response) -> str:
        """Send a response on its way back; why it was dropped, or nothing if it was sent."""
        forwarded = pop_via(response, self.identity.wrote, self._secret())
        if forwarded is None:
            return "stray_response"
        if not self._send_back(forwarded):
            return "send_failed"
        metrics.count_forwarded("response", forwarded.hop.transport)
        return ""

    async def _flow_to(self, hop: Hop, source: str) -> Flow | None:
        """A flow to ``hop``, whose host may be a name, for what came from the host ``source``."""
        address = await self._resolver.resolve(hop.host)
        if address is None or not may_reach(address, source):
            return None
        hop = Hop(hop.transport, address, hop.port)
        if hop.transport == "UDP":
            return self._datagram_flow(hop)
        return await self._streams.connect(hop) if hop.transport == "TCP" else None

    def _datagram_flow(self, hop: Hop) -> Flow | None:
        """A flow from the socket whose address leads there, else from the first that can send."""
        flows = [flow for endpoint in self._endpoints if (flow := endpoint.flow_to(hop))]
        address = address_of(hop) if len(flows) > 1 else None
        if address:
            leading = probe_local(address)
            flows.sort(key=lambda flow: flow.local.host != leading)
        return flows[0] if flows else None

    def _send_back(self, forwarded: Forwarded) -> bool:
        if forwarded.flow:
            return self._relay.send(forwarded.flow, forwarded.data)
        if forwarded.hop.transport == "UDP":
            flow = self._datagram_flow(forwarded.hop)
        else:
            flow = self._streams.table.by_hop(forwarded.hop)
        return flow is not None and flow.send(forwarded.data)


def _sip_uri(target: str) -> SipUri | None:
    """Where a script wants a request to go; what it got wrong is not the caller's fault."""
    try:
        uri = parse_uri(target)
    except MalformedHeader:
        return None
    return uri if isinstance(uri, SipUri) else None


def _next_hop(request: Request, uri: SipUri) -> Hop | None:
    """The first route, where there is one, else the target itself (RFC 3261 §16.6 step 7)."""
    route = first_route(request)
    return next_hop(route, is_secure=uri.scheme == "sips") if route else next_hop(uri)
