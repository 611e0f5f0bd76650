"""Upkeep: its parts run until they are stopped, and the lease ends last."""

import asyncio

import pytest
from anyio.lowlevel import checkpoint
from fakeredis import FakeAsyncRedis, FakeServer
from structlog.testing import capture_logs

from regcluster.store.census import Census
from regcluster.store.client import ClientLink
from regcluster.store.leases import LEASE_MS
from regcluster.store.remote import RedisStore
from regcluster.store.upkeep import Upkeep, for_ever
from tests.servers import RealServer, Server, open_store
from tests.store.alice import INDEX, STORE
from tests.store.upkeep import tapped_store, worker
from tests.store.wiring import LONG_S, until

pytestmark = pytest.mark.anyio


def keeping(store: RedisStore, node: str = "n1") -> Upkeep:
    """The upkeep of one worker."""
    return Upkeep(store, worker(store, node), lambda: ["location"])


async def test_it_begins_with_a_heartbeat_and_ends_with_the_lease(
    store: RedisStore, store_server: Server
) -> None:
    """In between it sweeps."""
    store_server.ask(b"ZADD", INDEX, 1000, b"u@h\nsip:u@h")
    kept = keeping(store)

    kept.start()
    await until(lambda: not store_server.ask(b"EXISTS", INDEX))
    during = float(store_server.ask(b"ZSCORE", b"rc:nodes", b"n1/0.e"))
    await kept.stop()

    assert during > await store.now() + LEASE_MS / 2
    assert 0 == float(store_server.ask(b"ZSCORE", b"rc:nodes", b"n1/0.e"))


async def test_the_heartbeat_is_the_first_command(store_server: Server) -> None:
    """So that nothing is bound over a connection of a worker without a lease."""
    store, link = tapped_store(store_server.link(STORE), STORE)
    kept = keeping(store)

    kept.start()
    await until(lambda: link.calls[b"ZRANGEBYSCORE"])
    await kept.stop()
    await store.close()

    assert b"EVALSHA" == next(iter(link.calls))


async def test_who_has_a_census_counts_at_once(store: RedisStore) -> None:
    """Before its first pause."""
    told: list[int] = []
    census = Census(store, lambda: ["location"], lambda _, bindings, aors: told.append(bindings))
    kept = Upkeep(store, worker(store, "n1"), lambda: ["location"], census)

    kept.start()
    await until(lambda: told)
    await kept.stop()

    assert [0] == told


async def test_a_census_without_an_answer_is_no_error_that_nobody_foresaw() -> None:
    """The link has counted it."""
    server = FakeServer()
    server.connected = False
    store = RedisStore(ClientLink(FakeAsyncRedis(server=server, protocol=2)), STORE)
    asked: list[str] = []

    def tables() -> list[str]:
        asked.append("location")
        return ["location"]

    kept = Upkeep(store, worker(store, "n1"), lambda: ["location"], Census(store, tables, print))
    with capture_logs() as lines:
        kept.start()
        await until(lambda: asked)
        await checkpoint()
        await kept.stop()

    assert [] == [line for line in lines if line["event"] == "upkeep of the store failed"]


async def test_to_stop_what_never_began_is_no_error(
    store: RedisStore, store_server: Server
) -> None:
    """A worker that could not listen stops as well."""
    kept = keeping(store)

    await kept.stop()

    assert not store_server.ask(b"EXISTS", b"rc:nodes")


async def test_a_store_that_is_away_does_not_hold_up_the_end(real_server: RealServer) -> None:
    """The lease runs out by itself."""
    store = open_store(real_server, STORE)
    kept = keeping(store)
    kept.start()
    await store.close()

    async with asyncio.timeout(LONG_S):
        await kept.stop()


async def test_an_error_that_nobody_foresaw_is_logged_and_not_the_end() -> None:
    """Who gave up would be missed for as long as the worker lives."""
    done: list[int] = []
    goal = asyncio.Event()

    async def job() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise ValueError
        goal.set()
        await asyncio.sleep(0)

    with capture_logs() as logs:
        task = asyncio.create_task(for_ever(job, 0.0))
        async with asyncio.timeout(LONG_S):
            await goal.wait()
        task.cancel()
        await asyncio.wait([task])

    assert [("error", "upkeep of the store failed")] == [
        (entry["log_level"], entry["event"]) for entry in logs
    ]
