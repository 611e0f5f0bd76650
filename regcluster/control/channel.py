"""What supervisor and worker say to each other: JSON lines over a socket pair.

Settings travel here and not on the command line, where any user of the machine could read a
password. Either side sees the other's end as the end of the stream.
"""

import asyncio
import socket
from typing import Generic, TypeVar

import msgspec

from regcluster.config import Settings

MAX_LINE = 16 * 1024 * 1024


class Start(msgspec.Struct, tag="start", frozen=True):
    """To a worker, first: who it is and what it shall do."""

    settings: Settings
    worker: int
    workers: int
    folder: str
    """Directory of the node's own, for the relay."""


class Apply(msgspec.Struct, tag="apply", frozen=True):
    """To a worker: settings have changed. It answers ``Applied``."""

    settings: Settings
    rereads: bool = True
    """Whether files that settings name, such as a script, are to be read again: on SIGHUP."""


class Applied(msgspec.Struct, tag="applied", frozen=True):
    """From a worker, once for each ``Apply``: it goes by those settings from now on."""

    problem: str = ""
    """Why it goes on with the route script it had; empty if it has what it was told to have."""


class Leave(msgspec.Struct, tag="leave", frozen=True):
    """To a worker: go on as before, and say to balancers that ask that no more is to come."""


class Drain(msgspec.Struct, tag="drain", frozen=True):
    """To a worker: take nothing new, end what is in flight, and exit."""

    within_s: float


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """From a worker: its sockets are open."""


class Status(msgspec.Struct, tag="status", frozen=True):
    """From a worker, about once a second, and at once when there is something new to say.

    A worker that stays silent is taken to be stuck.
    """

    store_problem: str
    """Why its store does not answer; empty if it does."""


class Fatal(msgspec.Struct, tag="fatal", frozen=True):
    """From a worker: it cannot start, and neither could the next one."""

    problem: str


Order = Start | Apply | Leave | Drain
Report = Ready | Status | Applied | Fatal

Sent = TypeVar("Sent")
Received = TypeVar("Received")


class Channel(Generic[Sent, Received]):
    """One end. ``receive`` gives None when the other end is gone."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        decoder: msgspec.json.Decoder[Received],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = decoder

    def send(self, message: Sent) -> None:
        """Send, or do nothing if the other end is gone."""
        if not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")

    async def receive(self) -> Received | None:
        """The next message."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        return self._decoder.decode(line) if line.endswith(b"\n") else None

    def close(self) -> None:
        """Leave; the other end sees it."""
        self._writer.close()


async def supervisor_end(end: socket.socket) -> Channel[Order, Report]:
    """The supervisor's end of a channel."""
    streams = await asyncio.open_connection(sock=end, limit=MAX_LINE)
    return Channel(*streams, msgspec.json.Decoder(Report))


async def worker_end(end: socket.socket) -> Channel[Report, Order]:
    """The worker's end of a channel."""
    streams = await asyncio.open_connection(sock=end, limit=MAX_LINE)
    return Channel(*streams, msgspec.json.Decoder(Order))
