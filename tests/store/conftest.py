"""A store on each kind of server."""

from collections.abc import AsyncIterator

import pytest

from regcluster.store.remote import RedisStore
from tests.servers import Server, open_store
from tests.store.alice import STORE


@pytest.fixture
async def store(store_server: Server) -> AsyncIterator[RedisStore]:
    """An empty store with the settings ``STORE``."""
    store = open_store(store_server, STORE)
    yield store
    await store.close()
