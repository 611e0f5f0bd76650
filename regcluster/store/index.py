"""What the indexes of the partitions tell of the bindings in them.

An entry stands at the instant its binding expires, or before: a refresh leaves it where it is. Of
those that are due only the binding itself tells whether it is alive.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import ceil
from typing import Final

from regcluster.store.codec import expiry
from regcluster.store.keys import Keys, field_of
from regcluster.store.link import Link
from regcluster.store.turns import in_turns

SAMPLE: Final = 4096
"""Bindings that a count asks whether they are alive; of more, as many of each hundred are taken to
be as of these."""


class Indexes:
    """The indexes of all tables; ``now`` is the store's time in epoch ms."""

    def __init__(self, link: Link, keys: Keys, now: Callable[[], Awaitable[int]]) -> None:
        self._link = link
        self._keys = keys
        self._now = now

    async def count(self, table: str, sample: int = SAMPLE) -> list[int]:
        """Unexpired bindings of each partition, in turns that leave loop and server to others.

        Exact where no more than ``sample`` entries are due, but for what expires meanwhile.
        """
        indexes, now = self._keys.table(table).indexes, b"%d" % await self._now()
        # A sweeper beside it moves entries from what is due to what is not: so all are counted, and
        # those taken off that are dead, wherever they stand by now.
        counts = await self._between(b"-inf", b"+inf", indexes)
        due = await self._between(b"-inf", now, indexes)
        share = min(1.0, sample / max(1, sum(due)))
        asked = {at: ceil(number * share) for at, number in enumerate(due) if number}
        calls = [
            (b"ZRANGEBYSCORE", indexes[at], b"-inf", now, b"LIMIT", 0, size)
            for at, size in asked.items()
        ]
        drawn: list[list[bytes]] = await in_turns(
            [partial(self._link.call, *each) for each in calls]
        )
        places = [
            (at, field_of(indexes[at], member))
            for at, members in zip(asked, drawn, strict=True)
            for member in members
        ]
        alive = await self.alive([field for _, field in places])
        dead = Counter(at for (at, _), lives in zip(places, alive, strict=True) if not lives)
        for at, number in dead.items():
            counts[at] -= round(number * due[at] / asked[at])
        return counts

    async def alive(self, fields: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        """Whether the binding in each of ``fields`` (``field_of``) is unexpired.

        Raises ``StoreMismatch`` if a newer layout wrote one of them.
        """
        values: list[bytes | None] = await in_turns(
            [partial(self._link.call, b"HGET", *field) for field in fields]
        )
        now = await self._now()
        return [value is not None and expiry(value) > now for value in values]

    async def _between(self, least: bytes, most: bytes, indexes: Sequence[bytes]) -> list[int]:
        """How many entries of each index are due between two instants."""
        return await in_turns(
            [partial(self._link.call, b"ZCOUNT", index, least, most) for index in indexes]
        )
