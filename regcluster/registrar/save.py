"""From a REGISTER to a plan: RFC 3261 §10.3, as far as the request alone decides it.

Reads top to bottom like that section. Whatever depends on stored bindings is left to the store's
script; whatever is wrong with the request ends here as a ``Refusal``, before anything was touched.
Authentication and the check that the domain is ours come before, in the route script.
"""

from collections.abc import Callable
from dataclasses import dataclass

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.aor import BAD_AOR, canonical_aor
from regcluster.registrar.binding import match_key
from regcluster.registrar.lifetime import Spread, grant
from regcluster.registrar.plan import Change, Refusal, SavePlan
from regcluster.sip.grammar import Params, parse_tags
from regcluster.sip.headers import (
    STAR,
    Contact,
    parse_contacts,
    parse_delta,
    parse_expires,
    parse_name_addr,
    parse_q,
)
from regcluster.sip.message import Request
from regcluster.sip.uri import parse_uri

MAX_CALL_ID = 255
"""Longest Call-ID, octets (Kamailio's limit)."""

MAX_USER_AGENT = 254
"""Longest User-Agent worth keeping, octets (Kamailio's limit)."""

MAX_PARAMS = 4096
"""Octets of parameters kept with a contact: more than the feature tags of any phone take, and far
from what a datagram, into which all contacts of a user have to go, can hold."""

MAX_CONTACTS = 256
"""Contacts one request may name; it bounds what one script call does."""

MAX_BINDINGS = 256
"""Bindings an AOR may have where nobody has set a limit. Every save reads and answers all of them:
ten thousand held up the store for a quarter of a second, and everybody's calls with it."""

SUPPORTED: frozenset[str] = frozenset()
"""Option tags a REGISTER may require of us."""

OUTBOUND = "outbound"
"""The one tag that Kamailio refuses as well, where it is told not to speak outbound."""

NOT_KEPT = frozenset({"q", "expires", "received", "pub-gruu", "temp-gruu"})
"""Contact parameters that are ours to set: read or ignored, never stored as the phone sent them.
A phone that could set ``received`` would choose where calls are sent."""


@dataclass(slots=True)
class Planner:
    """What turns requests into plans: settings, and the two sources of chance."""

    registrar: RegistrarSettings
    location: LocationSettings
    next_ruid: Callable[[], str]
    spread: Spread

    def plan(self, request: Request) -> SavePlan | Refusal:
        """Plan one REGISTER, or refuse it (RFC 3261 §10.3 steps 2, 5, 6 and 7)."""
        try:
            return self._plan(request)
        except MalformedHeader as broken:
            return Refusal(broken.status, broken.reason, broken.reason)

    def _plan(self, request: Request) -> SavePlan | Refusal:
        if unsupported := _unsupported(request, self.registrar):
            return unsupported
        aor = self._aor(request)
        if isinstance(aor, Refusal):
            return aor
        call_id = request.first("call-id") or ""
        if _octets(call_id) > MAX_CALL_ID:
            return _bad("Callid too long")
        changes = self._changes(request)
        if isinstance(changes, Refusal):
            return changes
        wipe = changes is None
        return SavePlan(
            aor=aor,
            call_id=call_id,
            cseq=request.cseq.number,
            user_agent=_user_agent(request),
            wipe=wipe,
            changes=changes or [],
            max_contacts=bindings_allowed(self.registrar),
            cseq_delay=self.location.cseq_delay,
        )

    def _aor(self, request: Request) -> str | Refusal:
        """Step 5: the To URI names the AOR; From plays no part."""
        try:
            uri = parse_uri(parse_name_addr(request.first("to") or "").uri)
        except MalformedHeader as broken:
            return Refusal(broken.status, broken.reason, BAD_AOR)
        return canonical_aor(uri, self.registrar, self.location)

    def _changes(self, request: Request) -> list[Change] | Refusal | None:
        """Step 6: the bindings asked for, none for a query; None stands for ``Contact: *``."""
        header = request.first("expires")
        expires = parse_expires(header) if header is not None else None
        values = request.all("contact")
        if not values:
            return []
        contacts = parse_contacts(values)
        if contacts == STAR:
            return None if expires == 0 else _bad("* used in contact and expires is not zero")
        if len(contacts) > MAX_CONTACTS:
            return _bad("Too many contacts in one request")
        return self._bind(contacts, expires)

    def _bind(self, contacts: list[Contact], expires: int | None) -> list[Change] | Refusal:
        """Step 7: a lifetime, a preference and a match key for each contact, or none at all."""
        changes = []
        for contact in contacts:
            if _octets(contact.uri) > self.registrar.contact_max_size:
                return _bad("Contact/received too long")
            lifetime = grant(_asked(contact.params, expires), self.registrar, self.spread)
            if isinstance(lifetime, Refusal):
                return lifetime
            changes.append(self._change(contact, lifetime))
        return changes

    def _change(self, contact: Contact, lifetime: int) -> Change:
        q = contact.params.get("q")
        return Change(
            key=match_key(contact.uri, contact.parsed, self.location),
            lifetime=lifetime,
            uri=contact.uri,
            q=parse_q(q) if q else self.registrar.default_q,
            params=_kept(contact.params),
            ruid=self.next_ruid(),
        )


def bindings_allowed(settings: RegistrarSettings) -> int:
    """How many bindings an AOR may have (``max_contacts``)."""
    return settings.max_contacts or MAX_BINDINGS


def _bad(error: str) -> Refusal:
    return Refusal(400, error, error)


def _octets(text: str) -> int:
    """How long ``text`` is on the wire."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def _unsupported(request: Request, settings: RegistrarSettings) -> Refusal | None:
    """Step 2: extensions required of us that we do not have (RFC 3261 §8.2.2.3)."""
    required = request.all("require")
    if not required:
        return None
    unknown = [tag for tag in parse_tags(required) if tag not in SUPPORTED]
    if settings.unknown_require == "ignore":
        unknown = [tag for tag in unknown if tag == OUTBOUND]
    if not unknown:
        return None
    error = "No support for Outbound on server" if OUTBOUND in unknown else ""
    return Refusal(420, "Bad Extension", error, [("Unsupported", ", ".join(unknown))])


def _asked(params: Params, header: int | None) -> int | None:
    """The lifetime asked for: the Contact's own, else the Expires header, else none."""
    own = params.get("expires")
    return parse_delta(own) if own else header


def _user_agent(request: Request) -> str:
    text = request.first("user-agent") or ""
    return text if _octets(text) <= MAX_USER_AGENT else ""


def _kept(params: Params) -> str:
    """The parameters to store and give back, as received (RFC 3840 feature tags among them)."""
    if params.keys() <= NOT_KEPT:
        return ""
    kept = "".join(
        f";{name}" if value is None else f";{name}={value}"
        for name, value in params.items()
        if name not in NOT_KEPT
    )
    # A quoted string may hold a NUL, a reply may not: no phone of this user would get a 200 again.
    if "\0" in kept:
        raise MalformedHeader("Contact parse error")
    if _octets(kept) > MAX_PARAMS:
        raise MalformedHeader("Contact/received too long")
    return kept
