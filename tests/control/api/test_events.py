"""The change feed over HTTP, as a browser reads it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from msgspec.structs import replace

from regcluster.config import Settings
from regcluster.control import http
from regcluster.control.api.app import Api
from regcluster.control.api.streams import MOST
from regcluster.store import RedisStore
from regcluster.store import open_store as open_by_url
from tests.control.api.speaker import (
    FEW,
    READ,
    Healthy,
    Speaker,
    api_of,
    bearing,
    now,
    spoken_for,
)
from tests.control.command import ALICE, DESK, binding, hold
from tests.control.watch import PATIENCE_S
from tests.peer.processes import HOST, free_port
from tests.servers import FakeredisServer, RealServer, open_store
from tests.store.accounts import NODE, PASSWORD, USER, allow

pytestmark = pytest.mark.anyio

Told = dict[str, str]
"""One event: the fields of its lines."""


@asynccontextmanager
async def served(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an HTTP port with ``api``, over a real connection."""
    bound = http.bind(f"{HOST}:{free_port()}")
    base = f"http://{HOST}:{bound.getsockname()[1]}/api/v1"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(http.serve, bound, Healthy(), Speaker(None).registry, api.routes())
        async with httpx.AsyncClient(base_url=base, headers=bearing(READ)) as client:
            yield client
        api.close()
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def following(
    client: httpx.AsyncClient, query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[AsyncIterator[Told]]:
    """The events of a stream; it has begun."""
    async with client.stream("GET", f"/events?{query}", headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        yield _events(lines)


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Told]:
    told: Told = {}
    async for line in lines:
        if not line:
            if told:
                yield told
            told = {}
        else:
            name, _, text = line.partition(": ")
            told[name] = text


async def heard(events: AsyncIterator[Told], count: int = 1) -> list[Told]:
    """The next of them."""
    with anyio.fail_after(PATIENCE_S):
        return [await anext(events) for _ in range(count)]


@asynccontextmanager
async def followed(
    valkey: RealServer, folder: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, RedisStore]]:
    """A client of a node on Valkey, emptied, and its store."""
    valkey.ask(b"FLUSHALL")
    store = open_store(valkey, FEW)
    try:
        api = api_of(Speaker(store, Settings(store=FEW)), folder)
        async with served(api) as client:
            yield client, store
    finally:
        await store.close()


@pytest.mark.server
async def test_what_happens_is_told_as_watch_tells_it(valkey: RealServer, tmp_path: Path) -> None:
    """Its id and kind stand outside of the document too, where browsers look for them."""
    async with followed(valkey, tmp_path) as (client, store), following(client) as events:
        await hold(store, {("location", ALICE): [binding(now())]})
        await store.drop(ALICE)
        added, removed = await heard(events, 2)

    assert ["added", "removed"] == [added["event"], removed["event"]]
    document = json.loads(added["data"])
    assert (added["id"], "added", ALICE) == tuple(document[key] for key in ("id", "kind", "aor"))
    assert DESK == document["contact"]["contact"]


@pytest.mark.server
async def test_a_browser_that_has_lost_us_goes_on_where_it_was(
    valkey: RealServer, tmp_path: Path
) -> None:
    """Behind the event whose id it sends, whatever since says."""
    async with followed(valkey, tmp_path) as (client, store):
        await hold(store, {("location", ALICE): [binding(now())]})
        await store.drop(ALICE)
        async with following(client, "since=0") as events:
            added, removed = await heard(events, 2)
        async with following(client, "since=0", {"Last-Event-ID": added["id"]}) as events:
            again = await heard(events)

    assert [removed] == again


