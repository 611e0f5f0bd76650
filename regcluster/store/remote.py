"""``RedisStore``: bindings in a Redis server, over any link.

One save is one script call, one fetch one HGETALL. A binding past its expiry is absent from every
answer, whether or not Redis still has it; what time it is, Redis's replies tell (``clock``).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from regcluster import metrics
from regcluster.config import StoreSettings
from regcluster.errors import StoreError
from regcluster.registrar.binding import Binding, preference
from regcluster.registrar.plan import DEFAULT_TABLE, Outcome, Record, Restored, SavePlan, Verdict
from regcluster.store.clock import StoreClock
from regcluster.store.codec import decode
from regcluster.store.embedded import SCHEME, embedded_url
from regcluster.store.events import EVERYTHING, Wanted, Watch, unheard
from regcluster.store.index import Indexes
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.link import Link
from regcluster.store.scan import Scan, everybody
from regcluster.store.schema import Schema
from regcluster.store.scripts import Scripts
from regcluster.store.topology import open_link

PULSE_S = 1.0
"""Seconds between two looks at the store's clock. They also find a dead connection that carries no
traffic, so that readiness does not wait for a phone to find it."""


async def open_store(settings: StoreSettings, *, may_set_up: bool = True) -> "RedisStore":
    """The store at ``settings.url``; it connects, and stays connected, in the background.

    So this never waits for a server: ``check`` does. Without ``may_set_up`` a store that nobody has
    used yet stays so. ``embedded://`` means the server that a node on this machine runs. Raises
    ``ConfigError`` for a URL that cannot be used, ``StoreUnavailable`` when no node runs the
    embedded server.
    """
    url = settings.url
    if url.startswith(SCHEME):
        url = embedded_url(url)
    schema = Schema(Keys(settings), settings, may_set_up=may_set_up)
    link = open_link(url, settings, schema)
    store = RedisStore(link, settings, schema=schema)
    store.start_pulse()
    return store


class RedisStore:
    """A ``Store`` over ``link``, which greets by ``schema`` if it greets at all.

    ``monotonic`` is the clock that Redis's time is told by.
    """

    def __init__(
        self,
        link: Link,
        settings: StoreSettings,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        schema: Schema | None = None,
    ) -> None:
        self._link = link
        self._settings = settings
        self._monotonic = monotonic
        self._clock = StoreClock()
        self._keys = Keys(settings)
        self._schema = schema or Schema(self._keys, settings)
        self._scripts = Scripts(link, self._keys, settings)
        self._indexes = Indexes(link, self._keys, self.now)
        self._scan = Scan(link, self._keys, self._scripts, self._indexes, self.now)
        self._pulse: asyncio.Task[None] | None = None

    @property
    def link(self) -> Link:
        """The way to the server, for what is no business of a ``Store``."""
        return self._link

    @property
    def keys(self) -> Keys:
        """The names of everything there."""
        return self._keys

    @property
    def scripts(self) -> Scripts:
        """The scripts over that link."""
        return self._scripts

    @property
    def indexes(self) -> Indexes:
        """What tells how many bindings there are, partition by partition."""
        return self._indexes

    @property
    def problem(self) -> str:
        """Why the store did not answer the last time it was asked; empty if it did."""
        return self._link.problem

    @property
    def secret(self) -> bytes:
        """Random text that all nodes on this store share; empty until the store has told it."""
        return self._schema.secret

    async def check(self) -> None:
        """Return once the store has answered and is ours.

        Raises ``StoreUnavailable`` and ``StoreMismatch``; so does every other call, later too.
        """
        answer = await self._link.call(*self._schema.question)
        if claims := self._schema.claims(answer):
            for claim in claims:
                await self._link.call(*claim)
            answer = await self._link.call(*self._schema.question)
        self._schema.check(answer)
        await self._ask_time()

    async def save(self, plan: SavePlan) -> Verdict:
        """Apply one REGISTER, all or nothing, in one script call."""
        asked = self._monotonic()
        try:
            reply: list[bytes] = await self._scripts.save(plan)
        finally:
            answered = self._monotonic()
            metrics.observe_store("save", answered - asked)
        now = int(reply[1])
        self._clock.observe(now, asked, answered)
        outcome = cast("Outcome", reply[0].decode())
        return Verdict(outcome, Record(now, _bindings(reply, 2)))

    async def fetch(self, aor: str, table: str = DEFAULT_TABLE, *, expired: bool = False) -> Record:
        """The unexpired bindings of ``aor``, or with ``expired`` also those Redis has still."""
        if not self._clock.is_set:
            await self._ask_time()
        key = self._keys.table(table).bindings(text_bytes(aor))
        asked = self._monotonic()
        try:
            reply: list[bytes] = await self._link.call(b"HGETALL", key)
        finally:
            answered = self._monotonic()
            metrics.observe_store("fetch", answered - asked)
        bindings = _bindings(reply, 0)
        now = self._clock.now(answered)
        for binding in bindings:
            # The estimate may be a little behind, but never behind what was read: no contact may
            # seem to have more time left than it was given.
            now = max(now, binding.modified_at)
        if expired:
            return Record(now, bindings)
        return Record(now, [binding for binding in bindings if binding.expires_at > now])

    async def drop(self, aor: str, ruid: str = "", table: str = DEFAULT_TABLE) -> int:
        """Remove one binding by its ruid, or all of ``aor``; how many went."""
        asked = self._monotonic()
        try:
            reply: list[Any] = await self._scripts.drop(aor, ruid, table)
        finally:
            answered = self._monotonic()
            metrics.observe_store("drop", answered - asked)
        self._clock.observe(int(reply[1]), asked, answered)
        return int(reply[0])

    async def restore(
        self, aor: str, binding: Binding, alias: str = "", table: str = DEFAULT_TABLE
    ) -> Restored:
        """Put ``binding`` back as it was, unless what is stored under its key is as new."""
        reply: bytes = await self._scripts.restore(aor, binding, alias, table)
        return cast("Restored", reply.decode())

    def scan(
        self,
        table: str = DEFAULT_TABLE,
        after: str = "",
        includes: Callable[[str], bool] = everybody,
    ) -> AsyncIterator[str]:
        """Every AOR with at least one binding that comes behind ``after``, each once (``Scan``)."""
        return self._scan.aors(table, after, includes)

    def watch(
        self, wanted: Wanted = EVERYTHING, on_problem: Callable[[str], None] = unheard
    ) -> Watch:
        """The change feed, to be entered and then iterated over; it ends before the store does."""
        return Watch(self._link, self._settings, wanted, on_problem)

    async def count(self, table: str = DEFAULT_TABLE) -> int:
        """Unexpired bindings, all partitions together."""
        return sum(await self._indexes.count(table))

    async def now(self) -> int:
        """The store's time in epoch ms, asked for only while it has never been told."""
        if not self._clock.is_set:
            await self._ask_time()
        return self._clock.now(self._monotonic())

    async def close(self) -> None:
        """Let go of the connections; calls in flight fail with ``StoreUnavailable``."""
        if self._pulse:
            self._pulse.cancel()
            await asyncio.wait([self._pulse])
        await self._link.close()

    def start_pulse(self, every_s: float = PULSE_S) -> None:
        """From now on look at the store's clock again and again; once is enough."""
        self._pulse = asyncio.get_running_loop().create_task(self._beat(every_s))

    async def _beat(self, every_s: float) -> None:
        while True:
            # What tells no time is a problem of its own, and no reason to stop looking.
            with suppress(StoreError, TypeError, ValueError):
                await self._ask_time()
            await asyncio.sleep(every_s)

    async def _ask_time(self) -> None:
        asked = self._monotonic()
        seconds, micros = await self._link.call(b"TIME")
        told = int(seconds) * 1000 + int(micros) // 1000
        self._clock.observe(told, asked, self._monotonic())


def _bindings(reply: Sequence[bytes], start: int) -> list[Binding]:
    """The bindings in ``reply``, a key and a value each from ``start`` on, in record order."""
    bindings = [decode(reply[at], reply[at + 1]) for at in range(start, len(reply), 2)]
    if len(bindings) > 1:
        bindings.sort(key=preference)
    return bindings
