"""Who we are on the wire: what our Via says, which URIs and Vias mean this node.

A node behind a wildcard listener answers to every address of its host, so "is this one of ours"
is asked of the kernel: an address is local if it is the one that messages to it would leave from.
(That it can be bound says nothing: where balancers run, ``ip_nonlocal_bind`` lets any be bound.)
The answer is remembered, for a while only: addresses move from host to host.
"""

from functools import lru_cache
from ipaddress import ip_address
from time import monotonic

from regcluster.edge.sockets import address_of, probe_local
from regcluster.sip.headers import Via
from regcluster.sip.hop import DEFAULT_PORT, Hop, default_port
from regcluster.sip.uri import SipUri

REMEMBERED = 1024
"""Addresses of which we remember whether they are ours; messages may name any number."""

REMEMBERED_S = 60.0
"""Seconds after which they are asked about anew."""


class Identity:
    """The names, addresses and ports this node is reached by."""

    __slots__ = ("_advertise", "_ports")

    def __init__(self, advertise: str, ports: frozenset[int]) -> None:
        self._advertise = advertise.lower().strip("[]")
        self._ports = ports

    def sent_by(self, local: Hop) -> str:
        """What a Via of ours names: the advertised host, else ``local``, the address in use."""
        # The scope of a link-local address means nothing to the peer and breaks the grammar.
        host = self._advertise or local.host.partition("%")[0]
        return Hop(local.transport, host, local.port).render()

    def is_ours(self, uri: SipUri) -> bool:
        """Whether a SIP URI names this node: host and port (RFC 3261 §16.4)."""
        transport = "TLS" if uri.scheme == "sips" else ""
        return self._matches(uri.host, uri.port or default_port(transport))

    def wrote(self, via: Via) -> bool:
        """Whether a Via is one we put there (RFC 3261 §18.1.2)."""
        return self._matches(via.host, via.port or default_port(via.transport))

    def _matches(self, host: str, port: int) -> bool:
        if port not in self._ports:
            return False
        bare = host.strip("[]").lower()
        return bare == self._advertise or is_local_address(bare)


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
