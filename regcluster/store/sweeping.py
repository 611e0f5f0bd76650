"""The sweeper: removes what is overdue, so that readers of the change feed hear of it in time.

No answer depends on it, for what is overdue is absent from every answer. The workers share the work
without a word: of each partition the same one is chosen by all who know the same leases, and looks
at it about once a second. Should that one fail to, another passes by now and then. A partition may
be swept by two at once: only one of them finds a binding there.

Most entries that are due belong to phones that have refreshed since: once in a lifetime the sweeper
moves the entry of each, many with one call, which no refresh has to wait for.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from regcluster import metrics
from regcluster.errors import StoreError
from regcluster.store.leases import Leases, Share
from regcluster.store.remote import RedisStore
from regcluster.store.turns import in_turns

ROUND_S = 1.0
"""The longest time between two looks at a partition of ours."""

PASSING_S = 10.0
"""About how often somebody else looks at a partition, all others taken together."""

LOOKS = 16
"""Partitions looked at in one go."""

DUE = 16
"""Bindings taken from a partition in one go, so that those of others do not wait for all of its."""

CALLS = 4
"""Scripts sent in one go, each for so many bindings, which may all have to go."""

AHEAD_MS = 10_000
"""Where an entry is due, those that will be so soon are looked at with it: a call serves many."""


class Sweeper:
    """Sweeps the partitions of ``tables`` that fall to us among the members of ``leases``."""

    def __init__(
        self,
        store: RedisStore,
        leases: Leases,
        tables: Callable[[], Iterable[str]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._leases = leases
        self._is_ours = Share(leases)
        self._tables = tables
        self._names: tuple[str, ...] = ()
        self._indexes: list[bytes] = []
        self._away: set[bytes] = set()
        """Where the last look had no answer."""
        self._passed = 0

    async def round(self, within_s: float = 0.0) -> None:
        """Look once at all that is ours and at a bit of what is not, spread over ``within_s``.

        The order is the same in each round, another one in each worker: so the time from one look
        at a partition to the next is that of a round, and no two workers march in step.
        """
        began = self._monotonic()
        groups = self._groups()
        total, looked = sum(map(len, groups)), 0
        behind: list[bytes] = []
        for group in groups:
            behind += await self.sweep(group)
            looked += len(group)
            until = began + within_s * looked / total
            # What has more to sweep than fits into one go gets the time that is left over.
            while behind and self._monotonic() < until:
                behind = behind[LOOKS:] + await self.sweep(behind[:LOOKS])
            await asyncio.sleep(max(0.0, until - self._monotonic()))
        await asyncio.sleep(max(0.0, began + within_s - self._monotonic()))

    async def sweep(self, indexes: Sequence[bytes]) -> list[bytes]:
        """Settle what is due in ``indexes``, up to a limit; those where there may be more."""
        looks = await asyncio.gather(*[self._look(index) for index in indexes])
        due = {index: members for index, members in zip(indexes, looks, strict=True) if members}
        settled = await in_turns([partial(self._settle, *each) for each in due.items()], CALLS)
        return [
            index
            for (index, members), count in zip(due.items(), settled, strict=True)
            if count and len(members) == DUE
        ]

    def _groups(self) -> list[list[bytes]]:
        """What to look at in this round, a few at once.

        Those that did not answer the last time may keep the others waiting, and come last.
        """
        due = self._due()
        away = [index for index in due if index in self._away]
        well = [index for index in due if index not in self._away] if away else due
        groups = [well[start : start + LOOKS] for start in range(0, len(well), LOOKS)]
        return [*groups, away] if away else groups

    def _due(self) -> list[bytes]:
        """What to look at in this round."""
        indexes = self._all()
        others = max(1, len(self._leases.members) - 1)
        passing = math.ceil(len(indexes) * ROUND_S / (PASSING_S * others))
        first, self._passed = self._passed, (self._passed + passing) % len(indexes)
        return [
            index
            for at, index in enumerate(indexes)
            if (at - first) % len(indexes) < passing or self._is_ours(index)
        ]

    def _all(self) -> list[bytes]:
        """The index of each partition of each table."""
        names = tuple(self._tables())
        if names != self._names:
            self._names = names
            keys = self._store.keys
            self._indexes = [index for table in names for index in keys.table(table).indexes]
            random.shuffle(self._indexes)
        return self._indexes

    async def _look(self, index: bytes) -> list[bytes]:
        """Members whose entries are due, those that are for longest first; maybe some more."""
        try:
            now = await self._store.now()
            due = await self._due_at(now, index)
            if 0 < len(due) < DUE:
                due = await self._due_at(now + AHEAD_MS, index)
        except StoreError:
            # The link has counted it. What is overdue can wait for the next look.
            self._away.add(index)
            return []
        self._away.discard(index)
        return due

    async def _due_at(self, instant: int, index: bytes) -> list[bytes]:
        due: list[bytes] = await self._store.link.call(
            b"ZRANGEBYSCORE", index, b"-inf", instant, b"LIMIT", 0, DUE
        )
        return due

    async def _settle(self, index: bytes, members: Sequence[bytes]) -> int:
        """Remove what is overdue of ``members``, and move what is not; how many were settled so."""
        try:
            reply: list[Any] = await self._store.scripts.sweep(index, members)
        except StoreError:
            return 0
        now, settled, *gone = map(int, reply)
        for expires_at in gone:
            metrics.count_expired((now - expires_at) / 1000)
        return settled
