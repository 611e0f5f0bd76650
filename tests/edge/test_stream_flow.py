"""Connections over real sockets: messages in and out, and how a stream comes to its end."""

import asyncio

import pytest

from regcluster.errors import MalformedMessage
from regcluster.sip.hop import Hop
from regcluster.sip.parser import BadRequest
from tests.edge.loopback import BOTH_LOOPS, Phone, half_closed, serving, until
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


async def test_each_ping_has_its_pong() -> None:
    """Several may come in one segment, and between messages."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(PING + OPTIONS + PING + PING)

            assert (PONG * 3, 3) == (await phone.receive(6), node.counts["TCP"])


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
            flow = await half_closed(node, phone)
            sent = [flow.send(TRYING), flow.send(OK)]

            assert ([True, True], TRYING + OK) == (sent, await phone.to_end())


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
    """It is lost, but not without a trace: as a message that is none, for the peer ended this."""
    async with serving() as node:
        with Phone(node.address) as phone:
            await phone.send(OPTIONS[:-10])
            phone.finish()
            await phone.to_end()

            assert ([400], 0) == ([broken.status for broken in node.bad], node.counts.total())


async def test_nothing_new_is_sent_to_a_peer_that_sends_no_more() -> None:
    """It is found by its token, for the answers it is owed, and no longer by its address."""
    async with serving() as node:
        with Phone(node.address) as phone:
            flow = await half_closed(node, phone)

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
    """What comes behind the noise is never read."""
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
