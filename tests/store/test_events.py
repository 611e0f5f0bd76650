"""The change feed, read from real servers that are well and from others that are not."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import msgspec
import pytest

from regcluster.errors import StoreError, StoreUnavailable
from regcluster.store import open_store as open_url
from regcluster.store.event import Since
from regcluster.store.events import BATCH, Wanted
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.remote import RedisStore
from tests.servers import RealServer, open_store
from tests.store.alice import ALICE, bind, plan, remove
from tests.store.feed import (
    SETTINGS,
    Player,
    is_in_order,
    last_ids,
    listening,
    put_together,
    stored,
)
from tests.store.wiring import BRIEF_S, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]

FLAGS = b"notify-keyspace-events"
FEEDS = Keys(SETTINGS).feeds
FEED = Keys(SETTINGS).of(text_bytes(ALICE))[2]
PARTITION = FEEDS.index(FEED)


@pytest.fixture
async def store(real_server: RealServer) -> AsyncIterator[RedisStore]:
    """An empty store."""
    store = open_store(real_server, SETTINGS)
    yield store
    await store.close()


async def bound(store: RedisStore, *numbers: int) -> list[tuple[str, str]]:
    """Bind that many contacts of Alice's; the events of it."""
    for number in numbers:
        await store.save(plan(bind(f"sip:alice@192.0.2.{number}"), cseq=number, call_id="c1"))
    return [("added", f"sip:alice@192.0.2.{number}") for number in numbers]


def nothing(_: RealServer) -> None:
    """The server is left in peace."""


def subscribers_gone(server: RealServer) -> None:
    """Whoever subscribes loses the connection."""
    server.ask(b"CLIENT", b"KILL", b"TYPE", b"pubsub")


def notifications_off(server: RealServer) -> None:
    """The server notifies nobody of anything any more."""
    server.ask(b"CONFIG", b"SET", FLAGS, b"")


