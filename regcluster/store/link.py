"""The way to one Redis: the seam, and the link that workers use.

``PipelinedLink`` keeps one connection up and gives every call a deadline. A call made while there
is no connection, or refused by a server that is not ready, waits for the next one, inside its
deadline. A call without a reply when the connection broke fails at once: whether it was carried out
is unknown, and only who made it knows whether it may be made again.

How many calls are outstanding is bounded by the callers, and by two deadlines: one in which each
call ends, one more in which a late reply would still be read.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from regcluster import metrics
from regcluster.errors import StoreError, StoreMismatch, StoreUnavailable
from regcluster.store.connection import (
    LATE,
    PASSING,
    Arg,
    Call,
    Connection,
    error_code,
    pack,
    refuse,
)
from regcluster.store.durable import Durability, DurableConnection
from regcluster.store.endpoint import Endpoint, Place
from regcluster.store.keeper import TRY_S, Greeting, Keeper

TICK_S = 0.02
"""How exactly deadlines are kept. One timer serves all calls; each its own would cost more."""

ASKING: tuple[Arg, ...] = (b"ASKING",)
"""What makes the next command welcome to the server that a slot is on its way to."""


class Link(Protocol):
    """Sends a command to Redis."""

    def call(self, *args: Arg) -> Awaitable[Any]:
        """The reply, as RESP2 spells it. Raises ``StoreError`` and ``StoreUnavailable``."""

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Awaitable[Any]:
        """``call``, where the command is packed already."""

    @property
    def problem(self) -> str:
        """Why the server did not answer the last time it was asked; empty if it did."""

    def nodes(self) -> Sequence[Endpoint]:
        """The primaries as they are now, for whoever needs a connection of its own to each; none
        where that is not known, or not by name."""

    async def close(self) -> None:
        """Let go; calls in flight fail with ``StoreUnavailable``."""


class Guide(Protocol):
    """Knows the other servers of a Cluster."""

    def divert(self, link: "PipelinedLink", call: Call, text: str) -> bool:
        """See to a call that ``link``'s server has answered with an error, if it can be done."""

    def stray(self) -> None:
        """A connection was lost, or could not be made."""


