"""The change feed when one server takes the place of another: it is the difference of states."""

import asyncio
import random

import pytest

from regcluster.store.keys import Keys, text_bytes
from tests.fleet import Cluster, cluster, trio
from tests.servers import redis8, valkey
from tests.store.feed import AORS, SETTINGS, Ask, Player, agree, listening, opened, persist

pytestmark = [pytest.mark.anyio, pytest.mark.server]


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
