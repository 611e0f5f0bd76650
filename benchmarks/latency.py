"""How long a refresh takes at 70 % of what a node can do, beside the store's own time for it.

The store is asked by the same loop, at the same rate, on one connection, with the very script calls
that the node would have made; the two take turns. So the sender's unpunctuality, the kernel's and
the machine's are in both figures, and what is left is what the node adds.
"""

import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.contestants import Setup, entries
from benchmarks.crowd import Calls
from benchmarks.options import Options
from benchmarks.pace import Paced, StoreLine, multiple, pace, warning
from benchmarks.progress import Progress
from benchmarks.rates import TURN_S, capacity, refreshes
from benchmarks.report import Chart, Report, Row
from benchmarks.turns import REFRESH, Player, player
from regcluster.store.scripts import SAVE
from tests.servers import RealServer

PHONES = 10_000
SHARE = 0.7
SAMPLE = 10_000
PERCENTILES = (50, 90, 99, 99.9)


@dataclass(slots=True)
class Pair:
    """A contestant and its store, by round."""

    player: Player
    rates: list[float] = field(default_factory=list)
    """Requests a second: a share of what the contestant could do just before."""
    whole: list[Paced] = field(default_factory=list)
    store: list[Paced] = field(default_factory=list)


def run(options: Options) -> Report:
    """Play the rounds, and find out in each what each can do."""
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as folder, ExitStack() as stack:
        found = [
            stack.enter_context(player(entry, Path(folder) / str(number), Setup(), PHONES))
            for number, entry in enumerate(entries(checkout=options.beside))
            if entry.slowness == 1
        ]
        pairs = [Pair(each) for each in found]
        progress = Progress("latencies", options.rounds * len(pairs))
        for _ in range(options.rounds):
            for pair in pairs:
                _play(pair)
                progress.step()
    rows = [row for pair in pairs for row in _rows(pair)]
    return Report(
        name="latency",
        title=f"How long a refresh takes at {SHARE:.0%} of capacity (UDP, one worker)",
        unit="µs",
        rows=rows,
        text=_table(pairs) + warning(turn for pair in pairs for turn in pair.whole + pair.store),
        charts=[
            Chart(
                name="latency",
                title=f"Latency of a refresh at {SHARE:.0%} of capacity",
                kind="lines",
                x="one_in",
                y="us",
                by="series",
                x_label="one request of so many takes longer",
                y_label="µs",
                log_x=True,
                log_y=True,
            )
        ],
    )


def _play(pair: Pair) -> None:
    rate = SHARE * capacity(pair.player, SAMPLE)
    pair.rates.append(rate)
    pair.whole.append(refreshes(pair.player, rate)[1])
    if store := pair.player.contestant.is_ours and pair.player.contestant.store:
        with straight(store, pair.player, int(rate * TURN_S)) as (line, messages):
            pair.store.append(pace(line, messages, rate))


@contextmanager
def straight(
    store: RealServer, player: Player, requests: int
) -> Iterator[tuple[StoreLine, list[bytes]]]:
    """A way to the store past the node, and the script calls of as many refreshes."""
    store.ask(b"SCRIPT", b"LOAD", SAVE.text)
    calls = Calls("feedfacecafe", player.contestant.socket)
    messages = [calls.save(register) for register in player.messages(REFRESH, requests)]
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(store.url.removeprefix("unix://"))
        yield StoreLine(line), messages


def _rows(pair: Pair) -> list[Row]:
    name = pair.player.contestant.name
    both = {name: pair.whole, f"{name}: the store alone": pair.store}
    return [
        {
            "series": series,
            "rate": round(median(pair.rates)),
            "percentile": share,
            "one_in": round(100 / (100 - share)),
            "us": round(median(each.percentile(share) for each in turns), 1),
            "rounds": [round(each.percentile(share), 1) for each in turns],
            "unanswered": sum(each.unanswered for each in turns),
            "late": sum(each.late for each in turns),
            "sender_share": round(median(each.own_share for each in turns), 3),
            "times_the_store": round(multiple(pair.whole, pair.store, share), 2)
            if pair.store
            else None,
        }
        for series, turns in both.items()
        if turns
        for share in PERCENTILES
    ]


def _table(pairs: Sequence[Pair]) -> str:
    head = "".join(f"{f'p{share}':>9}" for share in PERCENTILES)
    lines = [f"{'Refreshing REGISTER, µs':48}{'rate/s':>9}{head}"]
    for pair in pairs:
        lines += _grouped(_rows(pair))
        if pair.store:
            ratios = "".join(
                f"{multiple(pair.whole, pair.store, share):7.2f} x" for share in PERCENTILES
            )
            lines.append(f"  {'as a multiple, round by round':46}{'':9}{ratios}")
    return "\n".join(lines)


def _grouped(rows: Sequence[Row]) -> list[str]:
    lines = []
    for start in range(0, len(rows), len(PERCENTILES)):
        some = rows[start : start + len(PERCENTILES)]
        figures = "".join(f"{row['us']:9.0f}" for row in some)
        lines.append(f"  {some[0]['series']:46}{some[0]['rate']:9}{figures}")
    return lines
