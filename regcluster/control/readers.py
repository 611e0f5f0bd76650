"""Files with bindings in them, read as rows to put back, each with the place where it stands.

An export and CSV are read line by line, so that they may be of any size; JSON of ``ul.dump`` is one
document, and read whole.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from regcluster.config import Settings
from regcluster.control import kamailio_rows
from regcluster.control.admin import read_table
from regcluster.control.exported import MAX_LINE, End, Exported, alias_of, check, read_line
from regcluster.control.kamailio_rows import EXPIRED, Read, Rules, Skipped
from regcluster.control.restoring import Note, Row


@dataclass(frozen=True, slots=True)
class Reading:
    """A file, and what shapes what is read from it."""

    name: str
    file: IO[bytes]
    settings: Settings
    table: str | None
    """Where everything goes; None: where it says itself, or into the first table."""
    written_at: int
    """When the file was, by this machine's clock, epoch ms."""
    at: int
    """The same instant by the store's clock."""

    @property
    def rules(self) -> Rules:
        """Of rows of Kamailio's."""
        return Rules(self.settings.registrar, self.settings.location, self.written_at)

    def table_of(self, own: str | None) -> str:
        """Where something goes that names a table of its ``own``; ``ValueError``: nowhere."""
        return read_table(self.table or own, self.settings.location)


def exported_rows(reading: Reading) -> Iterator[Row | Note]:
    """The bindings of an export of ours."""
    is_complete = False
    number = 0
    for number, line in enumerate(_lines(reading.file), 1):
        place = f"{reading.name}:{number}"
        try:
            told = read_line(line)
        except ValueError as wrong:
            yield Note(place, str(wrong))
            continue
        if isinstance(told, Exported):
            yield from _rows_of(told, place, reading)
        else:
            is_complete = isinstance(told, End)
    if not is_complete:
        yield Note(f"{reading.name}:{number}", "the export ends here and is not complete")


def _rows_of(told: Exported, place: str, reading: Reading) -> Iterator[Row | Note]:
    for number, binding in enumerate(told.bindings, 1):
        where = place if len(told.bindings) == 1 else f"{place}, binding {number}"
        try:
            check(binding)
            alias = alias_of(binding, reading.settings.location)
            yield Row(where, reading.table_of(told.table), told.aor, binding, alias)
        except ValueError as wrong:
            yield Note(where, str(wrong))


def csv_rows(reading: Reading) -> Iterator[Row | Note]:
    """The bindings of a location table in CSV, below a line that names the columns."""
    lines = (line.decode("utf-8", "surrogateescape") for line in _lines(reading.file))
    header = kamailio_rows.header_of(next(lines, ""))
    if header is None:
        needed = ", ".join(kamailio_rows.NEEDED)
        yield Note(f"{reading.name}:1", f"no names of columns, such as {needed}")
        return
    columns, delimiter = header
    rows = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            cells = next(rows, None)
            place = f"{reading.name}:{rows.line_num + 1}"
            if cells is None:
                return
            if cells:
                read = kamailio_rows.read_row(columns, cells, reading.rules)
                yield _row(place, read, reading.table_of(None))
        except (ValueError, csv.Error) as wrong:
            yield Note(f"{reading.name}:{rows.line_num + 1}", str(wrong))


def dumped_rows(reading: Reading) -> Iterator[Row | Note]:
    """The bindings in what ``ul.dump`` tells."""
    try:
        tree = json.loads(reading.file.read())
        aors = list(kamailio_rows.dumped_aors(tree))
    except (ValueError, RecursionError) as wrong:
        yield Note(reading.name, f"no JSON: {wrong}")
        return
    if not aors:
        yield Note(reading.name, "no AOR in it")
    for table, aor in aors:
        place = f"{reading.name}: {aor['AoR']}"
        try:
            contacts = kamailio_rows.dumped_contacts(aor)
        except ValueError as wrong:
            yield Note(place, str(wrong))
            continue
        for number, contact in enumerate(contacts, 1):
            yield _dumped_row(f"{place}, contact {number}", (table, aor["AoR"]), contact, reading)


def _dumped_row(
    place: str, owner: tuple[str | None, Any], contact: Any, reading: Reading
) -> Row | Note:
    table, aor = owner
    try:
        read = kamailio_rows.read_dumped(aor, contact, reading.rules, reading.at)
        return _row(place, read, reading.table_of(table))
    except ValueError as wrong:
        return Note(place, str(wrong))


def _row(place: str, read: Read | Skipped, table: str) -> Row | Note:
    if isinstance(read, Read):
        return Row(place, table, read.aor, read.binding, read.alias)
    return Note(place, read.why, "expired" if read is EXPIRED else "skipped")


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of ``file``; of one that is far too long, only its beginning."""
    while line := file.readline(MAX_LINE + 1):
        rest = line
        while rest and len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        yield line
