"""Several servers that act as one: a Cluster, and a primary that Sentinels watch.

Both are started as they are once they have found each other: who is who stands in the files the
servers read, so nothing waits for gossip. Everything listens on one loopback address, keeps its
files in one folder and is ended by its own id. A Cluster takes about two seconds to say it is
well, because a primary does not take writes in the first two of its life; a trio takes a third.
"""

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from regcluster.store.connection import Arg
from tests.member import READY_S, Member, free_ports
from tests.peer.processes import wait_until

__all__ = ["READY_S", "SERVICE", "Cluster", "Member", "Trio", "cluster", "free_ports", "trio"]

SLOTS = 16384

SERVICE = "regcluster"
"""What the Sentinels call the primary they watch."""


class Cluster:
    """Primaries that share the slots evenly, and one replica of each."""

    scheme = "redis+cluster"

    def __init__(self, members: list[Member]) -> None:
        self.members = members
        count = len(members) // 2
        edges = [SLOTS * number // count for number in range(count + 1)]
        self.slots = [(low, high - 1) for low, high in itertools.pairwise(edges)]
        """What each of the first half of the members owns at the start."""

    @property
    def url(self) -> str:
        """What ``store.url`` says: three of the members, at most."""
        return f"{self.scheme}://{','.join(member.address for member in self.members[:3])}"

    @property
    def primaries(self) -> list[Member]:
        """The members that take writes now, one that hangs or is dead not among them."""
        return [member for member in self.members if member.is_primary]

    def owner(self, key: bytes) -> Member:
        """The primary of the slot of ``key``, asked of a member that is up."""
        slot = self.slot(key)
        for low, high, primary, *_ in self._ask_any(b"CLUSTER", b"SLOTS"):
            if low <= slot <= high:
                return self.member(int(primary[1]))
        raise AssertionError(f"nobody owns slot {slot}")

    def slot(self, key: bytes) -> int:
        """The slot of ``key``."""
        return int(self._ask_any(b"CLUSTER", b"KEYSLOT", key))

    def member(self, port: int) -> Member:
        """The member that listens on ``port``."""
        return next(member for member in self.members if member.port == port)

    def replica(self, primary: Member) -> Member:
        """A replica of ``primary`` that is up."""
        for member in self.members:
            if member.facts(b"INFO", b"replication").get("master_port") == str(primary.port):
                return member
        raise AssertionError(f"{primary.address} has no replica")

    def failover(self, replica: Member, *how: bytes) -> None:
        """Make ``replica`` the primary, agreed with the old one or ``how`` says FORCE or TAKEOVER;
        returns once it is."""
        replica.ask(b"CLUSTER", b"FAILOVER", *how)
        wait_until(lambda: replica.is_primary, READY_S, f"{replica.address} is primary")

    def begin_migration(self, slot: int, source: Member, target: Member) -> None:
        """From now on ``source`` answers ASK for keys of ``slot`` that it does not have."""
        target.ask(b"CLUSTER", b"SETSLOT", slot, b"IMPORTING", source.id)
        source.ask(b"CLUSTER", b"SETSLOT", slot, b"MIGRATING", target.id)

    def move_keys(self, slot: int, source: Member, target: Member, at_once: int = 100) -> int:
        """Move some keys of ``slot``; how many."""
        keys = source.ask(b"CLUSTER", b"GETKEYSINSLOT", slot, at_once)
        if keys:
            source.ask(
                *(b"MIGRATE", target.host, target.port, b"", 0, 5000, b"REPLACE"), b"KEYS", *keys
            )
        return len(keys)

    def end_migration(self, slot: int, source: Member, target: Member) -> None:
        """Give ``slot`` to ``target`` before everybody, to whom it goes first."""
        others = [member for member in self.primaries if member not in (source, target)]
        for member in [target, source, *others]:
            member.ask(b"CLUSTER", b"SETSLOT", slot, b"NODE", target.id)

    def migrate(self, slot: int, source: Member, target: Member) -> None:
        """Move ``slot`` with all it holds, while others may use it."""
        self.begin_migration(slot, source, target)
        while self.move_keys(slot, source, target):
            pass
        self.end_migration(slot, source, target)

    def wait_well(self) -> None:
        """Return once all members that run say so, and each has its replica or primary."""
        running = [member for member in self.members if member.process.poll() is None]
        wait_until(lambda: all(map(_is_well, running)), READY_S, "the Cluster is well")

    def _ask_any(self, *words: Arg) -> Any:
        for member in self.members:
            with suppress(redis.RedisError):
                return member.ask(*words)
        raise AssertionError("no member answers")


class Trio:
    """A primary with two replicas, and three Sentinels that watch it."""

    scheme = "redis+sentinel"

    def __init__(self, members: list[Member], sentinels: list[Member]) -> None:
        self.members = members
        self.sentinels = sentinels

    @property
    def url(self) -> str:
        """What ``store.url`` says."""
        hosts = ",".join(sentinel.address for sentinel in self.sentinels)
        return f"{self.scheme}://{hosts}/{SERVICE}"

    @property
    def primary(self) -> Member:
        """The member that the first Sentinel to answer calls the primary."""
        for sentinel in self.sentinels:
            with suppress(redis.RedisError):
                told = sentinel.ask(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", SERVICE)
                return next(member for member in self.members if member.port == int(told[1]))
        raise AssertionError("no Sentinel answers")

    def failover(self) -> Member:
        """Ask for another primary; the new one, once it takes writes."""
        before = self.primary
        self.sentinels[0].ask(b"SENTINEL", b"FAILOVER", SERVICE)
        return self.wait_new_primary(before)

    def wait_new_primary(self, before: Member) -> Member:
        """The primary that follows ``before``, once it takes writes."""
        wait_until(lambda: self.primary is not before, READY_S, "the Sentinels have chosen")
        after = self.primary
        wait_until(lambda: after.is_primary, READY_S, f"{after.address} is primary")
        return after

    def wait_well(self) -> None:
        """Return once the replicas of all members that run follow, and every Sentinel knows it."""
        running = [member for member in self.members if member.process.poll() is None]
        wait_until(lambda: all(map(_is_replicated, running)), READY_S, "the replicas follow")
        wait_until(
            lambda: all(_knows(sentinel, len(running) - 1) for sentinel in self.sentinels),
            READY_S,
            "the Sentinels agree",
        )


def _is_well(member: Member) -> bool:
    state = member.facts(b"CLUSTER", b"INFO").get("cluster_state")
    return state == "ok" and _is_replicated(member)


def _is_replicated(member: Member) -> bool:
    facts = member.facts(b"INFO", b"replication")
    if facts.get("role") == "master":
        return "state=online" in facts.get("slave0", "")
    return facts.get("master_link_status") == "up"


@contextmanager
def cluster(
    binary: str,
    options: Sequence[str] = (),
    *,
    primaries: int = 3,
    host: str = "127.0.0.1",
    timeout_ms: int = 1000,
    login: dict[str, Any] | None = None,
) -> Iterator[Cluster]:
    """A Cluster with one replica of each of ``primaries``, well when it is yielded.

    ``options`` follow ours on each command line, with the member's port for ``{port}``; a primary
    that has been silent for ``timeout_ms`` is taken for dead by the others.
    """
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        ports = free_ports(4 * primaries, host)
        members = [
            Member(binary, Path(name), host, port, login or {}) for port in ports[: 2 * primaries]
        ]
        buses = dict(zip([member.port for member in members], ports[2 * primaries :], strict=True))
        made = Cluster(members)
        for member in members:
            _write_nodes(made, member, buses)
            member.command += [*_common(member), "--port", str(member.port)]
            member.command += ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]
            member.command += ["--cluster-port", str(buses[member.port])]
            member.command += ["--cluster-node-timeout", str(timeout_ms)]
            member.command += ["--cluster-replica-validity-factor", "0"]
            member.command += [option.format(port=member.port) for option in options]
        with _running(members):
            made.wait_well()
            yield made


@contextmanager
def trio(
    binary: str,
    options: Sequence[str] = (),
    sentinel_lines: Sequence[str] = (),
    *,
    host: str = "127.0.0.1",
    login: dict[str, Any] | None = None,
    sentinel_login: dict[str, Any] | None = None,
) -> Iterator[Trio]:
    """A primary, two replicas and three Sentinels, of one mind when they are yielded.

    ``options`` follow ours on the servers' command lines, ``sentinel_lines`` ours in the Sentinels'
    files, and win; a primary silent for half a second is replaced.
    """
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        ports = free_ports(6, host)
        members = [Member(binary, Path(name), host, port, login or {}) for port in ports[:3]]
        sentinels = [
            Member(binary, Path(name), host, port, sentinel_login or {}) for port in ports[3:]
        ]
        made = Trio(members, sentinels)
        for member in members:
            # What a member is stands in a file, where Sentinels change it and a restart finds it.
            file = member.folder / "server.conf"
            file.write_text("" if member is members[0] else f"replicaof {host} {ports[0]}\n")
            member.command += [str(file), *_common(member), "--port", str(member.port), *options]
        for sentinel in sentinels:
            _write_sentinel(made, sentinel, sentinel_lines)
        with _running([*members, *sentinels]):
            made.wait_well()
            yield made


@contextmanager
def _running(members: list[Member]) -> Iterator[None]:
    with closing(_Crew(members)) as crew:
        crew.start()
        yield


class _Crew:
    """All processes of a fleet: either all are started, or those that were are ended."""

    def __init__(self, members: list[Member]) -> None:
        self._members = members
        self._started: list[Member] = []

    def start(self) -> None:
        for member in self._members:
            member.start()
            self._started.append(member)
        for member in self._members:
            wait_until(member.is_answering, READY_S, f"{member.address} answers")

    def close(self) -> None:
        for member in self._started:
            member.stop()


def _common(member: Member) -> list[str]:
    return [
        *("--bind", member.host, "--dir", str(member.folder), "--daemonize", "no"),
        *("--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"),
    ]


def _write_nodes(fleet: Cluster, member: Member, buses: dict[int, int]) -> None:
    """Write what ``member`` would know of the others after it had met them."""
    count = len(fleet.members) // 2
    rows = []
    for number, other in enumerate(fleet.members):
        flags = "myself," if other is member else ""
        is_primary = number < count
        flags += "master" if is_primary else "slave"
        primary = "-" if is_primary else fleet.members[number - count].id
        low, high = fleet.slots[number % count]
        slots = f" {low}-{high}" if is_primary else ""
        epoch = number % count + 1
        place = f"{other.host}:{other.port}@{buses[other.port]}"
        rows.append(f"{other.id} {place} {flags} {primary} 0 0 {epoch} connected{slots}")
    rows.append(f"vars currentEpoch {count} lastVoteEpoch 0")
    (member.folder / "nodes.conf").write_text("\n".join(rows) + "\n")


def _write_sentinel(fleet: Trio, sentinel: Member, lines: Sequence[str]) -> None:
    first, *replicas = fleet.members
    file = sentinel.folder / "sentinel.conf"
    rows = [f"port {sentinel.port}", f"bind {sentinel.host}", f"dir {sentinel.folder}"]
    rows += [f"sentinel myid {sentinel.id}"]
    rows += [f"sentinel monitor {SERVICE} {first.host} {first.port} 2"]
    rows += [f"sentinel down-after-milliseconds {SERVICE} 500"]
    rows += [f"sentinel failover-timeout {SERVICE} 3000", f"sentinel parallel-syncs {SERVICE} 1"]
    rows += lines
    rows += [f"sentinel known-replica {SERVICE} {other.host} {other.port}" for other in replicas]
    rows += [
        f"sentinel known-sentinel {SERVICE} {other.host} {other.port} {other.id}"
        for other in fleet.sentinels
        if other is not sentinel
    ]
    file.write_text("\n".join(rows) + "\n")
    sentinel.command += [str(file), "--sentinel"]


def _knows(sentinel: Member, replicas: int) -> bool:
    """Whether ``sentinel`` is in touch with both others and so many replicas of the primary."""
    with suppress(redis.RedisError):
        quorum = bytes(sentinel.ask(b"SENTINEL", b"CKQUORUM", SERVICE))
        rows = sentinel.ask(b"SENTINEL", b"REPLICAS", SERVICE)
        states = [dict(zip(row[::2], row[1::2], strict=True)) for row in rows]
        up = [state for state in states if state[b"flags"] == b"slave"]
        ports = {state[b"master-port"] for state in up}
        return quorum.startswith(b"OK 3") and (len(up), len(ports)) == (replicas, 1)
    return False
