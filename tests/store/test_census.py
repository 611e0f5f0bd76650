"""The census: bindings exactly, AORs from a sample, and nothing made up while the store is away."""

from collections.abc import Sequence

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from msgspec.structs import replace

from regcluster.errors import StoreUnavailable
from regcluster.store.census import SAMPLE, Census
from regcluster.store.client import ClientLink
from regcluster.store.remote import RedisStore
from tests.servers import Server, open_store
from tests.store.alice import DESK, MOBILE, SOFT, STORE, bind, plan
from tests.store.stored import age

pytestmark = pytest.mark.anyio

PARTED = replace(STORE, partitions=4)


async def counted(
    store: RedisStore, tables: Sequence[str] = ("location",), sample: int = SAMPLE
) -> list[tuple[str, int, int]]:
    """What a census of ``tables`` says."""
    told: list[tuple[str, int, int]] = []
    census = Census(store, lambda: tables, lambda *figures: told.append(figures), sample)
    await census.take()
    return told


async def fill(store: RedisStore, users: int, table: str = "location") -> None:
    """Bind one to three contacts for each of so many users."""
    plans = [
        plan(*[bind(uri) for uri in (DESK, MOBILE, SOFT)[: user % 3 + 1]]) for user in range(users)
    ]
    for user, each in enumerate(plans):
        each.aor, each.table = f"user{user}@example.com", table
        await store.save(each)


async def test_a_small_store_is_counted_exactly(store_server: Server) -> None:
    """Each table for itself, an empty one too."""
    store = open_store(store_server, PARTED)
    await fill(store, 9)
    await fill(store, 2, "desks")
    told = await counted(store, ["location", "desks", "lobby"])
    await store.close()

    assert [("location", 18, 9), ("desks", 3, 2), ("lobby", 0, 0)] == told


async def test_what_is_overdue_does_not_count(store: RedisStore, store_server: Server) -> None:
    """Whether or not it was swept."""
    await store.save(plan(bind(DESK, 60)))
    other = plan(bind(SOFT, 120))
    other.aor = "bob@example.com"
    await store.save(other)
    age(store_server, STORE, 61_000)

    assert [("location", 1, 1)] == await counted(store)


async def test_the_aors_of_a_large_store_are_known_roughly(store_server: Server) -> None:
    """From a part of the bindings, which are counted exactly all the same."""
    store = open_store(store_server, PARTED)
    await fill(store, 240)
    ((table, bindings, aors),) = await counted(store, sample=120)
    await store.close()

    assert ("location", 480) == (table, bindings)
    assert 190 < aors < 290


async def test_a_store_that_is_away_is_not_taken_for_an_empty_one() -> None:
    """What was counted before stands."""
    server = FakeServer()
    server.connected = False
    store = RedisStore(ClientLink(FakeAsyncRedis(server=server, protocol=2)), STORE)

    with pytest.raises(StoreUnavailable):
        await counted(store)
