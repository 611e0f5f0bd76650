"""What ``save.lua`` and ``drop.lua`` promise, in plain Python: RFC 3261 §10.3, steps 6 and 7.

Written from the rules, not from the scripts: contacts are compared as URIs (§19.1.4) where a script
compares keys, and what changed is read off the record before and after, where a script keeps count.
It has no clock. Each call is told the instant at which the server says it did the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from regcluster.registrar.binding import Binding, preference
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
    """A whole store: bindings by AOR, and what has changed since somebody took note of it."""

    bindings: dict[str, Bindings] = field(default_factory=dict)
    feed: list[list[Event]] = field(default_factory=list)
    """One list a call, in the order of the calls."""

    def save(self, plan: SavePlan, now: int) -> Verdict:
        """Apply one REGISTER, all of it or nothing."""
        self.feed.append([])
        record = self._expire(plan.aor, now)
        outcome, after = _wiped(record, plan) if plan.wipe else _bound(record, plan, now)
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

    def age(self, milliseconds: int) -> None:
        """Let all that is stored be so much older."""
        for aor, record in self.bindings.items():
            self.bindings[aor] = {key: _aged(old, milliseconds) for key, old in record.items()}

    def _expire(self, aor: str, now: int) -> Bindings:
        """What of ``aor`` is alive; the rest is forgotten, whatever becomes of the request."""
        record = self.bindings.get(aor, {})
        alive = {key: old for key, old in record.items() if old.expires_at > now}
        self._store(aor, alive)
        self._tell("expired", aor, [old for key, old in record.items() if key not in alive])
        return alive

    def _store(self, aor: str, record: Bindings) -> None:
        if record:
            self.bindings[aor] = record
        else:
            self.bindings.pop(aor, None)

    def _tell(self, kind: Kind, aor: str, bindings: list[Binding]) -> None:
        self.feed[-1] += [Event(kind, aor, binding) for binding in bindings]


def serial(model: Model, calls: Sequence[tuple[SavePlan, Verdict]]) -> Iterator[Model]:
    """``model`` after ``calls`` that ran at once: after each order that explains every verdict.

    A verdict tells the whole record after its call, so most wrong orders are soon given up.
    """
    if not calls:
        yield model
    for at, (plan, verdict) in enumerate(calls):
        trial = replace(model, bindings=dict(model.bindings), feed=list(model.feed))
        if trial.save(plan, verdict.record.now) == verdict:
            yield from serial(trial, [*calls[:at], *calls[at + 1 :]])


def _wiped(record: Bindings, plan: SavePlan) -> tuple[Outcome, Bindings]:
    """Step 6, ``Contact: *``: all go, unless one of this Call-ID has not a lower CSeq."""
    if any(old.call_id == plan.call_id and old.cseq >= plan.cseq for old in record.values()):
        return "out_of_order", record
    return ("removed" if record else "unchanged"), {}


def _bound(record: Bindings, plan: SavePlan, now: int) -> tuple[Outcome, Bindings]:
    """Step 7: one contact after the other; of two that are equal the later wins."""
    outcome: Outcome = "unchanged"
    after, has_added = dict(record), False
    for change in plan.changes:
        old = _match(after, change)
        # What this very request wrote it cannot be too late for.
        is_stored = old is not None and record.get(old.key) is old
        order = _order(old, plan, now) if old and is_stored else "newer"
        if order == "stale":
            return "out_of_order", record
        if order == "newer" and (old or change.lifetime):
            outcome = _apply(after, old, _binding(change, plan, now, old))
            has_added = has_added or outcome == "added"
    if has_added and 0 < plan.max_contacts < len(after):
        return "too_many", record
    return outcome, after


def _apply(record: Bindings, old: Binding | None, new: Binding | None) -> Outcome:
    if old:
        del record[old.key]
    if new is None:
        return "removed"
    record[new.key] = new
    return "refreshed" if old else "added"


def _match(record: Bindings, change: Change) -> Binding | None:
    """The binding that ``change`` is about: that of its own key, else of the least equal one."""
    if change.key in record:
        return record[change.key]
    uri = parse_uri(change.uri)
    equal = [key for key, old in record.items() if equivalent(parse_uri(old.uri), uri)]
    return record[min(equal)] if equal else None


def _order(old: Binding, plan: SavePlan, now: int) -> Literal["newer", "repeated", "stale"]:
    """What a request is to a stored binding; only within one Call-ID can it be late."""
    if old.call_id != plan.call_id or old.cseq < plan.cseq:
        return "newer"
    is_recent = now - old.modified_at < plan.cseq_delay * 1000
    return "repeated" if old.cseq == plan.cseq and is_recent else "stale"


def _binding(change: Change, plan: SavePlan, now: int, old: Binding | None) -> Binding | None:
    """What ``change`` makes, if anything; ruid and age are those of the binding it refreshes."""
    if not change.lifetime:
        return None
    return Binding(
        key=change.key,
        uri=change.uri,
        q=change.q,
        params=change.params,
        call_id=plan.call_id,
        cseq=plan.cseq,
        user_agent=plan.user_agent,
        ruid=old.ruid if old else change.ruid,
        expires_at=now + change.lifetime * 1000,
        created_at=old.created_at if old else now,
        modified_at=now,
    )


def _visible(binding: Binding) -> tuple[object, ...]:
    """What a reader of the feed could see change."""
    return (
        binding.key,
        binding.uri,
        binding.q,
        binding.params,
        binding.call_id,
        binding.user_agent,
    )


def _aged(binding: Binding, milliseconds: int) -> Binding:
    return replace(
        binding,
        expires_at=binding.expires_at - milliseconds,
        created_at=binding.created_at - milliseconds,
        modified_at=binding.modified_at - milliseconds,
    )
