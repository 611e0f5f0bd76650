"""Connections that we make: one attempt to a hop at a time, within bounded time.

An attempt belongs to all who wait for it, so none of them ends it by giving up. That a hop cannot
be connected to is an answer and no error, whatever the reason: it refuses, is silent, no way leads
there, we are out of descriptors.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from regcluster.edge.flow import Flow
from regcluster.edge.sockets import (
    Address,
    address_of,
    family_of,
    is_wildcard,
    probe_local,
    set_stream_options,
)
from regcluster.sip.hop import Hop

CONNECT_S = 3.0
"""The longest a connection may take to come up. A phone behind a firewall never refuses one."""

Adopt = Callable[[socket.socket], Awaitable[Flow | None]]
"""Takes over a connected socket, and makes a flow of it unless there are too many; never fails."""


class Connector:
    """Connects for one worker; ``listeners`` are its stream listeners, which may still grow.

    Call ``close`` at the end: behind it nothing is connected any more.
    """

    def __init__(
        self, listeners: Sequence[Hop], adopt: Adopt, connect_s: float = CONNECT_S
    ) -> None:
        self._listeners = listeners
        self._adopt = adopt
        self._connect_s = connect_s
        self._loop = asyncio.get_running_loop()
        self._attempts: dict[Hop, asyncio.Task[Flow | None]] = {}
        self._is_closed = False

    async def connect(self, hop: Hop) -> Flow | None:
        """A new connection to a hop named by address; None if it fails, or we have closed.

        Whoever asks while it comes up waits for the same attempt.
        """
        if self._is_closed:
            return None
        attempt = self._attempts.get(hop)
        if attempt is None:
            attempt = self._attempts[hop] = self._loop.create_task(self._attempt(hop))
            attempt.add_done_callback(lambda _: self._attempts.pop(hop))
        # Neither does a caller that is cancelled cancel the attempt, nor the other way round.
        await asyncio.wait((attempt,))
        return None if attempt.cancelled() else attempt.result()

    async def close(self) -> None:
        """End all attempts, and begin none; those who wait for one are told None."""
        self._is_closed = True
        attempts = list(self._attempts.values())
        for attempt in attempts:
            attempt.cancel()
        if attempts:
            await asyncio.wait(attempts)

    async def _attempt(self, hop: Hop) -> Flow | None:
        address = address_of(hop)
        if address is None:
            return None
        try:
            sock = await self._connected(hop, address)
        except (OSError, OverflowError):
            return None
        return await asyncio.shield(self._adopt(sock))

    async def _connected(self, hop: Hop, address: Address) -> socket.socket:
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
        try:
            self._prepare(sock, address)
            async with asyncio.timeout(self._connect_s):
                # uvloop passes on host and port alone: the scope has to stand in the host.
                await self._loop.sock_connect(sock, (hop.host, hop.port))
        except BaseException:
            sock.close()
            raise
        return sock

    def _prepare(self, sock: socket.socket, address: Address) -> None:
        sock.setblocking(False)
        set_stream_options(sock)
        is_six = sock.family == socket.AF_INET6
        hosts = [base.host for base in self._listeners if (":" in base.host) == is_six]
        if hosts and not any(map(is_wildcard, hosts)):
            # What we write into Via must be an address we listen on, and firewalls know it: the
            # one that leads there, else the first.
            local = probe_local(address)
            sock.bind((local if local in hosts else hosts[0], 0))
