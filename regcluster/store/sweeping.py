"""The sweeper: removes what is overdue, so that readers of the change feed hear of it in time.

No answer depends on it, for what is overdue is absent from every answer. The workers share the work
without a word: of each partition the same one is chosen by all who know the same leases, and looks
at it about once a second. Should that one fail to, another passes by now and then. A partition may
be swept by two at once: only one of them finds a binding there.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from regcluster import metrics
from regcluster.errors import StoreError
from regcluster.store.keys import SEPARATOR
from regcluster.store.leases import Leases, Share
from regcluster.store.remote import RedisStore
from regcluster.store.turns import in_turns

ROUND_S = 1.0
"""The longest time between two looks at a partition of ours."""

PASSING_S = 10.0
"""About how often somebody else looks at a partition, all others taken together."""

LOOKS = 16
"""Partitions looked at in one go."""

DUE = 64
"""Bindings taken from a partition in one go, so that those of others do not wait for all of its."""


@dataclass(slots=True, frozen=True)
class Partition:
    """One partition of one table."""

    table: str
    index: bytes
    """The key of its index, which lists bindings by when they expire."""


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
        self._partitions: list[Partition] = []
        self._away: set[Partition] = set()
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
        behind: list[Partition] = []
        for group in groups:
            behind += await self.sweep(group)
            looked += len(group)
            until = began + within_s * looked / total
            # What has more to sweep than fits into one go gets the time that is left over.
            while behind and self._monotonic() < until:
                behind = behind[LOOKS:] + await self.sweep(behind[:LOOKS])
            await asyncio.sleep(max(0.0, until - self._monotonic()))
        await asyncio.sleep(max(0.0, began + within_s - self._monotonic()))

    async def sweep(self, partitions: Sequence[Partition]) -> list[Partition]:
        """Remove what is overdue in ``partitions``, up to a limit; those where there is more."""
        looks = await asyncio.gather(*[self._look(partition) for partition in partitions])
        jobs = [
            partial(self._remove, partition, aor, keys)
            for partition, due in zip(partitions, looks, strict=True)
            for aor, keys in _by_aor(due).items()
        ]
        swept = set(await in_turns(jobs))
        return [
            partition
            for partition, due in zip(partitions, looks, strict=True)
            if len(due) == DUE and partition in swept
        ]

    def _groups(self) -> list[list[Partition]]:
        """What to look at in this round, a few at once.

        Those that did not answer the last time may keep the others waiting, and come last.
        """
        due = self._due()
        away = [partition for partition in due if partition in self._away]
        well = [partition for partition in due if partition not in self._away] if away else due
        groups = [well[start : start + LOOKS] for start in range(0, len(well), LOOKS)]
        return [*groups, away] if away else groups

    def _due(self) -> list[Partition]:
        """What to look at in this round."""
        partitions = self._all()
        others = max(1, len(self._leases.members) - 1)
        passing = math.ceil(len(partitions) * ROUND_S / (PASSING_S * others))
        first, self._passed = self._passed, (self._passed + passing) % len(partitions)
        return [
            partition
            for at, partition in enumerate(partitions)
            if (at - first) % len(partitions) < passing or self._is_ours(partition.index)
        ]

    def _all(self) -> list[Partition]:
        names = tuple(self._tables())
        if names != self._names:
            self._names = names
            keys = self._store.keys
            self._partitions = [
                Partition(table, index) for table in names for index in keys.table(table).indexes
            ]
            random.shuffle(self._partitions)
        return self._partitions

    async def _look(self, partition: Partition) -> list[bytes]:
        """Members of an index that seem to be overdue, those that are for longest first."""
        try:
            now = await self._store.now()
            call = self._store.link.call
            due: list[bytes] = await call(
                b"ZRANGEBYSCORE", partition.index, b"-inf", now, b"LIMIT", 0, DUE
            )
        except StoreError:
            # The link has counted it. What is overdue can wait for the next look.
            self._away.add(partition)
            return []
        self._away.discard(partition)
        return due

    async def _remove(
        self, partition: Partition, aor: bytes, keys: Sequence[bytes]
    ) -> Partition | None:
        """Sweep bindings of one AOR; ``partition`` if any of them was overdue."""
        try:
            reply: list[bytes] = await self._store.scripts.sweep(aor, keys, partition.table)
        except StoreError:
            return None
        now, *gone = [int(instant) for instant in reply]
        for expires_at in gone:
            metrics.count_expired((now - expires_at) / 1000)
        return partition if gone else None


def _by_aor(members: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """The binding keys among the members of an index, by AOR."""
    keys: dict[bytes, list[bytes]] = {}
    for member in members:
        aor, _, key = member.partition(SEPARATOR)
        keys.setdefault(aor, []).append(key)
    return keys
