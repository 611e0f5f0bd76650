"""``save.lua``, rule by rule: what settings and scripts ask of a save beyond the RFC.

A single registration, contacts that make room for others, and what a script keeps with a binding.
"""

from dataclasses import replace

import pytest

from regcluster.registrar.binding import Xavp
from regcluster.registrar.plan import Change, SavePlan
from regcluster.store.remote import RedisStore
from tests.servers import Server
from tests.store.alice import (
    ALICE,
    DESK,
    LINE_1,
    MOBILE,
    SOFT,
    STORE,
    bind,
    events,
    flow,
    outcome,
    plan,
    remove,
)
from tests.store.stored import age, found

pytestmark = pytest.mark.anyio


def single(*changes: Change, call_id: str = "c1", cseq: int = 6, limit: int = 0) -> SavePlan:
    """A REGISTER saved with flag 0x04."""
    return replace(plan(*changes, call_id=call_id, cseq=cseq, limit=limit), is_single=True)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([bind(SOFT)], ("added", [SOFT])),
        ([bind(DESK)], ("refreshed", [DESK])),
        ([bind(LINE_1)], ("refreshed", [LINE_1])),
        ([bind(SOFT), bind(DESK)], ("added", [SOFT])),
        ([remove(DESK)], ("removed", [MOBILE])),
        ([remove(SOFT)], ("unchanged", [DESK, MOBILE])),
        ([remove(DESK), bind(SOFT), bind(MOBILE)], ("added", [SOFT])),
        ([remove(SOFT), bind(DESK)], ("refreshed", [DESK])),
        ([flow(SOFT)], ("added", [SOFT])),
    ],
    ids=["new", "refresh", "equal", "first", "removal", "no removal", "swap", "after none", "flow"],
)
async def test_of_a_single_registration_the_first_contact_that_is_bound_stays(
    store: RedisStore, asked: list[Change], expected: tuple[str, list[str]]
) -> None:
    """Every other binding goes, and later contacts are passed over (semantics §4.5)."""
    await store.save(plan(bind(DESK), bind(MOBILE)))

    assert expected == outcome(await store.save(single(*asked)))


async def test_a_single_registration_is_single_from_the_first(store: RedisStore) -> None:
    """Of an AOR that had no binding too (S-07)."""
    verdict = await store.save(single(bind(DESK), bind(MOBILE), bind(SOFT)))

    assert ("added", [DESK]) == outcome(verdict)


async def test_what_a_single_registration_replaces_is_told_as_removed(
    store: RedisStore, store_server: Server
) -> None:
    """Whatever Call-ID it had; nothing is left of it."""
    await store.save(plan(bind(DESK, ruid="uloc-1"), call_id="c2", cseq=9))
    await store.save(plan(bind(MOBILE, ruid="uloc-2")))
    events(store_server)

    await store.save(single(bind(SOFT, ruid="uloc-3")))

    stored = found(store_server, STORE)
    kinds = [entry[0] for entry in stored.feed]
    assert [b"removed", b"removed", b"added"] == kinds
    assert [1, 1] == [
        len(each) for kept in (stored.hashes, stored.indexes) for each in kept.values()
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([bind(DESK), bind(SOFT)], ("unchanged", [DESK, MOBILE])),
        ([remove(DESK), bind(SOFT)], ("added", [SOFT])),
    ],
    ids=["refresh", "removal"],
)
async def test_a_retransmission_of_a_single_registration_removes_nothing(
    store: RedisStore, asked: list[Change], expected: tuple[str, list[str]]
) -> None:
    """What it would bind has been bound: the walk ends there. A removal is passed over."""
    await store.save(plan(bind(DESK)))
    await store.save(plan(bind(MOBILE), call_id="c2"))

    assert expected == outcome(await store.save(single(*asked, cseq=5)))


async def test_a_single_registration_is_not_too_many(store: RedisStore) -> None:
    """max_contacts counts what is left."""
    await store.save(plan(bind(DESK), bind(MOBILE)))

    assert ("added", [SOFT]) == outcome(await store.save(single(bind(SOFT), limit=1)))


async def test_a_single_registration_out_of_order_replaces_nothing(store: RedisStore) -> None:
    """RFC 3261 §10.3 step 7 goes before."""
    await store.save(plan(bind(DESK), bind(MOBILE)))

    verdict = await store.save(single(bind(DESK), cseq=4))

    assert ("out_of_order", [DESK, MOBILE]) == outcome(verdict)


def evicting(*changes: Change, cseq: int = 9, limit: int = 2) -> SavePlan:
    """A REGISTER where ``full_aor`` makes room."""
    return replace(plan(*changes, cseq=cseq, limit=limit), evicts=True)


async def test_the_binding_refreshed_longest_ago_makes_room(
    store: RedisStore, store_server: Server
) -> None:
    """Not the one that was bound first, once it has been refreshed (S-53)."""
    await store.save(plan(bind(DESK, ruid="uloc-1")))
    age(store_server, STORE, 10)
    await store.save(plan(bind(MOBILE, ruid="uloc-2")))
    age(store_server, STORE, 10)
    await store.save(plan(bind(DESK), cseq=6))
    events(store_server)

    verdict = await store.save(evicting(bind(SOFT, ruid="uloc-3")))

    assert ("added", [DESK, SOFT]) == outcome(verdict)
    assert [("removed", "2"), ("added", "3")] == events(store_server)


