"""The location service over a store in memory: what is saved, found, counted and refused."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from prometheus_client import REGISTRY

from regcluster.config import LocationSettings, RegistrarSettings, RoutingSettings, StoreSettings
from regcluster.errors import StoreUnavailable
from regcluster.location import NO_NODE, Location, Node, ruid_source
from regcluster.metrics import REJECTED
from regcluster.registrar.codes import SaveCode
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.sip.uri import parse_uri
from regcluster.store.client import ClientLink
from regcluster.store.remote import RedisStore
from tests.wire import register

pytestmark = pytest.mark.anyio

ALICE = parse_uri("sip:alice@example.test")
ONE = "<sip:alice@192.0.2.1>"
TWO = "<sip:alice@192.0.2.2>"


def read(data: bytes) -> Request:
    parsed = parse(data)
    assert isinstance(parsed, Request)
    return parsed


@asynccontextmanager
async def location_with(
    *registered: bytes,
    registrar: RegistrarSettings | None = None,
    location: LocationSettings | None = None,
    clock: Callable[[], float] = monotonic,
    server: FakeServer | None = None,
    node: Node = NO_NODE,
) -> AsyncIterator[Location]:
    """A location service over a store in memory, in which those REGISTERs have been saved."""
    client = FakeAsyncRedis(server=server or FakeServer(), protocol=2)
    store = RedisStore(ClientLink(client), StoreSettings(), clock)
    service = Location(
        store,
        registrar or RegistrarSettings(),
        location or LocationSettings(),
        ruid_source("test"),
        lambda: 0.0,
        node,
    )
    try:
        for data in registered:
            assert (await service.save(read(data))).reply.status == 200
        yield service
    finally:
        await store.close()


def unreachable() -> FakeServer:
    server = FakeServer()
    server.connected = False
    return server


def counted(name: str, outcome: str) -> float:
    return REGISTRY.get_sample_value(f"regcluster_{name}_total", {"outcome": outcome}) or 0.0


def rejected() -> Counter[str]:
    """How many REGISTERs were rejected so far, by the reason."""
    name = "regcluster_registrations_rejected_total"
    values = {each: REGISTRY.get_sample_value(name, {"reason": each}) for each in REJECTED}
    return Counter({each: int(value or 0) for each, value in values.items()})


async def test_what_is_registered_is_found() -> None:
    """A lookup gives what a REGISTER has bound, and the seconds it has left."""
    async with location_with(register(contact=f"{ONE};q=0.5")) as location:
        [target] = (await location.lookup(ALICE)).branches

    assert ("sip:alice@192.0.2.1", 500, 300) == (target.uri, target.q, target.expires_in)


async def test_the_answer_lists_every_binding() -> None:
    """RFC 3261 §10.3 step 8: those of other phones too."""
    async with location_with(register(contact=ONE)) as location:
        saved = await location.save(read(register(contact=f"{TWO};q=1", call_id="call-2")))

    assert (200, ("Contact", f"{TWO};q=1;expires=300, {ONE};expires=300")) == (
        saved.reply.status,
        saved.reply.headers[0],
    )


async def test_a_query_changes_nothing() -> None:
    """RFC 3261 §10.3 step 6: no Contact, whatever the CSeq."""
    async with location_with(register(contact=ONE, cseq="7 REGISTER")) as location:
        saved = await location.save(read(register(contact=None, expires=0)))
        found = (await location.lookup(ALICE)).branches

    assert (200, ("Contact", f"{ONE};expires=300"), 1) == (
        saved.reply.status,
        saved.reply.headers[0],
        len(found),
    )


@pytest.mark.parametrize(
    ("append_branches", "found"),
    [
        (1, ["sip:a@192.0.2.1", "sip:c@192.0.2.1", "sip:d@192.0.2.1", "sip:b@192.0.2.1"]),
        (0, ["sip:a@192.0.2.1"]),
    ],
)
async def test_contacts_are_found_best_first(append_branches: int, found: list[str]) -> None:
    """Highest q first, equal q as they came, unspecified last; or the best alone."""
    contacts = (
        "<sip:b@192.0.2.1>, <sip:c@192.0.2.1>;q=0.5, <sip:a@192.0.2.1>;q=0.7",
        "<sip:d@192.0.2.1>;q=0.5",
    )
    registered = [register(contact=each, call_id=each[:8]) for each in contacts]
    settings = RegistrarSettings(append_branches=append_branches)
    async with location_with(*registered, registrar=settings) as location:
        targets = (await location.lookup(ALICE)).branches

    assert found == [target.uri for target in targets]


@pytest.mark.parametrize(
    ("uri", "is_found"),
    [
        ("sip:alice@example.test", True),
        ("sips:alice@EXAMPLE.test", True),
        ("sip:%61lice:pw@example.test:5070;transport=tcp;x=y", True),
        ("sip:ALICE@example.test", True),
        ("sip:bob@example.test", False),
        ("sip:alice@elsewhere.test", False),
        ("sip:example.test", False),
        ("tel:alice@example.test", False),
        ("sip:" + "a" * 300 + "@example.test", False),
    ],
)
async def test_a_user_is_found_by_every_uri_that_names_the_aor(uri: str, is_found: bool) -> None:
    """RFC 3261 §10.3 step 5: parameters, port and scheme play no part; user and host do."""
    async with location_with(register()) as location:
        targets = (await location.lookup(parse_uri(uri))).branches

    assert is_found == bool(targets)


async def test_an_expired_binding_is_not_found() -> None:
    """To the second, whether or not the store still has it."""
    now = [100.0]
    brief, longer = register(contact=ONE, expires=60), register(contact=TWO, expires=120)
    async with location_with(brief, longer, clock=lambda: now[0]) as location:
        before = (await location.lookup(ALICE)).branches
        now[0] += 61
        after = (await location.lookup(ALICE)).branches

    assert (["sip:alice@192.0.2.1", "sip:alice@192.0.2.2"], ["sip:alice@192.0.2.2"]) == (
        [target.uri for target in before],
        [target.uri for target in after],
    )


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (register(contact="*", expires=5), 400),
        (register(contact=f"{ONE};q=7"), 400),
        (register(to="<tel:+1>"), 400),
        (register(require="foo"), 420),
        (register(expires=5), 423),
    ],
)
async def test_a_refusal_needs_no_store(data: bytes, status: int) -> None:
    """What is wrong with a request is said without asking a store that cannot answer."""
    settings = RegistrarSettings(min_expires_mode=1)
    async with location_with(registrar=settings, server=unreachable()) as location:
        saved = await location.save(read(data))

    assert status == saved.reply.status


@pytest.mark.parametrize("data", [register(), register(contact=None)])
async def test_a_store_that_cannot_answer_is_no_empty_one_to_a_register(data: bytes) -> None:
    """Neither "saved" nor "nobody there" is said when nobody knows."""
    before = counted("registrations", "failed")
    async with location_with(server=unreachable()) as location:
        with pytest.raises(StoreUnavailable):
            await location.save(read(data))

    assert 1 == counted("registrations", "failed") - before


async def test_a_store_that_cannot_answer_is_no_empty_one_to_a_lookup() -> None:
    """A caller is told to try again, not that there is nobody."""
    async with location_with(server=unreachable()) as location:
        with pytest.raises(StoreUnavailable):
            await location.lookup(ALICE)


@pytest.mark.parametrize(
    ("data", "settings", "status"),
    [
        (register(contact=ONE, cseq="1 REGISTER"), RegistrarSettings(), 400),
        (register(contact=TWO, call_id="call-2"), RegistrarSettings(max_contacts=1), 503),
    ],
)
async def test_the_store_says_no_and_shows_what_stands(
    data: bytes, settings: RegistrarSettings, status: int
) -> None:
    """Out of order, or too many: the bindings are listed as they were."""
    first = register(contact=ONE, cseq="2 REGISTER")
    async with location_with(first, registrar=settings) as location:
        saved = await location.save(read(data))

    assert (status, ("Contact", f"{ONE};expires=300")) == (
        saved.reply.status,
        saved.reply.headers[0],
    )


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (register(contact=TWO, cseq="3 REGISTER"), "added"),
        (register(contact=ONE, cseq="3 REGISTER"), "refreshed"),
        (register(contact=ONE, cseq="3 REGISTER", expires=0), "removed"),
        (register(contact=ONE, cseq="2 REGISTER"), "unchanged"),
        (register(contact=ONE, cseq="1 REGISTER"), "rejected"),
        (register(contact=f"{TWO}, <sip:alice@192.0.2.3>", cseq="3 REGISTER"), "rejected"),
        (register(contact=f"{ONE};q=7"), "rejected"),
        (register(contact=None), "query"),
    ],
)
async def test_every_register_is_counted_by_what_it_did(data: bytes, outcome: str) -> None:
    """Once, under a word from a short list."""
    first, settings = register(contact=ONE, cseq="2 REGISTER"), RegistrarSettings(max_contacts=2)
    async with location_with(first, registrar=settings) as location:
        before = counted("registrations", outcome)
        await location.save(read(data))

    assert 1 == counted("registrations", outcome) - before


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (register(contact=ONE, cseq="1 REGISTER"), "out_of_order"),
        (register(contact=TWO, call_id="call-2"), "too_many"),
        (register(contact=f"{ONE};q=7"), "malformed"),
        (register(require="foo"), "extension"),
        (register(expires=5), "too_brief"),
        (register(to=f"<sip:{'a' * 300}@example.test>"), "aor_too_long"),
    ],
)
async def test_every_rejection_is_counted_by_its_reason(data: bytes, reason: str) -> None:
    """And by no other, whoever has decided it."""
    settings = RegistrarSettings(max_contacts=1, min_expires_mode=1)
    first = register(contact=ONE, cseq="2 REGISTER")
    async with location_with(first, registrar=settings) as location:
        before = rejected()
        await location.save(read(data))
        after = rejected()

    assert {reason: 1} == dict(after - before)


@pytest.mark.parametrize(("registered", "outcome"), [([register()], "found"), ([], "empty")])
async def test_every_lookup_is_counted_by_what_it_found(
    registered: list[bytes], outcome: str
) -> None:
    """So that an operator sees calls for nobody."""
    async with location_with(*registered) as location:
        before = counted("lookups", outcome)
        await location.lookup(ALICE)

    assert 1 == counted("lookups", outcome) - before


async def test_new_settings_hold_from_the_next_request_on() -> None:
    """Those of both sections."""
    async with location_with(register(contact=f"{ONE}, {TWO}")) as location:
        location.apply(RegistrarSettings(append_branches=0), LocationSettings())
        best = (await location.lookup(ALICE)).branches
        location.apply(RegistrarSettings(), LocationSettings(use_domain=0))
        elsewhere = (await location.lookup(ALICE)).branches

    assert (["sip:alice@192.0.2.1"], []) == ([target.uri for target in best], elsewhere)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (register(contact=TWO, cseq="3 REGISTER"), SaveCode.ADDED),
        (register(contact=ONE, cseq="3 REGISTER"), SaveCode.REFRESHED),
        (register(contact=ONE, cseq="3 REGISTER", expires=0), SaveCode.REMOVED),
        (register(contact=TWO, cseq="3 REGISTER", expires=0), SaveCode.ADDED),
        (register(contact="*", cseq="3 REGISTER", expires=0), SaveCode.REMOVED),
        (register(contact=ONE, cseq="2 REGISTER"), SaveCode.ADDED),
        (register(contact=ONE, cseq="1 REGISTER"), SaveCode.FAILED),
        (register(contact="*", cseq="1 REGISTER", expires=0), SaveCode.FAILED),
        (register(contact=f"{TWO}, <sip:alice@192.0.2.3>", cseq="3 REGISTER"), SaveCode.TOO_MANY),
        (register(contact=f"{ONE};q=7"), SaveCode.FAILED),
        (register(contact=None), SaveCode.QUERIED),
    ],
)
async def test_a_save_returns_the_number_that_kamailio_returns(data: bytes, code: SaveCode) -> None:
    """The last contact that had an effect decides; where nothing has changed it is 1."""
    first, settings = register(contact=ONE, cseq="2 REGISTER"), RegistrarSettings(max_contacts=2)
    async with location_with(first, registrar=settings) as location:
        saved = await location.save(read(data))

    assert code == saved.code


async def test_removing_all_of_nobodys_contacts_is_a_removal() -> None:
    """As in Kamailio: the star says so, whatever it found."""
    async with location_with() as location:
        saved = await location.save(read(register(contact="*", expires=0)))

    assert (SaveCode.REMOVED, 200, []) == (
        saved.code,
        saved.reply.status,
        saved.record and saved.record.bindings,
    )


async def test_a_refused_register_has_no_record() -> None:
    """The store was not asked."""
    async with location_with() as location:
        saved = await location.save(read(register(contact=f"{ONE};q=7")))

    assert None is saved.record


@pytest.mark.parametrize("data", [register(contact=ONE), register(contact=None)])
async def test_a_200_names_the_service_route(data: bytes) -> None:
    """RFC 3608 §6.3: the route for what the phone sends, all URIs in one row."""
    routing = RoutingSettings(service_route=["sip:p1.example.test;lr", "sip:p2.example.test;lr"])
    async with location_with() as location:
        location.apply(location.registrar, location.settings, routing)
        saved = await location.save(read(data))

    assert ("Service-Route", "<sip:p1.example.test;lr>, <sip:p2.example.test;lr>") == (
        saved.reply.headers[-2]
    )


@pytest.mark.parametrize(
    "data", [register(contact=f"{ONE};q=7"), register(contact=ONE, cseq="1 REGISTER")]
)
async def test_nothing_but_a_200_names_the_service_route(data: bytes) -> None:
    """RFC 3608 §6.3: it is for those who are registered."""
    async with location_with(register(contact=ONE, cseq="2 REGISTER")) as location:
        routing = RoutingSettings(service_route=["sip:p1.example.test;lr"])
        location.apply(location.registrar, location.settings, routing)
        saved = await location.save(read(data))

    assert "Service-Route" not in dict(saved.reply.headers)


async def test_the_contact_that_was_refreshed_last_is_first_if_so_configured() -> None:
    """``desc_time_order``, in the 200 as in a lookup."""
    settings = LocationSettings(desc_time_order=1)
    async with location_with(register(contact=ONE), location=settings) as location:
        saved = await location.save(read(register(contact=TWO, call_id="call-2")))
        found = await location.lookup(ALICE)

    assert ([TWO.strip("<>"), ONE.strip("<>")], f"{TWO};expires=300, {ONE};expires=300") == (
        [branch.uri for branch in found.branches],
        saved.reply.headers[0][1],
    )


def test_no_ruid_is_given_twice() -> None:
    """They look like Kamailio's and count in hexadecimal."""
    next_ruid = ruid_source("5f")
    ruids = [next_ruid() for _ in range(16)]

    assert ("uloc-5f-1", "uloc-5f-10", 16) == (ruids[0], ruids[15], len(set(ruids)))
