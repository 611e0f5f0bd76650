"""``sweep.lua``: what is overdue goes, with an event, and nothing else does."""

import asyncio

import pytest

from regcluster.store.codec import decode
from regcluster.store.remote import RedisStore
from tests.servers import Server
from tests.store.alice import ALICE, DESK, HASH, INDEX, MOBILE, SOFT, STORE, bind, events, plan
from tests.store.stored import age, found

pytestmark = pytest.mark.anyio

MEMBERS = [f"{ALICE}\n{key}".encode() for key in (DESK, bind(MOBILE).key, SOFT)]


async def sweep(store: RedisStore) -> tuple[int, list[int]]:
    """Sweep what Alice may have bound; how much was settled, and when what went had expired."""
    _, settled, *gone = map(int, await store.scripts.sweep(INDEX, MEMBERS))
    return settled, gone


async def test_what_is_overdue_goes_with_an_event_and_the_rest_stays(
    store: RedisStore, store_server: Server
) -> None:
    """Whatever was asked for: the script looks at the time itself."""
    record = (await store.save(plan(bind(DESK, 60), bind(MOBILE, 61), bind(SOFT, 120)))).record
    age(store_server, STORE, 61_000)
    found(store_server, STORE)

    gone = await sweep(store)

    stored = found(store_server, STORE)
    assert (2, [record.now - 1000, record.now]) == gone
    assert [SOFT.encode()] == list(stored.hashes[HASH])
    assert [f"{ALICE}\n{SOFT}".encode()] == list(stored.indexes[INDEX])
    assert [b"expired"] * 2 == [entry[0] for entry in stored.feed]


async def test_nothing_is_left_of_an_aor_whose_last_binding_is_swept(
    store: RedisStore, store_server: Server
) -> None:
    """Neither in the hash nor in the index."""
    await store.save(plan(bind(DESK)))
    age(store_server, STORE, 60_000)

    await sweep(store)

    stored = found(store_server, STORE)
    assert ({}, {}) == (stored.hashes, stored.indexes)


async def test_of_two_sweepers_one_finds_the_binding(
    store: RedisStore, store_server: Server
) -> None:
    """An expiry is told once."""
    await store.save(plan(bind(DESK, ruid="uloc-1")))
    age(store_server, STORE, 60_000)

    await asyncio.gather(sweep(store), sweep(store))

    assert [("expired", "1")] == events(store_server)


async def test_a_binding_that_redis_has_forgotten_is_told_with_what_is_known(
    store: RedisStore, store_server: Server
) -> None:
    """By the index: nobody has swept for so long that the AOR's hash is gone."""
    record = (await store.save(plan(bind(MOBILE, 60)))).record
    age(store_server, STORE, 60_000)
    store_server.ask(b"DEL", HASH)

    gone = await sweep(store)

    (kind, _, key, value), *more = found(store_server, STORE).feed
    binding = decode(key, value)
    expected = (b"expired", MOBILE, record.now)
    assert expected == (kind, binding.uri, binding.expires_at)
    assert ((1, [record.now]), []) == (gone, more)
    assert {} == found(store_server, STORE).indexes


async def test_an_index_that_is_wrong_is_put_right(store: RedisStore, store_server: Server) -> None:
    """Else its member would be in the way of all that are overdue."""
    await store.save(plan(bind(DESK)))
    expected = found(store_server, STORE).indexes
    store_server.ask(b"ZADD", INDEX, 1, f"{ALICE}\n{DESK}")

    gone = await sweep(store)

    assert ((1, []), expected) == (gone, found(store_server, STORE).indexes)
