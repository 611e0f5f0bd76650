"""SIP over UDP: a socket read in bounded bursts, and a light flow for each datagram.

The socket is read straight from a readiness callback: a protocol of asyncio's costs four times as
much and would queue without bound. A burst ends after ``DRAIN`` datagrams, so that timers and the
store's answers get their turn under a flood. Nothing waits here: what the kernel does not take at
once is not sent, and the caller counts it.

A reply leaves from the address its request came to (RFC 3581 §4). A socket bound to one address
does so by itself. One bound to every address asks the kernel for that address with each datagram
and hands it back with the reply, which costs 1.4 µs a message, and only there.
"""

import asyncio
import socket
from typing import Final

from regcluster.edge.flow import Count, Receiver, hop_of
from regcluster.edge.sockets import (
    Address,
    address_of,
    count_overflow,
    family_of,
    is_wildcard,
    probe_local,
)
from regcluster.sip.hop import Hop

DRAIN: Final = 16
"""Datagrams taken in one turn of the event loop.

With many, the store has nothing to do while they are read, and this loop nothing while the store
has all of them: of 64 requests under way, a node does a quarter fewer in a second if it may take
all at once.
"""

MAX_DATAGRAM: Final = 65535
"""More than IP can carry, so nothing is ever cut."""

PROBED: Final = 1024
"""Hops for which we remember which of our addresses leads there."""

PROBED_S: Final = 60.0
"""Seconds after which they are all forgotten, for routes change."""

_IP_PKTINFO: Final = 8  # <linux/in.h>; not in Python's socket module
_ANCILLARY: Final = 64
"""Octets of room for one in_pktinfo or in6_pktinfo."""


class UdpFlow:
    """The way back to whoever sent one datagram."""

    __slots__ = ("_address", "_endpoint", "_pin", "peer")

    transport = "UDP"
    token = ""

    def __init__(self, endpoint: "UdpEndpoint", address: Address, pin: bytes) -> None:
        self._endpoint = endpoint
        self._address = address
        self._pin = pin
        """The local address to send from, packed; empty: the kernel chooses."""
        self.peer = hop_of("UDP", address)

    @property
    def local(self) -> Hop:
        """Our address toward the peer, which it sent to if we heard from it, and our port."""
        return self._endpoint.local_at(self._pin)

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        """Send to the peer, or to another hop named by address. False: it was not sent."""
        if to is None or to is self.peer or to == self.peer:
            return self._endpoint.send(data, self._address, self._pin)
        address = address_of(to)
        if address is None or family_of(address) != family_of(self._address):
            return False
        return self._endpoint.send(data, address, self._pin)


