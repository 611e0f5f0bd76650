"""The three kinds of store under one face, so that one fault can be done to each of them.

What a fault aims at is the primary that has the partition most of the traffic is for, whichever
server that is by now.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from tests import fleet, servers
from tests.fleet import SERVICE, Cluster, Member, Trio
from tests.peer.processes import wait_until

READY_S = fleet.READY_S

LOADED_KEY = b"{0}"
"""Any key of the partition that gets more traffic than the others."""

DOWN_AFTER_MS = 2000
"""How long a primary is silent before the others act: ``down-after-milliseconds`` of Sentinels,
``cluster-node-timeout`` of a Cluster."""

APPEND_ONLY = ("--appendonly", "yes", "--appendfsync", "everysec")
"""A careful operator's servers: what a process has acknowledged outlives it."""


class Store(Protocol):
    """What a fault needs to know of the servers."""

    members: list[Member]

    @property
    def url(self) -> str:
        """What ``store.url`` says."""

    def primary(self) -> Member:
        """Who has the loaded partition."""

    def replicas(self) -> list[Member]:
        """Who would have that primary's place if it were gone."""

    def wait_replaced(self, primary: Member) -> None:
        """Return once another member has its place; at once if nobody could have it."""

    def wait_following(self) -> None:
        """Return once every replica has what its primary has."""

    def settle(self) -> None:
        """Do what is left to do until every server is in its place again."""


class SingleStore:
    """One server that writes an append-only file."""

    def __init__(self, member: Member) -> None:
        self.members = [member]

    @property
    def url(self) -> str:
        """A plain one."""
        return f"redis://{self.members[0].address}/0"

    def primary(self) -> Member:
        """The only server."""
        return self.members[0]

    def replicas(self) -> list[Member]:
        """None."""
        return []

    def wait_replaced(self, primary: Member) -> None:
        """Nobody can take its place."""

    def wait_following(self) -> None:
        """Return once it answers."""
        member = self.members[0]
        wait_until(member.is_answering, READY_S, f"{member.address} answers")

    def settle(self) -> None:
        """Nothing is left to do."""
        self.wait_following()


class TrioStore:
    """A primary and two replicas, watched by three Sentinels."""

    def __init__(self, trio: Trio) -> None:
        self._trio = trio
        self.members = trio.members

    @property
    def url(self) -> str:
        """The three Sentinels'."""
        return self._trio.url

    def primary(self) -> Member:
        """Whom the Sentinels call so."""
        return self._trio.primary

    def replicas(self) -> list[Member]:
        """Both others."""
        primary = self.primary()
        return [member for member in self.members if member is not primary]

    def wait_replaced(self, primary: Member) -> None:
        """Return once the Sentinels have chosen."""
        self._trio.wait_new_primary(primary)

    def fail_over(self, *how: str) -> None:
        """An operator's wish for another primary."""
        before = self.primary()
        self._trio.sentinels[0].ask(b"SENTINEL", b"FAILOVER", SERVICE, *how)
        self.wait_replaced(before)

    def wait_following(self) -> None:
        """Return once both replicas follow the primary."""
        wait_until(lambda: all(map(_is_replicated, self.members)), READY_S, "the replicas follow")

    def settle(self) -> None:
        """Make who still takes itself for the primary follow the one that is.

        The Sentinels would do it after eight seconds to eighteen.
        """
        primary = self.primary()
        for member in self.members:
            if member is not primary and member.is_primary:
                member.ask(b"REPLICAOF", primary.host, primary.port)
        self.wait_following()


class ClusterStore:
    """Three primaries with a replica each."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.members = cluster.members

    @property
    def url(self) -> str:
        """Three of the members'."""
        return self.cluster.url

    def primary(self) -> Member:
        """The owner of the loaded partition's slot."""
        return self.cluster.owner(LOADED_KEY)

    def replicas(self) -> list[Member]:
        """The owner's only one."""
        return [self.cluster.replica(self.primary())]

    def wait_replaced(self, primary: Member) -> None:
        """Return once all others know a new owner."""
        others = [member for member in self.members if member is not primary]
        slot = self.cluster.slot(LOADED_KEY)
        wait_until(
            lambda: all(_owner_known_to(member, slot) != primary.port for member in others),
            READY_S,
            f"somebody replaces {primary.address}",
        )

    def wait_following(self) -> None:
        """Return once all agree on the slots and each primary has its replica."""
        self.cluster.wait_well()

    def settle(self) -> None:
        """A Cluster does all of that by itself."""
        self.wait_following()


def _owner_known_to(member: Member, slot: int) -> int:
    for low, high, primary, *_ in member.ask(b"CLUSTER", b"SLOTS"):
        if low <= slot <= high:
            return int(primary[1])
    return 0


def _is_replicated(member: Member) -> bool:
    facts = member.facts(b"INFO", b"replication")
    if facts.get("role") == "master":
        online = [name for name, value in facts.items() if "state=online" in value]
        return len(online) == 2
    return facts.get("master_link_status") == "up"


@contextmanager
def single(folder: Path) -> Iterator[SingleStore]:
    """Valkey, alone."""
    port = fleet.free_ports(1)[0]
    member = Member(servers.valkey(), folder, "127.0.0.1", port, {})
    member.command += ["--bind", member.host, "--port", str(port), "--dir", str(member.folder)]
    member.command += ["--save", "", "--daemonize", "no", *APPEND_ONLY]
    member.start()
    try:
        store = SingleStore(member)
        store.wait_following()
        yield store
    finally:
        member.stop()


@contextmanager
def sentinel(_: Path) -> Iterator[TrioStore]:
    """Valkey behind Sentinels, which can fail over in agreement."""
    # A Sentinel that a failover has cut off from the new primary waits a second before it tries
    # again; with less than that it would take each new primary for dead.
    lines = [f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}"]
    with fleet.trio(servers.valkey(), APPEND_ONLY, lines) as trio:
        yield TrioStore(trio)


@contextmanager
def cluster(_: Path) -> Iterator[ClusterStore]:
    """A Cluster of Redis 8."""
    with fleet.cluster(servers.redis8(), APPEND_ONLY, timeout_ms=DOWN_AFTER_MS) as members:
        yield ClusterStore(members)


OPENERS: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {
    "standalone": single,
    "Sentinel": sentinel,
    "Cluster": cluster,
}
