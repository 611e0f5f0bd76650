"""Who is at work on a store, read by somebody who is not."""

import json

import pytest

from regcluster.store import RedisStore
from regcluster.store.notice import Notice
from regcluster.store.roster import NodeLease, WorkerLease, read_nodes

pytestmark = pytest.mark.anyio

NOTICE = Notice("born-1", ["udp:192.0.2.1:5060"], 2)


async def lease(store: RedisStore, name: str, from_now_ms: int) -> None:
    """A worker's lease, as a heartbeat leaves it."""
    await store.link.call(b"ZADD", store.keys.nodes, await store.now() + from_now_ms, name)


async def test_nodes_come_by_name_with_their_workers(store: RedisStore) -> None:
    """With what each says of itself; a worker whose lease has ended has none left."""
    notice = json.dumps({"epoch": "born-1", "addresses": ["udp:192.0.2.1:5060"], "workers": 2})
    await store.link.call(b"SET", store.keys.node("edge/1"), notice, b"EX", 60)
    await lease(store, "edge-2/0.cc", -90_000)
    await lease(store, "edge/1/1.bb", 4_000_000)
    await lease(store, "edge/1/0.aa", 2_000_000)
    nodes = await read_nodes(store)

    assert ["edge-2", "edge/1"] == [node.name for node in nodes]
    assert NodeLease("edge-2", None, [WorkerLease(0, "cc", 0)]) == nodes[0]
    assert nodes[1].notice == NOTICE
    assert [(0, "aa"), (1, "bb")] == [(each.number, each.epoch) for each in nodes[1].workers]
    assert 3_900_000 < nodes[1].lease_ms <= 4_000_000


async def test_where_nobody_is_there_is_nobody(store: RedisStore) -> None:
    """A store that no node has used yet."""
    nodes = await read_nodes(store)

    assert [] == nodes


async def test_a_node_without_workers_has_no_lease() -> None:
    """It cannot be, and yet it has a length."""
    assert NodeLease("edge-1", None).lease_ms == 0
