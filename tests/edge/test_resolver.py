"""Hosts to addresses: literals at once, names through a bounded memory."""

import asyncio
import socket
import threading
from asyncio import Task
from collections.abc import Sequence
from typing import Any

import pytest

from regcluster.edge.resolver import (
    KEEP_FAILURE_S,
    KEEP_S,
    MAX_LOOKUPS,
    MAX_NAMES,
    Resolver,
    system_lookup,
)
from tests.edge.loopback import WAIT_S

pytestmark = pytest.mark.anyio


SLOW = [f"{number}.slow.test" for number in range(MAX_LOOKUPS)]
BRIEF_S = 0.01

ROWS = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.1", 0))]
"""What ``getaddrinfo`` gives."""


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

    def resolver(self, lookup_s: float = WAIT_S) -> Resolver:
        return Resolver(self.lookup, lambda: self.now, lookup_s)


async def stuck(names: Names, resolver: Resolver, hosts: Sequence[str] = SLOW) -> set[Task[Any]]:
    """Ask for names whose lookups do not return, until all who asked have given up; the lookups."""
    before = asyncio.all_tasks()
    names.gate.clear()
    assert {None} == {*await asyncio.gather(*map(resolver.resolve, hosts))}
    return asyncio.all_tasks() - before


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


async def test_a_lookup_that_never_returns_is_waited_for_a_while_only() -> None:
    """And is not asked for again meanwhile: the one who waits is gone, the lookup is not."""
    names = Names()
    resolver = names.resolver(BRIEF_S)
    await stuck(names, resolver, SLOW[:1])
    names.now += KEEP_FAILURE_S
    await stuck(names, resolver, SLOW[:1])

    assert SLOW[:1] == names.asked


async def test_an_answer_that_comes_late_is_kept() -> None:
    """For whoever asks next."""
    names = Names()
    resolver = names.resolver(BRIEF_S)
    lookups = await stuck(names, resolver, ["known.test"])
    names.gate.set()
    await asyncio.wait(lookups)

    assert ("192.0.2.1", 1) == (await resolver.resolve("known.test"), len(names.asked))


async def test_lookups_that_never_return_are_bounded() -> None:
    """Contacts are written by phones: past the bound a name leads nowhere, and at once."""
    names = Names()
    resolver = names.resolver(BRIEF_S)
    await stuck(names, resolver)

    assert (None, SLOW) == (await resolver.resolve("known.test"), names.asked)


async def test_a_name_there_was_no_lookup_left_for_is_not_taken_for_dead() -> None:
    """It is looked up as soon as another one has come to an end."""
    names = Names()
    resolver = names.resolver(BRIEF_S)
    lookups = await stuck(names, resolver)
    await resolver.resolve("known.test")
    names.gate.set()
    await asyncio.wait(lookups)

    assert "192.0.2.1" == await resolver.resolve("known.test")


async def test_what_is_known_needs_no_lookup() -> None:
    """Addresses and remembered names are there for everybody, whatever hangs."""
    names = Names()
    resolver = names.resolver(BRIEF_S)
    await resolver.resolve("known.test")
    await stuck(names, resolver)

    assert ("192.0.2.1", "192.0.2.7") == (
        await resolver.resolve("known.test"),
        await resolver.resolve("192.0.2.7"),
    )


async def test_the_system_is_asked_for_as_many_names_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loop's own threads are few, and one of them is kept for as long as a lookup takes."""
    together = threading.Barrier(MAX_LOOKUPS, timeout=WAIT_S)

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        together.wait()
        return ROWS

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = Resolver(system_lookup())

    assert {"192.0.2.1"} == {*await asyncio.gather(*map(resolver.resolve, SLOW))}


async def test_no_lookup_holds_up_the_end_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take half a minute, and the interpreter waits for all threads but daemons."""
    threads = []

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        threads.append(threading.current_thread())
        return ROWS

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    await Resolver(system_lookup()).resolve("known.test")

    assert [True] == [thread.daemon for thread in threads]


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
