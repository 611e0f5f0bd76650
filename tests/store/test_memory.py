"""What a binding costs Redis: the budget of the design, on the servers it is promised for."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import pytest

from regcluster.config import LocationSettings, StoreSettings
from regcluster.registrar.binding import flow_key, match_key
from regcluster.registrar.plan import Change, SavePlan
from regcluster.sip.uri import parse_uri
from tests.peer.processes import wait_until
from tests.servers import RealServer, open_store

pytestmark = [pytest.mark.anyio, pytest.mark.server]

STORE = StoreSettings(partitions=16, deadline_ms=10_000)
WARM_UP, BINDINGS = 1000, 3000
BUDGET = 600


def plan(number: int) -> SavePlan:
    """A usual phone: one contact of sixty octets, an instance, a Call-ID, a name, methods."""
    user = f"user{number:06}"
    uri = f"sip:{user}@192.0.2.{number % 250}:{10_000 + number};transport=tcp;line=".ljust(60, "7")
    instance = f"<urn:uuid:{UUID(int=number * 0x1000_0000_0001)}>"
    change = Change(
        key=flow_key(instance, 1),
        lifetime=3600,
        uri=uri,
        q=-1,
        params="",
        ruid=f"uloc-65f0a1b2-3-{number:x}",
        alias=match_key(uri, parse_uri(uri), LocationSettings()),
        methods=0x1FFF,
        instance=instance,
        reg_id=1,
    )
    return SavePlan(
        aor=f"{user}@example.com",
        call_id=f"{number * 0x1000_0001:024x}@192.0.2.{number % 250}",
        cseq=1 + number,
        user_agent="Linphone/5.2.0 (Debian) belle-sip",
        wipe=False,
        changes=[change],
        max_contacts=0,
        cseq_delay=20,
        socket="udp:192.0.2.1:5060",
    )


def told(server: RealServer, name: str) -> int:
    """A figure of the server's own account."""
    info: bytes = server.ask(b"INFO")
    return int(info.decode().partition(f"\n{name}:")[2].split()[0])


async def fill(server: RealServer, numbers: Iterable[int]) -> int:
    """Save a binding each; what is in use then, without the feed: that has a cap of its own."""
    clients = told(server, "connected_clients")
    store = open_store(server, STORE)
    await asyncio.gather(*[store.save(plan(number)) for number in numbers])
    await store.close()
    # What a connection had still to read counts until it is gone.
    wait_until(lambda: told(server, "connected_clients") == clients, 5.0, "our client is gone")
    for partition in range(STORE.partitions):
        server.ask(b"DEL", b"rc:{%d}:e" % partition)
    return told(server, "used_memory")


@pytest.mark.parametrize("kind", ["valkey", "redis8"])
async def test_a_usual_binding_stays_within_its_budget(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """With hash-max-listpack-value as we advise; the keys themselves and the index included."""
    server: RealServer = request.getfixturevalue(kind)
    server.ask(b"FLUSHALL")
    server.ask(b"CONFIG", b"SET", b"hash-max-listpack-value", 1024)
    try:
        # The first bindings pay for the script and for the heap it runs on.
        before = await fill(server, range(WARM_UP))
        after = await fill(server, range(WARM_UP, WARM_UP + BINDINGS))
    finally:
        server.ask(b"CONFIG", b"SET", b"hash-max-listpack-value", 64)

    assert BUDGET >= (after - before) / BINDINGS
