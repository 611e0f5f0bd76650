"""Random histories, run through the scripts and through the model, side by side.

Every step is followed by a comparison of the verdict and of all that is stored. Contacts are few
and made to collide, some of them equal only by RFC 3261 §19.1.4. Nothing waits for time to pass: a
step makes all that is stored older instead. ``--hypothesis-profile=deep`` runs many more.
"""

from asyncio import gather
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import count, cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regcluster.config import LocationSettings, StoreSettings
from regcluster.registrar.binding import ANY_METHOD, Xavp, flow_key, key_scope, match_key
from regcluster.registrar.plan import Change, SavePlan, Verdict
from regcluster.sip.uri import parse_uri
from regcluster.store.keys import Keys
from regcluster.store.remote import RedisStore
from regcluster.store.scripts import Scripts
from tests.servers import Server
from tests.store.model import Model, serial
from tests.store.stored import Stored, age, found, ought, sorted_by_call

pytestmark = pytest.mark.anyio

# Long enough for Redis itself not to forget what a history makes old, and for a busy machine.
STORE = StoreSettings(partitions=2, grace_s=86_400, deadline_ms=10_000)
LOCATIONS = [LocationSettings(matching_mode=mode) for mode in range(4)]

AORS = ("alice@example.com", "bob@example.com")
URIS = (
    "sip:a@h",
    "sip:a@h;line=1",
    "sip:a@h;line=2",
    "sip:%61@H;line=1;ob",
    "sip:a@h;ob;lr",
    "sip:a@h;lr=on",
    "sip:a@h;transport=tcp",
    "sip:a@h:5060",
    "mailto:a@h",
)
EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
INSTANCES = ("<urn:uuid:a>", "<urn:uuid:A>", "<x>", "<x;1>")
FLOWS = [(instance, reg_id) for instance in INSTANCES for reg_id in (1, 2)]
LIFETIMES = (0, 1, 3, 60)
DELAY = 3


@dataclass(slots=True, frozen=True)
class Contact:
    uri: str
    lifetime: int
    q: int
    flow: tuple[str, int] = ("", 0)
    """Instance and reg-id."""
    methods: int = ANY_METHOD
    received: str = ""


@dataclass(slots=True, frozen=True)
class Rules:
    """What settings and scripts say of a REGISTER."""

    max_contacts: int = 0
    cseq_delay: int = DELAY
    is_single: bool = False
    evicts: bool = False
    adopts: bool = True
    drops_flows: bool = False


@dataclass(slots=True, frozen=True)
class Way:
    """Where a REGISTER came from, and what is kept with its contacts."""

    user_agent: str = "Phone/1"
    socket: str = ""
    path: str = ""
    cflags: int = 0
    connection: str = ""
    xavp: Xavp | None = None


@dataclass(slots=True, frozen=True)
class Register:
    """A REGISTER; without contacts it is ``Contact: *``."""

    aor: str
    call_id: str
    cseq: int
    contacts: Sequence[Contact]
    rules: Rules
    way: Way


@dataclass(slots=True, frozen=True)
class Drop:
    """An operator removes a binding, the one at ``place`` by age, or all."""

    aor: str
    place: int | None


@dataclass(slots=True, frozen=True)
class Passing:
    """Time that goes by."""

    milliseconds: int


Step = Register | Drop | Passing


CONTACTS = st.builds(
    Contact,
    uri=st.sampled_from(URIS),
    lifetime=st.sampled_from(LIFETIMES),
    q=st.sampled_from([-1, 500]),
    flow=st.sampled_from([("", 0), ("", 0), *FLOWS]),
    methods=st.sampled_from([ANY_METHOD, ANY_METHOD, 31]),
    received=st.sampled_from(["", "", "sip:192.0.2.9"]),
)
RULES = st.builds(
    Rules,
    max_contacts=st.sampled_from([0, 0, 1, 2, 3]),
    cseq_delay=st.sampled_from([DELAY, DELAY, 0]),
    is_single=st.sampled_from([False, False, False, True]),
    evicts=st.booleans(),
    adopts=st.sampled_from([True, True, False]),
    drops_flows=st.booleans(),
)
WAYS = st.builds(
    Way,
    user_agent=st.sampled_from(["Phone/1", "Phone/1", "Phone/2"]),
    socket=st.sampled_from(["", "udp:192.0.2.1:5060"]),
    path=st.sampled_from(["", "", "<sip:p;lr>"]),
    cflags=st.sampled_from([0, 0, 8]),
    connection=st.sampled_from(["", "", "n1/token"]),
    xavp=st.sampled_from([None, None, {}, {"a": 1, "b": "x\n y\t"}]),
)
REGISTERS = st.builds(
    Register,
    aor=st.sampled_from([*AORS, AORS[0]]),
    call_id=st.sampled_from(["c1", "c2", "C1"]),
    cseq=st.integers(1, 4),
    contacts=st.lists(CONTACTS, max_size=4),
    rules=RULES,
    way=WAYS,
)
PASSINGS = st.builds(Passing, st.sampled_from([1, 999, 1000, DELAY * 1000, 60_000]))
DROPS = st.builds(Drop, st.sampled_from(AORS), st.sampled_from([None, 0, 1, 9]))

