"""Connections over real sockets: messages in and out of the stream, and how connections end."""

import asyncio
from contextlib import suppress

import pytest

from regcluster.config import LimitSettings
from regcluster.edge.flow import Flow
from regcluster.edge.stream import LINGER_S, StreamFlow
from regcluster.errors import MalformedMessage
from regcluster.sip.hop import Hop
from regcluster.sip.parser import BadRequest
from tests.edge.loopback import (
    BOTH_LOOPS,
    WAIT_S,
    Phone,
    broken_callbacks,
    limits,
    no_descriptors,
    serving,
    until,
)
from tests.wire import request, response

pytestmark = pytest.mark.anyio

PING = b"\r\n\r\n"
PONG = b"\r\n"
OPTIONS = request("OPTIONS")
TRYING = response(100, "Trying")
OK = response(200)
BAD = response(400, "Missing Content-Length header field")
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


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_message_comes_in_and_its_answer_goes_out(host: str) -> None:
    """Both over the same connection (RFC 3261 §18.2.2)."""
    async with serving(host=host) as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS)
            data, flow = await node.next()
            sent = flow.send(OK)

            assert (OPTIONS, True, OK) == (data, sent, await phone.receive(len(OK)))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_flow_names_both_ends_and_can_be_found(host: str) -> None:
    """By its token, and by the hop it leads to."""
    async with serving(host=host) as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS)
            _, flow = await node.next()

            found = (node.table.by_token(flow.token), node.table.by_hop(phone.hop))
            ends = (flow.transport, flow.peer, flow.local)
            assert ((flow, flow), ("TCP", phone.hop, node.hop)) == (found, ends)


async def test_a_flow_names_the_listener_it_came_by() -> None:
    """A node may listen on several ports; the first is not everybody's."""
    async with serving() as node:
        second = await node.listen("127.0.0.1")
        with Phone(second) as phone:
            await phone.send(OPTIONS)
            _, flow = await node.next()

            assert Hop("TCP", *second[:2]) == flow.local


async def test_messages_that_came_in_one_segment_are_delivered_in_order() -> None:
    """RFC 3261 §10.3: requests are taken up in the order in which they arrived."""
    messages = [request("OPTIONS", cseq=f"{number} OPTIONS") for number in range(20)]
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(b"".join(messages))

            assert messages == [(await node.next())[0] for _ in messages]


async def test_answers_leave_in_the_order_in_which_they_are_sent() -> None:
    """None overtakes another on the connection."""
    answers = [response(200, cseq=f"{number} OPTIONS") for number in range(20)]
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS)
            _, flow = await node.next()
            for answer in answers:
                flow.send(answer)
            whole = b"".join(answers)

            assert whole == await phone.receive(len(whole))


async def test_a_message_may_come_octet_by_octet() -> None:
    """Segments mean nothing."""
    async with serving() as node:
        with Phone(node.address) as phone:
            for octet in OPTIONS:
                await phone.send(bytes([octet]))
                await asyncio.sleep(0)  # the node reads what is there

            assert OPTIONS == (await node.next())[0]


async def test_a_ping_is_answered_with_a_pong() -> None:
    """RFC 5626 §3.5.1: a double CRLF in, a single one out, and it is counted."""
    async with serving() as node:
        with Phone(node.address) as phone:
            assert (PONG, 1, 0) == (await phone.ping(), node.counts["TCP"], node.waiting)


async def test_a_single_line_end_means_nothing() -> None:
    """Some phones send one behind each message (RFC 3261 §7.5); no pong may come of it."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(b"\r\n" + OPTIONS + b"\r\n" + OPTIONS)
            first, _ = await node.next()
            second, flow = await node.next()
            flow.send(OK)

            assert [OPTIONS, OPTIONS, OK] == [first, second, await phone.receive(len(OK))]


async def test_a_peer_that_sends_no_more_is_still_answered() -> None:
    """The connection stays until the final answer is out, then it ends on its own."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS)
            phone.finish()
            _, flow = await node.next()
            flow.send(TRYING)
            flow.send(OK)

            assert TRYING + OK == await phone.to_end()


async def test_each_request_of_a_peer_that_sends_no_more_is_answered() -> None:
    """The connection is not closed behind the first of two answers."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS + OPTIONS)
            phone.finish()
            for _ in range(2):
                _, flow = await node.next()
                flow.send(OK)

            assert OK + OK == await phone.to_end()


@pytest.mark.parametrize("last", [b"", OK, request("ACK"), OPTIONS[:-10]])
async def test_a_peer_that_is_owed_nothing_is_let_go(last: bytes) -> None:
    """Responses, an ACK and a message that never ends have no answer to wait for."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(last)
            phone.finish()

            assert b"" == await phone.to_end()


