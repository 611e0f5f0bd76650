"""SIP over TCP: connections that come in or are made, cut into messages, and when they end.

A peer that closes its side is still answered: the connection stays until each request taken from
it has had its final response, or ``LINGER_S`` is over (RFC 3261 §18.2.2). The same holds after a
framing error, behind which nothing is read (§18.3). A peer that does not read what we send, stays
silent or leaves a message incomplete is cut off, so that it never costs the others anything.
Deadlines are found by one sweep over all connections: a timer for each would cost more than the
few comparisons do.
"""

import asyncio
import socket
from functools import partial
from typing import cast

from regcluster.config import LimitSettings
from regcluster.edge.acceptor import Acceptor
from regcluster.edge.connector import CONNECT_S, Connector
from regcluster.edge.flow import BadStream, Count, Flow, FlowTable, Receiver, hop_of
from regcluster.edge.porch import Networks, Porch
from regcluster.edge.sockets import Address, is_wildcard
from regcluster.errors import MalformedMessage, SipError
from regcluster.sip.framer import Ping, StreamFramer
from regcluster.sip.hop import Hop

BACKLOG = 1024
"""Connections the kernel completes before we accept them, per worker."""

LINGER_S = 32.0
"""How long a half-closed connection waits for responses: 64*T1 (RFC 3261 §17.1.2.2)."""

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

BURST = 64
"""Messages taken from one connection in one turn of the event loop. uvloop reads megabytes in one
where a balancer has so much to say; if all of it were taken at once, the store's answers would wait
until each request that waits for them is past its deadline."""

_NOBODY = ("", 0)
_PONG = b"\r\n"


class StreamFlow(asyncio.Protocol):
    """One connection; ``Streams`` makes it and the event loop tells it what happens."""

    __slots__ = (
        "_ended_at",
        "_framer",
        "_greeting",
        "_has_eof",
        "_heard_at",
        "_introduced",
        "_is_resting",
        "_is_shut",
        "_owed",
        "_partial_since",
        "_pipe",
        "_streams",
        "local",
        "peer",
        "token",
    )

    transport = "TCP"

    def __init__(self, streams: "Streams", introduced: Hop | None, greeting: bytes) -> None:
        self._streams = streams
        self._introduced = introduced
        """The peer, where a balancer stands between us and has said who it is."""
        self._greeting = greeting
        """What it has sent before the connection was made a flow."""
        self._framer = StreamFramer()
        self._heard_at = streams.now()
        self._partial_since: float | None = None
        self._ended_at: float | None = None
        """Since when no more requests can come."""
        self._has_eof = False
        self._is_shut = False
        """Whether anything can still be sent."""
        self._is_resting = False
        """Whether it may have more for us than we take in one turn."""
        self._owed = 0
        """Requests taken from here that have had no final response."""

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        """Queue one message for the peer, whatever ``to`` is. False: it will not be sent."""
        if self._is_shut or self._pipe.is_closing():
            return False
        self._pipe.write(data)
        if self._pipe.is_closing():
            return False  # pause_writing() has cut it off.
        if data.startswith(b"SIP/2.0 ") and not data.startswith(b"1", 8):
            # A request may have several final responses: a proxy's 2xx to an INVITE, sent again.
            self._owed = max(self._owed - 1, 0)
            self._settle()
        return True

    def close(self) -> None:
        """Send what is queued, then end the connection."""
        self._is_shut = True
        self._pipe.close()

    def cut(self, reason: str) -> None:
        """End the connection at once, and count why."""
        self._is_shut = True
        self._end()
        self._pipe.abort()
        self._streams.closed(reason)

    def overdue(self, now: float, limits: LimitSettings) -> str:
        """The reason to cut this connection, empty if there is none."""
        if self._ended_at is not None:
            return "linger" if now - self._ended_at > LINGER_S else ""
        if self._partial_since is not None and now - self._partial_since > limits.partial_s:
            return "partial"
        return "idle" if now - self._heard_at > limits.idle_s else ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there (called by the event loop)."""
        self._pipe = cast(asyncio.Transport, transport)
        streams = self._streams
        # A peer that has gone before we came to accept it has no name any more.
        name = self._pipe.get_extra_info("peername") or _NOBODY
        self.peer = self._introduced or hop_of("TCP", name)
        self.local = streams.local_at(self._pipe.get_extra_info("sockname") or _NOBODY)
        self.token = streams.table.mint()
        self._pipe.set_write_buffer_limits(high=streams.limits.write_buffer)
        if not streams.admit(self):
            self.cut("limit")
        elif self._greeting:
            self.data_received(self._greeting)

    def data_received(self, data: bytes) -> None:
        """Some octets have come (called by the event loop)."""
        if self._ended_at is not None:
            return  # Behind a framing error only the end is waited for.
        self._heard_at = self._streams.now()
        self._framer.feed(data)
        if not self._is_resting:
            self._take()

    def _take(self) -> None:
        """Deliver what has come: a burst of it now, the rest in later turns."""
        pings = messages = 0
        while messages < BURST and (message := self._next()) is not None:
            self._partial_since = None
            if isinstance(message, Ping):
                pings += 1
                self._streams.keepalive("TCP")
            else:
                messages += 1
                self._deliver(message)
        if pings and not self._is_shut:
            # One write for all: thousands fit into one segment, and others wait meanwhile.
            self._pipe.write(_PONG * pings)
        if messages == BURST and not self._is_shut:
            # Nothing is read until the next turn, which begins with what is here already.
            self._is_resting = True
            self._pipe.pause_reading()
            self._streams.soon(self._go_on)
        if not self._framer.is_partial:
            self._partial_since = None
        elif self._partial_since is None:
            self._partial_since = self._heard_at

    def eof_received(self) -> bool:
        """The peer sends no more (called by the event loop); True: we may still do so."""
        self._has_eof = True
        if self._framer.is_partial:
            self._streams.bad_stream(MalformedMessage(400, "Message Cut Short"), self)
        self._end()
        if self._is_shut:
            return False
        self._settle()
        return True

    def pause_writing(self) -> None:
        """More waits to be read than is allowed (called by the event loop)."""
        self.cut("slow")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone (called by the event loop)."""
        self._is_shut = True
        self._streams.lost(self)

    def _go_on(self) -> None:
        self._is_resting = False
        if not self._pipe.is_closing():
            self._pipe.resume_reading()
            self._take()

    def _next(self) -> bytes | Ping | None:
        if self._ended_at is not None:
            return None
        try:
            return self._framer.next()
        except SipError as broken:
            self._refuse(broken)
            return None

    def _refuse(self, broken: SipError) -> None:
        owed = self._owed
        self._streams.bad_stream(broken, self)
        # That answer settles none of the requests before it.
        self._owed = owed
        self._streams.closed("malformed")
        self._end()
        self._settle()

    def _deliver(self, message: bytes) -> None:
        if not message.startswith((b"SIP/", b"ACK ")):
            self._owed += 1
        self._streams.receive(message, self)

    def _end(self) -> None:
        """From now on nothing is read, and nothing new is sent this way."""
        if self._ended_at is None:
            self._ended_at = self._streams.now()
            self._streams.table.retire(self)

    def _settle(self) -> None:
        """Close our side once the other is closed and nothing is owed."""
        if self._ended_at is None or self._owed or self._is_shut or self._pipe.is_closing():
            return
        self._is_shut = True
        if self._has_eof:
            self._pipe.close()
        else:
            # Closing now, with octets unread, would reset the connection under our last answer.
            self._pipe.write_eof()


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
