"""A node that speaks for itself: the whole API over a store, without a supervisor."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from regcluster.config import HttpSettings, Settings, StoreSettings
from regcluster.config.fields import FIELDS
from regcluster.config.reader import Loaded
from regcluster.control.api.answers import answer_http
from regcluster.control.api.app import Api
from regcluster.control.api.shapes import NodeState, WorkerState
from regcluster.control.http import Undecoded
from regcluster.errors import StoreUnavailable
from regcluster.store import RedisStore
from tests.servers import Server, open_store

READ, WRITE = "the-token-that-reads", "the-token-that-writes"

TOKENS = f"read {READ}\nwrite {WRITE}\n"

ORIGINS = dict.fromkeys(FIELDS, "here")

FEW = StoreSettings(partitions=4)
"""Partitions, for the sake of time."""

BASE = "http://127.0.0.1:8080/api/v1"

STATE = NodeState(
    name="edge-1",
    version="1.2.3",
    started_at=1_700_000_000_000,
    uptime_s=12.5,
    ready=True,
    draining=False,
    problems=[],
    workers=[WorkerState(0, 4711, True, 2, None)],
)


@dataclass
class Speaker:
    """A ``Node``; without a store it is one whose store is yet to come."""

    kept: RedisStore | None
    settings: Settings = field(default_factory=Settings)
    counted: CollectorRegistry = field(default_factory=CollectorRegistry)
    drains: int = 0

    def in_force(self) -> Loaded:
        return Loaded(self.settings, ORIGINS)

    async def store(self) -> RedisStore:
        if self.kept is None:
            raise StoreUnavailable("not connected yet")
        return self.kept

    def state(self) -> NodeState:
        return STATE

    def registry(self) -> CollectorRegistry:
        return self.counted

    def drain(self) -> None:
        self.drains += 1


class Healthy:
    """A node without problems."""

    def problems(self) -> list[str]:
        """None."""
        return []


def bearing(token: str) -> Mapping[str, str]:
    """The header that shows ``token``."""
    return {"Authorization": f"Bearer {token}"}


def api_of(speaker: Speaker, folder: Path) -> Api:
    """The API that speaks for it, to whoever bears one of ``TOKENS``."""
    file = folder / "tokens"
    file.write_text(TOKENS)
    return Api(speaker, HttpSettings(token_file=str(file)))


@asynccontextmanager
async def asking(api: Api, token: str = WRITE) -> AsyncIterator[httpx.AsyncClient]:
    """Someone who asks, and bears ``token``."""
    app = Starlette(routes=api.routes(), exception_handlers={HTTPException: answer_http})
    transport = httpx.ASGITransport(Undecoded(app))
    headers = bearing(token)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        yield client


@asynccontextmanager
async def spoken_for(
    server: Server, folder: Path, settings: Settings | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, RedisStore]]:
    """Someone who may do everything with a node on ``server``, emptied, and its store."""
    settings = settings or Settings(store=FEW)
    server.ask(b"FLUSHALL")
    store = open_store(server, settings.store)
    try:
        async with asking(api_of(Speaker(store, settings), folder)) as client:
            yield client, store
    finally:
        await store.close()


def now() -> int:
    """About the store's time, epoch ms."""
    return int(time.time() * 1000)
