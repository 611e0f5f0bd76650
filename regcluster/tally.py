"""Counts of one turn of the event loop, written down together at its end.

Workers count into memory-mapped files, and one such write costs a microsecond or more. A busy turn
counts the same few things a hundred times over, so each is added up first and written once. Before
an answer of that turn has left, the requests it answers have been counted: a worker that is killed
takes nothing along that a phone has heard of.
"""

from collections.abc import Callable
from typing import Any

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

    def _settle(self) -> None:
        owing, self._owing = self._owing, []
        for write in owing:
            write()


def tallied(value_class: type, tally: Tally) -> type:
    """``value_class`` of prometheus_client, whose ``inc`` goes by way of ``tally``."""

    class Tallied(value_class):  # type: ignore[misc]
        """One number, and what has been added to it in this turn."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._owed = 0.0

        def inc(self, amount: float) -> None:
            """Add ``amount`` when the turn is over."""
            is_first = not self._owed
            self._owed += amount
            if is_first:
                tally.owe(self._write)

        def _write(self) -> None:
            amount, self._owed = self._owed, 0.0
            super().inc(amount)

    return Tallied