def everybody_gone(server: RealServer) -> None:
    """All connections are lost; what was asked over them may be done or not."""
    server.ask(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")
    server.ask(b"CLIENT", b"KILL", b"TYPE", b"pubsub")


@pytest.mark.parametrize("harm", [nothing, subscribers_gone, notifications_off, everybody_gone])
async def test_events_put_together_are_the_difference_of_states(
    real_server: RealServer, store: RedisStore, harm: Callable[[RealServer], None]
) -> None:
    """None missing, none twice, in order for each AOR, whatever becomes of notifications."""
    player = Player(store, random.Random(4))
    await player.play(50)
    before, began = await stored(store), last_ids(real_server.ask)
    async with listening(store, look_s=BRIEF_S) as listener:
        for _ in range(5):
            harm(real_server)
            with suppress(StoreUnavailable):
                await player.play(40)
        news = last_ids(real_server.ask) - began
        await listener.until(lambda: news <= set(listener.ids))

    assert (await stored(store), True) == (
        put_together(listener.events, before),
        is_in_order(listener.ids),
    )


async def test_a_notification_is_enough_to_be_told_at_once(
    real_server: RealServer, store: RedisStore
) -> None:
    """Well before the next look: an event a second apart from the last look costs no second."""
    loop = asyncio.get_running_loop()
    async with listening(store) as listener:
        await bound(store, 1)
        await listener.count(1)
        began = loop.time()
        for number in range(2, 12):
            await bound(store, number)
            await listener.count(number)
        took = loop.time() - began

    # Ten looks would take ten seconds.
    assert took < 3.0


async def test_flags_that_others_need_stay(real_server: RealServer, store: RedisStore) -> None:
    """Ours are added to those of keys that expire, say."""
    real_server.ask(b"CONFIG", b"SET", FLAGS, b"Ex")
    async with listening(store):
        await until(lambda: set(b"EKtx") == set(real_server.ask(b"CONFIG", b"GET", FLAGS)[1]))


async def test_an_account_that_may_neither_configure_nor_subscribe_is_told_all_the_same(
    real_server: RealServer,
) -> None:
    """Reading once a second is all it takes."""
    rights = (b"on", b">pw", b"~*", b"+@all", b"-config", b"-subscribe", b"-psubscribe")
    real_server.ask(b"ACL", b"SETUSER", b"poor", *rights)
    url = f"{real_server.url}?username=poor&password=pw"
    poor = await open_url(msgspec.structs.replace(SETTINGS, url=url))
    try:
        async with listening(poor, look_s=BRIEF_S) as listener:
            expected = await bound(poor, 1, 2, 3)
            await listener.count(3)
    finally:
        await poor.close()
        real_server.ask(b"ACL", b"DELUSER", b"poor")

    assert expected == listener.told


async def test_an_account_that_may_not_read_is_told_so(real_server: RealServer) -> None:
    """No waiting for what will not come by itself."""
    real_server.ask(b"ACL", b"SETUSER", b"blind", b"on", b">pw", b"~*", b"+@all", b"-xrange")
    url = f"{real_server.url}?username=blind&password=pw"
    blind = await open_url(msgspec.structs.replace(SETTINGS, url=url))
    try:
        async with blind.watch() as watch:
            with pytest.raises(StoreError, match="NOPERM"):
                await anext(aiter(watch))
    finally:
        await blind.close()
        real_server.ask(b"ACL", b"DELUSER", b"blind")


async def test_what_was_there_before_is_no_news(store: RedisStore) -> None:
    """Where nothing else is said, a watch begins now."""
    await bound(store, 1)
    async with listening(store) as listener:
        expected = await bound(store, 2)
        await listener.count(1)

    assert expected == listener.told


async def test_the_feed_can_be_read_from_its_beginning(store: RedisStore) -> None:
    """As far back as it reaches, and on from there; more than fits into one answer too."""
    expected = await bound(store, *range(1, BATCH + 10))
    async with listening(store, Wanted(since=Since(at=0))) as listener:
        expected += await bound(store, 250)
        await listener.count(len(expected))

    assert expected == listener.told


async def test_the_feed_can_be_read_behind_an_event(
    real_server: RealServer, store: RedisStore
) -> None:
    """By its place in its partition."""
    await bound(store, 1, 2)
    [name] = last_ids(real_server.ask)
    expected = await bound(store, 3, 4)
    since = Since({PARTITION: name.partition(":")[2]})
    async with listening(store, Wanted(since=since)) as listener:
        await listener.count(2)

    assert expected == listener.told


@pytest.mark.parametrize("is_ago", [False, True])
async def test_the_feed_can_be_read_from_an_instant(
    real_server: RealServer, store: RedisStore, is_ago: bool
) -> None:
    """What happened in that very millisecond is told; the instant may be as long ago as said."""
    now = int(real_server.ask(b"TIME")[0]) * 1000
    real_server.ask(b"XADD", FEED, f"{now - 60_000}-5", *_entry("sip:old@192.0.2.1"))
    real_server.ask(b"XADD", FEED, f"{now - 20_000}-0", *_entry("sip:new@192.0.2.1"))
    since = Since(at=-30_000 if is_ago else now - 20_000)
    async with listening(store, Wanted(since=since)) as listener:
        await listener.count(1)

    assert [f"{PARTITION}:{now - 20_000}-0"] == listener.ids


async def test_one_aor_can_be_watched_alone(store: RedisStore) -> None:
    """Others in its partition are passed over, other partitions not even read."""
    crowd = [bind(f"sip:u@192.0.2.{number}") for number in range(1, 4)]
    async with listening(store, Wanted(aor=ALICE)) as listener:
        for number in range(30):
            other = plan(*crowd, cseq=1, call_id="c1")
            other.aor = f"other{number}@example.com"
            await store.save(other)
        expected = await bound(store, 1)
        await listener.count(1)

    assert expected == listener.told


async def test_other_tables_have_feeds_of_their_own(store: RedisStore) -> None:
    """Nothing of one is told in another."""
    async with listening(store, Wanted(table="guests")) as listener:
        await bound(store, 1)
        guest = plan(bind("sip:alice@192.0.2.9"))
        guest.table = "guests"
        await store.save(guest)
        await listener.count(1)

    assert [("guests", "sip:alice@192.0.2.9")] == [
        (event.table, event.binding.uri) for event in listener.events if event.binding
    ]


async def test_a_refresh_is_no_event_and_a_removal_is(store: RedisStore) -> None:
    """The last value is told with it."""
    desk = "sip:alice@192.0.2.1"
    async with listening(store) as listener:
        for cseq, change in enumerate([bind(desk), bind(desk), remove(desk)], start=1):
            await store.save(plan(change, cseq=cseq))
        await listener.count(2)

    assert [("added", desk), ("removed", desk)] == listener.told


async def test_what_a_capped_feed_has_lost_is_told_as_a_gap(
    real_server: RealServer, store: RedisStore
) -> None:
    """It begins with it, and goes on with what is left."""
    await bound(store, 1, 2)
    [told] = last_ids(real_server.ask)
    await bound(store, 3, 4)
    real_server.ask(b"XTRIM", FEED, b"MAXLEN", 1)
    since = Since({PARTITION: told.partition(":")[2]})
    async with listening(store, Wanted(since=since)) as listener:
        await listener.count(2)

    assert [("gap", ""), ("added", "sip:alice@192.0.2.4")] == listener.told


async def test_a_feed_that_was_capped_has_a_gap_before_its_beginning(
    real_server: RealServer, store: RedisStore
) -> None:
    """Who asks for all there ever was has to hear that it is not there."""
    await bound(store, 1, 2, 3)
    real_server.ask(b"XTRIM", FEED, b"MAXLEN", 1)
    async with listening(store, Wanted(since=Since(at=0))) as listener:
        await listener.count(2)

    assert [("gap", ""), ("added", "sip:alice@192.0.2.3")] == listener.told


async def test_a_feed_that_was_emptied_has_a_gap(
    real_server: RealServer, store: RedisStore
) -> None:
    """Once, also when nothing follows; and what follows is told."""
    async with listening(store) as listener:
        expected = await bound(store, 1)
        await listener.count(1)
        real_server.ask(b"FLUSHALL")
        expected += [("gap", "")]
        await listener.count(2)
        expected += await bound(store, 2)
        await listener.count(3)

    assert expected == listener.told


async def test_a_feed_that_has_lost_what_was_told_is_told_again(
    real_server: RealServer, store: RedisStore
) -> None:
    """As after a failover to a replica that had not heard of it: with the same ids."""
    async with listening(store) as listener:
        first = await bound(store, 1, 2)
        await listener.count(2)
        [lost] = last_ids(real_server.ask)
        real_server.ask(b"XDEL", FEED, lost.partition(":")[2])
        second = await bound(store, 3)
        await listener.count(5)

    assert [*first, ("gap", ""), first[0], *second] == listener.told
    assert listener.ids[0] == listener.ids[3]


async def test_an_entry_of_a_newer_layout_is_told_without_a_binding(
    real_server: RealServer, store: RedisStore
) -> None:
    """In the middle of an upgrade nobody stops reading."""
    async with listening(store) as listener:
        real_server.ask(b"XADD", FEED, b"*", *_entry("sip:alice@192.0.2.1", b"9" + b"0" * 80))
        expected = [("added", ""), *await bound(store, 1)]
        await listener.count(2)

    assert expected == listener.told


def _entry(uri: str, value: bytes = b"") -> tuple[bytes, ...]:
    value = value or b"1" + b"0" * 49 + b"0" * 16 + b"ruid\n" + b"\x95\xa0\xff\xa0\xa1c\xa0"
    return (b"kind", b"added", b"aor", ALICE.encode(), b"key", uri.encode(), b"value", value)
