"""What a route script sees of one request: read it, ask the registrar, record what shall happen.

A script awaits ``call.registrar`` and records effects (``reply``, ``forward``); the worker performs
them after the script has returned. There is no socket, store or setting to be had here, so a test
runs a script over any store and reads the effects.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from regcluster.location import Location
from regcluster.proxy.forward import check
from regcluster.registrar.select import Target
from regcluster.sip.headers import Via, parse_name_addr
from regcluster.sip.message import Request
from regcluster.sip.reply import REASONS, Reply
from regcluster.sip.uri import SipUri, Uri, parse_uri


@dataclass(slots=True)
class Forward:
    """The effect of sending the request on to ``target``, a SIP URI."""

    target: str


class Ourselves(Protocol):
    """Tells what on the wire means this node."""

    def is_ours(self, uri: SipUri) -> bool:
        """Whether a SIP URI names an address this node listens on or advertises."""

    def wrote(self, via: Via) -> bool:
        """Whether a Via is one this node put there."""


# The REGISTERs of a domain all have one Request-URI.
_request_uri = lru_cache(maxsize=64)(parse_uri)

Effect = Reply | Forward
Route = Callable[["Call"], Awaitable[None]]
"""A route script: one coroutine function of a call."""


class RegistrarFace:
    """The registrar's functions, bound to one call."""

    __slots__ = ("_call", "_location")

    def __init__(self, call: "Call", location: Location) -> None:
        self._call = call
        self._location = location

    async def save(self) -> Reply:
        """Process the request as a REGISTER and reply to it; the reply is returned too."""
        reply = await self._location.save(self._call.request)
        self._call.effects.append(reply)
        return reply

    async def lookup(self) -> list[Target]:
        """The contacts of the user in the Request-URI, best first."""
        return await self._location.lookup(self._call.uri)


class Call:
    """One request on its way through a route script."""

    __slots__ = (
        "_is_checked",
        "_refusal",
        "_uri",
        "effects",
        "ourselves",
        "registrar",
        "request",
    )

    def __init__(self, request: Request, location: Location, ourselves: Ourselves) -> None:
        self.request = request
        self.ourselves = ourselves
        self.registrar = RegistrarFace(self, location)
        self.effects: list[Effect] = []
        self._uri: Uri | None = None
        self._is_checked = False
        self._refusal: Reply | None = None

    @property
    def method(self) -> str:
        """The request's method, case kept: methods are case-sensitive."""
        return self.request.method

    @property
    def uri(self) -> Uri:
        """The Request-URI. Raises ``MalformedHeader``, which the worker answers with a 400."""
        if self._uri is None:
            self._uri = _request_uri(self.request.uri)
        return self._uri

    @property
    def refusal(self) -> Reply | None:
        """Why the request may go no further, if so (RFC 3261 §16.3). Raises ``MalformedHeader``."""
        if not self._is_checked:
            self._refusal = check(self.request, self.ourselves.wrote)
            self._is_checked = True
        return self._refusal

    @property
    def to(self) -> Uri:
        """The To URI, which names the AOR of a REGISTER. Raises ``MalformedHeader``."""
        return parse_uri(parse_name_addr(self.request.first("to") or "").uri)

    def reply(self, status: int, reason: str = "", headers: Sequence[tuple[str, str]] = ()) -> None:
        """Answer with ``status``; the reason phrase defaults to the standard one."""
        self.effects.append(Reply(status, reason or REASONS[status], list(headers)))

    def forward(self, target: Target | str) -> None:
        """Send the request on, statelessly, to a target or a SIP URI (RFC 3261 §16.11).

        If it may go no further (§16.3), the answer that says so is recorded instead: no script can
        let a loop go round. Raises ``MalformedHeader`` like ``uri``.
        """
        uri = target if isinstance(target, str) else target.uri
        self.effects.append(self.refusal or Forward(uri))
