"""Requests at a fixed rate, or a fixed number under way; how long each waits for its answer.

At a fixed rate it is decided in advance when a request is to leave, and its time counts from then:
an answer that comes late makes those behind it late too, and that is not hidden (no coordinated
omission). With a fixed number under way, the next request leaves when an answer comes. The same
loops ask a node and a store, so that their own lateness is in both figures.
"""

import select
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import ceil
from statistics import median
from typing import Protocol

import hiredis

HEAD_START_S = 0.02
PATIENCE_S = 3.0
LATE_S = 0.001
LATE_SHARE = 0.01
BUSY_SHARE = 0.9

_BRANCH = b"branch="


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the requests of one turn waited."""

    waits: list[float]
    """Seconds, sorted: to its answer from when a request left, or should have left."""

    def percentile(self, share: float) -> float:
        """The wait, in µs, that so many of a hundred requests do not exceed."""
        if not self.waits:
            return float("inf")
        return self.waits[min(len(self.waits), ceil(len(self.waits) * share / 100)) - 1] * 1e6


def multiple(whole: Sequence[Waits], store: Sequence[Waits], share: float) -> float:
    """A percentile of the whole as a multiple of the store's own: the median of the rounds."""
    pairs = zip(whole, store, strict=True)
    return median(each.percentile(share) / alone.percentile(share) for each, alone in pairs)


@dataclass(frozen=True, slots=True)
class Paced(Waits):
    """What became of the requests of a turn at a fixed rate; waits count from when each was due."""

    unanswered: int
    late: int
    """Requests that left more than a millisecond too late, by the fault of whoever sends."""
    own_share: float
    """CPU of the sender, of one processor."""

    @property
    def requests(self) -> int:
        """How many there were."""
        return len(self.waits) + self.unanswered

    @property
    def is_sound(self) -> bool:
        """Whether the sender did its part, so that the waits are the other side's."""
        return self.late <= LATE_SHARE * self.requests and self.own_share < BUSY_SHARE


@dataclass(frozen=True, slots=True)
class Looped(Waits):
    """What became of requests of which a fixed number was under way; waits count from each."""

    rate: float
    """How many were answered in a second."""


class Line(Protocol):
    """A way to whoever is asked, for numbered requests."""

    socket: socket.socket

    def send(self, message: bytes, /) -> object:
        """Send the next request."""

    def answered(self) -> Iterable[int]:
        """The numbers of those answered by what can be read now."""


class SipLine:
    """UDP; an answer belongs to the request with its branch."""

    def __init__(self, line: socket.socket, messages: Sequence[bytes], status: bytes) -> None:
        self.socket = line
        self.send = line.send
        self._good = b"SIP/2.0 %b " % status
        self._numbers = {_branch(message): number for number, message in enumerate(messages)}

    def answered(self) -> Iterator[int]:
        """Raises ``RuntimeError`` for another status."""
        while True:
            try:
                data = self.socket.recv(65535, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if not data.startswith(self._good):
                raise RuntimeError(f"answered {data[:40]!r}")
            yield self._numbers[_branch(data)]


class StoreLine:
    """A stream to a server that speaks RESP: replies come in order."""

    def __init__(self, line: socket.socket) -> None:
        self.socket = line
        self.send = line.sendall
        self._reader = hiredis.Reader(notEnoughData=None)
        self._count = 0

    def answered(self) -> Iterator[int]:
        """Raises ``RuntimeError`` for an error, ``ConnectionError`` if the server has hung up."""
        data = self.socket.recv(1 << 18, socket.MSG_DONTWAIT)
        if not data:
            raise ConnectionError("the store has hung up")
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not None:
            if isinstance(reply, hiredis.ReplyError):
                raise RuntimeError(f"the store answered {reply}")
            yield self._count
            self._count += 1


def warning(turns: Iterable[Paced]) -> str:
    """A sentence about turns in which the sender fell behind; empty if there are none."""
    all_turns = list(turns)
    unsound = sum(not turn.is_sound for turn in all_turns)
    if not unsound:
        return ""
    return (
        f"\n\nIn {unsound} of {len(all_turns)} turns the sender itself fell behind, by more than a "
        "millisecond for one request of a hundred:\nthose waits are upper bounds. "
        "Measure on a quieter machine, or with more processors."
    )


def pace(line: Line, messages: Sequence[bytes], rate: float) -> Paced:
    """Send ``messages``, ``rate`` of them a second."""
    with _without_limit(line.socket):
        return _pace(line, messages, rate)


def loop(line: Line, messages: Sequence[bytes], window: int) -> Looped:
    """Send ``messages``, ``window`` of them at once, and each of the others for an answer.

    Raises ``TimeoutError`` if answers stay away.
    """
    with _without_limit(line.socket):
        return _loop(line, messages, window)


@contextmanager
def _without_limit(line: socket.socket) -> Iterator[None]:
    """With a time limit on ``line``, Python itself would wait for what is not there."""
    patience = line.gettimeout()
    line.settimeout(None)
    try:
        yield
    finally:
        line.settimeout(patience)


def _loop(line: Line, messages: Sequence[bytes], window: int) -> Looped:
    clock, sockets, sent = time.perf_counter, [line.socket], []
    waits: list[float] = []
    todo = iter(messages)
    start = clock()
    for message in islice(todo, window):
        sent.append(clock())
        line.send(message)
    while len(waits) < len(messages):
        if not select.select(sockets, (), (), PATIENCE_S)[0]:
            raise TimeoutError(f"{len(messages) - len(waits)} requests have no answer")
        numbers = list(line.answered())
        now = clock()
        waits += [now - sent[number] for number in numbers]
        for message in islice(todo, len(numbers)):
            sent.append(clock())
            line.send(message)
    rate = len(messages) / (clock() - start)
    waits.sort()
    return Looped(waits, rate)


def _pace(line: Line, messages: Sequence[bytes], rate: float) -> Paced:
    clock, send, sockets = time.perf_counter, line.send, [line.socket]
    waits: list[float] = []
    late = sent = 0
    spent = time.process_time()
    start = clock() + HEAD_START_S
    end = start + len(messages) / rate + PATIENCE_S
    while len(waits) < len(messages) and (now := clock()) < end:
        due = start + sent / rate
        if sent < len(messages) and due <= now:
            send(messages[sent])
            sent += 1
            late += now - due > LATE_S
            if now - due > 1 / rate:
                continue
        pause = max(0.0, start + sent / rate - clock()) if sent < len(messages) else 0.1
        if select.select(sockets, (), (), pause)[0]:
            numbers = list(line.answered())
            now = clock()
            waits += [now - start - number / rate for number in numbers]
    spent = time.process_time() - spent
    waits.sort()
    return Paced(waits, len(messages) - len(waits), late, spent / (clock() - start))


def _branch(message: bytes) -> bytes:
    start = message.index(_BRANCH) + len(_BRANCH)
    return message[start : message.index(b";", start)]