class UdpEndpoint:
    """A bound socket that gives each datagram to ``receive``, until it is stopped.

    ``count`` is told when the kernel reports an error in place of a datagram: seldom, for a socket
    that is not connected never hears of ICMP errors. (To ask for them, ``IP_RECVERR``, would let a
    dead peer's error fail the next send to anybody.) Call ``stop`` to read no more while replies
    still leave, then ``close``.
    """

    def __init__(self, sock: socket.socket, receive: Receiver, count: Count) -> None:
        self._sock = sock
        self._receive = receive
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._family = sock.family
        self.local = hop_of("UDP", sock.getsockname())
        """The address as bound, which may stand for every address of the machine."""
        self._probed: dict[str, bytes | None] = {}
        self._probed_until = 0.0
        self._take = self._take_plain
        if is_wildcard(self.local.host):
            _ask_for_local_address(sock)
            self._take = self._take_pinned
        self._is_stopped = False
        self._watch()

    @property
    def overflow(self) -> int:
        """Datagrams lost so far because they came faster than we read."""
        return count_overflow(self._sock)

    def flow_to(self, hop: Hop) -> UdpFlow | None:
        """A flow to a hop we have not heard from; None if this socket cannot send there.

        Its ``local`` is what a Via for that hop has to name.
        """
        address = address_of(hop)
        if address is None or family_of(address) != self._family:
            return None
        try:
            pin = self._pin_toward(hop.host, address) if is_wildcard(self.local.host) else b""
        except OSError:
            return None
        return None if pin is None else UdpFlow(self, address, pin)

    def flow_from(self, host: str, hop: Hop) -> UdpFlow | None:
        """A flow to ``hop`` that leaves from ``host``, an address of this machine.

        None if that is no address of this socket's, or ``hop`` cannot be reached from there.
        """
        if host == self.local.host:
            return self.flow_to(hop)
        address, ours = address_of(hop), address_of(Hop("UDP", host, 0))
        if not (address and ours and is_wildcard(self.local.host)):
            return None
        if not family_of(address) == family_of(ours) == self._family:
            return None
        return UdpFlow(self, address, socket.inet_pton(self._family, ours[0]))

    def send(self, data: bytes, address: Address, pin: bytes) -> bool:
        """Give one datagram to the kernel; False if it does not take it now.

        ``pin`` is the local address to send from, packed; empty leaves the choice to the kernel.
        """
        try:
            if pin:
                self._sock.sendmsg((data,), (_from_address(pin),), 0, address)
            else:
                self._sock.sendto(data, address)
        except (OSError, OverflowError):
            # A full buffer, no route, a datagram too large, port 0, a closed socket.
            return False
        return True

    def local_at(self, pin: bytes) -> Hop:
        """Our hop at a packed local address; without one, the address as bound."""
        if not pin:
            return self.local
        return Hop("UDP", socket.inet_ntop(self._family, pin), self.local.port)

    def stop(self) -> None:
        """Read nothing from now on."""
        self._is_stopped = True
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())

    def close(self) -> None:
        """Stop, and give the address back; what is sent after this is not sent."""
        self.stop()
        self._sock.close()

    def _watch(self) -> None:
        if not self._is_stopped:
            self._loop.remove_reader(self._sock.fileno())
            self._loop.add_reader(self._sock.fileno(), self._drain)

    def _drain(self) -> None:
        for _ in range(DRAIN):
            try:
                data, flow = self._take()
            except BlockingIOError:
                return
            except OSError:
                if not self._is_stopped:
                    self._count("socket")
                    # uvloop never looks again at a descriptor that it has seen in error.
                    self._loop.call_soon(self._watch)
                return
            self._receive(data, flow)

    def _take_plain(self) -> tuple[bytes, UdpFlow]:
        data, address = self._sock.recvfrom(MAX_DATAGRAM)
        return data, UdpFlow(self, address, b"")

    def _take_pinned(self) -> tuple[bytes, UdpFlow]:
        data, ancillary, _, address = self._sock.recvmsg(MAX_DATAGRAM, _ANCILLARY)
        return data, UdpFlow(self, address, _to_address(ancillary))

    def _pin_toward(self, host: str, address: Address) -> bytes | None:
        now = self._loop.time()
        if now > self._probed_until or len(self._probed) >= PROBED:
            self._probed.clear()
            self._probed_until = now + PROBED_S
        if host not in self._probed:
            local = probe_local(address)
            pin = None if local is None else socket.inet_pton(self._family, local)
            self._probed[host] = pin
        return self._probed[host]


def _ask_for_local_address(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _to_address(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    """The packed local address a datagram came to; empty if replies cannot leave from it."""
    for level, _, info in ancillary:
        if level == socket.IPPROTO_IP:
            # struct in_pktinfo: interface, local address, destination. The second is one of ours
            # even where the third is a broadcast.
            return info[4:8]
        if level == socket.IPPROTO_IPV6 and info[0] != 0xFF:
            return info[:16]
    return b""


def _from_address(pin: bytes) -> tuple[int, int, bytes]:
    """The ancillary message that makes a datagram leave from a packed local address."""
    if len(pin) == 4:
        return (socket.IPPROTO_IP, _IP_PKTINFO, b"\0\0\0\0" + pin + b"\0\0\0\0")
    return (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, pin + b"\0\0\0\0")
