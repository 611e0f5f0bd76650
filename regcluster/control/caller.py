"""One HTTP connection, with the bounds that uvicorn leaves to a proxy in front of it.

h11 bounds how long a head may be; here is how long it may take, and how many callers there may be.
"""

import asyncio
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_S = 10.0
"""From the connection, or the first octet after an answer, to the whole head of a request. One that
says nothing after an answer is closed by uvicorn."""

MOST = 256
"""Connections at once; past it new ones are closed."""


class Caller(H11Protocol):
    """Closes itself when its next request does not come in time."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        head_s: float = HEAD_S,
        most: int = MOST,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_s = head_s
        self._most = most
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has called."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.abort()
        self._attend()

    def data_received(self, data: bytes) -> None:
        """A request, or some of it."""
        super().data_received(data)
        self._attend()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        super().connection_lost(exc)
        self._relax()

    def _attend(self) -> None:
        """Keep the time as long as it is the caller's turn."""
        if self.conn.our_state in (h11.SEND_RESPONSE, h11.SEND_BODY):
            self._relax()
        elif not self._deadline:
            self._deadline = self.loop.call_later(self._head_s, self.transport.abort)

    def _relax(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
