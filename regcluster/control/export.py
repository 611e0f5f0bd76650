"""The verb ``export``: all bindings of a store as JSON lines, however many there are.

A file that was cut short is gone on with behind its last whole line: the AOR there says where, as
the order of a scan is the same in every run.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from regcluster.config.reader import Loaded
from regcluster.control import output, progress
from regcluster.control.exits import UNUSABLE, fail
from regcluster.control.exported import (
    END,
    End,
    Header,
    aor_line,
    header_line,
    header_of,
    read_line,
)
from regcluster.control.options import Source, json_option, output_option, settings_options
from regcluster.control.reach import look, typed_table

if TYPE_CHECKING:
    from regcluster.store.api import Store

AT_ONCE = 100
"""AORs fetched in one go."""

BLOCK = 65_536


@dataclass(slots=True)
class Task:
    """What is to be written, and where."""

    file: IO[bytes]
    tables: Sequence[str]
    after: str = ""
    """An AOR of the first of the ``tables``, which is the last that is written already."""
    has_header: bool = False
    """Whether that is written already."""
    counts: dict[str, int] = field(default_factory=lambda: {"aors": 0, "bindings": 0})


@click.command()
@settings_options
@json_option
@click.option("--table", "table_text", metavar="TABLE|all", default="all", show_default=True)
@output_option("Write there instead of to standard output.")
@click.option("--force", is_flag=True, help="Write over a FILE that is there.")
@click.option("--resume", is_flag=True, help="Go on with a FILE that was cut short.")
def export(
    source: Source,
    as_json: bool,
    table_text: str,
    target: Path | None,
    force: bool,
    resume: bool,
) -> None:
    """Write all bindings as JSON lines, to be read by import.

    The first line tells where they come from, each other one has the bindings of an AOR, the last
    says that none is missing. What is registered meanwhile may be in it or not. How many there were
    is told at the end, with --json as JSON.
    """
    if not target and (force or resume):
        raise click.UsageError("--force and --resume need an --output")
    if force and resume:
        raise click.UsageError("say --force or --resume, not both")
    loaded = source.load()
    tables = _tables(table_text, loaded)
    try:
        task = _task(target, tables, loaded, "w" if force else "r" if resume else "x")
        if task is None:
            click.echo(f"{target} is complete", err=True)
            return
        with task.file:
            look(loaded, lambda store: _write(store, task, loaded))
    except FileExistsError:
        fail(
            f"{target} is there already; --resume goes on with it, --force writes over it", UNUSABLE
        )
    except OSError as why:
        fail(f"{target or 'standard output'}: cannot be written: {why.strerror}", UNUSABLE)
    summary = output.document(task.counts) if as_json else output.pairs(task.counts)
    click.echo(summary, err=not target)


def _tables(text: str, loaded: Loaded) -> list[str]:
    tables = loaded.settings.location.tables
    if text == "all" and text not in tables:
        return list(tables)
    return [typed_table(text, loaded)]


def _task(target: Path | None, tables: list[str], loaded: Loaded, mode: str) -> Task | None:
    """What is left to do; None: nothing. Raises ``OSError``."""
    if not target:
        return Task(click.open_file("-", "wb"), tables)
    if mode != "r" or not target.exists():
        return Task(target.open("wb" if mode == "w" else "xb"), tables)
    file = target.open("r+b")
    try:
        task = _resumed(file, tables, loaded)
    except ValueError as wrong:
        file.close()
        fail(f"{target}: cannot be gone on with: {wrong}", UNUSABLE)
    if task is None:
        file.close()
    return task


def _resumed(file: IO[bytes], tables: list[str], loaded: Loaded) -> Task | None:
    """The rest of what ``file`` has to hold; None: nothing. Raises ``ValueError``."""
    first = file.readline()
    if not first.endswith(b"\n"):
        file.seek(0)
        file.truncate()
        return Task(file, tables)
    header = read_line(first)
    store = loaded.settings.store
    asked = (store.prefix, store.partitions, tables)
    if not isinstance(header, Header):
        raise ValueError("its first line is no header")
    if asked != (header.prefix, header.partitions, header.tables):
        raise ValueError(
            f"it is of prefix {header.prefix}, {header.partitions} partitions, "
            f"tables {', '.join(header.tables)}"
        )
    last = read_line(_last_line(file))
    if isinstance(last, End):
        return None
    if isinstance(last, Header):
        return Task(file, tables, has_header=True)
    return Task(file, tables[tables.index(last.table) :], last.aor, has_header=True)


def _last_line(file: IO[bytes]) -> bytes:
    """The last whole line of ``file``, which then ends there."""
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start and tail.count(b"\n") < 2:
        step = min(BLOCK, start)
        start -= step
        file.seek(start)
        tail = file.read(step) + tail
    end = tail.rindex(b"\n") + 1
    file.seek(start + end)
    file.truncate()
    return tail[tail[: end - 1].rfind(b"\n") + 1 : end]


async def _write(store: "Store", task: Task, loaded: Loaded) -> None:
    from regcluster.store.schema import SCHEMA

    if not task.has_header:
        header = header_of(loaded.settings.store, SCHEMA, task.tables, await store.now())
        task.file.write(header_line(header).encode())
    length = sum([await store.count(table) for table in task.tables])
    after = task.after
    with progress.shown("exporting", length) as show:
        for table in task.tables:
            async for aors in _groups(store.scan(table, after)):
                await _write_some(store, task, table, aors)
                show(task.counts["bindings"])
            after = ""
    task.file.write(END.encode())


async def _write_some(store: "Store", task: Task, table: str, aors: Sequence[str]) -> None:
    records = await asyncio.gather(*[store.fetch(aor, table) for aor in aors])
    for aor, record in zip(aors, records, strict=True):
        # The last of them may have gone since.
        if record.bindings:
            task.file.write(aor_line(table, aor, record.bindings).encode())
            task.counts["aors"] += 1
            task.counts["bindings"] += len(record.bindings)


async def _groups(aors: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    group = []
    async for aor in aors:
        group.append(aor)
        if len(group) == AT_ONCE:
            yield group
            group = []
    if group:
        yield group
