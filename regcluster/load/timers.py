"""When a request that has no answer is sent again, and when it counts as lost.

All requests of one kind wait equally long at each step, so a queue a step is in order by itself
and nothing has to be sorted.
"""

from collections import deque
from collections.abc import Callable, Container
from itertools import pairwise

from regcluster.load.plan import TIMER_T1_S, TIMER_T2_S


def offsets(*, is_invite: bool, patience_s: float) -> list[float]:
    """Seconds after the first sending of all later ones (RFC 3261 §17.1.1.2, §17.1.2.2)."""
    found: list[float] = []
    interval = at = TIMER_T1_S
    while at < patience_s:
        found.append(at)
        # Only what is no INVITE stops doubling, at T2.
        interval = interval * 2 if is_invite else min(interval * 2, TIMER_T2_S)
        at += interval
    return found


class Ladder:
    """Requests without an answer, by the step they wait at; the last one is giving up."""

    def __init__(self, again_at: list[float], patience_s: float) -> None:
        instants = [0.0, *again_at, patience_s]
        self._steps: list[tuple[float, deque[tuple[float, int]]]] = [
            (later - earlier, deque()) for earlier, later in pairwise(instants)
        ]
        self._first_delay, self._first = self._steps[0]

    def add(self, index: int, now: float) -> None:
        """Request ``index`` has been sent for the first time."""
        self._first.append((now + self._first_delay, index))

    def climb(
        self,
        now: float,
        waiting: Container[int],
        again: Callable[[int], None],
        give_up: Callable[[int], None],
    ) -> None:
        """Do what is due for those who still wait."""
        for step, (_, queue) in enumerate(self._steps):
            while queue and queue[0][0] <= now:
                due, index = queue.popleft()
                if index not in waiting:
                    continue
                if step + 1 == len(self._steps):
                    give_up(index)
                else:
                    delay, following = self._steps[step + 1]
                    following.append((due + delay, index))
                    again(index)
