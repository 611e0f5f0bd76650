"""``regcluster drain``: has a node end in order, as SIGTERM does.

One that runs here is found as ``set`` finds it, one elsewhere is asked over HTTP.
"""

import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from regcluster.control import errand, output
from regcluster.control.errand import Errand
from regcluster.control.exits import say_no
from regcluster.control.options import json_option
from regcluster.control.reach import typed
from regcluster.control.running import TIMEOUT_S, choose
from regcluster.control.web import Page, read_page
from regcluster.errors import told

TOKEN = "REGCLUSTER_TOKEN"

POLL_S = 0.2
"""Between two looks at a node elsewhere, which cannot tell us of its end."""

Wait = Callable[[], None]
"""Returns when the node has ended."""


@click.command()
@json_option
@click.option("--node", "wanted", metavar="NODE", help="Its name, or the id of its process.")
@click.option("--url", metavar="URL", help="A node elsewhere: host:port of its http.listen.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help=f"Holds the token that --url needs; else {TOKEN} in the environment does.",
)
@click.option("--wait", "waits", is_flag=True, help="Return only when the node has ended.")
def drain(
    as_json: bool, wanted: str | None, url: str | None, token_file: Path | None, waits: bool
) -> None:
    """Have a node end in order.

    It tells balancers that it is not ready, answers what it has taken on, and ends within
    node.drain_s, as on SIGTERM. Without --url it is one that runs here.
    """
    if url is not None and wanted is not None:
        raise click.UsageError("say --node or --url, not both")
    if token_file and url is None:
        raise click.UsageError("--token-file is for --url")
    if url is None:
        title, told, wait = _drain_here(wanted, waits=waits)
    else:
        page = typed(lambda: read_page(url))
        title, told, wait = _drain_there(page, _token(token_file))
    if waits:
        with _shown(f"{title} is draining"):
            wait()
    if as_json:
        click.echo(output.document({**told, "draining": True, "ended": waits}))
    else:
        click.echo(f"{title} {'has ended' if waits else 'is draining'}")


def _drain_here(wanted: str | None, *, waits: bool) -> tuple[str, dict[str, object], Wait]:
    node = choose(wanted)
    answer = node.answer
    try:
        # First, for it may have ended when it is asked for, and its number belong to another.
        process = os.pidfd_open(answer.pid) if waits else -1
        errand.ask(node.folder, Errand(drains=True), TIMEOUT_S)
    except OSError as why:
        say_no(f"{node.title} did not answer: {told(why)}")

    def wait() -> None:
        ends = select.poll()
        ends.register(process, select.POLLIN)
        ends.poll()
        os.close(process)

    return node.title, {"node": answer.node, "pid": answer.pid}, wait


def _drain_there(page: Page, token: str) -> tuple[str, dict[str, object], Wait]:
    try:
        status, text = page.ask("POST", "/api/v1/drain", token)
    except OSError as why:
        say_no(f"{page.title} did not answer: {told(why)}")
    if status >= 300:
        say_no(f"{page.title} says no: {status} {_reason(text)}".rstrip())

    def wait() -> None:
        while True:
            try:
                page.ask("GET", "/health/live")
            except OSError:
                return
            time.sleep(POLL_S)

    return page.title, {"url": str(page)}, wait


def _token(file: Path | None) -> str:
    """What lets us in; empty: nothing."""
    text = os.environ.get(TOKEN, "") if file is None else file.read_text(errors="replace")
    token = text.strip()
    # It becomes a line of a header.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError(f"{file or TOKEN} holds more than one token")
    return token


def _reason(text: str) -> str:
    """What a problem document says is wrong."""
    try:
        problem = json.loads(text)
        return output.printable(str(problem.get("detail") or problem.get("title") or ""))
    except (ValueError, AttributeError):
        return ""


@contextmanager
def _shown(label: str) -> Iterator[None]:
    """Something that moves on standard error, if that is a terminal."""
    # Only here: hardly any verb draws anything.
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(Text(label)):
        yield
