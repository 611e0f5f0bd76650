"""A private server of a test's own, in a directory, and what is said when there can be none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from regcluster.errors import ConfigError
from regcluster.store.embedded import Embedded


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Embedded]:
    embedded = await Embedded.start(f"embedded://{directory}")
    try:
        yield embedded
    finally:
        await embedded.stop()


def client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, decode_responses=True)


async def problem_of(directory: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        await Embedded.start(f"embedded://{directory}")
    return str(caught.value)
