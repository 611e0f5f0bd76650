"""``save.lua``, rule by rule: what a REGISTER comes to.

``test_scripts_stored`` has what it leaves behind, ``test_histories`` how the rules combine.
"""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from regcluster.registrar.plan import Change
from regcluster.store.remote import RedisStore
from tests.servers import Server
from tests.store.alice import (
    ALICE,
    DELAY_MS,
    DESK,
    HASH,
    INDEX,
    LINE_1,
    LINE_2,
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


async def test_a_new_contact_is_added(store: RedisStore) -> None:
    """Its lifetime begins at the store's now."""
    verdict = await store.save(plan(bind(DESK, 60)))

    (binding,) = verdict.record.bindings
    now = verdict.record.now
    assert ("added", now, now, now + 60_000) == (
        verdict.outcome,
        binding.created_at,
        binding.modified_at,
        binding.expires_at,
    )


@pytest.mark.parametrize(
    ("uris", "said"),
    [([DESK, DESK], "added"), ([DESK, MOBILE, MOBILE], "added"), ([DESK, MOBILE], "refreshed")],
)
async def test_a_contact_named_twice_is_as_new_as_its_binding(
    store: RedisStore, uris: list[str], said: str
) -> None:
    """What the request has made itself, it does not refresh."""
    if said == "refreshed":
        await store.save(plan(bind(MOBILE)))

    verdict = await store.save(plan(*[bind(uri) for uri in uris], cseq=6))

    assert (said, sorted(set(uris))) == outcome(verdict)


async def test_a_refresh_keeps_ruid_and_age_and_replaces_the_rest(
    store: RedisStore, store_server: Server
) -> None:
    """RFC 3261 §10.3 step 7: a binding shows the newest request."""
    first = (await store.save(plan(bind(DESK, ruid="uloc-1")))).record
    age(store_server, STORE, 1000)

    verdict = await store.save(plan(bind(DESK, 90, 700, ruid="uloc-2"), call_id="c2", cseq=1))

    now = verdict.record.now
    expected = replace(
        first.bindings[0],
        q=700,
        call_id="c2",
        cseq=1,
        created_at=first.now - 1000,
        modified_at=now,
        expires_at=now + 90_000,
    )
    assert [expected] == verdict.record.bindings


async def test_an_equal_uri_is_the_same_binding(store: RedisStore, store_server: Server) -> None:
    """RFC 3261 §19.1.4; the new spelling takes the place of the old one, in the index too."""
    await store.save(plan(bind(LINE_1)))

    verdict = await store.save(plan(bind(DESK), cseq=6))

    stored = found(store_server, STORE)
    assert ("refreshed", [DESK]) == outcome(verdict)
    assert [DESK.encode()] == list(stored.hashes[HASH])
    assert [b"%b\n%b" % (ALICE.encode(), DESK.encode())] == list(stored.indexes[INDEX])


@pytest.mark.parametrize("order", [(LINE_1, LINE_2), (LINE_2, LINE_1)])
async def test_of_several_equal_bindings_the_least_key_is_the_one(
    store: RedisStore, order: tuple[str, str]
) -> None:
    """Equality is not transitive, so one has to be chosen, on every server alike."""
    await store.save(plan(*[bind(uri) for uri in order]))

    verdict = await store.save(plan(remove(DESK), cseq=6))

    assert ("removed", [LINE_2]) == outcome(verdict)


async def test_a_contact_that_is_there_as_it_stands_comes_before_an_equal_one(
    store: RedisStore,
) -> None:
    """Though the key of the other is less."""
    await store.save(plan(bind(LINE_1), bind(LINE_2)))

    verdict = await store.save(plan(remove(LINE_2), cseq=6))

    assert ("removed", [LINE_1]) == outcome(verdict)


@pytest.mark.parametrize(
    ("asked", "done", "left"),
    [([bind(DESK)], "refreshed", [DESK]), ([remove(DESK)], "removed", []), ([], "removed", [])],
)
@pytest.mark.parametrize(
    ("call_id", "cseq"), [("c1", 6), ("c2", 1), ("C1", 5)], ids=["higher", "other", "case"]
)
async def test_a_higher_cseq_or_another_call_id_may_touch_a_binding(
    store: RedisStore, asked: list[Change], done: str, left: list[str], call_id: str, cseq: int
) -> None:
    """RFC 3261 §10.3 steps 6 and 7: refresh, removal and ``*`` alike; Call-IDs have case."""
    await store.save(plan(bind(DESK)))

    verdict = await store.save(plan(*asked, call_id=call_id, cseq=cseq))

    assert (done, left) == outcome(verdict)


@pytest.mark.parametrize(
    ("asked", "cseq"),
    [([bind(DESK, 90)], 4), ([remove(DESK)], 4), ([], 4), ([], 5)],
    ids=["refresh", "removal", "star", "star again"],
)
async def test_a_request_out_of_order_changes_nothing(
    store: RedisStore, store_server: Server, asked: list[Change], cseq: int
) -> None:
    """Same Call-ID, lower CSeq. A ``*`` of the same CSeq would have left nothing to find."""
    await store.save(plan(bind(DESK)))
    before = found(store_server, STORE)

    verdict = await store.save(plan(*asked, cseq=cseq))

    assert ("out_of_order", [DESK]) == outcome(verdict)
    assert replace(before, feed=[]) == found(store_server, STORE)


async def test_one_contact_out_of_order_fails_the_whole_request(store: RedisStore) -> None:
    """RFC 3261 §10.3 step 7: neither those before it nor those after it are touched."""
    await store.save(plan(bind(DESK)))
    await store.save(plan(bind(MOBILE), call_id="c2"))

    verdict = await store.save(plan(bind(SOFT), bind(DESK), remove(MOBILE), cseq=4))

    assert ("out_of_order", [DESK, MOBILE]) == outcome(verdict)


async def test_order_is_a_matter_of_each_binding(store: RedisStore) -> None:
    """A lower CSeq than another contact's does not keep a new contact out."""
    await store.save(plan(bind(DESK)))

    verdict = await store.save(plan(bind(MOBILE), cseq=4))

    assert ("added", [DESK, MOBILE]) == outcome(verdict)


@pytest.mark.parametrize("asked", [bind(DESK, 90, 500), remove(DESK)], ids=["refresh", "removal"])
async def test_an_equal_cseq_is_a_retransmission(
    store: RedisStore, store_server: Server, asked: Change
) -> None:
    """Within cseq_delay it succeeds and does nothing, as Kamailio has it; no event either."""
    await store.save(plan(bind(DESK)))
    before = found(store_server, STORE)

    verdict = await store.save(plan(asked))

    assert ("unchanged", [DESK]) == outcome(verdict)
    assert replace(before, feed=[]) == found(store_server, STORE)


async def test_an_equal_cseq_is_out_of_order_after_the_delay(
    store: RedisStore, store_server: Server
) -> None:
    """A phone that repeats itself after cseq_delay has lost count."""
    await store.save(plan(bind(DESK)))
    age(store_server, STORE, DELAY_MS)

    verdict = await store.save(plan(bind(DESK)))

    assert ("out_of_order", [DESK]) == outcome(verdict)


async def test_an_equal_cseq_is_out_of_order_where_there_is_no_delay(store: RedisStore) -> None:
    """cseq_delay = 0 means that no request is taken for a retransmission."""
    await store.save(plan(bind(DESK)))

    verdict = await store.save(replace(plan(bind(DESK)), cseq_delay=0))

    assert ("out_of_order", [DESK]) == outcome(verdict)


@pytest.mark.parametrize("asked", [[remove(DESK)], []], ids=["removal", "star"])
async def test_removing_what_is_not_there_is_a_success(
    store: RedisStore, asked: list[Change]
) -> None:
    """RFC 3261 §10.2.2; nothing was changed by it."""
    assert ("unchanged", []) == outcome(await store.save(plan(*asked)))


async def test_of_two_equal_contacts_in_a_request_the_later_wins(
    store: RedisStore, store_server: Server
) -> None:
    """There are never two bindings, and one event tells of them."""
    verdict = await store.save(plan(bind(LINE_1, ruid="uloc-1"), bind(DESK, 90, ruid="uloc-2")))

    assert ("added", [DESK]) == outcome(verdict)
    assert [("added", "1")] == events(store_server)


async def test_a_contact_removed_and_bound_in_a_request_is_a_new_binding(
    store: RedisStore, store_server: Server
) -> None:
    """Contacts are taken one after the other."""
    await store.save(plan(bind(DESK, ruid="uloc-1")))

    verdict = await store.save(plan(remove(DESK), bind(DESK, ruid="uloc-2"), cseq=6))

    assert ("added", [DESK]) == outcome(verdict)
    assert [("added", "1"), ("removed", "1"), ("added", "2")] == events(store_server)
    assert ["uloc-2"] == [binding.ruid for binding in (await store.fetch(ALICE)).bindings]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([bind(SOFT)], ("too_many", [DESK, MOBILE])),
        ([bind(DESK), bind(MOBILE)], ("refreshed", [DESK, MOBILE])),
        ([bind(LINE_1)], ("refreshed", [LINE_1, MOBILE])),
        ([bind(SOFT), remove(DESK)], ("removed", [MOBILE, SOFT])),
        ([remove(DESK), bind(SOFT)], ("added", [MOBILE, SOFT])),
        ([remove(DESK), bind(SOFT), bind("sip:x@h")], ("too_many", [DESK, MOBILE])),
    ],
    ids=["one more", "refresh", "equal", "swap", "swap the other way", "more than it frees"],
)
async def test_no_more_than_max_contacts_are_bound(
    store: RedisStore, asked: list[Change], expected: tuple[str, list[str]]
) -> None:
    """What counts is how many there are in the end; a refusal changes nothing."""
    await store.save(plan(bind(DESK), bind(MOBILE)))

    assert expected == outcome(await store.save(plan(*asked, cseq=6, limit=2)))


