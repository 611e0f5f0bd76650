"""Bounds on work in flight, and when those that are refused may come back.

Refusing must stay cheap and must not gather the refused into one wave: each is told another time
(RFC 3261 §21.5.4). What is refused, and what is counted, is the worker's business.
"""

from collections.abc import Callable


class Admission:
    """A door that lets in ``limit`` requests at once. Call ``leave`` once for each admitted."""

    __slots__ = ("in_flight", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """May be changed at any time; a lower one turns nobody out who is in."""
        self.in_flight = 0
        """Requests being worked on now."""

    def try_enter(self) -> bool:
        """Whether there is room for one more, which then is in."""
        if self.in_flight >= self.limit:
            return False
        self.in_flight += 1
        return True

    def leave(self) -> None:
        """One request is done with."""
        self.in_flight -= 1


def retry_after(middle: int, spread: Callable[[], float]) -> int:
    """Whole seconds from half of ``middle`` to one and a half of it, all equally likely.

    ``spread`` draws from [0, 1).
    """
    least = (middle + 1) // 2
    most = middle * 3 // 2
    return least + int(spread() * (most - least + 1))
