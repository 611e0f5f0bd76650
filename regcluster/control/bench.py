"""``bench``: load for a registrar, and a report that tells the server's limit from its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from regcluster.control import output
from regcluster.control.exits import UNUSABLE, fail, say_no
from regcluster.control.options import json_option
from regcluster.errors import ConfigError, RegclusterError

if TYPE_CHECKING:
    from regcluster.load import Load, Report, Tick
    from regcluster.load.crew import Watch

OUR_LIMIT = 4
"""Exit code where the generator was the limit, so that the figures are not the server's."""

EPILOG = """\b
Kinds of request, for --mix:
  register  the first REGISTER of a phone that was not there before
  refresh   a later REGISTER of a phone
  lookup    a request to a phone that is answered 302
  forward   a request to a phone that is forwarded, and answered by the phone
  miss      a request to nobody, answered 404 or 480

\b
Exit codes:
  0  measured
  1  the server cannot be reached, or gave no good answer
  2  wrong usage
  4  measured, but the generator was the limit and not the server
"""

STAGES = {
    "prepare": "registering phones",
    "warm-up": "warming up",
    "run": "measuring",
    "drain": "waiting for the last answers",
}

FORWARDS = 'forward needs a server that forwards (routing.mode = "forward")'

SHOWN = (50.0, 90.0, 99.0, 99.9)
"""Percentiles of the table."""


class Mix(click.ParamType[dict[str, int]]):
    """``refresh=9,lookup=1``: weights by kind."""

    name = "mix"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, int]:
        """The weights; which kinds there are is not asked here."""
        if isinstance(value, dict):
            return value
        weights: dict[str, int] = {}
        for part in str(value).split(","):
            kind, _, weight = part.strip().partition("=")
            if not (weight.isascii() and weight.isdigit()):
                self.fail(f"{part} is no weight: write kind=number, as in refresh=9,lookup=1")
            weights[kind] = int(weight)
        return weights


_option = partial(click.option, show_default=True)


