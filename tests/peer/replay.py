"""What the server did, done again by the model: the judge of ``test_serial``.

A call of ``save.lua`` is told from its arguments, a plain read from its key. Which wish a call
belongs to is found by what the wish asks of the store; only the ruids are taken from the call.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from regcluster.config import LocationSettings, RegistrarSettings, StoreSettings
from regcluster.registrar.binding import Binding
from regcluster.registrar.plan import Record, SavePlan, Verdict
from regcluster.registrar.save import Planner
from regcluster.sip.digest import digest
from regcluster.sip.headers import STAR, parse_contacts, parse_q
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.scripts import SAVE
from tests.peer.history import Wish
from tests.peer.phone import Answer
from tests.peer.witness import Step
from tests.store.model import Model

CALL, READ = b"EVALSHA", b"HGETALL"

AOR, FIRST_CONTACT, CONTACT = 6, 10, 4
"""Where the words of a call stand: the AOR, the first contact, and how many words each has."""

Signature = tuple[bytes, ...]
"""What a wish asks of the store: AOR, Call-ID's digest, CSeq, and key and lifetime of each contact.
Wishes with one signature are the same wish, sent again."""

Outcome = tuple[int, frozenset[tuple[str, int]]]
"""A status, and the contacts listed with it, each with its q in thousandths."""

Outcomes = dict[Signature, Counter[Outcome]]
"""How often each signature came to what."""


class Replay:
    """Runs the account of a server through ``model``."""

    def __init__(self, wishes: Iterable[Wish], cseq_delay: int) -> None:
        location = LocationSettings(cseq_delay=cseq_delay)
        self._planner = Planner(RegistrarSettings(), location, str, lambda: 0.0)
        self._keys = Keys(StoreSettings())
        plans = [self.plan(wish) for wish in wishes]
        self._plans = {signature(plan): plan for plan in plans if not plan.is_query}
        self._readers = {self._keys.bindings(text_bytes(plan.aor)): plan for plan in plans}
        self.model = Model()
        self.outcomes: Outcomes = defaultdict(Counter)

    def plan(self, wish: Wish) -> SavePlan:
        """What ``wish`` asks of the store."""
        request = parse(wish.request("SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1"))
        assert isinstance(request, Request)
        plan = self._planner.plan(request)
        assert isinstance(plan, SavePlan)
        return plan

    def run(self, steps: Iterable[Step]) -> None:
        """Carry out every step, in order, at the instant it was done."""
        for step in steps:
            command, now = step.words[0].upper(), round(step.at * 1000)
            if command == CALL and step.words[1] == SAVE.sha:
                plan = self._planned(step.words)
                verdict = self.model.save(plan, now)
            elif command == READ:
                plan = replace(self._readers[step.words[1]], wipe=False, changes=[])
                verdict = Verdict("unchanged", self._read(plan.aor, now))
            else:
                # A lease, or a sweep that finds nothing: what is overdue counts as absent anyway.
                continue
            self.outcomes[_asked(plan)][_told(verdict)] += 1

    def _planned(self, words: list[bytes]) -> SavePlan:
        contacts = [words[at : at + CONTACT] for at in range(FIRST_CONTACT, len(words), CONTACT)]
        asked = [piece for key, lifetime, *_ in contacts for piece in (key, lifetime)]
        plan = self._plans[(*words[AOR : AOR + 3], *asked)]
        changes = [
            replace(change, ruid=ruid.decode())
            for change, (_, _, ruid, _) in zip(plan.changes, contacts, strict=True)
        ]
        return replace(plan, changes=changes)

    def _read(self, aor: str, now: int) -> Record:
        return Record(now, list(self.model.bindings.get(aor, {}).values()))


def signature(plan: SavePlan) -> Signature:
    """What ``plan`` asks, in the words of a call."""
    asked = [
        piece
        for change in plan.changes
        for piece in (text_bytes(change.key), b"%d" % (change.lifetime * 1000))
    ]
    return text_bytes(plan.aor), digest(plan.call_id).encode(), b"%010d" % plan.cseq, *asked


def outcomes(answers: Iterable[tuple[SavePlan, Answer]]) -> Outcomes:
    """What phones were answered, by what they had asked."""
    found: Outcomes = defaultdict(Counter)
    for plan, answer in answers:
        contacts = parse_contacts(answer.values("Contact"))
        assert contacts != STAR
        listed = frozenset((c.uri, parse_q(c.params.get("q") or "0")) for c in contacts)
        found[_asked(plan)][answer.status, listed] += 1
    return found


def _asked(plan: SavePlan) -> Signature:
    # A read tells nothing of who reads.
    return (text_bytes(plan.aor),) if plan.is_query else signature(plan)


def _told(verdict: Verdict) -> Outcome:
    status = 400 if verdict.outcome == "out_of_order" else 200
    return status, frozenset((b.uri, max(b.q, 0)) for b in verdict.record.bindings)


def essentials(bindings: Iterable[Binding]) -> set[tuple[object, ...]]:
    """What has to be the same of stored bindings; the model's instants are off by a moment."""
    return {
        (b.key, b.uri, b.q, b.params, b.call_id, b.cseq, b.user_agent, b.ruid) for b in bindings
    }
