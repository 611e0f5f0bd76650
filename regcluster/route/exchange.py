"""One request and what shall become of it: all that a script sees but the registrar.

Whatever a script wants done is recorded here as effects, in order; the worker performs them after
the script has returned. There is no socket, store or setting to be had, so a test runs a script
and reads the effects. What most requests never need is made when it is first asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Protocol

from regcluster.errors import MalformedHeader, ScriptError
from regcluster.proxy.forward import check
from regcluster.proxy.redirect import redirect
from regcluster.registrar.branch import MAX_BRANCHES, Branch
from regcluster.registrar.serial import classes
from regcluster.route.values import Avps, Xavps, flag_bit
from regcluster.sip.headers import Via
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.reply import REASONS, Reply
from regcluster.sip.uri import SipUri, Uri, parse_uri

MAX_USUAL: Final = 256
"""Longest URI worth remembering: parameters that fill a datagram take a megabyte."""


@dataclass(slots=True)
class Forward:
    """The effect of sending the request on along ``branch``."""

    branch: Branch
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Rows to add to what is sent."""


Effect = Reply | Forward


class Source(Protocol):
    """The flow a request came by, as far as a script may know it."""

    @property
    def transport(self) -> str:
        """``UDP``, ``TCP`` or ``TLS``."""

    @property
    def peer(self) -> Hop:
        """Where it really came from."""

    @property
    def local(self) -> Hop:
        """Our address as the peer sees it, with the port we listen on."""

    @property
    def token(self) -> str:
        """The name of a live connection, empty for UDP."""


class Ourselves(Protocol):
    """Tells what on the wire means this node."""

    def is_ours(self, uri: SipUri) -> bool:
        """Whether a SIP URI names an address this node listens on or advertises."""

    def wrote(self, via: Via) -> bool:
        """Whether a Via is one this node put there."""

    def advertised(self, local: Hop) -> Hop:
        """How the world outside calls ``local``, an address of ours in use."""

    def own_socket(self, text: str) -> Hop | None:
        """The socket of ours that ``text``, such as ``udp:192.0.2.1:5060``, names."""

    @property
    def is_ready(self) -> bool:
        """Whether more requests should come here: not while it leaves, or has no store."""

    @property
    def node(self) -> str:
        """The name of this node in the cluster."""


# The REGISTERs of a domain all have one Request-URI.
_usual = lru_cache(maxsize=64)(parse_uri)


def read_uri(text: str) -> Uri:
    """Read a URI. Raises ``MalformedHeader``."""
    return _usual(text) if len(text) <= MAX_USUAL else parse_uri(text)


