"""The verb ``import``: what somebody else has kept, settings or bindings, made ours.

What a file is, is seen from how it begins. Settings come out as a file of ours; bindings go into
the store.
"""

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from regcluster.config.reader import Loaded
from regcluster.control import kamailio_rows, output, progress, readers
from regcluster.control.exits import NEGATIVE, UNUSABLE, fail
from regcluster.control.migration import Choice, import_settings
from regcluster.control.options import Source, json_option, output_option, settings_options
from regcluster.control.reach import ask, typed_table
from regcluster.control.readers import Reading
from regcluster.control.restoring import Note, Report, Row, put_back

if TYPE_CHECKING:
    from regcluster.store.api import Store

SETTINGS = "settings"

READERS: dict[str, Callable[[Reading], Iterator[Row | Note]]] = {
    "export": readers.exported_rows,
    "ul.dump": readers.dumped_rows,
    "csv": readers.csv_rows,
}
"""What bindings can come as."""

OPTIONS = {
    "--output": ("target", SETTINGS),
    "--force": ("force", SETTINGS),
    "--define": ("defines", SETTINGS),
    "--table": ("table_text", *READERS),
    "--config": ("file", *READERS),
    "--set": ("overrides", *READERS),
}
"""Options that do not fit every kind of file: the parameter, and the kinds they do fit."""

LOOK = 2**20
"""Octets from the beginning of a file that tell what it is."""

_CONFIGURATION = re.compile(
    rb"^\s*(?:modparam\s*\(|loadmodule\b|#!KAMAILIO|#!SER|(?:request_)?route\s*[\[{])", re.M
)


@click.command("import")
@settings_options
@json_option
@click.option(
    "--format",
    "kind",
    type=click.Choice([SETTINGS, *READERS]),
    help="What FILE is. Default: as it begins.",
)
@click.option(
    "--table",
    "table_text",
    metavar="TABLE",
    help="Bindings: put all into this table. Default: into that they name, else the first.",
)
@output_option("Settings: write them there instead of to standard output.")
@click.option("--force", is_flag=True, help="Settings: write over a FILE that is there.")
@click.option(
    "--define",
    "-A",
    "defines",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Settings: as Kamailio's option -A; may be repeated.",
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True))
def import_(source: Source, as_json: bool, kind: str | None, path: Path, **options: Any) -> None:
    """Take over bindings, or settings, from FILE.

    FILE "-" is standard input.

    settings: a Kamailio configuration. Settings of ours are written from the modparam lines of its
    modules registrar and usrloc; whatever has no place here is told on standard error, and in the
    settings as comments. Files it includes are not read.

    export: what the verb export has written. ul.dump: what that RPC of Kamailio's tells, in JSON;
    lifetimes count from when FILE was written. csv: a location table of Kamailio's, with the names
    of its columns in the first line; its times are in this machine's time zone.

    Bindings keep what is left of their lifetimes. A newer one in the store stays, so doing it
    twice, or again after an interruption, changes nothing. What cannot be used is told with its
    place, the rest goes on, and the exit code is 1. Those that never expire are told and skipped.
    """
    with _opened(path) as file:
        kind = kind or _kind_of(file.read(LOOK), path)
        file.seek(0)
        _refuse_unfit(kind)
        if kind == SETTINGS:
            text = file.read().decode("utf-8", "replace")
            choice = Choice(as_json, options["target"], options["force"], options["defines"])
            import_settings(str(path), text, choice)
            return
        report = _import_bindings(file, str(path), kind, source.load(), options["table_text"])
    click.echo(output.document(report.document()) if as_json else output.pairs(report.counts))
    if report.counts["bad"]:
        raise click.exceptions.Exit(NEGATIVE)


def kind_of(head: bytes) -> str | None:
    """What a file is that begins with ``head``; None: nothing we know."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    first = start.partition(b"\n")[0]
    if start[:1] in (b"{", b"["):
        is_ours = b'"regcluster"' in first or b'"bindings"' in first
        return "export" if is_ours else "ul.dump"
    if kamailio_rows.header_of(first.decode("utf-8", "replace")):
        return "csv"
    return SETTINGS if _CONFIGURATION.search(head) else None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, to be read more than once."""
    is_stdin = str(path) == "-"
    try:
        file = sys.stdin.buffer if is_stdin else path.open("rb")
    except OSError as why:
        fail(f"{path}: cannot be read: {why.strerror}", UNUSABLE)
    with file:
        if not is_stdin and file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(file, spool)
            spool.seek(0)
            yield spool


def _kind_of(head: bytes, path: Path) -> str:
    kind = kind_of(head)
    if kind is None:
        fail(f"{path}: what this is, is not to be seen from how it begins; say --format", UNUSABLE)
    return kind


def _refuse_unfit(kind: str) -> None:
    """Wrong usage, if an option was typed that means nothing for this kind of file."""
    ctx = click.get_current_context()
    for option, (parameter, *kinds) in OPTIONS.items():
        is_typed = ctx.get_parameter_source(parameter) is ParameterSource.COMMANDLINE
        if is_typed and kind not in kinds:
            raise click.UsageError(f"{option} does not fit what this file is: {kind}")


def _import_bindings(
    file: IO[bytes], name: str, kind: str, loaded: Loaded, table_text: str | None
) -> Report:
    """Put back what is in ``file``."""
    table = None if table_text is None else typed_table(table_text, loaded)
    status = os.fstat(file.fileno())
    written_at = int(status.st_mtime * 1000)
    age_ms = max(int(time.time() * 1000) - written_at, 0)
    report = Report()

    async def run(store: "Store") -> None:
        at = await store.now() - age_ms
        reading = Reading(name, file, loaded.settings, table, written_at, at)
        with progress.shown("importing", status.st_size) as show:
            await put_back(store, READERS[kind](reading), report, lambda: show(file.tell()))

    ask(loaded, run, may_set_up=True)
    return report
