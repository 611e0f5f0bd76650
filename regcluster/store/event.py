"""What the change feed tells of, and where in it a reader stands.

A feed is a stream per partition, so an event has an id of two parts, ``<partition>:<ms>-<seq>``,
and order is kept among the events of one address-of-record, not among those of two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from regcluster.errors import StoreError
from regcluster.registrar.binding import Binding
from regcluster.store.codec import decode
from regcluster.store.keys import bytes_text

Kind = Literal["added", "changed", "removed", "expired", "gap"]

MARGIN_MS = 10_000
"""Who goes on behind an event of one partition gets those of the others from so long before it:
there may be older ones among them that have not been told yet."""


@dataclass(slots=True, frozen=True)
class Event:
    """One change of one binding, as the store wrote it down with the change itself."""

    id: str
    """Its place in the feed; an event that is told twice has it twice."""
    kind: Kind
    """``gap``: events were lost here, for the feed is capped; all else about it is empty."""
    aor: str
    binding: Binding | None
    """The binding as it is now, or as it was last; None too if a newer node wrote it in a way that
    this one cannot read."""
    table: str
    reason: str = ""
    """Why it was removed, where nobody asked for that: ``owner``, whoever held its connection is
    gone."""

    @property
    def at(self) -> int:
        """When it happened, epoch ms on the store's clock."""
        return int(self.id.partition(":")[2].partition("-")[0])


@dataclass(slots=True, frozen=True)
class Since:
    """Where to begin: at ``ids`` in the partitions that it names, elsewhere at ``at``."""

    ids: Mapping[int, str] = field(default_factory=dict)
    """By partition, the ``<ms>-<seq>`` of the last event that is not to be told again."""
    at: int | None = None
    """Epoch ms, or below 0 that long before now; None: with what happens from now on."""


NOW = Since()


def since_id(text: str) -> Since:
    """Behind the event with that id. Raises ``ValueError`` for what is no id.

    Of other partitions some events may be told again.
    """
    partition, _, place = text.partition(":")
    milliseconds, _, sequence = place.partition("-")
    if not all(part.isascii() and part.isdigit() for part in (partition, milliseconds, sequence)):
        raise ValueError(f"{text!r} is no id of an event, such as 12:1700000000000-0")
    return Since({int(partition): place}, max(int(milliseconds) - MARGIN_MS, 0))


def read_event(entry: Sequence[object], partition: int, table: str) -> Event:
    """The event that an entry of a stream tells of, id and fields as RESP2 spells them."""
    place, flat = cast("tuple[bytes, list[bytes]]", entry)
    told = dict(zip(flat[::2], flat[1::2], strict=True))
    return Event(
        f"{partition}:{place.decode()}",
        cast("Kind", told[b"kind"].decode()),
        bytes_text(told[b"aor"]),
        _binding(told[b"key"], told[b"value"]),
        table,
        told.get(b"reason", b"").decode(),
    )


def _binding(key: bytes, value: bytes) -> Binding | None:
    try:
        return decode(key, value)
    except StoreError:
        return None