# Seven in ten steps are REGISTERs.
KINDS: list[st.SearchStrategy[Step]] = [*[REGISTERS] * 7, PASSINGS, PASSINGS, DROPS]
STEPS = st.sampled_from(KINDS).flatmap(lambda steps: steps)

# Lists of lists, because Hypothesis makes most plain ones too short for anything to collide.
HISTORIES = st.lists(st.lists(STEPS, max_size=8), max_size=8).map(
    lambda parts: [step for part in parts for step in part]
)

AT_ONCE = st.tuples(PASSINGS, st.lists(REGISTERS, min_size=2, max_size=6))


@dataclass(slots=True)
class Ruids:
    """Names for new bindings, each given once."""

    numbers: Iterator[int] = field(default_factory=count)

    def plan(self, register: Register, location: LocationSettings) -> SavePlan:
        """What the registrar makes of ``register``."""
        way = register.way
        scope = key_scope(register.call_id, way.path, location)
        return SavePlan(
            aor=register.aor,
            call_id=register.call_id,
            cseq=register.cseq,
            wipe=not register.contacts,
            changes=[self._change(contact, scope, location) for contact in register.contacts],
            **asdict(register.rules),
            **asdict(way),
        )

    def _change(self, contact: Contact, scope: str, location: LocationSettings) -> Change:
        key, alias = match_key(contact.uri, parse_uri(contact.uri), location, scope), ""
        instance, reg_id = contact.flow
        if instance:
            key, alias = flow_key(instance, reg_id), key
        return Change(
            key,
            contact.lifetime,
            contact.uri,
            contact.q,
            "",
            f"uloc-{next(self.numbers)}",
            alias,
            contact.methods,
            contact.received,
            instance,
            reg_id,
        )


@dataclass(slots=True)
class Pair:
    """A store, and the model beside it."""

    server: Server
    stores: list[RedisStore]
    scripts: Scripts
    model: Model
    ruids: Ruids = field(default_factory=Ruids)

    async def save(self, plans: list[SavePlan]) -> list[Verdict]:
        """Save all ``plans`` at once, over as many connections as there are."""
        return await gather(
            *[store.save(plan) for store, plan in zip(cycle(self.stores), plans, strict=False)]
        )

    async def take(self, step: Step) -> tuple[object, object]:
        """Both take ``step``; what it comes to for the model, and for the store."""
        match step:
            case Register():
                plan = self.ruids.plan(step, self.model.location)
                (verdict,) = await self.save([plan])
                return self.model.save(plan, verdict.record.now), verdict
            case Drop(aor):
                ruid = self._ruid(step)
                dropped, now = await self.scripts.drop(aor, ruid)
                return self.model.drop(aor, ruid, int(now)), dropped
            case Passing(milliseconds):
                self.model.age(milliseconds)
                age(self.server, STORE, milliseconds)
                return None, None

    def _ruid(self, step: Drop) -> str:
        if step.place is None:
            return ""
        ruids = sorted(old.ruid for old in self.model.bindings.get(step.aor, {}).values())
        return ruids[step.place] if step.place < len(ruids) else "uloc-unknown"


@asynccontextmanager
async def pair_on(
    server: Server, location: LocationSettings, connections: int = 1
) -> AsyncIterator[Pair]:
    """A pair with nothing stored."""
    server.ask(b"FLUSHALL")
    links = [server.link(STORE) for _ in range(connections)]
    stores = [RedisStore(link, STORE) for link in links]
    yield Pair(server, stores, Scripts(links[0], Keys(STORE), STORE), Model(location))
    for store in stores:
        await store.close()


@EXAMPLES
@given(location=st.sampled_from(LOCATIONS), history=HISTORIES)
async def test_every_history_ends_as_the_model_says(
    store_server: Server, location: LocationSettings, history: list[Step]
) -> None:
    """After each step the verdict and every stored byte are those the rules give."""
    async with pair_on(store_server, location) as pair:
        for step in history:
            pair.model.feed.clear()
            expected, outcome = await pair.take(step)
            stored = sorted_by_call(found(store_server, STORE), pair.model)

            assert expected == outcome
            assert ought(pair.model, STORE) == stored


@EXAMPLES
@given(location=st.sampled_from(LOCATIONS), batches=st.lists(AT_ONCE, max_size=8))
async def test_saves_at_once_end_as_if_one_came_after_the_other(
    store_server: Server,
    location: LocationSettings,
    batches: list[tuple[Passing, list[Register]]],
) -> None:
    """Some serial order explains every verdict and every stored byte."""
    async with pair_on(store_server, location, connections=3) as pair:
        for passing, batch in batches:
            pair.model.feed.clear()
            await pair.take(passing)
            plans = [
                pair.ruids.plan(replace(register, aor=AORS[0]), location) for register in batch
            ]
            verdicts = await pair.save(plans)
            stored = found(store_server, STORE)
            orders = serial(pair.model, list(zip(plans, verdicts, strict=True)))
            model = next((end for end in orders if is_stored(end, stored)), None)

            assert model, (verdicts, stored)
            pair.model = model


def is_stored(model: Model, stored: Stored) -> bool:
    """Whether what ``model`` wants stored is what was found."""
    return ought(model, STORE) == sorted_by_call(stored, model)
