"""Connections over real sockets: whom we cut off, whom we outlive, and that nobody else notices."""

import asyncio
from contextlib import suppress

import pytest

from regcluster.config import LimitSettings
from regcluster.edge.flow import Flow
from regcluster.edge.stream_flow import LINGER_S, StreamFlow
from tests.edge.loopback import (
    BOTH_LOOPS,
    WAIT_S,
    Phone,
    broken_callbacks,
    half_closed,
    limits,
    serving,
    until,
)
from tests.wire import request, response

# The test plays the other end, over real connections and in real time.
pytestmark = [pytest.mark.anyio, pytest.mark.server]

PING = b"\r\n\r\n"
PONG = b"\r\n"
OPTIONS = request("OPTIONS")
OK = response(200)
ENDLESS = request("OPTIONS", content_length=None)
"""Nobody can tell where this one ends."""


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """What a transport does when it ends differs between the loops, and must not matter."""
    return request.param


async def flood(phone: Phone, data: bytes) -> None:
    """Send the same again and again until the node ends the connection."""
    async with asyncio.timeout(WAIT_S):
        with suppress(ConnectionError):
            while True:
                await phone.send(data)
                await asyncio.sleep(0)  # the node reads what is there


def overdue(flow: Flow, now: float, settings: LimitSettings) -> str:
    """Why the connection would be cut at ``now``, an instant the test need not wait for."""
    assert isinstance(flow, StreamFlow)
    return flow.overdue(now, settings)


async def test_a_silent_peer_is_cut_off() -> None:
    """After idle_s; a phone that lives sends its keep-alives more often."""
    async with serving(limits(idle_s=0.05)) as node:
        with Phone(node.address) as phone:
            assert (b"", 1) == (await phone.to_end(), node.counts["idle"])


async def test_a_peer_that_drips_is_cut_off() -> None:
    """A message has to be whole within partial_s, however often an octet of it comes."""
    async with serving(limits(partial_s=0.05)) as node:
        with Phone(node.address) as phone:
            await flood(phone, b"x")

        assert 1 == node.counts["partial"]


async def test_a_whole_message_ends_the_wait_for_its_rest() -> None:
    """What counts is since when the one that is incomplete now has been so."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(PING + OPTIONS[:10])
            await phone.receive(len(PONG))
            first_part_read = node.streams.now()
            await phone.send(OPTIONS[10:] + OPTIONS[:10])
            _, flow = await node.next()

            assert "" == overdue(flow, first_part_read + 30.0, limits(partial_s=30.0))


async def test_a_peer_that_does_not_read_is_cut_off() -> None:
    """What waits for it is bounded, and sending tells that it came to nothing."""
    async with serving(limits(write_buffer=65536)) as node:
        with Phone(node.address, reads=4096) as slow, Phone(node.address) as other:
            await slow.send(OPTIONS)
            _, flow = await node.next()
            large = response(180, body=b"x" * 60000)
            cut_behind = [node.counts["slow"] for _ in range(200) if flow.send(large)]

            outcome = (len(cut_behind) < 200, set(cut_behind), node.counts["slow"])
            assert ((True, {0}, 1), PONG) == (outcome, await other.ping())


async def test_a_peer_that_pings_and_does_not_read_is_cut_off() -> None:
    """Pongs wait in the same buffer as everything else."""
    async with serving(limits(write_buffer=4096)) as node:
        with Phone(await node.listen("127.0.0.1", sends=4096), reads=4096) as slow:
            await flood(slow, PING * 1024)

        assert 1 == node.counts["slow"]


async def test_answers_are_waited_for_only_so_long() -> None:
    """RFC 3261 §17.1.2.2: after 64*T1 nobody expects a final answer any more."""
    async with serving() as node:
        with Phone(node.address) as phone:
            flow = await half_closed(node, phone)
            now = node.streams.now()

            assert ["", "linger"] == [overdue(flow, now + LINGER_S + s, limits()) for s in (-1, 1)]


async def test_a_peer_that_vanished_before_we_came_is_forgotten() -> None:
    """Accepted when it is gone already: the next one is served as ever."""
    async with serving() as node:
        for _ in range(5):
            Phone(node.address).reset()
        with Phone(node.address) as phone:
            pong = await phone.ping()
            await until(lambda: len(node.table) == 1)

            assert PONG == pong


@pytest.mark.parametrize("start", [OPTIONS, OPTIONS[:50], ENDLESS])
async def test_a_peer_that_resets_the_connection_is_forgotten(start: bytes) -> None:
    """Behind a request, within one, behind noise."""
    async with serving() as node:
        phone = Phone(node.address)
        await phone.ping()
        await phone.send(start)
        phone.reset()
        await until(lambda: len(node.table) == 0)
        with Phone(node.address) as other:
            assert PONG == await other.ping()


async def test_nothing_is_sent_by_a_connection_that_is_gone() -> None:
    """The answer comes too late, and whoever sends it is told."""
    async with serving() as node:
        phone = Phone(node.address)
        await phone.send(OPTIONS)
        _, flow = await node.next()
        phone.reset()
        await until(lambda: len(node.table) == 0)

        assert not flow.send(OK)


async def test_nothing_is_sent_behind_our_end_of_a_broken_stream() -> None:
    """Both ends of it are still there, but ours has said that no more will come."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(request("ACK") + ENDLESS)
            _, flow = await node.next()
            end = await phone.to_end()

            assert (b"", False) == (end, flow.send(OK))


async def test_a_receiver_that_breaks_ends_its_own_connection_only() -> None:
    """The event loop tells of the error; nobody else notices."""
    async with serving() as node:
        node.streams.deliver_to(lambda data, flow: [][0], lambda broken, flow: None)
        with broken_callbacks() as broken, Phone(node.address) as other:
            await other.ping()
            with Phone(node.address) as phone:
                await phone.send(OPTIONS)
                end = await phone.to_end()

            assert (b"", 1, PONG) == (end, len(broken), await other.ping())
