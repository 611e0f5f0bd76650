"""The HTTP port, over a real connection: health, metrics, and what it says to anything else."""

import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from anyio.abc import SocketStream
from prometheus_client import CollectorRegistry, Counter

from regcluster.control import http
from regcluster.errors import ConfigError
from tests.control.watch import PATIENCE_S
from tests.peer.processes import HOST, free_port

pytestmark = pytest.mark.anyio

TRUSTING_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Patient:
    """Someone whose health can be asked after."""

    def __init__(self, *problems: str) -> None:
        self.complaints = list(problems)

    def problems(self) -> list[str]:
        """What ails."""
        return self.complaints


def counted() -> CollectorRegistry:
    """A registry in which something was counted."""
    registry = CollectorRegistry()
    Counter("sheep", "Sheep.", registry=registry).inc(3)
    return registry


@asynccontextmanager
async def served_for(patient: Patient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that speaks for ``patient``."""
    bound = http.bind(f"{HOST}:{free_port()}")
    base = f"http://{HOST}:{bound.getsockname()[1]}"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(http.serve, bound, patient, counted)
        # Nothing here speaks TLS, and to read whom the world trusts takes longer than a test.
        async with httpx.AsyncClient(base_url=base, verify=TRUSTING_NOBODY) as client:
            yield client
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def served(*problems: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that speaks for somebody with ``problems``."""
    async with served_for(Patient(*problems)) as client:
        yield client


async def test_who_has_no_problems_is_ready() -> None:
    """200 is all a balancer looks at."""
    async with served() as client:
        answer = await client.get("/health/ready")

    assert (200, {"status": "ready"}) == (answer.status_code, answer.json())


async def test_who_has_problems_is_not_ready_and_says_why() -> None:
    """503 for the balancer, the words for whoever is called at night."""
    async with served("draining") as client:
        answer = await client.get("/health/ready")

    assert 503 == answer.status_code
    assert {"status": "not ready", "problems": ["draining"]} == answer.json()


async def test_health_is_that_of_the_moment() -> None:
    """Asked twice over one connection, two answers."""
    patient = Patient()
    async with served_for(patient) as client:
        first = await client.get("/health/ready")
        patient.complaints.append("no worker is ready")
        second = await client.get("/health/ready")

    assert [200, 503] == [first.status_code, second.status_code]


async def test_who_has_problems_is_alive_all_the_same() -> None:
    """A node that drains or waits for its store must not be killed for it."""
    async with served("the store does not answer") as client:
        answer = await client.get("/health/live")

    assert (200, {"status": "live"}) == (answer.status_code, answer.json())


async def test_metrics_are_prometheus_text() -> None:
    """In the format and under the type that a scraper expects."""
    async with served() as client:
        answer = await client.get("/metrics")

    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "\nsheep_total 3.0\n" in answer.text


@pytest.mark.parametrize(
    ("method", "resource", "status", "title"),
    [
        ("GET", "/nothing", 404, "Not Found"),
        ("GET", "/metric", 404, "Not Found"),
        ("POST", "/health/ready", 405, "Method Not Allowed"),
    ],
)
async def test_what_is_not_there_is_a_problem_document(
    method: str, resource: str, status: int, title: str
) -> None:
    """As RFC 9457 has it, so that a program can read it too."""
    async with served() as client:
        answer = await client.request(method, resource)

    assert status == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    expected = {"type": "about:blank", "title": title, "status": status}
    assert expected.items() <= answer.json().items()


async def test_a_head_that_does_not_end_breaks_the_connection() -> None:
    """It would be kept in memory until it does."""
    async with served() as client, await _connected(client) as line:
        await line.send(b"GET / HTTP/1.1\r\n")
        with anyio.fail_after(PATIENCE_S), pytest.raises(anyio.BrokenResourceError):
            await _send_headers(line)


async def test_nobody_is_told_what_we_are_made_of() -> None:
    """No name of a server that one could look up the holes of."""
    async with served() as client:
        answer = await client.get("/health/live")

    assert "server" not in answer.headers


async def test_signals_are_left_to_the_supervisor() -> None:
    """SIGTERM has to drain SIP first, so the handler for it is not the server's."""
    before = signal.getsignal(signal.SIGTERM)
    async with served() as client:
        await client.get("/health/live")
        during = signal.getsignal(signal.SIGTERM)

    assert before is during


def test_a_port_that_is_taken_is_refused_in_one_sentence() -> None:
    """With the setting that named it."""
    with http.bind(f"{HOST}:{free_port()}") as taken:
        address = f"{HOST}:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError) as refused:
            http.bind(address)

    assert (
        f"http.listen: cannot listen on {address}: Address already in use; another program has it: "
        "--set http.listen=... takes another port"
    ) == str(refused.value)


def test_an_ipv6_address_is_bound() -> None:
    """Written in brackets, as in a URL."""
    with http.bind(f"[::1]:{free_port()}") as bound:
        family = bound.family

    assert socket.AF_INET6 == family


async def _connected(client: httpx.AsyncClient) -> SocketStream:
    return await anyio.connect_tcp(HOST, client.base_url.port or 0)


async def _send_headers(line: SocketStream) -> None:
    """One after the other, for as long as somebody reads them."""
    while True:
        await line.send(b"X: " + 10_000 * b"x" + b"\r\n")
