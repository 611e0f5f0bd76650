"""The built-in route script: a registrar that redirects to, or forwards to, what is registered.

REGISTER is saved. A request for a local user is answered 302 with every contact, or goes to the
best one in ``forward`` mode. A request without a user is for this server itself.
"""

from regcluster.config import RoutingSettings
from regcluster.proxy.forward import check
from regcluster.proxy.redirect import redirect
from regcluster.registrar.select import Target
from regcluster.route.call import Call
from regcluster.sip.uri import SipUri, Uri

ALLOW = [("Allow", "REGISTER, OPTIONS")]
CAPABILITIES = [
    *ALLOW,
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("Accept-Language", "en"),
    ("Supported", ""),
]

KNOWN_METHODS = frozenset(
    {
        *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS"),
        *("PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"),
    }
)
"""Methods there is an RFC for: 405 where we do not do them, 501 for any other (§8.2.1, §21.5.2)."""


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
        elif uri.user is None and call.ourselves.is_ours(uri) and call.method != "REGISTER":
            _answer_as_server(call)
        elif not self._serves(uri):
            call.reply(self._settings.foreign)
        elif call.method == "REGISTER":
            await self._register(call)
        elif uri.user is None:
            _answer_as_server(call)
        elif self._settings.mode == "forward":
            await self._forward(call)
        else:
            await self._redirect(call)

    def _serves(self, uri: Uri) -> bool:
        return not self._domains or (isinstance(uri, SipUri) and uri.host in self._domains)

    async def _register(self, call: Call) -> None:
        # RFC 3261 §10.3 step 5: an AOR of another domain is not found here.
        if self._domains and not self._serves(call.to):
            call.reply(404)
        else:
            await call.registrar.save()

    async def _redirect(self, call: Call) -> None:
        """Be the redirect server of RFC 3261 §8.3."""
        if call.method == "ACK":
            return  # It acknowledges a 302 of ours.
        if call.method == "CANCEL":
            call.reply(200)
            return
        reply = redirect(await call.registrar.lookup(), call.uri)
        if reply is None:
            self._not_found(call)
        else:
            call.effects.append(reply)

    async def _forward(self, call: Call) -> None:
        """Be the stateless proxy of RFC 3261 §16.11: one target, the same for every copy."""
        if refusal := check(call.request, call.ourselves.wrote):
            call.effects.append(refusal)
            return
        target = _best(await call.registrar.lookup())
        if target is None:
            self._not_found(call)
        else:
            call.forward(target)

    def _not_found(self, call: Call) -> None:
        """Nobody is there: who has named domains knows its users by them, who serves any does not.

        The first is asked again later (480), the second has never heard of the user (404).
        """
        call.reply(480 if self._domains else 404)


def _best(targets: list[Target]) -> Target | None:
    """The first target that SIP can reach: a phone may register ``mailto:`` as well."""
    for target in targets:
        if target.uri[:4].lower() in ("sip:", "sips"):
            return target
    return None


def _answer_as_server(call: Call) -> None:
    """Answer what is addressed to this server itself, not to a user (RFC 3261 §11.2, §8.2.1)."""
    if call.method == "OPTIONS":
        call.reply(200, headers=CAPABILITIES)
    elif call.method == "CANCEL":
        call.reply(481)
    elif call.method in KNOWN_METHODS:
        call.reply(405, headers=ALLOW)
    else:
        call.reply(501, headers=ALLOW)
