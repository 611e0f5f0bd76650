"""An account with no more than ``docs/operating.md`` gives it does its work, and nothing else."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import msgspec
import pytest

from regcluster import metrics
from regcluster.errors import StoreError
from regcluster.store import open_store
from regcluster.store.census import Census
from regcluster.store.connection import Arg
from regcluster.store.event import Since
from regcluster.store.events import Wanted
from regcluster.store.expiries import Expiries
from regcluster.store.reaping import Reaper
from regcluster.store.remote import RedisStore
from regcluster.store.roster import read_nodes
from regcluster.store.sweeping import Sweeper
from tests.servers import RealServer
from tests.store.accounts import MORE, NODE, PASSWORD, USER, allow, called, granted, refused
from tests.store.alice import ALICE, DESK, MOBILE, SOFT, bind, plan
from tests.store.feed import SETTINGS, listening
from tests.store.stored import age
from tests.store.upkeep import worker
from tests.store.wiring import problem, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]

TABLES = ("location", "abroad")
GONE = "n9/0.e"
NEVER_S = 3600.0

Job = Callable[[RealServer], Awaitable[None]]


@pytest.fixture(autouse=True)
def server(real_server: RealServer) -> Iterator[RealServer]:
    """A server with the account, which has been refused nothing yet."""
    allow(real_server.ask, *NODE)
    real_server.ask(b"ACL", b"LOG", b"RESET")
    real_server.ask(b"CONFIG", b"RESETSTAT")
    yield real_server
    real_server.ask(b"ACL", b"DELUSER", USER)
    real_server.ask(b"CONFIG", b"SET", b"notify-keyspace-events", b"")


@asynccontextmanager
async def opened(
    server: RealServer, database: int = 0, replicas: int = 0
) -> AsyncIterator[RedisStore]:
    """The store as somebody sees it who has that account."""
    url = f"{server.url}?username={USER}&password={PASSWORD}&db={database}"
    # The last two are the ones that wait for the deadline, with or without that account's leave.
    deadline_ms = 300 if database or replicas else SETTINGS.deadline_ms
    settings = msgspec.structs.replace(
        SETTINGS, url=url, wait_replicas=replicas, deadline_ms=deadline_ms
    )
    store = await open_store(settings)
    try:
        yield store
    finally:
        await store.close()


async def serve(server: RealServer, store: RedisStore) -> list[str]:
    """All that a node does, and `stats`; what Alice has left of it, in both tables."""
    leases = worker(store, "n1")
    await leases.renew()
    await store.save(replace(plan(bind(MOBILE, 600)), connection=f"{GONE}.17"))
    await store.save(plan(bind(DESK), call_id="c2"))
    await store.save(plan(bind(SOFT, 600), call_id="c3"))
    # From here on the desk phone is overdue.
    age(server, SETTINGS, 100_000)
    await Sweeper(store, leases, lambda: TABLES).round()
    await Reaper(store, leases, lambda: TABLES).clear(GONE)
    [kept] = (await store.fetch(ALICE)).bindings
    await store.drop(ALICE)
    await store.restore(ALICE, replace(kept, connection=f"{GONE}.18"), table=TABLES[1])
    await store.save(plan(bind(MOBILE), call_id="c4"))
    await Census(store, lambda: TABLES, metrics.count_stored).take()
    await read_nodes(store)
    await store.count()
    await leases.end()
    server.ask(b"SCRIPT", b"FLUSH")
    await store.drop("nobody@example.com")
    return [
        binding.uri for table in TABLES for binding in (await store.fetch(ALICE, table)).bindings
    ]


async def test_a_node_needs_what_the_page_gives_it(server: RealServer) -> None:
    """Neither more, for nothing is refused; nor less, for every command of it is called."""
    async with opened(server) as store:
        left = await serve(server, store)

    assert ([MOBILE, SOFT], set()) == (left, refused(server.ask))
    assert set() == granted(*NODE) - called(server.ask)


@pytest.mark.parametrize(
    "words",
    [
        (b"FLUSHALL",),
        (b"KEYS", b"*"),
        (b"SCAN", b"0"),
        (b"CONFIG", b"GET", b"dir"),
        (b"ACL", b"WHOAMI"),
        (b"SCRIPT", b"FLUSH"),
        (b"DEL", b"rc:meta"),
        (b"SET", b"other", b"x"),
        (b"HGETALL", b"rcx:{0}:b:alice"),
        (b"EVAL", b"return redis.call('FLUSHALL')", b"0"),
        (b"EVAL", b"return redis.call('HGETALL', KEYS[1])", b"1", b"other"),
    ],
)
async def test_it_may_not_do_anything_else(server: RealServer, words: tuple[Arg, ...]) -> None:
    """Neither by itself nor in a script, and with nobody else's keys."""
    async with opened(server) as store:
        told = await problem(store.link.call(*words), StoreError)

    assert re.search("permission|can't (run|access)", told)


