"""The sweeper: what is overdue is found in time, by one worker or by many."""

import asyncio
import random
from collections import Counter
from dataclasses import replace

import pytest
from msgspec import structs

from regcluster.store.leases import chosen
from regcluster.store.remote import RedisStore
from regcluster.store.sweeping import DUE, LOOKS, Sweeper
from tests.servers import RealServer, Server, open_store
from tests.store.alice import DESK, INDEX, STORE, bind, events, plan
from tests.store.stored import Entry, age, found
from tests.store.upkeep import (
    TABLES,
    Tapped,
    Torn,
    acquainted,
    left_in,
    sweeper,
    tapped_store,
    worker,
)
from tests.test_metrics import value

pytestmark = pytest.mark.anyio

MANY = structs.replace(STORE, partitions=256)


def make_overdue(server: Server, index: bytes, bindings: int = 1) -> None:
    """Have bindings in ``index`` of which Redis itself has forgotten the rest."""
    for number in range(bindings):
        server.ask(b"ZADD", index, 1000 + number, b"u%d@h\nsip:u%d@h" % (number, number))


async def test_a_round_sweeps_every_table(store: RedisStore, store_server: Server) -> None:
    """What goes is counted, and by how much it was late."""
    make_overdue(store_server, INDEX)
    make_overdue(store_server, b"rc.abroad:{0}:x")
    before = value("REMOVED", reason="expired"), value("EXPIRY_SECONDS", le="+Inf")

    await sweeper(store).round()

    assert 0 == left_in(store_server, INDEX, b"rc.abroad:{0}:x")
    assert (before[0] + 2, before[1] + 2) == (
        value("REMOVED", reason="expired"),
        value("EXPIRY_SECONDS", le="+Inf"),
    )


async def test_a_table_may_come_and_go(store: RedisStore, store_server: Server) -> None:
    """The settings may change while the sweeper is at work."""
    tables = ["location"]
    at_work = Sweeper(store, worker(store, "n1"), lambda: tables)
    await at_work.round()
    make_overdue(store_server, b"rc.abroad:{0}:x")
    tables.append("abroad")

    await at_work.round()

    assert 0 == left_in(store_server, b"rc.abroad:{0}:x")


async def test_what_is_not_overdue_is_not_touched(
    tapped: tuple[RedisStore, Tapped], store_server: Server
) -> None:
    """Nor is any script run: the index tells."""
    store, link = tapped
    await store.save(plan(bind(DESK)))
    before = link.calls[b"EVALSHA"]

    await sweeper(store).round()

    assert (before, 1) == (link.calls[b"EVALSHA"], await store.count())


