"""A scan whose server is exchanged for another while it runs, as in a failover."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from regcluster.registrar.binding import Binding
from regcluster.store.connection import Arg
from regcluster.store.endpoint import Endpoint
from regcluster.store.link import Link
from regcluster.store.remote import RedisStore
from regcluster.store.scan import SCAN_COUNT
from tests.servers import RealServer, open_store
from tests.store.alice import STORE

pytestmark = [pytest.mark.anyio, pytest.mark.server]

AORS = [f"u{number}@example.com" for number in range(4 * SCAN_COUNT)]


class Exchanged:
    """A link to one server, and to another after the first steps of a ZSCAN."""

    problem = ""

    def __init__(self, first: Link, second: Link, steps: int) -> None:
        self._first = first
        self._second = second
        self._left = steps

    def nodes(self) -> Sequence[Endpoint]:
        """Not asked for here."""
        return ()

    async def call(self, *args: Arg) -> Any:
        """Send a command to whichever of the two has the place now."""
        reply = await (self._first if self._left else self._second).call(*args)
        if args[0] == b"ZSCAN":
            self._left = max(0, self._left - 1)
        return reply

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Awaitable[Any]:
        """The same."""
        return self.call(*args)

    async def close(self) -> None:
        """Both are closed by those who have opened them."""


async def fill(store: RedisStore) -> None:
    """Bind each of ``AORS`` once."""
    now = await store.now()
    for number, aor in enumerate(AORS):
        uri = f"sip:{aor}"
        binding = Binding(uri, uri, -1, "", "c1", 1, "", f"r{number}", now + 600_000, now, now)
        await store.restore(aor, binding)


async def test_a_scan_finds_everybody_though_another_server_takes_over(
    valkey: RealServer, redis8: RealServer
) -> None:
    """The order of a ZSCAN is each server's own, so what was half read is read again."""
    stores = []
    for server in (valkey, redis8):
        server.ask(b"FLUSHALL")
        stores.append(open_store(server, STORE))
    await asyncio.gather(*[fill(store) for store in stores])
    exchanged = RedisStore(Exchanged(stores[0].link, stores[1].link, steps=2), STORE)

    found = [aor async for aor in exchanged.scan()]

    for store in stores:
        await store.close()
    assert sorted(AORS) == found
