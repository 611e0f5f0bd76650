"""What signals do to a node: SIGTERM drains it, SIGHUP has it read its settings, SIGKILL kills."""

import asyncio
import os
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.peer.conftest import StartNode
from tests.peer.load import Load
from tests.peer.node import DRAIN_S, Node
from tests.peer.phone import Phone
from tests.peer.processes import HOST, udp_owners, wait_until
from tests.peer.server import StoreServer

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(90)]

RATE = 300


async def leave(node: Node) -> None:
    """Tell ``node`` to end; returns once it says that it does."""
    node.signal(signal.SIGTERM)
    await asyncio.to_thread(
        wait_until, lambda: not node.is_ready(), DRAIN_S, "the node says it is leaving"
    )


async def test_sigterm_under_load_ends_the_node_cleanly(start_node: StartNode) -> None:
    """It exits 0 within ``drain_s``, and what it had received before is answered."""
    node = start_node()
    async with Phone(node.address) as phone:
        load = Load(phone, RATE, repeat=False)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(10_000, give_up_s=2.0))
            await load.reached(RATE)
            started, told_at = load.started, time.monotonic()
            node.signal(signal.SIGTERM)
            status = await asyncio.to_thread(node.process.wait, DRAIN_S + 10)
            took_s = time.monotonic() - told_at
            load.stopped = True

    assert 0 == status
    assert took_s < DRAIN_S
    # What was sent in the very last moment may still have been on its way.
    assert {f"user{n}" for n in range(started - RATE // 10)} <= load.answers.keys()
    assert {200} == {answer.status for answer in load.answers.values()}


async def test_work_in_flight_is_finished_before_the_end(
    start_node: StartNode, store: StoreServer
) -> None:
    """A request that waits for a slow store when SIGTERM comes is still answered 200."""
    node = start_node(store={"deadline_ms": 4000})
    async with Phone(node.address) as phone:
        await asyncio.to_thread(store.pause)
        waiting = asyncio.create_task(phone.register("alice", "sip:alice@127.0.0.1:5070"))
        await asyncio.to_thread(wait_until, node.registers, 5.0, "the request has arrived")
        await leave(node)
        await asyncio.to_thread(store.resume)
        answer = await waiting
        status = await asyncio.to_thread(node.process.wait, DRAIN_S + 10)

    assert 200 == answer.status
    assert 0 == status


async def test_the_balancer_is_told_of_a_drain_for_as_long_as_it_lasts(
    start_node: StartNode, store: StoreServer
) -> None:
    """Not one refused connection between the signal and the end of the work in flight."""
    node = start_node(store={"deadline_ms": 4000})
    async with Phone(node.address) as phone:
        await asyncio.to_thread(store.pause)
        waiting = asyncio.create_task(phone.register("alice", "sip:alice@127.0.0.1:5070"))
        await asyncio.to_thread(wait_until, node.registers, 5.0, "the request has arrived")
        await leave(node)
        told = [await asyncio.to_thread(node.fetch, "/health/ready") for _ in range(50)]
        live = await asyncio.to_thread(node.fetch, "/health/live")
        await asyncio.to_thread(store.resume)
        await waiting

    assert {(503, '{"status":"not ready","problems":["draining"]}')} == set(told)
    assert 200 == live[0]


async def test_what_comes_while_balancers_have_notice_is_served(start_node: StartNode) -> None:
    """A restart behind a balancer loses no request that it sends before it knows."""
    node = start_node(node={"notice_s": 1.0})
    async with Phone(node.address) as phone:
        await leave(node)
        answer = await phone.ask(
            *phone.registration("alice", "sip:alice@127.0.0.1:5070"), repeat=False, give_up_s=5.0
        )
    status = await asyncio.to_thread(node.process.wait, DRAIN_S + 10)

    assert (200, 0) == (answer.status, status)


async def test_phones_that_stay_connected_do_not_hold_up_the_end(start_node: StartNode) -> None:
    """Their connections are closed in order, and the exit status is 0 well before ``drain_s``."""
    node = start_node()
    streams = [await asyncio.open_connection(*node.address) for _ in range(50)]
    for reader, writer in streams:
        writer.write(b"\r\n\r\n")
        await reader.readexactly(2)
    told_at = time.monotonic()
    node.signal(signal.SIGTERM)
    status = await asyncio.to_thread(node.process.wait, DRAIN_S + 10)
    took_s = time.monotonic() - told_at
    rest = {await reader.read() for reader, _ in streams}
    for _, writer in streams:
        writer.close()

    assert 0 == status
    assert took_s < DRAIN_S / 2
    assert {b""} == rest


async def test_workers_end_with_a_supervisor_that_was_killed(start_node: StartNode) -> None:
    """By themselves: nobody is left who could tell them, and the next node wants the port."""
    node = start_node()
    workers = node.workers()
    node.signal(signal.SIGKILL)
    await asyncio.to_thread(
        wait_until, lambda: not udp_owners(workers, node.port), 5.0, "the workers have ended"
    )

    assert 2 == len(workers)


async def test_bindings_in_the_embedded_store_outlive_a_killed_node(
    start_node: StartNode, directory: Path
) -> None:
    """The next node ends the server that was left, and has all that one had."""
    first = start_node(store={"url": f"embedded://{directory}"})
    async with Phone(first.address) as phone:
        registered = await phone.register("alice", "sip:alice@127.0.0.1:5070")
    orphan = server_pid(directory)
    first.signal(signal.SIGKILL)
    await asyncio.to_thread(first.process.wait, 5.0)
    second = await asyncio.to_thread(start_node, store={"url": f"embedded://{directory}"})
    async with Phone(second.address) as phone:
        found = await phone.invite("alice")

    assert (200, 302) == (registered.status, found.status)
    assert orphan != server_pid(directory)


async def test_an_embedded_store_that_dies_is_back_without_a_restart(
    start_node: StartNode, directory: Path
) -> None:
    """The same workers go on, with all that was acknowledged."""
    node = start_node(store={"url": f"embedded://{directory}"})
    workers = node.workers()
    async with Phone(node.address) as phone:
        await phone.register("alice", "sip:alice@127.0.0.1:5070")
        os.kill(server_pid(directory), signal.SIGKILL)
        async with asyncio.timeout(5.0):
            while (found := await phone.invite("alice")).status == 503:
                pass

    assert 302 == found.status
    assert workers == node.workers()


async def test_a_second_node_at_the_same_address_is_refused(start_node: StartNode) -> None:
    """In a sentence a setting, with the exit code of settings that cannot be used."""
    node = start_node()
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "regcluster", "serve", "--config", str(node.settings)),
        *("--set", "http.listen="),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    written, told = await second.communicate()

    assert (2, b"") == (second.returncode, written)
    assert [
        "regcluster: 2 problems in the settings",
        f"  listen.udp: cannot listen on {HOST}:{node.port}: Address already in use",
        f"  listen.tcp: cannot listen on {HOST}:{node.port}: Address already in use",
    ] == [line.partition(";")[0] for line in told.decode().splitlines()]


async def test_sighup_applies_a_new_lifetime(start_node: StartNode) -> None:
    """A changed setting holds for the next REGISTER; no worker is replaced for it."""
    node = start_node(registrar={"max_expires": 600})
    workers = node.workers()
    async with Phone(node.address) as phone:
        before = await granted(phone)
        node.write({"registrar": {"max_expires": 120}})
        node.signal(signal.SIGHUP)
        async with asyncio.timeout(5.0):
            # Each worker takes it up by itself: all have when ten requests in a row show it.
            while {await granted(phone) for _ in range(10)} != {"120"}:
                pass

    assert "600" == before
    assert workers == node.workers()


async def test_sighup_with_a_mistake_changes_nothing(start_node: StartNode) -> None:
    """Settings that cannot be used are refused with a word in the log; the old ones hold."""
    node = start_node(registrar={"max_expires": 600})
    node.write({"registrar": {"max_expires": "soon"}})
    node.signal(signal.SIGHUP)
    async with Phone(node.address) as phone:
        await asyncio.to_thread(
            wait_until, lambda: "max_expires" in node.log_tail(), 5.0, "the mistake is in the log"
        )
        after = await granted(phone)

    assert "600" == after


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory for an embedded store, with a name short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        yield Path(name)
        # Where a test fails halfway, a server may be left.
        with suppress(OSError):
            os.kill(server_pid(Path(name)), signal.SIGKILL)


def server_pid(directory: Path) -> int:
    """The process of the embedded server in ``directory``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.connect(str(directory / "redis.sock"))
        peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", peer)[0]
    return pid


async def granted(phone: Phone) -> str:
    """The lifetime that a phone asking for an hour is granted."""
    answer = await phone.register("alice", "sip:alice@127.0.0.1:5070")
    return answer.values("Contact")[0].partition(";expires=")[2]
