"""Questions about who is who, each over a connection of its own that is dropped afterwards.

A link asks them when it has lost its way, never for a call: they cost connections, and they have
their own, short, patience. redis-py would do the same in half a second more for each server that
hangs, and its import costs a worker 45 MB.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regcluster.errors import StoreError, StoreUnavailable, told
from regcluster.store.connection import LATE, Arg, Connection, exchange, unless_refused
from regcluster.store.endpoint import Endpoint, Place

PATIENCE_S = 0.3
"""How long one server may take to connect and to answer."""


async def ask(place: Place, *commands: tuple[Arg, ...]) -> list[Any]:
    """The replies to ``commands``. Raises ``StoreError``, ``StoreUnavailable``, ``OSError``."""
    connection = Connection(lambda ended: None)
    introduction = place.introduction
    try:
        async with asyncio.timeout(PATIENCE_S):
            await place.connect(lambda: connection)
            replies = unless_refused(await exchange(connection, [*introduction, *commands]))
    except TimeoutError:
        raise StoreUnavailable(LATE) from None
    finally:
        connection.abort("answered")
    return replies[len(introduction) :]


async def ask_all(
    places: Sequence[Endpoint], *commands: tuple[Arg, ...]
) -> list[tuple[Endpoint, list[Any]]]:
    """Those that answered, with what they did; the first one's excuse if there are none."""
    asked = [ask(place, *commands) for place in places]
    replies = await asyncio.gather(*asked, return_exceptions=True)
    answers, excuses = [], []
    for place, reply in zip(places, replies, strict=True):
        if isinstance(reply, list):
            answers.append((place, reply))
        elif isinstance(reply, StoreError | OSError):
            excuses.append(f"{place.label}: {told(reply)}")
        else:
            raise reply
    if not answers:
        raise StoreUnavailable(excuses[0])
    return answers


@dataclass(slots=True, frozen=True)
class Primary:
    """One primary of a Cluster."""

    host: str
    port: int
    id: bytes


@dataclass(slots=True, frozen=True)
class SlotMap:
    """Who owns which slots, as one server saw it at one moment."""

    epoch: int
    """The higher, the later the last change that server knew of."""
    ranges: tuple[tuple[int, int, Primary], ...]
    """First and last slot, and their primary."""

    def owner(self, slot: int) -> Primary | None:
        """The primary of ``slot``; ``None``: it has none."""
        for low, high, primary in self.ranges:
            if low <= slot <= high:
                return primary
        return None

    @property
    def primaries(self) -> set[Primary]:
        """All of them."""
        return {primary for _, _, primary in self.ranges}


CLUSTER_QUESTIONS: tuple[tuple[Arg, ...], ...] = ((b"CLUSTER", b"INFO"), (b"CLUSTER", b"SLOTS"))


async def ask_slots(places: Sequence[Endpoint]) -> SlotMap:
    """The slot map as the best informed of ``places`` has it.

    Raises ``StoreUnavailable`` when none of them answers, and ``StoreError`` for an answer that
    is none.
    """
    answers = await ask_all(places, *CLUSTER_QUESTIONS)
    maps = [read_slots(place.host, *replies) for place, replies in answers]
    return max(maps, key=lambda found: found.epoch)


def read_slots(host: str, info: bytes, slots: Sequence[Any]) -> SlotMap:
    """The replies to ``CLUSTER_QUESTIONS`` of the server at ``host``."""
    facts = dict(line.split(b":", 1) for line in info.splitlines() if b":" in line)
    ranges = []
    for low, high, (given, port, id_, *_), *_ in slots:
        # A server may leave its own name out, or say that it does not know it.
        name = host if given in (None, b"", b"?") else given.decode()
        ranges.append((low, high, Primary(name, port, id_)))
    return SlotMap(int(facts.get(b"cluster_current_epoch", 0)), tuple(ranges))