async def test_of_bindings_refreshed_at_once_the_least_key_makes_room(store: RedisStore) -> None:
    """One has to be chosen, on every server alike."""
    await store.save(plan(bind(MOBILE), bind(SOFT), bind(DESK)))

    verdict = await store.save(evicting(bind("sip:x@h"), limit=3))

    assert ("added", [MOBILE, SOFT, "sip:x@h"]) == outcome(verdict)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([bind(SOFT), bind("sip:x@h")], ("added", [SOFT, "sip:x@h"])),
        ([bind(DESK), bind(SOFT)], ("added", [DESK, SOFT])),
        ([bind(SOFT), remove(DESK)], ("removed", [MOBILE, SOFT])),
        ([bind(DESK)], ("refreshed", [DESK, MOBILE])),
        ([bind(SOFT), bind("sip:x@h"), bind("sip:y@h")], ("too_many", [DESK, MOBILE])),
        ([bind(DESK), bind(SOFT), bind("sip:x@h")], ("too_many", [DESK, MOBILE])),
    ],
    ids=["two", "not its own", "no need", "no more", "too many", "with a refresh too many"],
)
async def test_what_a_request_binds_makes_no_room_for_itself(
    store: RedisStore, asked: list[Change], expected: tuple[str, list[str]]
) -> None:
    """As many go as have to, and none if that is not enough."""
    await store.save(plan(bind(DESK), bind(MOBILE)))

    assert expected == outcome(await store.save(evicting(*asked)))


KEPT: Xavp = {"line": "a b\n\tc", "n": 7}


def keeping(xavp: Xavp | None, *changes: Change, cseq: int) -> SavePlan:
    """A REGISTER with which a script keeps ``xavp``."""
    return replace(plan(*changes, cseq=cseq), xavp=xavp)


@pytest.mark.parametrize("first", [bind(DESK), flow(DESK)], ids=["URI", "instance"])
@pytest.mark.parametrize("second", [bind(DESK), flow(DESK)], ids=["URI", "instance"])
@pytest.mark.parametrize(
    ("xavp", "expected"),
    [(None, KEPT), ({"line": "new"}, {"line": "new"}), ({}, {})],
    ids=["none", "other", "empty"],
)
async def test_what_a_script_keeps_stays_until_a_script_says_otherwise(
    store: RedisStore, first: Change, second: Change, xavp: Xavp | None, expected: Xavp
) -> None:
    """A refresh that brings none keeps it, whichever of the two names the instance."""
    await store.save(keeping(KEPT, first, cseq=5))

    await store.save(keeping(xavp, second, cseq=6))

    (binding,) = (await store.fetch(ALICE)).bindings
    assert (expected, DESK) == (binding.xavp, binding.uri)


async def test_what_a_script_keeps_goes_with_its_binding(store: RedisStore) -> None:
    """A contact removed and bound again in one request is a new one."""
    await store.save(keeping(KEPT, bind(DESK), cseq=5))

    verdict = await store.save(plan(remove(DESK), bind(DESK), cseq=6))

    assert [None] == [binding.xavp for binding in verdict.record.bindings]


async def test_a_refresh_that_keeps_all_a_script_has_kept_is_no_event(
    store: RedisStore, store_server: Server
) -> None:
    """And one that changes it is."""
    await store.save(keeping(KEPT, flow(DESK, ruid="uloc-1"), cseq=5))
    events(store_server)

    await store.save(plan(flow(DESK), cseq=6))
    await store.save(plan(bind(DESK), cseq=7))
    await store.save(keeping({}, bind(DESK), cseq=8))

    assert [("changed", "1")] == events(store_server)


async def test_a_binding_with_something_kept_is_dropped_by_its_ruid(store: RedisStore) -> None:
    """The ruid ends where the rest of its line begins."""
    await store.save(keeping(KEPT, bind(DESK, ruid="uloc-1"), flow(MOBILE, ruid="uloc-2"), cseq=5))

    assert [1, 1, 0] == [await store.drop(ALICE, f"uloc-{number}") for number in (1, 2, 1)]


async def test_all_that_a_plan_says_of_a_contact_is_stored(store: RedisStore) -> None:
    """And replaced by the next REGISTER, whatever that does not say."""
    change = replace(bind(DESK), methods=31, received="sip:192.0.2.9:5062")
    asked = plan(change)
    asked.socket, asked.path, asked.cflags = "tcp:192.0.2.1:5060", "<sip:p;lr>", 8
    asked.connection = "n1/token"

    await store.save(asked)
    full = (await store.fetch(ALICE)).bindings
    await store.save(plan(bind(DESK), cseq=6))
    bare = (await store.fetch(ALICE)).bindings

    told = [
        (each.methods, each.received, each.socket, each.path, each.cflags, each.connection)
        for each in full + bare
    ]
    assert [
        (31, "sip:192.0.2.9:5062", "tcp:192.0.2.1:5060", "<sip:p;lr>", 8, "n1/token"),
        (2**32 - 1, "", "", "", 0, ""),
    ] == told
