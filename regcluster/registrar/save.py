"""From a REGISTER to a plan: RFC 3261 §10.3, as far as the request alone decides it.

Reads top to bottom like that section. Whatever depends on stored bindings is left to the store's
script; whatever is wrong with the request ends here as a ``Refusal``, before anything was touched.
Authentication and the check that the domain is ours come before, in the route script.
"""

from collections.abc import Callable
from dataclasses import dataclass

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.binding import match_key
from regcluster.registrar.lifetime import Spread, grant
from regcluster.registrar.plan import Change, Refusal, SavePlan
from regcluster.sip.grammar import Params, parse_tags
from regcluster.sip.headers import (
    STAR,
    Contact,
    parse_contacts,
    parse_cseq,
    parse_delta,
    parse_expires,
    parse_name_addr,
    parse_q,
)
from regcluster.sip.message import Request
from regcluster.sip.uri import parse_uri

MAX_CALL_ID = 255
MAX_USER_AGENT = 254
MAX_CONTACTS = 256
"""Contacts one request may name; it bounds what one script call does."""

SUPPORTED: frozenset[str] = frozenset()
"""Option tags a REGISTER may require of us."""

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
        if unsupported := _unsupported(request):
            return unsupported
        aor = self._aor(request)
        if isinstance(aor, Refusal):
            return aor
        call_id = request.first("call-id") or ""
        if len(call_id) > MAX_CALL_ID:
            return _bad("Callid too long")
        changes = self._changes(request)
        if isinstance(changes, Refusal):
            return changes
        wipe = changes is None
        return SavePlan(
            aor=aor,
            call_id=call_id,
            cseq=parse_cseq(request.first("cseq") or "").number,
            user_agent=_user_agent(request),
            wipe=wipe,
            changes=changes or [],
            max_contacts=self.registrar.max_contacts,
            cseq_delay=self.location.cseq_delay,
        )

    def _aor(self, request: Request) -> str | Refusal:
        """Step 5: the To URI names the AOR; From plays no part."""
        to = parse_name_addr(request.first("to") or "")
        return canonical_aor(parse_uri(to.uri), self.registrar, self.location)

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
            if len(contact.uri) > self.registrar.contact_max_size:
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


def _bad(error: str) -> Refusal:
    return Refusal(400, error, error)


def _unsupported(request: Request) -> Refusal | None:
    """Step 2: extensions required of us that we do not have (RFC 3261 §8.2.2.3)."""
    required = request.all("require")
    if not required:
        return None
    unknown = [tag for tag in parse_tags(required) if tag not in SUPPORTED]
    if not unknown:
        return None
    return Refusal(420, "Bad Extension", headers=[("Unsupported", ", ".join(unknown))])


def _asked(params: Params, header: int | None) -> int | None:
    """The lifetime asked for: the Contact's own, else the Expires header, else none."""
    own = params.get("expires")
    return parse_delta(own) if own else header


def _user_agent(request: Request) -> str:
    text = request.first("user-agent") or ""
    return text if len(text) <= MAX_USER_AGENT else ""


def _kept(params: Params) -> str:
    """The parameters to store and give back, as received (RFC 3840 feature tags among them)."""
    if params.keys() <= NOT_KEPT:
        return ""
    return "".join(
        f";{name}" if value is None else f";{name}={value}"
        for name, value in params.items()
        if name not in NOT_KEPT
    )
