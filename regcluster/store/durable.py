"""``store.wait_replicas``: a change is told of only when replicas have it too.

WAIT speaks for everything its connection has written before, so one stands behind all changes of a
write, and the next is sent when that has been answered: a group commit. It also holds up whatever
comes behind it, which is why reads have a connection of their own (``topology``). A script that the
server did not know is sent again with its text, and so comes behind the WAIT that was meant to
cover it: the next one does.

Redis is not strictly consistent for all that: a replica that has a change may not be the one that
is promoted.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from regcluster import metrics
from regcluster.errors import StoreUnavailable
from regcluster.store.connection import Arg, Call, Connection, pack


@dataclass(slots=True, frozen=True)
class Durability:
    """What must be sure, and how sure."""

    replicas: int
    """How many must have a change."""
    wait_s: float
    """How long they have for it."""
    changes: frozenset[Arg]
    """SHAs and texts of the scripts whose changes are meant."""

    def covers(self, args: tuple[Arg, ...]) -> bool:
        """Whether the command of ``args`` is such a change."""
        return len(args) > 1 and args[1] in self.changes


class DurableConnection(Connection):
    """A connection on which changes end once replicas have them.

    A change is a call with a ``teller``; over whichever connections it goes, it stays this one.
    """

    def __init__(self, on_end: Callable[[Connection], None], durability: Durability) -> None:
        super().__init__(on_end)
        self._durability = durability
        self._uncovered: list[tuple[Call, int]] = []
        """Changes sent behind the last WAIT, and the errors that each had had by then."""
        self._is_waiting = False
        """A WAIT is on its way."""

    def send(self, call: Call) -> None:
        """Write ``call``; if it is a change, a WAIT will follow."""
        if call.teller is None and self._durability.covers(call.args):
            call = self._change(call)
        if call.teller is not None:
            self._uncovered.append((call, call.errors))
        super().send(call)

    def _flush(self) -> None:
        if self._uncovered and not self._is_waiting:
            self._wait()
        super()._flush()

    def _change(self, call: Call) -> Call:
        """``call`` as one whose reply is kept back."""
        reply = self._loop.create_future()
        teller = call.reply
        change = Call(call.args, call.packed, reply, call.deadline, call.hops, teller)

        def replied(reply: asyncio.Future[Any]) -> None:
            if not reply.cancelled() and (why := reply.exception()):
                _fail(teller, why)

        change.reply.add_done_callback(replied)
        return change

    def _wait(self) -> None:
        """Ask the server when the replicas have what was written up to here."""
        covered, self._uncovered = self._uncovered, []
        self._is_waiting = True
        wait_ms = max(1, int(self._durability.wait_s * 1000))
        args: tuple[Arg, ...] = (b"WAIT", self._durability.replicas, wait_ms)
        deadline = min(change.deadline for change, _ in covered)
        wait = Call(args, pack(args), self._loop.create_future(), deadline, must_stay=True)
        wait.reply.add_done_callback(lambda reply: self._waited(reply, covered))
        super().send(wait)

    def _waited(self, reply: asyncio.Future[Any], covered: list[tuple[Call, int]]) -> None:
        why = self._shortfall(reply)
        for change, errors in covered:
            # After an error it may have been sent again, here or elsewhere: it is seen to there.
            if change.errors == errors and change.teller and not change.teller.done():
                self._tell(change.reply, change.teller, why)
        self._is_waiting = False
        if self._uncovered:
            self._wait()

    def _tell(
        self,
        reply: asyncio.Future[Any],
        teller: asyncio.Future[Any],
        why: StoreUnavailable | None,
    ) -> None:
        if why:
            # Also where the reply is still to come: no WAIT will speak for it any more.
            metrics.count_store_error("unreplicated")
            teller.set_exception(StoreUnavailable(*why.args))
        elif not reply.exception():
            teller.set_result(reply.result())

    def _shortfall(self, reply: asyncio.Future[Any]) -> StoreUnavailable | None:
        """Why the changes are not safe; ``None``: they are."""
        if why := reply.exception():
            return StoreUnavailable(*why.args)
        has, wanted = reply.result(), self._durability.replicas
        if isinstance(has, int) and has >= wanted:
            return None
        return StoreUnavailable(f"{has} of {wanted} replicas have it")


def _fail(teller: asyncio.Future[Any], why: BaseException) -> None:
    if not teller.done():
        teller.set_exception(why)
