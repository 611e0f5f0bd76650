"""Random histories, run through the scripts and through the model, side by side.

Every step is followed by a comparison of the verdict and of all that is stored. Contacts are few
and made to collide, some of them equal only by RFC 3261 §19.1.4. Nothing waits for time to pass: a
step makes all that is stored older instead. ``--hypothesis-profile=deep`` runs many more.
"""

from asyncio import gather
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import count, cycle, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regcluster.config import LocationSettings, StoreSettings
from regcluster.registrar.binding import ANY_METHOD, Xavp, flow_key, key_scope, match_key
from regcluster.registrar.plan import DEFAULT_TABLE as TABLE
from regcluster.registrar.plan import Change, SavePlan, Verdict
from regcluster.sip.uri import parse_uri
from regcluster.store.keys import Keys
from regcluster.store.reaping import is_left_by
from regcluster.store.remote import RedisStore
from regcluster.store.scripts import Scripts
from tests.servers import Server
from tests.store.model import Model, serial
from tests.store.stored import Stored, age, found, ought, pairs, sorted_by_call, unheld

# Whole histories on fakeredis take as long as on a server.
pytestmark = [pytest.mark.anyio, pytest.mark.server]

# Long enough for Redis itself not to forget what a history makes old, and for a busy machine; one
# partition, which a sweep takes as a whole.
STORE = StoreSettings(partitions=1, grace_s=86_400, deadline_ms=10_000)
LOCATIONS = [LocationSettings(matching_mode=mode) for mode in range(4)]

AORS = ("alice@example.com", "bob@example.com")
URIS = (
    ("sip:a@h", "sip:a@h;line=1", "sip:a@h;line=2", "sip:%61@H;line=1;ob"),
    ("sip:a@h", "sip:a@h;ob;lr", "sip:a@h;lr=on", "mailto:a@h"),
    ("sip:a@h", "sip:a@h;transport=tcp", "sip:a@h:5060", "sip:a@h;ob"),
)
"""Each history uses some that are equal, or nearly so."""
NO_FLOW = ("", 0)
FLOWS = (
    (NO_FLOW,),
    (NO_FLOW, ("<urn:uuid:a>", 1), ("<urn:uuid:A>", 1), ("<urn:uuid:a>", 2)),
    (NO_FLOW, ("<x>", 1), ("<x>", 2), ("<x;1>", 1)),
)
"""Instances and reg-ids, likewise."""
EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
LIFETIMES = (0, 1, 3, 60)
DELAY = 3


@dataclass(slots=True, frozen=True)
class Contact:
    uri: str
    flow: tuple[str, int]
    lifetime: int
    q: int
    methods: int
    received: str


@dataclass(slots=True, frozen=True)
class Rules:
    """What settings and scripts say of a REGISTER."""

    max_contacts: int
    cseq_delay: int
    is_single: bool
    evicts: bool
    adopts: bool
    drops_flows: bool


@dataclass(slots=True, frozen=True)
class Way:
    """Where a REGISTER came from, and what is kept with its contacts."""

    user_agent: str
    socket: str
    path: str
    cflags: int
    connection: str
    xavp: Xavp | None


@dataclass(slots=True, frozen=True)
class Register:
    """A REGISTER; without contacts it is ``Contact: *``."""

    aor: str
    turn: tuple[str, int]
    """Call-ID and CSeq."""
    contacts: Sequence[Contact]
    rules: Rules
    way: Way


@dataclass(slots=True, frozen=True)
class Drop:
    """An operator removes a binding, the one at ``place`` by age, or all."""

    aor: str
    place: int | None


@dataclass(slots=True, frozen=True)
class Sweep:
    """A sweeper comes by, who takes all that there is for overdue."""


@dataclass(slots=True, frozen=True)
class Reap:
    """What an owner of connections has left is cleared away."""

    aor: str
    owner: str


@dataclass(slots=True, frozen=True)
class Passing:
    """Time that goes by."""

    milliseconds: int


Step = Register | Drop | Sweep | Reap | Passing

Batch = tuple[Passing, list[Register]]
"""What time goes by, and REGISTERs that then come at once."""


# Whole values are drawn: that leaves Hypothesis with more, and longer, histories.
BOTH = (False, True)
RULES = [
    Rules(*each)
    for each in product((0, 0, 1, 2, 3), (DELAY, DELAY, 0), (False, *BOTH), BOTH, BOTH, BOTH)
]
XAVPS: tuple[Xavp | None, ...] = (None, None, {}, {"a": 1, "b": "x\n y\t"})
WAYS = [
    Way(*each)
    for each in product(
        ("Phone/1", "Phone/2"),
        ("", "udp:192.0.2.1:5060"),
        ("", "<sip:p;lr>"),
        (0, 8),
        ("", "n1/0.e.1", "n2/0.e.1"),
        XAVPS,
    )
]
TURNS = list(product(("c1", "c1", "c2", "C1"), (1, 2, 3)))
PASSINGS = st.builds(Passing, st.sampled_from([1, 999, 1000, DELAY * 1000, 60_000]))
DROPS = st.builds(Drop, st.sampled_from(AORS), st.sampled_from([None, 0, 1, 9]))
SWEEPS = st.builds(Sweep)
REAPS = st.builds(Reap, st.sampled_from(AORS), st.sampled_from(["n1/0.e", "n2/0.e"]))


