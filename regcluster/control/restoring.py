"""Bindings from a file, put into the store: row by row, in memory that does not grow with the file.

What cannot be used is told with the place where it stands, and the rest goes on. Nothing is lost
by doing it again, so whoever was interrupted does just that.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import click

from regcluster.control import output
from regcluster.errors import StoreError
from regcluster.registrar.binding import Binding

if TYPE_CHECKING:
    from regcluster.store.api import Store

AT_ONCE = 200
"""Bindings on their way at the same time: a few milliseconds of the server's."""

MAX_TOLD = 100
"""Problems told one by one; the others are counted."""


@dataclass(slots=True)
class Row:
    """A binding to put back, and where it stands in its file."""

    place: str
    table: str
    aor: str
    binding: Binding
    alias: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something in a file that is not put back: a problem, or (``skipped``) just nothing for us."""

    place: str
    text: str
    kind: str = "bad"


@dataclass(slots=True)
class Report:
    """What became of a file."""

    counts: Counter[str] = field(
        default_factory=lambda: Counter(
            dict.fromkeys(("added", "refreshed", "kept", "expired", "skipped", "bad"), 0)
        )
    )
    notes: list[Note] = field(default_factory=list)
    is_silent: bool = False

    def note(self, note: Note) -> None:
        """Tell of ``note``, unless that has been done often enough."""
        self.counts[note.kind] += 1
        if note.kind == "expired":
            return
        if len(self.notes) < MAX_TOLD:
            self.notes.append(note)
            click.echo(output.printable(f"{note.place}: {note.text}"), err=True)
        elif not self.is_silent:
            self.is_silent = True
            click.echo("regcluster: what more there is to tell is only counted", err=True)

    def document(self) -> dict[str, object]:
        """The same for machines."""
        notes = [{"place": note.place, "kind": note.kind, "text": note.text} for note in self.notes]
        return {**self.counts, "notes": notes}


async def put_back(
    store: "Store", items: Iterable[Row | Note], report: Report, progress: Callable[[], None]
) -> None:
    """Restore every row of ``items``. Raises ``StoreError`` with the place it has come to."""
    for some in _pieces(items):
        rows = []
        for item in some:
            if isinstance(item, Note):
                report.note(item)
            else:
                rows.append(item)
        try:
            report.counts.update(await asyncio.gather(*[_restore(store, row) for row in rows]))
        except StoreError as why:
            raise type(why)(f"{why}; stopped at {rows[0].place}, do it again to go on") from None
        progress()


async def _restore(store: "Store", row: Row) -> str:
    return await store.restore(row.aor, row.binding, row.alias, row.table)


def _pieces(items: Iterable[Row | Note]) -> Iterator[list[Row | Note]]:
    source = iter(items)
    while some := list(islice(source, AT_ONCE)):
        yield some
