"""The sweeper beside phones that refresh: it moves their entries, and is in nobody's way."""

from dataclasses import replace

import pytest

from regcluster.store.remote import RedisStore
from regcluster.store.sweeping import AHEAD_MS
from tests.servers import RealServer, Server, open_store
from tests.store.alice import ALICE, DESK, INDEX, MOBILE, SOFT, STORE, bind, events, plan
from tests.store.stored import age, found
from tests.store.upkeep import Tapped, left_in, sweeper

pytestmark = pytest.mark.anyio


async def test_a_refresh_leaves_the_sweeper_to_move_its_entry(
    tapped: tuple[RedisStore, Tapped], store_server: Server
) -> None:
    """At its first look after the old expiry, and from then on there is nothing to look at."""
    store, link = tapped
    await store.save(plan(bind(DESK, 60)))
    before = found(store_server, STORE).indexes
    verdict = await store.save(plan(bind(DESK, 120), cseq=6))
    assert before == found(store_server, STORE).indexes
    age(store_server, STORE, 60_000)
    calls = link.calls[b"EVALSHA"]

    await sweeper(store).round()
    await sweeper(store).round()

    (entry,) = found(store_server, STORE).indexes[INDEX].values()
    assert verdict.record.bindings[0].expires_at - 60_000 == entry
    assert (calls + 1, 1) == (link.calls[b"EVALSHA"], await store.count())


async def test_a_refresh_to_an_earlier_end_is_found_in_time(
    store: RedisStore, store_server: Server
) -> None:
    """Its entry moves at once."""
    await store.save(plan(bind(DESK, 600, ruid="uloc-1")))
    await store.save(plan(bind(DESK, 60), cseq=6))
    age(store_server, STORE, 60_000)

    await sweeper(store).round()

    assert [("expired", "1")] == events(store_server)


async def test_a_call_serves_what_will_soon_be_due(
    tapped: tuple[RedisStore, Tapped], store_server: Server
) -> None:
    """Of three that were refreshed, the one whose entry is not due for long is not looked at."""
    store, link = tapped
    ahead_s = AHEAD_MS // 1000
    ends = {DESK: 60, MOBILE: 60 + ahead_s // 2, SOFT: 60 + ahead_s * 2}
    await store.save(plan(*[bind(uri, seconds) for uri, seconds in ends.items()]))
    await store.save(plan(*[bind(uri, 300) for uri in ends], cseq=6))
    age(store_server, STORE, 60_000)
    calls = link.calls[b"EVALSHA"]

    await sweeper(store).round()

    entries = found(store_server, STORE).indexes[INDEX]
    record = await store.fetch(ALICE)
    moved = {
        binding.uri
        for binding in record.bindings
        if entries[f"{ALICE}\n{binding.key}".encode()] == binding.expires_at
    }
    assert ({DESK, MOBILE}, calls + 1) == (moved, link.calls[b"EVALSHA"])


@pytest.mark.parametrize("word", [b"ZCOUNT", b"ZRANGEBYSCORE"])
async def test_a_count_beside_a_sweeper_is_right(
    tapped: tuple[RedisStore, Tapped], store_server: Server, word: bytes
) -> None:
    """And counts nobody who is dead: it moves entries, or takes them out, between two questions."""
    store, link = tapped
    other = open_store(store_server, STORE)
    await store.save(plan(bind(DESK, 60), bind(SOFT, 60)))
    await store.save(plan(bind(DESK, 120), cseq=6))
    age(store_server, STORE, 60_000)
    link.after[word] = sweeper(other).round

    counted = await store.count()
    await other.close()

    assert (1, {}) == (counted, link.after)


async def test_a_server_out_of_memory_is_relieved_all_the_same(real_server: RealServer) -> None:
    """It refuses to move the entry of who has refreshed, if that is the first thing asked of it."""
    store = open_store(real_server, STORE)
    await store.save(plan(bind(DESK, 60)))
    await store.save(plan(bind(DESK, 600), cseq=6))
    for number in range(3):
        await store.save(replace(plan(bind(SOFT, 61)), aor=f"u{number}@h"))
    age(real_server, STORE, 70_000)
    real_server.ask(b"CONFIG", b"SET", b"maxmemory", b"1")
    try:
        await sweeper(store).round()
        left = left_in(real_server, INDEX)
    finally:
        real_server.ask(b"CONFIG", b"SET", b"maxmemory", b"0")
        await store.close()

    assert 1 == left
