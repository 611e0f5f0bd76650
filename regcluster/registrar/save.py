"""From a REGISTER to a plan: RFC 3261 §10.3, as far as the request alone decides it.

Reads top to bottom like that section. Whatever depends on stored bindings is left to the store's
script; whatever is wrong with the request ends here as a ``Refusal``, before anything was touched.
What a route script says in ``SaveOptions`` goes before what the request says. Authentication and
the check that the domain is ours come before, in the route script.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.aor import BAD_AOR, canonical_aor
from regcluster.registrar.binding import flow_key, key_scope, match_key
from regcluster.registrar.contact import (
    MAX_RECEIVED,
    TOO_LONG,
    asked_lifetime,
    kept_params,
    octets,
    own_received,
    read_instance,
    read_reg_id,
)
from regcluster.registrar.extensions import (
    GRUU,
    NO_EXTENSIONS,
    OUTBOUND,
    PATH,
    Extensions,
    read_extensions,
    refuse_required,
)
from regcluster.registrar.lifetime import Spread, grant
from regcluster.registrar.methods import methods_of, parse_methods
from regcluster.registrar.options import PLAIN_SAVE, SaveFlag, SaveOptions
from regcluster.registrar.outbound import honours_reg_id, refuse_unsupporting
from regcluster.registrar.path import read_path, received_of, refuse_path
from regcluster.registrar.plan import PLAIN_TERMS, Change, Refusal, SavePlan, Terms
from regcluster.sip.grammar import Params
from regcluster.sip.headers import (
    STAR,
    Contact,
    parse_contacts,
    parse_expires,
    parse_q,
)
from regcluster.sip.message import Request
from regcluster.sip.uri import SipUri, parse_uri, split_hostport

MAX_CALL_ID: Final = 255
"""Longest Call-ID, octets (Kamailio's limit)."""

MAX_USER_AGENT: Final = 254
"""Longest User-Agent worth keeping, octets (Kamailio's limit)."""

MAX_CONTACTS: Final = 256
"""Contacts one request may name; it bounds what one script call does."""

MAX_BINDINGS: Final = 256
"""Bindings an AOR may have where nobody has set a limit. Every save reads and answers all of them:
ten thousand held up the store for a quarter of a second, and everybody's calls with it."""

# An IntFlag looks up a member for each test of a bit, an int does not.
_REPL: Final = int(SaveFlag.REPL)
_NOVARIATION: Final = int(SaveFlag.NOVARIATION)

STRICT: Final = 2
"""The ``path_mode`` that refuses a Path the phone does not know of."""


@dataclass(slots=True)
class Manner:
    """What all contacts of one request are bound with, besides what they say themselves."""

    options: SaveOptions
    methods: int
    """What Allow says."""
    has_flows: bool = True
    """Whether ``reg-id`` counts."""
    scope: str = ""
    """What ``matching_mode`` adds to each key."""
    path: str = ""
    received: str = ""
    """What Path says of where the request came from."""


@dataclass(slots=True)
class Planner:
    """What turns requests into plans: settings, and the two sources of chance."""

    registrar: RegistrarSettings
    location: LocationSettings
    next_ruid: Callable[[], str]
    spread: Spread

    def plan(self, request: Request, options: SaveOptions = PLAIN_SAVE) -> SavePlan | Refusal:
        """Plan one REGISTER, or refuse it (RFC 3261 §10.3 steps 2, 5, 6 and 7)."""
        try:
            return self._plan(request, options)
        except MalformedHeader as broken:
            return Refusal(broken.status, broken.reason, broken.reason)

    def _plan(self, request: Request, options: SaveOptions) -> SavePlan | Refusal:
        registrar, location = self.registrar, self.location
        extensions = read_extensions(request)
        if extensions.required and (refusal := refuse_required(extensions.required, registrar)):
            return refusal
        aor = self._aor(request, options)
        if isinstance(aor, Refusal):
            return aor
        call_id = request.first("call-id") or ""
        if octets(call_id) > MAX_CALL_ID:
            return _bad("Callid too long")
        header = request.first("expires")
        expires = parse_expires(header) if header is not None else None
        contacts = self._contacts(request, aor, expires, options)
        if isinstance(contacts, Refusal):
            return contacts
        manner = self._manner(request, contacts or [], extensions, options)
        if isinstance(manner, Refusal):
            return manner
        changes = self._bind(contacts or [], expires, manner)
        if isinstance(changes, Refusal):
            return changes
        # Asked last, as in Kamailio, but before anything is written.
        if manner.path and registrar.path_mode == STRICT and not extensions.supports(PATH):
            return refuse_path(manner.path)
        # Fields in their order, one a line: naming all of them takes half a microsecond.
        return SavePlan(
            aor,
            call_id,
            request.cseq.number,
            _user_agent(options.user_agent or request.first("user-agent") or ""),
            contacts is None,
            changes,
            _limit(options.max_contacts, registrar),
            location.cseq_delay,
            options.table,
            options.socket,
            manner.path,
            _nat_marked(options.cflags, location) if manner.received else options.cflags,
            options.connection,
            options.xavp,
            options.flags & _REPL != 0,
            registrar.full_aor == "evict",
            location.plain_binding == "adopt",
            location.new_call_id == "drop_flows",
            self._terms(request, manner, extensions),
        )

    def _aor(self, request: Request, options: SaveOptions) -> str | Refusal:
        """Step 5: the To URI names the AOR, or the script does; From plays no part."""
        try:
            uri = parse_uri(options.uri) if options.uri else request.to.parsed
        except MalformedHeader as broken:
            return Refusal(broken.status, broken.reason, BAD_AOR)
        return canonical_aor(uri, self.registrar, self.location)

    def _contacts(
        self, request: Request, aor: str, expires: int | None, options: SaveOptions
    ) -> list[Contact] | Refusal | None:
        """Step 6: the contacts, none for a query; None stands for ``Contact: *``."""
        values = [options.contact] if options.contact else request.all("contact")
        if not values:
            return []
        contacts = parse_contacts(values)
        if contacts == STAR:
            return None if expires == 0 else _bad("* used in contact and expires is not zero")
        if len(contacts) > MAX_CONTACTS:
            return _bad("Too many contacts in one request")
        domain = ""
        for contact in contacts:
            uri = contact.parsed
            if octets(contact.uri) > self.registrar.contact_max_size:
                return _bad(TOO_LONG)
            if isinstance(uri, SipUri) and "gr" in uri.params:
                # Read once: a To of 60,000 octets takes as long as many requests.
                domain = domain or _host(_name(request, options)).lower()
                if self._is_gruu(uri, aor, domain):
                    return Refusal(403, "Forbidden", "Contact is a GRUU of this user")
        return contacts

    def _is_gruu(self, uri: SipUri, aor: str, domain: str) -> bool:
        """Whether ``uri`` leads back to ``aor``: no phone is there (RFC 5627 §5.1).

        A temporary GRUU has nothing in common with the AOR but its domain, and no value.
        """
        if not self.registrar.gruu_enabled or uri.host not in (domain, aor.rpartition("@")[2]):
            return False
        named = canonical_aor(uri, self.registrar, self.location)
        return uri.params["gr"] is None or named == aor

    def _manner(
        self,
        request: Request,
        contacts: list[Contact],
        extensions: Extensions,
        options: SaveOptions,
    ) -> Manner | Refusal:
        """What the way the request came means for its contacts: Path and outbound."""
        registrar, location = self.registrar, self.location
        outbound, methods = registrar.outbound_mode, methods_of(request.all("allow"))
        if outbound and (refusal := refuse_unsupporting(extensions, registrar)):
            return refusal
        is_plain = not (outbound or registrar.use_path or location.matching_mode)
        if is_plain or not contacts:
            return Manner(options, methods)
        has_flows = honours_reg_id(request, contacts, extensions, registrar)
        if isinstance(has_flows, Refusal):
            return has_flows
        path = read_path(request, registrar)
        received = received_of(path) if path and registrar.path_use_received else ""
        scope = key_scope(request.first("call-id") or "", path, location)
        return Manner(options, methods, has_flows, scope, path, received)

    def _bind(
        self, contacts: list[Contact], expires: int | None, manner: Manner
    ) -> list[Change] | Refusal:
        """Step 7: a lifetime, a preference and a match key for each contact, or none at all."""
        registrar, options = self.registrar, manner.options
        if contacts and options.q is not None and not 0 <= options.q <= 1000:
            return _bad("Invalid q param in contact")
        spread = None if options.flags & _NOVARIATION else self.spread
        changes = []
        for contact in contacts:
            if options.expires is None:
                lifetime = grant(asked_lifetime(contact.params, expires), registrar, spread)
            else:
                lifetime = grant(options.expires, registrar, None)
            if isinstance(lifetime, Refusal):
                return lifetime
            changes.append(self._change(contact, lifetime, manner))
        return changes

    def _change(self, contact: Contact, lifetime: int, manner: Manner) -> Change:
        params, uri, alias, instance, reg_id = contact.params, contact.uri, "", "", 0
        key = match_key(uri, contact.parsed, self.location, manner.scope)
        if "+sip.instance" in params and (instance := read_instance(params)):
            reg_id = read_reg_id(params) if manner.has_flows else 0
            key, alias = flow_key(instance, reg_id), key
        q = manner.options.q
        if q is None:
            own_q = params.get("q")
            q = parse_q(own_q) if own_q else self.registrar.default_q
        own_methods = params.get("methods")
        methods = manner.methods if own_methods is None else parse_methods(own_methods)
        kept, ruid = kept_params(params, self.registrar), self.next_ruid()
        received = self._received(params, manner)
        return Change(key, lifetime, uri, q, kept, ruid, alias, methods, received, instance, reg_id)

    def _received(self, params: Params, manner: Manner) -> str:
        """Where calls go instead of to the contact: Path knows best, then who is trusted."""
        received, options = manner.received, manner.options
        if not received and "received" in params:
            received = own_received(params, options.source, self.registrar.trust_contact_from)
        received = received or options.received
        if received and octets(received) > MAX_RECEIVED:
            raise MalformedHeader(TOO_LONG)
        # A script may have taken it from anywhere, and answers show it.
        if not received.isprintable():
            raise MalformedHeader("Contact parse error")
        return received

    def _terms(self, request: Request, manner: Manner, extensions: Extensions) -> Terms:
        """What the phone may be told in the answer, by what it knows of."""
        if extensions is NO_EXTENSIONS:
            return PLAIN_TERMS
        registrar = self.registrar
        gives_gruus = registrar.gruu_enabled and extensions.supports(GRUU)
        shows_path = registrar.path_mode and extensions.supports(PATH)
        speaks_outbound = extensions.supports(OUTBOUND) or OUTBOUND in extensions.required
        name = _name(request, manner.options) if gives_gruus else ""
        return Terms(
            path=manner.path if shows_path else "",
            gruu_host=_host(name),
            gruu_scheme="sips" if name[:5].lower() == "sips:" else "sip",
            is_outbound=registrar.outbound_mode != 0 and speaks_outbound,
        )


def bindings_allowed(settings: RegistrarSettings) -> int:
    """How many bindings an AOR may have (``max_contacts``)."""
    return settings.max_contacts or MAX_BINDINGS


def _limit(own: int | None, settings: RegistrarSettings) -> int:
    """The same for one request, for which a script may name a limit of its own."""
    if own is None:
        return bindings_allowed(settings)
    return own if own > 0 else MAX_BINDINGS


def _nat_marked(cflags: int, settings: LocationSettings) -> int:
    """``cflags`` of a phone behind a NAT."""
    return cflags | 1 << settings.nat_bflag if settings.nat_bflag >= 0 else cflags


def _bad(error: str) -> Refusal:
    return Refusal(400, error, error)


def _name(request: Request, options: SaveOptions) -> str:
    """The URI that names the AOR, as written."""
    return options.uri or request.to.uri


def _host(uri: str) -> str:
    """The host of a SIP URI, as written."""
    # An "@" of its own can be in no later part, nor a ";" or "?" in the host (RFC 3261 §25.1).
    rest = uri.partition(":")[2].rpartition("@")[2]
    return split_hostport(rest.partition("?")[0].partition(";")[0])[0]


def _user_agent(text: str) -> str:
    return text if octets(text) <= MAX_USER_AGENT else ""
