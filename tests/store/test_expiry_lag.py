"""How late an expiry is told, with as many bindings and expiries as a large node has."""

import asyncio
import math
import random
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from regcluster.store.remote import RedisStore
from regcluster.store.upkeep import Upkeep
from tests import servers
from tests.servers import RealServer, open_store
from tests.store.alice import DESK, bind, plan
from tests.store.stored import pairs
from tests.store.upkeep import worker

# Neither a peer nor its server is needed; but it takes longer than a unit test may.
pytestmark = [pytest.mark.anyio, pytest.mark.peer]

STORE = StoreSettings(deadline_ms=10_000)
BINDINGS, A_SECOND = 100_000, 1000
FIRST_S = 7
"""Time to write them all before the first is due."""
WATCHED_S = 5
SAVES_AT_ONCE = 500
LONGEST_LAG_S = 1.5


@pytest.fixture
async def crowd() -> AsyncIterator[tuple[RealServer, RedisStore]]:
    """A server with all the bindings, a thousand of which are due each second from now on."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        server = RealServer("valkey", servers.valkey(), Path(folder))
        store = open_store(server, STORE)
        try:
            await _fill(store)
            yield server, store
        finally:
            await store.close()
            server.stop()


@pytest.mark.parametrize("members", [1, 3])
async def test_an_expiry_is_told_within_a_second_and_a_half(
    crowd: tuple[RealServer, RedisStore], members: int
) -> None:
    """p99 from ``expires_at`` to the event, with 100,000 bindings and 1,000 expiries a second."""
    server, store = crowd
    kept = [
        Upkeep(store, worker(store, f"n{each}"), lambda: ["location"]) for each in range(members)
    ]
    for each in kept:
        each.start()
    await asyncio.sleep(2.0)
    since = await store.now()
    await asyncio.sleep(WATCHED_S)
    until = await store.now()
    for each in kept:
        await each.stop()

    lags = sorted(_lags(server, since, until))
    p99_s = lags[math.ceil(0.99 * len(lags)) - 1]
    print(f"{len(lags)} expired, p50 {lags[len(lags) // 2]:.2f} s, p99 {p99_s:.2f} s")  # noqa: T201
    assert len(lags) > 0.9 * A_SECOND * WATCHED_S
    assert p99_s < LONGEST_LAG_S


async def _fill(store: RedisStore) -> None:
    """All the bindings; it takes ``FIRST_S``, however fast the machine is."""
    began = time.monotonic()
    for start in range(0, BINDINGS, SAVES_AT_ONCE):
        numbers = range(start, start + SAVES_AT_ONCE)
        first_s = FIRST_S - (time.monotonic() - began)
        await asyncio.gather(*[_bound(store, number, first_s) for number in numbers])
    await asyncio.sleep(FIRST_S - (time.monotonic() - began))


async def _bound(store: RedisStore, number: int, first_s: float) -> None:
    """One binding, which is due some time after ``first_s``."""
    lifetime = math.ceil(first_s + random.uniform(0.0, BINDINGS / A_SECOND))
    await store.save(replace(plan(bind(DESK, lifetime)), aor=f"u{number}@example.com"))


def _lags(server: RealServer, since: int, until: int) -> list[float]:
    """Seconds from expiry to event, of all events in that time."""
    lags: list[float] = []
    for feed in Keys(STORE).feeds:
        for place, fields in server.ask(b"XRANGE", feed, since, until):
            told = dict(pairs(fields))
            if told[b"kind"] == b"expired":
                told_at = int(place.partition(b"-")[0])
                lags.append((told_at - int(told[b"value"][1:14])) / 1000)
    return lags
