"""Who we are on the wire: what our Via says, which URIs, Vias, sockets and connections are ours.

A node behind a wildcard listener answers to every address of its host, so "is this one of ours"
is asked of the kernel: an address is local if it is the one that messages to it would leave from.
(That it can be bound says nothing: where balancers run, ``ip_nonlocal_bind`` lets any be bound.)
The answer is remembered, for a while only: addresses move from host to host.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from time import monotonic

from regcluster.edge.flow import FlowTable
from regcluster.edge.sockets import address_of, is_wildcard, probe_local
from regcluster.proxy.nexthop import parse_socket
from regcluster.sip.headers import Via
from regcluster.sip.hop import DEFAULT_PORT, Hop, default_port
from regcluster.sip.uri import SipUri

REMEMBERED = 1024
"""Addresses of which we remember whether they are ours; messages may name any number."""

REMEMBERED_S = 60.0
"""Seconds after which they are asked about anew."""


class Identity:
    """The names, addresses and ports this node is reached by.

    ``listeners`` are the addresses as configured, which may stand for every address of the machine;
    ``table`` holds the connections of this worker; ``aliases`` are hosts, with or without a port,
    that lead here.
    """

    __slots__ = ("_advertise", "_aliases", "_listeners", "_ports", "_table", "is_ready", "node")

    def __init__(
        self,
        advertise: str,
        listeners: Sequence[Hop],
        node: str,
        table: FlowTable,
        aliases: Sequence[str] = (),
    ) -> None:
        self._advertise = advertise.lower().strip("[]")
        self._aliases = frozenset([alias.lower() for alias in aliases])
        self._listeners = listeners
        self._ports = frozenset([listener.port for listener in listeners])
        self._table = table
        self.node = node
        """The name of this node in the cluster."""
        self.is_ready = True
        """Whether there should be more requests."""

    def advertised(self, local: Hop) -> Hop:
        """How the world outside calls ``local``, an address of ours in use."""
        # The scope of a link-local address means nothing to the peer and breaks the grammar.
        host = self._advertise or local.host.partition("%")[0]
        return Hop(local.transport, host, local.port)

    def sent_by(self, local: Hop) -> str:
        """What a Via of ours names: the advertised host, else ``local``, the address in use."""
        return self.advertised(local).render()

    def is_ours(self, uri: SipUri) -> bool:
        """Whether a SIP URI names this node: host and port (RFC 3261 §16.4)."""
        transport = "TLS" if uri.scheme == "sips" else ""
        port = uri.port or default_port(transport)
        if self._aliases and not self._aliases.isdisjoint((uri.host, f"{uri.host}:{port}")):
            return True
        return self._matches(uri.host, port)

    def wrote(self, via: Via) -> bool:
        """Whether a Via is one we put there (RFC 3261 §18.1.2)."""
        return self._matches(via.host, via.port or default_port(via.transport))

    def own_socket(self, text: str) -> Hop | None:
        """The socket of ours that ``text``, such as ``udp:192.0.2.1:5060``, names, or None.

        Transport and port may be left out: then the first listener is meant that fits the rest.
        """
        asked = parse_socket(text)
        if asked is None:
            return None
        for listener in self._listeners:
            if (
                asked.transport in ("", listener.transport)
                and asked.port in (0, listener.port)
                and (asked.host == self._advertise or _stands_for(listener.host, asked.host))
            ):
                return Hop(listener.transport, asked.host, listener.port)
        return None

    def own_token(self, connection: str) -> str:
        """The token in ``<node>/<token>`` if the node is this one; else empty."""
        node, slash, token = connection.rpartition("/")
        return token if slash and node == self.node else ""

    def is_gone(self, connection: str) -> bool:
        """Whether a connection is known to be no more: one that this very worker would hold."""
        return self._table.is_gone(self.own_token(connection))

    def _matches(self, host: str, port: int) -> bool:
        if port not in self._ports:
            return False
        bare = host.strip("[]").lower()
        return bare == self._advertise or is_local_address(bare)


def _stands_for(listening: str, host: str) -> bool:
    """Whether who listens at ``listening`` has the address ``host``."""
    if not is_wildcard(listening):
        return listening == host
    return (":" in listening) == (":" in host) and is_local_address(host)


def is_local_address(host: str) -> bool:
    """Whether ``host`` is an IP address of this machine; names are never looked up."""
    try:
        return _is_local(host, int(monotonic() // REMEMBERED_S))
    except OSError:
        return False


@lru_cache(maxsize=REMEMBERED)
def _is_local(host: str, _: int) -> bool:
    address = address_of(Hop("", host, DEFAULT_PORT))
    if address is None:
        return False
    # All of 127.0.0.0/8 is this machine, and is reached from 127.0.0.1.
    return host.startswith("127.") or probe_local(address) == str(ip_address(host))