@click.command(epilog=EPILOG)
@click.argument("targets", nargs=-1, metavar="[HOST:PORT]...")
@_option("--mix", type=Mix(), default="refresh=9,lookup=1", help="Kinds of request, by weight.")
@_option("--rate", default=1000.0, help="Requests a second, decided in advance: an open loop.")
@click.option("--window", type=int, help="A closed loop: so many requests under way, at any rate.")
@_option("--seconds", default=10.0, help="How long to measure.")
@click.option("--count", default=0, help="Measure so many requests, instead of --seconds.")
@_option("--warmup", "warmup_s", default=2.0, help="Seconds of load before anything is counted.")
@_option("--users", default=1000, help="Phones that are registered before.")
@_option("--first", default=0, help="Number of the first phone.")
@click.option("--no-prepare", is_flag=True, help="The phones are registered already.")
@_option("--transport", type=click.Choice(["udp", "tcp"]), default="udp")
@_option("--method", type=click.Choice(["INVITE", "OPTIONS"]), default="INVITE")
@_option("--arrivals", type=click.Choice(["even", "poisson"]), default="even")
@click.option("--retransmit", is_flag=True, help="Repeat by the timers of RFC 3261 over UDP.")
@click.option(
    "--timeout", "timeout_s", default=0.0, help="Seconds after which a request is lost; 5 or 32."
)
@click.option(
    "--persist",
    "persist_s",
    default=0.0,
    help="Seconds a phone tries again after a 503 or silence.",
)
@_option("--domain", default="example.test", help="Domain of all phones.")
@_option("--expires", default=3600, help="Seconds the phones ask for.")
@_option("--processes", default=1, help="Generator processes.")
@_option("--sockets", default=1, help="Sockets, or connections, to each target, of each process.")
@click.option("--self-check", is_flag=True, help="Measure the generator, on a server of its own.")
@json_option
def bench(
    targets: tuple[str, ...],
    window: int | None,
    no_prepare: bool,
    self_check: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """Offer load to a registrar, and measure what it does.

    Latency counts from the instant a request was meant for, so a server that stalls cannot hide it.
    The generator is measured too: where it was the limit, that is said, and the exit code tells.

    Servers are named as host:port; the default is 127.0.0.1:5060. The phones are called u00000000
    and so on. Their bindings stay until they expire.
    """
    # Only here: no other verb needs it.
    from regcluster.load import Load, run
    from regcluster.load.echo import echo

    if window is not None:
        fields.update(rate=0.0, window=window)
    load = Load(targets=targets or ("127.0.0.1:5060",), prepare=not no_prepare, **fields)
    try:
        load.check()
        server = echo(load.transport) if self_check else nullcontext(None)
        with server as own, _watched() as watch:
            report = run(replace(load, targets=[own]) if own else load, watch)
    except ConfigError as wrong:
        fail("; ".join(wrong.problems), UNUSABLE)
    except RegclusterError as broken:
        say_no(str(broken))
    click.echo(output.document(report.document()) if as_json else text(report))
    _end(report)


def text(report: "Report") -> str:
    """The report for people."""
    answers, generator = output.pairs(_answers(report)), output.pairs(_generator(report))
    return "\n\n".join([_heading(report.load), answers, _latencies(report), generator])


def _end(report: "Report") -> None:
    """Say what is to be doubted, and end with the code that says it too."""
    for limit in report.limits:
        click.echo(f"regcluster: not the server's limit: {limit}", err=True)
    if _is_redirected(report):
        click.echo(f"regcluster: {FORWARDS}", err=True)
    if not report.good:
        say_no("no request got a good answer")
    if report.limits:
        raise click.exceptions.Exit(OUR_LIMIT)


def _heading(load: "Load") -> str:
    mix = ", ".join(f"{weight} {kind}" for kind, weight in load.mix.items() if weight)
    pace = f"{load.rate:g} requests a second" if load.is_open else f"{load.window} under way"
    return f"{mix} over {load.transport.upper()} to {', '.join(load.targets)}: {pace}"


def _answers(report: "Report") -> dict[str, str | int]:
    ledger = report.ledger
    abandoned = f", {report.abandoned} not waited for" if report.abandoned > 0 else ""
    return {
        "sent": f"{report.sent} in {report.seconds:.1f} s, {report.sent_rate:.0f} a second",
        "good answers": f"{report.good}, {report.good_rate:.0f} a second",
        "answered 503": f"{report.refused}, {ledger.retry_afters} with Retry-After",
        "answered wrongly": f"{report.failed}{_wrong(report)}",
        "no answer": f"{report.lost}{abandoned}",
        "repeated": f"{ledger.repeated} retransmissions, {ledger.retried} later tries",
    }


def _wrong(report: "Report") -> str:
    from regcluster.load.ledger import GOOD

    wrong = [
        f"{times} x {status} to {kind}"
        for (kind, status), times in sorted(report.ledger.statuses.items())
        if status != 503 and status not in GOOD[kind]
    ]
    return f": {', '.join(wrong)}" if wrong else ""


def _is_redirected(report: "Report") -> bool:
    """Whether callers were told where the phone is who should have been put through."""
    answers = report.ledger.statuses
    return any(kind == "forward" and 300 <= status < 400 for kind, status in answers)


def _latencies(report: "Report") -> str:
    rows = []
    for kind, found in report.latency.items():
        answers = found.get_total_count()
        values = [found.get_value_at_percentile(percentile) for percentile in SHOWN]
        values += [found.get_max_value()]
        rows += [[kind, str(answers), *(_ms(value) if answers else "-" for value in values)]]
    headings = ["LATENCY, ms", "ANSWERS", *(f"p{percentile:g}" for percentile in SHOWN), "max"]
    return output.table(headings, rows)


def _generator(report: "Report") -> dict[str, str | int]:
    shares = ", ".join(
        f"{part.cpu_share:.0%} (waited {part.waited_share:.0%})" for part in report.parts
    )
    late, latest = report.lateness.get_value_at_percentile(99.0), report.lateness.get_max_value()
    return {
        "generator's CPU": shares,
        "left late": f"1 % by {_ms(late)} ms or more, at most {_ms(latest)} ms",
        "lost here": f"{report.drops} answers dropped, {report.ledger.unsent} messages not taken, "
        f"{report.broken} errors of sockets",
        "not asked for": f"{report.extra} answers, doubled or late",
    }


def _ms(microseconds: float) -> str:
    return f"{microseconds / 1000:.2f}"


@contextmanager
def _watched() -> Iterator["Watch"]:
    """A bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda tick: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    counts = TextColumn("{task.fields[answered]} answered, {task.fields[under_way]} under way")
    with Progress(*columns, counts, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", answered=0, under_way=0)

        def show(tick: "Tick") -> None:
            progress.update(
                task,
                description=STAGES[tick.stage],
                completed=tick.done,
                total=tick.total,
                answered=tick.answered,
                under_way=tick.under_way,
            )

        yield show
