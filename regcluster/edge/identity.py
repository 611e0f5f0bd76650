"""Who we are on the wire: what our Via says, which URIs and Vias mean this node.

A node behind a wildcard listener answers to every address of its host, so "is this one of ours"
is asked of the kernel: an address that can be bound is local. The answer is remembered.
"""

import socket
from functools import lru_cache

from regcluster.sip.headers import Via
from regcluster.sip.hop import Hop
from regcluster.sip.uri import SipUri

DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061


class Identity:
    """The names, addresses and ports this node is reached by."""

    __slots__ = ("_advertise", "_ports")

    def __init__(self, advertise: str, ports: frozenset[int]) -> None:
        self._advertise = advertise.lower().strip("[]")
        self._ports = ports

    def sent_by(self, local: Hop) -> str:
        """What a Via of ours names: the advertised host, else ``local``, the address in use."""
        return Hop(local.transport, self._advertise or local.host, local.port).render()

    def is_ours(self, uri: SipUri) -> bool:
        """Whether a SIP URI names this node: host and port (RFC 3261 §16.4)."""
        default = DEFAULT_TLS_PORT if uri.scheme == "sips" else DEFAULT_PORT
        return self._matches(uri.host, uri.port or default)

    def wrote(self, via: Via) -> bool:
        """Whether a Via is one we put there (RFC 3261 §18.1.2)."""
        default = DEFAULT_TLS_PORT if via.transport == "TLS" else DEFAULT_PORT
        return self._matches(via.host, via.port or default)

    def _matches(self, host: str, port: int) -> bool:
        if port not in self._ports:
            return False
        bare = host.strip("[]").lower()
        return bare == self._advertise or is_local_address(bare)


@lru_cache(maxsize=1024)
def is_local_address(host: str) -> bool:
    """Whether ``host`` is an IP address of this machine; names are never looked up."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            socket.inet_pton(family, host)
            probe.bind((host, 0))
        except (OSError, ValueError):
            return False
    return host not in ("0.0.0.0", "::")