async def test_who_is_over_a_lowered_limit_may_still_refresh(store: RedisStore) -> None:
    """But not add."""
    await store.save(plan(bind(DESK), bind(MOBILE)))

    refreshed = await store.save(plan(bind(DESK), cseq=6, limit=1))
    refused = await store.save(plan(bind(SOFT), cseq=7, limit=1))

    assert ("refreshed", "too_many") == (refreshed.outcome, refused.outcome)


async def test_a_request_that_is_late_is_not_one_of_too_many_contacts(store: RedisStore) -> None:
    """Order comes first: how many there would be is no question for a request that is void."""
    await store.save(plan(bind(DESK)))

    verdict = await store.save(plan(bind(MOBILE), bind(DESK), cseq=4, limit=1))

    assert ("out_of_order", [DESK]) == outcome(verdict)


async def test_an_overdue_binding_is_absent(store: RedisStore, store_server: Server) -> None:
    """Not counted, not out of order, not refreshed: what comes in its place is new."""
    await store.save(plan(bind(DESK, 60, ruid="uloc-1"), bind(MOBILE, 90)))
    age(store_server, STORE, 60_000)

    verdict = await store.save(plan(bind(DESK, ruid="uloc-2"), cseq=1, limit=2))

    assert ("added", [DESK, MOBILE]) == outcome(verdict)
    assert [("expired", "1"), ("added", "2")] == events(store_server)


