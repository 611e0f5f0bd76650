"""Keyspace notifications as wake-ups: one connection to each primary says that a feed has grown.

They carry nothing and may be lost without harm: whoever is woken reads the feeds, and does so once
a second anyhow. So whatever goes wrong here, a server that refuses CONFIG or PSUBSCRIBE included,
costs that second and nothing else. The ready-made reader of redis-py polls primaries in turn, five
events a second; and it would take the URL, not the way to the primary that a Sentinel tells.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import hiredis

from regcluster.errors import StoreError, StoreUnavailable
from regcluster.store.connection import Arg, ServerError, pack, refusal
from regcluster.store.endpoint import Endpoint
from regcluster.store.keeper import TRY_S, pause

CLIENT_NAME = b"regcluster-feed"

PING_S = 5.0
"""How often a connection that may be dead is asked; it ends when the answer takes as long."""

FLAGS = b"Kt"
"""Keyspace notifications, of what happens to streams."""

REFUSED_S = 30.0
"""How long a server is left alone that has let us in and does not let us subscribe."""

_SPECIAL = re.compile(rb"([*?\[\]\\^])")

Bell = Callable[[int | None], None]
"""Told the partition whose feed has grown; None: any may have."""


class Wakeups:
    """Rings ``bell`` for feeds whose names begin with ``prefix`` and end in ``:e``.

    ``primaries`` tells which servers there are; call ``follow`` again and again, and ``close``.
    """

    def __init__(
        self,
        prefix: bytes,
        primaries: Callable[[], Sequence[Endpoint]],
        bell: Bell,
        ping_s: float = PING_S,
    ) -> None:
        self._prefix = prefix
        self._primaries = primaries
        self._bell = bell
        self._ping_s = ping_s
        self._tasks: dict[Endpoint, asyncio.Task[None]] = {}

    def follow(self) -> None:
        """Subscribe where there is a primary now, and only there."""
        primaries = set(self._primaries())
        for gone in self._tasks.keys() - primaries:
            self._tasks.pop(gone).cancel()
        for come in primaries - self._tasks.keys():
            self._tasks[come] = asyncio.get_running_loop().create_task(self._listen(come))

    async def close(self) -> None:
        """Let go of the connections."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _listen(self, endpoint: Endpoint) -> None:
        """Subscribe at one server, again whenever the connection is lost, until cancelled."""
        failures = 0
        while True:
            subscription = Subscription(endpoint, self._prefix, self._bell)
            # Whatever goes wrong, the feeds are read all the same.
            with suppress(OSError, StoreError):
                try:
                    await subscription.open()
                    failures = 0
                    await subscription.last(self._ping_s)
                finally:
                    subscription.close()
            failures += 1
            await asyncio.sleep(REFUSED_S if subscription.is_refused else pause(failures))


class Subscription(asyncio.Protocol):
    """One connection that hears of feeds, in RESP2."""

    def __init__(self, endpoint: Endpoint, prefix: bytes, bell: Bell) -> None:
        self._endpoint = endpoint
        self._start = b"__keyspace@%d__:%b:{" % (endpoint.db, prefix)
        self._bell = bell
        self._reader = hiredis.Reader(replyError=ServerError)
        self._transport: asyncio.Transport | None = None
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        """Replies to what was asked, and None for the end."""
        self._lost = asyncio.Event()
        self.is_refused = False
        """Whether the server answers and does not let us subscribe."""

    async def open(self) -> None:
        """Connect, have the server notify, and subscribe; then ring for whatever was missed."""
        async with asyncio.timeout(TRY_S):
            await self._endpoint.connect(lambda: self)
            for words in self._endpoint.introduction:
                await self._ask(*words)
            await self._ask(b"CLIENT", b"SETNAME", CLIENT_NAME)
            await self._have_notified()
            pattern = _SPECIAL.sub(rb"\\\1", self._start) + b"*}:e"
            answer = await self._ask(b"PSUBSCRIBE", pattern)
            if isinstance(answer, ServerError):
                self.is_refused = True
                raise refusal(str(answer))
        self._bell(None)

    async def last(self, ping_s: float) -> None:
        """Raise ``StoreUnavailable`` or ``TimeoutError`` once the connection is of no use."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ping_s):
                    await self._lost.wait()
            async with asyncio.timeout(ping_s):
                await self._ask(b"PING")

    def close(self) -> None:
        """End the connection."""
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is up."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is down: whoever waits for an answer waits no more."""
        self._lost.set()
        self._answers.put_nowait(None)

    def data_received(self, data: bytes) -> None:
        """Notifications and answers came, or parts of them."""
        self._reader.feed(data)
        with suppress(hiredis.ProtocolError):
            while (reply := self._reader.gets()) is not False:
                if isinstance(reply, list) and reply[:1] == [b"pmessage"]:
                    self._hear(*reply[2:])
                else:
                    self._answers.put_nowait(reply)
            return
        self.close()

    def _hear(self, channel: bytes, event: bytes) -> None:
        if event == b"xadd":
            number = channel[len(self._start) : -len(b"}:e")]
            self._bell(int(number) if number.isdigit() else None)

    async def _have_notified(self) -> None:
        """Add our flags to those the server has. One that does not let us may have them anyway."""
        setting = b"notify-keyspace-events"
        answer = await self._ask(b"CONFIG", b"GET", setting)
        flags: bytes = answer[1] if isinstance(answer, list) and len(answer) == 2 else FLAGS
        missing = [b"K"] if b"K" not in flags else []
        if b"t" not in flags and b"A" not in flags:
            missing.append(b"t")
        if missing:
            await self._ask(b"CONFIG", b"SET", setting, flags + b"".join(missing))

    async def _ask(self, *words: Arg) -> Any:
        """The answer to one command, which may be an error."""
        if not self._transport or self._lost.is_set() or self._transport.is_closing():
            raise StoreUnavailable("the connection is down")
        self._transport.write(pack(words))
        answer = await self._answers.get()
        if answer is None:
            raise StoreUnavailable("the connection was lost")
        return answer
