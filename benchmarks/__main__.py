"""``python -m benchmarks``: which measurements to make, and how large."""

import signal
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from benchmarks.catalogue import BENCHMARKS, chosen
from benchmarks.contestants import has_kamailio
from benchmarks.options import Options
from benchmarks.pages import write_all
from benchmarks.report import RESULTS, Report, save

FULL_REQUESTS = 6_000

CHARTS = "charts"
"""What is no benchmark: bringing the pictures and figures in docs/ up to date."""

FOLDER = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)


def _names() -> str:
    width = max(map(len, BENCHMARKS))
    lines = [f"  {name:{width}}  {each.what}" for name, each in BENCHMARKS.items()]
    lines.append(f"  {CHARTS:{width}}  pictures and figures of saved reports, for docs/")
    return "\b\n" + "\n".join(lines)


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"Measure. Without a name, the quick ones; with --full, all.\n\n{_names()}",
    epilog="Kamailio is measured too where it is installed (make peers).",
)
@click.argument("names", nargs=-1, type=click.Choice([*BENCHMARKS, CHARTS]), metavar="[NAME]...")
@click.option("--full", is_flag=True, help="As large as in docs/performance.md: 25 minutes.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--requests", type=click.IntRange(100), help="In each turn.  [4000; full: 6000]")
@click.option("--beside", type=FOLDER, help="Another copy of the package, to measure as well.")
@click.option(
    "--bindings",
    type=click.IntRange(20_000, 5_000_000),
    default=1_000_000,
    show_default=True,
    help="In the largest store.",
)
@click.option("--save", "folder", type=click.Path(path_type=Path), help="Where to write reports.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def main(names: tuple[str, ...], folder: Path | None, as_json: bool, **asked: Any) -> None:
    """Run the benchmarks, and tell of each as soon as it is done."""
    # Whoever ends this ends the servers with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _options(asked)
    if options.full and not folder:
        folder = RESULTS
    asked_for = tuple(name for name in names if name != CHARTS)
    wanted = chosen(asked_for, full=options.full) if asked_for or not names else []
    found: dict[str, Report] = {}
    for name in wanted:
        if (report := _report(name, options, found)) is None:
            continue
        found[name] = report
        # Saved at once: many minutes' figures are not lost with what comes after them.
        if folder:
            save(report, folder)
        if not as_json:
            click.echo(f"{report.title}\n\n{report.text}\n")
    if as_json:
        click.echo(msgspec.json.encode(found))
    elif wanted and not has_kamailio():
        click.echo("Kamailio is not installed (make peers): nothing to compare with.")
    if CHARTS in names or (options.full and not names):
        _draw(folder or RESULTS)
    if len(found) < len(wanted):
        sys.exit(1)


def _report(name: str, options: Options, found: dict[str, Report]) -> Report | None:
    """What a benchmark has found; none, and a line on standard error, if it could not measure."""
    if missing := [need for need in BENCHMARKS[name].needs if need not in found]:
        click.echo(f"{name}: there is no {', no '.join(missing)}", err=True)
        return None
    try:
        return BENCHMARKS[name].run(options, found)
    # A program that would not start, or did not answer as it should.
    except (RuntimeError, AssertionError, OSError) as error:
        click.echo(f"{name}: {error}", err=True)
        return None


def _draw(folder: Path) -> None:
    # Not before it is needed: matplotlib takes a second to come.
    from benchmarks.charts import IMAGES, draw_all

    # Reports that are kept elsewhere are nobody's but those who asked for them.
    kept = folder.resolve() == RESULTS
    pictures = draw_all(folder, IMAGES if kept else folder / "images")
    pages = write_all() if kept else []
    click.echo(f"drew {len(pictures)} pictures, and changed {len(pages)} pages of docs", err=True)


def _options(asked: dict[str, Any]) -> Options:
    usual = FULL_REQUESTS if asked["full"] else Options.requests
    return Options(**{**asked, "requests": asked["requests"] or usual})


if __name__ == "__main__":
    main()
