"""The change feed when one server takes the place of another: it is the difference of states."""

import asyncio
import random

import pytest

from regcluster.control.callbacks import Callbacks, Pace
from regcluster.registrar.plan import DEFAULT_TABLE
from regcluster.store.event import Event
from regcluster.store.keys import Keys, text_bytes
from tests.fleet import Cluster, cluster, trio
from tests.peer.processes import wait_until
from tests.servers import redis8, valkey
from tests.store.feed import AORS, SETTINGS, Ask, Player, agree, listening, opened, persist

pytestmark = [pytest.mark.anyio, pytest.mark.server, pytest.mark.chaos]


def asking(fleet: Cluster) -> Ask:
    """Commands to whoever has the key."""

    def ask(*words: bytes) -> object:
        return fleet.owner(words[1]).ask(*words)

    return ask


async def test_primaries_of_a_cluster_that_change_places_lose_no_event() -> None:
    """Each in turn, while bindings come and go; every one of them is listened to."""
    with cluster(valkey()) as fleet:
        async with opened(fleet.url) as store, listening(store) as listener:
            player = Player(store, random.Random(8))
            await player.play(50)
            for primary in fleet.primaries:
                writing = asyncio.create_task(player.play(100))
                await asyncio.to_thread(fleet.failover, fleet.replica(primary))
                await writing
            await agree(store, asking(fleet), listener)


async def test_a_primary_of_a_cluster_that_dies_is_followed_by_its_replica() -> None:
    """What both had is told once, and then what happens at the new primary."""
    with cluster(valkey()) as fleet:
        async with opened(fleet.url) as store, listening(store) as listener:
            player = Player(store, random.Random(9))
            await player.play(50)
            key = Keys(SETTINGS).of(text_bytes(AORS[0]))[2]
            primary = fleet.owner(key)
            primary.ask(b"WAIT", 1, 5000)
            primary.kill()
            await persist(player, 50)
            await agree(store, asking(fleet), listener)


async def test_a_primary_watched_by_sentinels_that_dies_is_followed_by_another() -> None:
    """The Sentinels say which."""
    with trio(redis8()) as fleet:
        async with opened(fleet.url) as store, listening(store) as listener:
            player = Player(store, random.Random(10))
            await player.play(50)
            before = fleet.primary
            before.ask(b"WAIT", 2, 5000)
            before.kill()
            writing = asyncio.create_task(persist(player, 50))
            after = await asyncio.to_thread(fleet.wait_new_primary, before)
            await writing
            await agree(store, after.ask, listener)


async def test_expiries_in_a_cluster_are_told_across_a_change_of_primaries() -> None:
    """On one worker each, and again only if a primary had not heard yet that it was dealt with."""
    told: list[str] = []

    async def tell(event: Event) -> None:
        told.append(event.id)

    with cluster(valkey()) as fleet:
        async with opened(fleet.url) as store, listening(store) as listener:
            workers = [Callbacks(store, pace=Pace(look_s=0.05)) for _ in range(3)]
            for worker in workers:
                worker.apply(tell, [DEFAULT_TABLE])
            player = Player(store, random.Random(11))
            # The groups begin with the first look.
            await asyncio.sleep(0.5)
            for primary in fleet.primaries:
                writing = asyncio.create_task(player.play(100))
                await asyncio.to_thread(fleet.failover, fleet.replica(primary))
                await writing
            await agree(store, asking(fleet), listener)
            expired = {event.id for event in listener.events if event.kind == "expired"}
            await asyncio.to_thread(wait_until, lambda: expired <= set(told), 15.0, "all is told")
            for worker in workers:
                await worker.close(5.0)

    assert (expired, True) == (set(told), len(told) < 1.2 * len(expired))
