"""What is done to a store while phones register and call.

Every fault aims at the primary that has the loaded partition. The calls block, and return when
there is nothing more to do to the servers.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.stores import LOADED_KEY, ClusterStore, Store, TrioStore
from tests.peer.processes import wait_until

PAUSE_S = 5.0

AWAY_S = 1.0
"""How long a server that nobody can replace is dead: about what a supervisor needs."""

BEHIND_S = 0.5
"""How far replicas are behind that a load, or a network, keeps from following."""

AT_ONCE = 10
"""Keys that a migration moves in one go, as redis-cli does unless it is told otherwise."""


@dataclass(slots=True, frozen=True)
class Fault:
    """One of them, by its name in the report."""

    name: str
    strike: Callable[[Store], None]
    kinds: tuple[str, ...] = ("standalone", "Sentinel", "Cluster")
    may_lose: bool = False
    """Whether it may cost what was acknowledged by one replica too."""
    must_lose: bool = False
    """Whether it must cost what was acknowledged by no replica: then the measure sees losses."""


def kill(store: Store) -> None:
    """``kill -9``; the server comes back when another has its place, or nobody can have it."""
    victim = store.primary()
    victim.kill()
    if len(store.members) == 1:
        time.sleep(AWAY_S)
    store.wait_replaced(victim)
    victim.start()
    wait_until(victim.is_answering, AWAY_S * 10, f"{victim.address} answers again")


def kill_ahead(store: Store) -> None:
    """``kill -9`` while the replicas have not heard of the latest changes."""
    victim, replicas = store.primary(), store.replicas()
    for replica in replicas:
        replica.pause()
    # What has been sent to them waits in their kernels; from now on it waits with the primary.
    victim.ask(b"CLIENT", b"KILL", b"TYPE", b"slave")
    time.sleep(BEHIND_S)
    victim.kill()
    for replica in replicas:
        replica.resume()
    store.wait_replaced(victim)
    victim.start()
    wait_until(victim.is_answering, AWAY_S * 10, f"{victim.address} answers again")


def pause(store: Store) -> None:
    """The process hangs, its kernel does not; then it goes on with whatever has piled up."""
    victim = store.primary()
    victim.pause()
    time.sleep(PAUSE_S)
    victim.resume()


def hand_over(store: Store) -> None:
    """A failover that an operator asks for and the old primary agrees to."""
    if isinstance(store, TrioStore):
        store.fail_over("COORDINATED")
    else:
        assert isinstance(store, ClusterStore)
        store.cluster.failover(store.cluster.replica(store.primary()))


def depose(store: Store) -> None:
    """A failover that an operator asks for, and of which the old primary is told last."""
    if isinstance(store, TrioStore):
        store.fail_over()
    else:
        assert isinstance(store, ClusterStore)
        store.cluster.failover(store.cluster.replica(store.primary()), b"TAKEOVER")


def migrate(store: Store) -> None:
    """The slot of the loaded partition moves to another primary, with all that is in it."""
    assert isinstance(store, ClusterStore)
    cluster, source = store.cluster, store.primary()
    target = next(member for member in cluster.primaries if member is not source)
    slot = cluster.slot(LOADED_KEY)
    cluster.begin_migration(slot, source, target)
    while cluster.move_keys(slot, source, target, AT_ONCE):
        pass
    cluster.end_migration(slot, source, target)


def flush(store: Store) -> None:
    """No server knows any script any more."""
    for member in store.members:
        member.ask(b"SCRIPT", b"FLUSH")


def restart(store: Store) -> None:
    """Each server ends politely and starts again, the next one when all is well."""
    for member in store.members:
        member.restart()
        store.wait_following()


REPLICATED = ("Sentinel", "Cluster")

FAULTS = (
    Fault("`kill -9` of the primary", kill),
    Fault("`kill -9`, its replicas 0.5 s behind", kill_ahead, REPLICATED, must_lose=True),
    Fault("primary stopped for 5 s (`SIGSTOP`)", pause),
    Fault("failover by hand, agreed", hand_over, REPLICATED),
    Fault("failover by hand, not agreed", depose, REPLICATED, may_lose=True),
    Fault("live migration of the slot", migrate, ("Cluster",)),
    Fault("`SCRIPT FLUSH` everywhere", flush),
    Fault("every server restarted in turn", restart),
)
