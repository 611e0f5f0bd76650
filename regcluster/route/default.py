"""The built-in route script: a registrar that redirects to, or forwards to, what is registered.

REGISTER is saved. A request for a local user is answered 302 with every contact, or goes to the
best one in ``forward`` mode, statelessly (RFC 3261 §16.11): the same one for every copy, for ACK
and CANCEL too, as long as no binding comes or goes between them. A request without a user is for
this server itself.
"""

from typing import Final

from regcluster.config import RoutingSettings
from regcluster.proxy.nexthop import first_hop, target_of
from regcluster.registrar.branch import Branch
from regcluster.registrar.codes import LookupCode
from regcluster.registrar.gruu import instance_named
from regcluster.registrar.methods import bit
from regcluster.route.call import Call
from regcluster.sip.grammar import parse_tags
from regcluster.sip.message import METHODS
from regcluster.sip.uri import SipUri, Uri

ALLOW: Final = [("Allow", "REGISTER, OPTIONS")]
CAPABILITIES: Final = [
    *ALLOW,
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("Accept-Language", "en"),
    ("Supported", ""),
]

SIPS_NOT_ALLOWED: Final = [("Warning", '380 regcluster "SIPS Not Allowed"')]
"""A ``sips`` request for a user all of whose contacts are insecure (RFC 5630 §5.3)."""


class BuiltIn:
    """The script, with the settings of ``[routing]`` it follows."""

    __slots__ = ("_domains", "_settings")

    def __init__(self, settings: RoutingSettings) -> None:
        self._settings = settings
        self._domains = frozenset(domain.lower() for domain in settings.domains)

    async def route(self, call: Call) -> None:
        """Answer or forward one request."""
        uri = call.uri
        if not isinstance(uri, SipUri):
            call.reply(416)
        elif call.method == "REGISTER":
            if refusal := self._refuses(call, uri):
                call.reply(refusal)
            else:
                await call.registrar.save()
        elif uri.user is None and (self._serves(uri) or call.ourselves.is_ours(uri)):
            _answer_as_server(call)
        elif not self._serves(uri):
            call.reply(self._settings.foreign)
        elif self._settings.mode == "forward":
            await self._forward(call, uri)
        else:
            await self._redirect(call)

    def _serves(self, uri: SipUri) -> bool:
        return not self._domains or uri.host in self._domains

    def _refuses(self, call: Call, uri: SipUri) -> int:
        """The status for a REGISTER that is for no domain of ours, 0 for one that is.

        A user in the Request-URI, not allowed, is ignored.
        """
        if not self._serves(uri):
            return self._settings.foreign
        return 404 if self._domains and self._is_foreign(call.to) else 0

    def _is_foreign(self, aor: Uri) -> bool:
        """Whether ``aor`` is one of another domain: not found here (RFC 3261 §10.3 step 5).

        What is no AOR at all is the registrar's to refuse.
        """
        return isinstance(aor, SipUri) and not self._serves(aor)

    async def _redirect(self, call: Call) -> None:
        """Be the redirect server of RFC 3261 §8.3."""
        if call.method == "ACK":
            return  # It acknowledges a 302 of ours.
        if call.method == "CANCEL":
            call.reply(200)
            return
        code = await call.registrar.lookup()
        if not (code and call.redirect()):
            await self._not_found(call, code)

    async def _forward(self, call: Call, uri: SipUri) -> None:
        """Be the stateless proxy of RFC 3261 §16.11: one target, the same for every copy."""
        if refusal := call.refusal:
            call.answer(refusal)
            return
        if call.request.first("route") is not None:
            # Whoever knows one of our users could else have us send to any host there is. Any that
            # names us is off by now, and we never Record-Route: no honest request has another.
            call.reply(403, "Preloaded Route Denied")
            return
        is_secure = uri.scheme == "sips"
        code = await call.registrar.lookup()
        best = _best(call, is_secure) if code else None
        if best:
            call.forward(best)
        elif code and is_secure:
            call.reply(480, headers=SIPS_NOT_ALLOWED)
        else:
            await self._not_found(call, code)

    async def _not_found(self, call: Call, code: LookupCode) -> None:
        """Nobody is there: who has named domains knows its users by them, who serves any does not.

        The first is asked again later (480), the second has never heard of the user (404), unless
        there are contacts, if only such as lead nowhere (480). A phone that is there and does not
        take the method says which ones it does (405). What names no user, and what was one of those
        temporary GRUUs that end with their binding, is not found.
        """
        if code == LookupCode.NOT_ALLOWED and (allowed := await _allowed(call)):
            call.reply(405, headers=[("Allow", ", ".join(allowed))])
        else:
            is_over = code == LookupCode.NOT_FOUND and _is_temporary(call.uri)
            is_nobody = is_over or code == LookupCode.FAILED
            is_known = bool(self._domains) or code == LookupCode.FOUND
            call.reply(480 if is_known and not is_nobody else 404)


def _best(call: Call, is_secure: bool) -> Branch | None:
    """The first branch we can send to; a ``sips`` one if it has to be (RFC 5630 §5.3).

    A phone may register ``mailto:`` as well, or a transport we do not speak.
    """
    for branch in call.branches:
        target = target_of(branch)
        is_fit = target is not None and (target.scheme == "sips" or not is_secure)
        if is_fit and first_hop(call.request, branch):
            return branch
    return None


def _is_temporary(uri: Uri) -> bool:
    return isinstance(uri, SipUri) and instance_named(uri) == ""


async def _allowed(call: Call) -> list[str]:
    """The methods that some phone of the user takes."""
    profile = await call.registrar.reg_fetch_contacts()
    masks = [binding.methods for binding in profile.record.bindings] if profile else []
    return [method for method in sorted(METHODS) if any(bit(method) & mask for mask in masks)]


def _answer_as_server(call: Call) -> None:
    """Answer what is addressed to this server itself, not to a user (RFC 3261 §11.2, §8.2.1)."""
    if call.method == "OPTIONS":
        if required := parse_tags(call.request.all("require")):
            # RFC 3261 §8.2.2.3: there is no extension here for what is not a REGISTER.
            call.reply(420, headers=[("Unsupported", ", ".join(required))])
            return
        # RFC 3261 §11.2: as it would answer an INVITE; balancers ask before they send anything.
        call.reply(200 if call.ourselves.is_ready else 503, headers=CAPABILITIES)
    elif call.method == "CANCEL":
        call.reply(481)
    elif call.method in METHODS:
        call.reply(405, headers=ALLOW)
    else:
        # RFC 3261 §21.5.2: nobody knows such a method.
        call.reply(501, headers=ALLOW)
