"""SIP over TCP: all connections of one worker, from where they come in or are made to their end.

What one of them does with its octets is for ``stream_flow``. Deadlines are found by one sweep over
all connections: a timer for each would cost more than the few comparisons do.
"""

import asyncio
import socket
from functools import partial

from regcluster.config import LimitSettings
from regcluster.edge.acceptor import Acceptor
from regcluster.edge.connector import CONNECT_S, Connector
from regcluster.edge.flow import BadStream, Count, Flow, FlowTable, Receiver, hop_of
from regcluster.edge.porch import Networks, Porch
from regcluster.edge.sockets import Address, is_wildcard
from regcluster.edge.stream_flow import StreamFlow
from regcluster.sip.hop import Hop

BACKLOG = 1024
"""Connections the kernel completes before we accept them, per worker."""

FLUSH_S = 1.0
"""How long connections may take to send what is queued when the worker ends."""

SWEEP_S = 5.0
"""The longest time between two sweeps; limits shorter than that are swept more often."""

LEAST_SWEEP_S = 0.01
"""The shortest: a limit of next to nothing must not become a busy loop."""

SWEEPS = 4
"""Sweeps within the shortest limit, so that it is overrun by a quarter at most."""

CLOSINGS = ("limit", "slow", "idle", "partial", "linger", "malformed", "proxy", "files")
"""Why we end a connection ourselves: too many of them; its peer does not read; is silent; owes us
the rest of a message; was waited for long enough; broke the framing; was not introduced as it has
to be (``Porch``). The last is why we leave connections waiting: there is no file descriptor for
them (``Acceptor``)."""


class Streams:
    """All stream connections of one worker: accepted, made, swept and ended.

    Call ``deliver_to`` once, then ``listen`` for each bound socket, ``stop`` when no new
    connections may come, ``close`` at the end. ``keepalive`` is told the transport of each ping
    that was answered, ``closed`` one of ``CLOSINGS``.
    """

    receive: Receiver
    bad_stream: BadStream

    def __init__(
        self,
        table: FlowTable,
        limits: LimitSettings,
        keepalive: Count,
        closed: Count,
        connect_s: float = CONNECT_S,
    ) -> None:
        self.table = table
        self.limits = limits
        """May be changed at any time; ``write_buffer`` then holds for new connections."""
        self.keepalive = keepalive
        self.closed = closed
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self.soon = self._loop.call_soon
        self._acceptors: list[Acceptor] = []
        self._listeners: list[Hop] = []
        self._arriving: set[asyncio.Task[Flow | None]] = set()
        self._live: set[StreamFlow] = set()
        self._porch = Porch(self._adopt, partial(self.closed, "proxy"))
        self._all_gone = asyncio.Event()
        self._connector = Connector(self._listeners, self._adopt, connect_s)
        self._timer = self._loop.call_later(self._period(), self._sweep)

    def deliver_to(self, receive: Receiver, bad_stream: BadStream) -> None:
        """Name those who take the messages, and the streams that cannot be cut into any."""
        self.receive = receive
        self.bad_stream = bad_stream

    async def listen(self, sock: socket.socket, proxied_from: Networks = ()) -> None:
        """Accept connections on a bound socket; with networks given, only those that a balancer
        there passes on, and says whose they are.
        """
        sock.listen(BACKLOG)
        self._listeners.append(hop_of("TCP", sock.getsockname()))
        take = partial(self._meet, proxied_from) if proxied_from else self._adopt
        self._acceptors.append(Acceptor(sock, take, partial(self.closed, "files")))

    async def connect(self, hop: Hop) -> Flow | None:
        """The connection to a hop named by address: the one that is there, else a new one.

        Whoever asks while it comes up waits for the same attempt. None if it fails.
        """
        return self.table.by_hop(hop) or await self._connector.connect(hop)

    def stop(self) -> None:
        """Accept no more connections; those that are there go on."""
        while self._acceptors:
            self._acceptors.pop().close()

    async def close(self, within_s: float = FLUSH_S) -> None:
        """Stop, and end all connections; after ``within_s`` seconds also those not yet flushed."""
        self.stop()
        self._timer.cancel()
        await self._connector.close()
        await self._porch.close()
        if self._arriving:
            await asyncio.wait(self._arriving)
        for flow in list(self._live):
            flow.close()
        try:
            async with asyncio.timeout(within_s):
                await self._wait_empty()
        except TimeoutError:
            for flow in list(self._live):
                flow.cut("slow")
            await self._wait_empty()

    def local_at(self, ours: Address) -> Hop:
        """Our hop at the near end of a connection, with a port we listen on.

        A connection that we made has a port of its own, at which nobody can reach us.
        """
        hop = hop_of("TCP", ours)
        bases = [base for base in self._listeners if (":" in base.host) == (":" in hop.host)]
        here = [base for base in bases if base.host == hop.host or is_wildcard(base.host)]
        ports = [base.port for base in here or bases]
        if ports and hop.port not in ports:
            hop.port = ports[0]
        return hop

    def admit(self, flow: StreamFlow) -> bool:
        """Take in a connection that has come up; False if there are too many."""
        if len(self.table) >= self.limits.connections:
            return False
        self.table.add(flow)
        self._live.add(flow)
        return True

    def lost(self, flow: StreamFlow) -> None:
        """Forget a connection that is gone."""
        self.table.remove(flow)
        self._live.discard(flow)
        if not self._live:
            self._all_gone.set()

    async def _wait_empty(self) -> None:
        while self._live:
            self._all_gone.clear()
            await self._all_gone.wait()

    def _meet(self, networks: Networks, sock: socket.socket) -> None:
        if len(self.table) + len(self._porch) < self.limits.connections:
            self._porch.take(sock, networks, self.limits.partial_s)
        else:
            sock.close()
            self.closed("limit")

    def _adopt(
        self, sock: socket.socket, introduced: Hop | None = None, greeting: bytes = b""
    ) -> asyncio.Task[Flow | None]:
        """Make a flow of a connected socket, whoever connected it; None if there are too many.

        This is never cancelled: half of a connection would be left, which nothing ends.
        """
        task = self._loop.create_task(self._made_of(sock, introduced, greeting))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)
        return task

    async def _made_of(
        self, sock: socket.socket, introduced: Hop | None, greeting: bytes
    ) -> Flow | None:
        # Not create_connection(): where that one is cut as soon as it is made, uvloop leaves it
        # with a socket that later closes somebody else's descriptor.
        make = partial(StreamFlow, self, introduced, greeting)
        _, flow = await self._loop.connect_accepted_socket(make, sock)
        return self.table.by_token(flow.token)

    def _period(self) -> float:
        shortest = min(self.limits.idle_s, self.limits.partial_s)
        return min(max(shortest / SWEEPS, LEAST_SWEEP_S), SWEEP_S)

    def _sweep(self) -> None:
        # First of all, so that nothing that goes wrong below ends all sweeping.
        self._timer = self._loop.call_later(self._period(), self._sweep)
        now = self.now()
        for flow in list(self._live):
            if reason := flow.overdue(now, self.limits):
                flow.cut(reason)
