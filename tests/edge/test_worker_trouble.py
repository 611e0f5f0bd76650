"""What a worker does when a script, the world or a rule of ours breaks."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakeredis import FakeServer
from structlog.testing import capture_logs

from regcluster.config import LimitSettings
from regcluster.edge.worker import Worker
from regcluster.errors import MalformedHeader, SipError, StoreError, StoreUnavailable
from regcluster.registrar.branch import Branch
from regcluster.route.call import Call, Effect, Forward, Route
from regcluster.sip.hop import Hop
from regcluster.sip.reply import Reply
from tests import wire
from tests.edge.memory import Ledger, MemoryFlow, running

pytestmark = pytest.mark.anyio

OPTIONS = wire.request("OPTIONS", "sip:example.test")
NOWHERE = Forward(Branch("sip:[::g]"))


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    """A worker whose script the test brings."""
    async with running(tmp_path, FakeServer()) as worker:
        yield worker


def raising(error: BaseException) -> Route:
    """A script that breaks."""

    async def route(call: Call) -> None:
        raise error

    return route


def recording(*effects: Effect) -> Route:
    """A script that records just this."""

    async def route(call: Call) -> None:
        call.effects.extend(effects)

    return route


async def say_nothing(call: Call) -> None:
    pass


class BrokenFlow(MemoryFlow):
    """A flow that does what none may: it raises."""

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        raise OSError("not to be known outside")


async def test_a_script_that_raises_costs_its_caller_a_500(worker: Worker) -> None:
    """And one line of log, with the traceback, and one count."""
    flow, ledger = MemoryFlow(), Ledger()
    worker.apply(raising(KeyError("no such key")), LimitSettings())

    with capture_logs() as lines:
        worker.receive(OPTIONS, flow)
        start_line = await flow.start_line()

    assert (
        "SIP/2.0 500 Server Internal Error",
        1,
        [{"event": "request failed", "method": "OPTIONS", "failures": 1}],
    ) == (
        start_line,
        ledger.count("sip_failures_total"),
        [{k: line[k] for k in ("event", "method", "failures")} for line in lines],
    )


async def test_a_flood_of_failures_is_counted_and_logged_once(worker: Worker) -> None:
    """Whoever finds a request that breaks us cannot fill a disk with tracebacks."""
    flow, ledger = MemoryFlow(), Ledger()
    worker.apply(raising(KeyError("no such key")), LimitSettings())

    with capture_logs() as lines:
        for _ in range(50):
            worker.receive(OPTIONS, flow)
        start_lines = {await flow.start_line() for _ in range(50)}

    assert ({"SIP/2.0 500 Server Internal Error"}, 50, 1) == (
        start_lines,
        ledger.count("sip_failures_total"),
        len(lines),
    )


async def test_the_log_does_not_repeat_a_method_nobody_knows(worker: Worker) -> None:
    """It is whatever the peer likes, up to 60 kB of it."""
    flow = MemoryFlow()
    worker.apply(raising(KeyError("no such key")), LimitSettings())

    with capture_logs() as lines:
        worker.receive(wire.request("FORGED" * 1000), flow)
        await flow.next()

    assert ["other"] == [line["method"] for line in lines]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MalformedHeader("Bad q"), "400 Bad q"),
        (SipError(403, "Not You"), "403 Not You"),
        (StoreUnavailable("gone"), "503 Service Unavailable"),
        (StoreError("NOPERM"), "503 Service Unavailable"),
        (RecursionError("deep"), "500 Server Internal Error"),
        (SipError(403, "a\r\nb: c"), "500 Server Internal Error"),
        (SipError(7, "No Status"), "500 Server Internal Error"),
        (asyncio.CancelledError(), "503 Service Unavailable"),
    ],
)
async def test_every_way_a_script_can_break_is_answered(
    worker: Worker, error: BaseException, line: str
) -> None:
    """An error that carries a status with it, a store that fails with 503, all else with 500."""
    flow = MemoryFlow()
    worker.apply(raising(error), LimitSettings())

    with capture_logs():
        worker.receive(OPTIONS, flow)
        start_line = await flow.start_line()
    await worker.drain(1.0)

    assert (f"SIP/2.0 {line}", 0, 0) == (start_line, flow.waiting, worker.in_flight)


@pytest.mark.parametrize(("error", "told"), [(StoreError("no"), 1), (StoreUnavailable("no"), 0)])
async def test_a_store_that_refuses_us_is_told_of(
    worker: Worker, error: Exception, told: int
) -> None:
    """One that is away will come back by itself; one that says no will not."""
    flow, ledger = MemoryFlow(), Ledger()
    worker.apply(raising(error), LimitSettings())

    with capture_logs() as lines:
        worker.receive(OPTIONS, flow)
        await worker.drain(1.0)

    assert (told, told) == (len(lines), ledger.count("sip_failures_total"))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "OK\r\nX-Forged: 1", []),
        Reply(200, "OK", [("X-Name", "a\nb")]),
        Reply(200, "\ud800", []),
        Reply(99, "Too Low", []),
        Reply(700, "Too High", []),
    ],
)
async def test_an_answer_that_cannot_be_sent_is_a_500(worker: Worker, reply: Reply) -> None:
    """A script that let a peer's words into an answer, or made up a status, has broken."""
    flow, ledger = MemoryFlow(), Ledger()
    worker.apply(recording(reply), LimitSettings())

    with capture_logs():
        worker.receive(OPTIONS, flow)
        start_line = await flow.start_line()

    assert ("SIP/2.0 500 Server Internal Error", 1, 0) == (
        start_line,
        ledger.count("sip_failures_total"),
        flow.waiting,
    )