async def take(server: RealServer) -> None:
    """Take what has expired, again too, and settle it."""
    async with opened(server) as store:
        expiries = Expiries(store.link, store.keys)
        partition = store.keys.feeds.index(store.keys.of(ALICE.encode())[2])
        await expiries.take(partition)
        await store.save(plan(bind(DESK)))
        age(server, SETTINGS, 100_000)
        await store.save(plan(bind(SOFT), call_id="c2"))
        events, _ = await expiries.take(partition)
        again, _ = await expiries.take(partition, patience_ms=0)
        await expiries.settle(partition, events)

    assert ["expired"] == [event.kind for event in events]
    assert events == again


async def export(server: RealServer) -> None:
    """Read everything."""
    async with opened(server) as store:
        await store.save(plan(bind(DESK)))
        found = [aor async for aor in store.scan()]

    assert [ALICE] == found


async def watch(server: RealServer) -> None:
    """Hear of what happens, and of what has been."""
    async with opened(server) as store, store.watch() as feed, aclosing(aiter(feed)) as events:
        await store.save(plan(bind(DESK)))
        now = await anext(events)
        async with store.watch(Wanted(since=Since(at=0))) as old, aclosing(aiter(old)) as earlier:
            then = await anext(earlier)

    assert ("added", now) == (now.kind, then)


async def wait(server: RealServer) -> None:
    """Save, and be told that no replica has it."""
    async with opened(server, replicas=1) as store:
        told = await problem(store.save(plan(bind(DESK))))

    assert "0 of 1 replicas have it" == told


async def look_elsewhere(server: RealServer) -> None:
    """Use another database than the first."""
    async with opened(server, database=3) as store:
        await store.save(plan(bind(DESK)))

    assert b"keys" in server.ask(b"INFO", b"keyspace").partition(b"db3")[2]


@pytest.mark.parametrize(
    ("what", "job"),
    [
        ("`registrar.event_callback`", take),
        ("`aor list`, `export`", export),
        ("`watch`", watch),
        ("`store.wait_replicas`", wait),
        ("a database other than 0", look_elsewhere),
    ],
)
async def test_what_takes_more_takes_what_the_page_says(
    server: RealServer, what: str, job: Job
) -> None:
    """It fails without that line, and is refused nothing with it; each command of it is called."""
    with pytest.raises((StoreError, AssertionError)):
        await job(server)
    without = refused(server.ask)
    server.ask(b"FLUSHALL")
    server.ask(b"ACL", b"LOG", b"RESET")
    allow(server.ask, MORE[what])

    await job(server)

    assert without
    assert set() == granted(MORE[what]) - called(server.ask)
    assert refused(server.ask) <= {"config|get", "psubscribe"}


async def test_notifications_are_heard_by_the_pattern_of_the_page(server: RealServer) -> None:
    """Where the server sends them anyway; that it may not ask whether it does is no matter."""
    server.ask(b"CONFIG", b"SET", b"notify-keyspace-events", b"Kt")
    allow(server.ask, MORE["`watch`"], MORE["`watch` that tells at once, not within a second"])

    async with opened(server) as store, listening(store, look_s=NEVER_S) as listener:
        await until(lambda: server.ask(b"PUBSUB", b"NUMPAT"))
        await store.save(plan(bind(DESK)))
        await listener.count(1)

    assert {"config|get"} == refused(server.ask)
