"""The verbs about bindings: ``aor list``, ``show``, ``add``, ``rm``, ``contact rm``, and ``stats``.

``list`` and ``stats`` apart, one verb is a round trip or two.
"""

from typing import TYPE_CHECKING

import click

from regcluster.config import RegistrarSettings
from regcluster.config.secrets import secret_free
from regcluster.control import output
from regcluster.control.admin import (
    Wish,
    drop_contact,
    plan_add,
    read_contact,
    read_cursor,
    read_q,
    selection,
    write_cursor,
)
from regcluster.control.exits import say_no
from regcluster.control.options import Source, json_option, settings_options
from regcluster.control.reach import Place, ask, look, place, table_option, typed, typed_table
from regcluster.sip.headers import MAX_UINT32

if TYPE_CHECKING:
    from regcluster.store.api import Store


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
@click.option("--domain", metavar="DOMAIN", default="", help="Only AORs of this domain.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Stop after so many; 0: never.",
)
@click.option("--cursor", metavar="CURSOR", default="", help="Go on where a list has stopped.")
def list_aors(
    source: Source, as_json: bool, table_text: str | None, limit: int, cursor: str, **wanted: str
) -> None:
    """List the AORs that have bindings, one a line.

    The order is that of the store's partitions. A list that stops at its limit ends with the cursor
    to go on from, on standard error. With --json each line is a document of its own, {"aor":
    "..."}, and that one {"cursor": "..."}.
    """
    loaded = source.load()
    table = typed_table(table_text, loaded)
    location = loaded.settings.location
    includes = typed(lambda: selection(wanted["prefix"], wanted["domain"], location))
    after = read_cursor(cursor)

    async def walk(store: "Store") -> None:
        written, last = 0, ""
        async for aor in store.scan(table, after, includes):
            if limit and written == limit:
                _say_more(last, limit, as_json)
                return
            click.echo(output.document({"aor": aor}) if as_json else output.printable(aor))
            written, last = written + 1, aor

    look(loaded, walk)


@aor_group.command()
@settings_options
@json_option
@place
def show(source: Source, as_json: bool, where: Place) -> None:
    """Show the contacts of AOR, best first.

    Each with what else is kept of it.
    """
    loaded = source.load()
    aor, table = where.read(loaded)
    record = look(loaded, lambda store: store.fetch(aor, table))
    if as_json:
        click.echo(output.document(output.record_document(aor, record)))
    elif record.bindings:
        click.echo(output.record_table(record))
    if not record.bindings:
        say_no(f"{aor} has no contacts{where.left_out(loaded)}")


@aor_group.command()
@settings_options
@json_option
@place
@click.argument("contact_text", metavar="URI")
@click.option("--expires", type=click.IntRange(1, MAX_UINT32), help="Lifetime, seconds.")
@click.option("--q", "q_text", metavar="Q", help="Preference, 0 to 1.")
def add(
    source: Source,
    as_json: bool,
    where: Place,
    contact_text: str,
    expires: int | None,
    q_text: str | None,
) -> None:
    """Bind the contact URI to AOR, or refresh that binding.

    Without --expires and --q it lives and ranks as registrar.default_expires and
    registrar.default_q say. registrar.max_contacts and full_aor apply, min_expires and max_expires
    do not.
    """
    loaded = source.load()
    registrar = loaded.settings.registrar
    aor, table = where.read(loaded)
    wish = Wish(
        aor=aor,
        contact=typed(lambda: read_contact(contact_text, registrar)),
        expires=expires or _default_expires(registrar),
        q=registrar.default_q if q_text is None else typed(lambda: read_q(q_text)),
        table=table,
    )
    plan = plan_add(wish, registrar, loaded.settings.location)
    verdict = ask(loaded, lambda store: store.save(plan), may_set_up=True)
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
    removed = look(loaded, lambda store: store.drop(aor, ruid, table))
    none = f"{aor} has no binding {ruid}" if ruid else f"{aor} has no contacts"
    _say_removed(aor, removed, as_json, none + where.left_out(loaded))


@click.group("contact")
def contact_group() -> None:
    """Change single bindings of addresses-of-record."""


@contact_group.command("rm")
@settings_options
@json_option
@place
@click.argument("contact_text", metavar="[URI]", default="")
@click.option("--ruid", default="", help="Remove the binding with this record-unique id.")
def rm_contact(source: Source, as_json: bool, where: Place, contact_text: str, ruid: str) -> None:
    """Remove the binding of URI from AOR.

    Or, with --ruid, the one of that id. URIs are compared as for a phone (RFC 3261 section 19.1.4,
    or as location.uri_equality has it), whatever location.matching_mode says; a URI may name
    several bindings then.
    """
    if bool(contact_text) == bool(ruid):
        raise click.UsageError("say either URI or --ruid")
    loaded = source.load()
    settings = loaded.settings
    aor, table = where.read(loaded)
    contact = (
        typed(lambda: read_contact(contact_text, settings.registrar)) if contact_text else None
    )

    async def remove(store: "Store") -> int:
        if contact is None:
            return await store.drop(aor, ruid, table)
        return await drop_contact(store, aor, contact, table, settings.location)

    none = f"{aor} has no binding {contact_text or ruid}{where.left_out(loaded)}"
    _say_removed(aor, look(loaded, remove), as_json, none)


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
        tables = [typed_table(table_text, loaded)]

    async def count(store: "Store") -> dict[str, int]:
        return {table: await store.count(table) for table in tables}

    counts = look(loaded, count)
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


def _say_more(last: str, limit: int, as_json: bool) -> None:
    """Where to go on behind the AOR ``last``."""
    cursor = write_cursor(last)
    if as_json:
        click.echo(output.document({"cursor": cursor}))
    else:
        click.echo(f"regcluster: stopped after {limit}; go on with --cursor {cursor}", err=True)


def _say_removed(aor: str, removed: int, as_json: bool, none: str) -> None:
    """How many bindings went; the sentence ``none`` if there were none."""
    if as_json:
        click.echo(output.document({"aor": aor, "removed": removed}))
    elif removed:
        click.echo(f"removed {removed} {'binding' if removed == 1 else 'bindings'}")
    if not removed:
        say_no(none)


def _default_expires(registrar: RegistrarSettings) -> int:
    # A binding made to live 0 seconds would be a removal.
    if registrar.default_expires:
        return registrar.default_expires
    raise click.UsageError("registrar.default_expires is 0, so say --expires")
