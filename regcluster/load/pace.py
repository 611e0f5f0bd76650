"""When requests leave: at instants decided in advance, or when earlier ones are answered.

Pure: the clock comes as an argument, chance as a function.
"""

from collections.abc import Callable, Iterator, Mapping
from math import gcd, inf
from typing import Protocol


class Pace(Protocol):
    """Says when the next request is due."""

    def due(self, now: float, under_way: int) -> float | None:
        """The instant for which the next request is meant, if that has come; it counts as sent."""

    def wait(self, now: float, under_way: int) -> float:
        """Seconds until the next one may be due; infinite: only an answer can change that."""


class OpenPace:
    """One request at each of ``times``, however many are under way."""

    __slots__ = ("_next", "_times")

    def __init__(self, times: Iterator[float]) -> None:
        self._times = times
        self._next = next(times, inf)

    def due(self, now: float, under_way: int) -> float | None:
        """The instant that was decided, however late it is."""
        intended = self._next
        if intended > now:
            return None
        self._next = next(self._times, inf)
        return intended

    def wait(self, now: float, under_way: int) -> float:
        """Until the next instant."""
        return max(self._next - now, 0.0)


class ClosedPace:
    """A request whenever fewer than ``window`` are under way."""

    __slots__ = ("_window",)

    def __init__(self, window: int) -> None:
        self._window = window

    def due(self, now: float, under_way: int) -> float | None:
        """This instant, if there is room."""
        return now if under_way < self._window else None

    def wait(self, now: float, under_way: int) -> float:
        """Nothing, while there is room."""
        return 0.0 if under_way < self._window else inf


def even_times(start: float, rate: float, part: int, parts: int) -> Iterator[float]:
    """Every ``parts``-th of instants that are evenly spaced, ``rate`` a second, for good."""
    number = part
    while True:
        yield start + number / rate
        number += parts


def random_times(start: float, rate: float, chance: Callable[[], float]) -> Iterator[float]:
    """Instants of a Poisson process; ``chance`` draws exponentially with a mean of one."""
    instant = start
    while True:
        instant += chance() / rate
        yield instant


def share(whole: int, part: int, parts: int) -> int:
    """What ``part`` of ``parts`` gets of ``whole``: together they get all of it."""
    return whole // parts + (part < whole % parts)


def interleave(mix: Mapping[str, int]) -> tuple[str, ...]:
    """The kinds of one cycle of a mix, each spread as evenly over it as its weight allows."""
    weights = {kind: weight for kind, weight in mix.items() if weight > 0}
    common = gcd(*weights.values())
    credit = dict.fromkeys(weights, 0)
    total = sum(weights.values()) // common
    cycle = []
    for _ in range(total):
        for kind, weight in weights.items():
            credit[kind] += weight // common
        chosen = max(credit, key=credit.__getitem__)
        credit[chosen] -= total
        cycle.append(chosen)
    return tuple(cycle)


def stride(size: int) -> int:
    """A step that visits all of ``size`` places before any twice, never two neighbours in a row."""
    step = max(int(size * 0.618), 1)
    while gcd(step, size) != 1:
        step += 1
    return step
