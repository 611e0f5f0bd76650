"""The location service: REGISTERs in, bindings and branches out.

The one place where plan, store and answer meet. Nothing is kept between calls but the settings;
a store that cannot answer in time shows as ``StoreUnavailable``, which the worker turns into a
503, never as "not registered". A table that the settings do not name is a mistake of the script's
(``ScriptError``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from regcluster import metrics
from regcluster.config import LocationSettings, RegistrarSettings, RoutingSettings
from regcluster.errors import ScriptError
from regcluster.registrar.answer import answer, refuse
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.binding import Binding
from regcluster.registrar.branch import Branch
from regcluster.registrar.codes import LookupCode, SaveCode
from regcluster.registrar.options import PLAIN_LOOKUP, PLAIN_SAVE, LookupOptions, SaveOptions
from regcluster.registrar.plan import Record, Refusal, SavePlan, Verdict
from regcluster.registrar.save import Planner
from regcluster.registrar.select import select
from regcluster.sip.message import Request
from regcluster.sip.reply import Reply
from regcluster.sip.uri import SipUri, Uri
from regcluster.store.api import Store

NO_ROUTING = RoutingSettings()

_CODES = {
    "added": SaveCode.ADDED,
    "refreshed": SaveCode.REFRESHED,
    "removed": SaveCode.REMOVED,
    "unchanged": SaveCode.ADDED,
    "out_of_order": SaveCode.FAILED,
    "too_many": SaveCode.TOO_MANY,
}


def _no_uri(uri: SipUri) -> bool:
    return False


def _no_connection(connection: str) -> bool:
    return False


@dataclass(slots=True, frozen=True)
class Node:
    """What the location service asks the node it runs on."""

    name: str = ""
    """The name under which connections of the node are known."""
    is_ours: Callable[[SipUri], bool] = _no_uri
    """Whether a URI names this node (``path_check_local``)."""
    is_gone: Callable[[str], bool] = _no_connection
    """Whether a connection, ``<node>/<flow token>``, is known to be no more."""


@dataclass(slots=True)
class Saved:
    """What became of one REGISTER."""

    code: SaveCode
    reply: Reply
    record: Record | None
    """The bindings as they are now; None if the request did not get as far as the store."""


@dataclass(slots=True)
class Lookup:
    """What a lookup found."""

    code: LookupCode
    branches: list[Branch]
    bindings: list[Binding]


@dataclass(slots=True)
class Profile:
    """All bindings of one AOR, for a script to read."""

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
        node: Node = Node(),
    ) -> None:
        self._store = store
        self._planner = Planner(registrar, location, next_ruid, spread)
        self.node = node
        self.service_route = ""

    @property
    def registrar(self) -> RegistrarSettings:
        """The settings in force."""
        return self._planner.registrar

    @property
    def settings(self) -> LocationSettings:
        """The settings in force."""
        return self._planner.location

    def apply(
        self,
        registrar: RegistrarSettings,
        location: LocationSettings,
        routing: RoutingSettings = NO_ROUTING,
    ) -> None:
        """Use new settings from the next request on."""
        self._planner.registrar = registrar
        self._planner.location = location
        self.service_route = ", ".join([f"<{uri}>" for uri in routing.service_route])

    async def save(self, request: Request, options: SaveOptions = PLAIN_SAVE) -> Saved:
        """Do what a REGISTER asks and say how it went (RFC 3261 §10.3).

        One round trip to the store, none when the request is refused before that. Raises
        ``StoreUnavailable`` when it is not known whether the change was applied.
        """
        self._check_table(options.table)
        settings = self._planner.registrar
        plan = self._planner.plan(request)
        if isinstance(plan, Refusal):
            metrics.count_registration("rejected")
            return Saved(SaveCode.FAILED, refuse(plan, settings), None)
        if plan.is_query:
            record = await self._store.fetch(plan.aor)
            metrics.count_registration("query")
            return Saved(SaveCode.QUERIED, answer(Verdict("unchanged", record), settings), record)
        verdict = await self._carry_out(plan)
        code = _CODES[verdict.outcome]
        if plan.wipe and code:
            code = SaveCode.REMOVED
        return Saved(code, answer(verdict, settings), verdict.record)

    async def lookup(self, uri: Uri, options: LookupOptions = PLAIN_LOOKUP) -> Lookup:
        """Where the user that ``uri`` names can be reached, best first.

        Raises ``StoreUnavailable``.
        """
        self._check_table(options.table)
        aor = canonical_aor(uri, self._planner.registrar, self._planner.location)
        if isinstance(aor, Refusal):
            return Lookup(LookupCode.FAILED, [], [])
        targets = select(await self._store.fetch(aor), self._planner.registrar)
        metrics.count_lookup("found" if targets else "empty")
        branches = [Branch(t.uri, t.q, expires_in=t.expires_in) for t in targets]
        code = LookupCode.FOUND if targets else LookupCode.NOT_FOUND
        return Lookup(code, branches, [target.binding for target in targets])

    async def _carry_out(self, plan: SavePlan) -> Verdict:
        verdict = await self._store.save(plan)
        refused = verdict.outcome in ("out_of_order", "too_many")
        metrics.count_registration("rejected" if refused else verdict.outcome)
        return verdict

    def _check_table(self, table: str) -> None:
        if table not in self._planner.location.tables:
            raise ScriptError(f"there is no location table {table!r} (location.tables)")


def ruid_source(prefix: str) -> Callable[[], str]:
    """A source of record-unique ids ``uloc-<prefix>-<counter>``, as Kamailio spells them.

    ``prefix`` must be unlike that of any other process, now or earlier: random, 44 bits or more.
    """
    numbers: Iterator[int] = count(1)

    def next_ruid() -> str:
        return f"uloc-{prefix}-{next(numbers):x}"

    return next_ruid
