"""What the indexes of the partitions tell of the bindings in them.

An entry stands at the instant its binding expires, or before: a refresh leaves it where it is. Of
those that are due only the binding itself tells whether it is alive.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import ceil
from typing import Final

from regcluster.errors import StoreError
from regcluster.store.codec import expiry
from regcluster.store.keys import Keys, field_of
from regcluster.store.link import Link
from regcluster.store.turns import in_turns

SAMPLE: Final = 4096
"""Bindings that a count asks whether they are alive, all partitions together. Where more are due in
one, those that are for longest stand for the rest."""

LOOKS: Final = 16
"""Partitions asked about in one go, three questions each."""


class Indexes:
    """The indexes of all tables; ``now`` is the store's time in epoch ms."""

    def __init__(self, link: Link, keys: Keys, now: Callable[[], Awaitable[int]]) -> None:
        self._link = link
        self._keys = keys
        self._now = now

    async def count(self, table: str, sample: int = SAMPLE) -> list[int]:
        """Unexpired bindings of each partition, in turns that leave loop and server to others.

        Exact where no more are due in a partition than its share of ``sample``; else rather too few
        than too many, for those that are due for longest are the likeliest to be dead.
        """
        indexes, now = self._keys.table(table).indexes, b"%d" % await self._now()
        size = ceil(sample / len(indexes))
        found = await in_turns([partial(self._look, each, now, size) for each in indexes], LOOKS)
        fields = [
            field_of(index, member)
            for index, (_, _, oldest) in zip(indexes, found, strict=True)
            for member in oldest
        ]
        alive = iter(await self.alive(fields))
        counts = []
        for total, due, oldest in found:
            dead = sum([not next(alive) for _ in oldest])
            counts.append(total - round(dead * due / max(1, len(oldest))))
        return counts

    async def alive(self, fields: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """Whether the binding in each of ``fields`` (``field_of``) is unexpired.

        One that this node cannot read is there, and whoever reads it is told.
        """
        # The time before they are read: one that is refreshed meanwhile may be read before it is.
        now = await self._now()
        values: list[bytes | None] = await in_turns(
            [partial(self._link.call, b"HGET", *field) for field in fields]
        )
        return [value is not None and _lives(value, now) for value in values]

    async def _look(self, index: bytes, now: bytes, size: int) -> tuple[int, int, list[bytes]]:
        """How many entries there are, how many are due, and those that are for longest.

        All at one moment, or nearly: a sweeper beside us moves and removes what is due.
        """
        call = self._link.call
        total, due, oldest = await asyncio.gather(
            call(b"ZCOUNT", index, b"-inf", b"+inf"),
            call(b"ZCOUNT", index, b"-inf", now),
            call(b"ZRANGEBYSCORE", index, b"-inf", now, b"LIMIT", 0, size),
        )
        return total, due, oldest


def _lives(value: bytes, now: int) -> bool:
    try:
        return expiry(value) > now
    except StoreError:
        return True
