"""Connections that a balancer passes on, until it has said whose they are (PROXY protocol).

Such a header can name any address as the peer's, so it is believed only from the networks where
balancers are, and a connection without one is refused. What it names must be an address that the
balancer itself could reach: one on another machine cannot pass a stranger off as a process on our
loopback. Whatever is wrong, the connection is closed without a word and counted.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address

from regcluster.edge.flow import hop_of
from regcluster.edge.proxy_header import MAX_OCTETS, ProxyHeader, read
from regcluster.proxy.reach import may_reach
from regcluster.sip.hop import Hop

Networks = Sequence[IPv4Network | IPv6Network]

Welcome = Callable[[socket.socket, Hop, bytes], object]
"""Takes a connection over, with its far end and what that has sent of its own so far."""


class Porch:
    """Lets connections in once they have been introduced; one for all listeners of a worker.

    ``refused`` is told of each one that was not. Call ``close`` at the end.
    """

    def __init__(self, welcome: Welcome, refused: Callable[[], None]) -> None:
        self._welcome = welcome
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many are waiting now."""
        return len(self._waiting)

    def take(self, sock: socket.socket, networks: Networks, within_s: float) -> None:
        """Have ``sock`` wait for its header, for so many seconds, if it comes from ``networks``."""
        task = self._loop.create_task(self._meet(sock, networks, within_s))
        self._waiting.add(task)
        task.add_done_callback(partial(self._left, sock))

    async def close(self) -> None:
        """Send those away who are still waiting."""
        waiting = list(self._waiting)
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)

    def _left(self, sock: socket.socket, task: asyncio.Task[None]) -> None:
        # Here and not in the task, which may be cancelled before it begins.
        self._waiting.discard(task)
        if task.cancelled():
            sock.close()

    async def _meet(self, sock: socket.socket, networks: Networks, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                met = await self._introduction(sock, networks)
        except (OSError, ValueError):
            self._refused()
            met = None
        if met:
            self._welcome(sock, *met)
        else:
            sock.close()

    async def _introduction(
        self, sock: socket.socket, networks: Networks
    ) -> tuple[Hop, bytes] | None:
        """The far end and what it has sent; None if all of it was a look whether we listen.

        Raises ``ValueError`` for a header that is none or must not be believed, ``OSError`` for a
        connection that breaks.
        """
        balancer = hop_of("TCP", sock.getpeername())
        address = ip_address(balancer.host)
        if not any(address in network for network in networks):
            raise ValueError("no balancer of ours")
        data = b""
        while (header := read(data)) is None:
            more = await self._loop.sock_recv(sock, MAX_OCTETS)
            if not more and not data:
                return None
            if not more:
                raise ValueError("cut short")
            data += more
        return _believed(header, balancer), data[header.size :]


def _believed(header: ProxyHeader, balancer: Hop) -> Hop:
    source = header.source
    if source is None:
        return balancer
    if not may_reach(source.host, balancer.host):
        raise ValueError("an address that is none to others")
    return source
