"""Counts of one turn of the event loop, written down together at its end.

Workers count into memory-mapped files, and one such write costs a microsecond or more. A busy turn
counts the same few things over and over, so each is added up first and written once: the five
figures of a REGISTER cost 7.2 µs one by one and 1.0 µs in a turn of 32. A request that needs the
store is answered in a later turn than it came in, so its arrival is written down before the phone
has an answer, even if the worker is killed then. Durations are put off for a second or so: nobody
waits for them.
"""

from collections.abc import Callable, Iterable

from prometheus_client import Counter, Histogram

Defer = Callable[[Callable[[], None]], object]
"""Calls a function when the turn is over: ``call_soon`` of a loop."""


class Tally:
    """What is still to be written down. Until ``defer`` is set, everything is at once."""

    def __init__(self) -> None:
        self.defer: Defer | None = None
        self._owing: list[Callable[[], None]] = []
        self._put_off: list[Callable[[], None]] = []

    def owe(self, write: Callable[[], None]) -> None:
        """Call ``write`` at the end of this turn."""
        if self.defer is None:
            write()
            return
        if not self._owing:
            self.defer(self._end_turn)
        self._owing.append(write)

    def put_off(self, write: Callable[[], None]) -> None:
        """Call ``write`` with the next ``settle``."""
        if self.defer is None:
            write()
        else:
            self._put_off.append(write)

    def settle(self) -> None:
        """Write down what was put off."""
        put_off, self._put_off = self._put_off, []
        for write in put_off:
            write()

    def close(self) -> None:
        """Write down what there is, and from now on everything at once: the loop is to end."""
        self.defer = None
        self._end_turn()
        self.settle()

    def _end_turn(self) -> None:
        owing, self._owing = self._owing, []
        for write in owing:
            write()


class Counts:
    """A counter with some of its labels given: ``of`` gives one more, ``inc`` wants them all.

    What follows is made at its first use; where one of the labels ``known`` is the last, from the
    start, and so it is shown as 0.
    """

    __slots__ = ("_child", "_counter", "_labels", "_more", "_owed", "_tally")

    def __init__(
        self,
        counter: Counter,
        tally: Tally,
        known: Iterable[str] = (),
        labels: tuple[str, ...] = (),
    ) -> None:
        self._counter = counter
        self._tally = tally
        self._labels = labels
        self._more: dict[str, Counts] = {}
        self._child: Counter | None = None
        self._owed = 0
        for label in known:
            self.of(label)._bound()

    def of(self, label: str) -> "Counts":
        """This with one more label; the caller vouches that it is from a small, known set."""
        more = self._more.get(label)
        if more is None:
            labels = (*self._labels, label)
            more = self._more[label] = Counts(self._counter, self._tally, (), labels)
        return more

    def inc(self) -> None:
        """Count one."""
        self._owed += 1
        if self._owed == 1:
            self._tally.owe(self._write)

    def _bound(self) -> Counter:
        if self._child is None:
            self._child = self._counter.labels(*self._labels)
        return self._child

    def _write(self) -> None:
        owed, self._owed = self._owed, 0
        self._bound().inc(owed)


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

    __slots__ = ("_bounds", "_counts", "_histogram", "_observed", "_seconds", "_tally")

    def __init__(self, histogram: Histogram, tally: Tally) -> None:
        self._histogram = histogram
        self._tally = tally
        self._bounds: list[float] = histogram._upper_bounds
        self._counts = [0] * len(self._bounds)
        self._observed = 0
        self._seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Something took so long."""
        place = 0
        while seconds > self._bounds[place]:
            # The last one is infinity. A search that halves costs more than the first few steps.
            place += 1
        self._counts[place] += 1
        self._seconds += seconds
        self._observed += 1
        if self._observed == 1:
            self._tally.put_off(self._write)

    def _write(self) -> None:
        self._histogram._sum.inc(self._seconds)
        self._observed, self._seconds = 0, 0.0
        for place, count in enumerate(self._counts):
            if count:
                self._histogram._buckets[place].inc(count)
                self._counts[place] = 0