async def test_a_binding_lives_until_its_last_millisecond(
    store: RedisStore, store_server: Server
) -> None:
    """Long enough before its end it is there."""
    await store.save(plan(bind(DESK, 3600)))
    age(store_server, STORE, 3_540_000)

    assert ("unchanged", [DESK]) == outcome(await store.save(plan(remove(SOFT))))


async def test_an_overdue_binding_is_forgotten_by_a_refused_request_too(
    store: RedisStore, store_server: Server
) -> None:
    """It is no change that the request asked for."""
    await store.save(plan(bind(DESK, 60), bind(MOBILE, 90)))
    age(store_server, STORE, 60_000)

    verdict = await store.save(plan(bind(MOBILE), cseq=4))

    stored = found(store_server, STORE)
    assert ("out_of_order", [MOBILE]) == outcome(verdict)
    assert (1, 1, [b"expired"]) == (
        len(stored.hashes[HASH]),
        len(stored.indexes[INDEX]),
        [entry[0] for entry in stored.feed],
    )


async def test_saves_of_one_turn_of_the_loop_are_carried_out_in_order(store: RedisStore) -> None:
    """The pipeline keeps the order in which a phone's requests came."""
    verdicts = await asyncio.gather(
        *[store.save(plan(bind(DESK, 60 + cseq), cseq=cseq)) for cseq in range(1, 50)]
    )

    assert ["added", *["refreshed"] * 48] == [verdict.outcome for verdict in verdicts]
    assert all(a.record.now <= b.record.now for a, b in pairwise(verdicts))
