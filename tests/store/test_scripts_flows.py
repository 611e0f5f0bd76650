"""``save.lua``, rule by rule: contacts with an instance, beside those without one.

An instance-id and a reg-id name a binding (RFC 5626 §6), whatever its URI. By the URI, contacts
with and without an instance find each other; the keys that other matching modes give are here too.
"""

from dataclasses import replace

import pytest

from regcluster.config import LocationSettings
from regcluster.registrar.binding import Binding, flow_key, key_scope, match_key
from regcluster.registrar.plan import Change, SavePlan
from regcluster.sip.uri import parse_uri
from regcluster.store.remote import RedisStore
from tests.servers import Server
from tests.store.alice import (
    ALICE,
    DESK,
    DEVICE,
    HASH,
    INDEX,
    LINE_1,
    LINE_2,
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
from tests.store.stored import found

pytestmark = pytest.mark.anyio

KEY = flow_key(DEVICE, 1)


async def only(store: RedisStore) -> Binding:
    """Alice's one binding."""
    (binding,) = (await store.fetch(ALICE)).bindings
    return binding


async def test_a_flow_is_the_same_binding_at_another_uri(store: RedisStore) -> None:
    """RFC 5626 §6: instance-id and reg-id say which one it is."""
    await store.save(plan(flow(DESK, ruid="uloc-1")))

    verdict = await store.save(plan(flow(MOBILE, ruid="uloc-2"), cseq=6))

    binding = await only(store)
    assert ("refreshed", [MOBILE]) == outcome(verdict)
    assert ("uloc-1", DEVICE, 1) == (binding.ruid, binding.instance, binding.reg_id)


@pytest.mark.parametrize("other", [flow(DESK, 2), flow(DESK, 1, "<urn:x:2>")])
async def test_two_flows_with_one_uri_are_two_bindings(store: RedisStore, other: Change) -> None:
    """Another reg-id is another flow, another instance another phone."""
    await store.save(plan(flow(DESK)))

    verdict = await store.save(plan(other, cseq=6))

    assert ("added", [DESK, DESK]) == outcome(verdict)


async def test_two_flows_of_a_request_can_be_bound(store: RedisStore) -> None:
    """Each under its own number."""
    verdict = await store.save(plan(flow(DESK, 1, ruid="uloc-1"), flow(DESK, 2, ruid="uloc-2")))

    assert [1, 2] == [binding.reg_id for binding in verdict.record.bindings]


@pytest.mark.parametrize("asked", [flow(MOBILE), flow(DESK, lifetime=0)], ids=["refresh", "end"])
async def test_within_a_call_id_a_flow_needs_a_higher_cseq_too(
    store: RedisStore, asked: Change
) -> None:
    """An old or replayed request must not move a phone (S-15)."""
    await store.save(plan(flow(DESK)))

    assert ("out_of_order", [DESK]) == outcome(await store.save(plan(asked, cseq=4)))


@pytest.mark.parametrize("uri", [LINE_1, DESK], ids=["the same", "equal"])
async def test_a_refresh_without_an_instance_finds_the_flow_and_leaves_it_its_name(
    store: RedisStore, uri: str
) -> None:
    """Key, instance as it was spelled and reg-id stay; the URI is the newest (semantics §4.6)."""
    await store.save(plan(flow(LINE_1)))

    verdict = await store.save(plan(bind(uri), cseq=6))

    binding = await only(store)
    assert ("refreshed", [uri]) == outcome(verdict)
    assert (KEY, DEVICE, 1) == (binding.key, binding.instance, binding.reg_id)


async def test_a_flow_is_found_by_the_newest_of_its_uris(store: RedisStore) -> None:
    """A refresh without an instance has changed it; the old one is nobody's."""
    await store.save(plan(flow(LINE_1)))
    await store.save(plan(bind(DESK), cseq=6))

    verdict = await store.save(plan(bind(LINE_2), cseq=7))

    assert ("refreshed", [LINE_2]) == outcome(verdict)


async def test_a_flow_is_removed_by_its_uri(store: RedisStore) -> None:
    """Whoever names no instance means the URI."""
    await store.save(plan(flow(DESK)))

    assert ("removed", []) == outcome(await store.save(plan(remove(DESK), cseq=6)))


async def test_a_uri_spelled_alike_comes_before_one_that_is_equal(store: RedisStore) -> None:
    """Though the other's key is less, and that of the flow is another altogether."""
    await store.save(plan(bind(DESK)))
    await store.save(replace(plan(flow(LINE_1), cseq=6), adopts=False))

    verdict = await store.save(plan(remove(LINE_1), cseq=7))

    assert ("removed", [DESK]) == outcome(verdict)


async def test_of_several_equal_uris_the_least_is_meant(store: RedisStore) -> None:
    """Not the binding whose own key is less: that of the flow begins with a plus."""
    await store.save(plan(flow(LINE_2), bind(LINE_1)))

    verdict = await store.save(plan(remove(DESK), cseq=6))

    assert ("removed", [LINE_2]) == outcome(verdict)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_of_several_flows_with_the_uri_that_of_the_least_key_is_meant(
    store: RedisStore, order: tuple[int, int]
) -> None:
    """One has to be chosen, on every server alike."""
    await store.save(plan(*[flow(DESK, reg_id) for reg_id in order]))

    await store.save(plan(remove(DESK), cseq=6))

    assert 2 == (await only(store)).reg_id


@pytest.mark.parametrize("stored", [DESK, LINE_1], ids=["the same", "equal"])
async def test_a_flow_takes_the_binding_of_its_uri_over(
    store: RedisStore, store_server: Server, stored: str
) -> None:
    """A phone that has learned of instances does not ring twice (S-16)."""
    await store.save(plan(bind(stored, ruid="uloc-1")))

    verdict = await store.save(plan(flow(DESK, ruid="uloc-2"), cseq=6))

    there = found(store_server, STORE)
    assert ("refreshed", [DESK]) == outcome(verdict)
    assert ("uloc-1", 1) == ((await only(store)).ruid, (await only(store)).reg_id)
    assert [KEY.encode()] == list(there.hashes[HASH])
    assert [f"{ALICE}\n{KEY}".encode()] == list(there.indexes[INDEX])


async def test_a_flow_that_is_there_takes_nothing_over(store: RedisStore) -> None:
    """Its own binding is the one it means."""
    await store.save(plan(flow(MOBILE), bind(DESK)))

    verdict = await store.save(plan(flow(DESK), cseq=6))

    assert ("refreshed", [DESK, DESK]) == outcome(verdict)


async def test_a_flow_is_no_flow_of_another_phone_at_its_uri(store: RedisStore) -> None:
    """Nor removes it: only a binding without an instance is taken over."""
    await store.save(plan(flow(DESK)))

    verdict = await store.save(plan(flow(DESK, instance="<urn:x:2>", lifetime=0), cseq=6))

    assert ("unchanged", [DESK]) == outcome(verdict)


async def test_a_flow_removes_the_binding_of_its_uri(store: RedisStore) -> None:
    """It would have taken it over."""
    await store.save(plan(bind(DESK)))

    assert ("removed", []) == outcome(await store.save(plan(flow(DESK, lifetime=0), cseq=6)))


async def test_a_binding_taken_over_is_asked_for_order(store: RedisStore) -> None:
    """It is the same binding, so RFC 3261 §10.3 step 7 holds."""
    await store.save(plan(bind(DESK)))

    assert ("out_of_order", [DESK]) == outcome(await store.save(plan(flow(DESK), cseq=4)))


async def test_a_flow_leaves_the_binding_of_its_uri_alone_where_they_are_separate(
    store: RedisStore,
) -> None:
    """As in Kamailio (``plain_binding``)."""
    await store.save(plan(bind(DESK)))

    verdict = await store.save(replace(plan(flow(DESK), cseq=6), adopts=False))

    assert ("added", [DESK, DESK]) == outcome(verdict)


async def test_of_contacts_with_and_without_an_instance_in_a_request_the_later_wins(
    store: RedisStore,
) -> None:
    """They are one binding, which keeps the instance."""
    await store.save(plan(flow(DESK), bind(DESK, q=500)))

    assert (KEY, 500) == ((await only(store)).key, (await only(store)).q)


def flows(*uris: str, call_id: str = "c1") -> SavePlan:
    """A REGISTER of a phone with a flow for each URI, and of another phone's flow."""
    mine = [flow(uri, number, ruid=f"uloc-{number}") for number, uri in enumerate(uris, 1)]
    return plan(*mine, flow(SOFT, instance="<urn:x:2>", ruid="uloc-x"), call_id=call_id)


async def test_another_call_id_ends_the_other_flows_of_its_instance(
    store: RedisStore, store_server: Server
) -> None:
    """As in Kamailio (``new_call_id``, S-14); contacts that follow are passed over."""
    await store.save(flows(DESK, LINE_1, LINE_2))
    events(store_server)

    asked = plan(flow(DESK, 2), bind(MOBILE), call_id="c2")
    verdict = await store.save(replace(asked, drops_flows=True))

    told = events(store_server)
    assert ("refreshed", [DESK, SOFT]) == outcome(verdict)
    assert [("changed", "2"), ("removed", "1"), ("removed", "3")] == sorted(told)


async def test_another_call_id_leaves_the_other_flows_alone_by_default(store: RedisStore) -> None:
    """A phone that has started anew may have done so on one of its flows only."""
    await store.save(flows(DESK, MOBILE))

    verdict = await store.save(plan(flow(DESK, 1), bind(LINE_1), call_id="c2"))

    assert ("refreshed", [LINE_1, MOBILE, SOFT]) == outcome(verdict)


async def test_contacts_without_an_instance_are_no_flows(store: RedisStore) -> None:
    """However much alike their keys are."""
    first, second = bind(f"{DESK};a=1;b=1"), bind(f"{DESK};a=1;b=2")
    await store.save(plan(first, second))

    verdict = await store.save(replace(plan(first, call_id="c2"), drops_flows=True))

    assert ("refreshed", [first.uri, second.uri]) == outcome(verdict)


async def test_another_call_id_ends_a_flow_that_the_request_has_just_bound(
    store: RedisStore, store_server: Server
) -> None:
    """Nothing of it stays, and nobody is told of it."""
    await store.save(plan(flow(DESK, ruid="uloc-1")))
    events(store_server)

    asked = plan(flow(MOBILE, 2), flow(DESK), call_id="c2", limit=1)
    verdict = await store.save(replace(asked, drops_flows=True))

    assert ("refreshed", [DESK]) == outcome(verdict)
    assert [("changed", "1")] == events(store_server)


async def test_another_call_id_ends_a_flow_that_the_request_has_just_refreshed(
    store: RedisStore, store_server: Server
) -> None:
    """What is told of it is what it was before."""
    await store.save(plan(flow(DESK, ruid="uloc-1")))
    await store.save(plan(flow(MOBILE, 2, ruid="uloc-2"), call_id="c2"))
    events(store_server)

    asked = plan(flow(SOFT, 2), flow(DESK), call_id="c2", cseq=6)
    verdict = await store.save(replace(asked, drops_flows=True))

    (_, _, _, told), _ = found(store_server, STORE).feed
    assert ("refreshed", [DESK]) == outcome(verdict)
    assert MOBILE.encode() in told


@pytest.mark.parametrize(
    "asked",
    [
        plan(flow(DESK, 2), cseq=6),
        plan(flow(DESK, 3), call_id="c2"),
        plan(bind(LINE_1), call_id="c2"),
        plan(flow(LINE_1, 2, lifetime=0), call_id="c2"),
    ],
    ids=["same Call-ID", "new flow", "no instance", "removal"],
)
async def test_the_other_flows_stay_otherwise(store: RedisStore, asked: SavePlan) -> None:
    """Only a flow that was there, refreshed under another Call-ID, ends the others."""
    await store.save(flows(MOBILE, LINE_1))

    verdict = await store.save(replace(asked, drops_flows=True))

    assert {MOBILE, SOFT} <= set(outcome(verdict)[1])


async def test_a_binding_taken_over_ends_no_flows(store: RedisStore) -> None:
    """It was no flow that got another Call-ID."""
    await store.save(plan(flow(MOBILE, 1), bind(DESK)))

    asked = plan(flow(DESK, 2), call_id="c2")
    verdict = await store.save(replace(asked, drops_flows=True))

    assert ("refreshed", [DESK, MOBILE]) == outcome(verdict)


@pytest.mark.parametrize("other", ["<x;1>", "<xy>", "<y>"])
async def test_flows_of_an_instance_of_a_similar_name_stay(store: RedisStore, other: str) -> None:
    """An instance-id may hold a semicolon."""
    await store.save(plan(flow(DESK, 1, "<x>"), flow(MOBILE, 1, other)))

    asked = plan(flow(DESK, 1, "<x>"), call_id="c2")
    verdict = await store.save(replace(asked, drops_flows=True))

    assert ("refreshed", [DESK, MOBILE]) == outcome(verdict)


async def test_the_flows_of_an_instance_with_a_semicolon_end(store: RedisStore) -> None:
    """And those of an instance that is its beginning stay."""
    await store.save(plan(flow(DESK, 1, "<x;1>"), flow(SOFT, 2, "<x;1>"), flow(MOBILE, 1, "<x>")))

    asked = plan(flow(DESK, 1, "<x;1>"), call_id="c2")
    verdict = await store.save(replace(asked, drops_flows=True))

    assert ("refreshed", [DESK, MOBILE]) == outcome(verdict)


def moded(mode: int, cseq: int, uri: str, call_id: str, path: str = "") -> SavePlan:
    """A REGISTER where ``matching_mode`` is ``mode``."""
    location = LocationSettings(matching_mode=mode)
    key = match_key(uri, parse_uri(uri), location, key_scope(call_id, path, location))
    change = replace(bind(uri), key=key)
    return replace(plan(change, call_id=call_id, cseq=cseq), path=path)


@pytest.mark.parametrize(
    ("mode", "first", "second", "expected"),
    [
        (1, (DESK, "c1"), (LINE_1, "c1"), [LINE_1]),
        (1, (DESK, "c1"), (DESK, "c2"), [DESK, DESK]),
        (2, (DESK, "c1", "<sip:p;lr>"), (LINE_1, "c2", "<sip:p;lr>"), [LINE_1]),
        (2, (DESK, "c1", "<sip:p;lr>"), (DESK, "c2", "<sip:q;lr>"), [DESK, DESK]),
        (2, (DESK, "c1"), (DESK, "c2", "<sip:q;lr>"), [DESK, DESK]),
        (2, (DESK, "c1", "<sip:p;lr>"), (DESK, "c2"), [DESK]),
        (2, (DESK, "c1", "<sip:p;lr>"), (LINE_1, "c2"), [LINE_1]),
        (3, (DESK, "c1"), (MOBILE, "c1"), [MOBILE]),
        (3, (DESK, "c1"), (DESK, "c2"), [DESK, DESK]),
    ],
)
async def test_a_matching_mode_says_what_the_same_binding_is(
    store: RedisStore,
    mode: int,
    first: tuple[str, ...],
    second: tuple[str, ...],
    expected: list[str],
) -> None:
    """Semantics §4.6; in mode 2 whoever has no Path means any, and the URI is always the newest."""
    await store.save(moded(mode, 5, *first))

    verdict = await store.save(moded(mode, 6, *second))

    assert expected == outcome(verdict)[1]
