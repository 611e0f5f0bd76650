"""The change feed read: every event from a place on, in order for each address-of-record.

Reading is XRANGE from the event told last, that one included. So each answer proves that the reader
and the store still have the same history; where it does not begin with that event the stream was
cut at its old end, or the store has lost its latest writes, and a ``gap`` says so. Notifications
only say which partitions to read at once (``wakeups``); once a second all of them are read anyway.

An event is told at least once: what was told already is told again, with the same id, only where a
failover has lost it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from regcluster.config import StoreSettings
from regcluster.errors import StoreUnavailable
from regcluster.registrar.plan import DEFAULT_TABLE
from regcluster.store.event import MARGIN_MS, NOW, Event, Since, read_event
from regcluster.store.keeper import pause
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.link import Link
from regcluster.store.wakeups import Wakeups

LOOK_S = 1.0
"""How late an event may be told whose notification was lost."""

AT_ONCE = 32
"""Partitions that are read in one go."""

BATCH = 100
"""Events of one partition that are read in one go: what an answer may weigh is bounded."""

_START = b"0-0"

Entry = Sequence[Any]


@dataclass(slots=True)
class _Cursor:
    """How far one partition has been told."""

    partition: int
    feed: bytes
    place: bytes
    """Id from which on it is read."""
    is_told: bool
    """Whether the event of that id was told, so that it has to be there."""


@dataclass(slots=True, frozen=True)
class Wanted:
    """Whose events: those of one table, of one AOR alone if one is named."""

    table: str = DEFAULT_TABLE
    aor: str = ""
    since: Since = NOW


EVERYTHING = Wanted()


def unheard(_: str) -> None:
    """For those who do not mind why nothing comes."""


class Watch:
    """Events of one table: ``async with`` it, then ``async for``; it ends when it is left.

    While the store is away it waits, and tells ``on_problem`` why; an empty text when it is back.
    """

    def __init__(
        self,
        link: Link,
        settings: StoreSettings,
        wanted: Wanted,
        on_problem: Callable[[str], None] = unheard,
        look_s: float = LOOK_S,
    ) -> None:
        self._link = link
        self._settings = settings
        self._wanted = wanted
        self._on_problem = on_problem
        self._away: set[int] = set()
        """Partitions that could not be read when that was last tried."""
        self._is_waiting = False
        """Whether the last that ``on_problem`` was told is a problem."""
        self._failures = 0
        self._cursors: dict[int, _Cursor] = {}
        self._dirty: set[int] = set()
        self._rung = asyncio.Event()
        self._look_s = look_s
        self._look_at = 0.0
        keys = Keys(settings, wanted.table)
        self._feeds = dict(enumerate(keys.feeds))
        if wanted.aor:
            feed = keys.of(text_bytes(wanted.aor))[2]
            self._feeds = {keys.feeds.index(feed): feed}
        prefix = keys.feeds[0].removesuffix(b":{0}:e")
        self._wakeups = Wakeups(prefix, link.nodes, self._ring)

    async def __aenter__(self) -> Self:
        """Take the place: all that happens from now on will be told. Raises ``StoreError``."""
        since = self._wanted.since
        at = since.at
        if at is not None and at < 0:
            seconds, _ = await self._link.call(b"TIME")
            at = max(int(seconds) * 1000 + at, 0)
        for some in _pieces(list(self._feeds)):
            for cursor in await asyncio.gather(*[self._cursor(number, at) for number in some]):
                self._cursors[cursor.partition] = cursor
        self._wakeups.follow()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the connections that wake it."""
        await self._wakeups.close()

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        """The events. An event counts as told when the next one is asked for."""
        while True:
            pieces = _pieces(await self._due())
            for position, some in enumerate(pieces, 1):
                told = await self._read_some(some)
                for number, events in told.items():
                    for event in events:
                        if not self._wanted.aor or event.aor in ("", self._wanted.aor):
                            yield event
                        _advance(self._cursors[number], event)
                if not told:
                    # Nor would the others be there; and each attempt takes its time.
                    self._dirty.update(*pieces[position:])
                    break
            self._failures = self._failures + 1 if self._away else 0
            if self._away:
                self._dirty |= self._away
                await asyncio.sleep(pause(self._failures))

    def _ring(self, partition: int | None) -> None:
        """The feed of a partition has grown, or any may have."""
        if partition is None:
            self._look_at = 0.0
        elif partition in self._cursors:
            self._dirty.add(partition)
        self._rung.set()

    async def _cursor(self, partition: int, at: int | None) -> _Cursor:
        """Where to begin in one partition; ``at`` is that of ``Since``, never below 0."""
        feed = self._feeds[partition]
        if told := self._wanted.since.ids.get(partition):
            return _Cursor(partition, feed, told.encode(), is_told=True)
        if at is not None:
            return _Cursor(partition, feed, b"%d-0" % at, is_told=False)
        last = await self._link.call(b"XREVRANGE", feed, b"+", b"-", b"COUNT", 1)
        place = last[0][0] if last else _START
        return _Cursor(partition, feed, place, is_told=bool(last))

    async def _due(self) -> list[int]:
        """The partitions that are to be read, once there are any."""
        loop = asyncio.get_running_loop()
        if not self._dirty and loop.time() < self._look_at:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._look_at):
                    await self._rung.wait()
        self._rung.clear()
        if loop.time() >= self._look_at:
            self._look_at = loop.time() + self._look_s
            self._wakeups.follow()
            self._dirty.update(self._feeds)
        # Those that may keep us waiting come last.
        due = sorted(self._dirty, key=lambda number: (number in self._away, number))
        self._dirty = set()
        return due

    async def _read_some(self, partitions: Sequence[int]) -> dict[int, list[Event]]:
        """The events of each partition that could be read."""
        cursors = [self._cursors[number] for number in partitions]
        answers = await asyncio.gather(
            *[self._read(cursor) for cursor in cursors], return_exceptions=True
        )
        told, problem = {}, ""
        for number, answer in zip(partitions, answers, strict=True):
            if isinstance(answer, StoreUnavailable):
                self._away.add(number)
                problem = str(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                self._away.discard(number)
                told[number] = answer
        if bool(self._away) != self._is_waiting:
            self._is_waiting = bool(self._away)
            self._on_problem(problem)
        return told

    async def _read(self, cursor: _Cursor) -> list[Event]:
        """The next events of a partition, of which there may be more."""
        entries = await self._entries(cursor)
        if len(entries) > BATCH:
            self._dirty.add(cursor.partition)
        events: list[Event] = []
        if cursor.is_told and entries and entries[0][0] == cursor.place:
            del entries[0]
        elif (cursor.is_told or entries) and await self._has_gap(cursor, entries):
            events.append(self._gap(cursor))
            entries = await self._entries(cursor)
        table, number = self._wanted.table, cursor.partition
        return events + [read_event(entry, number, table) for entry in entries]

    async def _entries(self, cursor: _Cursor) -> list[Entry]:
        count = BATCH + 1
        entries: list[Entry] = await self._link.call(
            b"XRANGE", cursor.feed, cursor.place, b"+", b"COUNT", count
        )
        return entries

    async def _has_gap(self, cursor: _Cursor, entries: list[Entry]) -> bool:
        """Whether events may be missing before ``entries``; the cursor is set to go on all the
        same."""
        oldest = await self._link.call(b"XRANGE", cursor.feed, b"-", b"+", b"COUNT", 1)
        if not cursor.is_told:
            return bool(oldest and oldest[0][0] == entries[0][0]) and await self._was_cut(cursor)
        if not oldest:
            cursor.place, cursor.is_told = _START, False
        elif _order(oldest[0][0]) < _order(cursor.place):
            # The event that was told is not there, and older ones are: a failover to a replica
            # that had not heard of it, or a server that died before its file was written. What has
            # happened there since may have lower ids, by the clock of another machine.
            milliseconds, _ = _order(cursor.place)
            cursor.place = b"%d-0" % max(milliseconds - MARGIN_MS, 0)
            cursor.is_told = False
        return True

    async def _was_cut(self, cursor: _Cursor) -> bool:
        """Whether the stream has lost entries at its old end, ever."""
        flat = await self._link.call(b"XINFO", b"STREAM", cursor.feed)
        told = dict(zip(flat[::2], flat[1::2], strict=True))
        length: int = told[b"length"]
        # Redis before 7 does not count; but then, whatever was cut once is as long as it may be.
        added: int = told.get(b"entries-added", -1)
        return length < added if added >= 0 else length >= self._settings.feed_maxlen

    def _gap(self, cursor: _Cursor) -> Event:
        name = f"{cursor.partition}:{cursor.place.decode()}"
        return Event(name, "gap", "", None, self._wanted.table)


def _advance(cursor: _Cursor, event: Event) -> None:
    """``event`` was told."""
    if event.kind != "gap":
        cursor.place, cursor.is_told = event.id.partition(":")[2].encode(), True


def _order(place: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = place.partition(b"-")
    return int(milliseconds), int(sequence)


def _pieces(partitions: list[int]) -> list[list[int]]:
    return [partitions[at : at + AT_ONCE] for at in range(0, len(partitions), AT_ONCE)]
