"""One SIP connection over TCP: how it is cut into messages, answered, and brought to its end.

A peer that closes its side is still answered: the connection stays until each request taken from
it has had its final response, or ``LINGER_S`` is over (RFC 3261 §18.2.2). The same holds after a
framing error, behind which nothing is read (§18.3). A peer that does not read what we send, stays
silent or leaves a message incomplete is cut off, so that it never costs the others anything.
Which connections there are is for ``stream`` to know.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from regcluster.config import LimitSettings
from regcluster.edge.flow import BadStream, Count, FlowTable, Receiver, hop_of
from regcluster.edge.sockets import Address
from regcluster.errors import MalformedMessage, SipError
from regcluster.sip.framer import Ping, StreamFramer
from regcluster.sip.hop import Hop

LINGER_S = 32.0
"""How long a half-closed connection waits for responses: 64*T1 (RFC 3261 §17.1.2.2)."""

BURST = 64
"""Messages taken from one connection in one turn of the event loop. uvloop reads megabytes in one
where a balancer has so much to say; if all of it were taken at once, the store's answers would wait
until each request that waits for them is past its deadline."""

_NOBODY = ("", 0)
_PONG = b"\r\n"


class Holder(Protocol):
    """Who holds the connections of a worker: what one of them asks of it, and tells it."""

    table: FlowTable
    limits: LimitSettings
    keepalive: Count
    """Told the transport of each ping that is answered."""
    closed: Count
    """Told why a connection is ended by us."""
    receive: Receiver
    bad_stream: BadStream

    def now(self) -> float:
        """The event loop's clock."""

    def soon(self, callback: Callable[[], object]) -> object:
        """Call back in a later turn of the event loop."""

    def local_at(self, ours: Address) -> Hop:
        """Our hop at the near end of a connection, with a port we listen on."""

    def admit(self, flow: "StreamFlow") -> bool:
        """Take in a connection that has come up; False if there are too many."""

    def lost(self, flow: "StreamFlow") -> None:
        """Forget a connection that is gone."""


class StreamFlow(asyncio.Protocol):
    """One connection, made for its ``holder``; the event loop tells it what happens."""

    __slots__ = (
        "_ended_at",
        "_framer",
        "_greeting",
        "_has_eof",
        "_heard_at",
        "_holder",
        "_introduced",
        "_is_resting",
        "_is_shut",
        "_owed",
        "_partial_since",
        "_pipe",
        "local",
        "peer",
        "token",
    )

    transport = "TCP"

    def __init__(self, holder: Holder, introduced: Hop | None, greeting: bytes) -> None:
        self._holder = holder
        self._introduced = introduced
        """The peer, where a balancer stands between us and has said who it is."""
        self._greeting = greeting
        """What it has sent before the connection was made a flow."""
        self._framer = StreamFramer()
        self._heard_at = holder.now()
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
        self._holder.closed(reason)

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
        holder = self._holder
        # A peer that has gone before we came to accept it has no name any more.
        name = self._pipe.get_extra_info("peername") or _NOBODY
        self.peer = self._introduced or hop_of("TCP", name)
        self.local = holder.local_at(self._pipe.get_extra_info("sockname") or _NOBODY)
        self.token = holder.table.mint()
        self._pipe.set_write_buffer_limits(high=holder.limits.write_buffer)
        if not holder.admit(self):
            self.cut("limit")
        elif self._greeting:
            self.data_received(self._greeting)

    def data_received(self, data: bytes) -> None:
        """Some octets have come (called by the event loop)."""
        if self._ended_at is not None:
            return  # Behind a framing error only the end is waited for.
        self._heard_at = self._holder.now()
        self._framer.feed(data)
        if not self._is_resting:
            self._take()

    def eof_received(self) -> bool:
        """The peer sends no more (called by the event loop); True: we may still do so."""
        self._has_eof = True
        if self._framer.is_partial:
            self._holder.bad_stream(MalformedMessage(400, "Message Cut Short"), self)
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
        self._holder.lost(self)

    def _take(self) -> None:
        """Deliver what has come: a burst of it now, the rest in later turns."""
        pings = messages = 0
        while messages < BURST and (message := self._next()) is not None:
            self._partial_since = None
            if isinstance(message, Ping):
                pings += 1
                self._holder.keepalive("TCP")
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
            self._holder.soon(self._go_on)
        if not self._framer.is_partial:
            self._partial_since = None
        elif self._partial_since is None:
            self._partial_since = self._heard_at

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
        self._holder.bad_stream(broken, self)
        # That answer settles none of the requests before it.
        self._owed = owed
        self._holder.closed("malformed")
        self._end()
        self._settle()

    def _deliver(self, message: bytes) -> None:
        if not message.startswith((b"SIP/", b"ACK ")):
            self._owed += 1
        self._holder.receive(message, self)

    def _end(self) -> None:
        """From now on nothing is read, and nothing new is sent this way."""
        if self._ended_at is None:
            self._ended_at = self._holder.now()
            self._holder.table.retire(self)

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
