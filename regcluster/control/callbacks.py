"""Tells the route script of bindings that have expired, each on one worker of the cluster.

Each partition is looked at about once a second by the worker that the leases choose for it, and now
and then by every other: so none is forgotten when workers disagree about who is alive. Whatever a
script does with an event, it is dealt with; only an event whose worker dies is told once more.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from regcluster import metrics
from regcluster.errors import StoreError
from regcluster.log import QUIET_S, Quiet, get_logger
from regcluster.store.event import Event
from regcluster.store.expiries import LENGTH, PATIENCE_MS, Expiries
from regcluster.store.remote import RedisStore

logger = get_logger(__name__)

AT_ONCE = 16
"""Partitions that are looked at, and scripts that run, at the same time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, and how long."""

    look_s: float = 1.0
    """From one look at the partitions that are ours to the next, about."""
    pass_s: float = 10.0
    """From one look at every partition, and at what others have left behind, to the next."""
    call_s: float = PATIENCE_MS / 1000 / (LENGTH + 1)
    """How long a script may take over one event. Then it is cancelled: what was taken together with
    it would else be taken for left behind."""


PACE = Pace()

Tell = Callable[[Event], Awaitable[None]]

IsOurs = Callable[[bytes], bool]
"""Whether a feed is one that falls to this worker."""


def all_ours(_: bytes) -> bool:
    """Nobody else is there."""
    return True


class Callbacks:
    """Calls a function for each expiry; begins with the first ``apply`` that names one."""

    def __init__(self, store: RedisStore, is_ours: IsOurs = all_ours, pace: Pace = PACE) -> None:
        self._store = store
        self._pace = pace
        self._is_ours = is_ours
        self._tell: Tell | None = None
        self._tables: dict[str, Expiries] = {}
        self._task: asyncio.Task[None] | None = None
        self._resting = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._pass_at = 0.0
        self._quiet = Quiet(QUIET_S)

    def apply(self, tell: Tell | None, tables: Sequence[str]) -> None:
        """From now on call ``tell``, or nobody, for what expires in ``tables``."""
        self._tell = tell
        self._tables = {name: self._tables.get(name) or self._expiries(name) for name in tables}
        if tell and not self._task:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self, within_s: float) -> None:
        """Take nothing more; what is being told has that long to end. Others tell the rest."""
        self._tell = None
        task, self._task = self._task, None
        if task:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._resting.wait()
            task.cancel()
            await asyncio.wait([task])

    def _expiries(self, table: str) -> Expiries:
        return Expiries(self._store.link, self._store.keys.table(table), table)

    async def _keep(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self._resting.clear()
            await self._look()
            self._resting.set()
            await asyncio.sleep(self._pace.look_s * random.uniform(0.8, 1.2))

    async def _look(self) -> None:
        """Look once at all partitions that are to be looked at now."""
        passes = time.monotonic() >= self._pass_at
        if passes:
            self._pass_at = time.monotonic() + self._pace.pass_s * random.uniform(0.5, 1.5)
        await asyncio.gather(
            *[
                self._serve(expiries, partition, passes)
                for expiries in self._tables.values()
                for partition, feed in enumerate(expiries.feeds)
                if passes or self._is_ours(feed)
            ]
        )

    async def _serve(self, expiries: Expiries, partition: int, passes: bool) -> None:
        """Tell of all there is in one partition, in order."""
        patience_ms = PATIENCE_MS if passes else None
        async with self._slots:
            more = True
            while more and self._tell:
                try:
                    events, more = await expiries.take(partition, patience_ms)
                    told = [event for event in events if await self._is_told(event)]
                    await expiries.settle(partition, told)
                except StoreError:
                    # The link has counted it. What is taken and not settled is told again.
                    return
                except Exception:
                    # Whatever it was, other partitions and later looks have no part in it.
                    logger.exception("expiries not taken", partition=partition)
                    return

    async def _is_told(self, event: Event) -> bool:
        """Call the script, if there still is one, and if the event can be read here."""
        if not self._tell:
            return False
        if not event.binding:
            # A newer node wrote it, and tells of it.
            metrics.count_callback("unreadable")
            return False
        metrics.observe_feed(max(0, await self._store.now() - event.at) / 1000)
        outcome = "done"
        try:
            async with asyncio.timeout(self._pace.call_s):
                await self._tell(event)
        except Exception:
            outcome = "failed"
            if failures := self._quiet.take(time.perf_counter()):
                logger.exception("event_callback failed", failures=failures)
        metrics.count_callback(outcome)
        return True
