"""Many jobs, a few at once."""

import asyncio
from functools import partial

import pytest

from regcluster.store.turns import AT_ONCE, in_turns

pytestmark = pytest.mark.anyio


async def test_turns_are_bounded_and_keep_the_order() -> None:
    """What is urgent gets in between."""
    running, most = 0, 0

    async def job(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number

    done = await in_turns([partial(job, number) for number in range(3 * AT_ONCE + 1)])

    assert (list(range(3 * AT_ONCE + 1)), AT_ONCE) == (done, most)
