"""From worker to worker of one node, over real sockets in a private directory."""

import asyncio
import gc
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from regcluster.edge.flow import FlowTable
from regcluster.edge.relay import MAX_TOKEN, Relay
from regcluster.sip.hop import Hop
from regcluster.sip.parser import MAX_MESSAGE
from tests.edge.loopback import BOTH_LOOPS, WAIT_S, Inbox, broken_callbacks, no_descriptors, until
from tests.wire import response

pytestmark = pytest.mark.anyio

OK = response(200)
PEER = Hop("TCP", "192.0.2.1", 5060)


@pytest.fixture(params=BOTH_LOOPS, ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Readiness callbacks are the one thing both loops have to agree on."""
    return request.param


class Held:
    """A connection that one worker holds; it keeps what is sent by it."""

    transport = "TCP"
    peer = PEER
    local = Hop("TCP", "192.0.2.9", 5060)

    def __init__(self, token: str, takes: bool = True) -> None:
        self.token = token
        self.takes = takes
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()

    def send(self, data: bytes, to: Hop | None = None) -> bool:
        if self.takes:
            self.sent.put_nowait(data)
        return self.takes

    async def next(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await self.sent.get()


class End(Inbox):
    """One worker's end of the relay and its table of connections."""

    def __init__(self, directory: Path, worker: int, answer_s: float = WAIT_S) -> None:
        super().__init__()
        self.table = FlowTable(worker, "e")
        self.relay = Relay(directory, worker, self.table, self.count, answer_s)

    def holds(self, takes: bool = True) -> Held:
        flow = Held(self.table.mint(), takes)
        self.table.add(flow)
        return flow


@contextmanager
def workers(directory: Path, count: int = 2) -> Generator[list[End]]:
    ends = [End(directory, number) for number in range(count)]
    try:
        yield ends
    finally:
        for end in ends:
            end.relay.close()


async def test_a_message_leaves_by_a_connection_of_another_worker(tmp_path: Path) -> None:
    """Whichever worker a response came to, the phone gets it."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        handed = here.relay.send(flow.token, OK)

        assert (True, OK) == (handed, await flow.next())


async def test_a_message_leaves_by_a_connection_of_this_worker(tmp_path: Path) -> None:
    """At once, and not by way of a socket."""
    with workers(tmp_path, 1) as (here,):
        flow = here.holds()

        assert (True, OK) == (here.relay.send(flow.token, OK), flow.sent.get_nowait())


async def test_messages_arrive_in_order_and_as_they_were(tmp_path: Path) -> None:
    """More than one burst of them, line ends and strange octets included, one of full size."""
    messages = [f"{number}\n\r\n\0".encode() + b"\xff" for number in range(100)]
    messages.append(b"x" * MAX_MESSAGE)
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        handed = [here.relay.send(flow.token, message) for message in messages]
        arrived = [await flow.next() for _ in messages]

        assert ([True] * len(messages), messages) == (handed, arrived)


async def test_workers_send_both_ways_at_once(tmp_path: Path) -> None:
    """Each has its own connection to the other."""
    with workers(tmp_path, 3) as ends:
        flows = [end.holds() for end in ends]
        for number, end in enumerate(ends):
            for flow in flows:
                end.relay.send(flow.token, b"from %d" % number)
        arrived = [sorted([await flow.next() for _ in ends]) for flow in flows]

        assert [[b"from 0", b"from 1", b"from 2"]] * 3 == arrived


@pytest.mark.parametrize("takes", [True, False])
async def test_what_comes_too_late_is_counted(tmp_path: Path, takes: bool) -> None:
    """The connection is gone, or does not take it: nobody waits for an answer to be told so."""
    with workers(tmp_path) as (here, there):
        flow = there.holds(takes)
        if takes:
            there.table.remove(flow)
        handed = here.relay.send(flow.token, OK)

        assert (True, 1, 0) == (handed, await there.counted("relay"), here.counts.total())


@pytest.mark.parametrize("takes", [True, False])
async def test_what_cannot_leave_here_is_told(tmp_path: Path, takes: bool) -> None:
    """The caller counts it itself."""
    with workers(tmp_path, 1) as (here,):
        flow = here.holds(takes)
        if takes:
            here.table.remove(flow)

        assert (False, 0) == (here.relay.send(flow.token, OK), here.counts.total())


async def test_a_worker_that_never_was_takes_nothing(tmp_path: Path) -> None:
    """Tokens come back in messages, so anything may stand there."""
    with workers(tmp_path, 1) as (here,):
        assert not here.relay.send("7.e.1", OK)


async def test_a_dead_worker_takes_nothing(tmp_path: Path) -> None:
    """Known or not yet known to the one who sends."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        here.relay.send(flow.token, OK)
        await flow.next()
        there.relay.close()

        assert [False, False] == [here.relay.send(flow.token, OK) for _ in range(2)]


async def test_a_worker_that_was_restarted_is_reached_again(tmp_path: Path) -> None:
    """By the very next message, although its old socket was left behind by a kill."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        here.relay.send(flow.token, OK)
        await flow.next()
        there.relay.close()
        again = End(tmp_path, 1)
        flow = again.holds()
        handed = here.relay.send(flow.token, OK)
        arrived = await flow.next()
        again.relay.close()

        assert (True, OK) == (handed, arrived)


async def test_a_busy_worker_is_given_many_messages_but_not_without_end(tmp_path: Path) -> None:
    """Far more than a burst of ten, which datagram sockets would stop at; then the caller knows."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        large, handed = b"x" * 60000, 0
        while here.relay.send(flow.token, large):
            handed += 1
        arrived = [await flow.next() for _ in range(handed)]

        assert (True, {large}, True) == (
            20 < handed < 1000,
            set(arrived),
            here.relay.send(flow.token, OK),
        )


@pytest.mark.parametrize(
    "token",
    [
        *("", "1", "1.", ".e.1", "x.e.1", "-1.e.1", "99999.e.1", "²2.1", "\udcff.e.1"),
        *("1.\udcff.1", "1.é.1", "1.e." + "1" * MAX_TOKEN, "1." + "\ud800" * 9, "1.e.1\nx"),
    ],
)
async def test_a_token_nobody_minted_is_refused(tmp_path: Path, token: str) -> None:
    """Whatever octets stood in the Via: no exception, and nothing reaches the other worker."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        refused = here.relay.send(token, OK)
        here.relay.send(flow.token, OK)
        await flow.next()

        assert (False, 0) == (refused, there.counts.total())


async def test_a_message_larger_than_any_is_refused(tmp_path: Path) -> None:
    """The other end would see it cut short."""
    with workers(tmp_path) as (here, there):
        assert not here.relay.send(there.holds().token, b"x" * (MAX_MESSAGE + 1))


@pytest.mark.parametrize("packet", [b"\xff\xfe", b"\xff\n" + OK, b"\n", b"1.e.1", b"x" * 70000])
async def test_noise_from_another_process_is_counted(tmp_path: Path, packet: bytes) -> None:
    """Only our own workers can come in; still nothing that does ends this one."""
    with workers(tmp_path, 1) as (here,), broken_callbacks() as broken:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.connect(str(tmp_path / "worker-0.sock"))
            stranger.send(packet)
            counted = await here.counted("relay")

        assert (1, []) == (counted, broken)


async def test_without_descriptors_nothing_is_handed_over(tmp_path: Path) -> None:
    """No connection to the other worker can be made, and the caller is told."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        with no_descriptors():
            without = here.relay.send(flow.token, OK)

        assert (False, True) == (without, here.relay.send(flow.token, OK))


async def test_a_worker_out_of_descriptors_gets_its_messages_later(tmp_path: Path) -> None:
    """They wait in the socket that could not be accepted, and the worker does not spin."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        handed = here.relay.send(flow.token, OK)
        with no_descriptors():
            for _ in range(50):
                await asyncio.sleep(0)
            meanwhile = flow.sent.qsize()

        assert (True, 0, OK) == (handed, meanwhile, await flow.next())


async def test_a_closed_end_takes_and_hands_over_nothing(tmp_path: Path) -> None:
    """Closing twice does no harm."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        here.relay.close()
        here.relay.close()

        assert not here.relay.send(flow.token, OK)


async def test_one_that_has_gone_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its connection is closed at the other end too, or each restart would cost a descriptor."""
    with workers(tmp_path) as (here, there):
        flow = there.holds()
        here.relay.send(flow.token, OK)
        await flow.next()
        before = descriptors()
        here.relay.close()
        # The listener, the connection, and the other end of the connection.
        await until(lambda: descriptors() == before - 3)

        assert before - 3 == descriptors()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_relay_that_cannot_listen_leaves_nothing_open(tmp_path: Path) -> None:
    """A socket that nobody closes is a warning, and here a warning is an error."""
    with pytest.raises(OSError, match="No such file"):
        Relay(tmp_path / "nowhere", 0, FlowTable(0, "e"), lambda reason: None)
    gc.collect()