class PipelinedLink:
    """One connection, made again whenever it is lost; ``sources`` are script texts by SHA.

    With ``durability`` a change ends only when replicas have it too.
    """

    def __init__(
        self,
        place: Place,
        deadline_s: float,
        greeting: Greeting,
        sources: Mapping[Arg, bytes],
        try_s: float = TRY_S,
        durability: Durability | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._place = place
        self._durability = durability
        self._deadline_s = deadline_s
        self._sources = sources
        self.guide: Guide | None = None
        self._connection: Connection | None = None
        self._waiting: deque[Call] = deque()
        self._ticking = False
        self._served_by: Endpoint | None = None
        """Where calls went last."""
        self._verdict: StoreError | None = None
        """Why no call is to be made at all."""
        self._keeper = Keeper(place, greeting, sources, try_s, self)

    @property
    def problem(self) -> str:
        """Why it is not connected; or that a deadline has passed, and nothing was heard since."""
        if self._connection:
            return LATE if self._connection.is_late else ""
        return self._keeper.why

    @property
    def here(self) -> Endpoint | None:
        """The server it leads to, as far as that is known."""
        return self._place.here

    def nodes(self) -> Sequence[Endpoint]:
        """The one server."""
        return [self.here] if self.here else []

    def call(self, *args: Arg) -> asyncio.Future[Any]:
        """Send a command; the reply comes within the deadline or not at all."""
        return self.send(args, pack(args))

    def send(self, args: tuple[Arg, ...], packed: bytes) -> asyncio.Future[Any]:
        """The same, for a command that is packed already."""
        reply = self._loop.create_future()
        call = Call(args, packed, reply, self._loop.time() + self._deadline_s)
        self._send(call)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_S, self._tick)
        return reply

    def resend(self, call: Call, *, asking: bool = False) -> None:
        """Send a call that was made elsewhere; ``asking``: for a slot on its way here."""
        if self._connection and not self._connection.pending:
            # What is left of the call's time may be little: silence is counted from now on.
            self._connection.heard = self._loop.time()
        if asking:
            self._send(Call(ASKING, pack(ASKING), self._ignored(), call.deadline))
        self._send(call)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_S, self._tick)

    def take_waiting(self) -> list[Call]:
        """The calls that have not left, for whoever knows another way for them."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    async def close(self) -> None:
        """Drop the connection for good; calls in flight, and any later call, fail at once."""
        self._connection = None
        why = "the store was closed"
        self._condemn(StoreUnavailable(why))
        await self._keeper.close(why)

    def connection_to_be(self) -> Connection:
        """For the keeper, to be made."""
        if self._durability:
            return DurableConnection(self._on_end, self._durability)
        return Connection(self._on_end)

    def adopt(self, connection: Connection) -> None:
        """From now on calls go to ``connection``, those that wait first."""
        self._verdict = None
        self._connection = connection
        connection.on_error = self._on_error
        if self._served_by not in (None, self.here):
            metrics.count_failovers(1)
        self._served_by = self.here
        for call in self._waiting:
            if not call.reply.done():
                connection.send(call)
        self._waiting.clear()

    def on_lost(self, calls: int) -> None:
        """The connection has ended, and so many calls with it."""
        count_errors("lost", calls)

    def on_failure(self, error: Exception) -> None:
        """An attempt to connect has failed."""
        if isinstance(error, StoreMismatch):
            self._condemn(error)
        if self.guide:
            self.guide.stray()

    def _condemn(self, verdict: StoreError) -> None:
        self._verdict = verdict
        while self._waiting:
            self._send(self._waiting.popleft())

    def _tick(self) -> None:
        now = self._loop.time()
        expired = 0
        # One that was sent here from elsewhere may have less time left than those before it.
        for call in self._waiting:
            if call.deadline <= now:
                expired += fail(call, StoreUnavailable(f"no connection: {self._keeper.why}"))
        while self._waiting and self._waiting[0].reply.done():
            self._waiting.popleft()
        if self._connection:
            expired += self._connection.expire(now, self._deadline_s)
        count_errors("timeout", expired)
        self._ticking = bool(self._waiting or (self._connection and self._connection.pending))
        if self._ticking:
            self._loop.call_later(TICK_S, self._tick)

    def _on_end(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
            self._keeper.why = connection.why
            metrics.count_store_reconnect()
            if self.guide:
                self.guide.stray()

    def _on_error(self, call: Call, text: str) -> None:
        code = error_code(text)
        source = self._sources.get(call.args[1]) if code == "NOSCRIPT" else None
        if source:
            # The server was restarted or its scripts flushed. EVAL leaves the script there.
            metrics.count_script_load()
            call.args = (b"EVAL", source, *call.args[2:])
            call.packed = pack(call.args)
            self._send(call)
        elif call.must_stay:
            refuse(call, text)
        elif self.guide and self.guide.divert(self, call, text):
            return
        elif code in PASSING:
            # Once a greeting goes through, here or where the name leads by then, it is done after
            # all. The replies that have already come are seen to before the connection ends.
            if self._connection:
                self._connection.abort(f"the store answered: {text}")
            self._send(call)
        else:
            count_errors("refused", not call.reply.done())
            refuse(call, text)

    def _ignored(self) -> asyncio.Future[Any]:
        """For a reply that says nothing; nor does its absence."""
        reply: asyncio.Future[Any] = self._loop.create_future()
        reply.add_done_callback(asyncio.Future.exception)
        return reply

    def _send(self, call: Call) -> None:
        if self._connection:
            self._connection.send(call)
        elif self._verdict:
            count_errors("refused", fail(call, type(self._verdict)(*self._verdict.args)))
        else:
            self._waiting.append(call)


def fail(call: Call, why: StoreError) -> bool:
    """End ``call``; False if it had ended before."""
    if call.reply.done():
        return False
    call.reply.set_exception(why)
    return True


def count_errors(kind: str, calls: int) -> None:
    """Count so many calls that failed, and how."""
    for _ in range(calls):
        metrics.count_store_error(kind)
