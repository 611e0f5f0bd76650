"""The verb that changes a running node, ``set``, and how one that runs here is found.

Namely by its private folder, among those of this user's that somebody still answers in.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from regcluster.config.values import shown
from regcluster.control import errand, output
from regcluster.control.completion import changeable_keys
from regcluster.control.errand import ROOT, Answer, Errand
from regcluster.control.exits import UNUSABLE, say_no
from regcluster.control.options import json_option
from regcluster.control.overlay import Change, Overridden
from regcluster.errors import ConfigError, told

TIMEOUT_S = 30.0
"""For an answer: a worker that hangs is found out, and killed, in less."""

HEADINGS = ("SETTING", "VALUE", "OTHERWISE", "FROM")


@dataclass(frozen=True, slots=True)
class Node:
    """A node that runs here."""

    folder: Path
    answer: Answer

    @property
    def title(self) -> str:
        """What tells it from others, for people."""
        return f"{output.printable(self.answer.node)} (process {self.answer.pid})"


@click.command("set", context_settings={"ignore_unknown_options": True})
@json_option
@click.option("--node", "wanted", metavar="NODE", help="Its name, or the id of its process.")
@click.option("--reset", is_flag=True, help="Give up what was set: each KEY, or all without one.")
@click.argument(
    "words",
    metavar="[KEY VALUE | KEY=VALUE]...",
    nargs=-1,
    type=click.UNPROCESSED,
    shell_complete=changeable_keys,
)
def set_(as_json: bool, wanted: str | None, reset: bool, words: tuple[str, ...]) -> None:
    """Change settings of a node that runs here.

    Without arguments it shows what was changed so. All its workers go by them when this returns. A
    SIGHUP leaves them as they are, a restart gives them up: what is to stay belongs into the
    settings file. Other nodes are not told.
    """
    changes = _resets(words) if reset else _changes(words)
    what = Errand(changes, resets_all=reset and not changes)
    node = choose(wanted)
    answer = node.answer
    if changes or what.resets_all:
        answer = _ask(node, what)
    if as_json:
        click.echo(output.document(_document(answer)))
    if answer.problems and as_json:
        raise click.exceptions.Exit(UNUSABLE)
    if answer.problems:
        raise ConfigError(answer.problems)
    if not as_json:
        click.echo(_told(node.title, answer, list(changes)))


def nodes(folder: Path) -> Iterator[Node]:
    """Every node that answers and may be trusted, by its folder in ``folder``."""
    for own in sorted(folder.glob(f"{errand.FOLDER}*")):
        try:
            if _is_trusted(own) and own.is_dir():
                yield Node(own, errand.ask(own, Errand(), TIMEOUT_S))
        except OSError:
            # It was killed, and has left its folder behind.
            continue


def choose(wanted: str | None) -> Node:
    """The one node there is, or the one ``wanted`` by name or process."""
    running = [node for folder in errand.homes() for node in nodes(folder)]
    if not running:
        say_no("no node of yours runs here")
    titles = ", ".join(node.title for node in running)
    if wanted is not None:
        running = [node for node in running if wanted in (node.answer.node, str(node.answer.pid))]
        if not running:
            say_no(f"no node {wanted} runs here, but {titles}")
        if len(running) > 1:
            ways = " or ".join(f"--node {node.answer.pid}" for node in running)
            problem = f"{len(running)} nodes here are called {output.printable(wanted)}"
            raise click.UsageError(f"{problem}; name its process: {ways}")
    if len(running) > 1:
        raise click.UsageError(f"{len(running)} nodes run here, so say --node: {titles}")
    return running[0]


def _is_trusted(own: Path) -> bool:
    """Whether a node is who it says: somebody else's could say whatever it liked.

    Root may speak to all that are where not everybody can put one.
    """
    user = os.geteuid()
    is_shared = own.parent.stat().st_mode & stat.S_IWOTH
    return own.lstat().st_uid == user or (user == ROOT and not is_shared)


def _ask(node: Node, what: Errand) -> Answer:
    try:
        return errand.ask(node.folder, what, TIMEOUT_S)
    except OSError as why:
        say_no(f"{node.title} did not answer, so look again what it goes by: {told(why)}")


def _changes(words: Sequence[str]) -> dict[str, Change]:
    """Values by key, from ``KEY VALUE`` and ``KEY=VALUE`` in any mixture."""
    found: dict[str, Change] = {}
    rest = list(words)
    while rest:
        key, mark, text = rest.pop(0).partition("=")
        if key.startswith("-"):
            raise click.NoSuchOption(key)
        if not mark:
            if not rest:
                raise click.UsageError(f"{key} has no value: write {key}=VALUE")
            text = rest.pop(0)
        found[key] = text
    return found


def _resets(words: Sequence[str]) -> dict[str, Change]:
    """The keys to reset, as changes to nothing."""
    for word in words:
        if word.startswith("-"):
            raise click.NoSuchOption(word)
        if "=" in word:
            raise click.UsageError("--reset takes keys without values")
    return dict.fromkeys(words)


def _told(title: str, answer: Answer, keys: Sequence[str]) -> str:
    """What was changed, or else all there is."""
    if not answer.overridden:
        return f"{title} goes by its settings as they were read."
    if not keys:
        rows = [_row(key, one) for key, one in answer.overridden.items()]
        return f"{title} goes by these until it is restarted:\n{output.table(HEADINGS, rows)}"
    return "\n".join(f"{title}: {_change(key, answer)}" for key in keys)


def _change(key: str, answer: Answer) -> str:
    if key in answer.overridden:
        return f"{key} is {shown(answer.overridden[key].value)} until it is restarted"
    return f"{key} is as it was read"


def _row(key: str, one: Overridden) -> tuple[str, str, str, str]:
    return key, shown(one.value), shown(one.otherwise), one.origin


def _document(answer: Answer) -> dict[str, object]:
    """The answer for machines."""
    built: dict[str, object] = msgspec.to_builtins(answer)
    return {"ok": not answer.problems, **built}
