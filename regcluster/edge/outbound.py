"""Sending messages on: requests to their next hop, responses back along their Vias.

Knows every way out of a worker: its UDP sockets, its connections, and through the relay those of
the other workers. Decides nothing about a message; that is ``proxy``'s.
"""

from collections.abc import Sequence

from regcluster import metrics
from regcluster.edge.address import local_address
from regcluster.edge.flow import Flow
from regcluster.edge.identity import Identity
from regcluster.edge.relay import Relay
from regcluster.edge.resolver import Resolver
from regcluster.edge.stream import Streams
from regcluster.edge.udp import UdpEndpoint
from regcluster.errors import MalformedHeader
from regcluster.proxy.forward import Outgoing, first_route, forward
from regcluster.proxy.nexthop import next_hop
from regcluster.proxy.response import Forwarded, pop_via
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request, Response
from regcluster.sip.uri import SipUri, parse_uri

WILDCARDS = ("0.0.0.0", "::")


class Outbound:
    """One worker's ways out."""

    def __init__(
        self,
        identity: Identity,
        endpoints: Sequence[UdpEndpoint],
        streams: Streams,
        relay: Relay,
        resolver: Resolver,
    ) -> None:
        self.identity = identity
        self._endpoints = endpoints
        self._streams = streams
        self._relay = relay
        self._resolver = resolver

    async def forward(self, request: Request, target: str, flow: Flow) -> bool:
        """Send ``request``, which came by ``flow``, on to ``target``; whether that was possible."""
        uri = parse_uri(target)
        hop = next_hop(first_route(request) or uri) if isinstance(uri, SipUri) else None
        if not isinstance(uri, SipUri) or hop is None:
            return False
        address = await self._resolver.resolve(hop.host)
        if address is None:
            return False
        hop = Hop(hop.transport, address, hop.port)
        sent = (
            self._forward_datagram(request, uri, hop, flow)
            if hop.transport == "UDP"
            else await self._forward_stream(request, uri, hop, flow)
        )
        if sent:
            metrics.count_forwarded("request", hop.transport)
        return sent

    def respond(self, response: Response) -> str:
        """Send a response on its way back; why it was dropped, or nothing if it was sent."""
        try:
            forwarded = pop_via(response, self.identity.wrote)
        except MalformedHeader:
            return "malformed"
        if forwarded is None:
            return "stray_response"
        if not self._send_back(forwarded):
            return "send_failed"
        metrics.count_forwarded("response", forwarded.hop.transport)
        return ""

    def _forward_datagram(self, request: Request, uri: SipUri, hop: Hop, flow: Flow) -> bool:
        endpoint = self._endpoint(hop.host)
        if endpoint is None:
            return False
        data = forward(request, uri, self._outgoing("UDP", endpoint.local, hop, flow))
        return endpoint.send(data, hop)

    async def _forward_stream(self, request: Request, uri: SipUri, hop: Hop, flow: Flow) -> bool:
        connection = await self._streams.connect(hop) if hop.transport == "TCP" else None
        listener = self._streams.local
        if connection is None or listener is None:
            return False
        return connection.send(
            forward(request, uri, self._outgoing(hop.transport, listener, hop, flow))
        )

    def _outgoing(self, transport: str, local: Hop, hop: Hop, flow: Flow) -> Outgoing:
        host = local_address(hop.host) if local.host in WILDCARDS else local.host
        sent_by = self.identity.sent_by(Hop(transport, host, local.port))
        return Outgoing(transport, sent_by, flow.peer, flow.token)

    def _send_back(self, forwarded: Forwarded) -> bool:
        if forwarded.flow:
            return self._relay.send(forwarded.flow, forwarded.data)
        if forwarded.hop.transport != "UDP":
            connection = self._streams.table.by_hop(forwarded.hop)
            return connection is not None and connection.send(forwarded.data)
        endpoint = self._endpoint(forwarded.hop.host)
        return endpoint is not None and endpoint.send(forwarded.data, forwarded.hop)

    def _endpoint(self, host: str) -> UdpEndpoint | None:
        """The UDP socket that reaches ``host``."""
        for endpoint in self._endpoints:
            if endpoint.reaches(host):
                return endpoint
        return None
