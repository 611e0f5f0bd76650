"""What a worker does with a message, whatever it is and whatever becomes of it."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator
from pathlib import Path
from weakref import WeakSet

import pytest
from fakeredis import FakeServer

from regcluster.config import LimitSettings, RoutingSettings, Settings
from regcluster.edge.worker import Worker
from regcluster.route.call import Call
from regcluster.sip.hop import Hop
from tests import wire
from tests.edge.memory import Ledger, MemoryFlow, running
from tests.edge.ways import sealed

pytestmark = pytest.mark.anyio

BELOW = "SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1"
"""The Via of a request that was sent on."""

SETTINGS = Settings(routing=RoutingSettings(domains=["example.test"]))


@pytest.fixture
def server() -> FakeServer:
    """The Redis behind the worker."""
    return FakeServer()


@pytest.fixture
async def worker(tmp_path: Path, server: FakeServer) -> AsyncIterator[Worker]:
    """A worker with the built-in script, registrar for example.test."""
    async with running(tmp_path, server, SETTINGS) as worker:
        yield worker


class Gate:
    """A script that answers 200, but only once the gate is opened."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def route(self, call: Call) -> None:
        await self._opened.wait()
        call.reply(200)


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0"])
async def test_a_keepalive_is_counted_and_not_answered(worker: Worker, data: bytes) -> None:
    """It keeps a hole in a firewall open and asks for nothing."""
    ledger, flow = Ledger(), MemoryFlow()

    worker.receive(data, flow)

    counted = ledger.count("sip_keepalives_total", transport="UDP")
    assert (1, {}, 0) == (counted, ledger.drops(), flow.waiting)


@pytest.mark.parametrize(("transport", "answers"), [("UDP", 1), ("TCP", 0)])
async def test_a_binding_request_of_stun_is_answered_over_udp(
    worker: Worker, transport: str, answers: int
) -> None:
    """RFC 5626 §3.5: by that a phone knows that its flow lives; on a stream line ends do it."""
    ledger, flow = Ledger(), MemoryFlow(transport)

    worker.receive(bytes.fromhex("00010000 2112a442") + b"twelve bytes", flow)

    counted = ledger.count("sip_keepalives_total", transport=transport)
    dropped = sum(ledger.drops().values())
    assert (answers, 1 - answers, answers) == (counted, dropped, flow.waiting)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (wire.register(call_id=None), "400 Missing Call-ID header field"),
        (wire.register(cseq="x REGISTER"), "400 Bad CSeq number"),
        (wire.register(cseq="1 INVITE"), "400 CSeq method is not the request's"),
        (wire.register(to="<sip:alice@example.test"), "400 Bad To: Bad URI in angle brackets"),
        (wire.register(content_length=9), "400 Body shorter than Content-Length"),
        (wire.request("REGISTER", "sip:" + "a" * 2048), "414 Request-URI Too Long"),
    ],
)
async def test_a_malformed_request_is_told_what_is_wrong(
    worker: Worker, data: bytes, line: str
) -> None:
    """Who can be answered is, at once and precisely."""
    ledger, flow = Ledger(), MemoryFlow()

    worker.receive(data, flow)
    start_line = await flow.start_line()

    labels = {"method": "REGISTER", "transport": "UDP"}
    counted = (
        ledger.count("sip_requests_total", **labels),
        ledger.count("sip_responses_total", **labels, status=line[:3]),
    )
    assert (f"SIP/2.0 {line}", (1, 1)) == (start_line, counted)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"REGISTER sip:example.test SIP/2.0",
        wire.register(via=None),
        wire.register(via="SIP/2.0/UDP [::1;branch=z9hG4bK-1"),
        wire.response(cseq="nonsense"),
    ],
)
async def test_what_cannot_be_answered_is_dropped_and_counted(worker: Worker, data: bytes) -> None:
    """Noise costs a counter: no answer, no failure, no line of log."""
    ledger, flow = Ledger(), MemoryFlow()

    worker.receive(data, flow)

    failures = ledger.count("sip_failures_total")
    assert ({"malformed": 1}, 0, 0) == (ledger.drops(), failures, flow.waiting)


async def test_a_register_is_answered_with_its_bindings(worker: Worker) -> None:
    """Parsed, routed, saved, answered; each step is counted."""
    ledger, flow = Ledger(), MemoryFlow()

    worker.receive(wire.register(), flow)
    answer = await flow.answer()

    labels = {"method": "REGISTER", "transport": "UDP"}
    counted = (
        ledger.count("sip_requests_total", **labels),
        ledger.count("sip_responses_total", **labels, status="200"),
        ledger.count("sip_request_duration_seconds_count", method="REGISTER"),
        ledger.count("registrations_total", outcome="added"),
    )
    assert (200, "<sip:alice@127.0.0.1:5066>;expires=300", (1, 1, 1, 1)) == (
        answer.status,
        answer.first("contact"),
        counted,
    )


