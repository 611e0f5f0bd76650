"""Operations on addresses-of-record and their bindings, as the verbs ``aor`` and ``contact``."""

import asyncio
from collections.abc import Callable
from urllib.parse import quote_from_bytes

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from regcluster.config import LocationSettings, RegistrarSettings, Settings
from regcluster.control import output
from regcluster.control.admin import (
    Wish,
    drop_contact,
    plan_add,
    read_contact,
    read_cursor,
    selection,
    write_cursor,
)
from regcluster.control.api.answers import NO_STORE, JsonResponse, Problem
from regcluster.control.api.desk import PREFIX, Desk
from regcluster.control.api.reading import (
    allowed,
    asked_aor,
    asked_table,
    read_body,
    read_query,
)
from regcluster.control.api.shapes import (
    Counts,
    DropQuery,
    ListQuery,
    NewContact,
    NoQuery,
    TableCounts,
    TableQuery,
)
from regcluster.log import get_logger
from regcluster.store import RedisStore
from regcluster.store.census import Census
from regcluster.store.keys import text_bytes

logger = get_logger(__name__)

Filter = Callable[[str], bool]

AT_ONCE = 100
"""AORs that are asked for in one go."""


async def list_aors(desk: Desk, request: Request) -> Response:
    """A page of the AORs that have bindings, in the order of the store's partitions."""
    query = read_query(request, ListQuery)
    settings = desk.node.in_force().settings
    table = asked_table(query.table, settings)
    includes = allowed(lambda: selection(query.prefix, query.domain, settings.location))
    store = await desk.node.store()
    try:
        with anyio.fail_after(desk.search_s):
            found, last = await _page(store, table, query, includes)
            rows = await _rows(store, table, found, settings)
    except TimeoutError:
        problem = (
            f"the search took longer than {desk.search_s:g} s: ask for one AOR, or a smaller page"
        )
        raise Problem(503, problem) from None
    cursor = write_cursor(last) if last else None
    return JsonResponse({"aors": rows, "cursor": cursor}, headers=NO_STORE)


async def show_aor(desk: Desk, request: Request) -> Response:
    """One AOR and its bindings, best first."""
    query = read_query(request, TableQuery)
    settings = desk.node.in_force().settings
    aor, table = asked_aor(request, settings), asked_table(query.table, settings)
    record = await (await desk.node.store()).fetch(aor, table)
    if not record.bindings:
        raise Problem(404, f"{aor} has no contacts")
    return JsonResponse(output.record_document(aor, record), headers=NO_STORE)


async def add_contact(desk: Desk, request: Request) -> Response:
    """Make a binding, or refresh it."""
    query = read_query(request, TableQuery)
    settings = desk.node.in_force().settings
    registrar = settings.registrar
    wanted = await read_body(request, NewContact)
    wish = Wish(
        aor=asked_aor(request, settings),
        contact=allowed(lambda: read_contact(wanted.contact, registrar)),
        expires=wanted.expires or _default_expires(registrar),
        q=registrar.default_q if wanted.q is None else round(wanted.q * 1000),
        table=asked_table(query.table, settings),
    )
    plan = plan_add(wish, registrar, settings.location)
    verdict = await (await desk.node.store()).save(plan)
    if verdict.outcome == "too_many":
        limit = plan.max_contacts
        raise Problem(409, f"{wish.aor} already has as many contacts as it may, {limit}")
    logger.info("contact saved by an operator", aor=wish.aor, outcome=verdict.outcome)
    document = {"outcome": verdict.outcome, **output.record_document(wish.aor, verdict.record)}
    headers = {"Location": href(wish.aor, settings.location), **NO_STORE}
    return JsonResponse(document, 201 if verdict.outcome == "added" else 200, headers)


async def remove_aor(desk: Desk, request: Request) -> Response:
    """Remove every binding of an AOR."""
    query = read_query(request, TableQuery)
    settings = desk.node.in_force().settings
    aor, table = asked_aor(request, settings), asked_table(query.table, settings)
    removed = await (await desk.node.store()).drop(aor, "", table)
    return _removed(aor, removed, f"{aor} has no contacts")


async def remove_contact(desk: Desk, request: Request) -> Response:
    """Remove the bindings of a Contact URI from an AOR, or the one of a record-unique id."""
    query = read_query(request, DropQuery)
    settings = desk.node.in_force().settings
    aor, table = asked_aor(request, settings), asked_table(query.table, settings)
    if bool(query.contact) == bool(query.ruid):
        raise Problem(400, "say either contact or ruid")
    contact = query.contact and allowed(lambda: read_contact(query.contact, settings.registrar))
    store = await desk.node.store()
    if contact:
        removed = await drop_contact(store, aor, contact, table, settings.location)
    else:
        removed = await store.drop(aor, query.ruid, table)
    return _removed(aor, removed, f"{aor} has no binding {query.contact or query.ruid}")


async def count_bindings(desk: Desk, request: Request) -> Response:
    """How much there is in each table that has not expired."""
    read_query(request, NoQuery)
    tables = desk.node.in_force().settings.location.tables
    counts: dict[str, TableCounts] = {}

    def note(table: str, bindings: int, aors: int) -> None:
        counts[table] = TableCounts(aors, bindings)

    await Census(await desk.node.store(), lambda: tables, note).take()
    document = Counts(sum(table.bindings for table in counts.values()), counts)
    return JsonResponse(msgspec.to_builtins(document), headers=NO_STORE)


def href(aor: str, location: LocationSettings) -> str:
    """Where ``aor`` is to be asked for."""
    # Nobody types the AOR of a host that looks like a user's name, but there may be one.
    text = f"sip:{aor}" if location.use_domain and "@" not in aor else aor
    return f"{PREFIX}/aors/{quote_from_bytes(text_bytes(text), safe='@:+')}"


async def _page(
    store: RedisStore, table: str, query: ListQuery, includes: Filter
) -> tuple[list[str], str]:
    """The AORs of a page, and the last of them if there are more."""
    found: list[str] = []
    async for aor in store.scan(table, read_cursor(query.cursor), includes):
        if len(found) == query.limit:
            return found, found[-1]
        found.append(aor)
    return found, ""


async def _rows(
    store: RedisStore, table: str, aors: list[str], settings: Settings
) -> list[dict[str, object]]:
    """A row for each that still has bindings."""
    rows: list[dict[str, object]] = []
    for start in range(0, len(aors), AT_ONCE):
        some = aors[start : start + AT_ONCE]
        records = await asyncio.gather(*[store.fetch(aor, table) for aor in some])
        rows += [
            {
                "aor": aor,
                "contacts": len(record.bindings),
                "href": href(aor, settings.location),
            }
            for aor, record in zip(some, records, strict=True)
            if record.bindings
        ]
    return rows


def _default_expires(registrar: RegistrarSettings) -> int:
    # A binding made to live 0 seconds would be a removal.
    if registrar.default_expires:
        return registrar.default_expires
    raise Problem(400, "registrar.default_expires is 0, so say expires")


def _removed(aor: str, removed: int, none: str) -> Response:
    if not removed:
        raise Problem(404, none)
    logger.info("contacts removed by an operator", aor=aor, removed=removed)
    return Response(status_code=204)
