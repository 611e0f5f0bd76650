"""From the host of a next hop to an address a socket can use.

An address stays what it is. A name is asked of the system's resolver, outside the event loop, and
the answer is kept for a while; who asks for a name that is being asked for waits for the same
answer. The system cannot be told to stop: who has waited long enough goes, the lookup goes on, and
so only so many are begun. This is the last step of RFC 3263 alone: no NAPTR, no SRV, no second
address to fall back on. Transport and port have been decided by whoever made the hop.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TypeVar

KEEP_S = 60.0
"""The system's resolver does not tell how long an answer holds; this is a usual time."""

KEEP_FAILURE_S = 5.0
"""Long enough that calls to a dead name do not queue up, short enough to notice its return."""

LOOKUP_S = 3.0
"""The longest a caller waits; system resolvers may go on for half a minute."""

MAX_LOOKUPS = 16
"""Lookups under way. A few contacts on slow name servers would else take all there are."""

MAX_NAMES = 1024
"""Names kept. Contacts are written by phones, so they must not fill our memory."""

T = TypeVar("T")

Lookup = Callable[[str], Awaitable[list[str]]]
"""Addresses of a name, best first. Raises ``OSError`` or ``UnicodeError`` if there are none."""


def system_lookup(family: socket.AddressFamily = socket.AF_UNSPEC) -> Lookup:
    """The resolver of this machine, for addresses of one family or of any."""
    ask = partial(socket.getaddrinfo, port=None, family=family, type=socket.SOCK_DGRAM)

    async def lookup(name: str) -> list[str]:
        rows = await asyncio.wrap_future(_in_a_thread(ask, name))
        return [str(row[4][0]) for row in rows]

    return lookup


def _in_a_thread(ask: Callable[[str], list[T]], name: str) -> "Future[list[T]]":
    """What ``ask`` answers, from a thread of its own.

    An event loop has a few threads for this (uvloop four), so a few slow names would hold up all
    others. Those of a pool are waited for when the process ends, by the half minute.
    """
    answer = Future[list[T]]()
    answer.set_running_or_notify_cancel()  # Nobody can take it back now.

    def run() -> None:
        try:
            answer.set_result(ask(name))
        except Exception as why:
            answer.set_exception(why)

    Thread(target=run, name="lookup", daemon=True).start()
    return answer


class Resolver:
    """Names to addresses, remembered; ``now`` is a monotonic clock in seconds."""

    def __init__(
        self,
        lookup: Lookup | None = None,
        now: Callable[[], float] = time.monotonic,
        lookup_s: float = LOOKUP_S,
    ) -> None:
        self._lookup = lookup or system_lookup()
        self._now = now
        self._lookup_s = lookup_s
        self._kept: dict[str, tuple[str | None, float]] = {}
        self._asked: dict[str, asyncio.Task[str | None]] = {}

    async def resolve(self, host: str) -> str | None:
        """The address of ``host``; None if it is a name which leads nowhere, or cannot be asked."""
        return literal(host) or await self._address(host.lower())

    async def _address(self, name: str) -> str | None:
        address, until = self._kept.get(name, (None, 0.0))
        if self._now() < until:
            return address
        task = self._asked.get(name)
        if task is None:
            if len(self._asked) >= MAX_LOOKUPS:
                return None
            task = self._asked[name] = asyncio.create_task(self._ask(name))
            task.add_done_callback(lambda _: self._asked.pop(name))
        try:
            async with asyncio.timeout(self._lookup_s):
                # A caller that gives up must not take the answer away from the others.
                return await asyncio.shield(task)
        except TimeoutError:
            self._keep(name, None)
            return None

    async def _ask(self, name: str) -> str | None:
        address = None
        # No such name, or no name at all: the hop cannot be reached.
        with suppress(OSError, UnicodeError):
            address = (await self._lookup(name))[0]
        self._keep(name, address)
        return address

    def _keep(self, name: str, address: str | None) -> None:
        keep = KEEP_FAILURE_S if address is None else KEEP_S
        self._kept.pop(name, None)
        if len(self._kept) >= MAX_NAMES:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = (address, self._now() + keep)


def literal(host: str) -> str | None:
    """An IP address in the one way sockets spell it, without brackets; None for a name."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return None
