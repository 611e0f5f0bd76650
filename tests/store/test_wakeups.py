"""Notifications as wake-ups: which ring, and what becomes of a connection that brings none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from regcluster.config import StoreSettings
from regcluster.store.endpoint import Endpoint, parse
from regcluster.store.keys import Keys
from regcluster.store.wakeups import PING_S, Wakeups
from tests.servers import RealServer
from tests.store.puppet import OK, WAIT_S, Command, Puppet, saying

pytestmark = pytest.mark.anyio

SUBSCRIBED = b"*3\r\n$10\r\npsubscribe\r\n$1\r\nx\r\n:1\r\n"
FLAGS = b"*2\r\n$22\r\nnotify-keyspace-events\r\n$2\r\nKt\r\n"
PONG = b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
REFUSED = b"-NOPERM this user has no permissions\r\n"

USUAL: dict[bytes, bytes | None] = {
    b"CONFIG": FLAGS,
    b"PSUBSCRIBE": SUBSCRIBED,
    b"PING": PONG,
}


class Bell:
    """Notes for which partitions it was rung; None: for any."""

    def __init__(self) -> None:
        self.rung: list[int | None] = []
        self._changed = asyncio.Event()

    def __call__(self, partition: int | None) -> None:
        """Ring."""
        self.rung.append(partition)
        self._changed.set()

    async def times(self, count: int) -> list[int | None]:
        """What it was rung for, once it was so often."""
        async with asyncio.timeout(WAIT_S):
            while len(self.rung) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.rung


@asynccontextmanager
async def listening(
    primaries: Sequence[Endpoint], prefix: bytes = b"rc", ping_s: float = PING_S
) -> AsyncIterator[tuple[Wakeups, Bell]]:
    """Wake-ups from ``primaries``, which the test may change, and the bell they ring."""
    bell = Bell()
    wakeups = Wakeups(prefix, lambda: primaries, bell, ping_s)
    wakeups.follow()
    try:
        yield wakeups, bell
    finally:
        await wakeups.close()


def message(channel: str, event: str) -> bytes:
    """A notification as RESP2 spells it."""
    words = ["pmessage", "pattern", channel, event]
    return b"*4\r\n" + b"".join(f"${len(word)}\r\n{word}\r\n".encode() for word in words)


def place(puppet: Puppet, login: str = "") -> Endpoint:
    """The way to ``puppet``."""
    return parse(puppet.url.replace("//", f"//{login}"))


@pytest.mark.server
@pytest.mark.parametrize(
    ("prefix", "table", "query"),
    [("rc", "location", ""), ("rc", "guests", "?db=3"), ("r*[a-z]?\\^c", "location", "")],
)
async def test_it_rings_for_feeds_that_grow(
    real_server: RealServer, prefix: str, table: str, query: str
) -> None:
    """Of that table, in that database, whatever the prefix; the partition is told."""
    keys = Keys(StoreSettings(prefix=prefix, partitions=20), table)
    start = keys.feeds[0].removesuffix(b":{0}:e")
    url = real_server.url + query
    with real_server.client() as client:
        client.execute_command("SELECT", parse(url).db)
        async with listening([parse(url)], start) as (_, bell):
            await bell.times(1)
            client.execute_command("XADD", b"other" + keys.feeds[1], "*", "a", "b")
            client.execute_command("XADD", keys.indexes[2], "*", "a", "b")
            client.execute_command("XADD", keys.feeds[17], "*", "a", "b")
            client.execute_command("XTRIM", keys.feeds[17], "MAXLEN", "0")
            client.execute_command("XADD", keys.feeds[3], "*", "a", "b")
            rung = await bell.times(3)
        client.execute_command("FLUSHALL")

    assert [None, 17, 3] == rung


async def test_it_says_who_it_is_and_subscribes() -> None:
    """A password first; flags that are there are not set again."""
    async with (
        Puppet(saying(USUAL)) as puppet,
        listening([place(puppet, "user:secret@")]) as (_, bell),
    ):
        await bell.times(1)

    assert [
        [b"AUTH", b"user", b"secret"],
        [b"CLIENT", b"SETNAME", b"regcluster-feed"],
        [b"CONFIG", b"GET", b"notify-keyspace-events"],
        [b"PSUBSCRIBE", b"__keyspace@0__:rc:{*}:e"],
    ] == puppet.commands


@pytest.mark.parametrize(
    ("there", "wanted"),
    [(b"", b"Kt"), (b"Ex", b"ExKt"), (b"AE", b"AEK"), (b"Kg", b"Kgt"), (b"AKE", None)],
)
async def test_what_a_server_notifies_of_is_added_to(there: bytes, wanted: bytes | None) -> None:
    """Others may need the rest."""
    words: list[Command] = []
    told = b"*2\r\n$22\r\nnotify-keyspace-events\r\n$%d\r\n%b\r\n" % (len(there), there)

    def answer(command: Command) -> bytes | None:
        if command[:2] == [b"CONFIG", b"SET"]:
            words.append(command)
            return OK
        return saying(USUAL | {b"CONFIG": told})(command)

    async with Puppet(answer) as puppet, listening([place(puppet)]) as (_, bell):
        await bell.times(1)

    assert ([[b"CONFIG", b"SET", b"notify-keyspace-events", wanted]] if wanted else []) == words


async def test_a_server_that_lets_nobody_configure_it_may_notify_all_the_same() -> None:
    """Its operator may have set it up."""
    async with (
        Puppet(saying(USUAL | {b"CONFIG": REFUSED})) as puppet,
        listening([place(puppet)]) as (_, bell),
    ):
        await bell.times(1)
        puppet.say(message("__keyspace@0__:rc:{12}:e", "xadd"))
        rung = await bell.times(2)

    assert ([None, 12], 1) == (rung, puppet.count(b"CONFIG"))


async def test_a_server_that_lets_us_not_subscribe_is_left_alone() -> None:
    """No use in asking twice a second."""
    async with (
        Puppet(saying(USUAL | {b"PSUBSCRIBE": REFUSED})) as puppet,
        listening([place(puppet)]) as (_, bell),
    ):
        await puppet.until(lambda: puppet.connections == 1 and not puppet.peers)
        # Longer than the pause before the next attempt, were it one that might succeed.
        await asyncio.sleep(0.1)

    assert (1, []) == (puppet.connections, bell.rung)


async def test_a_lost_connection_is_made_again() -> None:
    """And it rings for whatever was missed meanwhile."""
    async with Puppet(saying(USUAL)) as puppet, listening([place(puppet)]) as (_, bell):
        await bell.times(1)
        puppet.drop()
        await bell.times(2)

    assert (2, [None, None]) == (puppet.connections, bell.rung)


@pytest.mark.parametrize("junk", [b"nonsense\r\n", b"*-7\r\n"])
async def test_a_server_that_speaks_another_language_is_left(junk: bytes) -> None:
    """And tried again."""
    async with Puppet(saying(USUAL)) as puppet, listening([place(puppet)]) as (_, bell):
        await bell.times(1)
        puppet.say(junk)
        await bell.times(2)

    assert 2 == puppet.connections


async def test_a_connection_that_says_nothing_is_given_up() -> None:
    """Its server may have been unplugged; no reset ever comes."""
    async with (
        Puppet(saying(USUAL | {b"PING": None})) as puppet,
        listening([place(puppet)], ping_s=0.02) as (_, bell),
    ):
        await bell.times(2)

    assert 2 == puppet.connections


async def test_a_connection_that_answers_is_kept() -> None:
    """However little happens."""
    async with (
        Puppet(saying(USUAL)) as puppet,
        listening([place(puppet)], ping_s=0.005) as (_, bell),
    ):
        await puppet.heard(b"PING", 5)

    assert (1, [None]) == (puppet.connections, bell.rung)


async def test_it_goes_where_the_primaries_are() -> None:
    """To one that was promoted, and away from one that is none any more."""
    async with Puppet(saying(USUAL)) as first, Puppet(saying(USUAL)) as second:
        primaries = [place(first)]
        async with listening(primaries) as (wakeups, bell):
            await bell.times(1)
            primaries[:] = [place(second)]
            wakeups.follow()
            await bell.times(2)
            await first.until(lambda: not first.peers)
            wakeups.follow()
        await second.until(lambda: not second.peers)

    assert (1, 1) == (first.connections, second.connections)