@pytest.mark.parametrize(
    ("via", "hop"),
    [
        ("SIP/2.0/UDP 10.0.0.1:7777;branch=z9hG4bK-1;rport", Hop("UDP", "192.0.2.7", 5066)),
        ("SIP/2.0/UDP 10.0.0.1:7777;branch=z9hG4bK-1", Hop("UDP", "192.0.2.7", 7777)),
        ("SIP/2.0/UDP phone.invalid;branch=z9hG4bK-1", Hop("UDP", "192.0.2.7", 5060)),
    ],
)
async def test_an_answer_over_udp_goes_where_the_via_has_it(
    worker: Worker, via: str, hop: Hop
) -> None:
    """RFC 3261 §18.2.2, RFC 3581 §4: to the source address, at the port that is asked for."""
    flow = MemoryFlow()

    worker.receive(wire.register(via=via), flow)

    assert hop == (await flow.next())[1]


async def test_an_answer_on_a_stream_goes_back_on_it(worker: Worker) -> None:
    """The connection is the way back, whatever the Via says."""
    flow = MemoryFlow("TCP")

    worker.receive(wire.register(via="SIP/2.0/TCP 10.0.0.1:7777;branch=z9hG4bK-1"), flow)

    assert None is (await flow.next())[1]


async def test_a_message_from_a_stream_tells_its_length(worker: Worker) -> None:
    """RFC 3261 §18.3: what a datagram may leave out, a stream must not."""
    flow = MemoryFlow("TCP")

    worker.receive(wire.register(content_length=None), flow)

    assert "SIP/2.0 400 Missing Content-Length header field" == await flow.start_line()


async def test_a_method_nobody_knows_is_counted_as_other(worker: Worker) -> None:
    """Words a peer chose never become labels; the answer is counted under the same one."""
    ledger, flow = Ledger(), MemoryFlow()

    worker.receive(wire.request("FOO" * 50, "sip:example.test"), flow)
    answer = await flow.answer()

    labels = {"method": "other", "transport": "UDP"}
    counted = (
        ledger.count("sip_requests_total", **labels),
        ledger.count("sip_responses_total", **labels, status="501"),
    )
    assert (501, (1, 1)) == (answer.status, counted)


@pytest.mark.parametrize(
    "data",
    [
        wire.request("ACK"),
        wire.request("ACK", "sip:alice@elsewhere.test"),
        wire.request("ACK", call_id=None),
    ],
)
async def test_an_ack_is_never_answered(worker: Worker, data: bytes) -> None:
    """RFC 3261 §17: whether the script says nothing, says no, or could not even be asked."""
    ledger, flow = Ledger(), MemoryFlow()

    worker.receive(data, flow)
    await worker.drain(1.0)

    assert ({"ack": 1}, 0) == (ledger.drops(), flow.waiting)


async def test_a_store_that_is_away_is_a_503_with_retry_after(
    worker: Worker, server: FakeServer
) -> None:
    """Never silence, never "not registered": the phone is told when to come back."""
    flow = MemoryFlow()
    server.connected = False

    worker.receive(wire.register(), flow)
    worker.receive(wire.invite(), flow)
    answers = [await flow.answer() for _ in range(2)]

    # 3 is the least of the spread around the five seconds of limits.retry_after_s.
    assert [(503, "3")] * 2 == [(a.status, a.first("retry-after")) for a in answers]


async def test_a_store_that_is_back_is_used_again(worker: Worker, server: FakeServer) -> None:
    """Nothing has to be restarted."""
    flow = MemoryFlow()
    server.connected = False
    worker.receive(wire.register(), flow)
    away = await flow.answer()
    server.connected = True

    worker.receive(wire.register(), flow)

    assert (503, 200) == (away.status, (await flow.answer()).status)


async def test_past_the_bound_a_request_is_refused_and_counted(worker: Worker) -> None:
    """It is answered at once, before the script has seen it; the ones let in are not disturbed."""
    gate, flow, ledger = Gate(), MemoryFlow(), Ledger()
    worker.apply(gate.route, LimitSettings(in_flight=2))

    for number in range(3):
        worker.receive(wire.request("OPTIONS", call_id=str(number)), flow)
    refused = await flow.answer()
    gate.open()
    answered = {(await flow.answer()).first("call-id") for _ in range(2)}

    assert (503, "3", "2", 1, {"0", "1"}) == (
        refused.status,
        refused.first("retry-after"),
        refused.first("call-id"),
        ledger.count("sip_shed_total"),
        answered,
    )


