"""Rounds in which everybody's turn comes: what a request costs each of several contestants.

All of them run at the same time and are asked one after the other, a few thousand requests each, in
every round, so that the machine's moods meet all of them. What is told is the median of the rounds.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from benchmarks.client import Client
from benchmarks.contestants import Contestant, Entry, Setup
from benchmarks.crowd import Crowd, fill
from benchmarks.options import Options
from benchmarks.phones import FIRST_OF_MILLIONS, Fleet
from benchmarks.progress import Progress
from benchmarks.report import Row

AT_ONCE = 10_000
"""REGISTERs made at a time, when a large fleet registers."""

ALL = "all"
"""The part that is all parts of a contestant together."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something that is asked of a registrar."""

    name: str
    status: bytes
    """Of the right answer."""
    messages: Callable[[Fleet, Sequence[int], int], list[bytes]]
    new: bool = False
    """Whether it is asked for phones that have never registered."""


FIRST = Work("first", b"200", Fleet.some_registers, new=True)
REFRESH = Work("refresh", b"200", Fleet.some_registers)
LOOKUP = Work("lookup", b"302", Fleet.calls)
FORWARD = Work("forward", b"200", Fleet.messages)


@dataclass(slots=True)
class Cost:
    """What one kind of work costs one contestant: µs of CPU per request."""

    contestant: str
    work: str
    phones: int = 0
    """How many had registered."""
    parts: dict[str, list[float]] = field(default_factory=dict)
    """By process and round: node, store."""

    def rounds(self, part: str = ALL) -> list[float]:
        """What each round cost."""
        if part != ALL:
            return self.parts[part]
        return [sum(costs) for costs in zip(*self.parts.values(), strict=True)]

    def median(self, part: str = ALL) -> float:
        """The figure that is told."""
        return median(self.rounds(part))


class Player:
    """A contestant, its registered phones, and whoever asks for them."""

    def __init__(self, contestant: Contestant, phones: int, client: Client, slowness: int) -> None:
        self.contestant = contestant
        self.client = client
        self.phones = phones
        self.slowness = slowness
        self._turns = 1
        self._strangers = phones
        self._random = random.Random(phones)

    def register(self) -> None:
        """Let every phone register, by itself."""
        for start in range(0, self.phones, AT_ONCE):
            indexes = range(start, min(start + AT_ONCE, self.phones))
            self.client.ask(self.client.fleet.some_registers(indexes, 1), b"200")

    def play(self, work: Work, requests: int) -> dict[str, float]:
        """Ask for some work; µs of CPU per request, by process."""
        requests = max(1, requests // self.slowness)
        return self.client.ask(self.messages(work, requests), work.status)

    def messages(self, work: Work, requests: int) -> list[bytes]:
        """New requests, of phones that have never registered or in an order nobody foresees."""
        found: list[bytes] = []
        while len(found) < requests:
            self._turns += 1
            missing = requests - len(found)
            if work.new:
                indexes = list(range(self._strangers, self._strangers + missing))
                self._strangers += missing
            else:
                # All of them before anybody's second turn, whose CSeq is a higher one.
                indexes = self._random.sample(range(self.phones), min(missing, self.phones))
            found += work.messages(self.client.fleet, indexes, self._turns)
        return found


@contextmanager
def players(
    entries: Sequence[Entry], folder: Path, setup: Setup, phones: int, transport: str = "UDP"
) -> Iterator[list[Player]]:
    """Start everybody and let their phones register; all of it ends with the block."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(player(entry, folder / str(number), setup, phones, transport))
            for number, entry in enumerate(entries)
        ]


@contextmanager
def player(
    entry: Entry, folder: Path, setup: Setup, phones: int, transport: str = "UDP"
) -> Iterator[Player]:
    """Start one contestant, whose phones register."""
    with (
        entry.enter(folder, setup) as contestant,
        closing(Client(contestant, phones, transport)) as client,
    ):
        client.fleet = replace(client.fleet, first=FIRST_OF_MILLIONS, at_home=setup.forwards)
        found = Player(contestant, phones, client, entry.slowness)
        # A store is filled much faster without a node, and says the same afterwards.
        if phones > AT_ONCE and contestant.is_ours and contestant.store and not setup.forwards:
            fill(contestant.store, Crowd(phones, socket=contestant.socket))
        else:
            found.register()
        yield found


def play(
    players: Sequence[Player], works: Sequence[Work], options: Options, what: str
) -> list[Cost]:
    """Play all rounds; a cost for each work and player, in that order."""
    costs = {
        (work.name, player): Cost(player.contestant.name, work.name, player.phones)
        for work in works
        for player in players
    }
    progress = Progress(what, options.rounds * len(costs))
    for round_ in range(options.rounds):
        for work in works:
            # Whoever is first in one round is last in the next.
            for player in players if round_ % 2 == 0 else reversed(players):
                parts = costs[work.name, player].parts
                for part, cost in player.play(work, options.requests).items():
                    parts.setdefault(part, []).append(cost)
                progress.step()
    return list(costs.values())


def rows(costs: Sequence[Cost], **columns: str | int) -> list[Row]:
    """The costs as rows of a report: each part, and all together. All rows have ``columns``."""
    found: list[Row] = []
    for cost in costs:
        for part in [*cost.parts, ALL]:
            rounds = [round(us, 2) for us in cost.rounds(part)]
            found.append(
                {
                    **columns,
                    "work": cost.work,
                    "contestant": cost.contestant,
                    "phones": cost.phones,
                    "part": part,
                    "us": round(cost.median(part), 2),
                    "least": min(rounds),
                    "most": max(rounds),
                    "rounds": rounds,
                }
            )
    return found


def table(costs: Sequence[Cost], title: str, names: Sequence[str] = ()) -> str:
    """The costs of one work for readers, each also as a multiple of the first one's."""
    names = names or [cost.contestant for cost in costs]
    lines = [f"{title:54}{'CPU, µs':>9}{'':>9}{'least':>9}{'most':>9}{'node':>9}{'store':>9}"]
    for name, cost in zip(names, costs, strict=True):
        figures = [cost.median(), cost.median() / costs[0].median()]
        cells = f"{figures[0]:9.1f}{figures[1]:7.2f} x"
        rounds = cost.rounds()
        cells += f"{min(rounds):9.1f}{max(rounds):9.1f}"
        if len(cost.parts) > 1:
            cells += "".join(f"{cost.median(part):9.1f}" for part in cost.parts)
        lines.append(f"  {name:52}{cells}")
    return "\n".join(lines)
