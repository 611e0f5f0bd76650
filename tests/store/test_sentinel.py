"""The primary that Sentinels name: sought at each connect, and asked whether it is one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from regcluster.store.places import parse_place
from regcluster.store.sentinel import SentinelPlace
from tests.store.constellation import resp
from tests.store.puppet import Command, Puppet, polite
from tests.store.wiring import BRIEF_S, Counted, linked, problem, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]

PRIMARY = [b"master", 1, []]
REPLICA = [b"slave", b"127.0.0.1", 1, b"connected", 1]


class Sentinel(Puppet):
    """Names a primary, and how often there has been a change by then."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.epoch = 1
        self.named = 0

    def _answer(self, command: Command) -> bytes | None:
        match command[:2]:
            case [b"SENTINEL", b"MASTER"]:
                return resp([b"name", command[2], b"config-epoch", b"%d" % self.epoch])
            case [b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME"]:
                return resp([b"127.0.0.1", b"%d" % self.named])
        return polite(command)


class Server(Puppet):
    """Says what it is."""

    def __init__(self, role: Sequence[object]) -> None:
        super().__init__(self._answer)
        self.role = role

    def _answer(self, command: Command) -> bytes | None:
        return resp(self.role) if command[0] == b"ROLE" else polite(command)  # type: ignore[arg-type]


class Watched:
    """Two servers, the first of them primary, and three Sentinels that say so."""

    def __init__(self, servers: list[Server], sentinels: list[Sentinel]) -> None:
        self.servers = servers
        self.sentinels = sentinels
        self.name(0)

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/main"

    def name(self, number: int) -> None:
        """Let all Sentinels name that server."""
        for sentinel in self.sentinels:
            sentinel.named = self.servers[number].port


@asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(Server(role)) for role in (PRIMARY, REPLICA)]
        sentinels = [await stack.enter_async_context(Sentinel()) for _ in range(3)]
        yield Watched(servers, sentinels)


async def test_calls_go_to_the_primary_that_the_sentinels_name() -> None:
    """All three are asked, once, and for no call."""
    async with watched() as three, linked(three.url) as link:
        for number in range(5):
            assert b"%d" % number == await link.call(b"ECHO", number)

        assert [three.servers[0].port] == [node.port for node in link.nodes()]
        assert [1, 1, 1] == [sentinel.connections for sentinel in three.sentinels]
        assert [1, 0] == [server.connections for server in three.servers]


async def test_a_lost_primary_is_sought_anew() -> None:
    """A call made meanwhile waits, and goes to the new one."""
    async with watched() as three, linked(three.url) as link:
        await link.call(b"ECHO", b"up")
        await three.servers[0].stop()
        await until(lambda: link.problem)
        reply = link.call(b"ECHO", b"waited")
        three.servers[1].role = PRIMARY
        three.name(1)

        assert b"waited" == await reply
        assert [three.servers[1].port] == [node.port for node in link.nodes()]


async def test_a_demoted_primary_is_left_at_its_first_refusal() -> None:
    """READONLY says it has done nothing, so the call is made again at the new one."""
    counted = Counted()
    async with watched() as three, linked(three.url) as link:
        await link.call(b"ECHO", b"up")
        old, new = three.servers
        old.answer = lambda command: b"-READONLY no\r\n"
        new.role = PRIMARY
        three.name(1)

        assert b"v" == await link.call(b"SET", b"k", b"v")
        assert ([b"SET", b"k", b"v"], {"reconnect": 1}) == (new.commands[-1], counted.changes)


async def test_a_silent_primary_is_left_after_a_deadline() -> None:
    """No answer and no reset; the Sentinels know by then."""
    async with watched() as three, linked(three.url, BRIEF_S) as link:
        await link.call(b"ECHO", b"up")
        old, new = three.servers
        old.answer = lambda command: None
        new.role = PRIMARY
        three.name(1)
        told = await problem(link.call(b"ECHO", b"a"))
        await until(lambda: new.count(b"SCRIPT"))

        assert "the store did not answer in time" == told
        assert b"b" == await link.call(b"ECHO", b"b")


async def test_a_replica_gets_no_call_whoever_names_it() -> None:
    """Its bindings may be yesterday's: it is asked what it is before anything else."""
    async with watched() as three:
        three.name(1)
        async with linked(three.url, BRIEF_S) as link:
            told = await problem(link.call(b"ECHO", b"a"))
            await problem(link.call(b"ECHO", b"a"))

        assert "no connection: the Sentinels name a server that says it is a slave" == told
        assert 0 == three.servers[1].count(b"ECHO")


async def test_the_best_informed_sentinel_is_believed() -> None:
    """The one that leads a failover knows its outcome a second before the other two."""
    async with watched() as three:
        three.servers[1].role = PRIMARY
        three.sentinels[1].named = three.servers[1].port
        three.sentinels[1].epoch = 2
        async with linked(three.url) as link:
            await link.call(b"ECHO", b"a")

        assert [0, 1] == [server.count(b"ECHO") for server in three.servers]


async def test_sentinels_that_hang_or_are_gone_are_passed_over() -> None:
    """One that answers is enough."""
    async with watched() as three:
        three.sentinels[0].answer = lambda command: None
        await three.sentinels[1].stop()
        async with linked(three.url) as link:
            assert b"a" == await link.call(b"ECHO", b"a")


async def test_without_any_sentinel_the_store_is_unavailable_in_time() -> None:
    """The reason is told."""
    async with watched() as three:
        url = three.url
    async with linked(url, BRIEF_S) as link:
        told = await problem(link.call(b"ECHO", b"a"))

    assert told.startswith("no connection: 127.0.0.1:")
    assert "refused" in told


async def test_a_service_nobody_knows_is_told() -> None:
    """In the Sentinel's own words: most likely it is misspelled in the URL."""
    async with watched() as three:
        for sentinel in three.sentinels:
            sentinel.answer = lambda command: b"-ERR No such master with that name\r\n"
        async with linked(three.url, BRIEF_S) as link:
            told = await problem(link.call(b"ECHO", b"a"))

    assert told.endswith(": the store answered: ERR No such master with that name")


async def test_sentinels_and_servers_have_their_own_passwords() -> None:
    """Neither learns the other's."""
    async with watched() as three:
        user, _, place = three.url.rpartition("//")
        url = f"{user}//edge:one@{place}/3?sentinel_username=eye&sentinel_password=two"
        async with linked(url) as link:
            await link.call(b"ECHO", b"a")

        assert [b"AUTH", b"eye", b"two"] == three.sentinels[0].commands[0]
        assert [[b"AUTH", b"edge", b"one"], [b"SELECT", b"3"]] == three.servers[0].commands[:2]


async def test_a_closed_link_has_left_sentinels_and_server() -> None:
    """While it asks, too."""
    async with watched() as three:
        for sentinel in three.sentinels:
            sentinel.answer = lambda command: None
        async with linked(three.url):
            await three.sentinels[0].heard(b"SENTINEL")
        await until(lambda: not any(sentinel.peers for sentinel in three.sentinels))

        assert 0 == three.servers[0].connections


async def test_places_found_by_sentinels_do_not_share_what_they_found() -> None:
    """Two links to one service seek each for itself."""
    async with watched() as three:
        one, two = parse_place(three.url), parse_place(three.url)
        assert isinstance(one, SentinelPlace)
        assert isinstance(two, SentinelPlace)
        await one.connect(asyncio.Protocol)

        assert (three.servers[0].port, None) == (one.here and one.here.port, two.here)
