"""Ways back to a peer: what every transport can do, and the table of those that last.

A UDP flow is made for each datagram and forgotten with it: whoever knows the address can send. A
stream flow is a live connection. It has a token, which goes into our Via so that a response finds
the connection its request came in on, and it is found by its peer, so that what is sent to a hop
uses the connection that is there (RFC 3261 §18.1.1). Only the true address of a peer counts, never
one that it claims (RFC 5923 §8).
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, Protocol

from regcluster.edge.sockets import Address, is_wildcard
from regcluster.errors import SipError
from regcluster.route.exchange import Source
from regcluster.route.wishes import socket_text
from regcluster.sip.hop import Hop


class Flow(Source, Protocol):
    """A way to answer whoever sent a message: a source that we can send to."""

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        """Send one message, on UDP to another hop if one is given. False: it was not sent."""


Receiver = Callable[[bytes, Flow], None]
"""Takes one datagram, or one message cut from a stream. Must not raise."""

BadStream = Callable[[SipError, Flow], None]
"""Takes the reason why a stream cannot be cut into messages any further, and may answer it."""

Count = Callable[[str], None]
"""Adds one to a counter, under a label from a small fixed set."""

_MAX_WORKER_DIGITS: Final = 4

_SOCKET: Final = "udp."
"""Begins the token of a socket. No worker is called so."""


def hop_of(transport: str, address: Address) -> Hop:
    """The hop at a socket address. A link-local one keeps its scope: ``fe80::1%2``."""
    # With the flows, for each datagram makes one: this module is compiled, that of sockets is not.
    if len(address) == 4 and address[3]:
        return Hop(transport, f"{address[0]}%{address[3]}", address[1])
    return Hop(transport, address[0], address[1])


class FlowTable:
    """The live connections of one worker, by token and by peer.

    A token is ``<worker>.<epoch>.<number>``. The epoch is drawn at random at every start, so that
    no token of an earlier life of the worker names one of its connections now.
    """

    def __init__(self, worker: int, epoch: str) -> None:
        self._worker = worker
        self._prefix = f"{worker}.{epoch}."
        self._minted = 0
        self._by_token: dict[str, Flow] = {}
        self._by_hop: dict[Hop, Flow] = {}
        self._retired: set[str] = set()

    def __len__(self) -> int:
        return len(self._by_token)

    @property
    def minted(self) -> int:
        """How many tokens there were so far."""
        return self._minted

    def mint(self) -> str:
        """A token that no flow has had before."""
        self._minted += 1
        return f"{self._prefix}{self._minted}"

    def add(self, flow: Flow) -> None:
        """Take in a flow that has come up. Of two with one peer the newer is found by it."""
        self._by_token[flow.token] = flow
        self._by_hop[flow.peer] = flow

    def retire(self, flow: Flow) -> None:
        """Offer the flow for nothing new; responses still find it by its token."""
        if flow.token in self._by_token:
            # One that was turned away is not to be remembered: nobody ever forgets it.
            self._retired.add(flow.token)
        if self._by_hop.get(flow.peer) is flow:
            del self._by_hop[flow.peer]

    def remove(self, flow: Flow) -> None:
        """Forget a flow that is gone; nothing happens if it was never taken in."""
        if self._by_token.pop(flow.token, None):
            self.retire(flow)
            self._retired.discard(flow.token)

    def by_token(self, token: str) -> Flow | None:
        """The live flow a token names."""
        return self._by_token.get(token)

    def offered(self, token: str) -> Flow | None:
        """The flow a token names, if it is there for something new."""
        return None if token in self._retired else self._by_token.get(token)

    def is_gone(self, token: str) -> bool:
        """Whether ``token`` names a connection of this worker that is offered no more.

        It may be one of an earlier life. What other workers hold is not known here.
        """
        return worker_of(token) == self._worker and self.offered(token) is None

    def by_hop(self, hop: Hop) -> Flow | None:
        """A live flow to that very transport, address and port."""
        return self._by_hop.get(hop)


def socket_token(local: Hop) -> str:
    """A token for a UDP socket of ours, where no flow lasts: ``udp.<address in hex>.<port>``.

    A Via parameter has no room for colons. Empty if nobody knows the address.
    """
    host = local.host.partition("%")[0]
    return "" if is_wildcard(host) else f"{_SOCKET}{ip_address(host).packed.hex()}.{local.port}"


def socket_named(token: str) -> str:
    """The socket that ``token`` names, ``udp:192.0.2.1:5060``; empty if it names none."""
    if not token.startswith(_SOCKET):
        return ""
    packed, _, port = token.removeprefix(_SOCKET).partition(".")
    try:
        return socket_text(Hop("UDP", str(ip_address(bytes.fromhex(packed))), int(port)))
    except ValueError:
        return ""


def worker_of(token: str) -> int | None:
    """The index of the worker that minted ``token``; None if nobody did.

    Tokens come back in messages, so anything may stand there.
    """
    worker, dot, rest = token.partition(".")
    if not dot or not rest or len(worker) > _MAX_WORKER_DIGITS:
        return None
    return int(worker) if worker.isascii() and worker.isdecimal() else None