async def test_a_message_cut_short_by_the_end_is_counted() -> None:
    """It is lost, but not without a trace."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS[:-10])
            phone.finish()

            assert 1 == await node.counted("partial")


async def test_nothing_new_is_sent_to_a_peer_that_sends_no_more() -> None:
    """It is found by its token, for the answers it is owed, and no longer by its address."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS)
            phone.finish()
            _, flow = await node.next()
            await until(lambda: node.table.by_hop(phone.hop) is None)

            assert flow == node.table.by_token(flow.token)


async def test_a_stream_that_cannot_be_cut_is_answered_and_ended() -> None:
    """RFC 3261 §18.3: 400, then the end; what follows on that connection is not read."""
    async with serving() as node:
        node.refusal = BAD
        with Phone(node.address) as phone:
            await phone.send(ENDLESS + OPTIONS)
            answer = await phone.to_end()
            kinds = [type(broken) for broken in node.bad]

            assert (BAD, [BadRequest], 0) == (answer, kinds, node.waiting)


async def test_a_stream_that_broke_is_gone_when_its_peer_has_finished() -> None:
    """What comes behind the noise is never read, and no memory is kept for it."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(ENDLESS)
            await phone.to_end()
            await phone.send(OPTIONS)
            phone.finish()
            await until(lambda: len(node.table) == 0)

            assert (0, 1) == (node.waiting, len(node.bad))


async def test_noise_is_ended_without_an_answer() -> None:
    """There is nobody to answer, and nothing to wait for."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            end = await phone.to_end()
            kinds = [type(broken) for broken in node.bad]

            assert (b"", [MalformedMessage], 1) == (end, kinds, node.counts["malformed"])


async def test_a_message_without_end_is_refused_when_it_is_too_large() -> None:
    """The memory of a connection is bounded (513, RFC 3261 §21.5.7)."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(b"OPTIONS sip:x SIP/2.0\r\nX: " + b"x" * 70000)
            await node.counted("malformed")

            assert [513] == [broken.status for broken in node.bad]


async def test_requests_before_the_noise_are_still_answered() -> None:
    """They were good; the 400 that the noise is answered with settles none of them."""
    async with serving() as node:
        node.refusal = BAD
        with Phone(node.address) as phone:
            await phone.send(OPTIONS + ENDLESS)
            _, flow = await node.next()
            await node.counted("malformed")
            flow.send(OK)

            assert BAD + OK == await phone.to_end()


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
    """Only the one that is incomplete now counts."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS[:10])
            await phone.send(OPTIONS[10:])
            _, flow = await node.next()

            assert "" == overdue(flow, node.streams.now() + 30.0, limits(partial_s=1.0))


async def test_no_more_connections_are_held_than_allowed() -> None:
    """One too many ends at once and is counted; the others never notice."""
    async with serving(limits(connections=1)) as node:
        with Phone(node.address) as first:
            await first.ping()
            with Phone(node.address) as second:
                refused = await second.to_end()

            assert (b"", 1, PONG) == (refused, node.counts["limit"], await first.ping())


async def test_one_that_leaves_makes_room_for_another() -> None:
    """The limit is on connections at once."""
    async with serving(limits(connections=1)) as node:
        with Phone(node.address) as first:
            await first.ping()
        await until(lambda: len(node.table) == 0)
        with Phone(node.address) as second:
            assert PONG == await second.ping()


async def test_a_peer_that_does_not_read_is_cut_off() -> None:
    """What waits for it is bounded, and sending tells that it came to nothing."""
    async with serving(limits(write_buffer=65536)) as node:
        with Phone(node.address, reads=4096) as slow, Phone(node.address) as other:
            await slow.send(OPTIONS)
            _, flow = await node.next()
            large = response(180, body=b"x" * 60000)
            sent = 0
            while flow.send(large):
                sent += 1

            assert (True, 1, PONG) == (sent < 200, node.counts["slow"], await other.ping())


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
            await phone.send(OPTIONS)
            phone.finish()
            _, flow = await node.next()
            await until(lambda: node.table.by_hop(phone.hop) is None)
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


async def test_a_connection_that_cannot_be_taken_now_is_served_later() -> None:
    """Out of descriptors: counted, and neither the others nor the listener come to harm."""
    async with serving() as node:
        with Phone(node.address) as first, Phone(node.address) as second:
            await first.ping()
            await second.ping()
            with Phone(node.address) as third:
                with no_descriptors():
                    await node.counted("files")
                    meanwhile = await first.ping()

                assert (PONG, PONG) == (meanwhile, await third.ping())
