"""``event_callback``: who is told of an expiry, and what becomes of it when the script fails."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from prometheus_client import REGISTRY

from regcluster.control.callbacks import Callbacks, IsOurs, Pace, Tell, all_ours
from regcluster.errors import StoreError
from regcluster.registrar.plan import DEFAULT_TABLE
from regcluster.store.event import Event
from regcluster.store.expiries import GROUP, PATIENCE_MS
from regcluster.store.keys import Keys
from regcluster.store.remote import RedisStore
from tests.control.watch import PATIENCE_S, Watch
from tests.servers import RealServer, open_store
from tests.store.feed import SETTINGS

pytestmark = [pytest.mark.anyio, pytest.mark.server]

FEEDS = Keys(SETTINGS).feeds
TABLES = [DEFAULT_TABLE]
PACE = Pace(look_s=0.01, pass_s=0.05, call_s=0.05)
SELDOM = Pace(look_s=0.01, pass_s=1000.0)
VALUE = (
    b"11700000060000" + b"1700000000000" * 2 + b"0000000007" + b"d" * 16 + b"uloc-1\n"
    b"\x95\xa0\xff\xa0\xa5c1@ex\xa7Phone/1"
)


@pytest.fixture
async def store(server_url: str, valkey: RealServer) -> AsyncIterator[RedisStore]:
    """An empty store."""
    store = open_store(valkey, SETTINGS)
    yield store
    await store.close()


class Script:
    """A script that notes what it is told; ``fails`` are users over whom it breaks."""

    def __init__(self, fails: Sequence[str] = ()) -> None:
        self.told: list[str] = []
        self._fails = fails
        self.watch = Watch()

    async def __call__(self, event: Event) -> None:
        """Be told of one expiry."""
        self.told.append(event.aor)
        self.watch()
        if event.aor in self._fails:
            raise KeyError(event.aor)

    async def until(self, count: int) -> None:
        """Return once it was told so often."""
        await self.watch.until(lambda: len(self.told) >= count)


@asynccontextmanager
async def calling(
    store: RedisStore, tell: Tell, is_ours: IsOurs = all_ours, pace: Pace = PACE
) -> AsyncIterator[Callbacks]:
    """``tell`` is called for what expires from here on."""
    for feed in FEEDS:
        # It would be made by the first look, and only what comes later is shared out.
        with suppress(StoreError):
            await store.link.call(b"XGROUP", b"CREATE", feed, GROUP, b"$", b"MKSTREAM")
    callbacks = Callbacks(store, is_ours, pace)
    callbacks.apply(tell, TABLES)
    try:
        yield callbacks
    finally:
        await callbacks.close(PATIENCE_S)


def expire(server: RealServer, *aors: str, partition: int = 0, value: bytes = VALUE) -> list[str]:
    """What a sweeper writes about a binding of each of ``aors``."""
    for aor in aors:
        fields = (b"kind", b"expired", b"aor", aor, b"key", b"sip:a@192.0.2.1", b"value", value)
        server.ask(b"XADD", FEEDS[partition], b"*", *fields)
    return list(aors)


def pending(server: RealServer) -> int:
    """Events that somebody has taken and not settled."""
    return sum(server.ask(b"XPENDING", feed, GROUP)[0] for feed in FEEDS)


def counted(outcome: str) -> float:
    """How many callbacks ended so."""
    labels = {"outcome": outcome}
    return REGISTRY.get_sample_value("regcluster_event_callbacks_total", labels) or 0.0


async def test_each_expiry_is_told_on_one_worker(store: RedisStore, valkey: RealServer) -> None:
    """However many look at the same partition."""
    script, done = Script(), counted("done")
    async with (
        calling(store, script),
        calling(store, script),
        calling(store, script),
    ):
        aors = []
        for partition in range(len(FEEDS)):
            names = [f"u{number}.{partition}" for number in range(12)]
            aors += expire(valkey, *names, partition=partition)
        await script.until(len(aors))

    assert (sorted(aors), 0) == (sorted(script.told), pending(valkey))
    assert len(aors) == counted("done") - done


async def test_how_late_a_script_is_told_is_counted(store: RedisStore, valkey: RealServer) -> None:
    """By the store's clock, from the event's being written."""
    name, script = "regcluster_feed_lag_seconds", Script()
    before = REGISTRY.get_sample_value(f"{name}_sum") or 0.0
    async with calling(store, script):
        at = int(await store.now()) - 7000
        fields = (b"kind", b"expired", b"aor", b"late", b"key", b"sip:a@192.0.2.1")
        valkey.ask(b"XADD", FEEDS[0], b"%d-0" % at, *fields, b"value", VALUE)
        await script.until(1)
    lag_s = (REGISTRY.get_sample_value(f"{name}_sum") or 0.0) - before

    assert 7.0 <= lag_s < 7.0 + PATIENCE_S


async def test_a_script_that_fails_is_told_of_the_next(
    store: RedisStore, valkey: RealServer
) -> None:
    """Its failure is counted, and the event dealt with: it would fail again."""
    script, failed = Script(fails=["bad"]), counted("failed")
    async with calling(store, script):
        aors = expire(valkey, "bad", "good")
        await script.until(2)

    assert (aors, 1, 0) == (script.told, counted("failed") - failed, pending(valkey))


async def test_a_script_that_hangs_is_cancelled(store: RedisStore, valkey: RealServer) -> None:
    """And told of the next."""
    script = Script()

    async def hang(event: Event) -> None:
        if event.aor == "slow":
            await asyncio.Event().wait()
        await script(event)

    failed = counted("failed")
    async with calling(store, hang):
        expire(valkey, "slow", "next")
        await script.until(1)

    assert (["next"], 1, 0) == (script.told, counted("failed") - failed, pending(valkey))


async def test_what_falls_to_another_is_left_to_it(store: RedisStore, valkey: RealServer) -> None:
    """From the first pass, which is at once, to the next."""
    script = Script()
    async with calling(store, script, lambda feed: feed == FEEDS[1], SELDOM):
        expire(valkey, "first", partition=1)
        await script.until(1)
        expire(valkey, "theirs", partition=0)
        expire(valkey, "ours", partition=1)
        await script.until(2)

    assert ["first", "ours"] == script.told


async def test_whoever_passes_tells_of_everything(store: RedisStore, valkey: RealServer) -> None:
    """A worker that thinks too little of itself must not leave anything untold."""
    script = Script()
    async with calling(store, script, lambda _: False):
        expire(valkey, "anybody's")
        await script.until(1)

    assert ["anybody's"] == script.told


async def test_what_a_dead_worker_has_taken_is_told_again(
    store: RedisStore, valkey: RealServer
) -> None:
    """Once it has had its time."""
    script = Script()
    valkey.ask(b"XGROUP", b"CREATE", FEEDS[0], GROUP, b"0", b"MKSTREAM")
    expire(valkey, "left")
    words = (b"GROUP", GROUP, b"regcluster", b"STREAMS", FEEDS[0], b">")
    [(_, [(place, _)])] = valkey.ask(b"XREADGROUP", *words)
    idle = (b"IDLE", PATIENCE_MS + 1, b"JUSTID")
    valkey.ask(b"XCLAIM", FEEDS[0], GROUP, b"regcluster", 0, place, *idle)
    async with calling(store, script):
        await script.until(1)

    assert (["left"], 0) == (script.told, pending(valkey))


async def test_what_only_a_newer_node_can_read_is_left_to_it(
    store: RedisStore, valkey: RealServer
) -> None:
    """It is counted, not told without its binding, and not dealt with."""
    script, unreadable = Script(), counted("unreadable")
    async with calling(store, script):
        expire(valkey, "newer", value=b"9" + VALUE[1:])
        expire(valkey, "ours")
        await script.until(1)

    assert (["ours"], 1, 1) == (
        script.told,
        counted("unreadable") - unreadable,
        pending(valkey),
    )


async def test_what_is_being_told_may_end_before_a_worker_does(
    store: RedisStore, valkey: RealServer
) -> None:
    """And nothing more is begun; what was taken with it is left to others."""
    script, gate = Script(), asyncio.Event()

    async def wait(event: Event) -> None:
        await script(event)
        await gate.wait()

    callbacks = Callbacks(store, all_ours, SELDOM)
    valkey.ask(b"XGROUP", b"CREATE", FEEDS[0], GROUP, b"0", b"MKSTREAM")
    expire(valkey, "first", "second")
    callbacks.apply(wait, TABLES)
    await script.until(1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(callbacks.close(PATIENCE_S))
        await asyncio.sleep(0)
        gate.set()

    assert (["first"], 1) == (script.told, pending(valkey))


async def test_a_worker_does_not_wait_for_ever_to_end(
    store: RedisStore, valkey: RealServer
) -> None:
    """What hangs is cut off; another worker tells it anew."""
    script, gate = Script(), asyncio.Event()

    async def hang(event: Event) -> None:
        await script(event)
        await gate.wait()

    async with calling(store, hang, pace=SELDOM) as callbacks:
        expire(valkey, "slow")
        await script.until(1)
        await callbacks.close(0.01)

    assert 1 == pending(valkey)


async def test_a_script_may_stop_wanting_to_be_told(store: RedisStore, valkey: RealServer) -> None:
    """Another one that begins later is told what has happened meanwhile."""
    script, other = Script(), Script()
    async with calling(store, script) as callbacks:
        expire(valkey, "first")
        await script.until(1)
        callbacks.apply(None, TABLES)
        expire(valkey, "second")
        callbacks.apply(other, TABLES)
        await other.until(1)

    assert (["first"], ["second"]) == (script.told, other.told)


async def test_a_look_that_fails_for_whatever_reason_is_not_the_last(
    store: RedisStore, valkey: RealServer
) -> None:
    """Here somebody has written what no script of ours does; other partitions go on."""
    script = Script()
    async with calling(store, script):
        valkey.ask(b"XADD", FEEDS[0], b"*", b"kind", b"expired")
        for number in range(2):
            expire(valkey, f"u{number}", partition=1)
            await script.until(number + 1)

    assert ["u0", "u1"] == script.told


async def test_a_store_that_comes_back_is_looked_at_again(
    store: RedisStore, valkey: RealServer
) -> None:
    """Losing the connection costs a look."""
    script = Script()
    async with calling(store, script):
        for number in range(2):
            valkey.ask(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")
            expire(valkey, f"u{number}")
            await script.until(number + 1)

    assert ["u0", "u1"] == script.told
