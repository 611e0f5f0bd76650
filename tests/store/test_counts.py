"""What a link counts besides errors: failovers, lost scripts, and how many calls leave at once."""

import pytest
from prometheus_client import REGISTRY

from regcluster import metrics
from regcluster.errors import StoreError
from regcluster.store.scripts import DROP
from tests.store.constellation import clustered, constellation
from tests.store.puppet import Puppet, saying
from tests.store.test_connection import Bench, turn
from tests.store.test_sentinel_moved import Sentinel, followed, primary
from tests.store.wiring import linked, problem, until

pytestmark = pytest.mark.anyio


def counted(name: str) -> float:
    """What a counter holds."""
    metrics.settle()
    return REGISTRY.get_sample_value(f"regcluster_store_{name}_total") or 0.0


async def test_a_primary_in_the_place_of_another_is_a_failover() -> None:
    """Named by the Sentinels; the first of all is none."""
    before = counted("failovers")
    async with Sentinel() as sentinel, Puppet(primary) as old, Puppet(primary) as new:
        sentinel.named = old.port
        link = followed(sentinel)
        await link.call(b"ECHO", b"before")
        first = counted("failovers")
        sentinel.named = new.port
        await until(lambda: new.count(b"SCRIPT"))
        await link.call(b"ECHO", b"after")
        await link.close()

    assert (before, before + 1) == (first, counted("failovers"))


async def test_a_server_that_comes_back_is_no_failover() -> None:
    """The same one, on another connection."""
    before = counted("failovers")
    async with Puppet() as puppet, linked(puppet.url) as link:
        await link.call(b"ECHO", b"before")
        await puppet.stop()
        await puppet.start()
        await link.call(b"ECHO", b"after")

    assert before == counted("failovers")


@pytest.mark.parametrize(("owners", "failovers"), [([2, 1], 1), ([1, 1], 0), ([0, 1, 2], 0)])
async def test_a_new_primary_of_a_cluster_is_a_failover_if_another_went(
    owners: list[int], failovers: int
) -> None:
    """A Cluster that only shrinks or grows has lost nobody."""
    before = counted("failovers")
    async with constellation(3) as sky:
        sky.owners = [0, 1]
        async with clustered(sky.url) as link:
            await link.call(b"STRLEN", b"rc:{0}:k")
            await until(lambda: 2 == len(link.nodes()))
            sky.owners, sky.epoch = owners, 2
            link.stray()
            ports = {sky.puppets[owner].port for owner in owners}
            await until(lambda: ports == {here.port for here in link.nodes()})

    assert failovers == counted("failovers") - before


async def test_a_script_that_the_server_has_lost_is_counted_each_time() -> None:
    """A server that loses them again and again is told by it."""
    before = counted("script_loads")
    answer = saying({b"EVALSHA": b"-NOSCRIPT none\r\n"})
    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        await link.call(b"EVALSHA", DROP.sha, b"0")
        await link.call(b"EVALSHA", DROP.sha, b"0")
        await problem(link.call(b"EVALSHA", b"0" * 40, b"0"), StoreError)

    assert 2 == counted("script_loads") - before


async def test_commands_and_the_writes_they_left_in_are_counted() -> None:
    """One over the other is how many share a write."""
    commands, writes = counted("commands"), counted("writes")
    bench = Bench()
    for calls in (3, 1):
        for _ in range(calls):
            bench.send(b"GET", b"a")
        await turn()

    assert (4, 2) == (counted("commands") - commands, counted("writes") - writes)
