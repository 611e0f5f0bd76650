"""The material: sequences of requests, as values, with the differences that they are to show.

A sequence is played to both programs for a user of its own. Each step is one request, which asks
for one function of the registrar; whatever the two answer has to be the same, but for what a
``Because`` says. That names a reason (``reasons.py``) and both answers, so a difference is checked
and not waved through. ``expect`` says what the peer itself answers.

In every text ``{user}`` stands for the sequence's user, ``{here}`` for the address of the program
that is asked, ``{phone}`` for a socket that answers what is relayed to it, ``{client}`` for the one
that asks, ``{ruid}``, ``{pub}`` and ``{temp}`` for what the program gave last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.wire import Rows

Value = str | int | list[str] | None
Seen = Mapping[str, Value]
"""What became of a step, by the names of ``outcome.py``; what is not there is None."""

INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
OTHER_INSTANCE = '+sip.instance="<urn:uuid:11111111-0000-1000-8000-000A95A0E128>"'
USER = "<sip:{user}@example.com>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """A difference: why it is there, and what each of the two has to say."""

    note: str
    peer: Seen
    ours: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, and what is to come of it."""

    do: str
    method: str = "REGISTER"
    target: str = "sip:example.com"
    rows: Mapping[str, Rows] = field(default_factory=dict)
    """Its headers; None leaves one out."""
    expect: Seen = field(default_factory=dict)
    differs: tuple[Because, ...] = ()
    on: Literal["both", "peer", "ours"] = "both"
    """Who is asked: some things only one of them has."""
    transport: Literal["udp", "tcp"] = "udp"
    until: Seen = field(default_factory=dict)
    """Ask again until this is seen: a lifetime has to end, or the news of a closed connection."""
    spread: tuple[int, int] | None = None
    """Lifetimes from here to there, both included, are shown as ``~``."""

    def asking(self, do: str) -> "Step":
        """The same request for another function."""
        return replace(self, do=do)

    def answers(self, **seen: Value) -> "Step":
        """The same request, of which it is known what the peer answers."""
        return replace(self, expect={**self.expect, **seen})

    def because(self, note: str, peer: Seen, ours: Seen) -> "Step":
        """The same request, to which the two answer differently for the reason ``note``."""
        return replace(self, differs=(*self.differs, Because(note=note, peer=peer, ours=ours)))

    def within(self, least: int, most: int) -> "Step":
        """The same request, whose lifetimes are drawn: ``~`` stands for each within the limits."""
        return replace(self, spread=(least, most))

    def only(self, who: Literal["peer", "ours"]) -> "Step":
        """The same request, to one of the two."""
        return replace(self, on=who)


@dataclass(frozen=True, slots=True)
class History:
    """Requests for one user, in order."""

    name: str
    steps: Sequence[Step]
    shows: tuple[str, ...] = ()
    """The stances that both follow, and the vectors of the reference (``#12``), seen here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Histories for which one pair of programs is started, with the same parameters."""

    name: str
    registrar: Mapping[str, str | int] = field(default_factory=dict)
    usrloc: Mapping[str, str | int] = field(default_factory=dict)
    ours: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings that only we have, by section."""
    advertise: str = ""
    """The host by which both are known outside; empty: the one they are bound to."""
    histories: Sequence[History] = ()


def register(*contacts: str, **rows: Rows) -> Step:
    """A REGISTER that is saved, with a Contact header for each of ``contacts``."""
    return Step(do="save", rows={"contact": list(contacts) or None, **rows})


def star(**rows: Rows) -> Step:
    """A REGISTER that removes everything."""
    all_rows: dict[str, Rows] = {"expires": 0, **rows}
    return register("*", **all_rows)


def lookup(
    target: str = "sip:{user}@example.com",
    method: str = "MESSAGE",
    **rows: Rows,
) -> Step:
    """A request that is looked up by its Request-URI."""
    return Step(do="lookup", method=method, target=target, rows=rows)


def call(do: str, **rows: Rows) -> Step:
    """A request that asks for the function ``do``."""
    return Step(do=do, method="MESSAGE", target="sip:{user}@example.com", rows=rows)


def of(subject: str, histories: Sequence[History]) -> list[History]:
    """Histories under the name of what they are about."""
    return [replace(history, name=f"{subject}: {history.name}") for history in histories]
