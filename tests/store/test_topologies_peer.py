"""Fleets of Debian's Redis 7.0, the only one that speaks TLS, and what takes longer to happen."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from regcluster.errors import StoreError, StoreUnavailable
from tests import fleet, servers
from tests.fleet import READY_S, Cluster, Member, Trio
from tests.peer.processes import wait_until
from tests.store.load import index_of, loaded, opened
from tests.store.wiring import until

pytestmark = [pytest.mark.anyio, pytest.mark.peer]

LONGEST_S = 1.2
"""A save and a lookup, each with its deadline; whatever happens they have ended by then."""


@pytest.fixture(scope="module")
def binary() -> str:
    """Debian's server."""
    found = servers.debian_redis()
    if found is None:
        pytest.skip("redis-server is not installed: make peers")
    return found


@pytest.fixture(scope="module")
def six(binary: str) -> Iterator[Cluster]:
    """A Cluster."""
    with fleet.cluster(binary) as made:
        yield made


@pytest.fixture
def cluster(six: Cluster) -> Cluster:
    """The same, well and empty."""
    six.wait_well()
    for primary in six.primaries:
        primary.ask(b"FLUSHALL")
    return six


@pytest.fixture
def trio(binary: str) -> Iterator[Trio]:
    """A primary and two replicas under three Sentinels."""
    with fleet.trio(binary) as made:
        yield made


async def test_a_killed_primary_of_a_cluster_is_followed_to_its_replica(cluster: Cluster) -> None:
    """Its phones wait in vain for a while, within their deadlines; what was told stands.

    With ``wait_replicas`` they wait for the killed one to come back as a replica, too.
    """
    async with opened(cluster.url, replicas=1) as store, loaded(store) as load:
        primary = await asyncio.to_thread(cluster.owner, index_of(load.aors[0]))
        replica = await asyncio.to_thread(cluster.replica, primary)
        primary.kill()
        await asyncio.to_thread(wait_until, lambda: replica.is_primary, READY_S, "a promotion")
        primary.start()
        await load.all_saved()
        lost = await load.lost()

    assert load.refused
    assert ([], []) == (load.wrong, lost)
    assert load.longest_s < LONGEST_S


async def test_a_cluster_on_ipv6_is_a_cluster(binary: str) -> None:
    """Its servers name themselves without brackets, MOVED and CLUSTER SLOTS alike."""
    with fleet.cluster(binary, host="::1") as made:
        async with opened(made.url) as store, loaded(store) as load:
            replica = made.replica(made.primaries[0])
            await asyncio.to_thread(made.failover, replica)
            await load.all_saved()

    assert ([], []) == (load.refused, load.wrong)


async def test_a_killed_primary_is_followed_to_the_one_that_sentinels_choose(
    trio: Trio,
) -> None:
    """Its phones wait in vain for a while, within their deadlines; what was told stands."""
    async with opened(trio.url, replicas=2) as store, loaded(store) as load:
        before = trio.primary
        before.kill()
        await asyncio.to_thread(trio.wait_new_primary, before)
        await until(lambda: not store.problem)
        lost = await load.lost()

    assert load.refused
    assert ([], []) == (load.wrong, lost)
    assert load.longest_s < LONGEST_S


async def test_sentinels_may_ask_for_a_password_of_their_own(binary: str) -> None:
    """The servers for another, and for a user of ours there."""
    lines = [
        "requirepass eye",
        f"sentinel auth-pass {fleet.SERVICE} word",
        "sentinel sentinel-pass eye",
    ]
    options = ["--requirepass", "word", "--masterauth", "word"]
    with fleet.trio(
        binary,
        options,
        lines,
        login={"password": "word"},
        sentinel_login={"password": "eye"},
    ) as made:
        _let_in(made.primary)
        hosts = made.url.removeprefix("redis+sentinel://")
        url = f"redis+sentinel://edge:key@{hosts}?sentinel_password=eye"
        async with opened(url) as store, loaded(store) as load:
            await load.all_saved()
        with pytest.raises(StoreUnavailable):
            async with opened(f"redis+sentinel://edge:key@{hosts}", deadline_ms=200):
                pass

    assert ([], []) == (load.refused, load.wrong)


async def test_a_stopped_primary_of_a_cluster_is_left_and_not_believed_again(
    cluster: Cluster,
) -> None:
    """It accepts and says nothing; when it goes on, five seconds late, it takes no call."""
    async with opened(cluster.url) as store, loaded(store) as load:
        primary = await asyncio.to_thread(cluster.owner, index_of(load.aors[0]))
        replica = await asyncio.to_thread(cluster.replica, primary)
        primary.pause()
        await asyncio.to_thread(wait_until, lambda: replica.is_primary, READY_S, "a promotion")
        await load.all_saved()
        primary.resume()
        await asyncio.to_thread(cluster.wait_well)
        await load.all_saved()
        lost = await load.lost()

    assert load.refused
    assert ([], []) == (load.wrong, lost)
    assert load.longest_s < LONGEST_S


async def test_a_stopped_primary_is_left_for_the_one_that_sentinels_choose(trio: Trio) -> None:
    """The same, with Sentinels."""
    async with opened(trio.url) as store, loaded(store) as load:
        before = trio.primary
        before.pause()
        await asyncio.to_thread(trio.wait_new_primary, before)
        await load.all_saved()
        before.resume()
        await load.all_saved()
        lost = await load.lost()

    assert load.refused
    assert ([], []) == (load.wrong, lost)
    assert load.longest_s < LONGEST_S


async def test_a_cluster_that_speaks_tls_to_users_only(binary: str, tmp_path: Path) -> None:
    """Each server shows a certificate for its address; the user may do what a node has to."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    options = ["--port", "0", "--tls-port", "{port}", "--tls-ca-cert-file", f"{tmp_path}/ca.pem"]
    options += ["--tls-cert-file", f"{tmp_path}/server.pem", "--tls-auth-clients", "no"]
    options += ["--tls-key-file", f"{tmp_path}/server.pem", "--tls-cluster", "yes"]
    options += ["--tls-replication", "yes", "--requirepass", "word", "--masterauth", "word"]
    login = {"ssl": True, "ssl_ca_certs": f"{tmp_path}/ca.pem", "password": "word"}
    with fleet.cluster(binary, options, login=login) as made:
        for member in made.members:
            _let_in(member)
        hosts = made.url.removeprefix("redis+cluster://")
        url = f"rediss+cluster://edge:key@{hosts}?ssl_ca_certs={tmp_path}/ca.pem"
        async with opened(url) as store, loaded(store) as load:
            await asyncio.to_thread(made.failover, made.replica(made.primaries[0]))
            await load.all_saved()
        with pytest.raises(StoreError, match="WRONGPASS"):
            async with opened(url.replace("key@", "kez@"), deadline_ms=300):
                pass
        with pytest.raises(StoreUnavailable):
            async with opened(f"redis+cluster://edge:key@{hosts}", deadline_ms=300):
                pass

    assert ([], []) == (load.refused, load.wrong)


def _let_in(server: Member) -> None:
    """Let a user in who may do what a node has to, and little else."""
    server.ask(
        *(b"ACL", b"SETUSER", b"edge", b"on", b">key", b"~rc*", b"+@all", b"-@dangerous"),
        *(b"+role", b"+info", b"+cluster|info", b"+cluster|slots", b"+cluster|nodes"),
    )