class Exchange:
    """A request on its way through a route script."""

    __slots__ = (
        "_avp",
        "_branches",
        "_is_checked",
        "_refusal",
        "_xavp",
        "added_headers",
        "effects",
        "flags",
        "ourselves",
        "reply_headers",
        "request",
        "source",
    )

    def __init__(self, request: Request, source: Source, ourselves: Ourselves) -> None:
        self.request = request
        self.source = source
        self.ourselves = ourselves
        self.flags = 0
        """The flags of the message, one bit each; see ``setflag``."""
        self.reply_headers: list[tuple[str, str]] = []
        """Rows for every reply that is recorded from now on, the registrar's too."""
        self.added_headers: list[tuple[str, str]] = []
        """Rows for the request when it is sent on."""
        self.effects: list[Effect] = []
        self._branches: list[Branch] | None = None
        self._avp: Avps | None = None
        self._xavp: Xavps | None = None
        self._is_checked = False
        self._refusal: Reply | None = None

    @property
    def method(self) -> str:
        """The request's method, case kept: methods are case-sensitive."""
        return self.request.method

    @property
    def target(self) -> str:
        """The current Request-URI as text: the URI of branch 0."""
        return self._branches[0].uri if self._branches else self.request.uri

    @property
    def uri(self) -> Uri:
        """The current Request-URI. Raises ``MalformedHeader``, which becomes a 400."""
        return read_uri(self.target)

    @property
    def source_uri(self) -> str:
        """Where the request really came from, as a URI; UDP goes without saying."""
        peer, transport = self.source.peer, self.source.transport.lower()
        return f"sip:{peer.render()}" + ("" if transport == "udp" else f";transport={transport}")

    @property
    def to(self) -> Uri:
        """The To URI, which names the AOR of a REGISTER. Raises ``MalformedHeader``."""
        return parse_uri(self.request.to.uri)

    @property
    def refusal(self) -> Reply | None:
        """Why the request may go no further, if so (RFC 3261 §16.3). Raises ``MalformedHeader``."""
        if not self._is_checked:
            self._refusal = check(self.request, self.ourselves.wrote)
            self._is_checked = True
        return self._refusal

    @property
    def branches(self) -> list[Branch]:
        """Where the request may go. Branch 0 is its Request-URI, which is always there."""
        if self._branches is None:
            self._branches = [Branch(self.request.uri)]
        return self._branches

    @property
    def avp(self) -> Avps:
        """The AVPs."""
        if self._avp is None:
            self._avp = Avps()
        return self._avp

    @property
    def xavp(self) -> Xavps:
        """The XAVPs."""
        if self._xavp is None:
            self._xavp = Xavps()
        return self._xavp

    @property
    def bflags(self) -> int:
        """The flags of branch 0, one bit each; see ``setbflag``."""
        return self._branches[0].flags if self._branches else 0

    @property
    def has_values(self) -> bool:
        """Whether the script has touched AVPs, XAVPs, flags or branches at all."""
        return bool(self._avp or self._xavp or self.flags or self._branches)

    def setflag(self, number: int) -> None:
        """Set flag ``number`` of the message."""
        self.flags |= flag_bit(number)

    def resetflag(self, number: int) -> None:
        """Take flag ``number`` of the message back."""
        self.flags &= ~flag_bit(number)

    def isflagset(self, number: int) -> bool:
        """Whether flag ``number`` of the message is set."""
        return bool(self.flags & flag_bit(number))

    def setbflag(self, number: int, branch: int = 0) -> None:
        """Set flag ``number`` of a branch; those of branch 0 are saved with a REGISTER."""
        self.branches[branch].flags |= flag_bit(number)

    def resetbflag(self, number: int, branch: int = 0) -> None:
        """Take flag ``number`` of a branch back."""
        self.branches[branch].flags &= ~flag_bit(number)

    def isbflagset(self, number: int, branch: int = 0) -> bool:
        """Whether flag ``number`` of a branch is set."""
        return bool(self.branches[branch].flags & flag_bit(number))

    def append_branch(self, branch: Branch) -> bool:
        """One more place to go to; False where there are ``MAX_BRANCHES`` already."""
        if len(self.branches) >= MAX_BRANCHES:
            return False
        self.branches.append(branch)
        return True

    def reply(self, status: int, reason: str = "", headers: Sequence[tuple[str, str]] = ()) -> None:
        """Answer with ``status``; the reason phrase defaults to the standard one."""
        self.answer(Reply(status, reason or REASONS[status], list(headers)))

    def answer(self, reply: Reply) -> None:
        """Answer with ``reply``, and with what is in ``reply_headers``."""
        if self.reply_headers:
            reply = replace(reply, headers=[*reply.headers, *self.reply_headers])
        self.effects.append(reply)

    def forward(self, target: Branch | str | None = None) -> None:
        """Send the request on, statelessly (RFC 3261 §16.11): to branch 0, another, or a URI.

        If it may go no further (§16.3), the answer that says so is recorded instead: no script can
        let a loop go round. Raises ``MalformedHeader`` like ``uri``.
        """
        if refusal := self.refusal:
            self.answer(refusal)
            return
        if target is None:
            target = self.branches[0]
        # A copy: what the script does to the branch from now on is about something else.
        branch = Branch(target) if isinstance(target, str) else replace(target)
        self.effects.append(Forward(branch, list(self.added_headers)))

    def redirect(self) -> bool:
        """Answer 302 with the branches, best first; False if none leads anywhere else.

        Of the flows of one device only the first is offered (RFC 3261 §8.3, RFC 5626 §7).
        """
        offered = [branch for members in classes(self.branches) for branch in members.first]
        try:
            reply = redirect(offered, read_uri(self.request.uri))
        except MalformedHeader as broken:
            raise ScriptError(f"a branch has no URI to redirect to: {broken.reason}") from None
        if reply is None:
            return False
        self.answer(reply)
        return True
