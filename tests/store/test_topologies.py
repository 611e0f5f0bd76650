"""Real Clusters and Sentinels: the store works over them, and comes through what befalls them."""

import asyncio
from collections.abc import Iterator

import pytest

from regcluster.store.scripts import SOURCES
from tests import fleet, servers
from tests.fleet import READY_S, Cluster, Member, Trio
from tests.peer.processes import wait_until
from tests.store.accounts import MORE, NODE, PASSWORD, USER, allow, refused
from tests.store.load import index_of, loaded, opened
from tests.store.wiring import problem

pytestmark = [pytest.mark.anyio, pytest.mark.server]


@pytest.fixture(scope="module")
def valkeys() -> Iterator[Cluster]:
    """A Cluster of Valkeys."""
    with fleet.cluster(servers.valkey()) as made:
        yield made


@pytest.fixture
def cluster(valkeys: Cluster) -> Cluster:
    """The same, well and empty."""
    valkeys.wait_well()
    for primary in valkeys.primaries:
        primary.ask(b"FLUSHALL")
    return valkeys


@pytest.fixture(scope="module")
def redises() -> Iterator[Trio]:
    """A primary and two replicas of Redis 8 under three Sentinels."""
    with fleet.trio(servers.redis8()) as made:
        yield made


@pytest.fixture
def trio(redises: Trio) -> Trio:
    """The same, empty."""
    redises.primary.ask(b"FLUSHALL")
    return redises


async def test_a_store_in_a_cluster_finds_and_counts_what_all_primaries_hold(
    cluster: Cluster,
) -> None:
    """Partitions lie on all of them; an operator sees one store."""
    async with opened(cluster.url) as store, loaded(store) as load:
        pass
    async with opened(cluster.url) as store:
        found = sorted([aor async for aor in store.scan()])
        count = await store.count()

    assert (sorted(load.aors), len(load.aors)) == (found, count)
    assert all(primary.ask(b"DBSIZE") for primary in cluster.primaries)


async def test_a_store_in_a_cluster_is_set_up_once(cluster: Cluster) -> None:
    """Another number of partitions is refused, wherever rc:meta lies."""
    async with opened(cluster.url):
        owner = cluster.owner(b"rc:meta")

    assert b"64" == owner.ask(b"HGET", b"rc:meta", b"partitions")


async def test_a_planned_failover_in_a_cluster_refuses_nobody(cluster: Cluster) -> None:
    """MOVED is followed; scripts that the new primary does not know are brought along."""
    async with opened(cluster.url) as store, loaded(store) as load:
        replica = cluster.replica(cluster.owner(index_of(load.aors[0])))
        await asyncio.to_thread(replica.ask, b"SCRIPT", b"FLUSH")
        await asyncio.to_thread(cluster.failover, replica)
        await load.all_saved()
        known = await asyncio.to_thread(replica.ask, b"SCRIPT", b"EXISTS", *SOURCES)
        lost = await load.lost()

    assert ([], [], []) == (load.refused, load.wrong, lost)
    assert [1] * len(SOURCES) == known


async def test_a_slot_that_moves_under_load_refuses_nobody(cluster: Cluster) -> None:
    """Half way, each of its keys is found where it is; a script over both halves waits."""
    async with opened(cluster.url, deadline_ms=5000) as store, loaded(store) as load:
        await asyncio.to_thread(_move, cluster, load.aors[0])
        await load.all_saved()
        lost = await load.lost()

    assert ([], [], []) == (load.refused, load.wrong, lost)


async def test_replicas_are_waited_for_in_a_cluster(cluster: Cluster) -> None:
    """Each primary has one."""
    async with opened(cluster.url, replicas=1) as one, loaded(one) as load:
        await load.all_saved()
    async with opened(cluster.url, replicas=2) as two:
        told = await problem(two.drop(load.aors[0]))

    assert ([], "1 of 2 replicas have it") == (load.refused, told)


async def test_the_account_of_the_docs_will_do_in_a_cluster(cluster: Cluster) -> None:
    """On every member, also for a slot that moves; and it is refused nothing."""
    for member in cluster.members:
        _let_in(member, *NODE, MORE["`redis+cluster://`"])
    url = cluster.url.replace("//", f"//{USER}:{PASSWORD}@", 1)
    async with opened(url, deadline_ms=5000) as store, loaded(store) as load:
        await load.all_saved()
        slot, source, target = _moving(cluster, "nobody")
        cluster.begin_migration(slot, source, target)
        # Who has nothing bound is looked for where the slot will be: ASK, and so ASKING.
        found = (await store.fetch("nobody")).bindings
        await asyncio.to_thread(_move, cluster, "nobody")
    trouble = [refused(member.ask) for member in cluster.members]

    assert ([], [], [set()] * len(cluster.members)) == (load.refused, found, trouble)


async def test_the_accounts_of_the_docs_will_do_with_sentinels(trio: Trio) -> None:
    """One at the servers, another at the Sentinels; neither is refused anything."""
    servers_lines = MORE["`redis+sentinel://`, the servers"], MORE["`store.wait_replicas`"]
    [sentinels_line] = [line for what, line in MORE.items() if "the Sentinels" in what]
    for member in trio.members:
        _let_in(member, *NODE, *servers_lines)
    for sentinel in trio.sentinels:
        _let_in(sentinel, sentinels_line)
    url = trio.url.replace("//", f"//{USER}:{PASSWORD}@", 1)
    url += f"?sentinel_username={USER}&sentinel_password={PASSWORD}"
    async with opened(url, replicas=1) as store, loaded(store) as load:
        await load.all_saved()
    trouble = [refused(member.ask) for member in (*trio.members, *trio.sentinels)]

    assert ([], [set()] * 6) == (load.refused, trouble)


def _let_in(member: Member, *lines: str) -> None:
    """Make the account there."""
    allow(member.ask, *lines)
    member.ask(b"ACL", b"LOG", b"RESET")


async def test_a_planned_failover_by_sentinels_is_followed(trio: Trio) -> None:
    """Who was primary hangs up, and the Sentinels name the new one by then.

    Until it hangs up it takes changes that the new one will not have: only both replicas' word
    that they have a change says that the one that is promoted has it.
    """
    async with opened(trio.url, replicas=2) as store, loaded(store) as load:
        after = await asyncio.to_thread(trio.failover)
        await asyncio.to_thread(wait_until, lambda: _links(after) == 2, READY_S, "both links")
        lost = await load.lost()

    assert ([], []) == (load.wrong, lost)


def _links(server: Member) -> int:
    """How many links lead to ``server``."""
    return int(server.ask(b"CLIENT", b"LIST").count(b"name=regcluster "))


def _moving(cluster: Cluster, aor: str) -> tuple[int, Member, Member]:
    """The slot of ``aor``, who has it, and who is to have it."""
    source = cluster.owner(index_of(aor))
    target = next(primary for primary in cluster.primaries if primary is not source)
    return cluster.slot(index_of(aor)), source, target


def _move(cluster: Cluster, aor: str) -> None:
    """Move the slot of ``aor`` key by key."""
    slot, source, target = _moving(cluster, aor)
    cluster.begin_migration(slot, source, target)
    while cluster.move_keys(slot, source, target, 1):
        pass
    cluster.end_migration(slot, source, target)
