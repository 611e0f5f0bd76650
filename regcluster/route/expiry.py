"""How a script is told of a binding that has expired (``registrar.event_callback``).

One written for us is given the event. One of Kamailio's, which asks ``KSR`` for what it wants to
know, finds the binding in ``$ulc(exp=>...)`` and a request that nobody sent, as it would there:
what it does to that comes to nothing.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from regcluster.location import Location, Profile
from regcluster.registrar.plan import Record
from regcluster.route.call import Call, Ourselves
from regcluster.route.sync import run_sync
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.store.event import Event

PROFILE = "exp"
"""Where ``$ulc`` has the binding."""

EVENT = "usrloc:contact-expired"
"""What Kamailio calls it."""


class Callback(Protocol):
    """Tells a script of one expiry; whatever the script raises, this raises."""

    def __call__(
        self, event: Event, location: Location, ourselves: Ourselves
    ) -> Awaitable[None]: ...


_HERE = Hop("UDP", "127.0.0.1", 5060)


@dataclass(slots=True, frozen=True)
class _Nobody:
    """Where a request came from that nobody sent."""

    transport: str = _HERE.transport
    peer: Hop = _HERE
    local: Hop = _HERE
    token: str = ""


def tell_of(function: Callable[[Event], Awaitable[object]]) -> Callback:
    """For ``async def function(event)``."""

    async def tell(event: Event, location: Location, ourselves: Ourselves) -> None:
        # A script that exits ends its own run only, never the worker.
        with suppress(SystemExit):
            await function(event)

    return tell


def tell_kemi(function: Callable[[Call, str], object]) -> Callback:
    """For ``def function(msg, name)`` of a script that speaks to ``KSR``."""

    def run(call: Call) -> None:
        with suppress(SystemExit):
            function(call, EVENT)

    async def tell(event: Event, location: Location, ourselves: Ourselves) -> None:
        call = Call(_unsent(), _Nobody(), location, ourselves)
        bindings = [event.binding] if event.binding else []
        record = Record(event.at, bindings)
        call.registrar.profiles = {PROFILE: Profile(event.aor, event.table, record)}
        await run_sync(run, call)

    return tell


def _unsent() -> Request:
    nobody = "<sip:nobody@localhost>"
    rows = [
        ("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK-none"),
        ("From", f"{nobody};tag=none"),
        ("To", nobody),
        ("Call-ID", "none@localhost"),
        ("CSeq", "1 OPTIONS"),
        ("Max-Forwards", "70"),
    ]
    headers = [(name.lower(), value) for name, value in rows]
    lines = [f"{name}: {value}" for name, value in rows]
    return Request("OPTIONS", "sip:nobody@localhost", headers, lines, b"")
