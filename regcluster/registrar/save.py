"""From a REGISTER to a plan: RFC 3261 §10.3, as far as the request alone decides it.

Reads top to bottom like that section. Whatever depends on stored bindings is left to the store's
script; whatever is wrong with the request ends here as a ``Refusal``, before anything was touched.
What a route script says in ``SaveOptions`` goes before what the request says. Authentication and
the check that the domain is ours come before, in the route script.
"""

from collections.abc import Callable
from dataclasses import dataclass

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.aor import BAD_AOR, canonical_aor
from regcluster.registrar.binding import contact_key, flow_key, key_scope
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
    parse_name_addr,
    parse_q,
)
from regcluster.sip.message import Request
from regcluster.sip.uri import parse_uri, split_hostport

MAX_CALL_ID = 255
"""Longest Call-ID, octets (Kamailio's limit)."""

MAX_USER_AGENT = 254
"""Longest User-Agent worth keeping, octets (Kamailio's limit)."""

MAX_CONTACTS = 256
"""Contacts one request may name; it bounds what one script call does."""

MAX_BINDINGS = 256
"""Bindings an AOR may have where nobody has set a limit. Every save reads and answers all of them:
ten thousand held up the store for a quarter of a second, and everybody's calls with it."""

STRICT = 2
"""The ``path_mode`` that refuses a Path the phone does not know of."""


@dataclass(slots=True)
class Manner:
    """What all contacts of one request are bound with."""

    options: SaveOptions
    expires: int | None
    """Of the Expires header; None: none that can be read."""
    spread: Spread | None
    methods: int
    """Of the Allow header."""
    path: str
    received: str
    """What Path says of where the request came from."""
    scope: str
    """What ``matching_mode`` adds to each key."""
    has_flows: bool
    """Whether ``reg-id`` counts."""


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
        contacts = self._contacts(request, options)
        if isinstance(contacts, Refusal):
            return contacts
        manner = self._manner(request, contacts or [], extensions, options)
        if isinstance(manner, Refusal):
            return manner
        changes = self._bind(contacts or [], manner)
        if isinstance(changes, Refusal):
            return changes
        # Asked last, as in Kamailio, but before anything is written.
        if manner.path and registrar.path_mode == STRICT and not extensions.supports(PATH):
            return refuse_path(manner.path)
        flags = options.flags
        return SavePlan(
            aor=aor,
            call_id=call_id,
            cseq=request.cseq.number,
            user_agent=_user_agent(options.user_agent or request.first("user-agent")),
            wipe=contacts is None,
            changes=changes,
            max_contacts=_limit(options, registrar),
            cseq_delay=location.cseq_delay,
            table=options.table,
            socket=options.socket,
            path=manner.path,
            cflags=self._cflags(manner),
            connection=options.connection,
            xavp=options.xavp,
            is_single=SaveFlag.REPL in flags,
            evicts=registrar.full_aor == "evict",
            adopts=location.plain_binding == "adopt",
            drops_flows=location.new_call_id == "drop_flows",
            terms=self._terms(request, manner, extensions),
        )

    def _aor(self, request: Request, options: SaveOptions) -> str | Refusal:
        """Step 5: the To URI names the AOR, or the script does; From plays no part."""
        try:
            uri = parse_uri(_name(request, options))
        except MalformedHeader as broken:
            return Refusal(broken.status, broken.reason, BAD_AOR)
        return canonical_aor(uri, self.registrar, self.location)

    def _contacts(self, request: Request, options: SaveOptions) -> list[Contact] | Refusal | None:
        """Step 6: the contacts, none for a query; None stands for ``Contact: *``."""
        expires = _expires(request)
        values = [options.contact] if options.contact else request.all("contact")
        if not values:
            return []
        contacts = parse_contacts(values)
        if contacts == STAR:
            return None if expires == 0 else _bad("* used in contact and expires is not zero")
        if len(contacts) > MAX_CONTACTS:
            return _bad("Too many contacts in one request")
        longest = self.registrar.contact_max_size
        for contact in contacts:
            if octets(contact.uri) > longest:
                return _bad(TOO_LONG)
        return contacts

    def _manner(
        self,
        request: Request,
        contacts: list[Contact],
        extensions: Extensions,
        options: SaveOptions,
    ) -> Manner | Refusal:
        """What the other headers say about the contacts: Path, Supported, Allow."""
        registrar = self.registrar
        if refusal := refuse_unsupporting(extensions, registrar):
            return refusal
        has_flows = honours_reg_id(request, contacts, extensions, registrar)
        if isinstance(has_flows, Refusal):
            return has_flows
        path = read_path(request, registrar) if contacts else ""
        return Manner(
            options=options,
            expires=_expires(request),
            spread=None if SaveFlag.NOVARIATION in options.flags else self.spread,
            methods=methods_of(request.all("allow")),
            path=path,
            received=received_of(path) if path and registrar.path_use_received else "",
            scope=key_scope(request.first("call-id") or "", path, self.location),
            has_flows=has_flows,
        )

    def _bind(self, contacts: list[Contact], manner: Manner) -> list[Change] | Refusal:
        """Step 7: a lifetime, a preference and a match key for each contact, or none at all."""
        changes = []
        for contact in contacts:
            lifetime = self._lifetime(contact.params, manner)
            if isinstance(lifetime, Refusal):
                return lifetime
            changes.append(self._change(contact, lifetime, manner))
        return changes

    def _lifetime(self, params: Params, manner: Manner) -> int | Refusal:
        forced = manner.options.expires
        if forced is not None:
            return grant(forced, self.registrar, None)
        return grant(asked_lifetime(params, manner.expires), self.registrar, manner.spread)

    def _change(self, contact: Contact, lifetime: int, manner: Manner) -> Change:
        params = contact.params
        key, alias = contact_key(contact.uri, contact.parsed, manner.scope, self.location), ""
        instance, reg_id = read_instance(params), 0
        if instance:
            reg_id = read_reg_id(params) if manner.has_flows else 0
            key, alias = flow_key(instance, reg_id), key
        methods = params.get("methods")
        return Change(
            key=key,
            lifetime=lifetime,
            uri=contact.uri,
            q=self._q(params, manner.options),
            params=kept_params(params, self.registrar),
            ruid=self.next_ruid(),
            alias=alias,
            methods=parse_methods(methods) if methods is not None else manner.methods,
            received=self._received(params, manner),
            instance=instance,
            reg_id=reg_id,
        )

    def _q(self, params: Params, options: SaveOptions) -> int:
        if options.q is not None:
            if not 0 <= options.q <= 1000:
                raise MalformedHeader("Invalid q param in contact")
            return options.q
        q = params.get("q")
        return parse_q(q) if q else self.registrar.default_q

    def _received(self, params: Params, manner: Manner) -> str:
        """Where calls go instead of to the contact: Path knows best, then who is trusted."""
        options = manner.options
        received = (
            manner.received
            or own_received(params, options.source, self.registrar.trust_contact_from)
            or options.received
        )
        if octets(received) > MAX_RECEIVED:
            raise MalformedHeader(TOO_LONG)
        return received

    def _cflags(self, manner: Manner) -> int:
        """The branch flags, and the one that says that the phone is behind a NAT."""
        cflags, bflag = manner.options.cflags, self.location.nat_bflag
        return cflags | 1 << bflag if manner.received and bflag >= 0 else cflags

    def _terms(self, request: Request, manner: Manner, extensions: Extensions) -> Terms:
        """What the phone may be told in the answer."""
        if extensions is NO_EXTENSIONS:
            return PLAIN_TERMS
        registrar = self.registrar
        gives_gruus = registrar.gruu_enabled and extensions.supports(GRUU)
        shows_path = registrar.path_mode and extensions.supports(PATH)
        speaks_outbound = extensions.supports(OUTBOUND) or OUTBOUND in extensions.required
        return Terms(
            path=manner.path if shows_path else "",
            gruu_host=_host(_name(request, manner.options)) if gives_gruus else "",
            is_outbound=bool(registrar.outbound_mode) and speaks_outbound,
        )


