"""A link that is up follows the Sentinels to another primary, even from one that seems well."""

import asyncio
from dataclasses import replace

import pytest

from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from regcluster.store.link import PipelinedLink
from regcluster.store.places import parse_place
from regcluster.store.schema import Schema
from regcluster.store.scripts import SOURCES
from regcluster.store.sentinel import SentinelPlace
from tests.store.constellation import resp
from tests.store.puppet import Command, Puppet, polite
from tests.store.wiring import LONG_S, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]

LOOK_S = 0.02


def primary(command: Command) -> bytes | None:
    """A server that takes itself for the primary, whatever the Sentinels say."""
    return resp([b"master", 1, []]) if command[0] == b"ROLE" else polite(command)


class Sentinel(Puppet):
    """The only one; it names a port."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.named = 0

    def _answer(self, command: Command) -> bytes | None:
        if command[1] == b"MASTER":
            return resp([b"config-epoch", b"1"])
        return resp([b"127.0.0.1", b"%d" % self.named])


def followed(sentinel: Sentinel) -> PipelinedLink:
    """A link that asks ``sentinel`` often; who opens it closes it."""
    place = parse_place(f"redis+sentinel://127.0.0.1:{sentinel.port}/main")
    assert isinstance(place, SentinelPlace)
    schema = Schema(Keys(StoreSettings()), StoreSettings())
    return PipelinedLink(replace(place, look_s=LOOK_S), LONG_S, schema, SOURCES)


async def test_a_primary_that_was_replaced_is_left_though_it_does_not_know() -> None:
    """After a failover by hand it would take changes for ten seconds more, and forget them."""
    async with Sentinel() as sentinel, Puppet(primary) as old, Puppet(primary) as new:
        sentinel.named = old.port
        link = followed(sentinel)
        await link.call(b"ECHO", b"before")
        sentinel.named = new.port
        await until(lambda: new.count(b"SCRIPT"))
        await link.call(b"ECHO", b"after")
        await link.close()

        assert [1, 1] == [server.count(b"ECHO") for server in (old, new)]


@pytest.mark.parametrize("answer", [b"-ERR not now\r\n", b"*-1\r\n", None])
async def test_sentinels_that_say_nothing_of_use_end_no_connection(answer: bytes | None) -> None:
    """The primary they named before is still the best that is known."""
    async with Sentinel() as sentinel, Puppet(primary) as server:
        sentinel.named = server.port
        link = followed(sentinel)
        await link.call(b"ECHO", b"before")
        sentinel.answer = lambda command: answer
        asked = sentinel.count(b"SENTINEL")
        await sentinel.heard(b"SENTINEL", asked + 3)
        await link.call(b"ECHO", b"after")
        await link.close()

        assert 1 == server.connections


async def test_a_closed_link_asks_no_sentinel_any_more() -> None:
    """Not even when it was just about to."""
    async with Sentinel() as sentinel, Puppet(primary) as server:
        sentinel.named = server.port
        before = asyncio.all_tasks()
        link = followed(sentinel)
        await link.call(b"ECHO", b"a")
        await sentinel.heard(b"SENTINEL", 4)
        await link.close()
        await until(lambda: not sentinel.peers)

        assert before == asyncio.all_tasks()
