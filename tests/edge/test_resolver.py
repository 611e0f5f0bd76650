"""Hosts to addresses: literals at once, names through a bounded memory."""

import asyncio
import socket

import pytest

from regcluster.edge.resolver import KEEP_FAILURE_S, KEEP_S, MAX_NAMES, Resolver, system_lookup

pytestmark = pytest.mark.anyio


class Names:
    """A resolver that knows one name, and a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 1000.0
        self.is_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def lookup(self, name: str) -> list[str]:
        self.asked.append(name)
        self.is_asked.set()
        await self.gate.wait()
        if name == "known.test":
            return ["192.0.2.1", "192.0.2.2"]
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    def resolver(self) -> Resolver:
        return Resolver(self.lookup, lambda: self.now)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::1", "::1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("fe80::1%2", "fe80::1%2"),
    ],
)
async def test_an_address_passes_through(host: str, address: str) -> None:
    """It is asked of nobody, and spelled as sockets spell it, so that flows are found by it."""
    names = Names()

    assert (address, []) == (await names.resolver().resolve(host), names.asked)


async def test_a_name_leads_to_its_best_address() -> None:
    """The first one, always: retransmissions must take the same way (RFC 3263 §4.4)."""
    assert "192.0.2.1" == await Names().resolver().resolve("Known.TEST")


@pytest.mark.parametrize(
    ("name", "keep_s"), [("known.test", KEEP_S), ("unknown.test", KEEP_FAILURE_S)]
)
async def test_an_answer_is_kept_for_its_time(name: str, keep_s: float) -> None:
    """Until then nobody is asked again; after it somebody is."""
    names = Names()
    resolver = names.resolver()
    await resolver.resolve(name)
    names.now += keep_s - 0.1
    await resolver.resolve(name)
    within = len(names.asked)
    names.now += 0.2
    await resolver.resolve(name)

    assert (1, 2) == (within, len(names.asked))


async def test_an_unknown_name_leads_nowhere() -> None:
    """It is no error of ours."""
    assert None is await Names().resolver().resolve("unknown.test")


async def test_those_who_ask_together_share_one_lookup() -> None:
    """A name that is slow to answer is asked once, and one who gives up takes nothing away."""
    names = Names()
    names.gate.clear()
    resolver = names.resolver()
    first, second = [asyncio.create_task(resolver.resolve("known.test")) for _ in range(2)]
    await names.is_asked.wait()
    first.cancel()
    names.gate.set()

    assert ("192.0.2.1", 1) == (await second, len(names.asked))


async def test_names_are_kept_up_to_a_bound() -> None:
    """Contacts are written by phones: many names push out the oldest, not our memory."""
    names = Names()
    resolver = names.resolver()
    await resolver.resolve("known.test")
    for number in range(MAX_NAMES):
        await resolver.resolve(f"{number}.test")
    await resolver.resolve(f"{MAX_NAMES - 1}.test")
    kept = len(names.asked)
    await resolver.resolve("known.test")

    assert (MAX_NAMES + 1, MAX_NAMES + 2) == (kept, len(names.asked))


async def test_the_system_resolves_names_outside_the_loop() -> None:
    """The default asks the resolver of this machine, for the families we can send to."""
    resolver = Resolver(system_lookup(socket.AF_INET))

    assert "127.0.0.1" == await resolver.resolve("localhost")


@pytest.mark.parametrize("host", ["a" * 70 + ".test", "a..test", "\udcff.test"])
async def test_what_is_no_name_at_all_leads_nowhere(host: str) -> None:
    """Hosts come from messages; the codec for host names refuses these, and nothing breaks."""
    assert None is await Resolver().resolve(host)
