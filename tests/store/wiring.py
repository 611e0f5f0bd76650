"""What tests of the links share: a link to a URL, what it answered, and what was counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from anyio.lowlevel import checkpoint
from prometheus_client import REGISTRY

from regcluster.config import StoreSettings
from regcluster.errors import StoreError, StoreUnavailable
from regcluster.store.durable import Durability
from regcluster.store.keeper import TRY_S
from regcluster.store.keys import Keys
from regcluster.store.link import PipelinedLink
from regcluster.store.places import parse_place
from regcluster.store.schema import Schema
from regcluster.store.scripts import SOURCES

BRIEF_S = 0.1
"""A deadline that a test can wait for."""

LONG_S = 5.0
"""No event takes this long; a test that waits so long has failed."""

KINDS = ("timeout", "lost", "refused", "unreplicated")


@asynccontextmanager
async def linked(
    url: str,
    deadline_s: float = LONG_S,
    try_s: float = TRY_S,
    durability: Durability | None = None,
) -> AsyncIterator[PipelinedLink]:
    """A link to the server at ``url``, as a worker would make it."""
    settings = StoreSettings()
    schema = Schema(Keys(settings), settings)
    place = parse_place(url)
    assert not isinstance(place, tuple)
    link = PipelinedLink(place, deadline_s, schema, SOURCES, try_s, durability)
    try:
        yield link
    finally:
        await link.close()


async def problem(reply: Awaitable[object], kind: type[StoreError] = StoreUnavailable) -> str:
    """What ``reply`` fails with, which must be of just that kind."""
    with pytest.raises(StoreError) as caught:
        await reply
    assert kind is caught.type
    return str(caught.value)


async def problems(replies: list[asyncio.Future[object]]) -> set[str]:
    """What all ``replies`` together fail with."""
    await asyncio.wait(replies)
    return {str(reply.exception()) for reply in replies}


async def until(claim: Callable[[], object]) -> None:
    """Return once ``claim`` holds; it is looked at in each turn of the loop."""
    async with asyncio.timeout(LONG_S):
        while not claim():
            await checkpoint()


class Counted:
    """What the metrics of the store have counted since this was made."""

    def __init__(self) -> None:
        self._before = self._now()

    @property
    def changes(self) -> dict[str, float]:
        """What has changed, and by how much."""
        now = self._now()
        changes = {name: now[name] - before for name, before in self._before.items()}
        return {name: change for name, change in changes.items() if change}

    @property
    def failed(self) -> float:
        """How many calls failed, one way or another."""
        return sum(self.changes.get(kind, 0.0) for kind in KINDS)

    @staticmethod
    def _now() -> dict[str, float]:
        samples: dict[str, tuple[str, dict[str, str]]] = {
            "reconnect": ("regcluster_store_reconnects_total", {})
        }
        for kind in KINDS:
            samples[kind] = ("regcluster_store_errors_total", {"kind": kind})
        for verb in ("save", "fetch", "drop"):
            name = "regcluster_store_call_duration_seconds_count"
            samples[verb] = (name, {"operation": verb})
        return {name: REGISTRY.get_sample_value(*key) or 0.0 for name, key in samples.items()}
