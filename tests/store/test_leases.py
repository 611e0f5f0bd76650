"""Leases: who is alive, and whom a worker may call gone."""

import asyncio
import json

import pytest

from regcluster.errors import StoreUnavailable
from regcluster.store.leases import LATE_MS, LEASE_MS, REAP_MS, LeaseHolder, Leases, Roll, Share
from regcluster.store.remote import RedisStore
from tests.servers import RealServer, Server, open_store
from tests.store.alice import STORE
from tests.store.upkeep import NOTICE, acquainted, worker

pytestmark = pytest.mark.anyio

NODES = b"rc:nodes"
START = 1_700_000_000_000
WE, OTHER = "n1/0.a", "n2/0.b"
CONNECTION = f"{OTHER}.17"


def steady_roll(other_end: int, told_at: int = START + LEASE_MS) -> Roll:
    """Ours, after heartbeats without a break from ``START`` to ``told_at``; it is 100 s by then.

    Of the other worker it knows when its lease ends.
    """
    roll = Roll(WE)
    before = 0
    for now in [*range(START, told_at, LATE_MS), told_at]:
        roll.take(now, before, {WE: now + LEASE_MS, OTHER: other_end}, 100.0)
        before = now + LEASE_MS
    return roll


@pytest.mark.parametrize(
    ("connection", "is_orphaned"),
    [
        (CONNECTION, True),
        (f"{WE}.17", False),
        ("n1/0.earlier.17", True),
        ("n3/0.c.1", True),
        ("n2/token", False),
        ("", False),
    ],
)
def test_a_connection_is_orphaned_if_its_owner_has_no_lease(
    connection: str, is_orphaned: bool
) -> None:
    """An earlier life of our own is another owner; what names no owner has none to lose."""
    assert is_orphaned == steady_roll(other_end=START).is_orphaned(connection, START, 100.0)


def test_an_owner_with_a_lease_is_not_gone() -> None:
    """Up to the very millisecond in which it ends."""
    now = START + LEASE_MS

    assert [False, True] == [
        steady_roll(other_end=end).is_orphaned(CONNECTION, START, 100.0) for end in (now + 1, now)
    ]


def test_what_was_bound_since_the_last_heartbeat_is_not_orphaned() -> None:
    """Its owner may have started since, and we have not heard of it yet."""
    roll = steady_roll(other_end=0)
    told_at = START + LEASE_MS

    assert [True, False] == [
        roll.is_orphaned(CONNECTION, bound_at, 100.0) for bound_at in (told_at - 1, told_at)
    ]


def test_who_has_only_just_started_calls_nobody_gone() -> None:
    """The store may have been away until now, and all leases with it."""
    roll = steady_roll(other_end=START, told_at=START + LEASE_MS - 1)

    assert not roll.is_orphaned(CONNECTION, START - 1, 100.0)
    assert [] == roll.abandoned(100.0)


@pytest.mark.parametrize("jump", [LATE_MS + 1, -LATE_MS - 1])
def test_who_was_late_calls_nobody_gone_for_as_long_as_a_lease_lasts(jump: int) -> None:
    """What kept us may have kept the others; it may also be that another server tells the time."""
    roll = steady_roll(other_end=START)
    now, before = START + LEASE_MS + jump, START + 2 * LEASE_MS

    answers = []
    for _ in range(4):
        roll.take(now, before, {OTHER: START}, 100.0)
        answers.append(roll.is_orphaned(CONNECTION, START - 10 * LEASE_MS, 100.0))
        before = now + LEASE_MS
        now += LEASE_MS // 3 + 1

    assert [False, False, False, True] == answers


@pytest.mark.parametrize("before", [0, START - 60_000, START + 2 * LEASE_MS - 1])
def test_a_store_that_has_lost_our_last_heartbeat_is_not_believed_at_once(before: int) -> None:
    """It has lost those of the others as well: it was emptied, or has started with an old file."""
    roll = steady_roll(other_end=0)

    roll.take(START + LEASE_MS + 1000, before, {OTHER: 0}, 100.0)

    assert not roll.is_orphaned(CONNECTION, START, 100.0)
    assert [] == roll.abandoned(100.0)


def test_a_heartbeat_whose_answer_was_lost_is_no_reason_for_doubt() -> None:
    """The store knows of more than we do, not of less."""
    roll = steady_roll(other_end=0)

    roll.take(START + LEASE_MS + 2000, START + 2 * LEASE_MS + 1000, {OTHER: 0}, 100.0)

    assert roll.is_orphaned(CONNECTION, START, 100.0)


def test_who_does_not_reach_the_store_calls_nobody_gone() -> None:
    """What it was told is too old by then: an owner may be back."""
    roll = steady_roll(other_end=START)
    until = 100.0 + LEASE_MS / 1000

    assert [True, False] == [
        roll.is_orphaned(CONNECTION, START, at) for at in (until - 0.001, until)
    ]
    assert [] == roll.abandoned(until)


