"""The store as the rest of the house sees it, on every server at hand."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from regcluster.config import StoreSettings
from regcluster.errors import ConfigError, StoreMismatch, StoreUnavailable
from regcluster.store import open_store
from regcluster.store.connection import Arg
from regcluster.store.remote import RedisStore
from regcluster.store.scan import READ_AHEAD, SCAN_COUNT
from tests import servers
from tests.servers import FakeredisServer, RealServer, Server
from tests.store.alice import ALICE, DESK, INDEX, MOBILE, SOFT, STORE, bind, plan
from tests.store.puppet import Puppet, polite, saying
from tests.store.stored import age
from tests.store.upkeep import tapped_store
from tests.store.wiring import BRIEF_S, Counted, linked, problem, until

pytestmark = pytest.mark.anyio

MINUTE_MS = 60_000


def now_of(server: Server) -> int:
    seconds, micros = server.ask(b"TIME")
    return int(seconds) * 1000 + int(micros) // 1000


@asynccontextmanager
async def opened(server: Server, settings: StoreSettings = STORE) -> AsyncIterator[RedisStore]:
    store = servers.open_store(server, settings)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def on_puppet(puppet: Puppet) -> AsyncIterator[RedisStore]:
    async with linked(puppet.url, BRIEF_S) as link:
        yield RedisStore(link, StoreSettings())


async def test_what_was_saved_is_fetched(store: RedisStore) -> None:
    """The verdict of the save and a later fetch tell the same bindings, best first."""
    verdict = await store.save(plan(bind(DESK, q=200), bind(MOBILE, q=900), bind(SOFT)))

    record = await store.fetch(ALICE)

    assert [MOBILE, DESK, SOFT] == [binding.uri for binding in record.bindings]
    assert verdict.record.bindings == record.bindings


async def test_nobody_has_no_bindings(store: RedisStore) -> None:
    """An unknown AOR is an empty record, not an error."""
    assert [] == (await store.fetch(ALICE)).bindings


async def test_a_fetch_knows_what_time_it_is_at_the_store(
    store: RedisStore, store_server: Server
) -> None:
    """Even the first one: it asks before it reads, and is no further off than that took."""
    before = now_of(store_server)

    record = await store.fetch(ALICE)

    after = now_of(store_server)
    assert before <= record.now <= after + (after - before) + 1


async def test_no_contact_has_more_time_left_than_it_was_given(store_server: Server) -> None:
    """An estimate of the store's clock may be behind; what was read proves by how much."""
    async with opened(store_server) as other:
        slow = RedisStore(store_server.link(STORE), STORE, monotonic=lambda: 0.0)
        behind = (await slow.fetch(ALICE)).now
        await until(lambda: now_of(store_server) > behind + 1)
        saved = await other.save(plan(bind(DESK, 60)))

        record = await slow.fetch(ALICE)
        await slow.close()

    assert record.now == saved.record.now
    assert [MINUTE_MS] == [binding.expires_at - record.now for binding in record.bindings]


async def test_an_expired_binding_is_not_fetched(store: RedisStore, store_server: Server) -> None:
    """Nor counted, though Redis still has it: the key outlives its last binding."""
    await store.save(plan(bind(DESK, 60), bind(MOBILE, 120)))
    age(store_server, STORE, MINUTE_MS)

    left = [binding.uri for binding in (await store.fetch(ALICE)).bindings]

    assert ([MOBILE], 1) == (left, await store.count())


async def test_an_expired_binding_is_fetched_by_who_asks_for_it(
    store: RedisStore, store_server: Server
) -> None:
    """As long as Redis has it still."""
    await store.save(plan(bind(DESK, 60), bind(MOBILE, 120)))
    age(store_server, STORE, MINUTE_MS)

    record = await store.fetch(ALICE, expired=True)

    assert [DESK, MOBILE] == [binding.uri for binding in record.bindings]
    assert [True, False] == [each.expires_at <= record.now for each in record.bindings]


async def test_each_table_has_bindings_of_its_own(store: RedisStore) -> None:
    """Of the same AOR too: a save, a fetch, a drop, a scan and a count see one table."""
    await store.save(plan(bind(DESK)))
    await store.save(replace(plan(bind(MOBILE), bind(SOFT)), table="abroad"))

    here = [binding.uri for binding in (await store.fetch(ALICE)).bindings]
    abroad = sorted(each.uri for each in (await store.fetch(ALICE, "abroad")).bindings)
    counts = [await store.count(), await store.count("abroad"), await store.count("other")]
    dropped = await store.drop(ALICE, table="abroad")

    assert ([DESK], [MOBILE, SOFT], [1, 2, 0], 2) == (here, abroad, counts, dropped)
    assert [ALICE] == [aor async for aor in store.scan()]
    assert [] == [aor async for aor in store.scan("abroad")]


async def test_a_binding_is_dropped_by_its_ruid_or_with_all_others(store: RedisStore) -> None:
    """How many went is told, and a fetch sees it at once."""
    await store.save(plan(bind(DESK, ruid="uloc-1"), bind(MOBILE), bind(SOFT)))

    one = await store.drop(ALICE, "uloc-1")
    left = len((await store.fetch(ALICE)).bindings)
    rest = await store.drop(ALICE)

    assert (1, 2, 2, 0) == (one, left, rest, await store.drop(ALICE))


