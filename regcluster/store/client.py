"""A link over redis-py's asyncio client: a store over fakeredis, or over a client of one's own.

Slower than the pipelined link by an order of magnitude, but it speaks to anything redis-py speaks
to; a node does not use it. The client has to be made for RESP2, its timeouts are its own.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from regcluster import metrics
from regcluster.errors import StoreUnavailable
from regcluster.store.connection import LATE, Arg, refusal
from regcluster.store.endpoint import Endpoint
from regcluster.store.scripts import SOURCES

_CODES: dict[type[Exception], str] = {
    BusyLoadingError: "LOADING",
    ClusterDownError: "CLUSTERDOWN",
    MasterDownError: "MASTERDOWN",
    NoPermissionError: "NOPERM",
    OutOfMemoryError: "OOM",
    ReadOnlyError: "READONLY",
    TryAgainError: "TRYAGAIN",
}
"""The first word of error replies that redis-py has a class for: their text lacks it."""


class ClientLink:
    """Takes ``client`` over: the replies it gives are changed to what the server sent."""

    def __init__(self, client: "Redis") -> None:
        self._client = client
        # redis-py makes a dict of HGETALL, floats of ZSCAN and so on; a link hands replies through.
        client.response_callbacks.clear()
        self._problem = "not asked yet"

    @property
    def problem(self) -> str:
        """Why the last call was not answered; empty if it was."""
        return self._problem

    def nodes(self) -> Sequence[Endpoint]:
        """Not known: only the client knows where it leads."""
        return ()

    async def call(self, *args: Arg) -> Any:
        """Send a command and return the reply."""
        try:
            reply = await self._send(args)
        except RedisTimeoutError as failed:
            raise self._unavailable("timeout", LATE) from failed
        except (RedisError, OSError) as failed:
            code = _CODES.get(type(failed), "")
            if not code and isinstance(failed, RedisConnectionError | OSError):
                raise self._unavailable("lost", f"no connection: {failed}") from failed
            self._problem = ""
            metrics.count_store_error("refused")
            raise refusal(f"{code} {failed}".lstrip()) from failed
        self._problem = ""
        return reply

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Awaitable[Any]:
        """The same; the client packs for itself."""
        return self.call(*args)

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _send(self, args: tuple[Arg, ...]) -> Any:
        send: Callable[..., Awaitable[Any]] = self._client.execute_command
        try:
            return await send(*args)
        except NoScriptError:
            return await send(b"EVAL", SOURCES[args[1]], *args[2:])

    def _unavailable(self, kind: str, problem: str) -> StoreUnavailable:
        self._problem = problem
        metrics.count_store_error(kind)
        return StoreUnavailable(problem)
