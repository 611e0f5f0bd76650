"""Streams of events: how they begin, go on and end, whoever ends them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.types import Message
from structlog.testing import capture_logs

from regcluster.control.api.streams import EventStream, Source, Streams, Tell
from regcluster.errors import StoreError, StoreUnavailable
from tests.control.watch import PATIENCE_S

pytestmark = pytest.mark.anyio


class Listener:
    """A client of one stream, played."""

    def __init__(self, stops_at: str = "") -> None:
        self.messages: list[Message] = []
        self._stops_at = stops_at
        self._heard = anyio.Event()
        self._left = anyio.Event()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        self._heard.set()
        if self._stops_at and message.get("body", b"").startswith(self._stops_at.encode()):
            await anyio.sleep_forever()

    def leave(self) -> None:
        """Close the connection."""
        self._left.set()

    @property
    def text(self) -> str:
        """All that was sent."""
        return b"".join(message.get("body", b"") for message in self.messages).decode()

    async def until(self, text: str) -> None:
        """Return once it has been sent ``text``."""
        with anyio.fail_after(PATIENCE_S):
            while text not in self.text:
                self._heard = anyio.Event()
                await self._heard.wait()


class Feed:
    """What is to be sent, at the test's word."""

    def __init__(self) -> None:
        self.give: MemoryObjectSendStream[bytes]
        self._take: MemoryObjectReceiveStream[bytes]
        self.give, self._take = anyio.create_memory_object_stream[bytes](10)
        self.tell: Tell

    @asynccontextmanager
    async def source(self, tell: Tell) -> AsyncIterator[AsyncIterator[bytes]]:
        self.tell = tell
        with self.give, self._take:
            yield aiter(self._take)


@asynccontextmanager
async def streaming(
    source: Source, listener: Listener, opened: Streams, **seconds: float
) -> AsyncIterator[anyio.Event]:
    """A stream to ``listener``, and the event of its end; none is left behind."""
    ended = anyio.Event()

    async def stream() -> None:
        await EventStream(source, opened, **seconds)(
            {"type": "http"}, listener.receive, listener.send
        )
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream)
        yield ended
        tasks.cancel_scope.cancel()


async def over(ended: anyio.Event) -> None:
    """Return once that has happened."""
    with anyio.fail_after(PATIENCE_S):
        await ended.wait()


async def test_events_are_sent_as_they_come() -> None:
    """As a stream of events, of which nobody keeps a copy, with when to come back."""
    feed, listener = Feed(), Listener()
    async with streaming(feed.source, listener, Streams()):
        await listener.until("retry: 2000\n\n")
        feed.give.send_nowait(b"data: 1\n\n")
        await listener.until("data: 1\n\n")

    start = listener.messages[0]
    headers = dict(start["headers"])
    assert 200 == start["status"]
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert b"no-store" == headers[b"cache-control"]
    assert b"content-length" not in headers


async def test_a_client_that_leaves_ends_its_stream() -> None:
    """And makes room for another."""
    feed, listener, opened = Feed(), Listener(), Streams(most=1)
    async with streaming(feed.source, listener, opened) as ended:
        await listener.until("retry")
        was_full = opened.is_full
        listener.leave()
        await over(ended)

    assert [True, False] == [was_full, opened.is_full]


async def test_streams_that_are_closed_are_ended_in_order() -> None:
    """The client sees an end, not a connection that breaks."""
    feed, listener, opened = Feed(), Listener(), Streams()
    async with streaming(feed.source, listener, opened) as ended:
        await listener.until("retry")
        opened.close()
        await over(ended)

    assert {"type": "http.response.body", "body": b"", "more_body": False} == listener.messages[-1]


async def test_silence_is_broken_by_a_heartbeat() -> None:
    """A comment, which no client takes for an event."""
    feed, listener = Feed(), Listener()
    async with streaming(feed.source, listener, Streams(), heartbeat_s=0.01):
        await listener.until("retry: 2000\n\n:\n\n:\n\n")

    assert listener.text.startswith("retry: 2000\n\n:\n\n")


@pytest.mark.parametrize("stops_at", ["retry", ":\n\n"])
async def test_who_does_not_read_is_given_up(stops_at: str) -> None:
    """It would hold one of few places for ever, whatever it did not read."""
    feed, listener, opened = Feed(), Listener(stops_at), Streams(most=1)
    async with streaming(feed.source, listener, opened, heartbeat_s=0.01, slow_s=0.01) as ended:
        await over(ended)

    assert not opened.is_full


async def test_a_store_that_goes_away_is_told_of() -> None:
    """And that it is back."""
    feed, listener = Feed(), Listener()
    async with streaming(feed.source, listener, Streams()):
        await listener.until("retry")
        feed.tell("no connection")
        await listener.until('event: store\ndata: {"problem": "no connection"}\n\n')
        feed.tell("")
        await listener.until('event: store\ndata: {"problem": null}\n\n')

    assert 2 == listener.text.count("event: store")


async def test_without_a_store_there_is_no_stream() -> None:
    """503, which every client understands."""

    @asynccontextmanager
    async def source(_: Tell) -> AsyncIterator[AsyncIterator[bytes]]:
        raise StoreUnavailable("no connection")
        yield

    listener = Listener()
    async with streaming(source, listener, Streams()) as ended:
        await over(ended)

    assert 503 == listener.messages[0]["status"]
    assert "no connection" in listener.text


async def test_a_store_that_may_not_be_read_ends_the_stream_with_why() -> None:
    """Nobody is left to guess; the log has it once, however often a browser comes back."""
    opened = Streams()

    @asynccontextmanager
    async def source(_: Tell) -> AsyncIterator[AsyncIterator[bytes]]:
        yield refusing()

    async def refusing() -> AsyncIterator[bytes]:
        raise StoreError("the store answered: NOPERM at redis://me:secret@192.0.2.1")
        yield

    texts = []
    with capture_logs() as lines:
        for _ in range(2):
            listener = Listener()
            async with streaming(source, listener, opened) as ended:
                await over(ended)
            texts.append(listener.text)

    why = "the store answered: NOPERM at redis://me:***@192.0.2.1"
    expected = f'retry: 2000\n\nevent: store\ndata: {{"problem": "{why}"}}\n\n'
    assert [expected, expected] == texts
    assert [("event stream ended", "warning", why)] == [
        (line["event"], line["log_level"], line["problem"]) for line in lines
    ]