async def test_a_scan_finds_each_aor_of_every_partition_once(store_server: Server) -> None:
    """However many bindings an AOR has, and however its name is spelled."""
    aors = [f"user{number}@example.com" for number in range(100)] + ["\udcff@example.com"]
    many = StoreSettings(partitions=16)
    async with opened(store_server, many) as store:
        for aor in aors:
            await store.save(replace(plan(bind(DESK), bind(MOBILE)), aor=aor))

        found = Counter([aor async for aor in store.scan()])

        assert Counter(aors) == found
        assert 2 * len(aors) == await store.count()


async def test_a_scan_reads_a_partition_piece_by_piece(
    store: RedisStore, store_server: Server
) -> None:
    """One piece is what a server can give without holding up the phones."""
    soon = now_of(store_server) + MINUTE_MS
    words: list[Arg] = []
    for number in range(SCAN_COUNT):
        words += [soon, f"u{number}\n1", soon, f"u{number}\n2", soon, f"u{number}\n3"]
    store_server.ask(b"ZADD", INDEX, *words)

    found = Counter([aor async for aor in store.scan()])

    assert Counter(f"u{number}" for number in range(SCAN_COUNT)) == found


async def test_a_scan_passes_over_what_has_expired(store: RedisStore, store_server: Server) -> None:
    """It is in the index still, for a count to pass over as well."""
    await store.save(plan(bind(DESK, 60)))
    age(store_server, STORE, MINUTE_MS)

    # The first thing this one does: it has to ask what time it is.
    async with opened(store_server) as fresh:
        assert [] == [aor async for aor in fresh.scan()]
        assert 0 == await fresh.count()


async def test_who_has_refreshed_is_found_though_the_index_knows_nothing_of_it(
    store: RedisStore, store_server: Server
) -> None:
    """A refresh leaves its entry where it was; only the binding tells that it lives."""
    await store.save(plan(bind(DESK, 60), bind(SOFT, 60)))
    await store.save(plan(bind(DESK, 120), cseq=6))
    age(store_server, STORE, MINUTE_MS)

    async with opened(store_server) as fresh:
        assert [ALICE] == [aor async for aor in fresh.scan()]
        assert 1 == await fresh.count()


def make_due(server: Server, bindings: int) -> None:
    """Have so many in the index that are due, every other one of a phone that has refreshed."""
    words: list[Arg] = [word for number in range(bindings) for word in (number, f"u{number}@h\nk")]
    server.ask(b"ZADD", INDEX, *words)
    value = b"1%013d" % (now_of(server) + MINUTE_MS)
    for number in range(0, bindings, 2):
        server.ask(b"HSET", f"rc:{{0}}:b:u{number}@h", b"k", value)
        server.ask(b"PEXPIRE", f"rc:{{0}}:b:u{number}@h", MINUTE_MS)


async def test_what_cannot_be_read_is_counted_and_listed(
    store: RedisStore, store_server: Server
) -> None:
    """It is there, and hides nobody else; who reads it is told."""
    await store.save(plan(bind(DESK, 60)))
    make_due(store_server, 2)
    store_server.ask(b"HSET", b"rc:{0}:b:u0@h", b"k", b"9 of a newer node")

    assert 2 == await store.count()
    assert [ALICE, "u0@h"] == [aor async for aor in store.scan()]


async def test_of_many_that_are_due_a_count_asks_some(
    store: RedisStore, store_server: Server
) -> None:
    """Where no sweeper was for long; the rest is taken to be like those."""
    make_due(store_server, 200)

    assert [100] == await store.indexes.count("location", sample=40)


async def test_a_scan_asks_each_binding_that_is_due_once(real_server: RealServer) -> None:
    """However often it reads a partition, and none that it was not to list."""
    make_due(real_server, 2 * READ_AHEAD + 10)
    store, link = tapped_store(real_server.link(STORE), STORE)

    found = [aor async for aor in store.scan(includes=lambda aor: not aor.startswith("u1"))]
    await store.close()

    included = [number for number in range(2 * READ_AHEAD + 10) if str(number)[0] != "1"]
    assert sorted(f"u{number}@h" for number in included if number % 2 == 0) == found
    assert len(included) == link.calls[b"HGET"]


async def test_a_scan_can_be_left_early(store: RedisStore) -> None:
    """Nothing is left running by it."""
    await store.save(plan(bind(DESK)))
    await store.save(replace(plan(bind(DESK)), aor="bob@example.com"))

    async for _ in store.scan():
        break

    assert 2 == await store.count()


async def test_the_bindings_of_all_partitions_are_counted(store_server: Server) -> None:
    """More partitions than are asked about in one go."""
    async with opened(store_server, StoreSettings(partitions=600)) as store:
        for number in range(20):
            await store.save(replace(plan(bind(DESK)), aor=f"user{number}@example.com"))

        assert 20 == await store.count()


