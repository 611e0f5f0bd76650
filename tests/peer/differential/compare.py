"""Are the two outcomes of a step what the step says they are?

Without a ``Because`` they have to be the same, lifetimes by a second. With one, they have to differ
in just what it names, each as it says: a difference that has gone is a complaint as well.
"""

import re
from collections.abc import Callable

from tests.peer.differential.sequence import Because, Seen, Step, Value

_SECONDS = re.compile(r"((?:expires|left)=)(-?\d+)")

Fill = Callable[[str], str]
"""Puts the user's name and the like into an expected text."""


def complaints(step: Step, peer: Seen, ours: Seen, fill: Fill = str) -> list[str]:
    """What is wrong with a step that both were asked for; empty when nothing is."""
    differing = [
        name for name in sorted({*peer, *ours}) if not equal(peer.get(name), ours.get(name))
    ]
    found = [
        f"{name} differs: peer {peer.get(name)!r}, ours {ours.get(name)!r}"
        for name in differing
        if not any(name in {*reason.peer, *reason.ours} for reason in step.differs)
    ]
    for reason in step.differs:
        found += _unlike(reason, peer, ours, fill)
    return found + unexpected(step.expect, peer, fill)


def unexpected(expect: Seen, seen: Seen, fill: Fill = str) -> list[str]:
    """Where ``seen`` is not what was expected."""
    return [
        f"{name} expected {value!r}, seen {seen.get(name)!r}"
        for name, value in expect.items()
        if not equal(_filled(value, fill), seen.get(name))
    ]


def equal(one: Value, other: Value) -> bool:
    """Whether two values are the same, give or take a second of a lifetime."""
    if isinstance(one, str) and isinstance(other, str):
        return _is_same_text(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same_text, one, other))
    return one == other


def _unlike(reason: Because, peer: Seen, ours: Seen, fill: Fill) -> list[str]:
    found = [
        f"{reason.note} is not shown: {name} is {peer.get(name)!r} for both"
        for name in sorted({*reason.peer, *reason.ours})
        if equal(peer.get(name), ours.get(name))
    ]
    found += [f"{reason.note}, peer: {text}" for text in unexpected(reason.peer, peer, fill)]
    found += [f"{reason.note}, ours: {text}" for text in unexpected(reason.ours, ours, fill)]
    return found


def _filled(value: Value, fill: Fill) -> Value:
    if isinstance(value, list):
        return [fill(text) for text in value]
    return fill(value) if isinstance(value, str) else value


def _is_same_text(one: str, other: str) -> bool:
    if one == other:
        return True
    if _SECONDS.sub(r"\1", one) != _SECONDS.sub(r"\1", other):
        return False
    pairs = zip(_SECONDS.findall(one), _SECONDS.findall(other), strict=True)
    return all(abs(int(a[1]) - int(b[1])) <= 1 for a, b in pairs)
