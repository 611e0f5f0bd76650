"""One connection to Redis: commands out, replies back in the order of the commands.

It knows nothing of deadlines, URLs or scripts: the link that made it does. Every call it was given
ends: with its reply, with the server's error, or with ``StoreUnavailable`` when the connection
breaks. A reply nobody waits for any more (deadline passed, caller cancelled) is read and thrown
away, so the order of the others stands.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import hiredis

from regcluster import metrics
from regcluster.errors import StoreError, StoreUnavailable, told

Arg = bytes | str | int
Four = tuple[bytes, bytes, bytes, bytes]

_COUNTS: Final = tuple([b"*%d" % count for count in range(64)])
_SIZES: Final = tuple([b"\r\n$%d\r\n" % size for size in range(512)])
"""What stands before the arguments of nearly all commands: looked up rather than written anew."""

PASSING: Final = frozenset({"CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY"})
"""Errors of a server that is not ready, or no longer the primary: it has done nothing, and it, or
another of its name, may do it in a moment."""

UNAVAILABLE: Final = PASSING | {"BUSY", "MISCONF", "NOREPLICAS", "OOM", "TRYAGAIN"}
"""Errors of a server that cannot do now what it could do at another time; it has done nothing."""

# Redis before 7 wraps what a command inside a script met: "ERR Error running script ...: -OOM ...".
_WRAPPED: Final = re.compile(r"^ERR Error running script .*? -([A-Z]+) ")

LATE: Final = "the store did not answer in time"
GARBLED: Final = "the store sent what no call had asked for"

_NOTHING: Final = object()


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
    hops: int = 0
    """How often a server of a Cluster has sent it to another."""
    teller: asyncio.Future[Any] | None = None
    """Who waits for the reply where it is told later than it comes (``durable``)."""
    must_stay: bool = False
    """It speaks of the connection it was sent on: over another the answer would mean nothing."""
    errors: int = 0
    """How often it was answered with an error; somebody may have sent it again each time."""


def pack(args: tuple[Arg, ...]) -> bytes:
    """A command as bytes. ``TypeError`` and ``UnicodeError`` are the caller's mistakes.

    Compiled it takes less than half the time of hiredis's, and a command may have many arguments.
    """
    count = len(args)
    parts = [_COUNTS[count] if count < len(_COUNTS) else b"*%d" % count]
    for arg in args:
        if isinstance(arg, bytes):
            text = arg
        else:
            # No str() of just anything: what is None by mistake must not be stored as a word.
            text = arg.encode() if isinstance(arg, str) else b"%d" % arg
        size = len(text)
        parts.append(_SIZES[size] if size < len(_SIZES) else b"\r\n$%d\r\n" % size)
        parts.append(text)
    parts.append(b"\r\n")
    return b"".join(parts)


def pack_four(words: Four) -> bytes:
    """Four arguments as they stand in a command, for who sends many such: a third of the time."""
    first, second, third, last = words
    a, b, c, d = _size(first), _size(second), _size(third), _size(last)
    return b"%b%b%b%b%b%b%b%b" % (a, first, b, second, c, third, d, last)


def _size(text: bytes) -> bytes:
    size = len(text)
    return _SIZES[size] if size < len(_SIZES) else b"\r\n$%d\r\n" % size


def error_code(text: str) -> str:
    """The word that names an error reply: ``NOSCRIPT``, ``READONLY``, ``ERR``, ..."""
    wrapped = _WRAPPED.match(text)
    return wrapped[1] if wrapped else text.partition(" ")[0]


def refusal(text: str) -> StoreError:
    """An error reply as our own error."""
    kind = StoreUnavailable if error_code(text) in UNAVAILABLE else StoreError
    return kind(_answered(text))


def _answered(reply: object) -> str:
    return f"the store answered: {reply}"


def refuse(call: Call, text: str) -> None:
    """End ``call`` with the server's error."""
    if not call.reply.done():
        call.reply.set_exception(refusal(text))


