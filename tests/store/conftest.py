"""A store on each kind of server, and a look at what each test leaves there."""

from collections.abc import AsyncIterator, Iterator

import pytest

from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from regcluster.store.remote import RedisStore
from tests.servers import Server, open_store
from tests.store.alice import STORE
from tests.store.upkeep import Tapped, tapped_store

PERMANENT = frozenset(Keys(StoreSettings(partitions=16384)).permanent())
"""For any number of partitions."""


def plain(key: bytes) -> bytes:
    """The key that takes the place of ``key`` where prefix and table are the usual ones."""
    return b"rc:" + key.partition(b":")[2]


@pytest.fixture
async def store(store_server: Server) -> AsyncIterator[RedisStore]:
    """An empty store with the settings ``STORE``."""
    store = open_store(store_server, STORE)
    yield store
    await store.close()


@pytest.fixture(autouse=True)
def _no_leak(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test every key of the server it used goes by itself, or is one that may stay."""
    names = {"store_server", "real_server"} & set(request.fixturenames)
    servers: list[Server] = [request.getfixturevalue(name) for name in names]
    yield
    for server in servers:
        # Some tests of links use keys that are of no store.
        keys = server.ask(b"KEYS", b"*:*")
        lasting = [key for key in keys if server.ask(b"PTTL", key) == -1]

        assert [] == [key for key in lasting if plain(key) not in PERMANENT]


@pytest.fixture
async def tapped(store_server: Server) -> AsyncIterator[tuple[RedisStore, Tapped]]:
    """An empty store with the settings ``STORE``, listened in on."""
    store, link = tapped_store(store_server.link(STORE), STORE)
    yield store, link
    await store.close()