def bindings_allowed(settings: RegistrarSettings) -> int:
    """How many bindings an AOR may have (``max_contacts``)."""
    return settings.max_contacts or MAX_BINDINGS


def _limit(options: SaveOptions, settings: RegistrarSettings) -> int:
    """The same, for one request: a script may know better."""
    if options.max_contacts is None:
        return bindings_allowed(settings)
    return options.max_contacts if options.max_contacts > 0 else MAX_BINDINGS


def _bad(error: str) -> Refusal:
    return Refusal(400, error, error)


def _name(request: Request, options: SaveOptions) -> str:
    """The URI that names the AOR, as written."""
    return options.uri or parse_name_addr(request.first("to") or "").uri


def _host(uri: str) -> str:
    """The host of a SIP URI that has been read, as written."""
    # An "@" or "?" of its own can be in no later part (RFC 3261 §25.1).
    userinfo, at, rest = uri.rpartition("@")
    rest = rest if at else userinfo.partition(":")[2] or rest.partition(":")[2]
    return split_hostport(rest.partition("?")[0].partition(";")[0])[0]


def _expires(request: Request) -> int | None:
    """What the Expires header says; None if it is missing or no number."""
    header = request.first("expires")
    return parse_expires(header) if header is not None else None


def _user_agent(text: str | None) -> str:
    return text if text and octets(text) <= MAX_USER_AGENT else ""