@pytest.mark.parametrize(("gone_ms", "abandoned"), [(REAP_MS, []), (REAP_MS + 1, [OTHER])])
def test_an_owner_is_given_time_to_come_back(gone_ms: int, abandoned: list[str]) -> None:
    """Before its bindings are removed; lookups pass over them meanwhile."""
    roll = steady_roll(START + LEASE_MS - gone_ms)

    assert abandoned == roll.abandoned(100.0)
    assert roll.is_orphaned(CONNECTION, START, 100.0)


def test_we_are_a_member_before_we_know_of_any() -> None:
    """And the members are the same object for as long as they are the same."""
    roll = Roll(WE)
    first = roll.members

    roll.take(START, 0, {WE: START + LEASE_MS}, 100.0)

    assert frozenset([WE]) == first
    assert first is roll.members


def test_a_worker_has_a_name_of_its_own_in_each_life() -> None:
    """It is what the token of a connection begins with, behind the node."""
    assert "edge-1/3.0badc0de" == LeaseHolder("edge-1", 3, "0badc0de").name


async def test_workers_learn_of_each_other(store: RedisStore) -> None:
    """With the second heartbeat at the latest."""
    workers = [worker(store, "n1"), worker(store, "n2")]

    await acquainted(workers)

    assert [frozenset(["n1/0.e", "n2/0.e"])] * 2 == [each.members for each in workers]


async def test_a_lease_lasts_for_some_seconds_and_the_notice_as_long(
    store: RedisStore, store_server: Server
) -> None:
    """A heartbeat renews both."""
    await worker(store, "n1").renew()

    ends_at = float(store_server.ask(b"ZSCORE", NODES, b"n1/0.e"))
    left = store_server.ask(b"PTTL", b"rc:node:n1")
    assert LEASE_MS - 1000 < ends_at - await store.now() <= LEASE_MS
    assert LEASE_MS - 1000 < left <= LEASE_MS
    assert {"epoch": "epoch", "addresses": ["udp:192.0.2.1:5060"], "workers": 1} == json.loads(
        store_server.ask(b"GET", b"rc:node:n1")
    )


async def test_who_gives_its_lease_up_is_a_member_no_more(store: RedisStore) -> None:
    """Nobody has to wait until it would have ended."""
    first, second = worker(store, "n1"), worker(store, "n2")
    await acquainted([first, second])

    await second.end()
    await first.renew()

    assert frozenset(["n1/0.e"]) == first.members


async def test_a_finished_owner_is_forgotten_unless_it_is_back(
    store: RedisStore, store_server: Server
) -> None:
    """Who has come back keeps its lease."""
    back = worker(store, "n2")
    await back.renew()
    store_server.ask(b"ZADD", NODES, 1, b"n3/0.e")
    leases = worker(store, "n1")
    for owner in ("n2/0.e", "n3/0.e", "unheard/0.of"):
        leases.finish(owner)

    await leases.renew()

    assert {b"n1/0.e", b"n2/0.e"} == set(store_server.ask(b"ZRANGE", NODES, 0, -1))


async def test_a_heartbeat_that_fails_is_no_error(real_server: RealServer) -> None:
    """The members stay those of the last one; giving the lease up is an error then."""
    store = open_store(real_server, STORE)
    leases = worker(store, "n1")
    await acquainted([leases, worker(store, "n2")])
    await store.close()

    await leases.renew()

    assert {"n1/0.e", "n2/0.e"} == set(leases.members)
    with pytest.raises(StoreUnavailable):
        await leases.end()


async def test_a_worker_goes_by_its_own_clock_between_heartbeats(store: RedisStore) -> None:
    """Once they fail, what it knows of an owner that is gone is soon worth nothing."""
    hands = [100.0]
    leases = Leases(store, LeaseHolder("n1", 0, "a"), NOTICE, lambda: hands[0])
    before = 0
    for told_at in range(START, START + LEASE_MS + 1, LATE_MS):
        leases.roll.take(told_at, before, {OTHER: 0}, hands[0])
        before = told_at + LEASE_MS

    answers = []
    for hands[0] in (100.0, 99.9 + LEASE_MS / 1000, 100.0 + LEASE_MS / 1000):
        answers.append((leases.is_orphaned(CONNECTION, START), leases.abandoned()))

    assert [(True, [OTHER]), (True, [OTHER]), (False, [])] == answers


async def test_heartbeats_do_not_wait_for_each_other(store: RedisStore) -> None:
    """Any number of workers at once."""
    workers = [worker(store, f"n{number}") for number in range(20)]

    await asyncio.gather(*[each.renew() for each in workers])
    await workers[0].renew()

    assert 20 == len(workers[0].members)


async def test_partitions_are_shared_out_among_those_who_have_a_lease(store: RedisStore) -> None:
    """Each to one of them, alone to the only one."""
    leases = [worker(store, "n1"), worker(store, "n2")]
    shares = [Share(each) for each in leases]
    things = [b"rc:{%d}:x" % number for number in range(8)]
    alone = [share(thing) for share in shares for thing in things]
    await acquainted(leases)
    together = [[share(thing) for share in shares] for thing in things]

    assert [True] * 2 * len(things) == alone
    assert [1] * len(things) == [sum(ours) for ours in together]
