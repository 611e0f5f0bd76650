"""``python -m benchmarks``: which measurements to make, and how large."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks import million, overdue, side_by_side, stages
from benchmarks.contestants import has_kamailio
from benchmarks.progress import Progress
from benchmarks.side_by_side import Row

NAMES = ("stages", "side-by-side", "million")
QUICK = ("stages", "side-by-side")
"""Those that are made when no name is given."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument(
    "names", nargs=-1, type=click.Choice(NAMES), metavar="[stages] [side-by-side] [million]"
)
@click.option("--phones", type=click.IntRange(1, 200_000), default=10_000, show_default=True)
@click.option("--rounds", type=click.IntRange(2), default=4, show_default=True)
@click.option(
    "--beside",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Another checkout, to measure this one against.",
)
@click.option(
    "--bindings", type=click.IntRange(20_000, 5_000_000), default=1_000_000, show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def main(
    names: tuple[str, ...],
    phones: int,
    rounds: int,
    beside: Path | None,
    bindings: int,
    as_json: bool,
) -> None:
    """Measure what a REGISTER costs; without a name, all but million.

    side-by-side needs redis-server or the Valkey of the test packages, and compares with Kamailio
    where it is installed (make peers). million takes two minutes, and a gigabyte of memory.
    """
    found: dict[str, object] = {}
    names = names or QUICK
    if "stages" in names:
        measured = stages.measure()
        found["stages"] = {stage.name: stage.best_us for stage in measured}
        if not as_json:
            click.echo(f"{stages.report(measured)}\n")
    if "side-by-side" in names:
        rows = _compare(phones, rounds, beside)
        found["side-by-side"] = {row.name: row.parts for row in rows}
        if not as_json:
            click.echo(side_by_side.report(rows, rounds))
            if not has_kamailio():
                click.echo("Kamailio is not installed (make peers): nothing to compare with.")
    if "million" in names:
        found["million"] = _enlarge(bindings, as_json)
    if as_json:
        click.echo(json.dumps(found))


def _enlarge(bindings: int, as_json: bool) -> dict[str, object]:
    """Measure large stores, and tell of it unless ``as_json`` does."""
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as name:
        sizes = million.measure(Path(name), bindings)
        swept = overdue.sweep(Path(name) / "sweep")
        late = overdue.lag(Path(name) / "lag")
    if not as_json:
        click.echo(f"{million.report(sizes)}\n\n{overdue.report(swept, late)}")
    return {
        "sizes": [asdict(size) for size in sizes],
        "sweep": asdict(swept),
        "lag": asdict(late),
    }


def _compare(phones: int, rounds: int, beside: Path | None) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as folder:
        entries = side_by_side.entries(Path(folder), beside)
        progress = Progress(f"rounds of {phones} REGISTERs", rounds * len(entries))
        return side_by_side.compare(entries, phones, rounds, progress)


if __name__ == "__main__":
    main()
