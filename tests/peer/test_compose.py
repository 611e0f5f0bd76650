"""The cluster of ``deploy/compose.yaml``, run as processes, through the worst of its days."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.command import run
from tests.peer.composed import NODES, SERVERS, Composed
from tests.peer.phone import Phone

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]

CONTACT = "sip:alice@127.0.0.1:5071"


@pytest.fixture
def composed(tmp_path: Path, kamailio: str) -> Iterator[Composed]:
    """All of it, up and well, started in the order of ``depends_on``."""
    cluster = Composed(tmp_path, kamailio)
    try:
        for name in SERVERS:
            cluster.start_server(name)
        cluster.wait(lambda: is_whole(cluster), "the servers know each other")
        for name in NODES:
            cluster.start_node(name)
        cluster.wait(lambda: all(map(cluster.is_ready, NODES)), "all nodes are ready")
        cluster.start_balancer()
        yield cluster
    finally:
        cluster.stop()


def is_whole(cluster: Composed) -> bool:
    """Whether the replica follows, and every Sentinel knows of it and of the others."""
    seen = [cluster.info(name).get("master0", {}) for name in SERVERS[2:]]
    return cluster.info("redis-2").get("master_link_status") == "up" and all(
        (master.get("slaves"), master.get("sentinels")) == (1, 3) for master in seen
    )


def contacts(cluster: Composed, node: str) -> list[str]:
    """Alice's, as an operator finds them with the settings of a node."""
    settings = cluster.settings(node)
    shown = run("aor", "show", "alice@example.test", "--json", "--config", settings).stdout
    return [contact["contact"] for contact in json.loads(shown)["contacts"]]


def register(cluster: Composed, user: str) -> int:
    """What a phone is answered that registers through the balancer."""

    async def ask() -> int:
        async with Phone(cluster.balancer) as phone:
            return (await phone.register(user, CONTACT)).status

    return asyncio.run(ask())


def test_phones_register_whatever_ends(composed: Composed) -> None:
    """A node that is drained, the primary that is killed: what was bound before is still there."""
    before = register(composed, "alice")
    status = composed.drain("edge-2")
    without_node = register(composed, "bob")
    composed.kill("redis-1")
    composed.wait(lambda: composed.info("redis-2").get("role") == "master", "Sentinel has decided")
    composed.wait(lambda: register(composed, "carol") == 200, "who tries again gets in")

    assert [200, 200] == [before, without_node]
    assert 0 == status
    assert [[CONTACT]] * 3 == [contacts(composed, node) for node in NODES]


def test_servers_come_back_as_what_they_were_made(composed: Composed) -> None:
    """The replica as the primary that it has become, whom the first primary follows."""
    composed.kill("redis-1")
    composed.wait(lambda: composed.info("redis-2").get("role") == "master", "Sentinel has decided")
    composed.kill("redis-2")
    composed.start_server("redis-2")
    composed.wait(lambda: composed.info("redis-2"), "it is back")
    role = composed.info("redis-2")["role"]
    composed.start_server("redis-1")
    composed.wait(lambda: composed.info("redis-1").get("role") == "slave", "the other follows")
    composed.wait(lambda: register(composed, "alice") == 200, "who tries again gets in")

    assert "master" == role
    assert [CONTACT] == contacts(composed, "edge-1")
