"""What the scripts of the store promise, in plain Python: RFC 3261 §10.3, steps 6 and 7, and ends.

Written from the rules, not from the scripts: contacts are compared as URIs (§19.1.4) where a script
compares keys, and what changed is read off the record before and after, where a script keeps count.
It has no clock. Each call is told the instant at which the server says it did the same. What a
matching mode there is, the settings tell it, and what else a request goes by, the plan.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from regcluster.config import LocationSettings
from regcluster.registrar.binding import (
    Binding,
    instance_id,
    key_scope,
    match_key,
    preference,
)
from regcluster.registrar.plan import Change, Outcome, Record, SavePlan, Verdict
from regcluster.sip.uri import equivalent, parse_uri

Kind = Literal["expired", "removed", "added", "changed"]

Bindings = dict[str, Binding]
"""The bindings of one AOR by their keys."""


@dataclass(slots=True, frozen=True)
class Event:
    """One entry of the change feed."""

    kind: Kind
    aor: str
    binding: Binding


@dataclass(slots=True)
class Model:
    """A table of a store: bindings by AOR, and what has changed since somebody took note of it."""

    location: LocationSettings = field(default_factory=LocationSettings)
    bindings: dict[str, Bindings] = field(default_factory=dict)
    due: dict[str, dict[str, int]] = field(default_factory=dict)
    """When the sweeper looks at a binding, epoch ms, by AOR and key."""
    feed: list[list[Event]] = field(default_factory=list)
    """One list a call, in the order of the calls."""

    def save(self, plan: SavePlan, now: int) -> Verdict:
        """Apply one REGISTER, all of it or nothing."""
        self.feed.append([])
        record = self._expire(plan.aor, now)
        if plan.wipe:
            outcome, after = _wiped(record, plan)
        else:
            outcome, after = _Walk(record, plan, now, self.location).end()
        self._store(plan.aor, after)
        # The ruid is what stays the same of a binding.
        before = {binding.ruid: binding for binding in record.values()}
        left = {binding.ruid for binding in after.values()}
        self._tell("removed", plan.aor, [old for ruid, old in before.items() if ruid not in left])
        for binding in after.values():
            old = before.get(binding.ruid)
            if old is None:
                self._tell("added", plan.aor, [binding])
            elif _visible(old) != _visible(binding):
                self._tell("changed", plan.aor, [binding])
        return Verdict(outcome, Record(now, sorted(after.values(), key=preference)))

    def drop(self, aor: str, ruid: str, now: int) -> int:
        """Remove the binding with that ruid, or all if it is empty; how many went."""
        self.feed.append([])
        record = self._expire(aor, now)
        after = {key: old for key, old in record.items() if ruid not in ("", old.ruid)}
        self._store(aor, after)
        self._tell("removed", aor, [old for key, old in record.items() if key not in after])
        return len(record) - len(after)

    def sweep(self, now: int) -> list[int]:
        """Remove what is overdue, and look at the rest when it will be; when each had expired."""
        self.feed.append([])
        gone: list[int] = []
        for aor, before in list(self.bindings.items()):
            alive = self._expire(aor, now)
            gone += [old.expires_at for key, old in before.items() if key not in alive]
            if alive:
                self.due[aor] = {key: old.expires_at for key, old in alive.items()}
        return sorted(gone)

    def reap(self, aor: str, owner: str, now: int) -> int:
        """Remove what hangs on a connection of ``owner`` and on nothing else; how many went."""
        self.feed.append([])
        record = self._expire(aor, now)
        after = {key: old for key, old in record.items() if not _hangs_on(old, owner)}
        self._store(aor, after)
        self._tell("removed", aor, [old for key, old in record.items() if key not in after])
        return len(record) - len(after)

    def age(self, milliseconds: int) -> None:
        """Let all that is stored be so much older."""
        for aor, record in self.bindings.items():
            self.bindings[aor] = {key: _aged(old, milliseconds) for key, old in record.items()}
        for aor, due in self.due.items():
            self.due[aor] = {key: instant - milliseconds for key, instant in due.items()}

    def _expire(self, aor: str, now: int) -> Bindings:
        """What of ``aor`` is alive; the rest is forgotten, whatever becomes of the request."""
        record = self.bindings.get(aor, {})
        alive = {key: old for key, old in record.items() if old.expires_at > now}
        self._store(aor, alive)
        self._tell("expired", aor, [old for key, old in record.items() if key not in alive])
        return alive

    def _store(self, aor: str, record: Bindings) -> None:
        before, due = self.bindings.pop(aor, {}), self.due.pop(aor, {})
        if record:
            self.bindings[aor] = record
            self.due[aor] = {
                key: due[key] if _is_prolonged(before.get(key), new) else new.expires_at
                for key, new in record.items()
            }

    def _tell(self, kind: Kind, aor: str, bindings: list[Binding]) -> None:
        self.feed[-1] += [Event(kind, aor, binding) for binding in bindings]


def serial(model: Model, calls: Sequence[tuple[SavePlan, Verdict]]) -> Iterator[Model]:
    """``model`` after ``calls`` that ran at once: after each order that explains every verdict.

    A verdict tells the whole record after its call, so most wrong orders are soon given up.
    """
    if not calls:
        yield model
    for at, (plan, verdict) in enumerate(calls):
        trial = replace(
            model,
            bindings=dict(model.bindings),
            due=dict(model.due),
            feed=list(model.feed),
        )
        if trial.save(plan, verdict.record.now) == verdict:
            yield from serial(trial, [*calls[:at], *calls[at + 1 :]])


def _wiped(record: Bindings, plan: SavePlan) -> tuple[Outcome, Bindings]:
    """Step 6, ``Contact: *``: all go, unless one of this Call-ID has not a lower CSeq."""
    if any(old.call_id == plan.call_id and old.cseq >= plan.cseq for old in record.values()):
        return "out_of_order", record
    return ("removed" if record else "unchanged"), {}


@dataclass(slots=True)
class _Walk:
    """Step 7: one contact after the other; of two that are equal the later wins."""

    record: Bindings
    """What was stored."""
    plan: SavePlan
    now: int
    location: LocationSettings
    after: Bindings = field(init=False)
    """What is bound after the contacts so far."""

    def end(self) -> tuple[Outcome, Bindings]:
        """What the request comes to, and what is bound then."""
        self.after = dict(self.record)
        outcomes: list[Outcome] = []
        for change in self.plan.changes:
            outcome, is_last = self._take(change)
            if outcome == "out_of_order":
                return outcome, self.record
            outcomes.append(outcome)
            if is_last:
                break
        effects: list[Outcome] = [each for each in outcomes if each != "unchanged"]
        is_over = 0 < self.plan.max_contacts < len(self.after)
        if is_over and "added" in effects and not self._evict():
            return "too_many", self.record
        return (effects[-1] if effects else "unchanged"), self.after

    def _take(self, change: Change) -> tuple[Outcome, bool]:
        """What ``change`` comes to, and whether those that follow are passed over."""
        old = self._match(change)
        order = self._order(old) if self._is_stored(old) else "newer"
        ends = self.plan.is_single and change.lifetime > 0
        if order == "stale":
            return "out_of_order", True
        if order == "repeated":
            return "unchanged", ends
        if not change.lifetime:
            if old:
                del self.after[old.key]
            return ("removed" if old else "unchanged"), False
        if ends:
            self._keep(lambda other: other is old)
        elif old and self._ends_flows(old, change):
            ends = True
            self._keep(lambda other: other is old or not _are_flows(other, change))
        if old:
            del self.after[old.key]
        new = self._binding(change, old)
        self.after[new.key] = new
        return ("refreshed" if self._is_known(old) else "added"), ends

    def _match(self, change: Change) -> Binding | None:
        """The binding ``change`` is about: that of its key, else the nearest of the equal ones."""
        if change.key in self.after:
            return self.after[change.key]
        if change.instance and not self.plan.adopts:
            return None
        equal = [old for old in self.after.values() if self._is_same(old, change)]
        key = change.alias or change.key
        has_scope = key.startswith("#")

        def distance(old: Binding) -> tuple[bool, str, str]:
            name = plain_key(old, self.location)
            if not has_scope:
                name = name.partition(":")[2] if name.startswith("#") else name
            return name != key, name, old.key

        return min(equal, key=distance, default=None)

    def _is_same(self, old: Binding, change: Change) -> bool:
        """Whether the contacts of two REGISTERs are the same one, whatever instance they name."""
        if old.instance and change.instance:
            return False
        plan, mode = self.plan, self.location.matching_mode
        if mode == 3:
            return old.call_id == plan.call_id
        if (mode == 1 and old.call_id != plan.call_id) or (
            mode == 2 and plan.path not in ("", old.path)
        ):
            return False
        return equivalent(parse_uri(old.uri), parse_uri(change.uri))

    def _is_stored(self, old: Binding | None) -> bool:
        """Not written by this very request, for which it cannot be too late."""
        return old is not None and self.record.get(old.key) is old

    def _is_known(self, old: Binding | None) -> bool:
        """Made by an earlier request."""
        return old is not None and old.ruid in {each.ruid for each in self.record.values()}

    def _order(self, old: Binding | None) -> Literal["newer", "repeated", "stale"]:
        """What the request is to a stored binding; only within one Call-ID can it be late."""
        plan = self.plan
        if old is None or old.call_id != plan.call_id or old.cseq < plan.cseq:
            return "newer"
        is_recent = self.now - old.modified_at < plan.cseq_delay * 1000
        return "repeated" if old.cseq == plan.cseq and is_recent else "stale"

    def _ends_flows(self, old: Binding, change: Change) -> bool:
        """Whether other flows of its instance go: those of a phone that has started anew."""
        is_same_flow = bool(change.instance) and old.key == change.key
        has_other_call_id = self._is_stored(old) and old.call_id != self.plan.call_id
        return self.plan.drops_flows and is_same_flow and has_other_call_id

    def _keep(self, claim: Callable[[Binding], bool]) -> None:
        self.after = {key: old for key, old in self.after.items() if claim(old)}

    def _evict(self) -> bool:
        """Make room, if there is enough that this request has not written."""
        spare = [old for old in self.after.values() if self._is_stored(old)]
        excess = len(self.after) - self.plan.max_contacts
        if not self.plan.evicts or len(spare) < excess:
            return False
        for old in sorted(spare, key=lambda old: (old.modified_at, old.key))[:excess]:
            del self.after[old.key]
        return True

    def _binding(self, change: Change, old: Binding | None) -> Binding:
        """What ``change`` binds; some of it stays what it was in the binding it refreshes."""
        plan = self.plan
        flow = old if old and old.instance and not change.instance else change
        kept = old.xavp if old else None
        return Binding(
            key=flow.key,
            uri=change.uri,
            q=change.q,
            params=change.params,
            call_id=plan.call_id,
            cseq=plan.cseq,
            user_agent=plan.user_agent,
            ruid=old.ruid if old else change.ruid,
            expires_at=self.now + change.lifetime * 1000,
            created_at=old.created_at if old else self.now,
            modified_at=self.now,
            socket=plan.socket,
            methods=change.methods,
            received=change.received,
            path=plan.path,
            cflags=plan.cflags,
            instance=flow.instance,
            reg_id=flow.reg_id,
            connection=plan.connection,
            xavp=kept if plan.xavp is None else plan.xavp,
        )


def _hangs_on(binding: Binding, owner: str) -> bool:
    """Whether the one way back was a connection, ``<owner>.<number>``."""
    return not binding.path and binding.connection.rpartition(".")[0] == owner


def _are_flows(old: Binding, change: Change) -> bool:
    """Whether both belong to one instance."""
    return bool(old.instance) and instance_id(old.instance) == instance_id(change.instance)


def plain_key(binding: Binding, location: LocationSettings) -> str:
    """The key that ``binding`` would have without an instance, by the settings it was bound by."""
    scope = key_scope(binding.call_id, binding.path, location)
    return match_key(binding.uri, parse_uri(binding.uri), location, scope)


def _is_prolonged(old: Binding | None, new: Binding) -> bool:
    """Whether a look at ``new`` comes early enough where it was to be for ``old``."""
    return old is not None and old.ruid == new.ruid and old.expires_at <= new.expires_at


def _visible(binding: Binding) -> Binding:
    """What a reader of the feed could see change."""
    return replace(binding, cseq=0, expires_at=0, created_at=0, modified_at=0)


def _aged(binding: Binding, milliseconds: int) -> Binding:
    return replace(
        binding,
        expires_at=binding.expires_at - milliseconds,
        created_at=binding.created_at - milliseconds,
        modified_at=binding.modified_at - milliseconds,
    )
