"""Asking another worker for a connection of its, over real sockets in a private directory."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from regcluster.edge.relay import MAX_TOKEN
from tests.edge.loopback import BOTH_LOOPS, WAIT_S, broken_callbacks
from tests.edge.test_relay import OK, End

pytestmark = pytest.mark.anyio

HOUR_S = 3600.0
"""Nothing here may wait for an answer until its time is over."""


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Readiness callbacks are the one thing both loops have to agree on."""
    return request.param


@contextmanager
def workers(directory: Path, count: int = 2) -> Generator[list[End]]:
    ends = [End(directory, number, HOUR_S) for number in range(count)]
    try:
        yield ends
    finally:
        for end in ends:
            end.relay.close()


async def test_a_connection_of_another_worker_is_found(tmp_path: Path) -> None:
    """With all that a Via says of it, and ready to send by."""
    with workers(tmp_path) as (here, there):
        held = there.holds()
        flow = await here.relay.find(held.token)
        assert flow is not None
        sent = flow.send(OK)

        assert (held.transport, held.local, held.peer, held.token, True, OK) == (
            flow.transport,
            flow.local,
            flow.peer,
            flow.token,
            sent,
            await held.next(),
        )


async def test_a_connection_of_this_worker_is_found(tmp_path: Path) -> None:
    """It is the very one."""
    with workers(tmp_path, 1) as (here,):
        held = here.holds()

        assert held is await here.relay.find(held.token)


@pytest.mark.parametrize("index", [0, 1])
async def test_a_connection_that_takes_nothing_new_is_not_found(tmp_path: Path, index: int) -> None:
    """Its peer has begun to close it, or it is gone: here as well as in another worker."""
    with workers(tmp_path) as ends:
        retired, ended = ends[index].holds(), ends[index].holds()
        ends[index].table.retire(retired)
        ends[index].table.remove(ended)

        assert [None, None] == [await ends[0].relay.find(flow.token) for flow in (retired, ended)]


async def test_many_ask_at_once(tmp_path: Path) -> None:
    """Each is told of what it has asked for."""
    with workers(tmp_path) as (here, there):
        held = [there.holds() for _ in range(100)]
        for flow in held[::2]:
            there.table.remove(flow)
        found = await asyncio.gather(*[here.relay.find(flow.token) for flow in held])

        assert [None, *[flow.token for flow in held[1::2]]] == [
            found[0],
            *[flow.token for flow in found if flow],
        ]


@pytest.mark.parametrize(
    "token", ["", "1", "7.e.1", "x.e.1", "1.e\n.1", "1.é.1", "1.e." + "1" * MAX_TOKEN]
)
async def test_nobody_is_asked_for_what_nobody_minted(tmp_path: Path, token: str) -> None:
    """Or of whom nobody has ever heard."""
    with workers(tmp_path) as (here, there):
        there.holds()

        assert None is await here.relay.find(token)


async def test_a_worker_that_dies_when_it_is_asked_is_not_waited_for(tmp_path: Path) -> None:
    """Its connections have died with it."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        asking = asyncio.create_task(here.relay.find(flow.token))
        await asyncio.sleep(0)
        there.relay.close()
        async with asyncio.timeout(WAIT_S):
            found = await asking

        assert None is found


async def test_a_worker_that_hangs_is_not_waited_for_long(tmp_path: Path) -> None:
    """Whoever takes part in a call goes on without it; what it says later is nobody's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as hung:
        hung.bind(str(tmp_path / "worker-1.sock"))
        hung.listen()
        here = End(tmp_path, 0, answer_s=0.01)
        found = await here.relay.find("1.e.1")
        late, _ = hung.accept()
        asked = late.recv(100)
        with broken_callbacks() as broken, late:
            late.send(asked.removeprefix(b"?").partition(b" ")[0] + b" ")
            late.send(b"no number at all")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        here.relay.close()

        assert (None, b"?1 1.e.1", []) == (found, asked, broken)


async def test_nobody_asks_any_more_at_the_end(tmp_path: Path) -> None:
    """Who waits for an answer then has it, and there are none after that."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        asking = asyncio.create_task(here.relay.find(flow.token))
        await asyncio.sleep(0)
        here.relay.close()
        async with asyncio.timeout(WAIT_S):
            found = await asking

        assert (None, None) == (found, await here.relay.find(flow.token))


async def test_an_answer_counts_once(tmp_path: Path) -> None:
    """The first: what is left of the burst changes nothing, and breaks nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
        other.bind(str(tmp_path / "worker-1.sock"))
        other.listen()
        here = End(tmp_path, 0, HOUR_S)
        asking = asyncio.create_task(here.relay.find("1.e.1"))
        await asyncio.sleep(0)
        sock, _ = other.accept()
        with broken_callbacks() as broken, sock:
            sock.send(b"1 TCP 192.0.2.9 5060 192.0.2.1 5060")
            sock.send(b"1 ")
            found = await asking
        here.relay.close()

        assert (True, []) == (found is not None, broken)


async def test_one_that_has_asked_and_gone_harms_nobody(tmp_path: Path) -> None:
    """There is nobody to answer, and what it said before holds."""
    with workers(tmp_path, 1) as (there,), broken_callbacks() as broken:
        flow = there.holds()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.connect(str(tmp_path / "worker-0.sock"))
            stranger.send(b"?1 " + flow.token.encode())
            stranger.send(b"?")
            stranger.send(flow.token.encode() + b"\n" + OK)

        assert (OK, []) == (await flow.next(), broken)
