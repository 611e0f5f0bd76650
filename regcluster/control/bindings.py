"""The verbs about bindings: ``aor list``, ``show``, ``add``, ``rm``, and ``stats``.

They reach the store directly, so they work while every node is down. One verb is one connection
and, ``list`` and ``stats`` apart, one round trip.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import click

from regcluster.config import RegistrarSettings
from regcluster.config.reader import Loaded
from regcluster.config.secrets import secret_free
from regcluster.control import output
from regcluster.control.admin import (
    Wish,
    plan_add,
    read_aor,
    read_contact,
    read_q,
    read_table,
)
from regcluster.control.exits import say_no
from regcluster.control.options import Command, Source, json_option, settings_options
from regcluster.errors import StoreError

if TYPE_CHECKING:
    from regcluster.store.api import Store

T = TypeVar("T")
Read = TypeVar("Read")

table_option = click.option(
    "--table", "table_text", metavar="TABLE", help="Default: the first of location.tables."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose bindings are meant, as typed."""

    aor_text: str
    table_text: str | None

    def read(self, loaded: Loaded) -> tuple[str, str]:
        """The AOR and its table, or wrong usage."""
        settings = loaded.settings
        aor = _read(lambda: read_aor(self.aor_text, settings.registrar, settings.location))
        return aor, _read_table(self.table_text, loaded)


def place(command: Command) -> Command:
    """Give ``command`` the argument ``AOR`` and the option ``--table``, as one ``Place``."""

    @table_option
    @click.argument("aor_text", metavar="AOR")
    @functools.wraps(command)
    def with_place(*given: Any, aor_text: str, table_text: str | None, **others: Any) -> None:
        command(*given, where=Place(aor_text, table_text), **others)

    return with_place


@click.group("aor")
def aor_group() -> None:
    """Look at the bindings of addresses-of-record, or change them.

    AOR is alice@example.com or sip:alice@example.com.
    """


@aor_group.command("list")
@settings_options
@json_option
@table_option
@click.option("--prefix", default="", help="Only AORs that begin with this.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Stop after so many; 0: never.",
)
def list_aors(
    source: Source, as_json: bool, table_text: str | None, prefix: str, limit: int
) -> None:
    """List the AORs that have bindings, one a line, in no order.

    With --json each line is a document of its own, {"aor": "..."}.
    """
    loaded = source.load()
    table = _read_table(table_text, loaded)

    async def walk(store: "Store") -> None:
        written = 0
        async for aor in store.scan(table):
            if not aor.startswith(prefix):
                continue
            if limit and written == limit:
                click.echo(f"regcluster: stopped after {limit}; --limit 0 lists all", err=True)
                return
            click.echo(output.document({"aor": aor}) if as_json else output.printable(aor))
            written += 1

    _look(loaded, walk)


@aor_group.command()
@settings_options
@json_option
@place
def show(source: Source, as_json: bool, where: Place) -> None:
    """Show the contacts of AOR, best first, each with what else is kept of it."""
    loaded = source.load()
    aor, table = where.read(loaded)
    record = _look(loaded, lambda store: store.fetch(aor, table))
    if as_json:
        click.echo(output.document(output.record_document(aor, record)))
    elif record.bindings:
        click.echo(output.record_table(record))
    if not record.bindings:
        say_no(f"{aor} has no contacts")


