"""The reaper: removes bindings whose only way back was a connection of a worker that is gone.

Lookups skip them as soon as the lease is over (``leases``); here they go for good, and the change
feed hears of it. One worker is chosen for all that an owner has left. Should that one die as well,
the next to be chosen begins anew: an owner is forgotten only when nothing is left.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from regcluster import metrics
from regcluster.errors import StoreError
from regcluster.store.codec import decode
from regcluster.store.keys import Keys, owner_of, text_bytes
from regcluster.store.leases import Leases, chosen
from regcluster.store.remote import RedisStore
from regcluster.store.sweeping import LOOKS
from regcluster.store.turns import AT_ONCE, in_turns


class Reaper:
    """Clears away, in all ``tables``, what falls to us among the members of ``leases``."""

    def __init__(
        self, store: RedisStore, leases: Leases, tables: Callable[[], Iterable[str]]
    ) -> None:
        self._store = store
        self._leases = leases
        self._tables = tables

    async def round(self) -> None:
        """Clear away what every owner has left that is ours to see to."""
        for owner in self._leases.abandoned():
            if chosen(self._leases.members, text_bytes(owner)) == self._leases.name:
                await self.clear(owner)

    async def clear(self, owner: str) -> None:
        """Clear away what one owner has left; if the store fails, the rest waits for a round."""
        try:
            for table in self._tables():
                flows = self._store.keys.table(table).all_flows(text_bytes(owner))
                for start in range(0, len(flows), LOOKS):
                    await self._reap(owner, table, flows[start : start + LOOKS])
        except StoreError:
            return
        if owner not in self._leases.members:
            self._leases.finish(owner)

    async def _reap(self, owner: str, table: str, flows: Sequence[bytes]) -> None:
        """The AORs of some partitions, until there are none, or the owner has come back."""
        while flows and owner not in self._leases.members:
            looks: list[list[bytes]] = await asyncio.gather(
                *[self._store.link.call(b"ZRANGE", name, 0, AT_ONCE - 1) for name in flows]
            )
            keys = self._store.keys.table(table)
            await in_turns(
                [partial(self._remove, owner, table, keys, aor) for due in looks for aor in due]
            )
            flows = [name for name, due in zip(flows, looks, strict=True) if due]

    async def _remove(self, owner: str, table: str, keys: Keys, aor: bytes) -> None:
        stored: list[bytes] = await self._store.link.call(b"HGETALL", keys.bindings(aor))
        doomed: list[bytes] = []
        for key, value in zip(stored[::2], stored[1::2], strict=True):
            if is_left_by(owner, key, value):
                doomed += (key, value)
        reply = await self._store.scripts.reap(aor, text_bytes(owner), doomed, table)
        for _ in range(int(reply[0])):
            metrics.count_reaped()


def is_left_by(owner: str, key: bytes, value: bytes) -> bool:
    """Whether a stored binding hangs on a connection of ``owner``, and on nothing else."""
    try:
        binding = decode(key, value)
    except StoreError:
        # A newer node wrote it; it is for newer nodes to clear it away.
        return False
    return not binding.path and owner_of(binding.connection) == owner
