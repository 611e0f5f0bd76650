"""Upkeep of a Redis Cluster: each partition has its turn, whichever primary has it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from regcluster.config import StoreSettings
from regcluster.store.reaping import Reaper
from regcluster.store.remote import RedisStore, open_store
from regcluster.store.sweeping import Sweeper
from tests.fleet import Cluster, cluster
from tests.servers import valkey
from tests.store.alice import DESK, bind, plan
from tests.store.upkeep import acquainted, worker

pytestmark = [pytest.mark.anyio, pytest.mark.peer]

OWNER = "n9/0.e"
AORS = [f"u{number}@example.com" for number in range(60)]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Cluster]:
    """Three primaries and their replicas."""
    with cluster(valkey()) as fleet:
        yield fleet


@pytest.fixture
async def store(fleet: Cluster) -> AsyncIterator[RedisStore]:
    """A store there, with sixty users bound over connections of ``OWNER``."""
    store = await open_store(StoreSettings(url=fleet.url, partitions=16, deadline_ms=10_000))
    for aor in AORS:
        await store.save(replace(plan(bind(DESK)), aor=aor, connection=f"{OWNER}.1"))
    yield store
    await store.close()


async def test_what_is_due_is_settled_in_every_partition(store: RedisStore, fleet: Cluster) -> None:
    """Two workers know of each other, and share. Half of the phones have refreshed."""
    workers = [worker(store, "n1"), worker(store, "n2")]
    await acquainted(workers)
    for number, aor in enumerate(AORS):
        bindings, index, _ = store.keys.of(aor.encode())
        fleet.owner(index).ask(b"ZADD", index, 1, f"{aor}\n{DESK}".encode())
        if number % 2:
            fleet.owner(index).ask(b"DEL", bindings)

    for each in workers:
        await Sweeper(store, each, lambda: ["location"]).round()

    due = [fleet.owner(index).ask(b"ZCOUNT", index, 1, 1) for index in store.keys.indexes]
    assert {"n1/0.e", "n2/0.e"} == set(workers[0].members)
    assert (len(AORS) // 2, 0) == (await store.count(), sum(due))


async def test_what_an_owner_has_left_is_cleared_away_in_every_partition(store: RedisStore) -> None:
    """No script reaches over slots."""
    before = await store.count()

    await Reaper(store, worker(store, "n1"), lambda: ["location"]).clear(OWNER)

    assert (len(AORS), 0) == (before, await store.count())