@pytest.mark.server
@pytest.mark.parametrize("asked", ["aor=sip:bob@example.net", "domain=example.net"])
async def test_a_stream_can_be_narrowed(valkey: RealServer, tmp_path: Path, asked: str) -> None:
    """To an AOR, or to a domain."""
    async with followed(valkey, tmp_path) as (client, store):
        for aor in (ALICE, "bob@example.net"):
            await hold(store, {("location", aor): [binding(now())]})
        async with following(client, f"since=0&{asked}") as events:
            told = await heard(events)

    assert "bob@example.net" == json.loads(told[0]["data"])["aor"]


@pytest.mark.server
async def test_who_may_not_read_the_feed_is_told(valkey: RealServer, tmp_path: Path) -> None:
    """Before the stream begins if that can be known by then, else as its only event."""
    valkey.ask(b"FLUSHALL")
    allow(valkey.ask, *NODE)
    url = f"{valkey.url}?username={USER}&password={PASSWORD}"
    settings = replace(FEW, url=url)
    store = await open_by_url(settings)
    try:
        async with served(api_of(Speaker(store, Settings(store=settings)), tmp_path)) as client:
            refused = await client.get("/events")
            async with following(client, "since=0") as events:
                with anyio.fail_after(PATIENCE_S):
                    told = [event async for event in events]
    finally:
        await store.close()
        valkey.ask(b"ACL", b"DELUSER", USER)

    assert (503, True) == (refused.status_code, "xrevrange" in refused.json()["detail"])
    assert ["store"] == [event["event"] for event in told]
    assert "xrange" in json.loads(told[0]["data"])["problem"]


@pytest.mark.server
async def test_there_are_only_so_many_streams(valkey: RealServer, tmp_path: Path) -> None:
    """503 for one too many; who leaves makes room."""
    async with followed(valkey, tmp_path) as (client, _):
        async with AsyncExitStack() as stack:
            for _ in range(MOST):
                await stack.enter_async_context(following(client))
            refused = await client.get("/events")
        with anyio.fail_after(PATIENCE_S):
            while (await _status(client)) == 503:
                pass

    detail = f"there are {MOST} streams open, as many as there may be"
    assert (503, detail) == (refused.status_code, refused.json()["detail"])


@pytest.mark.server
async def test_streams_end_when_the_tokens_are_others(valkey: RealServer, tmp_path: Path) -> None:
    """Who is still let in comes back by itself; who is not stays out."""
    valkey.ask(b"FLUSHALL")
    store = open_store(valkey, FEW)
    api = api_of(Speaker(store, Settings(store=FEW)), tmp_path)
    async with served(api) as client, following(client) as events:
        api.admit(api.read_tokens())
        await hold(store, {("location", ALICE): [binding(now())]})
        stayed = await heard(events)
        (tmp_path / "tokens").write_text("read another-token-of-ours")
        api.admit(api.read_tokens())
        with anyio.fail_after(PATIENCE_S):
            rest = [event async for event in events]
        refused = await client.get("/events")
    await store.close()

    assert ("added", []) == (stayed[0]["event"], rest)
    assert 401 == refused.status_code


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"aor": ALICE, "domain": "example.com"}, "say aor or domain, not both"),
        ({"since": "4:1-0"}, "4:1-0 is no id of an event in this store"),
        (
            {"since": "soon"},
            "soon is neither a time, such as 10m or 2026-01-31T12:00, nor the id of an event",
        ),
        ({"table": "desk"}, "there is no table desk; location.tables has location"),
        ({"aor": "alice"}, "alice has no domain: write alice@example.com, or sip:alice"),
    ],
)
async def test_a_stream_that_cannot_be_is_refused(
    fakeredis: FakeredisServer, tmp_path: Path, asked: dict[str, str], detail: str
) -> None:
    """400, before it has begun."""
    async with spoken_for(fakeredis, tmp_path) as (client, _):
        answer = await client.get("/events", params=asked)

    assert (400, detail) == (answer.status_code, answer.json()["detail"])


async def _status(client: httpx.AsyncClient) -> int:
    async with client.stream("GET", "/events") as answer:
        return answer.status_code
