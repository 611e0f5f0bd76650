"""The link over redis-py: the same replies and the same errors as the pipelined one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fakeredis import FakeAsyncRedis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from regcluster.errors import StoreError, StoreUnavailable
from regcluster.store.client import ClientLink
from regcluster.store.scripts import DROP
from tests.peer.processes import free_port
from tests.store.puppet import Puppet, saying
from tests.store.wiring import BRIEF_S, LONG_S, Counted, problem

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def faked() -> AsyncIterator[ClientLink]:
    link = ClientLink(FakeAsyncRedis(protocol=2))
    try:
        yield link
    finally:
        await link.close()


@asynccontextmanager
async def linked(url: str, timeout_s: float = LONG_S) -> AsyncIterator[ClientLink]:
    client: Any = Redis.from_url(
        url, protocol=2, socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )
    link = ClientLink(client)
    try:
        yield link
    finally:
        await link.close()


async def test_replies_come_as_the_server_spells_them() -> None:
    """A hash is a flat list, a score is text: whatever reads one link reads the other."""
    async with faked() as link:
        await link.call(b"HSET", b"h", b"f", b"v")
        await link.call(b"ZADD", b"z", b"1.5", b"m")
        hashes = [await link.call(name, b"h") for name in (b"HGETALL", "HGETALL")]
        scan = await link.call("ZSCAN", b"z", 0)

    assert ([[b"f", b"v"]] * 2, [b"0", [b"m", b"1.5"]]) == (hashes, scan)


async def test_a_script_the_server_does_not_know_is_brought_along() -> None:
    """The first call leaves it there, the next needs only its name."""
    drop = (b"EVALSHA", DROP.sha, b"3", b"b", b"x", b"e", b"aor", b"", 0, 9)
    async with faked() as link:
        removed = [(await link.call(*drop))[0] for _ in range(2)]
        known = await link.call(b"SCRIPT", b"EXISTS", DROP.sha)

    assert ([0, 0], [1]) == (removed, known)


@pytest.mark.parametrize(
    "code",
    [
        "BUSY",
        "CLUSTERDOWN",
        "LOADING",
        "MASTERDOWN",
        "MISCONF",
        "NOREPLICAS",
        "OOM",
        "READONLY",
        "TRYAGAIN",
    ],
)
async def test_what_another_time_may_mend_is_unavailable(code: str) -> None:
    """redis-py takes the first word off some errors and counts others as lost connections."""
    counted = Counted()
    answer = saying({b"GET": f"-{code} for a reason\r\n".encode()})
    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        told = await problem(link.call(b"GET", b"a"))

        assert (f"the store answered: {code} for a reason", "") == (told, link.problem)
        assert {"refused": 1} == counted.changes


@pytest.mark.parametrize("code", ["ERR", "NOPERM", "WRONGTYPE"])
async def test_what_no_time_will_mend_is_an_error(code: str) -> None:
    """It is a fault to be found, and the store is up."""
    answer = saying({b"GET": f"-{code} for a reason\r\n".encode()})
    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        told = await problem(link.call(b"GET", b"a"), StoreError)

        assert told.endswith("for a reason")
        assert "" == link.problem


async def test_a_server_that_never_answers_is_unavailable() -> None:
    """As late as the client's own timeout says."""
    counted = Counted()
    answer = saying({b"GET": None})
    async with Puppet(answer) as puppet, linked(puppet.url, BRIEF_S) as link:
        told = await problem(link.call(b"GET", b"a"))

        assert ("the store did not answer in time", {"timeout": 1}) == (told, counted.changes)
        assert told == link.problem


async def test_a_server_that_hangs_up_is_unavailable() -> None:
    """The call is lost, and counted so."""
    counted = Counted()
    async with Puppet(saying({b"GET": None})) as puppet, linked(puppet.url) as link:
        reply = asyncio.ensure_future(link.call(b"GET", b"a"))
        await puppet.heard(b"GET")
        puppet.drop()

        assert (await problem(reply)).startswith("no connection: ")
        assert {"lost": 1} == counted.changes


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    """The reason is told."""
    async with linked(f"redis://127.0.0.1:{free_port()}") as link:
        with pytest.raises(StoreUnavailable, match="no connection: "):
            await link.call(b"GET", b"a")

        assert link.problem.startswith("no connection: ")


async def test_a_link_is_down_until_a_call_was_answered() -> None:
    """Nothing is known of a server before it was asked."""
    async with faked() as link:
        before = link.problem
        await link.call(b"PING")

        assert ("not asked yet", "") == (before, link.problem)
