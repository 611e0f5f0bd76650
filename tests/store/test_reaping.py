"""The reaper: what was bound over a connection of a worker that is gone goes, and nothing else."""

import asyncio
from dataclasses import replace

import pytest

from regcluster.registrar.plan import SavePlan
from regcluster.store.leases import Leases
from regcluster.store.reaping import Reaper
from regcluster.store.remote import RedisStore
from tests.servers import RealServer, Server, open_store
from tests.store.alice import (
    ALICE,
    DESK,
    FEED,
    HASH,
    LINE_1,
    MOBILE,
    SOFT,
    STORE,
    bind,
    events,
    plan,
    remove,
)
from tests.store.stored import age, found
from tests.store.upkeep import acquainted, make_judge, tapped_store, worker
from tests.test_metrics import value

pytestmark = pytest.mark.anyio

OWNER = "n9/0.e"
FLOWS = b"rc:{0}:f:n9/0.e"
TABLES = ("location", "abroad")


def over(asked: SavePlan, owner: str = OWNER, path: str = "") -> SavePlan:
    """``asked`` over a connection of ``owner``."""
    return replace(asked, connection=f"{owner}.17", path=path)


def reaper(store: RedisStore, leases: Leases | None = None) -> Reaper:
    """One that knows of nobody else, unless ``leases`` do."""
    return Reaper(store, leases or worker(store, "n1"), lambda: TABLES)


async def left(store: RedisStore, table: str = "location") -> list[str]:
    """The contacts that Alice has still."""
    return [binding.uri for binding in (await store.fetch(ALICE, table)).bindings]


async def test_only_what_hangs_on_the_owner_goes(store: RedisStore, store_server: Server) -> None:
    """Not what came over another connection, over UDP, or through a proxy with Path."""
    await store.save(over(plan(bind(DESK, ruid="uloc-1"))))
    await store.save(over(plan(bind(MOBILE, ruid="uloc-2")), owner="n9/0.later"))
    await store.save(plan(bind(SOFT, ruid="uloc-3")))
    await store.save(over(plan(bind("sip:a@h", ruid="uloc-4")), path="<sip:p;lr>"))
    found(store_server, STORE)

    await reaper(store).clear(OWNER)

    assert [("removed", "1")] == events(store_server)
    assert sorted([MOBILE, SOFT, "sip:a@h"]) == sorted(await left(store))
    assert not store_server.ask(b"EXISTS", FLOWS)


async def test_the_feed_says_why(store: RedisStore, store_server: Server) -> None:
    """Unlike a binding that somebody asked to remove."""
    await store.save(over(plan(bind(DESK))))

    await reaper(store).clear(OWNER)

    *_, (_, fields) = store_server.ask(b"XRANGE", FEED, b"-", b"+")
    assert [b"reason", b"owner"] == fields[-2:]


async def test_what_is_reaped_is_counted(store: RedisStore) -> None:
    """In every table."""
    before = value("REMOVED", reason="owner")
    for table in TABLES:
        await store.save(replace(over(plan(bind(DESK), bind(MOBILE))), table=table))

    await reaper(store).clear(OWNER)

    assert (before + 4, [], []) == (
        value("REMOVED", reason="owner"),
        await left(store),
        await left(store, "abroad"),
    )


async def test_a_binding_refreshed_over_another_connection_stays(
    store: RedisStore, store_server: Server
) -> None:
    """The set of the old owner may name its AOR still."""
    await store.save(over(plan(bind(DESK))))
    await store.save(over(plan(bind(DESK), cseq=6), owner="n1/0.e"))

    await reaper(store).clear(OWNER)

    assert [DESK] == await left(store)


async def test_a_refresh_while_the_reaper_reads_wins(store_server: Server) -> None:
    """What was read is not what is there any more."""
    store, link = tapped_store(store_server.link(STORE), STORE)
    await store.save(over(plan(bind(DESK))))

    async def refresh() -> None:
        await store.save(over(plan(bind(DESK), cseq=6), owner="n1/0.e"))

    link.after[b"HGETALL"] = refresh

    await reaper(store).clear(OWNER)

    assert [DESK] == await left(store)
    await store.close()


async def test_what_is_overdue_goes_as_expired(store: RedisStore, store_server: Server) -> None:
    """Nobody looks at it twice."""
    await store.save(over(plan(bind(DESK, 60, ruid="uloc-1"), bind(MOBILE, 90, ruid="uloc-2"))))
    age(store_server, STORE, 60_000)

    await reaper(store).clear(OWNER)

    assert [("expired", "1"), ("removed", "2")] == sorted(events(store_server))


async def test_what_the_reaper_leaves_is_forgotten_in_its_time(
    store: RedisStore, store_server: Server
) -> None:
    """Not when the longest binding, which is gone, would have been."""
    await store.save(over(plan(bind(MOBILE, 600))))
    verdict = await store.save(plan(bind(SOFT, 60)))

    await reaper(store).clear(OWNER)

    expected = verdict.record.now + 60_000 + 86_400_000
    assert {HASH: expected} == found(store_server, STORE).forgotten_at


