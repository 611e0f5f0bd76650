"""The link that a URL asks for: to one server, to the primary of Sentinels, to a Cluster."""

import asyncio
from collections.abc import Sequence
from typing import Any

from regcluster.config import StoreSettings
from regcluster.store.cluster import ClusterLink
from regcluster.store.connection import Arg
from regcluster.store.durable import Durability
from regcluster.store.endpoint import Endpoint
from regcluster.store.keeper import Greeting
from regcluster.store.link import Link, PipelinedLink
from regcluster.store.places import parse_place
from regcluster.store.scripts import DROP, SAVE, SOURCES

CHANGES: frozenset[Arg] = frozenset({SAVE.sha, SAVE.text, DROP.sha, DROP.text})
"""What ``store.wait_replicas`` is about: what a phone or an operator is told has been done."""


def open_link(url: str, settings: StoreSettings, greeting: Greeting) -> Link:
    """A link to the store at ``url``. Raises ``ConfigError`` for a URL that cannot be used."""
    deadline_s = settings.deadline_ms / 1000

    def link(durability: Durability | None = None) -> Link:
        # Each has a place of its own, for it remembers there which server it has been led to.
        place = parse_place(url)
        if isinstance(place, tuple):
            return ClusterLink(place, deadline_s, greeting, SOURCES, durability=durability)
        return PipelinedLink(place, deadline_s, greeting, SOURCES, durability=durability)

    if not settings.wait_replicas:
        return link()
    # A WAIT has half of a call's time, so that what comes behind one still has the other half.
    durability = Durability(settings.wait_replicas, deadline_s / 2, CHANGES)
    return TwoLanes(link(durability), link(), durability)


class TwoLanes:
    """Changes that wait for replicas on one link, everything else on another."""

    def __init__(self, changes: Link, others: Link, durability: Durability) -> None:
        self._changes = changes
        self._others = others
        self._durability = durability

    @property
    def problem(self) -> str:
        """That of either."""
        return self._others.problem or self._changes.problem

    def nodes(self) -> Sequence[Endpoint]:
        """The primaries; both links lead to the same."""
        return self._others.nodes()

    def call(self, *args: Arg) -> Any:
        """Send a command on the link for its kind."""
        return self._lane(args).call(*args)

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Any:
        """The same, for a command that is packed already."""
        return self._lane(args).send(args, packed)

    async def close(self) -> None:
        """Close both."""
        await asyncio.gather(self._changes.close(), self._others.close())

    def _lane(self, args: tuple[Arg, ...]) -> Link:
        return self._changes if self._durability.covers(args) else self._others
