"""The embedded server of a node: when it dies, another is there, with all it had acknowledged."""

import os
import signal
import socket
import struct
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from regcluster.control.gauges import NodeGauges
from regcluster.control.storekeeper import Storekeeper
from regcluster.errors import ConfigError
from regcluster.store.embedded import LOG
from tests.control.watch import PATIENCE_S

pytestmark = [pytest.mark.anyio, pytest.mark.server]

MARK = "rc:test"


class Kept:
    """An embedded server under a storekeeper's eyes."""

    def __init__(self, directory: Path) -> None:
        self.gauges = NodeGauges("1.0", 0.0)
        self.moves: list[str] = []
        self.keeper = Storekeeper(f"embedded://{directory}", self.gauges, self.moves.append)
        self.url = ""

    @property
    def pid(self) -> int:
        """The process that listens on the server's socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(self.url.removeprefix("unix://"))
            peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", peer)[0]
        return pid

    def client(self) -> "redis.Redis":
        """A connection to it that tries once."""
        return redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0))

    async def restarted(self, times: int) -> None:
        """Return once it has been started again so often."""
        with anyio.fail_after(PATIENCE_S):
            while self.gauges.store_restarts < times:
                await anyio.lowlevel.checkpoint()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory whose name is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        yield Path(folder)


@asynccontextmanager
async def kept(directory: Path) -> AsyncIterator[Kept]:
    """A server that is kept until the test is over."""
    server = Kept(directory)
    server.url = await server.keeper.open()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.keeper.keep)
            yield server
            tasks.cancel_scope.cancel()
    finally:
        await server.keeper.close()


async def test_a_server_that_dies_is_followed_by_another(directory: Path) -> None:
    """On the same socket, with what it had acknowledged; more than once."""
    async with kept(directory) as server:
        with server.client() as client:
            client.set(MARK, "kept")
        first = server.pid
        os.kill(first, signal.SIGKILL)
        await server.restarted(1)
        second = server.pid
        os.kill(second, signal.SIGKILL)
        await server.restarted(2)
        with server.client() as client:
            found = client.get(MARK)

    assert b"kept" == found
    assert first != second
    assert [] == server.moves


async def test_where_a_server_went_is_told(directory: Path) -> None:
    """A long name gets its socket elsewhere, and elsewhere again the next time."""
    async with kept(directory / ("long" * 30)) as server:
        before = server.url
        os.kill(server.pid, signal.SIGKILL)
        await server.restarted(1)
        (server.url,) = server.moves
        with server.client() as client:
            answered = client.ping()

    assert answered
    assert before != server.url


async def test_a_server_that_cannot_start_is_tried_again(directory: Path) -> None:
    """Until whatever is in its way is gone."""
    async with kept(directory) as server:
        obstacle = directory / LOG
        obstacle.unlink()
        obstacle.mkdir()
        with structlog.testing.capture_logs() as told, anyio.fail_after(PATIENCE_S):
            os.kill(server.pid, signal.SIGKILL)
            while not any(line["event"] == "embedded store not started" for line in told):
                await anyio.lowlevel.checkpoint()
        obstacle.rmdir()
        await server.restarted(1)

    assert 1 == server.gauges.store_restarts


async def test_a_server_that_cannot_start_at_first_is_refused(directory: Path) -> None:
    """Whatever the system says about it ends up in a sentence about the setting."""
    (directory / LOG).mkdir()
    server = Kept(directory)
    with pytest.raises(ConfigError) as refused:
        await server.keeper.open()

    assert f"store.url: embedded://{directory} cannot be used: Is a directory" == str(refused.value)


async def test_in_the_end_no_server_is_left(directory: Path) -> None:
    """It was told to write to disk what it had, and is gone."""
    async with kept(directory) as server:
        pid = server.pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
