"""``python -m benchmarks.guard``: whether the product has become slower, in well under a minute.

Every part of a request is measured as a multiple of the yardstick's turn and compared with what
``guard.json`` remembers of the same Python and the same kind of build. A part is lost if it is more
than a fifth dearer in each of three tries. Other people's work on the machine makes a try slower
and never faster, so one good try is proof enough. Each try is a process of its own, for where its
objects lie in memory makes a small part up to a fifth dearer in one process than in the next; what
is remembered is the middle of several.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import msgspec

from benchmarks import micro

REMEMBERED = Path(__file__).parent / "guard.json"

TRIES = 3
TRIES_RECORDED = 7
ROUNDS = 50
"""In a try, which takes some six seconds."""

ALLOWED = 1.20

Ratios = dict[str, float]


@dataclass(slots=True, frozen=True)
class Loss:
    """A part that has become dearer than it may."""

    part: str
    before: float
    now: float

    def __str__(self) -> str:
        more = 100 * (self.now / self.before - 1)
        return f"{self.part}: {self.now:.2f}, {self.before:.2f} before, +{more:.0f} %"


def losses(before: Ratios, now: Ratios) -> list[Loss]:
    """What ``now`` takes more than it may; a part that only one of them knows is no loss."""
    return [
        Loss(part, before[part], ratio)
        for part, ratio in now.items()
        if part in before and ratio > before[part] * ALLOWED
    ]


def best(one: Ratios, other: Ratios) -> Ratios:
    """The lower ratio of each part."""
    return {part: min(ratio, other.get(part, ratio)) for part, ratio in one.items()}


def middle(tries: Sequence[Ratios]) -> Ratios:
    """The median of each part, so that what is remembered is nobody's good luck."""
    return {part: median(ratios[part] for ratios in tries) for part in tries[0]}


def remembered(file: Path = REMEMBERED) -> dict[str, Ratios]:
    """The ratios by build."""
    if not file.exists():
        return {}
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Ratios])


def remember(build: str, ratios: Ratios, file: Path = REMEMBERED) -> None:
    """Replace what is remembered of ``build``."""
    rounded = {part: round(ratio, 3) for part, ratio in ratios.items()}
    text = msgspec.json.encode({**remembered(file), build: rounded}, order="sorted")
    file.write_bytes(msgspec.json.format(text, indent=2) + b"\n")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--record", is_flag=True, help="Remember what is measured now.")
def main(record: bool) -> None:
    """Compare every part of a request with what it cost before; exit code 1 if one is lost.

    All is told as multiples of a fixed piece of Python that is timed in between, so that another
    machine, or a slower hour of this one, changes little.
    """
    build = micro.build()
    if record:
        remember(build, middle([_try(number) for number in range(1, TRIES_RECORDED + 1)]))
        click.echo(f"{REMEMBERED.name} now has the ratios of {build}.")
        return
    before = remembered().get(build)
    if before is None:
        _tell_unknown(build)
        return
    if compare(before, _try):
        click.echo("Lost in every try. If that is the price of something: --record, and say so.")
        sys.exit(1)
    click.echo(f"Nothing is lost of {len(before)} parts ({build}).")


def compare(before: Ratios, attempt: Callable[[int], Ratios]) -> list[Loss]:
    """Try until nothing is lost, or too often; what is lost in every try."""
    now: Ratios = {}
    lost: list[Loss] = []
    for number in range(1, TRIES + 1):
        now = best(attempt(number), now)
        lost = losses(before, now)
        if not lost:
            break
        click.echo(f"Try {number} of {TRIES}, in turns of the yardstick:")
        for loss in lost:
            click.echo(f"  {loss}")
    return lost


def _try(number: int) -> Ratios:
    return micro.apart(ROUNDS, f"try {number}").ratios


def _tell_unknown(build: str) -> None:
    """Nothing to compare with: a gap in the guard, where gaps are not allowed."""
    click.echo(f"Nothing is remembered of {build}: python -m benchmarks.guard --record")
    if os.environ.get("REGCLUSTER_NO_SKIP") == "1":
        sys.exit(1)


if __name__ == "__main__":
    main()
