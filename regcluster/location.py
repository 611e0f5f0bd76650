"""The location service: REGISTERs in, bindings and targets out.

The one place where plan, store and answer meet. Nothing is kept between calls but the settings;
a store that cannot answer in time shows as ``StoreUnavailable``, which the worker turns into a
503, never as "not registered".
"""

from collections.abc import Callable, Iterator
from itertools import count

from regcluster import metrics
from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.answer import answer, refuse
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.plan import Refusal, SavePlan, Verdict
from regcluster.registrar.save import Planner
from regcluster.registrar.select import Target, select
from regcluster.sip.message import Request
from regcluster.sip.reply import Reply
from regcluster.sip.uri import Uri
from regcluster.store.api import Store


class Location:
    """Saves and finds bindings on behalf of the requests of one worker."""

    def __init__(
        self,
        store: Store,
        registrar: RegistrarSettings,
        location: LocationSettings,
        next_ruid: Callable[[], str],
        spread: Callable[[], float],
    ) -> None:
        self._store = store
        self._planner = Planner(registrar, location, next_ruid, spread)

    def apply(self, registrar: RegistrarSettings, location: LocationSettings) -> None:
        """Use new settings from the next request on."""
        self._planner.registrar = registrar
        self._planner.location = location

    async def save(self, request: Request) -> Reply:
        """Do what a REGISTER asks and say how it went (RFC 3261 §10.3).

        One round trip to the store, none when the request is refused before that. Raises
        ``StoreUnavailable`` when it is not known whether the change was applied.
        """
        settings = self._planner.registrar
        plan = self._planner.plan(request)
        if isinstance(plan, Refusal):
            metrics.count_registration("rejected")
            return refuse(plan, settings)
        verdict = await self._carry_out(plan)
        return answer(verdict, settings)

    async def lookup(self, uri: Uri) -> list[Target]:
        """The contacts bound to the AOR that ``uri`` names, best first; empty when there are none.

        Raises ``StoreUnavailable``.
        """
        aor = canonical_aor(uri, self._planner.registrar, self._planner.location)
        if isinstance(aor, Refusal):
            return []
        targets = select(await self._store.fetch(aor), self._planner.registrar)
        metrics.count_lookup("found" if targets else "empty")
        return targets

    async def _carry_out(self, plan: SavePlan) -> Verdict:
        if plan.is_query:
            record = await self._store.fetch(plan.aor)
            metrics.count_registration("query")
            return Verdict("unchanged", record)
        verdict = await self._store.save(plan)
        refused = verdict.outcome in ("out_of_order", "too_many")
        metrics.count_registration("rejected" if refused else verdict.outcome)
        return verdict


def ruid_source(prefix: str) -> Callable[[], str]:
    """A source of record-unique ids ``uloc-<prefix>-<counter>``, as Kamailio spells them.

    ``prefix`` must be unlike that of any other process, now or earlier: random, 44 bits or more.
    """
    numbers: Iterator[int] = count(1)

    def next_ruid() -> str:
        return f"uloc-{prefix}-{next(numbers):x}"

    return next_ruid
