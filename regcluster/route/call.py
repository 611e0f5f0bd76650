"""What a route script sees of one request: read it, ask the registrar, record what shall happen.

A script awaits ``call.registrar`` and records effects (``reply``, ``forward``, ``redirect``); the
worker performs them after the script has returned.
"""

from collections.abc import Awaitable, Callable

from regcluster.location import Location
from regcluster.registrar.branch import MAX_BRANCHES
from regcluster.route.exchange import (
    Effect,
    Exchange,
    Forward,
    Ourselves,
    Source,
)
from regcluster.route.registrar import Memory, RegistrarFace
from regcluster.sip.message import Request

__all__ = [
    "Call",
    "Effect",
    "Forward",
    "Route",
    "Source",
    "Ourselves",
    "MAX_BRANCHES",
]

Route = Callable[["Call"], Awaitable[None]]
"""A route script: one coroutine function of a call."""


class Call(Exchange):
    """One request on its way through a route script, with the registrar at hand."""

    __slots__ = ("_location", "_memory")

    def __init__(
        self, request: Request, source: Source, location: Location, ourselves: Ourselves
    ) -> None:
        super().__init__(request, source, ourselves)
        self._location = location
        self._memory = Memory()

    @property
    def registrar(self) -> RegistrarFace:
        """The registrar, bound to this call."""
        # A new one each time. Kept here it would close a circle, which would leave all of the
        # request to the garbage collector: a tenth of what a REGISTER costs.
        return RegistrarFace(self, self._location, self._memory)
