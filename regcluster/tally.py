"""Counts of one turn of the event loop, written down together at its end.

Workers count into memory-mapped files, and one such write costs a microsecond or more. A busy turn
counts the same few things over and over, so each is added up first and written once: the five
figures of a REGISTER cost 7.2 µs one by one and 1.0 µs in a turn of 32. What the store has to be
asked for is answered in a later turn than it was counted in: a worker that is killed takes no
registration along that a phone has heard of.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable

from prometheus_client import Counter, Histogram

Defer = Callable[[Callable[[], None]], object]
"""Calls a function when the turn is over: ``call_soon`` of a loop."""


class Tally:
    """What is still to be written down. Until ``defer`` is set, everything is at once."""

    def __init__(self) -> None:
        self.defer: Defer | None = None
        self._owing: list[Callable[[], None]] = []

    def owe(self, write: Callable[[], None]) -> None:
        """Call ``write`` at the end of this turn."""
        if self.defer is None:
            write()
            return
        if not self._owing:
            self.defer(self._settle)
        self._owing.append(write)

    def close(self) -> None:
        """Write down what is owed, and from now on everything at once: the loop is about to end."""
        self.defer = None
        self._settle()

    def _settle(self) -> None:
        owing, self._owing = self._owing, []
        for write in owing:
            write()


class Counts:
    """A labelled counter; its children are bound at their first use.

    Those with one of the labels ``known`` are bound, and so shown as 0, from the start.
    """

    __slots__ = ("_children", "_counter", "_owed", "_tally")

    def __init__(self, counter: Counter, tally: Tally, known: Iterable[str] = ()) -> None:
        self._counter = counter
        self._tally = tally
        self._children: dict[tuple[str, ...], Counter] = {
            (label,): counter.labels(label) for label in known
        }
        self._owed: dict[tuple[str, ...], int] = {}

    def inc(self, *labels: str) -> None:
        """Count one; the caller vouches that ``labels`` are from a small, known set."""
        owed = self._owed
        is_first = not owed
        owed[labels] = owed.get(labels, 0) + 1
        if is_first:
            self._tally.owe(self._write)

    def _write(self) -> None:
        owed, self._owed = self._owed, {}
        for labels, amount in owed.items():
            child = self._children.get(labels)
            if child is None:
                child = self._children[labels] = self._counter.labels(*labels)
            child.inc(amount)


class Total:
    """A counter of what happens many times a turn: add to ``amount``, ``write`` now and then."""

    __slots__ = ("_counter", "amount")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.amount = 0
        """What is not written down yet."""

    def write(self) -> None:
        """Write it down."""
        amount, self.amount = self.amount, 0
        self._counter.inc(amount)


class Durations:
    """One histogram, or one child of it.

    prometheus_client takes observations one by one only, so several are put into its buckets here,
    past ``Histogram.observe``.
    """

    __slots__ = ("_bounds", "_counts", "_histogram", "_seconds", "_tally")

    def __init__(self, histogram: Histogram, tally: Tally) -> None:
        self._histogram = histogram
        self._tally = tally
        self._bounds = histogram._upper_bounds
        self._counts = [0] * len(self._bounds)
        self._seconds: list[float] = []

    def observe(self, seconds: float) -> None:
        """Something took so long."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._seconds.append(seconds)
        if len(self._seconds) == 1:
            self._tally.owe(self._write)

    def _write(self) -> None:
        self._histogram._sum.inc(sum(self._seconds))
        self._seconds.clear()
        for place, count in enumerate(self._counts):
            if count:
                self._histogram._buckets[place].inc(count)
                self._counts[place] = 0
