"""Keeps a connection to one Redis: makes it, greets, and makes it again whenever it is lost.

What a connection is good for is the link's affair (``link``), which is told when there is one and
when an attempt has failed.
"""

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from regcluster.errors import StoreUnavailable, told
from regcluster.store.connection import LATE, Arg, Connection, exchange, unless_refused
from regcluster.store.endpoint import Place

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
"""Why there is no connection at the very beginning."""


class Greeting(Protocol):
    """What is asked of a server before any call goes to it."""

    @property
    def question(self) -> tuple[Arg, ...]:
        """The command that asks."""

    def claims(self, answer: Any) -> Sequence[tuple[Arg, ...]]:
        """What to write where the answer leaves something open; then ask again."""

    def check(self, answer: Any) -> None:
        """Raise ``StoreMismatch`` if the answer is that of a store that is not ours."""


class User(Protocol):
    """Whoever uses the connection that is kept."""

    def connection_to_be(self) -> Connection:
        """A connection that is not made yet."""

    def adopt(self, connection: Connection) -> None:
        """There is one: it was greeted, and the store is ours."""

    def on_lost(self, calls: int) -> None:
        """That one has ended, and so many calls with it."""

    def on_failure(self, error: Exception) -> None:
        """An attempt has failed."""


class Keeper:
    """Connects on behalf of ``user`` until it is closed; ``sources`` are script texts by SHA."""

    def __init__(
        self,
        place: Place,
        greeting: Greeting,
        sources: Mapping[Arg, bytes],
        try_s: float,
        user: User,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._place = place
        self._greeting = greeting
        self._sources = sources
        self._try_s = try_s
        self._user = user
        self.why = NOT_YET
        """Why there is no connection, or is none any more."""
        self._adopted_at = math.inf
        """When calls began to go to the connection of this attempt, on the loop's clock."""
        self._task = self._loop.create_task(self._keep())

    async def close(self, why: str) -> None:
        """Give the connection up, and try no more."""
        self.why = why
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _keep(self) -> None:
        """Connect, again and again, until cancelled."""
        failures = 0
        while True:
            self._adopted_at = math.inf
            try:
                await self._serve_one()
            except Exception as error:
                # Whatever it was, a link that gave up trying would be down for ever.
                self.why = told(error) or LATE
                self._user.on_failure(error)
            held_s = self._loop.time() - self._adopted_at
            failures = 0 if held_s > STEADY_S else failures + 1
            await asyncio.sleep(pause(failures))

    async def _serve_one(self) -> None:
        """One connection from its making to its loss."""
        connection = self._user.connection_to_be()
        until = self._loop.time() + self._try_s
        async with asyncio.timeout_at(until):
            # Cancelled in here uvloop closes the socket and tells nobody.
            await self._place.connect(lambda: connection)
        try:
            async with asyncio.timeout_at(until):
                await self._greet(connection)
            if not connection.is_open:
                raise StoreUnavailable(connection.why)
            self._adopted_at = self._loop.time()
            self._user.adopt(connection)
            await self._until_lost(connection)
        finally:
            await connection.close(self.why)

    async def _until_lost(self, connection: Connection) -> None:
        """Return once ``connection`` has ended; it is left when its server is the wrong one now."""
        leaving = self._loop.create_task(self._leave(connection))
        try:
            # Cancelling the keeper must not cancel what the end of the connection is told by.
            self._user.on_lost(await asyncio.shield(connection.lost))
        finally:
            leaving.cancel()
            await asyncio.wait([leaving])

    async def _leave(self, connection: Connection) -> None:
        await self._place.moved()
        connection.abort("another server has its place now")

    async def _greet(self, connection: Connection) -> None:
        """Say who we are, see whose store it is, leave the scripts there: one round trip.

        A store that nobody has used yet takes one more, to be set up.
        """
        introduction = self._place.introduction
        must = [*introduction, self._greeting.question]
        may = [(b"CLIENT", b"SETNAME", CLIENT_NAME)]
        may += [(b"SCRIPT", b"LOAD", text) for text in self._sources.values()]
        replies = await exchange(connection, [*must, *may])
        # An account that may not name itself or load scripts will do: EVAL brings the text along.
        replies = unless_refused(replies[: len(must)])
        self._place.admit(replies[: len(introduction)])
        answer = replies[-1]
        if claims := self._greeting.claims(answer):
            again = [*claims, self._greeting.question]
            answer = unless_refused(await exchange(connection, again))[-1]
        self._greeting.check(answer)


def pause(failures: int) -> float:
    """Seconds until the next attempt to connect, after so many that failed."""
    longest = LONGEST_PAUSE_S if failures > 9 else min(FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1.0)
