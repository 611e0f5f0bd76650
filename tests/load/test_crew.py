"""Whole runs: real processes, and servers that a test plays."""

import json
import multiprocessing
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from regcluster.errors import ConfigError, RegclusterError
from regcluster.load import Load, Tick, run
from regcluster.load.echo import answered, echo
from tests.load.air import answer

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """A server that answers at once."""
    with echo() as address:
        yield address


@contextmanager
def playing(serve: Callable[[bytes], bytes]) -> Iterator[str]:
    """Where a server answers with what ``serve`` gives; nothing where that is empty."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        address = sock.getsockname()

        def loop() -> None:
            while (received := sock.recvfrom(8192))[0] != b"end":
                data, peer = received
                if reply := serve(data):
                    sock.sendto(reply, peer)

        thread = threading.Thread(target=loop)
        thread.start()
        yield f"127.0.0.1:{address[1]}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
            ender.sendto(b"end", address)
        thread.join()


def test_a_closed_loop_measures_a_server(target: str) -> None:
    """Everything that is sent is answered, and every answer has a latency."""
    report = run(Load(targets=[target], count=2000, warmup_s=0.1, users=100))

    assert (2000, 2000, 0, 100) == (report.sent, report.good, report.lost, report.prepared)
    assert {"refresh": {"200": 1800}, "lookup": {"302": 200}} == report.statuses()
    assert 0 < report.latency_us(50.0) <= report.latency_us(99.0)
    assert report.warmed > 0
    # It took milliseconds, and the kernel's account of CPU ticks apart from the clock.
    assert 0 < report.parts[0].cpu_share < 2.0


def test_two_processes_offer_one_rate(target: str) -> None:
    """Each a half of it, at instants that mesh."""
    load = Load(targets=[target], rate=500, seconds=1.0, warmup_s=0.2, processes=2)

    report = run(load)

    assert (500, 2) == (report.sent, len(report.parts))
    assert 100 == report.warmed


def test_whoever_watches_is_told_of_each_stage_in_order() -> None:
    """And how far each is, the wait for answers that never come included."""

    def serve(request: bytes) -> bytes:
        return answer(request, "200 OK") if request.startswith(b"REGISTER") else b""

    ticks: list[Tick] = []
    with playing(serve) as address:
        load = Load(targets=[address], mix={"lookup": 1}, rate=200, timeout_s=0.5)
        run(replace(load, seconds=0.3, warmup_s=0.3), ticks.append)

    stages = [tick.stage for tick in ticks]
    assert ["prepare", "warm-up", "run", "drain"] == list(dict.fromkeys(stages))
    assert all(0 <= tick.done <= tick.total for tick in ticks)


def test_a_load_that_cannot_be_starts_nothing() -> None:
    """The mistake is named."""
    with pytest.raises(ConfigError, match="the mix is empty"):
        run(Load(mix={}))


def test_a_server_that_refuses_the_phones_is_named_with_its_answers() -> None:
    """Nothing is measured with phones that are not there."""
    with (
        playing(lambda request: answer(request, "403 Forbidden")) as address,
        pytest.raises(RegclusterError) as caught,
    ):
        run(Load(targets=[address], users=10))

    assert "10 of 10 phones could not be registered; the answers were 10 x 403" == str(caught.value)


def test_a_server_that_is_silent_is_given_up_soon() -> None:
    """After a few seconds without a single answer."""
    with playing(lambda request: b"") as address, pytest.raises(RegclusterError) as caught:
        run(Load(targets=[address], users=10))

    assert f"{address} answers nothing" == str(caught.value)


def test_phones_that_are_forwarded_to_are_registered_afresh() -> None:
    """What an earlier run has left behind is removed first."""
    seen: list[bytes] = []

    def serve(request: bytes) -> bytes:
        seen.append(request)
        return b"" if request.startswith(b"ACK") else answer(request, "200 OK")

    with playing(serve) as address:
        load = Load(targets=[address], mix={"forward": 1}, users=1, count=1, warmup_s=0.0)
        report = run(load)

    assert 1 == report.good
    assert [b"REGISTER", b"REGISTER", b"INVITE"] == [data.split()[0] for data in seen]
    assert [True, False] == [b"\r\nContact: *\r\n" in data for data in seen[:2]]


def test_a_run_that_is_interrupted_reports_what_was_done() -> None:
    """Ctrl-C reaches all processes; what is under way is not waited for."""
    is_measuring = threading.Event()

    def serve(request: bytes) -> bytes:
        if request.startswith(b"REGISTER"):
            return answer(request, "200 OK")
        is_measuring.set()
        return b""

    with playing(serve) as address:
        command = [sys.executable, "-m", "regcluster", "bench", address, "--warmup", "0", "--json"]
        command += ["--mix", "refresh=1,lookup=1", "--timeout", "60", "--seconds", "600"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        is_measuring.wait(30.0)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30.0)

    found = json.loads(output)
    # On a busy machine some that are answered are under way too.
    assert 0 < found["abandoned"] <= sum(found["sent"].values())
    assert 0 < found["seconds"] < 60


def test_a_process_that_dies_is_noticed(target: str) -> None:
    """The run ends with an error, and nothing is left of it."""

    def kill(tick: Tick) -> None:
        for child in multiprocessing.active_children():
            if child.name.startswith("bench-"):
                child.kill()

    with pytest.raises(RegclusterError, match="a generator process ended before its time"):
        run(Load(targets=[target], seconds=60.0, processes=2), kill)

    assert [] == [
        child for child in multiprocessing.active_children() if child.name.startswith("bench-")
    ]


def test_an_echo_answers_by_method() -> None:
    """A REGISTER 200, all else 302, an ACK not at all."""
    request = b"%b sip:a@b SIP/2.0\r\nVia: v\r\nCSeq: 1 X\r\nContact: <sip:a@c>\r\n\r\n"
    fields = b"\r\nVia: v\r\nCSeq: 1 X\r\nContent-Length: 0\r\n\r\n"

    assert [b"SIP/2.0 200 OK" + fields, b"SIP/2.0 302 Moved Temporarily" + fields, b""] == [
        answered(request % method) for method in (b"REGISTER", b"INVITE", b"ACK")
    ]


def test_an_echo_answers_on_every_connection_until_it_is_closed() -> None:
    """A request that comes in pieces once, several at once in order, whoever else has gone."""
    request = b"%b sip:a@b SIP/2.0\r\nVia: %b\r\nContact: <sip:a@c>\r\nContent-Length: 0\r\n\r\n"
    register, ack, invite = (
        request % (method, method) for method in (b"REGISTER", b"ACK", b"INVITE")
    )
    with echo("tcp") as address:
        host, _, port = address.partition(":")
        gone, here = (socket.create_connection((host, int(port)), 5.0) for _ in range(2))
        # Closed by a reset, as by a generator that is killed.
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        here.sendall(register[:40])
        here.sendall(register[40:] + ack + invite)
        expected = answered(register) + answered(invite)
        found = b""
        while len(found) < len(expected):
            found += here.recv(1000)
        here.close()

    assert expected == found