async def test_a_store_of_ours_is_found_in_order(store: RedisStore) -> None:
    """The first to come sets it up, and it is ours from then on."""
    await store.check()
    await store.check()

    assert "" == store.problem


async def test_a_store_set_up_otherwise_is_found_out(store_server: Server) -> None:
    """A node configured for other partitions would not find anybody."""
    async with opened(store_server, STORE) as ours:
        await ours.check()
        async with opened(store_server, StoreSettings(partitions=2)) as other:
            told = await problem(other.check(), StoreMismatch)

    assert "the store was set up with partitions = 1, this node has partitions = 2" == told


async def test_a_store_that_cannot_be_asked_is_unavailable() -> None:
    """A check says so, like any other call, and tells what is wrong."""
    async with Puppet(lambda command: None) as puppet, on_puppet(puppet) as store:
        told = await problem(store.check())

        assert store.problem
        assert told.endswith(store.problem)


async def test_each_call_is_timed(fakeredis: FakeredisServer) -> None:
    """One observation each, whether or not it did anything."""
    async with opened(fakeredis) as store:
        counted = Counted()
        await store.save(plan(bind(DESK)))
        await store.fetch(ALICE)
        await store.fetch("nobody@example.com")
        await store.drop(ALICE)
        await store.count()

    assert {"save": 1, "fetch": 2, "drop": 1} == counted.changes


async def test_a_call_that_failed_is_timed_and_counted() -> None:
    """An outage is seen in the histogram too: as calls that took the whole deadline."""
    answer = saying({b"EVALSHA": b"-OOM no\r\n", b"HGETALL": b"-ERR no\r\n"})
    async with Puppet(answer) as puppet, on_puppet(puppet) as store:
        counted = Counted()
        for call in (store.save(plan(bind(DESK))), store.drop(ALICE), store.fetch(ALICE)):
            with pytest.raises(Exception, match="the store answered: "):
                await call

    assert {"save": 1, "fetch": 1, "drop": 1, "refused": 3} == counted.changes


async def test_what_is_timed_is_the_way_to_the_store_and_back(fakeredis: FakeredisServer) -> None:
    """From the call made to its answer read, in seconds."""
    name, labels = "regcluster_store_call_duration_seconds_sum", {"operation": "save"}
    before = REGISTRY.get_sample_value(name, labels) or 0.0
    store = RedisStore(fakeredis.link(STORE), STORE, iter([10.0, 10.25]).__next__)

    await store.save(plan(bind(DESK)))
    await store.close()

    assert before + 0.25 == pytest.approx(REGISTRY.get_sample_value(name, labels))


async def test_a_store_is_opened_by_its_url(server_url: str) -> None:
    """It connects by itself; the first call waits for that."""
    store = await open_store(StoreSettings(url=server_url, partitions=1))
    try:
        await store.save(plan(bind(DESK)))

        assert [DESK] == [binding.uri for binding in (await store.fetch(ALICE)).bindings]
    finally:
        await store.close()


async def test_a_store_is_up_before_anybody_has_asked_it() -> None:
    """A balancer waits for readiness, and readiness must not wait for a phone."""
    async with Puppet() as puppet:
        store = await open_store(StoreSettings(url=puppet.url))
        await puppet.heard(b"TIME")
        await until(lambda: not store.problem)
        await store.close()

        assert {b"HMGET", b"CLIENT", b"SCRIPT", b"TIME"} == {
            command[0] for command in puppet.commands
        }


@pytest.mark.parametrize("url", ["http://cache", "redis://cache:six", "unix://"])
async def test_a_url_that_cannot_work_opens_no_store(url: str) -> None:
    """Told by the settings' name."""
    with pytest.raises(ConfigError, match=r"store\.url: "):
        await open_store(StoreSettings(url=url))


async def test_the_embedded_store_is_that_of_a_running_node(tmp_path: Path) -> None:
    """Whoever asks for one where none runs is told what to do."""
    with pytest.raises(StoreUnavailable, match="no node is running with the embedded store"):
        await open_store(StoreSettings(url=f"embedded://{tmp_path}"))


async def test_a_store_that_hangs_is_found_without_any_traffic() -> None:
    """And found again when it goes on; then it is looked at as before."""
    async with Puppet() as puppet, on_puppet(puppet) as store:
        store.start_pulse(0.01)
        await puppet.heard(b"TIME", 3)
        before = store.problem
        puppet.answer = saying({b"TIME": None})
        await until(lambda: store.problem)
        puppet.answer = polite
        await until(lambda: not store.problem)
        await puppet.heard(b"TIME", puppet.count(b"TIME") + 2)
        await store.close()

    assert "" == before


async def test_a_closed_store_answers_nobody_and_leaves_nothing_behind() -> None:
    """Calls fail at once; its pulse has ended, and its connection too."""
    before = asyncio.all_tasks()
    async with Puppet() as puppet, on_puppet(puppet) as store:
        store.start_pulse()
        await puppet.heard(b"TIME")
        await store.close()

        assert before == asyncio.all_tasks()
        assert "the store was closed" == await problem(store.fetch(ALICE))
        assert "the store was closed" == await problem(store.save(plan(bind(DESK))))
        await puppet.until(lambda: not puppet.peers)
