"""The change feed across the death of the server that keeps it."""

import asyncio
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peer.processes import end_group
from tests.servers import RealServer, redis8, valkey
from tests.store.feed import Player, agree, listening, opened, persist

pytestmark = [pytest.mark.anyio, pytest.mark.server]

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def folder() -> Iterator[Path]:
    """For a server's socket and files."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        yield Path(name)


@pytest.mark.parametrize("binary", [valkey(), redis8()], ids=["valkey", "redis8"])
async def test_a_server_that_dies_and_comes_back_loses_no_event(folder: Path, binary: str) -> None:
    """Its file has what was acknowledged, and the reader goes on where it was."""
    server = RealServer("store", binary, folder, DURABLE)
    try:
        async with opened(server.url) as store, listening(store) as listener:
            player = Player(store, random.Random(7))
            for _ in range(2):
                await persist(player, 60)
                writing = asyncio.create_task(persist(player, 60))
                end_group(server.process)
                server = RealServer("store", binary, folder, DURABLE)
                await writing
            await agree(store, server.ask, listener)
    finally:
        server.stop()