async def test_any_number_of_aors_is_cleared_away(store: RedisStore, store_server: Server) -> None:
    """A few at once, until there are none."""
    for number in range(0, 100, 25):
        saves = [
            store.save(replace(over(plan(bind(DESK))), aor=f"u{each}@h"))
            for each in range(number, number + 25)
        ]
        await asyncio.gather(*saves)

    await reaper(store).clear(OWNER)

    stored = found(store_server, STORE)
    assert ({}, {}, {}) == (stored.hashes, stored.indexes, stored.flows)


async def test_an_owner_that_is_back_keeps_what_it_has(store: RedisStore) -> None:
    """It has a lease again."""
    owner, leases = worker(store, "n9"), worker(store, "n1")
    await store.save(over(plan(bind(DESK))))
    await acquainted([owner, leases])

    await reaper(store, leases).clear(OWNER)

    assert [DESK] == await left(store)


async def test_one_of_many_clears_away_and_the_store_forgets_the_owner(
    store: RedisStore, store_server: Server
) -> None:
    """All choose the same one."""
    names = [f"n{number}" for number in range(1, 4)]
    workers = [worker(store, name) for name in names]
    ends = {f"{name}/0.e": 2 * 10**12 for name in names} | {OWNER: 0}
    store_server.ask(b"ZADD", b"rc:nodes", 1, OWNER.encode())
    for each in workers:
        make_judge(each, ends)
    await store.save(over(plan(bind(DESK))))

    for each in workers:
        await reaper(store, each).round()

    assert [[OWNER], [OWNER], []] == sorted([each.abandoned() for each in workers], reverse=True)
    assert [] == await left(store)
    for each in workers:
        await each.renew()
    assert store_server.ask(b"ZSCORE", b"rc:nodes", OWNER.encode()) is None


async def test_who_may_not_judge_reaps_nothing(store: RedisStore, store_server: Server) -> None:
    """It has only just started: the store may have been away from all."""
    store_server.ask(b"ZADD", b"rc:nodes", 1, OWNER.encode())
    await store.save(over(plan(bind(DESK))))
    leases = worker(store, "n1")
    await leases.renew()

    await reaper(store, leases).round()

    assert [DESK] == await left(store)


async def test_what_a_newer_node_wrote_is_left_to_newer_nodes(
    store: RedisStore, store_server: Server
) -> None:
    """It cannot be read, so nobody knows whose it is."""
    await store.save(over(plan(bind(DESK))))
    store_server.ask(b"HSET", HASH, DESK, b"2" + b"9" * 80)

    await reaper(store).clear(OWNER)

    assert 1 == store_server.ask(b"HLEN", HASH)


async def test_without_an_answer_an_owner_is_not_finished(real_server: RealServer) -> None:
    """What is left waits for the next round."""
    store = open_store(real_server, STORE)
    leases = worker(store, "n1")
    make_judge(leases, {OWNER: 0})
    await store.close()

    await reaper(store, leases).round()

    assert [OWNER] == leases.abandoned()


@pytest.mark.parametrize(
    ("asked", "is_held"),
    [
        (over(plan(bind(DESK))), True),
        (over(plan(bind(DESK)), path="<sip:p;lr>"), False),
        (plan(bind(DESK)), False),
        (replace(plan(bind(DESK)), connection="n1/token"), False),
        (over(plan(remove(DESK))), False),
    ],
)
async def test_a_save_over_a_connection_is_noted_with_its_owner(
    store: RedisStore, store_server: Server, asked: SavePlan, is_held: bool
) -> None:
    """Where it is the only way back, and something is bound."""
    await store.save(asked)

    flows = found(store_server, STORE).flows
    assert ({FLOWS} if is_held else set()) == set(flows)


async def test_the_note_of_an_owner_lives_as_long_as_what_it_notes(
    store: RedisStore, store_server: Server
) -> None:
    """A refresh prolongs it, a shorter binding does not cut it."""
    ends: list[int] = []
    for cseq, (aor, lifetime) in enumerate([(ALICE, 60), (ALICE, 600), ("bob@h", 60)]):
        asked = over(plan(bind(DESK, lifetime), cseq=cseq))
        now = (await store.save(replace(asked, aor=aor))).record.now
        ends.append(round((found(store_server, STORE).flows[FLOWS].forgotten_at - now) / 1000))

    assert [86_460, 87_000, 87_000] == ends


async def test_the_note_of_an_owner_forgets_what_has_expired(
    store: RedisStore, store_server: Server
) -> None:
    """A worker that lives for months has seen many phones."""
    await store.save(over(plan(bind(DESK, 60))))
    age(store_server, STORE, 60_000)

    await store.save(replace(over(plan(bind(LINE_1))), aor="bob@h"))

    assert [b"bob@h"] == list(found(store_server, STORE).flows[FLOWS].scores)
