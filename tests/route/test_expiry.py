"""``event_callback``: what a route script is told of a binding that has expired."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from regcluster.errors import ScriptError
from regcluster.registrar.binding import Binding
from regcluster.route.call import Call
from regcluster.route.expiry import EVENT, Callback, tell_kemi, tell_of
from regcluster.route.kemi import KSR
from regcluster.store.event import Event
from regcluster.testing import Phone, ScriptBench
from tests.route.stage import Node

pytestmark = pytest.mark.anyio

ALICE = "alice@example.com"
DESK = "sip:alice@192.0.2.1"

BINDING = Binding(
    DESK, DESK, 500, "", "c1@phone", 7, "Phone/1", "uloc-1", 1_700_000_060_000, 1_700_000_000_000, 0
)
EXPIRED = Event("12:1700000061000-0", "expired", ALICE, BINDING, "location")


async def told(callback: Callback, event: Event = EXPIRED) -> None:
    """Tell ``callback`` of ``event`` on a node where bob is registered."""
    async with ScriptBench(_register) as bench:
        await bench.send(Phone("sip:bob@example.com").register())
        await callback(event, bench.location, Node())


async def _register(call: Call) -> None:
    await call.registrar.save()


def kemi(ask: Callable[[], object]) -> tuple[Callback, list[object]]:
    """A callback of Kamailio's kind, and what ``ask`` gives it."""
    seen: list[object] = []
    return tell_kemi(lambda _, __: seen.append(ask())), seen


async def test_a_script_is_given_the_event() -> None:
    """With kind, AOR, table and binding."""
    seen: list[Event] = []

    async def callback(event: Event) -> None:
        seen.append(event)

    await told(tell_of(callback))

    assert [EXPIRED] == seen


async def test_a_script_may_exit() -> None:
    """That ends its own run, and no worker."""

    async def callback(_: Event) -> None:
        raise SystemExit(1)

    await told(tell_of(callback))


async def test_what_a_script_raises_is_raised() -> None:
    """Who calls it counts and logs that."""

    async def callback(_: Event) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await told(tell_of(callback))


async def test_a_script_of_kamailios_is_told_the_name_of_the_event() -> None:
    """Behind the message."""
    seen: list[str] = []
    await told(tell_kemi(lambda _, name: seen.append(name)))

    assert ["usrloc:contact-expired"] == seen == [EVENT]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("addr", DESK),
        ("aor", ALICE),
        ("callid", "c1@phone"),
        ("count", 1),
        ("cseq", 7),
        ("domain", "location"),
        ("expires", 1_700_000_060),
        ("q", 500),
        ("received", ""),
        ("ruid", "uloc-1"),
        ("user_agent", "Phone/1"),
    ],
)
async def test_a_script_of_kamailios_finds_the_binding_in_ulc(
    attribute: str, value: object
) -> None:
    """As the profile ``exp``, with the one contact."""
    callback, seen = kemi(lambda: KSR.pv.get(f"$ulc(exp=>{attribute})"))
    await told(callback)

    assert [value] == seen


async def test_a_script_of_kamailios_may_ask_the_registrar() -> None:
    """Another contact of the same user, say."""
    uris = ("sip:bob@example.com", "sip:alice@example.com")
    callback, seen = kemi(
        lambda: [KSR.registrar.registered_uri("location", uri) > 0 for uri in uris]
    )
    await told(callback)

    assert [[True, False]] == seen


async def test_a_script_of_kamailios_has_a_request_that_nobody_sent() -> None:
    """Variables of a request have a value, as in Kamailio, and what is done to it goes nowhere."""

    def ask() -> object:
        KSR.sl.send_reply(404, "Not Found")
        names = ("$rm", "$si", "$ci", "$fU", "$tu", "$cs", "$ru", "$proto")
        return [KSR.pv.get(name) is not None for name in names]

    callback, seen = kemi(ask)
    await told(callback)

    assert [[True] * 8] == seen


async def test_a_script_of_kamailios_may_exit() -> None:
    """By Python's way and by Kamailio's."""
    callback, seen = kemi(lambda: KSR.x.exit())
    await told(callback)

    assert [] == seen


async def test_what_a_script_of_kamailios_raises_is_raised() -> None:
    """Who calls it counts and logs that."""
    callback, _ = kemi(lambda: KSR.pv.get("$ulc(exp=>colour)"))

    with pytest.raises(ScriptError, match="a contact has no colour"):
        await told(callback)


async def test_a_binding_that_cannot_be_read_leaves_ulc_empty() -> None:
    """The script is told all the same, and finds nothing."""
    callback, seen = kemi(lambda: KSR.pv.get("$ulc(exp=>addr)"))
    await told(callback, replace(EXPIRED, binding=None))

    assert [None] == seen
