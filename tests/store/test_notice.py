"""What a node says of itself, and that another one of its name is noticed."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from regcluster.errors import StoreUnavailable
from regcluster.store import RedisStore
from regcluster.store.leases import LeaseHolder, Leases
from regcluster.store.notice import Namesake, Notice, read_notice, write_notice

pytestmark = pytest.mark.anyio

OURS, THEIRS = (Notice(epoch, [f"udp:192.0.2.{epoch}:5060"], 2) for epoch in "12")
WE, THEY = write_notice(OURS), write_notice(THEIRS)
AWAY = StoreUnavailable("no connection")

WARNING = {
    "event": "another node has this name",
    "log_level": "warning",
    "addresses": ["udp:192.0.2.2:5060"],
    "problem": "give each node on a store a node.name of its own",
}


def warnings(lines: Sequence[MutableMapping[str, Any]]) -> list[dict[str, Any]]:
    """Those lines, without the module."""
    return [{key: line[key] for key in WARNING} for line in lines]


def test_a_notice_is_read_as_it_was_written() -> None:
    """By nodes, and by who lists them."""
    assert OURS == read_notice(WE)


@pytest.mark.parametrize(
    ("found", "count"),
    [
        ([None, WE, WE, WE], 0),
        ([THEY, WE, WE, WE], 0),
        ([THEY, AWAY, WE], 0),
        ([THEY, THEY], 0),
        ([AWAY, THEY, WE, THEY, WE], 0),
        ([THEY, AWAY, THEY, AWAY, THEY], 0),
        ([None, b"{", b"[]", THEY], 0),
        ([None, THEY, THEY], 1),
        ([THEY, THEY, THEY, THEY, THEY], 1),
        ([None, THEY, WE, WE, THEY, AWAY, THEY, THEY], 1),
    ],
)
def test_another_node_is_one_that_goes_on_speaking(found: list[object], count: int) -> None:
    """Not our own former life, whose last word may lie there yet, or may even have been late."""
    namesake = Namesake(OURS.epoch)
    with capture_logs() as lines:
        for each in found:
            namesake.take(each)

    assert [WARNING] * count == warnings(lines)


def holder(number: int, notice: Notice, store: RedisStore) -> Leases:
    """A worker of the node that says that of itself."""
    return Leases(store, LeaseHolder("edge", number, f"{notice.epoch}{number}"), notice)


async def test_two_nodes_of_one_name_warn_once_each(store: RedisStore) -> None:
    """By their first worker, and for as long as they run."""
    workers = [holder(number, notice, store) for number in range(2) for notice in (OURS, THEIRS)]
    with capture_logs() as lines:
        for _ in range(5):
            for worker in workers:
                await worker.renew()

    told = sorted(line["addresses"] for line in warnings(lines))
    assert [OURS.addresses, THEIRS.addresses] == told


async def test_a_node_that_is_started_again_at_once_is_no_other(store: RedisStore) -> None:
    """Its former life has left its notice there, and leases that still last."""
    before = [holder(number, THEIRS, store) for number in range(2)]
    since = [holder(number, OURS, store) for number in range(2)]
    with capture_logs() as lines:
        for worker in [*before, *before, *since, *since, *since]:
            await worker.renew()

    assert [] == lines
