"""Nodes over HTTP: who is at work, how this one is, what it goes by, and its end."""

from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Counter

from regcluster.config import NodeSettings, Settings, StoreSettings
from regcluster.control.api.desk import Meter
from regcluster.store import RedisStore
from tests.control.api.speaker import FEW, Speaker, api_of, asking, spoken_for
from tests.servers import FakeredisServer

pytestmark = pytest.mark.anyio


async def test_nodes_are_those_with_a_lease_and_those_that_had_one(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """With what each says of itself, as ``regcluster node list`` tells it."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        await _lease(store, "edge-1/0.aa", 60_000)
        await _lease(store, "edge-2/0.bb", -60_000)
        said = b'{"epoch": "e", "addresses": ["udp:192.0.2.1:5060"], "workers": 2}'
        await store.link.call(b"SET", store.keys.node("edge-1"), said, b"EX", 60)
        first, second = (await client.get("/nodes")).json()["nodes"]

    assert 50_000 < first.pop("lease_ms") <= 60_000
    assert first == {
        "name": "edge-1",
        "state": "partly",
        "workers": 2,
        "leases": 1,
        "addresses": ["udp:192.0.2.1:5060"],
    }
    assert ("edge-2", "gone", None, 0, 0) == tuple(
        second[name] for name in ("name", "state", "workers", "leases", "lease_ms")
    )


async def test_a_node_tells_how_it_is(tmp_path: Path) -> None:
    """Also while its store is away; there are no rates yet for who asks first."""
    async with asking(api_of(Speaker(None), tmp_path)) as client:
        told = (await client.get("/node")).json()

    assert told == {
        "name": "edge-1",
        "version": "1.2.3",
        "started_at": 1_700_000_000_000,
        "uptime_s": 12.5,
        "ready": True,
        "draining": False,
        "problems": [],
        "workers": [
            {"number": 0, "pid": 4711, "ready": True, "restarts": 2, "store_problem": None}
        ],
        "rates": None,
    }


async def test_a_node_tells_its_rates_to_who_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are of the time between."""
    monkeypatch.setattr(Meter, "LEAST_S", 0.02)
    registry = CollectorRegistry()
    requests = Counter("regcluster_sip_requests", "", ("method",), registry=registry)
    async with asking(api_of(Speaker(None, counted=registry), tmp_path)) as client:
        await client.get("/node")
        requests.labels("REGISTER").inc(1000)
        # Of less time it tells nothing.
        await anyio.sleep(Meter.LEAST_S + 0.01)
        rates = (await client.get("/node")).json()["rates"]

    assert 1000 == pytest.approx(rates["over_s"] * rates["registers"])


async def test_settings_are_told_without_passwords(tmp_path: Path) -> None:
    """Each with where its value comes from."""
    settings = Settings(store=StoreSettings(url="redis://me:secret@192.0.2.1"))
    async with asking(api_of(Speaker(None, settings), tmp_path)) as client:
        told = (await client.get("/settings")).json()

    assert {"value": "redis://me:***@192.0.2.1", "origin": "here"} == told["store.url"]
    assert {"value": 3600, "origin": "here"} == told["registrar.default_expires"]


async def test_a_node_is_told_to_drain(tmp_path: Path) -> None:
    """202: it has begun, and this is how long it may take."""
    speaker = Speaker(None, replace(Settings(store=FEW), node=NodeSettings(drain_s=7.5)))
    async with asking(api_of(speaker, tmp_path)) as client:
        answer = await client.post("/drain")

    assert (202, {"within_s": 7.5}, 1) == (answer.status_code, answer.json(), speaker.drains)


async def _lease(store: RedisStore, name: str, from_now_ms: int) -> None:
    await store.link.call(b"ZADD", store.keys.nodes, await store.now() + from_now_ms, name)
