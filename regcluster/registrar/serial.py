"""In which order the branches of a call are tried: by q, one flow of a device at a time.

``lookup`` gives every flow of every device, as Kamailio does. Sent to all at once a request would
reach a device twice, so of each instance one flow is tried and the others are kept for when that
one fails (RFC 5626 §7).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from regcluster.registrar.binding import instance_id
from regcluster.registrar.branch import Branch


@dataclass(slots=True)
class Class:
    """The branches that have one q: all devices may be tried at once."""

    first: list[Branch]
    """One branch of each device."""
    parked: list[Branch]
    """Further flows of devices that are among the first, in the order in which to try them."""


def classes(branches: Iterable[Branch]) -> list[Class]:
    """The branches by q, highest first; within one q they keep their order."""
    by_q: dict[int, Class] = {}
    known: set[tuple[int, str]] = set()
    for branch in branches:
        members = by_q.setdefault(branch.q, Class([], []))
        device = (branch.q, instance_id(branch.instance))
        (members.parked if branch.instance and device in known else members.first).append(branch)
        known.add(device)
    return [by_q[q] for q in sorted(by_q, reverse=True)]
