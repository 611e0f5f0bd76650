"""From a record to targets: which contacts a request may go to, best first.

The order is that of the record (highest q first, equal q oldest first), so every node chooses
alike, retransmissions included (RFC 3261 §16.11).
"""

from dataclasses import dataclass

from regcluster.config import RegistrarSettings
from regcluster.registrar.answer import expires_in
from regcluster.registrar.binding import Binding
from regcluster.registrar.plan import Record


@dataclass(slots=True)
class Target:
    """A binding chosen for routing."""

    uri: str
    q: int
    expires_in: int
    """Seconds the binding has left."""
    binding: Binding


def select(record: Record, settings: RegistrarSettings) -> list[Target]:
    """Every contact, or only the best where ``append_branches`` is off."""
    chosen = record.bindings if settings.append_branches else record.bindings[:1]
    return [Target(b.uri, b.q, expires_in(b, record.now), b) for b in chosen]
