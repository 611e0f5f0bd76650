"""Callers who take their time, or are too many."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.server import ServerState

from regcluster.control.caller import Caller
from tests.control.watch import PATIENCE_S
from tests.peer.processes import HOST

# The test plays the other end, over real connections and in real time.
pytestmark = [pytest.mark.anyio, pytest.mark.server]

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LATE = b"GET /late HTTP/1.1\r\nHost: here\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n"

BRIEF_S = 0.05

LONG_S = 60.0

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _answer(_: Request) -> Response:
    return PlainTextResponse("here")


async def _answer_late(_: Request) -> Response:
    """Not before a caller who says nothing would have been given up."""
    await anyio.sleep(2 * BRIEF_S)
    return PlainTextResponse("late")


@asynccontextmanager
async def answering(head_s: float = LONG_S, most: int = 10) -> AsyncIterator[int]:
    """The port of a server that bounds its callers so."""
    routes = [Route("/", _answer, methods=["GET", "POST"]), Route("/late", _answer_late)]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: Caller(config, state, {}, head_s=head_s, most=most), HOST, 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def called(port: int) -> AsyncIterator[Line]:
    """A connection."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def ends(line: Line) -> bool:
    """Return once the other end has closed."""
    with anyio.fail_after(PATIENCE_S):
        try:
            while await line[0].read(1000):
                pass
        except ConnectionResetError:
            pass
    return True


async def hears(line: Line, text: bytes) -> bytes:
    """What comes until ``text`` does."""
    with anyio.fail_after(PATIENCE_S):
        return await line[0].readuntil(text)


@pytest.mark.parametrize("beginning", [b"", REQUEST[:-2], b"GET /" + 100 * b"x"])
async def test_who_does_not_finish_a_request_is_closed(beginning: bytes) -> None:
    """Whether anything has come of it or nothing."""
    async with answering(BRIEF_S) as port, called(port) as line:
        line[1].write(beginning)
        has_ended = await ends(line)

    assert has_ended


async def test_dripping_does_not_help() -> None:
    """The time is that of the whole head, not of its pieces."""
    async with answering(BRIEF_S) as port, called(port) as line, anyio.create_task_group() as tasks:
        tasks.start_soon(_drip, line[1])
        has_ended = await ends(line)
        tasks.cancel_scope.cancel()

    assert has_ended


async def test_who_was_answered_has_to_ask_again_in_time() -> None:
    """Or is closed, as at the beginning; dripping the rest of a body is not asking."""
    async with (
        answering(BRIEF_S) as port,
        called(port) as line,
        anyio.create_task_group() as tasks,
    ):
        line[1].write(UPLOAD)
        answer = await hears(line, b"here")
        tasks.start_soon(_drip, line[1])
        has_ended = await ends(line)
        tasks.cancel_scope.cancel()

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert has_ended


async def test_the_time_an_answer_takes_is_not_the_callers() -> None:
    """Who waits for one is not closed, and may ask again."""
    async with answering(BRIEF_S) as port, called(port) as line:
        line[1].write(LATE)
        await hears(line, b"late")
        line[1].write(REQUEST)
        answer = await hears(line, b"here")

    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_one_caller_too_many_is_closed() -> None:
    """The others go on, and who leaves makes room."""
    async with answering(most=1) as port, called(port) as first:
        first[1].write(REQUEST)
        await hears(first, b"here")
        async with called(port) as second:
            was_closed = await ends(second)
        first[1].write(REQUEST)
        answer = await hears(first, b"here")

    assert was_closed
    assert answer.startswith(b"HTTP/1.1 200 OK")


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await anyio.sleep(BRIEF_S / 5)
