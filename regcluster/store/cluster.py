"""``ClusterLink``: one pipelined link to each primary of a Cluster, and who owns what.

A call goes to the primary that owns the hash tag of its key; that is one look into a dict. The slot
map behind it is asked for at the start and again when something says that it is out of date: MOVED,
CLUSTERDOWN, a lost connection. Until the new one is there, MOVED itself tells the way.

No call goes anywhere before the owner of the key that the greeting asks about has been asked: that
this is our store. The servers that the slot map names are known by their ids from then on, so a
link that comes back to an address finds out whether the same server is still there.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from regcluster import metrics
from regcluster.errors import StoreError, StoreMismatch, StoreUnavailable, told
from regcluster.store.connection import LATE, PASSING, Arg, Call, error_code, pack
from regcluster.store.discovery import Primary, SlotMap, ask, ask_slots
from regcluster.store.durable import Durability
from regcluster.store.endpoint import Endpoint
from regcluster.store.keeper import NOT_YET, STEADY_S, TRY_S, Greeting, pause
from regcluster.store.link import PipelinedLink, count_errors, fail
from regcluster.store.routing import SLOTS, hash_tag, key_of, slot_of

RETRY_S = 0.02
"""How soon a call is tried again that no server would take."""

MAX_HOPS = 3
"""Sent elsewhere more often than this, a call waits a little: servers that disagree would send it
to and fro for as long as it may take."""

ASKED_AT_ONCE = 3
"""Servers asked for the slot map together; one alone may be behind."""

PULSE_S = 1.0
"""Seconds between two looks at each primary, which find a dead connection without traffic."""

LATER = PASSING | {"TRYAGAIN"}
"""Errors of a server that has done nothing and may, it or another, do it in a moment."""


class Identity:
    """The greeting of one server of a Cluster: it must be the one the slot map names."""

    question: tuple[Arg, ...] = (b"CLUSTER", b"NODES")

    def __init__(self, primary: Primary) -> None:
        self._id = primary.id

    def claims(self, answer: Any) -> Sequence[tuple[Arg, ...]]:
        """Nothing is left open."""
        return ()

    def check(self, answer: bytes) -> None:
        """Raise ``StoreUnavailable`` if another server has taken the address over."""
        for line in answer.splitlines():
            id_, _, rest = line.partition(b" ")
            if b"myself" in rest.split(b" ", 2)[1] and id_ != self._id:
                raise StoreUnavailable("another server has its address now")


class ClusterLink:
    """A ``Link`` to a Cluster that any of ``seeds`` knows."""

    def __init__(
        self,
        seeds: Sequence[Endpoint],
        deadline_s: float,
        greeting: Greeting,
        sources: Mapping[Arg, bytes],
        try_s: float = TRY_S,
        durability: Durability | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._seeds = tuple(seeds)
        self._deadline_s = deadline_s
        self._greeting = greeting
        self._sources = sources
        self._try_s = try_s
        self._durability = durability
        self._links: dict[Primary, PipelinedLink] = {}
        self._owners: list[PipelinedLink | None] = [None] * SLOTS
        self._routes: dict[bytes, PipelinedLink] = {}
        """The owner of each hash tag that was asked for since the last slot map."""
        self._parked: list[tuple[Call, str]] = []
        """Calls that no server would take just now, and why not."""
        self._known: set[bytes] = set()
        """Ids of the servers that were the Cluster's when it was last found to be our store."""
        self._why = NOT_YET
        self._verdict: StoreError | None = None
        """Why no call is to be made at all."""
        self._signal = asyncio.Event()
        self._hint: Endpoint | None = None
        """A server that another one has named in MOVED."""
        self._leaving: dict[PipelinedLink, asyncio.Task[None]] = {}
        """Links to servers that are no primaries any more, until what they carry has ended."""
        self._keeper = self._loop.create_task(self._keep())

    @property
    def problem(self) -> str:
        """Why most primaries cannot be asked.

        A node is no better than the others at reaching one that is down, and should go on with the
        rest of the phones until its replica has taken over.
        """
        if not self._links:
            return self._why
        problems = [link.problem for link in self._links.values() if link.problem]
        return problems[0] if 2 * len(problems) > len(self._links) else ""

    def nodes(self) -> Sequence[Endpoint]:
        """The primaries as they are now."""
        return [link.here for link in self._links.values() if link.here]

    def call(self, *args: Arg) -> asyncio.Future[Any]:
        """Send a command to the primary of its key; the reply comes within the deadline."""
        return self.send(args, pack(args))

    def send(self, args: tuple[Arg, ...], packed: bytes) -> asyncio.Future[Any]:
        """The same, for a command that is packed already."""
        link = self._routes.get(hash_tag(key_of(args)))
        if link is not None:
            return link.send(args, packed)
        reply = self._loop.create_future()
        self._send(Call(args, packed, reply, self._loop.time() + self._deadline_s))
        return reply

    async def close(self) -> None:
        """Drop all connections for good; calls in flight, and any later call, fail at once."""
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        self._why = "the store was closed"
        self._condemn(StoreUnavailable(self._why))
        for task in self._leaving.values():
            task.cancel()
        await asyncio.gather(*[link.close() for link in self._leaving])

    def divert(self, link: PipelinedLink, call: Call, text: str) -> bool:
        """Send ``call`` to the server that ``link``'s has named, or once more in a moment."""
        code = error_code(text)
        if code in ("MOVED", "ASK"):
            self._redirect(link, call, text)
        elif code in LATER:
            if code in PASSING:
                self._signal.set()
            self._park(call, f"the store answered: {text}")
        else:
            return False
        return True

    def stray(self) -> None:
        """A connection was lost, or could not be made: the slot map may tell why."""
        self._signal.set()

    def _redirect(self, link: PipelinedLink, call: Call, text: str) -> None:
        code, slot, place = text.split(" ")[:3]
        host, _, port = place.rpartition(":")
        # A server that does not know the other's name means: where you have found me.
        host = host or (link.here.host if link.here else "")
        target = self._at(host, int(port))
        call.hops += 1
        if code == "MOVED":
            self._hint = self._seeds[0].at(host, int(port))
            self._signal.set()
            if target:
                self._owners[int(slot)] = target
                self._routes.pop(hash_tag(key_of(call.args)), None)
        if target is None or call.hops > MAX_HOPS:
            self._park(call, f"the store answered: {text}")
        else:
            target.resend(call, asking=code == "ASK")

    def _at(self, host: str, port: int) -> PipelinedLink | None:
        for primary, link in self._links.items():
            if (primary.host, primary.port) == (host, port):
                return link
        return None

    def _send(self, call: Call) -> None:
        link = self._owner(call.args)
        if link:
            link.resend(call)
        elif self._verdict:
            count_errors("refused", fail(call, type(self._verdict)(*self._verdict.args)))
        else:
            self._park(call, f"no connection: {self._why}")

    def _owner(self, args: Sequence[Arg]) -> PipelinedLink | None:
        key = key_of(args)
        if not key:
            # Any will do, but the same one as long as it answers: each has a clock of its own.
            links = list(self._links.values())
            return next((link for link in links if not link.problem), links[0] if links else None)
        tag = hash_tag(key)
        link = self._owners[slot_of(tag)]
        # Tags are as many as partitions; keys without one may be without number.
        if link and len(tag) < len(key):
            self._routes[tag] = link
        return link

    def _park(self, call: Call, why: str) -> None:
        if not self._parked:
            self._loop.call_later(RETRY_S, self._retry)
        self._parked.append((call, why))

    def _retry(self) -> None:
        parked, self._parked = self._parked, []
        now = self._loop.time()
        for call, why in parked:
            if call.reply.done():
                continue
            if call.deadline <= now:
                count_errors("timeout", fail(call, StoreUnavailable(why)))
            else:
                call.hops = 0
                self._send(call)

    async def _keep(self) -> None:
        """Find out who owns what, again whenever that seems to have changed, until cancelled."""
        failures = 0
        while True:
            self._signal.clear()
            try:
                await self._discover()
            except Exception as why:
                # Whatever it was, a link that gave up trying would be down for ever.
                self._why = told(why) or LATE
                if isinstance(why, StoreMismatch):
                    self._condemn(why)
            begun = self._loop.time()
            await asyncio.sleep(pause(failures))
            await self._until_astray()
            failures = 0 if self._loop.time() - begun > STEADY_S else failures + 1

    async def _until_astray(self) -> None:
        """Return once the slot map may be out of date; look at every primary meanwhile."""
        while True:
            for link in self._links.values():
                if not link.problem:
                    link.call(b"PING").add_done_callback(asyncio.Future.exception)
            if self._is_astray:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(PULSE_S):
                    await self._signal.wait()

    @property
    def _is_astray(self) -> bool:
        links = self._links.values()
        return self._signal.is_set() or not links or any(link.problem for link in links)

    async def _discover(self) -> None:
        found = await ask_slots(self._candidates())
        await self._check(found)
        self._adopt(found)

    def _candidates(self) -> list[Endpoint]:
        """Whom to ask: who was named last, some who answer, others only when these are too few."""
        first = [self._hint] if self._hint else []
        self._hint = None
        well = [link.here for link in self._links.values() if link.here and not link.problem]
        others = [*self.nodes(), *self._seeds]
        random.shuffle(well)
        random.shuffle(others)
        return list(dict.fromkeys([*first, *well, *others]))[:ASKED_AT_ONCE]

    async def _check(self, found: SlotMap) -> None:
        """Raise ``StoreMismatch`` if the Cluster is not our store.

        One that was when it was last asked is so while the owner of that key cannot answer.
        """
        ids = {primary.id for primary in found.primaries}
        owner = found.owner(slot_of(hash_tag(key_of(self._greeting.question))))
        try:
            if owner is None:
                raise StoreUnavailable(
                    "the Cluster has no owner for the key that tells whose it is"
                )
            await self._ask_whose(self._seeds[0].at(owner.host, owner.port))
        except StoreMismatch:
            raise
        except (StoreError, OSError):
            if not self._known & ids:
                raise
        self._known = ids

    async def _ask_whose(self, owner: Endpoint) -> None:
        question = self._greeting.question
        [answer] = await ask(owner, question)
        if claims := self._greeting.claims(answer):
            answer = (await ask(owner, *claims, question))[-1]
        self._greeting.check(answer)

    def _adopt(self, found: SlotMap) -> None:
        """From now on calls go where ``found`` says, those that wait first."""
        before = self._links
        self._verdict = None
        self._links = {
            primary: before.get(primary) or self._open(primary) for primary in found.primaries
        }
        # Of a Cluster that only grows or shrinks, none has taken the place of another.
        come = len(self._links.keys() - before.keys())
        metrics.count_failovers(min(come, len(before.keys() - self._links.keys())))
        self._owners = [None] * SLOTS
        for low, high, primary in found.ranges:
            self._owners[low : high + 1] = [self._links[primary]] * (high - low + 1)
        self._routes.clear()
        for primary, link in before.items():
            for call in link.take_waiting():
                self._send(call)
            if primary not in self._links:
                self._retire(link)

    def _open(self, primary: Primary) -> PipelinedLink:
        link = PipelinedLink(
            self._seeds[0].at(primary.host, primary.port),
            self._deadline_s,
            Identity(primary),
            self._sources,
            self._try_s,
            self._durability,
        )
        link.guide = self
        return link

    def _retire(self, link: PipelinedLink) -> None:
        """Close ``link`` when what it carries has ended, one way or another."""

        async def leave() -> None:
            await asyncio.sleep(2 * self._deadline_s)
            await link.close()
            del self._leaving[link]

        self._leaving[link] = self._loop.create_task(leave())

    def _condemn(self, verdict: StoreError) -> None:
        """Let no call be made any more."""
        self._verdict = verdict
        links, self._links = self._links, {}
        self._owners = [None] * SLOTS
        self._routes.clear()
        for link in links.values():
            for call in link.take_waiting():
                self._send(call)
            self._retire(link)
        self._retry()
