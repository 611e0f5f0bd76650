"""One connection to Redis: commands out, replies back in the order of the commands.

It knows nothing of deadlines, URLs or scripts: the link that made it does. Every call it was given
ends: with its reply, with the server's error, or with ``StoreUnavailable`` when the connection
breaks. A reply nobody waits for any more (deadline passed, caller cancelled) is read and thrown
away, so the order of the others stands.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import hiredis

from regcluster.errors import StoreError, StoreUnavailable

Arg = bytes | str | int

pack = cast("Callable[[tuple[Arg, ...]], bytes]", hiredis.pack_command)
"""A command as bytes. ``TypeError`` and ``UnicodeError`` are the caller's mistakes."""

REPLICA = frozenset({"READONLY", "MASTERDOWN"})
"""Errors of a server that is not, or no longer, the primary."""

UNAVAILABLE = REPLICA | {
    "BUSY",
    "CLUSTERDOWN",
    "LOADING",
    "MISCONF",
    "NOREPLICAS",
    "OOM",
    "TRYAGAIN",
}
"""Errors of a server that cannot do now what it could do at another time; it has done nothing."""

# Redis before 7 wraps what a command inside a script met: "ERR Error running script ...: -OOM ...".
_WRAPPED = re.compile(r"^ERR Error running script .*? -([A-Z]+) ")

_NOTHING = object()


class ServerError(Exception):
    """An error reply as hiredis makes it; what callers see is ``refusal`` of it."""


@dataclass(slots=True)
class Call:
    """A command on its way, and whoever waits for the reply."""

    args: tuple[Arg, ...]
    packed: bytes
    reply: asyncio.Future[Any]
    deadline: float
    """On the loop's clock; the link sees to it."""


def error_code(text: str) -> str:
    """The word that names an error reply: ``NOSCRIPT``, ``READONLY``, ``ERR``, ..."""
    wrapped = _WRAPPED.match(text)
    return wrapped[1] if wrapped else text.partition(" ")[0]


def refusal(text: str) -> StoreError:
    """An error reply as our own error."""
    kind = StoreUnavailable if error_code(text) in UNAVAILABLE else StoreError
    return kind(f"the store answered: {text}")


class Connection(asyncio.Protocol):
    """A pipeline of calls over one transport.

    ``on_error(call, text)`` must see to the call whose reply is an error. ``on_end(self)`` says
    that no call may be sent any more; ``lost`` is done once every call has ended as well.
    """

    def __init__(
        self, on_error: Callable[[Call, str], None], on_end: Callable[["Connection"], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_error = on_error
        self._on_end = on_end
        self._reader = hiredis.Reader(replyError=ServerError, notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self.pending: deque[Call] = deque()
        """Calls without a reply, oldest first."""
        self.heard = self._loop.time()
        """When the server was last heard of, on the loop's clock."""
        self.is_late = False
        """A deadline has passed, and nothing was heard since."""
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def send(self, call: Call) -> None:
        """Write ``call``, together with all others of this turn of the loop."""
        self.pending.append(call)
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(call.packed)

    def expire(self, now: float, patience: float) -> None:
        """End the calls whose deadline has passed; drop the connection if it looks dead.

        It does when nothing was heard for ``patience`` seconds, or when the oldest call is that
        much overdue: then answers come, but too late to be of use, and the queue would only grow.
        """
        for call in self.pending:
            if call.deadline <= now and not call.reply.done():
                self.is_late = True
                call.reply.set_exception(StoreUnavailable("the store did not answer in time"))
        if self.pending and self.pending[0].deadline <= now:
            overdue = now - self.pending[0].deadline
            if now - self.heard >= patience or overdue >= patience:
                self.abort()

    def abort(self) -> None:
        """Give the connection up at once; its calls end within this turn of the loop."""
        if self._transport:
            self._on_end(self)
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.heard = self._loop.time()
        self.is_late = False
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOTHING:
                call = self.pending.popleft()
                if reply.__class__ is ServerError:
                    self._on_error(call, str(reply))
                elif not call.reply.done():
                    call.reply.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            # Not Redis's protocol, or a reply to nothing we asked: the order is lost.
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end(self)
        self._transport = None
        self._outgoing.clear()
        why = f"the connection to the store broke: {exc or 'closed by the store'}"
        while self.pending:
            call = self.pending.popleft()
            if not call.reply.done():
                call.reply.set_exception(StoreUnavailable(why))
        if not self.lost.done():
            self.lost.set_result(None)

    def _flush(self) -> None:
        if self._transport:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()
