"""The way to one Redis: the seam, and the link that workers use.

``PipelinedLink`` keeps one connection up and gives every call a deadline. A call made while there
is no connection, or refused by a server that is not ready, waits for the next one, inside its
deadline. A call without a reply when the connection broke fails at once: whether it was carried out
is unknown, and only who made it knows whether it may be made again.

How many calls are outstanding is bounded by the callers, and by two deadlines: one in which each
call ends, one more in which a late reply would still be read.
"""

import asyncio
import math
import random
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
from regcluster.store.endpoint import Endpoint

TICK_S = 0.02
"""How exactly deadlines are kept. One timer serves all calls; each its own would cost more."""

TRY_S = 1.0
"""The longest one attempt to connect may take, greetings included."""

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5
"""Pauses between attempts: doubled up to the longest, each cut by chance by up to a half, so that
the workers of a cluster do not come back all at once."""

STEADY_S = 1.0
"""A connection that held for so long was a good one: the pauses begin anew."""

CLIENT_NAME = b"regcluster"

NOT_YET = "the store has not answered yet"
"""The problem of a link that has only just begun."""


class Link(Protocol):
    """Sends a command to Redis."""

    def call(self, *args: Arg) -> Awaitable[Any]:
        """The reply, as RESP2 spells it. Raises ``StoreError`` and ``StoreUnavailable``."""

    @property
    def problem(self) -> str:
        """Why the server did not answer the last time it was asked; empty if it did."""

    async def close(self) -> None:
        """Let go; calls in flight fail with ``StoreUnavailable``."""


class Greeting(Protocol):
    """What is asked of a server before any call goes to it."""

    @property
    def question(self) -> tuple[Arg, ...]:
        """The command that asks."""

    def claims(self, answer: Any) -> Sequence[tuple[Arg, ...]]:
        """What to write where the answer leaves something open; then ask again."""

    def check(self, answer: Any) -> None:
        """Raise ``StoreMismatch`` if the answer is that of a store that is not ours."""