@pytest.mark.parametrize(
    ("effects", "lines"),
    [
        (
            [Reply(183, "Wait", []), Reply(200, "OK", []), Reply(500, "\r\n", [])],
            ["SIP/2.0 183 Wait", "SIP/2.0 200 OK"],
        ),
        ([NOWHERE, Reply(200, "OK", [])], ["SIP/2.0 500 Contact Unreachable"]),
    ],
)
async def test_a_request_gets_one_final_answer(
    worker: Worker, effects: list[Effect], lines: list[str]
) -> None:
    """RFC 3261 §17.2: what a script answers after that is dropped, broken or not."""
    flow, ledger = MemoryFlow(), Ledger()
    worker.apply(recording(*effects), LimitSettings())

    worker.receive(OPTIONS, flow)
    await worker.drain(1.0)

    sent = [await flow.start_line() for _ in range(flow.waiting)]
    assert (lines, {"second_effect": 1}) == (sent, ledger.drops())


async def test_a_target_that_is_no_uri_is_not_the_callers_fault(worker: Worker) -> None:
    """The caller has asked for nothing wrong, so it is told of no bad request."""
    flow = MemoryFlow()
    worker.apply(recording(NOWHERE), LimitSettings())

    worker.receive(OPTIONS, flow)

    assert "SIP/2.0 500 Contact Unreachable" == await flow.start_line()


async def test_a_script_that_does_nothing_is_silent_and_counted(worker: Worker) -> None:
    """It may have its reasons; the operator sees how often."""
    flow, ledger = MemoryFlow(), Ledger()
    worker.apply(say_nothing, LimitSettings())

    worker.receive(OPTIONS, flow)
    await worker.drain(1.0)

    assert ({"no_effect": 1}, 0) == (ledger.drops(), flow.waiting)


@pytest.mark.parametrize(
    "route",
    [recording(Reply(200, "OK", [])), raising(KeyError("x")), raising(asyncio.CancelledError())],
)
async def test_a_place_in_flight_is_given_back(worker: Worker, route: Route) -> None:
    """Whether the request ended well or not, the next one finds it free."""
    flow = MemoryFlow()
    worker.apply(route, LimitSettings(in_flight=1))
    shed = Ledger()

    with capture_logs():
        for _ in range(3):
            worker.receive(OPTIONS, flow)
            await flow.next()

    assert 0 == shed.count("sip_shed_total")


async def test_a_request_cancelled_before_it_began_gives_its_place_back(worker: Worker) -> None:
    """The end may come between a datagram and the first step of its task."""
    flow = MemoryFlow()
    before = asyncio.all_tasks()

    worker.receive(OPTIONS, flow)
    for task in asyncio.all_tasks() - before:
        task.cancel()
    await worker.drain(1.0)

    assert 0 == worker.in_flight


async def test_whatever_breaks_does_not_reach_the_socket(worker: Worker) -> None:
    """``receive`` never raises: the next datagram is read whatever became of this one."""
    ledger = Ledger()

    with capture_logs() as lines:
        worker.receive(wire.register(call_id=None), BrokenFlow())

    assert (1, ["other"]) == (
        ledger.count("sip_failures_total"),
        [line["method"] for line in lines],
    )