async def test_those_refused_are_told_to_come_back_at_different_times(
    tmp_path: Path, server: FakeServer
) -> None:
    """All in one second they would only be refused again."""
    flow = MemoryFlow()
    async with running(tmp_path, server, SETTINGS, spread=random.Random(1).random) as worker:
        server.connected = False
        for number in range(40):
            worker.receive(wire.register(call_id=str(number)), flow)
        told = {(await flow.answer()).first("retry-after") for _ in range(40)}

    assert {"3", "4", "5", "6", "7"} == told


async def test_an_ack_past_the_bound_is_dropped(worker: Worker) -> None:
    """Even a refusal would be an answer."""
    flow, ledger = MemoryFlow(), Ledger()
    worker.apply(Gate().route, LimitSettings(in_flight=1))

    worker.receive(wire.request("OPTIONS"), flow)
    worker.receive(wire.request("ACK"), flow)

    dropped, sent = ledger.drops(), flow.waiting
    await worker.drain(0)
    assert ({"ack": 1}, 0) == (dropped, sent)


async def test_new_settings_hold_from_the_next_message_on(worker: Worker) -> None:
    """A request on its way ends under the script it began with; a lower bound shuts the door."""
    before, after, flow = Gate(), Gate(), MemoryFlow()
    worker.apply(before.route, LimitSettings())
    worker.receive(wire.request("OPTIONS", call_id="before"), flow)
    await asyncio.sleep(0)  # The script has the request now.

    worker.apply(after.route, LimitSettings(in_flight=1, retry_after_s=100))
    worker.receive(wire.request("OPTIONS", call_id="refused"), flow)
    refused = await flow.answer()
    before.open()
    answered = await flow.answer()

    assert ("refused", "50", "before") == (
        refused.first("call-id"),
        refused.first("retry-after"),
        answered.first("call-id"),
    )


async def test_nothing_is_left_of_requests_that_are_done(worker: Worker) -> None:
    """No task, running or over, and no place in the count of those in flight."""
    flow, before = MemoryFlow(), asyncio.all_tasks()
    for number in range(50):
        worker.receive(wire.register(call_id=str(number)), flow)
    tasks = WeakSet(asyncio.all_tasks() - before)
    begun = len(tasks)
    for _ in range(50):
        await flow.answer()
    await worker.drain(1.0)
    gc.collect()

    assert (50, 0, 0) == (begun, len(tasks), worker.in_flight)


async def test_a_drain_waits_for_what_is_in_flight(worker: Worker) -> None:
    """Who has been let in is answered as ever."""
    gate, flow = Gate(), MemoryFlow()
    worker.apply(gate.route, LimitSettings())
    worker.receive(wire.request("OPTIONS"), flow)
    draining = asyncio.create_task(worker.drain(5.0))
    await asyncio.sleep(0)  # The drain has begun.
    gate.open()

    assert (True, 200) == (await draining, (await flow.answer()).status)


async def test_a_drain_with_nothing_in_flight_is_over_at_once(worker: Worker) -> None:
    """It takes no time where there is nothing to wait for."""
    assert await worker.drain(0)


async def test_what_outlasts_a_drain_is_answered_503(worker: Worker) -> None:
    """A script that waits for ever does not leave its caller to a timeout."""
    flow = MemoryFlow()
    worker.apply(Gate().route, LimitSettings())
    worker.receive(wire.request("OPTIONS"), flow)

    in_time = await worker.drain(0.01)

    assert (False, 503, 0) == (in_time, (await flow.answer()).status, worker.in_flight)


async def test_what_comes_after_a_drain_is_refused(worker: Worker) -> None:
    """A connection that is still open must not bring in work without end."""
    flow = MemoryFlow("TCP")
    await worker.drain(0)

    worker.receive(wire.request("OPTIONS", "sip:example.test"), flow)

    assert 503 == (await flow.answer()).status


async def test_what_the_network_does_not_take_is_counted(worker: Worker) -> None:
    """An answer that did not leave is no answer."""
    ledger, flow = Ledger(), MemoryFlow(takes=False)

    worker.receive(wire.request("OPTIONS", "sip:example.test"), flow)
    await worker.drain(1.0)

    labels = {"method": "OPTIONS", "transport": "UDP", "status": "200"}
    assert ({"send_failed": 1}, 0) == (
        ledger.drops(),
        ledger.count("sip_responses_total", **labels),
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wire.response(via="SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-1"), "stray_response"),
        (wire.response(via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1"), "stray_response"),
        (wire.response(via=[f"SIP/2.0/UDP 192.0.2.1;{sealed(BELOW)}", BELOW]), "send_failed"),
    ],
)
async def test_a_response_that_leads_nowhere_is_dropped(
    worker: Worker, data: bytes, reason: str
) -> None:
    """Another's Via on top (RFC 3261 §18.1.2), ours with none below it, or no way to go on."""
    ledger, flow = Ledger(), MemoryFlow()

    worker.receive(data, flow)

    assert ({reason: 1}, 0) == (ledger.drops(), flow.waiting)
