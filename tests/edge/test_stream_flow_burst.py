"""A connection with much to say: it is heard out, and everybody else is heard meanwhile."""

import asyncio

import pytest

from regcluster.edge.flow import Flow
from regcluster.edge.stream_flow import BURST, StreamFlow
from tests.edge.loopback import BOTH_LOOPS, Phone, broken_callbacks, serving, until
from tests.wire import request

pytestmark = pytest.mark.anyio

FLOOD = [request("OPTIONS", cseq=f"{number} OPTIONS") for number in range(10 * BURST)]


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """How much a loop reads in one turn differs, and must not matter."""
    return request.param


async def test_one_turn_takes_no_more_than_a_burst_or_two() -> None:
    """What comes by timers and from the store has its turn in between."""
    async with serving() as node:
        with Phone(node.address) as phone:
            sending = asyncio.create_task(phone.send(b"".join(FLOOD)))
            before, most = 0, 0
            while before < len(FLOOD):
                await asyncio.sleep(0)  # one turn of the loop
                before, most = node.waiting, max(most, node.waiting - before)
            await sending

    # The end of one chunk, and the beginning of the next.
    assert most <= 2 * BURST


async def test_a_flood_arrives_whole_and_in_order() -> None:
    """Resting loses nothing, not even where the peer has closed its side behind it."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(b"".join(FLOOD))
            phone.finish()
            taken = [(await node.next())[0] for _ in FLOOD]

        assert (FLOOD, []) == (taken, node.bad)


async def test_a_burst_that_is_all_there_was_does_not_end_the_reading() -> None:
    """What comes later is read as before."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(b"".join(FLOOD[:BURST]))
            for _ in range(BURST):
                await node.next()
            await phone.send(FLOOD[BURST])

            assert FLOOD[BURST] == (await node.next())[0]


async def test_nothing_more_is_taken_from_a_connection_that_is_closed_meanwhile() -> None:
    """What it had still to say is nobody's any more, and nothing breaks."""
    taken = []

    def close_at_first(data: bytes, flow: Flow) -> None:
        taken.append(data)
        if len(taken) == 1:
            assert isinstance(flow, StreamFlow)
            asyncio.get_running_loop().call_soon(flow.close)

    with broken_callbacks() as broken:
        async with serving() as node:
            node.streams.deliver_to(close_at_first, lambda *_: None)
            with Phone(node.address) as phone:
                sending = asyncio.create_task(phone.send(b"".join(FLOOD)))
                await phone.to_end()
                await until(lambda: len(node.table) == 0)
                sending.cancel()

    assert ([], True) == (broken, len(taken) <= 2 * BURST)