async def exchange(connection: "Connection", commands: Sequence[tuple[Arg, ...]]) -> list[Any]:
    """The replies to ``commands``, errors among them."""
    loop = asyncio.get_running_loop()
    calls = [Call(args, pack(args), loop.create_future(), 0.0) for args in commands]
    for call in calls:
        connection.send(call)
    return await asyncio.gather(*[call.reply for call in calls], return_exceptions=True)


def unless_refused(replies: list[Any]) -> list[Any]:
    """``replies``, if there is no error among them; else the first error is raised."""
    for reply in replies:
        if isinstance(reply, BaseException):
            raise reply
    return replies


class Connection(asyncio.Protocol):
    """A pipeline of calls over one transport.

    ``on_end(self)`` says that no call may be sent any more; ``lost`` is done once every call has
    ended as well. ``why`` says then what happened.
    """

    def __init__(self, on_end: Callable[["Connection"], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._reader = hiredis.Reader(replyError=ServerError, notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self.on_error: Callable[[Call, str], None] = refuse
        """Sees to a call whose reply is an error."""
        self.pending: deque[Call] = deque()
        """Calls without a reply, oldest first."""
        self.heard = self._loop.time()
        """When the server was last heard of, on the loop's clock."""
        self.is_late = False
        """A deadline has passed, and nothing was heard since."""
        self.why = ""
        """Why it ended, once it has."""
        self.lost: asyncio.Future[int] = self._loop.create_future()
        """How many calls it took with it."""

    @property
    def is_open(self) -> bool:
        """Whether a call sent now would be written."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, call: Call) -> None:
        """Write ``call``, together with all others of this turn of the loop."""
        self.pending.append(call)
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(call.packed)

    def expire(self, now: float, patience: float) -> int:
        """End the calls whose deadline has passed; drop the connection if it looks dead.

        It does when nothing was heard for ``patience`` seconds, or when the oldest call is that
        much overdue: then answers come, but too late to be of use, and the queue would only grow.
        Tells how many calls it ended.
        """
        expired = 0
        for call in self.pending:
            if call.deadline <= now and not call.reply.done():
                expired += 1
                call.reply.set_exception(StoreUnavailable(LATE))
        self.is_late = self.is_late or expired > 0
        if self.pending and self.pending[0].deadline <= now:
            overdue = now - self.pending[0].deadline
            if now - self.heard >= patience or overdue >= patience:
                self.abort(LATE)
        return expired

    def abort(self, why: str) -> None:
        """Give the connection up at once; its calls end within this turn of the loop."""
        if self._transport:
            self.why = self.why or why
            self._on_end(self)
            self._transport.abort()

    async def close(self, why: str) -> None:
        """Give the connection up; returns once its calls have ended."""
        self.abort(why)
        await self.lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.heard = self._loop.time()
        self.is_late = False
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOTHING:
                if not self.pending:
                    # Some servers say why before they hang up, protected mode for one.
                    self.abort(_answered(reply) if reply.__class__ is ServerError else GARBLED)
                    return
                call = self.pending.popleft()
                if reply.__class__ is ServerError:
                    call.errors += 1
                    self.on_error(call, str(reply))
                elif not call.reply.done():
                    call.reply.set_result(reply)
        except hiredis.ProtocolError:
            self.abort(GARBLED)

    def connection_lost(self, exc: Exception | None) -> None:
        self.why = self.why or (told(exc) if exc else "closed by the store")
        self._on_end(self)
        self._transport = None
        self._end_all()

    def _flush(self) -> None:
        if self._transport:
            self._transport.write(b"".join(self._outgoing))
            metrics.COMMANDS.amount += len(self._outgoing)
            metrics.WRITES.amount += 1
        else:
            self._end_all()
        self._outgoing.clear()

    def _end_all(self) -> None:
        broken = 0
        while self.pending:
            call = self.pending.popleft()
            if not call.reply.done():
                broken += 1
                call.reply.set_exception(StoreUnavailable(f"the connection broke: {self.why}"))
        if not self.lost.done():
            self.lost.set_result(broken)
