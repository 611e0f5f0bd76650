"""``python -m tests.chaos``: play scenarios and tell what came of them."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import click
import uvloop

from tests.chaos import report
from tests.chaos.scenario import SCENARIOS, Scenario, play, running


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--report",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put the table into this file, in the place of the last one.",
)
@click.option("-k", "word", default="", help="Only those with this in their name.")
def main(file: Path | None, word: str) -> None:
    """Play every scenario, which takes five minutes, and print what phones and callers saw."""
    rows = []
    for scenario in SCENARIOS:
        if word in scenario.name:
            click.echo(scenario.name, err=True)
            rows.append(_row(scenario))
    table = report.render(rows)
    if file:
        report.replace(file, table)
    else:
        click.echo(table)


def _row(scenario: Scenario) -> tuple[str, ...]:
    log = StringIO()
    with redirect_stdout(log), running(scenario) as (store, nodes):
        outcome = uvloop.run(play(scenario, store, nodes))
    if complaints := [*outcome.wrong, *outcome.missed, *outcome.lost]:
        click.echo("\n".join(complaints[:10]), err=True)
    if outcome.wrong:
        sys.stderr.write(log.getvalue())
    return report.row(scenario, outcome)


if __name__ == "__main__":
    main()
