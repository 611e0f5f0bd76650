"""What the location service costs the store: one command on the wire for each request.

The server itself tells, by MONITOR, what reached it; what a script does inside is no command.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.location import Location, ruid_source
from regcluster.sip.uri import parse_uri
from tests.servers import RealServer, open_store
from tests.test_location import read
from tests.wire import register

pytestmark = [pytest.mark.anyio, pytest.mark.server]

ALICE = parse_uri("sip:alice@example.test")
ONE, TWO = "<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.2>;expires=60"

Ask = Callable[[Location], Awaitable[object]]


@pytest.fixture
async def location(real_server: RealServer) -> AsyncIterator[Location]:
    """On a real server, with Alice bound to one contact; the link is up."""
    store = open_store(real_server)
    settings = RegistrarSettings(), LocationSettings()
    location = Location(store, *settings, ruid_source("test"), lambda: 0.0)
    await location.save(read(register(contact=ONE)))
    yield location
    await store.close()


@contextmanager
def monitored(server: RealServer) -> Iterator[list[str]]:
    """The names of the commands that come to ``server`` in the block; filled in at its end."""
    names: list[str] = []
    # redis-py says nothing of its type.
    with server.client().monitor() as monitor:  # type: ignore[no-untyped-call]
        yield names
        server.ask(b"ECHO", b"end")
        told: Iterator[dict[str, str]] = iter(monitor.next_command, None)
        for command in told:
            if command["command"] == "ECHO end":
                break
            if command["client_type"] != "lua":
                names.append(command["command"].partition(" ")[0])


@pytest.mark.parametrize(
    ("ask", "commands"),
    [
        (
            lambda location: location.save(read(register(contact=ONE, cseq="2 REGISTER"))),
            ["EVALSHA"],
        ),
        (
            lambda location: location.save(read(register(contact=TWO, cseq="2 REGISTER"))),
            ["EVALSHA"],
        ),
        (
            lambda location: location.save(
                read(register(contact=f"{ONE}, {TWO}", cseq="2 REGISTER"))
            ),
            ["EVALSHA"],
        ),
        (
            lambda location: location.save(
                read(register(contact="*", expires=0, cseq="2 REGISTER"))
            ),
            ["EVALSHA"],
        ),
        (lambda location: location.save(read(register(contact=None))), ["HGETALL"]),
        (lambda location: location.save(read(register(contact="nonsense"))), []),
        (lambda location: location.lookup(ALICE), ["HGETALL"]),
        (lambda location: location.lookup(parse_uri("sip:nobody@example.test")), ["HGETALL"]),
        (lambda location: location.fetch(ALICE), ["HGETALL"]),
        (lambda location: location.unregister(ALICE), ["EVALSHA"]),
    ],
)
async def test_a_request_is_one_command(
    location: Location, real_server: RealServer, ask: Ask, commands: list[str]
) -> None:
    """However many contacts it names, and whatever becomes of it; a refusal is none."""
    with monitored(real_server) as seen:
        await ask(location)

    assert commands == seen
