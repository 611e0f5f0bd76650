"""A link over redis-py's asyncio client: for what is no SIP traffic, and for fakeredis.

Slower than the pipelined link by an order of magnitude, but it speaks to anything redis-py speaks
to. The client has to be made for RESP2, its timeouts are its own.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from regcluster.errors import StoreUnavailable
from regcluster.store.connection import Arg, refusal
from regcluster.store.scripts import SOURCES


class ClientLink:
    """Takes ``client`` over: the replies it gives are changed to what the server sent."""

    def __init__(self, client: "Redis") -> None:
        self._client = client
        # redis-py makes a dict of HGETALL, floats of ZSCAN and so on; a link hands replies through.
        client.response_callbacks.clear()
        self._is_up = False

    @property
    def is_up(self) -> bool:
        """Whether the last call was answered."""
        return self._is_up

    async def call(self, *args: Arg) -> Any:
        """Send a command and return the reply."""
        try:
            return await self._send(args)
        except (RedisConnectionError, RedisTimeoutError, OSError) as failed:
            self._is_up = False
            raise StoreUnavailable(f"no connection: {failed}") from failed
        except RedisError as error:
            raise refusal(str(error)) from error

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _send(self, args: tuple[Arg, ...]) -> Any:
        send: Callable[..., Awaitable[Any]] = self._client.execute_command
        try:
            reply = await send(*args)
        except NoScriptError:
            reply = await send(b"EVAL", SOURCES[args[1]], *args[2:])
        self._is_up = True
        return reply
