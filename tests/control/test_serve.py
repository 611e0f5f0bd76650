"""A worker as its supervisor has it: started, told, listened to and drained over a channel."""

import asyncio
import resource
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from regcluster import metrics
from regcluster.config import (
    LimitSettings,
    ListenSettings,
    NodeSettings,
    RegistrarSettings,
    RoutingSettings,
    Settings,
    StoreSettings,
)
from regcluster.control.channel import (
    Applied,
    Apply,
    Channel,
    Drain,
    Fatal,
    Leave,
    Order,
    Ready,
    Report,
    Start,
    Status,
    supervisor_end,
)
from regcluster.control.serve import SPARE_FILES, work
from regcluster.control.supervisor import WORKER
from regcluster.edge.sockets import bind_udp
from regcluster.store.keeper import NOT_YET
from regcluster.store.keys import Keys
from tests import wire
from tests.control.watch import PATIENCE_S, own_log
from tests.peer.phone import Phone
from tests.peer.processes import HOST, free_port
from tests.servers import RealServer, valkey

pytestmark = [pytest.mark.anyio, pytest.mark.server]

CONTACT = "sip:alice@127.0.0.1:5070"


class Ward:
    """A worker, and the supervisor's end of its channel."""

    def __init__(self, settings: Settings, channel: Channel[Order, Report]) -> None:
        self.settings = settings
        self.channel = channel
        self.code: int | None = None
        self.ended = anyio.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Where it takes SIP."""
        host, _, port = self.settings.listen.udp[0].rpartition(":")
        return host, int(port)

    async def live(self, end: socket.socket) -> None:
        """Be that worker, in this process."""
        self.code = await work(end)
        self.ended.set()

    async def report(self, kind: type[Report]) -> Report:
        """The next report of a kind; others are passed over."""
        with anyio.fail_after(PATIENCE_S):
            while report := await self.channel.receive():
                if isinstance(report, kind):
                    return report
        raise AssertionError(f"the worker ended without a {kind.__name__}")

    async def store_is(self, *, up: bool) -> None:
        """Return once it has reported that of its store."""
        while True:
            report = await self.report(Status)
            if isinstance(report, Status) and up != bool(report.store_problem):
                return

    async def drained(self, within_s: float) -> float:
        """Drain it; the seconds that took."""
        begun = asyncio.get_running_loop().time()
        self.channel.send(Drain(within_s))
        with anyio.fail_after(PATIENCE_S):
            await self.ended.wait()
        return asyncio.get_running_loop().time() - begun


@pytest.fixture
def settings(server_url: str) -> Settings:
    """For a worker on a real store."""
    return settings_for(server_url)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The node's own directory; its name has to leave room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        yield Path(name)


def settings_for(url: str) -> Settings:
    """Settings for a worker on the store at ``url``."""
    address = f"{HOST}:{free_port()}"
    return Settings(
        node=NodeSettings(name="edge-1"),
        listen=ListenSettings(udp=[address], tcp=[address]),
        store=StoreSettings(url=url),
    )


@asynccontextmanager
async def started(settings: Settings, folder: Path) -> AsyncIterator[Ward]:
    """A worker that was just started; it ends with its supervisor, which is the test."""
    ours, theirs = socket.socketpair()
    ward = Ward(settings, await supervisor_end(ours))
    with own_log():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ward.live, theirs)
            ward.channel.send(Start(settings, worker=0, workers=1, folder=str(folder)))
            yield ward
            ward.channel.close()


async def test_a_worker_that_is_ready_registers_phones(settings: Settings, folder: Path) -> None:
    """Everything is wired: socket, parser, script, store and the way back."""
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        async with Phone(ward.address) as phone:
            answer = await phone.register("alice", CONTACT)
            found = await phone.invite("alice")

    assert (200, 302) == (answer.status, found.status)
    assert f"<{CONTACT}>" in found.text


async def test_an_address_it_cannot_have_is_fatal(settings: Settings, folder: Path) -> None:
    """It says which, and why, in words without numbers."""
    host, _, port = settings.listen.udp[0].rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((host, int(port)))
        async with started(settings, folder) as ward:
            report = await ward.report(Fatal)
            ward.channel.close()
            await ward.ended.wait()

    problem = f"cannot listen on {host}:{port}: Address already in use"
    assert Fatal(problem) == report
    assert 1 == ward.code


async def test_its_store_coming_and_going_is_told_at_once(folder: Path) -> None:
    """Long before the next report would be due."""
    server = RealServer("valkey", valkey(), folder)
    async with started(settings_for(server.url), folder) as ward:
        await ward.store_is(up=True)
        begun = asyncio.get_running_loop().time()
        await asyncio.to_thread(server.stop)
        await ward.store_is(up=False)
        took_s = asyncio.get_running_loop().time() - begun
        server = await asyncio.to_thread(RealServer, "valkey", valkey(), folder)
        await ward.store_is(up=True)
    await asyncio.to_thread(server.stop)

    assert took_s < 0.5


async def test_new_settings_hold_for_the_next_request(settings: Settings, folder: Path) -> None:
    """Without another socket or connection."""
    async with started(settings, folder) as ward, Phone(ward.address) as phone:
        await ward.report(Ready)
        changed = replace(settings, registrar=RegistrarSettings(max_expires=120))
        ward.channel.send(Apply(changed))
        await ward.report(Applied)
        answer = await phone.register("alice", CONTACT)
        took_s = await ward.drained(1.0)

    assert ";expires=120" in answer.text
    assert 0 == ward.code
    assert took_s < 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"routing": RoutingSettings(script="no/such/script.py")},
        {"registrar": RegistrarSettings(event_callback="missing")},
    ],
)
async def test_a_script_that_cannot_be_had_leaves_the_old_one_at_work(
    settings: Settings, folder: Path, change: dict[str, object]
) -> None:
    """Its supervisor is told why, and may take it back."""
    file = folder / "route.py"
    file.write_text("async def route(call):\n    call.reply(486)\n")
    scripted = replace(settings, routing=RoutingSettings(script=str(file)))
    async with started(scripted, folder) as ward, Phone(ward.address) as phone:
        await ward.report(Ready)
        ward.channel.send(Apply(replace(scripted, **change), rereads=False))
        report = await ward.report(Applied)
        found = await phone.invite("alice")
        ward.channel.send(Apply(scripted, rereads=False))
        again = await ward.report(Applied)

    assert isinstance(report, Applied)
    assert report.problem
    assert 486 == found.status
    assert Applied() == again


async def test_a_balancer_that_asks_is_told_when_a_worker_is_to_leave(
    settings: Settings, folder: Path
) -> None:
    """By OPTIONS; what the balancer still sends is served."""
    async with started(settings, folder) as ward, Phone(ward.address) as phone:
        await ward.store_is(up=True)
        before = await options(phone)
        ward.channel.send(Leave())
        async with asyncio.timeout(PATIENCE_S):
            while (after := await options(phone)) == before:
                pass
        await ward.report(Status)
        answer = await phone.register("alice", CONTACT)
        last = await options(phone)

    assert (200, 503, 200, 503) == (before, after, answer.status, last)


async def test_a_balancer_that_asks_is_told_that_there_is_no_store(folder: Path) -> None:
    """Another node may have a way to it."""
    server = RealServer("valkey", valkey(), folder)
    async with started(settings_for(server.url), folder) as ward, Phone(ward.address) as phone:
        await ward.store_is(up=True)
        before = await options(phone)
        await asyncio.to_thread(server.stop)
        await ward.store_is(up=False)
        after = await options(phone)

    assert (200, 503) == (before, after)


async def test_a_store_that_has_not_answered_yet_is_no_reason_to_ask_elsewhere(
    folder: Path,
) -> None:
    """The node is ready by then, for another worker has been quicker; requests wait a moment."""
    with socket.create_server((HOST, 0)) as silent:
        url = f"redis://{HOST}:{silent.getsockname()[1]}"
        async with started(settings_for(url), folder) as ward, Phone(ward.address) as phone:
            status = await ward.report(Status)
            answer = await options(phone)

    assert isinstance(status, Status)
    assert (NOT_YET, 200) == (status.store_problem, answer)


async def options(phone: Phone) -> int:
    """What a balancer is answered that asks whether it may send requests."""
    via, branch = phone.via()
    data = wire.request("OPTIONS", f"sip:{HOST}", via=via, call_id=branch.decode())
    return (await phone.ask(data, branch)).status


async def test_draining_closes_connections_that_phones_keep(
    settings: Settings, folder: Path
) -> None:
    """They last for days; a worker does not wait for them."""
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        reader, writer = await asyncio.open_connection(*ward.address)
        writer.write(b"\r\n\r\n")
        pong = await reader.readexactly(2)
        took_s = await ward.drained(10.0)
        rest = await reader.read()
        writer.close()

    assert (b"\r\n", b"") == (pong, rest)
    assert took_s < 1.0
    assert 0 == ward.code


async def test_a_worker_ends_when_its_supervisor_is_gone(settings: Settings, folder: Path) -> None:
    """At once and by itself: a new node wants the addresses."""
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        ward.channel.close()
        with anyio.fail_after(1.0):
            await ward.ended.wait()
    with bind_udp(*ward.address, 1) as bound:
        again = bound.getsockname()

    assert 0 == ward.code
    assert ward.address == again


async def test_what_came_too_fast_is_counted(settings: Settings, folder: Path) -> None:
    """Datagrams that the kernel dropped because nobody read them are not forgotten."""
    before = metrics.DROPS.labels("overflow")._value.get()
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            # Nobody reads while this goes on, for it is the worker's loop that does it.
            for _ in range(2000):
                flood.sendto(b"\r\n\r\n" + bytes(8000), ward.address)
        await ward.drained(1.0)
    after = metrics.DROPS.labels("overflow")._value.get()

    assert after > before


async def test_it_may_open_as_many_files_as_it_may_have_connections(
    settings: Settings, folder: Path
) -> None:
    """The usual limit of a shell would keep most phones out."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = LimitSettings(connections=before[1] - SPARE_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        async with started(replace(settings, limits=limits), folder) as ward:
            await ward.report(Ready)
            during = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert (before[1], before[1]) == during