@aor_group.command()
@settings_options
@json_option
@place
@click.argument("contact_text", metavar="CONTACT")
@click.option("--expires", type=click.IntRange(1, 2**32 - 1), help="Lifetime, seconds.")
@click.option("--q", "q_text", metavar="Q", help="Preference, 0 to 1.")
def add(
    source: Source,
    as_json: bool,
    where: Place,
    contact_text: str,
    expires: int | None,
    q_text: str | None,
) -> None:
    """Bind the URI CONTACT to AOR, or refresh that binding.

    Without --expires and --q it lives and ranks as registrar.default_expires and
    registrar.default_q say. registrar.max_contacts and full_aor apply, min_expires and max_expires
    do not.
    """
    loaded = source.load()
    registrar = loaded.settings.registrar
    aor, table = where.read(loaded)
    wish = Wish(
        aor=aor,
        contact=_read(lambda: read_contact(contact_text, registrar)),
        expires=expires or _default_expires(registrar),
        q=registrar.default_q if q_text is None else _read(lambda: read_q(q_text)),
        table=table,
    )
    plan = plan_add(wish, registrar, loaded.settings.location)
    verdict = _ask(loaded, lambda store: store.save(plan), may_set_up=True)
    if verdict.outcome == "too_many":
        limit = plan.max_contacts
        say_no(f"{wish.aor} already has as many contacts as registrar.max_contacts allows, {limit}")
    if as_json:
        answer = output.record_document(wish.aor, verdict.record)
        click.echo(output.document({"outcome": verdict.outcome, **answer}))
    else:
        aor = output.printable(aor)
        click.echo(f"{verdict.outcome} {contact_text} for {aor}, {wish.expires} s")


@aor_group.command()
@settings_options
@json_option
@place
@click.option("--ruid", default="", help="Remove only the binding with this record-unique id.")
def rm(source: Source, as_json: bool, where: Place, ruid: str) -> None:
    """Remove all bindings of AOR, or one of them."""
    loaded = source.load()
    aor, table = where.read(loaded)
    removed = _look(loaded, lambda store: store.drop(aor, ruid, table))
    if as_json:
        click.echo(output.document({"aor": aor, "removed": removed}))
    elif removed:
        click.echo(f"removed {removed} {'binding' if removed == 1 else 'bindings'}")
    if not removed:
        say_no(f"{aor} has no binding {ruid}" if ruid else f"{aor} has no contacts")


@click.command()
@settings_options
@json_option
@click.option("--table", "table_text", metavar="TABLE", help="Default: all of location.tables.")
def stats(source: Source, as_json: bool, table_text: str | None) -> None:
    """Count the bindings in the store that have not expired."""
    loaded = source.load()
    settings = loaded.settings.store
    tables = loaded.settings.location.tables
    if table_text is not None:
        tables = [_read_table(table_text, loaded)]

    async def count(store: "Store") -> dict[str, int]:
        return {table: await store.count(table) for table in tables}

    counts = _look(loaded, count)
    bindings = sum(counts.values())
    rows: dict[str, str | int] = {
        "store": secret_free(settings.url),
        "prefix": settings.prefix,
        "partitions": settings.partitions,
    }
    if as_json:
        click.echo(output.document({"bindings": bindings, "tables": counts, **rows}))
        return
    each = {f"in {table}": counts[table] for table in tables if len(tables) > 1}
    click.echo(output.pairs({"bindings": bindings, **each, **rows}))


def _look(loaded: Loaded, verb: Callable[["Store"], Awaitable[T]]) -> T:
    """``_ask`` without setting the store up: one that nobody has used yet holds nothing to see."""
    return _ask(loaded, verb, may_set_up=False)


def _ask(loaded: Loaded, verb: Callable[["Store"], Awaitable[T]], *, may_set_up: bool) -> T:
    """Open the store, run ``verb`` on it, close it."""
    # Only here: ``--help`` and wrong usage should not wait for the store's half of us.
    from regcluster.store import open_store

    async def run() -> T:
        settings = loaded.settings.store
        store = await open_store(settings, may_set_up=may_set_up)
        try:
            return await verb(store)
        except StoreError as why:
            # An operator has several, and the wrong one in mind.
            raise type(why)(f"the store at {secret_free(settings.url)}: {why}") from None
        finally:
            await store.close()

    return anyio.run(run)


def _default_expires(registrar: RegistrarSettings) -> int:
    # A binding made to live 0 seconds would be a removal.
    if registrar.default_expires:
        return registrar.default_expires
    raise click.UsageError("registrar.default_expires is 0, so say --expires")


def _read_table(text: str | None, loaded: Loaded) -> str:
    return _read(lambda: read_table(text, loaded.settings.location))


def _read(parse: Callable[[], Read]) -> Read:
    try:
        return parse()
    except ValueError as wrong:
        raise click.UsageError(output.printable(str(wrong))) from None
