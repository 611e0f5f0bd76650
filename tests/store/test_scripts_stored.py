"""What ``save.lua`` and ``drop.lua`` leave in a server: bindings, feed, expiry."""

from dataclasses import replace

import pytest

from regcluster.config import StoreSettings
from regcluster.errors import StoreUnavailable
from regcluster.registrar.plan import SavePlan
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
    outcome,
    plan,
    remove,
)
from tests.store.stored import age, found

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (plan(bind(SOFT), cseq=6), [("added", SOFT)]),
        (plan(bind(DESK, 90), cseq=6), []),
        (plan(bind(DESK, q=500), cseq=6), [("changed", DESK)]),
        (plan(bind(LINE_1), cseq=6), [("changed", DESK)]),
        (plan(bind(DESK), call_id="c2"), [("changed", DESK)]),
        (replace(plan(bind(DESK), cseq=6), user_agent="Phone/2"), [("changed", DESK)]),
        (plan(remove(DESK), cseq=6), [("removed", DESK)]),
        (plan(cseq=6), [("removed", DESK), ("removed", MOBILE)]),
        (plan(bind(SOFT), remove(DESK), cseq=6), [("removed", DESK), ("added", SOFT)]),
    ],
)
async def test_the_feed_tells_what_a_reader_could_see_change(
    store: RedisStore, store_server: Server, asked: SavePlan, expected: list[tuple[str, str]]
) -> None:
    """Endings come first; a refresh that only prolongs is no event."""
    await store.save(plan(bind(DESK), bind(MOBILE)))
    found(store_server, STORE)

    await store.save(asked)

    assert expected == sorted(
        events(store_server), key=lambda event: (event[0] != "removed", event)
    )


async def test_redis_forgets_an_aor_after_its_last_binding(
    store: RedisStore, store_server: Server
) -> None:
    """Prolonged by a longer binding, shortened when that goes."""
    promised: list[int] = []
    for asked in (bind(DESK, 60), bind(MOBILE, 600), remove(MOBILE)):
        record = (await store.save(plan(asked, cseq=6 + len(promised)))).record
        forgotten_at = found(store_server, STORE).forgotten_at[HASH]
        promised.append(forgotten_at - max(each.expires_at for each in record.bindings))

    assert [86_400_000] * 3 == promised


async def test_the_largest_numbers_fit(store: RedisStore) -> None:
    """RFC 3261 §8.1.1.5 and §20.19: the head of a value is of fixed width."""
    largest = 2**32 - 1
    await store.save(plan(bind(DESK), cseq=largest - 1))

    verdict = await store.save(plan(bind(DESK, largest), cseq=largest))

    (binding,) = verdict.record.bindings
    assert ("refreshed", largest, verdict.record.now + largest * 1000) == (
        verdict.outcome,
        binding.cseq,
        binding.expires_at,
    )


async def test_stray_bytes_come_back_as_they_came(store: RedisStore) -> None:
    """An AOR, a Call-ID and a User-Agent may hold what is not UTF-8."""
    stray = b"caf\xe9\x00\r".decode("utf-8", "surrogateescape")
    asked = replace(plan(bind(DESK), call_id=stray), aor=stray, user_agent=stray)

    await store.save(asked)

    (binding,) = (await store.fetch(stray)).bindings
    assert (stray, stray) == (binding.call_id, binding.user_agent)


async def test_a_feed_keeps_about_as_much_as_it_should(real_server: RealServer) -> None:
    """Redis cuts in whole blocks of a hundred, so there may be one too many."""
    settings = StoreSettings(partitions=1, feed_maxlen=100, deadline_ms=10_000)
    store = open_store(real_server, settings)
    for start in (0, 200):
        contacts = [bind(f"sip:{start + number}@h") for number in range(200)]
        await store.save(plan(*contacts))
    await store.close()

    assert 100 <= real_server.ask(b"XLEN", FEED) <= 200


async def test_a_server_out_of_memory_refuses_before_the_first_write(
    real_server: RealServer,
) -> None:
    """But it lets go of what is to be removed."""
    store = open_store(real_server, STORE)
    await store.save(plan(bind(DESK), bind(MOBILE)))
    before = found(real_server, STORE)
    real_server.ask(b"CONFIG", b"SET", b"maxmemory", b"1")
    try:
        with pytest.raises(StoreUnavailable, match="OOM"):
            await store.save(plan(remove(MOBILE), bind(SOFT), cseq=6))
        assert replace(before, feed=[]) == found(real_server, STORE)
        verdict = await store.save(plan(remove(MOBILE), cseq=6))
    finally:
        real_server.ask(b"CONFIG", b"SET", b"maxmemory", b"0")
        await store.close()

    assert ("removed", [DESK]) == outcome(verdict)
    assert [b"removed"] == [entry[0] for entry in found(real_server, STORE).feed]


@pytest.mark.parametrize(
    ("ruid", "dropped", "left"),
    [
        ("", 2, []),
        ("uloc-1", 1, [MOBILE]),
        ("uloc-12", 1, [DESK]),
        ("uloc-", 0, [DESK, MOBILE]),
    ],
)
async def test_drop_removes_one_binding_or_all(
    store: RedisStore, store_server: Server, ruid: str, dropped: int, left: list[str]
) -> None:
    """A ruid is compared whole; no Call-ID or CSeq is asked for."""
    await store.save(plan(bind(DESK, ruid="uloc-1"), bind(MOBILE, ruid="uloc-12")))
    found(store_server, STORE)

    assert dropped == await store.drop(ALICE, ruid)
    assert left == sorted(binding.uri for binding in (await store.fetch(ALICE)).bindings)
    stored = found(store_server, STORE)
    assert len(left) == sum(len(index) for index in stored.indexes.values())
    assert [b"removed"] * dropped == [entry[0] for entry in stored.feed]


async def test_drop_takes_what_is_overdue_along(store: RedisStore, store_server: Server) -> None:
    """As expired, and without counting it."""
    await store.save(plan(bind(DESK, 60, ruid="uloc-1"), bind(MOBILE, 90, ruid="uloc-2")))
    age(store_server, STORE, 60_000)

    assert 0 == await store.drop(ALICE, "uloc-1")
    assert [("expired", "1")] == events(store_server)


async def test_what_drop_leaves_is_forgotten_in_its_time(
    store: RedisStore, store_server: Server
) -> None:
    """Not when the longest binding, which is gone, would have been."""
    verdict = await store.save(plan(bind(DESK, 60), bind(MOBILE, 600, ruid="uloc-2")))

    await store.drop(ALICE, "uloc-2")

    expected = verdict.record.now + 60_000 + 86_400_000
    assert {HASH: expected} == found(store_server, STORE).forgotten_at
