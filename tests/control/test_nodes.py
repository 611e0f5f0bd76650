"""``regcluster node list`` as its user sees it, and the words it has for a node."""

import json

import pytest

from regcluster.control.nodes import document, state
from regcluster.store import RedisStore
from regcluster.store.leases import LeaseHolder, Leases
from regcluster.store.notice import Notice
from regcluster.store.roster import NodeLease, WorkerLease
from tests.control.command import on_store, run

UDP = "udp:192.0.2.1:5060"


def node(workers: int | None, *leases: tuple[int, int]) -> NodeLease:
    """One that says it has so many workers, and the number and lease of each that was seen."""
    notice = None if workers is None else Notice("e1", [UDP], workers)
    return NodeLease("edge-1", notice, [WorkerLease(number, "e1", ms) for number, ms in leases])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (node(2, (0, 4000), (1, 3000)), "up"),
        (node(2, (0, 4000), (0, 0), (1, 3000)), "up"),
        (node(2, (0, 4000), (0, 100)), "partly"),
        (node(2, (0, 4000), (1, 0)), "partly"),
        (node(None, (0, 4000)), "partly"),
        (node(2, (0, 0), (1, 0)), "gone"),
        (node(None, (0, 0)), "gone"),
    ],
)
def test_a_node_is_as_alive_as_its_workers(found: NodeLease, expected: str) -> None:
    """One that was started again counts once, and one that says nothing is not whole."""
    assert expected == state(found)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (node(2, (0, 4000), (1, 0)), (2, 1, [UDP], 4000)),
        (node(None, (0, 0)), (None, 0, [], 0)),
    ],
)
def test_machines_are_told_what_is_known(
    found: NodeLease, expected: tuple[int | None, int, list[str], int]
) -> None:
    """Of a node that is gone that is its name."""
    told = document(found)

    assert expected == (told["workers"], told["leases"], told["addresses"], told["lease_ms"])


async def two_nodes(store: RedisStore) -> None:
    """One with both its workers, one that has ended."""
    edge = Notice("e1", [UDP, "tcp:192.0.2.1:5060"], 2)
    for number in range(2):
        await Leases(store, LeaseHolder("edge-1", number, "e1"), edge).renew()
    ended = Leases(store, LeaseHolder("edge-2", 0, "e2"), Notice("e2", [], 1))
    await ended.renew()
    await ended.end()


@pytest.mark.server
def test_nodes_are_listed_by_name(server_url: str) -> None:
    """With how many of their workers live, how long at least, and where."""
    on_store(server_url, two_nodes)
    result = run("node", "list", "--set", f"store.url={server_url}")
    heading, *rows = [line.split() for line in result.stdout.splitlines()]

    assert (0, "") == (result.exit_code, result.stderr)
    assert ["NODE", "STATE", "WORKERS", "LEASE", "ADDRESSES"] == heading
    assert [
        ["edge-1", "up", "2/2", "s", f"{UDP},", "tcp:192.0.2.1:5060"],
        ["edge-2", "gone", "0/1", "s"],
    ] == [row[:3] + row[4:] for row in rows]


@pytest.mark.server
def test_machines_get_one_document(server_url: str) -> None:
    """Also of no nodes."""
    words = ("node", "list", "--json", "--set", f"store.url={server_url}")
    before = json.loads(run(*words).stdout)
    on_store(server_url, two_nodes)
    after = json.loads(run(*words).stdout)

    assert {"nodes": []} == before
    assert [("edge-1", "up"), ("edge-2", "gone")] == [
        (node["name"], node["state"]) for node in after["nodes"]
    ]


@pytest.mark.server
def test_no_nodes_are_a_sentence(server_url: str) -> None:
    """Not an empty table."""
    result = run("node", "list", "--set", f"store.url={server_url}")

    assert "No node is at work on this store.\n" == result.stdout


@pytest.mark.server
def test_a_store_that_is_away_is_exit_code_3() -> None:
    """As for every verb that needs it."""
    result = run("node", "list", "--set", "store.url=redis://127.0.0.1:1")

    assert (3, "") == (result.exit_code, result.stdout)
