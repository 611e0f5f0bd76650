"""What a worker does for the store without being asked: heartbeats, sweeping, clearing away.

One worker of each node counts as well what there is, for the gauges.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial

from regcluster.errors import StoreError
from regcluster.log import get_logger
from regcluster.store.census import Census
from regcluster.store.leases import HEARTBEAT_S, Leases
from regcluster.store.reaping import Reaper
from regcluster.store.remote import RedisStore
from regcluster.store.sweeping import ROUND_S, Sweeper

CENSUS_S = 15.0
"""Seconds from one count to the next; it costs a hundred to four hundred commands a second."""

LAST_WORDS_S = 1.0
"""The longest a worker takes to give its lease up; it would run out by itself."""

logger = get_logger(__name__)


class Upkeep:
    """Tasks of one worker: ``start`` before the first request is taken, ``stop`` after the last."""

    def __init__(
        self,
        store: RedisStore,
        leases: Leases,
        tables: Callable[[], Iterable[str]],
        census: Census | None = None,
    ) -> None:
        self._leases = leases
        self._sweeper = Sweeper(store, leases, tables)
        self._reaper = Reaper(store, leases, tables)
        self._census = census
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, with a heartbeat."""
        jobs = [self._beat, self._sweep, self._reap]
        if self._census:
            jobs.append(partial(self._count, self._census))
        self._tasks = [asyncio.create_task(for_ever(job)) for job in jobs]

    async def stop(self) -> None:
        """End it all, and then the lease. Nothing happens if it was never started."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._tasks.clear()
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._leases.end()
        except (StoreError, TimeoutError) as why:
            logger.warning("lease not given up", problem=str(why))

    async def _beat(self) -> None:
        await self._leases.renew()
        await asyncio.sleep(_about(HEARTBEAT_S))

    async def _sweep(self) -> None:
        await self._sweeper.round(_about(ROUND_S))

    async def _reap(self) -> None:
        await self._reaper.round()
        await asyncio.sleep(_about(HEARTBEAT_S))

    async def _count(self, census: Census) -> None:
        # The link has counted the failure, and what was counted last stands.
        with suppress(StoreError):
            await census.take()
        await asyncio.sleep(_about(CENSUS_S))


async def for_ever(job: Callable[[], Awaitable[None]], pause_s: float = HEARTBEAT_S) -> None:
    """Do ``job`` again and again; after an error that nobody foresaw, with a pause."""
    while True:
        try:
            await job()
        except Exception:
            # Whatever it was, who gave up now would be missed for as long as the worker lives.
            logger.exception("upkeep of the store failed")
            await asyncio.sleep(pause_s)


def _about(seconds: float) -> float:
    """No longer than that, and shorter by chance by up to a fifth."""
    return seconds * random.uniform(0.8, 1.0)
