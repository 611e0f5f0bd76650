"""The location service: REGISTERs in, bindings and branches out.

The one place where plan, store and answer meet. Nothing is kept between calls but the settings;
a store that cannot answer in time shows as ``StoreUnavailable``, which the worker turns into a
503, never as "not registered". A table that the settings do not name is a mistake of the script's
(``ScriptError``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from regcluster import metrics
from regcluster.config import LocationSettings, RegistrarSettings, RoutingSettings
from regcluster.errors import ScriptError, StoreError
from regcluster.registrar.answer import answer, refuse
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.binding import Binding
from regcluster.registrar.codes import LookupCode, SaveCode, UnregisterCode
from regcluster.registrar.gruu import Mint, TemporaryGruus, instance_named
from regcluster.registrar.options import PLAIN_LOOKUP, PLAIN_SAVE, LookupOptions, SaveOptions
from regcluster.registrar.plan import Record, Refusal, SavePlan, Verdict
from regcluster.registrar.save import Planner
from regcluster.registrar.select import WHOLE_AOR, Instance, Lookup, Selector, Wanted, ordered
from regcluster.sip.message import Request
from regcluster.sip.reply import Reply
from regcluster.sip.uri import SipUri, Uri
from regcluster.store.api import Store

NO_ROUTING: Final = RoutingSettings()

_CODES: Final = {
    "added": SaveCode.ADDED,
    "refreshed": SaveCode.REFRESHED,
    "removed": SaveCode.REMOVED,
    "unchanged": SaveCode.ADDED,
    "out_of_order": SaveCode.FAILED,
    "too_many": SaveCode.TOO_MANY,
}


def _never(*_: object) -> bool:
    return False


@dataclass(slots=True, frozen=True)
class Node:
    """What the location service asks of the node it runs on."""

    is_ours: Callable[[SipUri], bool] = _never
    """Whether a URI names this node (``path_check_local``)."""
    is_gone: Callable[[str], bool] = _never
    """Whether a connection, ``<node>/<flow token>``, is known to be no more."""
    gruus: TemporaryGruus | None = None
    """Without them no temporary GRUU is given, and none leads anywhere."""
    is_orphaned: Callable[[str, int], bool] = _never
    """Whether whoever held a connection, by which something was bound then, is gone."""


NO_NODE: Final = Node()


@dataclass(slots=True)
class Saved:
    """What became of one REGISTER."""

    code: SaveCode
    reply: Reply
    record: Record | None
    """The bindings as they are now; None if the request did not get as far as the store."""


@dataclass(slots=True)
class Profile:
    """The bindings of one AOR, for a script to read."""

    aor: str
    table: str
    record: Record


class Location:
    """Saves and finds bindings on behalf of the requests of one worker."""

    def __init__(
        self,
        store: Store,
        registrar: RegistrarSettings,
        location: LocationSettings,
        next_ruid: Callable[[], str],
        spread: Callable[[], float],
        node: Node = NO_NODE,
    ) -> None:
        self._store = store
        self._planner = Planner(registrar, location, next_ruid, spread)
        self._selector = Selector(registrar, node.is_ours, node.is_gone, node.is_orphaned)
        self._mint: Mint | None = node.gruus.mint if node.gruus else None
        self._gruus = node.gruus
        self.registrar = registrar
        self.settings = location
        self._service_route = ""

    def apply(
        self,
        registrar: RegistrarSettings,
        location: LocationSettings,
        routing: RoutingSettings = NO_ROUTING,
    ) -> None:
        """Use new settings from the next request on."""
        self.registrar = self._planner.registrar = self._selector.registrar = registrar
        self.settings = self._planner.location = location
        self._service_route = ", ".join([f"<{uri}>" for uri in routing.service_route])

    async def save(self, request: Request, options: SaveOptions = PLAIN_SAVE) -> Saved:
        """Do what a REGISTER asks and say how it went (RFC 3261 §10.3).

        One round trip to the store, none when the request is refused before that. Raises
        ``StoreUnavailable`` when it is not known whether the change was applied.
        """
        if options.table not in self.settings.tables:
            self._check(options.table)
        plan = self._planner.plan(request, options)
        if isinstance(plan, Refusal):
            metrics.count_refusal(plan.status)
            return Saved(SaveCode.FAILED, refuse(plan, self.registrar), None)
        try:
            if plan.is_query:
                verdict = Verdict("unchanged", await self._store.fetch(plan.aor, plan.table))
            else:
                verdict = await self._store.save(plan)
        except StoreError:
            metrics.count_registration("failed")
            raise
        _count(verdict, plan)
        if self.settings.desc_time_order:
            verdict.record = ordered(verdict.record, self.settings)
        reply = answer(verdict, plan, self.registrar, self._mint)
        if self._service_route and reply.status == 200:
            # RFC 3608 §6.3: in the 200, and in nothing else. The Date stays the last row.
            reply.headers.insert(-1, ("Service-Route", self._service_route))
        return Saved(_code(verdict, plan), reply, verdict.record)

    async def lookup(self, uri: Uri, options: LookupOptions = PLAIN_LOOKUP) -> Lookup:
        """Where the user or the device that ``uri`` names can be reached, best first.

        Raises ``StoreUnavailable``.
        """
        self._check(options.table)
        asked = self._asked(uri)
        if asked is None:
            return Lookup(LookupCode.FAILED, [], [])
        aor, wanted = asked
        record = await self._fetch(aor, options.table, bool(self.registrar.use_expired_contacts))
        found = self._selector.select(record, wanted, options)
        metrics.count_lookup("found" if found.branches else "empty")
        return found

    async def registered(
        self, uri: Uri, matches: Callable[[Binding], bool], table: str = ""
    ) -> Profile | None:
        """The first binding that ``matches``, alone in its profile; None if there is none.

        Raises ``StoreUnavailable``.
        """
        expired = bool(self.registrar.use_expired_contacts)
        profile = await self.fetch(uri, table, expired=expired)
        if profile is None:
            return None
        for binding in profile.record.bindings:
            if matches(binding):
                profile.record.bindings = [binding]
                return profile
        return None

    async def fetch(self, uri: Uri, table: str = "", *, expired: bool = False) -> Profile | None:
        """All bindings of the AOR that ``uri`` names; None if it names none, or it has none.

        With ``expired`` those too that are over and still there. Raises ``StoreUnavailable``.
        """
        table = self._check(table)
        aor = canonical_aor(uri, self.registrar, self.settings)
        if isinstance(aor, Refusal):
            return None
        record = await self._fetch(aor, table, expired)
        return Profile(aor, table, record) if record.bindings else None

    async def unregister(self, uri: Uri, ruid: str = "", table: str = "") -> UnregisterCode:
        """Remove one binding of the AOR that ``uri`` names, or all there are.

        Raises ``StoreUnavailable``.
        """
        table = self._check(table)
        aor = canonical_aor(uri, self.registrar, self.settings)
        if isinstance(aor, Refusal):
            return UnregisterCode.BAD_AOR
        dropped = await self._store.drop(aor, ruid, table)
        return UnregisterCode.DONE if dropped or not ruid else UnregisterCode.NOT_FOUND

    async def _fetch(self, aor: str, table: str, expired: bool) -> Record:
        return ordered(await self._store.fetch(aor, table, expired=expired), self.settings)

    def _asked(self, uri: Uri) -> tuple[str, Wanted] | None:
        """Whose bindings are asked for, and which of them; None if ``uri`` names nobody."""
        name = instance_named(uri) if isinstance(uri, SipUri) else None
        if isinstance(uri, SipUri) and name == "":
            opened = self._gruus.open(uri.user or "") if self._gruus else None
            return (opened.aor, opened) if opened else None
        aor = canonical_aor(uri, self.registrar, self.settings)
        if isinstance(aor, Refusal):
            return None
        return aor, Instance(name) if name else WHOLE_AOR

    def _check(self, table: str) -> str:
        """``table`` if there is one of that name, the first one if it has none."""
        tables = self.settings.tables
        if table not in tables:
            if table:
                raise ScriptError(f"there is no location table {table!r} (location.tables)")
            table = tables[0]
        return table


def _count(verdict: Verdict, plan: SavePlan) -> None:
    if verdict.outcome in ("out_of_order", "too_many"):
        metrics.count_rejection(verdict.outcome)
    else:
        metrics.count_registration("query" if plan.is_query else verdict.outcome)


def _code(verdict: Verdict, plan: SavePlan) -> SaveCode:
    code = _CODES[verdict.outcome]
    if plan.changes or not code:
        return code
    return SaveCode.REMOVED if plan.wipe else SaveCode.QUERIED


def ruid_source(prefix: str) -> Callable[[], str]:
    """A source of record-unique ids ``uloc-<prefix>-<counter>``, as Kamailio spells them.

    ``prefix`` must be unlike that of any other process, now or earlier: random, 44 bits or more.
    """
    start = f"uloc-{prefix}-"
    number = 0

    def next_ruid() -> str:
        nonlocal number
        number += 1
        # Python's own format() takes three times as long.
        return start + hex(number)[2:]

    return next_ruid