def registers(uris: Sequence[str], flows: Sequence[tuple[str, int]]) -> st.SearchStrategy[Register]:
    """REGISTERs with those URIs and flows."""
    fields = product(uris, flows, LIFETIMES, (-1, 500), (ANY_METHOD, 31), ("", "sip:192.0.2.9"))
    return st.builds(
        Register,
        aor=st.sampled_from([*AORS, AORS[0]]),
        turn=st.sampled_from(TURNS),
        contacts=st.lists(st.sampled_from([Contact(*each) for each in fields]), max_size=4),
        rules=st.sampled_from(RULES),
        way=st.sampled_from(WAYS),
    )


def steps(requests: st.SearchStrategy[Register]) -> st.SearchStrategy[list[Step]]:
    """Histories in which three in four steps are REGISTERs."""
    others: list[st.SearchStrategy[Step]] = [PASSINGS, PASSINGS, DROPS, SWEEPS, REAPS]
    kinds: list[st.SearchStrategy[Step]] = [*[requests] * 13, *others]
    step = st.sampled_from(kinds).flatmap(lambda kind: kind)
    # Lists of lists, because Hypothesis makes most plain ones too short for anything to collide.
    return st.lists(st.lists(step, min_size=1, max_size=8), max_size=8).map(
        lambda parts: [each for part in parts for each in part]
    )


def batches(requests: st.SearchStrategy[Register]) -> st.SearchStrategy[list[Batch]]:
    """What happens at once, time and again."""
    return st.lists(st.tuples(PASSINGS, st.lists(requests, min_size=2, max_size=6)), max_size=8)


PHONES = [registers(uris, flows) for uris, flows in product(URIS, FLOWS)]
HISTORIES = st.sampled_from([steps(requests) for requests in PHONES]).flatmap(lambda each: each)
BATCHES = st.sampled_from([batches(requests) for requests in PHONES]).flatmap(lambda each: each)


@dataclass(slots=True)
class Ruids:
    """Names for new bindings, each given once."""

    numbers: Iterator[int] = field(default_factory=count)

    def plan(self, register: Register, location: LocationSettings) -> SavePlan:
        """What the registrar makes of ``register``."""
        way, (call_id, cseq) = register.way, register.turn
        scope = key_scope(call_id, way.path, location)
        return SavePlan(
            aor=register.aor,
            call_id=call_id,
            cseq=cseq,
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
            case Sweep():
                now, *gone = await self._sweep()
                return self.model.sweep(now), sorted(gone)
            case Reap(aor, owner):
                reaped, now = await self._reap(aor, owner)
                return self.model.reap(aor, owner, now), reaped
            case Passing(milliseconds):
                self.model.age(milliseconds)
                age(self.server, STORE, milliseconds)
                return None, None

    async def _sweep(self) -> list[int]:
        (index,) = Keys(STORE).indexes
        members = self.server.ask(b"ZRANGE", index, 0, -1)
        now, _, *gone = map(int, await self.scripts.sweep(index, members))
        return [now, *gone]

    async def _reap(self, aor: str, owner: str) -> list[int]:
        stored = pairs(self.server.ask(b"HGETALL", Keys(STORE).bindings(aor.encode())))
        doomed = [part for pair in stored if is_left_by(owner, *pair) for part in pair]
        reply = await self.scripts.reap(aor.encode(), owner.encode(), doomed, TABLE)
        return [int(number) for number in reply]

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
            assert [] == unheld(pair.model, stored, STORE)


@EXAMPLES
@given(location=st.sampled_from(LOCATIONS), history=BATCHES)
async def test_saves_at_once_end_as_if_one_came_after_the_other(
    store_server: Server,
    location: LocationSettings,
    history: list[Batch],
) -> None:
    """Some serial order explains every verdict and every stored byte."""
    async with pair_on(store_server, location, connections=3) as pair:
        for passing, batch in history:
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
            assert [] == unheld(model, stored, STORE)
            pair.model = model


def is_stored(model: Model, stored: Stored) -> bool:
    """Whether what ``model`` wants stored is what was found."""
    return ought(model, STORE) == sorted_by_call(stored, model)
