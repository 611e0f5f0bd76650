"""Server-sent events: answers that go on until who asked has left, and how many there may be."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial

import anyio
from anyio.abc import TaskGroup
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from regcluster.config.secrets import secret_free
from regcluster.control import output
from regcluster.control.api.answers import NO_STORE, problem
from regcluster.errors import StoreError
from regcluster.log import get_logger

HEARTBEAT_S = 15.0
"""After so much silence something is sent, so that everybody between knows we are there."""

SLOW_S = 30.0
"""Who does not read for that long is given up."""

RETRY_MS = 2000
"""When a browser comes back that has lost us."""

GOODBYE_S = 0.5
"""How long the end of a stream may take to be sent."""

MOST = 8
"""Streams at once: each reads the whole feed, about once a second."""

logger = get_logger(__name__)


class Streams:
    """Those that are open, ``most`` at once."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._open: set[anyio.CancelScope] = set()
        self._noted = ""

    @property
    def is_full(self) -> bool:
        """Whether there may be no more."""
        return len(self._open) >= self.most

    @contextmanager
    def holding(self, scope: anyio.CancelScope) -> Iterator[None]:
        """Count one in, that ends when ``scope`` is cancelled."""
        self._open.add(scope)
        try:
            yield
        finally:
            self._open.discard(scope)

    def note(self, why: str) -> None:
        """Log why the store ended one; only once, since who was in it comes back at once."""
        if why != self._noted:
            self._noted = why
            logger.warning("event stream ended", problem=why)

    def close(self) -> None:
        """End all of them."""
        for scope in self._open:
            scope.cancel()


Tell = Callable[[str], None]
"""Takes why nothing comes at the moment; empty: it does again."""

Source = Callable[[Tell], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""What is to be sent. It raises ``StoreError`` on the way in if that cannot be had."""


class EventStream(Response):
    """Sends what ``source`` gives, until it or the client ends, or ``streams`` do."""

    def __init__(
        self,
        source: Source,
        streams: Streams,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        slow_s: float = SLOW_S,
    ) -> None:
        super().__init__(headers=NO_STORE, media_type="text/event-stream")
        del self.headers["content-length"]
        self._source = source
        self._streams = streams
        self._heartbeat_s = heartbeat_s
        self._slow_s = slow_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        async with anyio.create_task_group() as tasks:
            with self._streams.holding(tasks.cancel_scope):
                tasks.start_soon(_leave, receive, tasks.cancel_scope.cancel)
                sender = _Sender(send, tasks.cancel_scope.cancel, self._slow_s)
                tell = partial(_tell, sender, tasks)
                try:
                    async with self._source(tell) as events:
                        await self._begin(sender)
                        tasks.start_soon(sender.beat, self._heartbeat_s)
                        async for event in events:
                            await sender.say(event)
                except StoreError as why:
                    text = secret_free(str(why))
                    if sender.has_begun:
                        self._streams.note(text)
                        await sender.say(_trouble(text))
                    else:
                        refusal = problem(503, f"the store cannot be used: {text}")
                        await refusal(scope, receive, send)
            tasks.cancel_scope.cancel()
        await sender.end()

    async def _begin(self, sender: "_Sender") -> None:
        await sender.begin(self.status_code, self.raw_headers)
        await sender.say(f"retry: {RETRY_MS}\n\n".encode())


class _Sender:
    """One at a time; ``give_up`` is called when one took longer than ``slow_s``."""

    def __init__(self, send: Send, give_up: Callable[[], None], slow_s: float) -> None:
        self._send = send
        self._give_up = give_up
        self._slow_s = slow_s
        self._lock = anyio.Lock()
        self._said_at = anyio.current_time()
        self.has_begun = False

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def say(self, octets: bytes) -> None:
        async with self._lock:
            with anyio.move_on_after(self._slow_s) as patience:
                await self._send({"type": "http.response.body", "body": octets, "more_body": True})
            if patience.cancelled_caught:
                self._give_up()
            self._said_at = anyio.current_time()

    async def beat(self, every_s: float) -> None:
        while True:
            wait_s = self._said_at + every_s - anyio.current_time()
            if wait_s <= 0:
                await self.say(b":\n\n")
            else:
                await anyio.sleep(wait_s)

    async def end(self) -> None:
        """Say that there is no more."""
        if self.has_begun:
            with anyio.move_on_after(GOODBYE_S, shield=True):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _tell(sender: _Sender, tasks: TaskGroup, text: str) -> None:
    tasks.start_soon(sender.say, _trouble(text))


def _trouble(text: str) -> bytes:
    """The event that says why nothing comes; nothing: it does again."""
    return f"event: store\ndata: {output.document({'problem': text or None})}\n\n".encode()


async def _leave(receive: Receive, cancel: Callable[[], None]) -> None:
    """Return when the client is gone, after ``cancel``."""
    while (await receive())["type"] != "http.disconnect":
        pass
    cancel()
