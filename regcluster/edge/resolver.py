"""From the host of a next hop to an address a socket can use.

An address stays what it is. A name is asked of the system's resolver, outside the event loop, and
the answer is kept for a while; who asks for a name that is being asked for waits for the same
answer. This is the last step of RFC 3263 alone: no NAPTR, no SRV, no second address to fall back
on. Transport and port have been decided by whoever made the hop.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable

KEEP_S = 60.0
"""The system's resolver does not tell how long an answer holds; this is a usual time."""

KEEP_FAILURE_S = 5.0
"""Long enough that calls to a dead name do not queue up, short enough to notice its return."""

LOOKUP_S = 3.0
"""The longest a caller waits; system resolvers may go on for half a minute."""

MAX_NAMES = 1024
"""Names kept. Contacts are written by phones, so they must not fill our memory."""

Lookup = Callable[[str], Awaitable[list[str]]]
"""Addresses of a name, best first. Raises ``OSError`` or ``UnicodeError`` if there are none."""


def system_lookup(family: socket.AddressFamily = socket.AF_UNSPEC) -> Lookup:
    """The resolver of this machine, for addresses of one family or of any."""

    async def lookup(name: str) -> list[str]:
        loop = asyncio.get_running_loop()
        rows = await loop.getaddrinfo(name, None, family=family, type=socket.SOCK_DGRAM)
        return [str(row[4][0]) for row in rows]

    return lookup


class Resolver:
    """Names to addresses, remembered; ``now`` is a monotonic clock in seconds."""

    def __init__(
        self, lookup: Lookup | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._lookup = lookup or system_lookup()
        self._now = now
        self._kept: dict[str, tuple[str | None, float]] = {}
        self._asked: dict[str, asyncio.Task[str | None]] = {}

    async def resolve(self, host: str) -> str | None:
        """The address of ``host``; None if that is a name which leads nowhere."""
        return literal(host) or await self._address(host.lower())

    async def _address(self, name: str) -> str | None:
        address, until = self._kept.get(name, (None, 0.0))
        if self._now() < until:
            return address
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = asyncio.create_task(self._ask(name))
            task.add_done_callback(lambda _: self._asked.pop(name))
        # A caller that gives up must not take the answer away from the others.
        return await asyncio.shield(task)

    async def _ask(self, name: str) -> str | None:
        address = None
        try:
            async with asyncio.timeout(LOOKUP_S):
                address = (await self._lookup(name))[0]
        except (OSError, UnicodeError):
            # No such name, no answer in time, or no name at all: the hop cannot be reached.
            pass
        keep = KEEP_FAILURE_S if address is None else KEEP_S
        self._kept.pop(name, None)
        if len(self._kept) >= MAX_NAMES:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = (address, self._now() + keep)
        return address


def literal(host: str) -> str | None:
    """An IP address in the one way sockets spell it, without brackets; None for a name."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return None