async def test_what_does_not_answer_keeps_the_rest_waiting_only_once(
    real_server: RealServer,
) -> None:
    """From then on it is looked at last, all at once, until it is back."""
    torn = Torn(real_server.link(MANY))
    store = RedisStore(torn, MANY)
    at_work = sweeper(store)
    torn.away = indexes = store.keys.indexes[: 2 * LOOKS]
    await at_work.round()
    torn.refusal = asyncio.Barrier(len(indexes)).wait
    torn.asked.clear()

    async with asyncio.timeout(10.0):
        await at_work.round()
    torn.away = ()
    await at_work.round()
    await store.close()

    asked = [key for key in torn.asked if key in store.keys.indexes]
    first, second = asked[: len(asked) // 2], asked[len(asked) // 2 :]
    assert set(indexes) == set(first[-len(indexes) :]) == set(second[-len(indexes) :])


async def test_a_refresh_between_the_look_and_the_script_wins(
    tapped: tuple[RedisStore, Tapped], store_server: Server
) -> None:
    """The sweeper comes too late to remove anything, and tells nothing."""
    store, link = tapped
    await store.save(plan(bind(DESK, ruid="uloc-1")))
    age(store_server, STORE, 60_000)

    async def refresh() -> None:
        await store.save(plan(bind(DESK, ruid="uloc-2"), cseq=6))

    link.after[b"ZRANGEBYSCORE"] = refresh

    await sweeper(store).round()

    assert [("expired", "1"), ("added", "2")] == events(store_server)
    assert 1 == await store.count()


@pytest.mark.parametrize("kind", ["text", "instants", "type"])
async def test_what_cannot_be_read_is_in_nobodys_way(
    store: RedisStore, store_server: Server, kind: str
) -> None:
    """Though it is the first in the index for ever, and more than is taken in one go."""
    make_overdue(store_server, INDEX, DUE + 5)
    for number in range(DUE):
        name, key = b"rc:{0}:b:u%d@h" % number, b"sip:u%d@h" % number
        if kind == "type":
            store_server.ask(b"SET", name, b"no hash")
        else:
            value = b"no value of ours" if kind == "text" else b"1xxxxxxxxxxxxx"
            store_server.ask(b"HSET", name, key, value)
        store_server.ask(b"PEXPIRE", name, 60_000)

    for _ in range(2):
        await sweeper(store).round()

    assert DUE == left_in(store_server, INDEX)


async def test_several_bindings_of_an_aor_are_one_call(
    tapped: tuple[RedisStore, Tapped], store_server: Server
) -> None:
    """A phone with many lines goes in one go."""
    store, link = tapped
    await store.save(plan(*[bind(f"sip:{number}@h") for number in range(9)]))
    age(store_server, STORE, 60_000)
    before = link.calls[b"EVALSHA"]

    await sweeper(store).round()

    assert (before + 1, {}) == (link.calls[b"EVALSHA"], found(store_server, STORE).hashes)


async def test_a_partition_with_much_to_sweep_is_told(
    store: RedisStore, store_server: Server
) -> None:
    """So that it gets the time that is left over, and no more: others wait as well."""
    make_overdue(store_server, INDEX, DUE + 1)
    at_work = sweeper(store)

    told = [await at_work.sweep([INDEX]), await at_work.sweep([INDEX])]

    assert [[INDEX], []] == told
    assert 0 == left_in(store_server, INDEX)


async def test_what_is_left_of_a_round_goes_to_who_is_behind(
    store: RedisStore, store_server: Server
) -> None:
    """As long as there is any; here it does not go by."""
    make_overdue(store_server, INDEX, 4 * DUE)
    at_work = Sweeper(store, worker(store, "n1"), lambda: TABLES, lambda: 1000.0)

    await at_work.round(0.01)

    assert 0 == left_in(store_server, INDEX)


@pytest.mark.parametrize("members", [1, 2, 4])
async def test_many_workers_do_about_the_work_of_one(store_server: Server, members: int) -> None:
    """Each partition is looked at by one of them, and one in ten once more by another."""
    stores = [tapped_store(store_server.link(MANY), MANY) for _ in range(members)]
    workers = [worker(store, f"n{number}") for number, (store, _) in enumerate(stores)]
    await acquainted(workers)
    before = sum(link.calls.total() for _, link in stores)
    at_work = [
        Sweeper(store, leases, lambda: ["location"])
        for (store, _), leases in zip(stores, workers, strict=True)
    ]
    await asyncio.gather(*[each.round() for each in at_work])
    looks = sum(link.calls[b"ZRANGEBYSCORE"] for _, link in stores)
    commands = sum(link.calls.total() for _, link in stores) - before
    for store, _ in stores:
        await store.close()

    assert MANY.partitions <= looks <= 1.25 * MANY.partitions
    # The store's clock is asked for at first.
    assert looks + LOOKS * members >= commands


async def test_each_of_many_has_a_fair_share() -> None:
    """And who goes takes no more than its own with it: all others keep theirs."""
    partitions = [b"rc:{%d}:x" % number for number in range(256)]
    members = ["n1/0.a", "n1/1.b", "n2/0.c", "n2/1.d"]

    before = {index: chosen(members, index) for index in partitions}
    after = {index: chosen(members[:3], index) for index in partitions}

    shares = Counter(before.values())
    assert all(32 < shares[member] < 128 for member in members)
    assert all(after[index] == who for index, who in before.items() if who != members[3])


async def test_somebody_else_passes_by_where_a_worker_does_not_do_its_part(
    store_server: Server,
) -> None:
    """It has a lease, but does not sweep; ten rounds later all of its partitions are swept."""
    settings = structs.replace(STORE, partitions=20)
    store = open_store(store_server, settings)
    diligent, idle = worker(store, "n1"), worker(store, "n2")
    await acquainted([diligent, idle])
    for number in range(100):
        await store.save(replace(plan(bind(DESK)), aor=f"u{number}@h"))
    age(store_server, settings, 60_000)
    indexes = store.keys.indexes
    at_work = Sweeper(store, diligent, lambda: ["location"])

    await at_work.round()
    left = left_in(store_server, *indexes)
    for _ in range(9):
        await at_work.round()
    await store.close()

    assert 0 < left < 100
    assert 0 == left_in(store_server, *indexes)


async def test_a_store_that_does_not_answer_is_asked_again_later(real_server: RealServer) -> None:
    """A round without answers is a round: the link has counted the failures."""
    store = open_store(real_server, STORE)
    await store.check()
    await store.close()

    assert [] == await sweeper(store).sweep([INDEX])


async def test_a_store_that_fails_between_look_and_script_is_asked_again_later(
    real_server: RealServer,
) -> None:
    """What is overdue waits, and no partition is told to have more."""
    make_overdue(real_server, INDEX, DUE)
    store, link = tapped_store(real_server.link(STORE), STORE)
    link.after[b"ZRANGEBYSCORE"] = store.close

    assert [] == await sweeper(store).sweep([INDEX])
    assert DUE == left_in(real_server, INDEX)


PHONES, ROUNDS = 40, 8


async def test_what_is_acknowledged_is_there_however_close_its_expiry_was(
    real_server: RealServer,
) -> None:
    """Phones refresh around the very moment their bindings expire, under two sweepers.

    The feed tells a story that can be: nothing ends that was not there, nothing begins that was.
    """
    stores = [open_store(real_server, STORE) for _ in range(3)]
    phones = [f"u{number}@example.com" for number in range(PHONES)]
    feed: list[Entry] = []

    async def refresh(aor: str, cseq: int, within_s: float) -> str:
        await asyncio.sleep(random.uniform(0, within_s))
        verdict = await stores[0].save(replace(plan(bind(DESK), cseq=cseq), aor=aor))
        return verdict.outcome

    await asyncio.gather(*[refresh(aor, 0, 0.0) for aor in phones])
    sweepers = [sweeper(store, f"n{number}") for number, store in enumerate(stores[1:])]
    seen: Counter[str] = Counter()
    left_ms = 40
    while seen.total() < PHONES * ROUNDS or len(seen) < 2:
        feed += found(real_server, STORE).feed
        age(real_server, STORE, 60_000 - left_ms)
        cseq = 1 + seen.total() // PHONES
        refreshing = asyncio.gather(*[refresh(aor, cseq, 0.05) for aor in phones])
        while not refreshing.done():
            await asyncio.gather(*[each.sweep([INDEX]) for each in sweepers])
        outcomes = Counter(await refreshing)
        seen += outcomes
        # It takes a while to make them all so much older: how long, shows by who came too late.
        left_ms = left_ms * 2 if not outcomes["refreshed"] else max(left_ms * 2 // 3, 1)

        assert PHONES == await stores[0].count()
    feed += found(real_server, STORE).feed
    for store in stores:
        await store.close()

    for aor in phones:
        kinds = [kind for kind, who, _, _ in feed if who == aor.encode()]
        assert [b"added", b"expired"] * (len(kinds) // 2) + [b"added"] == kinds
