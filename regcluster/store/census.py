"""How much there is in the store, for the gauges: counted now and then, never when it is asked.

Bindings are counted in the indexes of the partitions (``Indexes.count``). How many
addresses-of-record they belong to stands nowhere in the store, so it is estimated from a sample:
each binding in it counts as 1/n of an AOR that has n bindings. In a store no larger than the sample
both are exact.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import ceil
from typing import Any

from regcluster.store.connection import Arg
from regcluster.store.keys import aor_in
from regcluster.store.remote import RedisStore
from regcluster.store.turns import in_turns

SAMPLE = 1024
"""Bindings looked at, all partitions together: the AORs of millions are known to about 1 %."""

Counted = Callable[[str, int, int], object]
"""Takes a table, its unexpired bindings, and its AORs."""


class Census:
    """Counts ``tables`` for ``counted``, in turns that leave the loop and the server to others."""

    def __init__(
        self,
        store: RedisStore,
        tables: Callable[[], Iterable[str]],
        counted: Counted,
        sample: int = SAMPLE,
    ) -> None:
        self._store = store
        self._tables = tables
        self._counted = counted
        self._sample = sample

    async def take(self) -> None:
        """Count once. Raises ``StoreError``, and what was counted before then stands."""
        for table in self._tables():
            indexes = self._store.keys.table(table).indexes
            counts = await self._store.indexes.count(table)
            aors = await self._aors(table, dict(zip(indexes, counts, strict=True)))
            self._counted(table, sum(counts), aors)

    async def _aors(self, table: str, counts: dict[bytes, int]) -> int:
        """About how many AORs the bindings of each index belong to, all together."""
        share = min(1.0, self._sample / max(1, sum(counts.values())))
        filled = {index: count for index, count in counts.items() if count}
        draws = [(b"ZRANDMEMBER", index, ceil(filled[index] * share)) for index in filled]
        drawn: list[list[bytes]] = await self._ask(draws)
        samples = [[aor_in(member) for member in members] for members in drawn]
        named = list({aor for sample in samples for aor in sample})
        keys = self._store.keys.table(table)
        lengths: list[int] = await self._ask([(b"HLEN", keys.bindings(aor)) for aor in named])
        sizes = dict(zip(named, lengths, strict=True))
        aors = 0.0
        for count, sample in zip(filled.values(), samples, strict=True):
            # One that has gone meanwhile has none.
            parts = sum(1 / sizes[aor] for aor in sample if sizes[aor])
            aors += count * parts / max(1, len(sample))
        return round(aors)

    async def _ask(self, calls: Sequence[tuple[Arg, ...]]) -> list[Any]:
        return await in_turns([partial(self._call, call) for call in calls])

    async def _call(self, args: tuple[Arg, ...]) -> Any:
        return await self._store.link.call(*args)
