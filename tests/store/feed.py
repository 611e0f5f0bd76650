"""What the tests of the change feed share: who listens, who makes changes, and what both agree on.

A feed is right if the bindings it tells of, put together one event after the other, are those that
are in the store.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from regcluster.config import LocationSettings, StoreSettings
from regcluster.errors import StoreUnavailable
from regcluster.registrar.binding import Binding, match_key
from regcluster.registrar.plan import Change, SavePlan
from regcluster.sip.uri import parse_uri
from regcluster.store import open_store
from regcluster.store.event import Event
from regcluster.store.events import EVERYTHING, LOOK_S, Wanted, Watch
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.remote import RedisStore

PATIENCE_S = 15.0

SETTINGS = StoreSettings(partitions=8, grace_s=86_400, deadline_ms=2_000)

AORS = [f"user{number}@example.com" for number in range(6)]

Ask = Callable[..., Any]

State = dict[tuple[str, str], Binding]
"""Bindings by AOR and ruid, without what a plain refresh changes."""


class Listener:
    """Takes every event a watch tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.problems: list[str] = []
        self._changed = asyncio.Event()

    def take(self, event: Event) -> None:
        """One more event."""
        self.events.append(event)
        self._changed.set()

    def hear(self, problem: str) -> None:
        """Why nothing comes, or that something will again."""
        self.problems.append(problem)
        self._changed.set()

    async def until(self, claim: Callable[[], object]) -> None:
        """Return as soon as ``claim`` holds; it is asked again after each event."""
        async with asyncio.timeout(PATIENCE_S):
            while not claim():
                self._changed.clear()
                await self._changed.wait()

    async def count(self, events: int) -> None:
        """Return once so many were told."""
        await self.until(lambda: len(self.events) >= events)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Kind and contact of each event."""
        return [(event.kind, event.binding.uri if event.binding else "") for event in self.events]

    @property
    def ids(self) -> list[str]:
        """The id of each event."""
        return [event.id for event in self.events]


@asynccontextmanager
async def listening(
    store: RedisStore,
    wanted: Wanted = EVERYTHING,
    look_s: float = LOOK_S,
    settings: StoreSettings = SETTINGS,
) -> AsyncIterator[Listener]:
    """Listens to what happens from here on."""
    listener = Listener()
    made = Watch(store.link, settings, wanted, listener.hear, look_s)
    async with made as watch, asyncio.TaskGroup() as tasks:

        async def listen() -> None:
            async with aclosing(aiter(watch)) as events:
                async for event in events:
                    listener.take(event)

        task = tasks.create_task(listen())
        yield listener
        task.cancel()


@dataclass(slots=True)
class Player:
    """Makes changes by chance, the same for the same seed, through ``store``."""

    store: RedisStore
    dice: random.Random
    steps: int = 0

    async def play(self, steps: int) -> None:
        """So many changes, each of which may turn out to be none."""
        for _ in range(steps):
            await self.step()

    async def step(self) -> None:
        """One REGISTER, or one removal by an operator."""
        self.steps += 1
        dice, aor = self.dice, self.dice.choice(AORS)
        if dice.random() < 0.1:
            await self.let_expire(aor)
        if dice.random() < 0.1:
            await self.store.drop(aor)
            return
        changes = [self._change() for _ in range(dice.randint(1, 2))]
        await self.store.save(
            SavePlan(
                aor=aor,
                call_id=dice.choice(["c1", "c2"]),
                cseq=self.steps,
                user_agent=dice.choice(["Phone/1", "Phone/2"]),
                wipe=False,
                changes=changes,
                max_contacts=0,
                cseq_delay=0,
            )
        )

    async def let_expire(self, aor: str) -> None:
        """Make all bindings of ``aor`` overdue, as if an hour had passed."""
        call, name = self.store.link.call, self.store.keys.bindings(text_bytes(aor))
        flat = await call(b"HGETALL", name)
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            overdue = b"1%013d" % (int(value[1:14]) - 3_600_000) + value[14:]
            await call(b"HSET", name, key, overdue)

    def _change(self) -> Change:
        dice = self.dice
        uri = f"sip:{dice.choice('abc')}@192.0.2.1{dice.choice(['', ';line=1', ';LINE=1;x=y'])}"
        key = match_key(uri, parse_uri(uri), LocationSettings())
        lifetime = dice.choice([0, 60, 600, 600])
        return Change(key, lifetime, uri, -1, "", f"uloc-{self.steps}-{dice.random()}")


def put_together(events: Iterable[Event], before: State) -> State:
    """What the store holds after ``events``, if it held ``before``."""
    state = dict(before)
    for event in events:
        assert event.binding, f"{event.kind} at {event.id}"
        key = event.aor, event.binding.ruid
        if event.kind in ("added", "changed"):
            state[key] = lasting(event.binding)
        else:
            del state[key]
    return state


async def stored(store: RedisStore) -> State:
    """What the store holds, bindings that are overdue and not swept among it."""
    records = [(aor, await store.fetch(aor, expired=True)) for aor in AORS]
    return {
        (aor, binding.ruid): lasting(binding)
        for aor, record in records
        for binding in record.bindings
    }


def lasting(binding: Binding) -> Binding:
    """``binding`` without what no event is made of."""
    return replace(binding, cseq=0, expires_at=0, modified_at=0)


def last_ids(ask: Ask) -> set[str]:
    """The id of the last event of each partition that has any."""
    ids = set()
    for partition, feed in enumerate(Keys(SETTINGS).feeds):
        for place, _ in ask(b"XREVRANGE", feed, b"+", b"-", b"COUNT", 1):
            ids.add(f"{partition}:{place.decode()}")
    return ids


def is_in_order(ids: Sequence[str]) -> bool:
    """Whether each partition's events came once each, and in its order."""
    latest: dict[str, tuple[int, int]] = {}
    for name in ids:
        partition, _, place = name.partition(":")
        milliseconds, sequence = map(int, place.split("-"))
        if latest.get(partition, (0, -1)) >= (milliseconds, sequence):
            return False
        latest[partition] = milliseconds, sequence
    return True


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisStore]:
    """The store at ``url``, which takes its time where a server has just died."""
    store = await open_store(msgspec.structs.replace(SETTINGS, url=url, deadline_ms=10_000))
    try:
        await store.check()
        yield store
    finally:
        await store.close()


async def persist(player: Player, steps: int) -> None:
    """So many steps, whatever becomes of each."""
    for _ in range(steps):
        with suppress(StoreUnavailable):
            await player.step()


async def agree(store: RedisStore, ask: Ask, listener: Listener) -> None:
    """Return once all has been told, if it is what is in the store."""
    news = last_ids(ask)
    await listener.until(lambda: news <= set(listener.ids))

    assert (await stored(store), True) == (
        put_together(listener.events, {}),
        is_in_order(listener.ids),
    )
