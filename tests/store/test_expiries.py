"""Expiries shared out: each to one taker, until somebody has dealt with it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from regcluster.store.event import Event
from regcluster.store.expiries import GROUP, LENGTH, Expiries
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.remote import RedisStore
from tests.servers import RealServer, open_store
from tests.store.alice import ALICE, bind, plan
from tests.store.feed import SETTINGS

pytestmark = [pytest.mark.anyio, pytest.mark.server]

KEYS = Keys(SETTINGS)
HASH, _, FEED = KEYS.of(text_bytes(ALICE))
PARTITION = KEYS.feeds.index(FEED)


@pytest.fixture
async def store(real_server: RealServer) -> AsyncIterator[RedisStore]:
    """An empty store."""
    store = open_store(real_server, SETTINGS)
    yield store
    await store.close()


@pytest.fixture
async def expiries(store: RedisStore) -> Expiries:
    """Alice's partition is shared out from now on."""
    expiries = Expiries(store.link, store.keys)
    assert [] == await taken(expiries)
    return expiries


async def expire(server: RealServer, store: RedisStore, *names: str) -> list[str]:
    """Let bindings of Alice's come and expire, one after the other; their URIs."""
    uris = [f"sip:{name}@192.0.2.1" for name in names]
    for uri in uris:
        await store.save(plan(bind(uri), call_id=uri))
        [key, value] = server.ask(b"HGETALL", HASH)
        server.ask(b"HSET", HASH, key, b"1%013d" % 1 + value[14:])
        await store.drop(ALICE)
    return uris


async def taken(expiries: Expiries, patience_ms: int | None = None) -> list[Event]:
    """All that can be had, none of it settled."""
    taken, more = [], True
    while more:
        events, more = await expiries.take(PARTITION, patience_ms)
        taken += events
    return taken


def contacts(events: list[Event]) -> list[str]:
    """The contact of each event, all of which are expiries."""
    assert {"expired"} >= {event.kind for event in events}
    return [event.binding.uri for event in events if event.binding]


async def test_expiries_are_taken_in_order_and_nothing_else_is(
    real_server: RealServer, store: RedisStore, expiries: Expiries
) -> None:
    """However many other events stand between them."""
    uris = await expire(real_server, store, "a", "b")
    for cseq in range(150):
        await store.save(plan(bind(f"sip:x@192.0.2.{cseq}"), cseq=cseq, call_id="c2"))
    await store.drop(ALICE)
    uris += await expire(real_server, store, "c")

    assert uris == contacts(await taken(expiries))


async def test_an_expiry_is_taken_once(
    real_server: RealServer, store: RedisStore, expiries: Expiries
) -> None:
    """By whichever of several takers comes first."""
    uris = await expire(real_server, store, *"abcdefghijkl")
    takers = [Expiries(store.link, store.keys) for _ in range(4)]
    shares = await asyncio.gather(*[taken(taker) for taker in [expiries, *takers]])

    assert sorted(uris) == sorted(uri for share in shares for uri in contacts(share))


async def test_a_taker_takes_no_more_than_it_can_deal_with(
    real_server: RealServer, store: RedisStore, expiries: Expiries
) -> None:
    """And hears that there is more."""
    await expire(real_server, store, *"abcdefgh")
    events, more = await expiries.take(PARTITION)

    assert (True, True) == (0 < len(events) <= LENGTH, more)


async def test_what_a_taker_has_left_behind_is_taken_again(
    real_server: RealServer, store: RedisStore, expiries: Expiries
) -> None:
    """Not before it was given its time; and only what it has not settled."""
    uris = await expire(real_server, store, "a", "b", "c")
    first, *_ = await taken(expiries)
    await expiries.settle(PARTITION, [first])
    other = Expiries(store.link, store.keys)
    in_time = await taken(other, patience_ms=60_000)
    events, _ = await other.take(PARTITION, patience_ms=0)

    assert ([], uris[1:]) == (in_time, contacts(events))


async def test_what_is_settled_is_over(
    real_server: RealServer, store: RedisStore, expiries: Expiries
) -> None:
    """Nothing is kept of it, nor of events of other kinds."""
    await expire(real_server, store, *"abc")
    await expiries.settle(PARTITION, await taken(expiries))
    await expiries.settle(PARTITION, [])

    assert 0 == real_server.ask(b"XPENDING", FEED, GROUP)[0]


async def test_what_happened_before_anybody_asked_is_not_told(
    real_server: RealServer, store: RedisStore
) -> None:
    """A script that is new to a store need not hear of last week."""
    await expire(real_server, store, "a")

    assert [] == await taken(Expiries(store.link, store.keys))


async def test_a_feed_that_was_deleted_is_read_from_its_new_beginning(
    real_server: RealServer, store: RedisStore, expiries: Expiries
) -> None:
    """Whoever has taken from it before misses nothing of the new one."""
    real_server.ask(b"DEL", FEED)
    uris = await expire(real_server, store, "a")
    first = await taken(expiries)

    assert uris == contacts(first + await taken(expiries))


async def test_what_was_cut_off_meanwhile_is_passed_over(
    real_server: RealServer, store: RedisStore, expiries: Expiries
) -> None:
    """A capped feed loses events that somebody has taken and not settled."""
    uris = await expire(real_server, store, "a", "b")
    await taken(expiries)
    real_server.ask(b"XTRIM", FEED, b"MAXLEN", 1)
    events, _ = await expiries.take(PARTITION, patience_ms=0)

    assert uris[1:] == contacts(events)
