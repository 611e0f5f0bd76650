"""Sending messages on: requests along a branch, responses back along their Vias.

Knows every way out of a worker: its UDP sockets, its connections, and through the relay those of
the other workers. Decides nothing about a message; that is ``proxy``'s.

A phone that registered over a connection to this node is sent to by that connection: behind a NAT
there is no other way. Where a Path leads to it the connection is but one to the nearest proxy, and
the address that the Path names counts, as it does for connections of other nodes.
"""

from collections.abc import Callable, Sequence

from regcluster import metrics
from regcluster.edge.flow import Flow, socket_named, socket_token
from regcluster.edge.identity import Identity, is_local_address
from regcluster.edge.relay import Relay
from regcluster.edge.resolver import Resolver
from regcluster.edge.sockets import address_of, probe_local
from regcluster.edge.stream import Streams
from regcluster.edge.udp import UdpEndpoint
from regcluster.errors import StoreUnavailable
from regcluster.proxy.forward import Outgoing, forward
from regcluster.proxy.nexthop import first_hop, target_of
from regcluster.proxy.reach import may_reach
from regcluster.proxy.response import Forwarded, pop_via
from regcluster.registrar.branch import Branch
from regcluster.route.call import Forward
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request, Response
from regcluster.sip.reply import REASONS, Reply

UNREACHABLE = Reply(500, "Contact Unreachable", [])
"""RFC 3261 §16.9: a transport failure is a 503 of that branch, a 500 upstream."""

FLOW_FAILED = Reply(430, REASONS[430], [])
"""A connection of an outbound phone is gone; it may have other flows (RFC 5626 §5.3.1)."""


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

    async def forward(self, request: Request, way: Forward, source: Flow) -> Reply | None:
        """Send ``request``, which came by ``source``, on its ``way``; the answer if that failed.

        Always over the transport its next hop asks for, however large it is: a phone that listens
        on UDP seldom listens on TCP as well (RFC 3261 §18.1.1 would have us try that first). Raises
        ``MalformedHeader`` for a request that nobody could forward, ``StoreUnavailable`` as long
        as there is no secret, ``ValueError`` for rows that a script cannot add.
        """
        secret = self._secret()
        if not secret:
            raise StoreUnavailable("the store has not told its secret yet")
        branch = way.branch
        target = target_of(branch)
        flow = await self._flow_along(branch, request, source.peer.host)
        if isinstance(flow, Reply):
            return flow
        # RFC 3261 §16.6 step 7: nothing for a secure target leaves in the clear, wherever to.
        if target is None or (target.scheme == "sips" and flow.transport != "TLS"):
            return UNREACHABLE
        sent_by = self.identity.sent_by(flow.local)
        outgoing = Outgoing(
            flow.transport,
            sent_by,
            source.peer,
            source.token or self._way_in(source),
            secret,
            branch.path,
            way.headers,
        )
        if not flow.send(forward(request, target, outgoing)):
            return UNREACHABLE
        metrics.count_forwarded("request", flow.transport)
        return None

    def respond(self, response: Response) -> str:
        """Send a response on its way back; why it was dropped, or nothing if it was sent."""
        forwarded = pop_via(response, self.identity.wrote, self._secret())
        if forwarded is None:
            return "stray_response"
        if not self._send_back(forwarded):
            return "send_failed"
        metrics.count_forwarded("response", forwarded.hop.transport)
        return ""

    async def _flow_along(self, branch: Branch, request: Request, source: str) -> Flow | Reply:
        """A flow along ``branch`` for what came from the host ``source``, or why there is none."""
        hop = first_hop(request, branch)
        token = "" if branch.path else self.identity.own_token(branch.connection)
        if token:
            # May go to loopback too: the peer of a connection has let us in, or come to us.
            if held := await self._relay.find(token):
                return held
            if branch.instance and branch.reg_id:
                return FLOW_FAILED
        flow = await self._flow_to(hop, source, branch.socket) if hop else None
        return flow or UNREACHABLE

    async def _flow_to(self, hop: Hop, source: str, socket: str) -> Flow | None:
        """A flow to ``hop``, whose host may be a name, for what came from the host ``source``."""
        address = await self._resolver.resolve(hop.host)
        if address is None or not may_reach(address, source):
            return None
        hop = Hop(hop.transport, address, hop.port)
        if hop.transport == "UDP":
            return self._flow_from(socket, hop) or self._datagram_flow(hop)
        return await self._streams.connect(hop) if hop.transport == "TCP" else None

    def _flow_from(self, socket: str, hop: Hop) -> Flow | None:
        """A flow from the socket at which a phone has registered, if that one is still ours.

        Its NAT may let in what comes from there and nothing else.
        """
        ours = self.identity.own_socket(socket) if socket else None
        if ours is None:
            return None
        # An advertised address is not one to send from, nor is loopback where the phone is not.
        can_pin = is_local_address(ours.host) and may_reach(ours.host, hop.host)
        for endpoint in self._endpoints:
            if endpoint.local.port == ours.port:
                flow = endpoint.flow_from(ours.host, hop) if can_pin else endpoint.flow_to(hop)
                if flow:
                    return flow
        return None

    def _datagram_flow(self, hop: Hop) -> Flow | None:
        """A flow from the socket whose address leads there, else from the first that can send."""
        flows = [flow for endpoint in self._endpoints if (flow := endpoint.flow_to(hop))]
        address = address_of(hop) if len(flows) > 1 else None
        if address:
            leading = probe_local(address)
            flows.sort(key=lambda flow: flow.local.host != leading)
        return flows[0] if flows else None

    def _way_in(self, source: Flow) -> str:
        """The socket a datagram came to, as our Via names it; empty where what goes back leaves
        from there anyway.
        """
        usual = self._datagram_flow(source.peer)
        return "" if usual and usual.local == source.local else socket_token(source.local)

    def _send_back(self, forwarded: Forwarded) -> bool:
        socket = socket_named(forwarded.flow)
        if forwarded.flow and not socket:
            return self._relay.send(forwarded.flow, forwarded.data)
        if forwarded.hop.transport == "UDP":
            # The NAT of whoever asked lets in nothing from another socket (RFC 3581 §4).
            flow = self._flow_from(socket, forwarded.hop) or self._datagram_flow(forwarded.hop)
        else:
            flow = self._streams.table.by_hop(forwarded.hop)
        return flow is not None and flow.send(forwarded.data)
