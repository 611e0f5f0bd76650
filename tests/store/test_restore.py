"""``restore.lua``: a binding is put back as it was, unless somebody knows better by now."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcluster.config import LocationSettings
from regcluster.registrar.binding import Binding
from regcluster.registrar.plan import SavePlan
from regcluster.store.codec import decode, encode
from regcluster.store.keys import bytes_text, text_bytes
from regcluster.store.remote import RedisStore
from regcluster.store.scan import READ_AHEAD
from tests import servers
from tests.servers import FakeredisServer, Server
from tests.store.alice import ALICE, DESK, HASH, INDEX, MOBILE, SOFT, STORE, bind, flow, plan
from tests.store.stored import age, found, value_of

pytestmark = pytest.mark.anyio

OWNER = "edge-1/0.0a1b2c3d"
CROWD = 2 * READ_AHEAD + 10
FLOWS = b"rc:{0}:f:edge-1/0.0a1b2c3d"


def full() -> SavePlan:
    """A REGISTER that leaves no field of a binding empty."""
    return replace(
        plan(replace(flow(MOBILE, 2), q=500, params=";x=\udcff", methods=5, received=DESK)),
        socket="tcp:192.0.2.9:5060",
        cflags=3,
        connection=f"{OWNER}.7",
        xavp={"name": "caf\udce9", "n": 1},
    )


async def saved(store: RedisStore, asked: SavePlan) -> Binding:
    """What a save makes of ``asked``, taken out of the store again."""
    await store.save(asked)
    (binding,) = (await store.fetch(ALICE)).bindings
    await store.drop(ALICE)
    return binding


@pytest.mark.parametrize("asked", [plan(bind(DESK)), full()], ids=["plain", "full"])
async def test_a_binding_is_put_back_octet_by_octet(
    store: RedisStore, store_server: Server, asked: SavePlan
) -> None:
    """Value, index, expiry, flows and what the feed is told: as the save had left them."""
    await store.save(asked)
    before = found(store_server, STORE)
    (binding,) = (await store.fetch(ALICE)).bindings
    for name in [*before.hashes, *before.indexes, *before.flows]:
        store_server.ask(b"DEL", name)

    outcome = await store.restore(ALICE, binding, asked.changes[0].alias)

    after = found(store_server, STORE)
    assert ("added", before, before.flows) == (outcome, after, after.flows)


async def test_putting_it_back_again_changes_nothing(
    store: RedisStore, store_server: Server
) -> None:
    """Whoever was interrupted begins anew."""
    binding = await saved(store, full())
    await store.restore(ALICE, binding)
    before = found(store_server, STORE)

    outcome = await store.restore(ALICE, binding)

    assert ("kept", replace(before, feed=[])) == (outcome, found(store_server, STORE))


async def test_what_was_refreshed_since_stays(store: RedisStore) -> None:
    """A phone knows better than a file."""
    binding = await saved(store, plan(bind(DESK)))
    newer = replace(binding, modified_at=binding.modified_at + 1, user_agent="Phone/2")
    await store.restore(ALICE, replace(newer, modified_at=binding.modified_at))

    outcome = await store.restore(ALICE, replace(binding, modified_at=binding.modified_at - 1))

    record = await store.fetch(ALICE)
    assert ("kept", ["Phone/2"]) == (outcome, [each.user_agent for each in record.bindings])


async def test_what_is_older_makes_way(store: RedisStore, store_server: Server) -> None:
    """With an event, as whatever a reader of the feed could tell."""
    binding = await saved(store, plan(bind(DESK)))
    old = replace(binding, modified_at=binding.modified_at - 1, user_agent="Phone/0")
    await store.restore(ALICE, old)
    found(store_server, STORE)

    outcome = await store.restore(ALICE, binding)

    feed = [(kind, decode(key, value)) for kind, _, key, value in found(store_server, STORE).feed]
    assert ("refreshed", [(b"changed", binding)]) == (outcome, feed)


async def test_a_difference_that_nobody_can_see_is_no_event(
    store: RedisStore, store_server: Server
) -> None:
    """As with any refresh."""
    binding = await saved(store, plan(bind(DESK)))
    await store.restore(ALICE, replace(binding, modified_at=binding.modified_at - 1))
    found(store_server, STORE)

    outcome = await store.restore(ALICE, binding)

    assert ("refreshed", []) == (outcome, found(store_server, STORE).feed)


async def test_what_has_expired_stays_away(store: RedisStore, store_server: Server) -> None:
    """Nobody could reach it."""
    binding = await saved(store, plan(bind(DESK)))

    outcome = await store.restore(ALICE, replace(binding, expires_at=binding.modified_at))

    assert ("expired", {}) == (outcome, found(store_server, STORE).hashes)


async def test_an_overdue_binding_makes_way_as_an_expired_one(
    store: RedisStore, store_server: Server
) -> None:
    """Both are told, in order."""
    binding = await saved(store, plan(bind(DESK)))
    await store.restore(ALICE, binding)
    age(store_server, STORE, 60_000)

    outcome = await store.restore(ALICE, binding)

    kinds = [kind for kind, *_ in found(store_server, STORE).feed]
    assert ("added", [b"expired", b"added"]) == (outcome, kinds)


async def test_the_hash_lives_as_long_as_the_last_binding(
    store: RedisStore, store_server: Server
) -> None:
    """Whatever the order in which they come."""
    first = await saved(store, plan(bind(DESK)))
    last = replace(first, key=SOFT, expires_at=first.expires_at + 60_000)
    await store.restore(ALICE, last)

    await store.restore(ALICE, first)

    stored = found(store_server, STORE)
    assert {HASH: last.expires_at + STORE.grace_s * 1000} == stored.forgotten_at
    assert {
        text_bytes(f"{ALICE}\n{each.key}"): float(each.expires_at) for each in (first, last)
    } == stored.indexes[INDEX]


async def test_nothing_is_written_in_the_future(store: RedisStore) -> None:
    """The clock of the store it comes from may be ahead."""
    binding = await saved(store, plan(bind(DESK)))
    ahead = binding.modified_at + 50_000
    await store.restore(ALICE, replace(binding, modified_at=ahead, created_at=ahead))

    record = await store.fetch(ALICE)
    (restored,) = record.bindings
    assert restored.created_at == restored.modified_at <= record.now < ahead
    assert binding.expires_at == restored.expires_at


async def test_flows_of_an_owner_live_as_long_as_the_last(
    store: RedisStore, store_server: Server
) -> None:
    """A binding that ends earlier shortens nothing."""
    first = await saved(store, full())
    last = replace(first, key=first.key + "1", reg_id=21, expires_at=first.expires_at + 60_000)
    await store.restore(ALICE, last)

    await store.restore(ALICE, first)

    flows = found(store_server, STORE).flows[FLOWS]
    forgotten_at = last.expires_at + STORE.grace_s * 1000
    assert ({ALICE.encode(): float(last.expires_at)}, forgotten_at) == (
        flows.scores,
        flows.forgotten_at,
    )


async def test_a_binding_with_a_path_is_in_no_flow(store: RedisStore, store_server: Server) -> None:
    """It has another way back."""
    binding = await saved(store, replace(full(), path="<sip:p.test;lr>"))

    await store.restore(ALICE, binding)

    assert {} == found(store_server, STORE).flows


TEXT = st.binary(max_size=8).map(bytes_text)


@given(
    st.builds(
        Binding,
        key=st.just("sip:a@b") | st.builds("+{}1;2".format, st.text("abc:-", max_size=5)),
        uri=TEXT.map("sip:{}".format),
        q=st.integers(-1, 1000),
        params=TEXT,
        call_id=TEXT,
        cseq=st.integers(0, 2**31),
        user_agent=TEXT,
        ruid=st.just("uloc-1-2"),
        expires_at=st.integers(10**12, 10**13 - 1),
        created_at=st.integers(10**12, 10**13 - 1),
        modified_at=st.integers(10**12, 10**13 - 1),
        socket=TEXT,
        methods=st.integers(0, 2**32 - 1),
        received=TEXT,
        path=TEXT,
        cflags=st.integers(0, 2**32 - 1),
        connection=TEXT,
        xavp=st.none() | st.dictionaries(TEXT, TEXT | st.integers(-5, 5), max_size=2),
    )
)
def test_a_value_says_all_there_is_of_a_binding(binding: Binding) -> None:
    """Whatever octets it is made of."""
    if binding.key.startswith("+"):
        name, _, number = binding.key[1:].rpartition(";")
        binding = replace(binding, instance=f"<{name}>", reg_id=int(number))

    assert binding == decode(text_bytes(binding.key), encode(binding))


def test_a_value_is_what_a_save_would_write() -> None:
    """Octet by octet, as ``tests/store/stored.py`` spells it out."""
    uri = "sip:alice@192.0.2.2:5070"
    binding = Binding(uri, uri, -1, "", "c1", 5, "Phone/1", "uloc-1", *(1_700_000_000_000,) * 3)

    assert value_of(binding, LocationSettings()) == encode(binding)


@pytest.fixture
async def crowd() -> RedisStore:
    """More AORs in one partition than a scan holds."""
    server = FakeredisServer()
    words = [word for number in range(CROWD) for word in (10**13, f"u{number}@h\nsip:u@h")]
    server.ask(b"ZADD", INDEX, *words)
    return servers.open_store(server, STORE)


async def test_a_scan_finds_more_than_it_holds(crowd: RedisStore) -> None:
    """Each once, in order."""
    expected = sorted(f"u{number}@h" for number in range(CROWD))

    found_there = [aor async for aor in crowd.scan()]
    await crowd.close()

    assert expected == found_there


async def test_a_scan_goes_on_behind_any_aor(store: RedisStore) -> None:
    """Of any partition; it need not be there any more."""
    for user in "abc":
        await store.save(replace(plan(bind(DESK)), aor=f"{user}@example.com"))
    await store.drop("b@example.com")

    assert ["c@example.com"] == [aor async for aor in store.scan(after="b@example.com")]


async def test_a_scan_passes_over_whom_it_is_told_to(store: RedisStore) -> None:
    """Before it holds them."""
    for user in "abc":
        await store.save(replace(plan(bind(DESK)), aor=f"{user}@example.com"))

    chosen = [aor async for aor in store.scan(includes=lambda aor: aor.startswith("b"))]

    assert ["b@example.com"] == chosen