class PipelinedLink:
    """One connection, made again whenever it is lost; ``sources`` are script texts by SHA."""

    def __init__(
        self,
        endpoint: Endpoint,
        deadline_s: float,
        greeting: Greeting,
        sources: Mapping[Arg, bytes],
        try_s: float = TRY_S,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._endpoint = endpoint
        self._deadline_s = deadline_s
        self._greeting = greeting
        self._sources = sources
        self._try_s = try_s
        self._connection: Connection | None = None
        self._waiting: deque[Call] = deque()
        self._ticking = False
        self._why = NOT_YET
        self._adopted_at = math.inf
        """When calls began to go to the connection of this attempt, on the loop's clock."""
        self._verdict: StoreError | None = None
        """Why no call is to be made at all."""
        self._keeper = self._loop.create_task(self._keep())

    @property
    def problem(self) -> str:
        """Why it is not connected; or that a deadline has passed, and nothing was heard since."""
        if self._connection:
            return LATE if self._connection.is_late else ""
        return self._why

    def call(self, *args: Arg) -> asyncio.Future[Any]:
        """Send a command; the reply comes within the deadline or not at all."""
        reply = self._loop.create_future()
        call = Call(args, pack(args), reply, self._loop.time() + self._deadline_s)
        self._send(call)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_S, self._tick)
        return reply

    async def close(self) -> None:
        """Drop the connection for good; calls in flight, and any later call, fail at once."""
        self._connection = None
        self._why = "the store was closed"
        self._condemn(StoreUnavailable(self._why))
        self._keeper.cancel()
        await asyncio.wait([self._keeper])

    def _condemn(self, verdict: StoreError) -> None:
        self._verdict = verdict
        while self._waiting:
            self._send(self._waiting.popleft())

    def _tick(self) -> None:
        now = self._loop.time()
        expired = 0
        # All calls have the same time, so those that wait are in the order of their deadlines.
        while self._waiting and self._waiting[0].deadline <= now:
            why = StoreUnavailable(f"no connection: {self._why}")
            expired += _fail(self._waiting.popleft(), why)
        if self._connection:
            expired += self._connection.expire(now, self._deadline_s)
        _count("timeout", expired)
        self._ticking = bool(self._waiting or (self._connection and self._connection.pending))
        if self._ticking:
            self._loop.call_later(TICK_S, self._tick)

    async def _keep(self) -> None:
        """Connect, again and again, until cancelled."""
        failures = 0
        while True:
            self._adopted_at = math.inf
            try:
                await self._serve_one()
            except Exception as why:
                # Whatever it was, a link that gave up trying would be down for ever.
                self._why = str(why) or LATE
                if isinstance(why, StoreMismatch):
                    self._condemn(why)
            held_s = self._loop.time() - self._adopted_at
            failures = 0 if held_s > STEADY_S else failures + 1
            await asyncio.sleep(pause(failures))

    async def _serve_one(self) -> None:
        """One connection from its making to its loss."""
        connection = Connection(self._on_end)
        until = self._loop.time() + self._try_s
        async with asyncio.timeout_at(until):
            # Cancelled in here uvloop closes the socket and tells nobody.
            await self._endpoint.connect(lambda: connection)
        try:
            async with asyncio.timeout_at(until):
                await self._greet(connection)
            if not connection.is_open:
                raise StoreUnavailable(connection.why)
            self._adopt(connection)
            # Cancelling the keeper must not cancel what the end of the connection is told by.
            _count("lost", await asyncio.shield(connection.lost))
        finally:
            await connection.close(self._why)

    def _adopt(self, connection: Connection) -> None:
        """From now on calls go to ``connection``, those that wait first."""
        self._verdict = None
        self._connection = connection
        self._adopted_at = self._loop.time()
        connection.on_error = self._on_error
        for call in self._waiting:
            if not call.reply.done():
                connection.send(call)
        self._waiting.clear()

    def _on_end(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
            self._why = connection.why
            metrics.count_store_reconnect()

    async def _greet(self, connection: Connection) -> None:
        """Say who we are, see whose store it is, leave the scripts there: one round trip.

        A store that nobody has used yet takes one more, to be set up.
        """
        must = [*self._introduction(), self._greeting.question]
        may = [(b"CLIENT", b"SETNAME", CLIENT_NAME)]
        may += [(b"SCRIPT", b"LOAD", text) for text in self._sources.values()]
        replies = await self._exchange(connection, [*must, *may])
        # An account that may not name itself or load scripts will do: EVAL brings the text along.
        answer = _unless_refused(replies[: len(must)])[-1]
        if claims := self._greeting.claims(answer):
            again = [*claims, self._greeting.question]
            answer = _unless_refused(await self._exchange(connection, again))[-1]
        self._greeting.check(answer)

    async def _exchange(
        self, connection: Connection, commands: Sequence[tuple[Arg, ...]]
    ) -> list[Any]:
        """The replies to ``commands``, errors among them."""
        calls = [Call(args, pack(args), self._loop.create_future(), 0.0) for args in commands]
        for call in calls:
            connection.send(call)
        return await asyncio.gather(*[call.reply for call in calls], return_exceptions=True)

    def _introduction(self) -> list[tuple[Arg, ...]]:
        commands: list[tuple[Arg, ...]] = []
        endpoint = self._endpoint
        if endpoint.username:
            commands.append((b"AUTH", endpoint.username, endpoint.password))
        elif endpoint.password:
            commands.append((b"AUTH", endpoint.password))
        if endpoint.db:
            commands.append((b"SELECT", endpoint.db))
        return commands

    def _on_error(self, call: Call, text: str) -> None:
        code = error_code(text)
        source = self._sources.get(call.args[1]) if code == "NOSCRIPT" else None
        if source:
            # The server was restarted or its scripts flushed. EVAL leaves the script there.
            call.args = (b"EVAL", source, *call.args[2:])
            call.packed = pack(call.args)
            self._send(call)
        elif code in PASSING:
            # Once a greeting goes through, here or where the name leads by then, it is done after
            # all. The replies that have already come are seen to before the connection ends.
            if self._connection:
                self._connection.abort(f"the store answered: {text}")
            self._send(call)
        else:
            _count("refused", not call.reply.done())
            refuse(call, text)

    def _send(self, call: Call) -> None:
        if self._connection:
            self._connection.send(call)
        elif self._verdict:
            _count("refused", _fail(call, type(self._verdict)(*self._verdict.args)))
        else:
            self._waiting.append(call)


def _unless_refused(replies: list[Any]) -> list[Any]:
    """``replies``, if there is no error among them; else the first error is raised."""
    for reply in replies:
        if isinstance(reply, BaseException):
            raise reply
    return replies


def _fail(call: Call, why: StoreError) -> bool:
    """End ``call``; False if it had ended before."""
    if call.reply.done():
        return False
    call.reply.set_exception(why)
    return True


def _count(kind: str, calls: int) -> None:
    for _ in range(calls):
        metrics.count_store_error(kind)


def pause(failures: int) -> float:
    """Seconds until the next attempt to connect, after so many that failed."""
    longest = LONGEST_PAUSE_S if failures > 9 else min(FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1.0)