async def test_a_worker_leaves_signals_to_its_supervisor(settings: Settings, folder: Path) -> None:
    """Ctrl-C reaches it too, and so does systemd's SIGTERM: it drains when it is told to."""
    ours, theirs = socket.socketpair()
    with theirs:
        number = str(theirs.fileno())
        process = await asyncio.create_subprocess_exec(*WORKER, number, pass_fds=[theirs.fileno()])
    ward = Ward(settings, await supervisor_end(ours))
    ward.channel.send(Start(settings, worker=0, workers=1, folder=str(folder)))
    await ward.report(Ready)
    for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(signal_)
    await ward.store_is(up=True)
    ward.channel.send(Drain(1.0))
    code = await process.wait()
    ward.channel.close()

    assert 0 == code


async def test_it_has_a_lease_for_as_long_as_it_works(
    settings: Settings, folder: Path, valkey: RealServer
) -> None:
    """Draining gives it up when the connections are closed, so that nobody calls over them."""
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        async with Phone(ward.address) as phone:
            # Heartbeats go first, so by its answer the lease is there.
            await phone.register("alice", CONTACT)
        name, held_until = valkey.ask(b"ZRANGE", b"rc:nodes", 0, -1, b"WITHSCORES")
        await ward.drained(1.0)
        ended = valkey.ask(b"ZRANGE", b"rc:nodes", 0, -1, b"WITHSCORES")

    assert name.startswith(b"edge-1/0.")
    assert float(held_until) > 0
    assert [name, b"0"] == ended


async def test_it_sweeps_what_is_overdue(
    settings: Settings, folder: Path, valkey: RealServer
) -> None:
    """Within a second or so."""
    async with started(settings, folder) as ward:
        await ward.report(Ready)
        aor = b"alice@127.0.0.1"
        index = Keys(settings.store).of(aor)[1]
        valkey.ask(b"ZADD", index, 1000, aor + b"\nsip:alice@h")
        with anyio.fail_after(PATIENCE_S):
            while valkey.ask(b"EXISTS", index):
                await ward.report(Status)
        await ward.drained(1.0)

    assert 0 == ward.code
