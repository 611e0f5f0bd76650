"""What was aimed at beside what was reached: ratios, each a median of rounds played in turns.

It measures nothing: it reads what the benchmarks it needs have found in the same run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.contestants import DB_REDIS, MEMORY
from benchmarks.latency import SHARE
from benchmarks.report import Cell, Report, Row
from benchmarks.turns import ALL, LOOKUP, REFRESH

OURS = "regcluster"
SMALL = 10_000
"""Phones that a large number of them is compared with."""


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio that is not to be exceeded, and what was measured."""

    what: str
    whose: str
    ratio: float
    most: float
    stretch: float

    @property
    def verdict(self) -> str:
        """Which of the two limits it keeps to."""
        if self.ratio <= self.stretch:
            return "stretch reached"
        return "reached" if self.ratio <= self.most else "missed"


def tell(found: Mapping[str, Report]) -> Report:
    """All targets, of reports by name."""
    targets = [
        *_beside_kamailio(found["side-by-side"].rows),
        *_larger(found["users"].rows),
        *_memory(found["memory"].rows),
        *_latency(found["latency"].rows),
        *_closed(found["closed"].rows),
    ]
    rows: list[Row] = [
        {
            "what": target.what,
            "whose": target.whose,
            "ratio": round(target.ratio, 3),
            "target": round(target.most, 3),
            "stretch": round(target.stretch, 3),
            "verdict": target.verdict,
        }
        for target in targets
    ]
    return Report(
        name="targets",
        title="What was aimed at, as ratios within one run",
        unit="ratio",
        rows=rows,
        text=_table(targets),
    )


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of all rounds."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def _beside_kamailio(rows: Sequence[Row]) -> Iterator[Target]:
    wanted = [
        ("REGISTER refresh ÷ Kamailio in memory", REFRESH.name, MEMORY, 1.3, 0.9),
        ("REGISTER refresh ÷ Kamailio with db_redis", REFRESH.name, DB_REDIS, 1 / 12, 1 / 20),
        ("lookup + 302 ÷ Kamailio in memory", LOOKUP.name, MEMORY, 1.8, 1.0),
    ]
    for what, work, peer, most, stretch in wanted:
        rounds = {
            str(row["contestant"]): _rounds(row["rounds"])
            for row in rows
            if row["work"] == work and row["part"] == ALL
        }
        if peer in rounds:
            for name in filter(_is_ours, rounds):
                yield Target(what, name, ratio(rounds[name], rounds[peer]), most, stretch)


def _larger(rows: Sequence[Row]) -> Iterator[Target]:
    rounds = {
        (str(row["contestant"]), int(_number(row["phones"]))): _rounds(row["rounds"])
        for row in rows
        if row["work"] == REFRESH.name and row["part"] == ALL
    }
    most = max(phones for _, phones in rounds)
    for name, phones in rounds:
        if phones == most and _is_ours(name) and (name, SMALL) in rounds:
            what = f"CPU per REGISTER at {most:,} users ÷ at {SMALL:,}"
            yield Target(what, name, ratio(rounds[name, most], rounds[name, SMALL]), 1.15, 1.05)


def _memory(rows: Sequence[Row]) -> Iterator[Target]:
    for row in rows:
        # Kamailio's own row is what the others are divided by.
        if row["feed_bytes"] is not None and row["ratio"] is not None:
            what = "bytes per binding ÷ Kamailio's"
            yield Target(what, str(row["name"]), _number(row["ratio"]), 0.6, 0.45)


def _latency(rows: Sequence[Row]) -> Iterator[Target]:
    for row in rows:
        times = row["times_the_store"]
        if row["percentile"] == 99 and times is not None and "alone" not in str(row["series"]):
            what = "p99 of a refresh at 70 % of capacity ÷ the store's, at a fixed rate"
            yield Target(what, str(row["series"]), _number(times), 3, 2)


def _closed(rows: Sequence[Row]) -> Iterator[Target]:
    for name in dict.fromkeys(str(row["contestant"]) for row in rows):
        ours = [row for row in rows if row["contestant"] == name]
        capacity = max(_number(row["rate"]) for row in ours)
        # With the fewest under way of those that come to it.
        row = next(row for row in ours if _number(row["rate"]) >= SHARE * capacity)
        if row["times_the_store"] is not None:
            what = "p99 of a refresh at 70 % of capacity ÷ the store's, in a closed loop"
            yield Target(what, name, _number(row["times_the_store"]), 3, 2)


def _table(targets: Sequence[Target]) -> str:
    lines = [f"{'':52}{'ratio':>8}{'target':>8}{'stretch':>9}"]
    what = ""
    for target in targets:
        if target.what != what:
            what = target.what
            lines.append(what)
        figures = f"{target.ratio:8.3f}{target.most:8.3f}{target.stretch:9.3f}"
        lines.append(f"  {target.whose:50}{figures}  {target.verdict}")
    return "\n".join(lines)


def _is_ours(name: str) -> bool:
    return name.startswith(OURS)


def _rounds(cell: Cell) -> list[float]:
    if not isinstance(cell, list):
        raise TypeError(f"no rounds: {cell!r}")
    return cell


def _number(cell: Cell) -> float:
    if not isinstance(cell, int | float):
        raise TypeError(f"no number: {cell!r}")
    return cell
