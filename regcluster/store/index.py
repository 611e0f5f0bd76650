"""What the indexes of the partitions tell of the bindings in them.

An entry stands at the instant its binding expires, or before: a refresh leaves it where it is. Of
those that are due only the binding itself tells whether it is alive.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from regcluster.store.codec import expiry
from regcluster.store.keys import Keys, field_of
from regcluster.store.link import Link
from regcluster.store.turns import in_turns

PAGE: Final = 1000
"""Entries that are due, read in one go."""


class Indexes:
    """The indexes of all tables; ``now`` is the store's time in epoch ms."""

    def __init__(self, link: Link, keys: Keys, now: Callable[[], Awaitable[int]]) -> None:
        self._link = link
        self._keys = keys
        self._now = now

    async def count(self, table: str) -> list[int]:
        """Unexpired bindings of each partition, in turns that leave loop and server to others."""
        indexes, now = self._keys.table(table).indexes, await self._now()
        counts = await self._between(b"(%d" % now, b"+inf", indexes)
        due = await self._between(b"-inf", b"%d" % now, indexes)
        for at, index in enumerate(indexes):
            if due[at]:
                counts[at] += await self._living_due(index, now)
        return counts

    async def living(self, index: bytes, members: Sequence[bytes]) -> list[bytes]:
        """Those of ``members`` of an index whose binding is unexpired."""
        fields = [field_of(index, member) for member in members]
        values: list[bytes | None] = await in_turns(
            [partial(self._link.call, b"HGET", *field) for field in fields]
        )
        now = await self._now()
        return [
            member
            for member, value in zip(members, values, strict=True)
            if value and expiry(value) > now
        ]

    async def _between(self, least: bytes, most: bytes, indexes: Sequence[bytes]) -> list[int]:
        """How many entries of each index are due between two instants."""
        return await in_turns(
            [partial(self._link.call, b"ZCOUNT", index, least, most) for index in indexes]
        )

    async def _living_due(self, index: bytes, now: int) -> int:
        """How many bindings are unexpired whose entries in an index are due at ``now``."""
        living, start, read = 0, 0, PAGE
        while read == PAGE:
            due: list[bytes] = await self._link.call(
                b"ZRANGEBYSCORE", index, b"-inf", now, b"LIMIT", start, PAGE
            )
            living += len(await self.living(index, due))
            read = len(due)
            start += read
        return living
