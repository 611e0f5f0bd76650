"""What has expired, each event to one taker of the whole cluster, at least once.

A consumer group on each feed shares the events out. Who takes some settles them when they are dealt
with; what a taker that died has left behind goes to another after ``PATIENCE_MS``. A group begins
with what happens after it was made, and ends as far back as the feed reaches.
"""

from collections.abc import Sequence

from regcluster.registrar.plan import DEFAULT_TABLE
from regcluster.store.connection import Arg
from regcluster.store.event import Event, read_event
from regcluster.store.keys import Keys
from regcluster.store.link import Link
from regcluster.store.scripts import TAKE

GROUP = b"event_callback"

PATIENCE_MS = 30_000
"""How long those who took events may be busy with them."""

LENGTH = 5
"""Events taken in one go: each may take a sixth of that time."""


class Expiries:
    """The expiries of one table."""

    def __init__(self, link: Link, keys: Keys, table: str = DEFAULT_TABLE) -> None:
        self._link = link
        self.feeds = keys.feeds
        """One for each partition."""
        self._table = table
        self._seen: set[int] = set()
        """Partitions whose group was there. One that is gone was deleted with all its feed, and all
        that is there by now is news."""

    async def take(
        self, partition: int, patience_ms: int | None = None
    ) -> tuple[list[Event], bool]:
        """Some events, to be settled, and whether there may be more.

        With ``patience_ms`` also those that were taken longer ago and are not settled yet.
        """
        begin = b"0" if partition in self._seen else b"$"
        patience: Arg = b"" if patience_ms is None else patience_ms
        feed = self.feeds[partition]
        more, *entries = await self._link.call(
            b"EVALSHA", TAKE.sha, b"1", feed, GROUP, begin, LENGTH, patience
        )
        self._seen.add(partition)
        return [read_event(entry, partition, self._table) for entry in entries], bool(more)

    async def settle(self, partition: int, events: Sequence[Event]) -> None:
        """``events``, all of that partition, are dealt with."""
        if events:
            places = [event.id.partition(":")[2] for event in events]
            await self._link.call(b"XACK", self.feeds[partition], GROUP, *places)
