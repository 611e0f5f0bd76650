"""Many scripts run one after the other, so that whatever is urgent gets in between."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

AT_ONCE = 32
"""Scripts sent in one go: they keep a REGISTER behind them waiting for half a millisecond."""

T = TypeVar("T")


async def in_turns(jobs: Sequence[Callable[[], Awaitable[T]]], at_once: int = AT_ONCE) -> list[T]:
    """Do ``jobs``, ``at_once`` of them, and rest after each turn for as long as it took.

    So what is urgent finds the loop, and the server, free at least half of the time.
    """
    done: list[T] = []
    for start in range(0, len(jobs), at_once):
        began = time.monotonic()
        done += await asyncio.gather(*[job() for job in jobs[start : start + at_once]])
        await asyncio.sleep(time.monotonic() - began)
    return done
