"""A worker beside one that died: calls avoid what that one held, and after a while it is gone."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import anyio
import pytest

from regcluster.config import StoreSettings
from regcluster.control.channel import Ready
from regcluster.store.keys import Keys
from regcluster.store.leases import LEASE_MS, REAP_MS
from tests.control.test_serve import settings_for, started
from tests.peer.phone import Phone
from tests.servers import RealServer, open_store
from tests.store.alice import MOBILE, SOFT, bind, plan

# No peer is needed; but a lease has to run out.
pytestmark = [pytest.mark.anyio, pytest.mark.peer]

OWNER = "edge-9/0.e"
AOR = "alice@example.test"
LOOKS_S = 0.2


@pytest.fixture
def folder() -> Iterator[Path]:
    """The node's own directory; its name has to leave room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        yield Path(name)


async def test_a_phone_of_a_worker_that_died_is_not_called_and_then_forgotten(
    server_url: str, valkey: RealServer, folder: Path
) -> None:
    """As soon as the lease is over a call goes to what is left; the feed says why the rest went."""
    store = open_store(valkey, StoreSettings())
    now = await _dying(valkey)
    await store.save(replace(plan(bind(MOBILE)), aor=AOR, connection=f"{OWNER}.17"))
    await store.save(replace(plan(bind(SOFT), call_id="c2"), aor=AOR))
    seen: list[tuple[float, bool]] = []
    async with started(settings_for(server_url), folder) as ward:
        await ward.report(Ready)
        async with Phone(ward.address) as phone:
            while len((await store.fetch(AOR)).bindings) > 1:
                found = await phone.invite("alice")
                seen.append((time.time() * 1000 - now, MOBILE in found.text))
                await anyio.sleep(LOOKS_S)
            took_ms = time.time() * 1000 - now
    left = [binding.uri for binding in (await store.fetch(AOR)).bindings]
    await store.close()

    assert [True, False] == [called for called, _ in groupby(called for _, called in seen)]
    avoided_ms = min(at for at, called in seen if not called)
    assert LEASE_MS < avoided_ms < LEASE_MS + 2500
    assert LEASE_MS + REAP_MS < took_ms < LEASE_MS + REAP_MS + 3500
    assert [SOFT] == left
    *_, (_, fields) = valkey.ask(b"XRANGE", Keys(StoreSettings()).of(AOR.encode())[2], b"-", b"+")
    assert [b"removed", b"owner"] == [fields[1], fields[-1]]


async def _dying(server: RealServer) -> float:
    """Give ``OWNER`` the last lease it will have; when that was, epoch ms."""
    seconds, micros = server.ask(b"TIME")
    now = int(seconds) * 1000 + int(micros) // 1000
    server.ask(b"ZADD", b"rc:nodes", now + LEASE_MS, OWNER.encode())
    return now
